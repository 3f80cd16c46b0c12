"""What records give away: arrays and dictionaries through which nothing of the record can be changed."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

__all__ = ["FrozenDict", "frozen", "frozen_parts"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_T = TypeVar("_T")
_HOLDERS = (np.ndarray, tuple, dict)  # what `frozen` does not return as it is


class FrozenDict(Mapping[_K, _V], Generic[_K, _V]):
    """A dictionary without item assignment, which, unlike a mapping proxy, can be copied deeply and pickled.

    Examples
    --------
    >>> FrozenDict({"norm": 0.5})
    {'norm': 0.5}
    """

    __slots__ = ("_held",)

    def __init__(self, held: Mapping[_K, _V]) -> None:
        self._held = dict(held)

    def __getitem__(self, key: _K) -> _V:
        return self._held[key]

    def __iter__(self) -> Iterator[_K]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return repr(self._held)


def frozen(value: Any) -> Any:
    """Return a read-only view of an array, or of each in a tuple, a frozen dict, and anything else as it is.

    Examples
    --------
    >>> array = np.zeros(2)
    >>> frozen(array).flags.writeable, array.flags.writeable
    (False, True)
    """
    kind = type(value)
    if kind is np.ndarray:
        if not value.flags.writeable:
            return value
        view = value.view()
        view.setflags(write=False)
        return view
    if kind is dict:
        return FrozenDict(value)
    return tuple(map(frozen, value)) if kind is tuple else value


def frozen_parts(record: _T, **parts: Any) -> _T:
    """Return a shallow copy of a dataclass with its parts `frozen`, and some replaced."""
    new: _T = object.__new__(type(record))
    held = vars(record) | parts
    vars(new).update({name: frozen(value) if type(value) in _HOLDERS else value for name, value in held.items()})
    return new
