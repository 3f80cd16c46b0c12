"""What a message says: a value, and what its field expects, as a person would."""

from dataclasses import is_dataclass
from math import isfinite
from typing import Any, get_args, get_origin

from fovnb.recipe.fields import FieldInfo, members_of

__all__ = ["expected", "short"]

_LENGTH = 80


def short(value: object) -> str:
    """Return a value's ``repr`` in at most 80 characters.

    Examples
    --------
    >>> short("x" * 100)[-10:]
    'xxxxxxx...'
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits; lists in lists in lists
        return f"a {type(value).__name__} that is too large to print"
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 3]}..."


def expected(info: FieldInfo) -> str:
    """Return what a field may hold.

    Examples
    --------
    >>> from fovnb.recipe import SafeMask, field_info
    >>> expected(field_info(SafeMask, "offset_max_deg"))
    'a number above 0 and at most 180 deg'
    """
    return _words(info, info.annotation)


def _words(info: FieldInfo, annotation: Any) -> str:
    members = members_of(annotation)
    kinds = [one for one in members if one is not type(None)]
    if is_dataclass(kinds[0]):
        words = " or ".join(one.__name__ for one in kinds)
    elif get_origin(kinds[0]) is tuple:
        words = _several(info, get_args(kinds[0]))
    else:
        plain = {float: "a number", int: "a whole number", bool: "True or False", str: "text"}
        words = plain.get(kinds[0]) or f"one of {', '.join(map(repr, info.choices))}"
        words += _range(info) if kinds[0] in (float, int) else ""
    return f"{words}, or None" if len(kinds) < len(members) else words


def _several(info: FieldInfo, inner: tuple[Any, ...]) -> str:
    """Return the words for a tuple."""
    if inner[-1] is Ellipsis:
        return f"a list, each {_words(info, inner[0])}"
    words = dict.fromkeys(_words(info, one) for one in inner)
    return f"{len(inner)} values, {'each ' if len(words) == 1 else ''}{' and '.join(words)}"


def _range(info: FieldInfo) -> str:
    """Return the bounds and the unit of a number."""
    low = [f"{'above' if info.open_low else 'of at least'} {info.low:g}"] if isfinite(info.low) else []
    high = [f"at most {info.high:g}"] if isfinite(info.high) else []
    return "".join(f" {part}" for part in (" and ".join(low + high), info.unit) if part)
