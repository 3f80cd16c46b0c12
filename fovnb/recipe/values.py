"""Checks of values against the fields of a recipe: plain values come out, or a sentence that names the field."""

import operator
from collections.abc import Collection, Mapping, Set
from dataclasses import is_dataclass
from itertools import pairwise
from math import isfinite
from numbers import Real
from typing import Any, Literal, NoReturn, get_args, get_origin

import numpy as np

from fovnb.errors import RecipeError
from fovnb.recipe.fields import FieldInfo, members_of
from fovnb.recipe.paths import path_problem, text_problem
from fovnb.recipe.words import expected, short
from fovnb.text import did_you_mean

__all__ = ["checked"]

_APART = 1e-9  # relative; nearer ones make bins that floats cannot tell apart


def checked(info: FieldInfo, value: Any, owner: str) -> Any:
    """Return a value as the plain type of its field: numbers as int or float, sequences as tuples.

    Parameters
    ----------
    info : FieldInfo
        The field.
    value : object
        What is to be set.
    owner : str
        Name of the step, for the message.

    Raises
    ------
    RecipeError
        If it cannot be the field's value.

    Examples
    --------
    >>> from fovnb.recipe import SafeMask, field_info
    >>> checked(field_info(SafeMask, "offset_max_deg"), 2, "SafeMask")
    2.0
    """
    try:
        return _converted(info, info.annotation, value)
    except _WrongError as error:
        problem = str(error)
    except (TypeError, ValueError, OverflowError):
        problem = f"expected {expected(info)}"
    msg = f"{owner}.{info.name} is {short(value)}; {problem}"
    raise RecipeError(msg)


class _WrongError(ValueError):
    """A value that cannot be right, with what was expected."""


def _wrong(problem: str) -> NoReturn:
    raise _WrongError(problem)


def _converted(info: FieldInfo, annotation: Any, value: Any) -> Any:
    """Return a value as the type of an annotation, or raise TypeError or ValueError."""
    members = members_of(annotation)
    if value is None and type(None) in members:
        return None
    kinds = [one for one in members if one is not type(None)]
    if is_dataclass(kinds[0]):
        if type(value) not in kinds:
            raise TypeError
        return value
    if get_origin(kinds[0]) is tuple:
        return _items(info, get_args(kinds[0]), value)
    if get_origin(kinds[0]) is Literal:
        return _choice(value, get_args(kinds[0]))
    return _PLAIN[kinds[0]](info, value)


def _items(info: FieldInfo, inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    """Return a tuple of converted items; text and what has no order hold none."""
    if isinstance(value, str | bytes | Set | Mapping) or not isinstance(value, Collection):
        raise TypeError
    types = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
    found = tuple(_converted(info, one, item) for one, item in zip(types, value, strict=True))
    if len(found) < info.least:
        _wrong(f"expected at least {info.least} value{'s' if info.least > 1 else ''}")
    if info.form == "increasing" and not all(b - a > _APART * b for a, b in pairwise(found)):
        _wrong("expected increasing numbers")
    return found


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in choices:
        return _exact(value)
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return _wrong(f"expected one of {', '.join(map(repr, choices))}{hint}")


def _number(info: FieldInfo, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError
    return _bounded(info, float(value) + 0.0)  # -0.0 becomes 0.0: equal recipes are written alike


def _whole(info: FieldInfo, value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return int(_bounded(info, operator.index(value)))


def _bounded(info: FieldInfo, value: float) -> float:
    above = value > info.low if info.open_low else value >= info.low
    if not (isfinite(value) and above and value <= info.high):
        raise ValueError
    return value


def _flag(info: FieldInfo, value: Any) -> bool:  # noqa: ARG001 - all converters take the field
    if not isinstance(value, bool | np.bool_):
        raise TypeError
    return bool(value)


def _text(info: FieldInfo, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if problem := (path_problem if info.form == "path" else text_problem)(value):
        _wrong(problem)
    return _exact(value)


def _exact(value: str) -> str:
    """Return the text alone, whatever kind of str it was."""
    return str.__str__(value)


_PLAIN = {float: _number, int: _whole, bool: _flag, str: _text}
