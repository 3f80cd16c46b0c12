"""What changed between two recipes, in one line a field."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

__all__ = ["Changes", "diff"]


class Changes(str):
    """Lines of text that show as they are, also at the end of a notebook's cell."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def diff(old: Any, new: Any) -> Changes:
    """Return one line for each field that differs, ``step.field: old -> new``.

    Examples
    --------
    >>> from fovnb.recipe import Circle, Exclusion
    >>> diff(Exclusion(), Exclusion([Circle(83.6, 22, 0.3)]))
    regions: () -> (Circle(lon_deg=83.6, lat_deg=22.0, radius_deg=0.3, frame='icrs', name='', origin='user', ...
    """
    return Changes("\n".join(_lines("", old, new)))


def _lines(path: str, old: Any, new: Any) -> Iterator[str]:
    """Yield a line for each value that differs, as deep as both sides have the same parts."""
    if old == new:
        return
    if is_dataclass(old) and type(old) is type(new):
        for one in fields(old):
            yield from _lines(
                f"{path}.{one.name}" if path else one.name, getattr(old, one.name), getattr(new, one.name)
            )
    elif isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new) and any(map(is_dataclass, old)):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from _lines(f"{path}[{i}]", a, b)
    else:
        yield f"{path}: {old!r} -> {new!r}"
