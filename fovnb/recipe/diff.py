"""What changed between two recipes, in one line a field."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from fovnb.errors import RecipeError
from fovnb.recipe.fields import fields_of
from fovnb.recipe.words import short

__all__ = ["Changes", "diff"]

_NOTHING = object()


class Changes(str):
    """Lines of text that show as they are, also at the end of a notebook's cell."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def diff(old: Any, new: Any) -> Changes:
    """Return one line for each field that differs, ``step.field: old -> new``; empty if nothing does.

    Regions and other steps in a list are numbered as in the old recipe, added ones as in the new.

    Raises
    ------
    RecipeError
        If the two are not of a kind.

    Examples
    --------
    >>> from fovnb.recipe import Circle, Exclusion
    >>> small, other = Circle(83.6, 22, 0.2, name="Crab"), Circle(84, 23, 0.1)
    >>> diff(Exclusion([small]), Exclusion([small.edit(radius_deg=0.3), other]))
    regions[0].radius_deg: 0.2 -> 0.3
    regions[1]: added Circle(lon_deg=84.0, lat_deg=23.0, radius_deg=0.1)
    """
    if type(old) is not type(new):
        msg = f"{type(old).__name__} is compared with {short(new)}; expected another {type(old).__name__}"
        raise RecipeError(msg)
    return Changes("\n".join(_lines("", old, new)))


def _lines(path: str, old: Any, new: Any) -> Iterator[str]:
    """Yield a line for each value that differs, as deep as both sides have the same parts."""
    if old == new:
        return
    if is_dataclass(old) and type(old) is type(new):
        for name in fields_of(type(old)):
            yield from _lines(f"{path}.{name}".lstrip("."), getattr(old, name), getattr(new, name))
    elif isinstance(old, tuple) and isinstance(new, tuple) and any(map(is_dataclass, old + new)):
        yield from _items(path, old, new)
    else:
        yield f"{path}: {old!r} -> {new!r}"


def _items(path: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[str]:
    """Yield the lines of two lists of steps: those that are equal are found first, wherever they stand."""
    for tag, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for number, (a, b) in enumerate(zip_longest(old[i:i_end], new[j:j_end], fillvalue=_NOTHING)):
            if a is _NOTHING:
                yield f"{path}[{j + number}]: added {b!r}"
            elif b is _NOTHING:
                yield f"{path}[{i + number}]: removed {a!r}"
            else:
                yield from _lines(f"{path}[{i + number}]", a, b)
