"""Checks of values against the fields of a recipe: plain values come out, or a sentence that names the field."""

import operator
from collections.abc import Iterable
from dataclasses import is_dataclass
from itertools import pairwise
from math import isfinite
from numbers import Real
from types import UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin

from fovnb.errors import RecipeError
from fovnb.recipe.fields import FieldInfo
from fovnb.recipe.paths import check_path
from fovnb.text import did_you_mean

__all__ = ["checked"]


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
    >>> from fovnb.recipe import SafeMask
    >>> from fovnb.recipe.fields import field_info
    >>> checked(field_info(SafeMask, "offset_max_deg"), 2, "SafeMask")
    2.0
    """
    try:
        return _converted(info, info.annotation, value)
    except (TypeError, ValueError, OverflowError) as error:
        problem = error.args[0] if isinstance(error, _WrongError) else f"expected {_words(info, info.annotation)}"
        msg = f"{owner}.{info.name} is {_short(value)}; {problem}"
        raise RecipeError(msg) from None


class _WrongError(ValueError):
    """A value that cannot be right, with what was expected."""


def _wrong(problem: str) -> NoReturn:
    raise _WrongError(problem)


def _converted(info: FieldInfo, annotation: Any, value: Any) -> Any:
    """Return a value as the type of an annotation, or raise TypeError or ValueError."""
    members = _members(annotation)
    if value is None:
        if type(None) in members:
            return None
        raise TypeError
    kinds = tuple(one for one in members if isinstance(one, type) and is_dataclass(one))
    if kinds:
        if not isinstance(value, kinds):
            raise TypeError
        return value
    annotation = next(one for one in members if one is not type(None))
    if get_origin(annotation) is tuple:
        return _items(info, annotation, value)
    if get_origin(annotation) is Literal:
        return _choice(value, get_args(annotation))
    return _PLAIN[annotation](info, value)


def _items(info: FieldInfo, annotation: Any, value: Any) -> tuple[Any, ...]:
    """Return a tuple of converted items."""
    inner = get_args(annotation)
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError
    values = list(value)
    if inner[-1] is not Ellipsis and len(values) != len(inner):
        raise TypeError
    types = [inner[0]] * len(values) if inner[-1] is Ellipsis else inner
    found = tuple(_converted(info, one, item) for one, item in zip(types, values, strict=True))
    if len(found) < info.least:
        _wrong(f"expected at least {info.least} values")
    if info.form == "increasing" and not all(a < b for a, b in pairwise(found)):
        _wrong("expected increasing numbers")
    return found


def _choice(value: Any, choices: tuple[Any, ...]) -> Any:
    if isinstance(value, str) and value in choices:
        return str(value)
    hint = did_you_mean(value, choices) if isinstance(value, str) else ""
    return _wrong(f"choose from {', '.join(map(repr, choices))}{hint}")


def _number(info: FieldInfo, value: Any) -> float:
    if isinstance(value, bool | str) or not isinstance(value, Real):
        raise TypeError
    return _bounded(info, float(value))


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
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text(info: FieldInfo, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        _wrong("expected text that UTF-8 can hold")
    if info.form == "path" and (problem := check_path(value)):
        _wrong(problem)
    return str(value)


_PLAIN = {float: _number, int: _whole, bool: _flag, str: _text}


def _members(annotation: Any) -> tuple[Any, ...]:
    """Return what a union is made of, or the annotation itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _words(info: FieldInfo, annotation: Any) -> str:
    """Return what was expected, as a person says it."""
    members = _members(annotation)
    names = [getattr(one, "__name__", "") for one in members if is_dataclass(one)]
    if names:
        return " or ".join([*names, *(["None"] if type(None) in members else [])])
    inner = next(one for one in members if one is not type(None))
    none = ", or None" if len(members) > 1 else ""
    if get_origin(inner) is tuple:
        kinds = get_args(inner)
        size = "a list" if kinds[-1] is Ellipsis else f"{len(kinds)} values"
        return f"{size}, each {_words(info, kinds[0])}{none}"
    plain = {float: "a number", int: "a whole number", bool: "True or False", str: "text"}
    return f"{plain.get(inner, 'one of ' + ', '.join(map(repr, info.choices)))}{_range(info, inner)}{none}"


def _range(info: FieldInfo, kind: Any) -> str:
    """Return the bounds and the unit of a number, in words."""
    if kind not in (float, int):
        return ""
    low = [f"{'above' if info.open_low else 'of at least'} {info.low:g}"] if isfinite(info.low) else []
    high = [f"at most {info.high:g}"] if isfinite(info.high) else []
    bounds = " and ".join(low + high)
    return f"{f' {bounds}' if bounds else ''}{f' {info.unit}' if info.unit else ''}"


def _short(value: Any) -> str:
    """Return a value in at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
