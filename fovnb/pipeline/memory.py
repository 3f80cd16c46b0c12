"""What was computed before, by the values that it was computed from; the least recently used goes first."""

import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

from fovnb.errors import InvalidInputError

__all__ = ["Key", "Memory", "default_limit"]

_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


class Key:
    """Values as a key whose hash is worked out once: one of a recipe's steps goes through all of its fields.

    Examples
    --------
    >>> Key("cube", 1.0) == Key("cube", 1), Key("cube") == Key("stack")
    (True, False)
    """

    __slots__ = ("_hash", "_values")

    def __init__(self, *values: Hashable) -> None:
        self._values = values
        self._hash = hash(values)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return type(other) is Key and self._values == other._values

    def __repr__(self) -> str:
        return f"Key{self._values!r}"


class Memory:
    """Values by their keys, bounded by the bytes of their arrays; arrays that values share count once.

    Parameters
    ----------
    limit_bytes : int
        Most bytes to hold. A larger value is not kept.
    sizes : callable
        Returns the bytes of each distinct array of a value, by its id.

    Examples
    --------
    >>> memory = Memory(100, lambda text: {id(text): len(text)})
    >>> for name in ("first", "second", "third"):
    ...     memory.put(name, name * 8)
    >>> memory.get("first"), memory.nbytes
    (None, 88)
    """

    def __init__(self, limit_bytes: int, sizes: Callable[[Any], Mapping[int, int]]) -> None:
        if isinstance(limit_bytes, bool) or not isinstance(limit_bytes, int) or limit_bytes < 0:
            msg = f"limit_bytes is {limit_bytes!r}; expected a whole number of bytes, 0 or more"
            raise InvalidInputError(msg)
        self._limit = limit_bytes
        self._sizes = sizes
        self._entries: OrderedDict[Hashable, tuple[Hashable, Any, Mapping[int, int]]] = OrderedDict()
        self._holders: Counter[int] = Counter()
        self.nbytes = 0

    def get(self, key: Hashable) -> Any:
        """Return a value, or None if it is not there."""
        found = self._entries.get(key)
        if found is None:
            return None
        own, value, _ = found
        self._entries.move_to_end(own)  # the very same key: equal ones would be compared once more
        return value

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value, unless it alone is too large, and forget those that were not used for longest until all fit."""
        self._forget(key)
        sizes = self._sizes(value)
        if sum(sizes.values()) > self._limit:
            return
        self._entries[key] = (key, value, sizes)
        for array, size in sizes.items():
            holders = self._holders.get(array, 0)
            self._holders[array] = holders + 1
            self.nbytes += 0 if holders else size
        while self.nbytes > self._limit:
            self._forget(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._entries):
            self._forget(key)

    @property
    def used(self) -> str:
        """How much of the limit is used, in words."""
        return f"{self.nbytes / 1e6:.0f} of {self._limit / 1e6:.0f} MB"

    def __len__(self) -> int:
        return len(self._entries)

    def _forget(self, key: Hashable) -> None:
        *_, sizes = self._entries.pop(key, (None, None, {}))
        for array, size in sizes.items():
            self._holders[array] -= 1
            if not self._holders[array]:
                del self._holders[array]
                self.nbytes -= size


def default_limit() -> int:
    """Return a quarter of the memory that this process may use, 1 GB at most.

    Examples
    --------
    >>> 0 < default_limit() <= 10**9
    True
    """
    limits = [int(text) for path in _CONTAINER if path.exists() and (text := path.read_text().strip()).isdecimal()]
    if hasattr(os, "sysconf"):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min([10**9, *(limit // 4 for limit in limits)])
