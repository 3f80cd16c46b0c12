"""Expressions as text: on one line where they fit, else one part a line, so that no formatter changes them.

A list or call that is broken ends with a comma, which formatters take as a wish to keep it so, at any width.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from fovnb.codegen.imports import written
from fovnb.codegen.literals import WIDTH, number, string
from fovnb.codegen.script import Each, Slice, shown
from fovnb.steps.expressions import Arg, Call, Item, Method, Name, Operation, Public, Quantity

__all__ = ["Style", "assignment", "indented", "lines_of", "on_one_line"]

_RANKS = MappingProxyType({"==": 0, "<=": 0, "is": 0, "is not": 0, "&": 1, "+": 2, "-": 2, "*": 3, "/": 3})


@dataclass(frozen=True)
class Style:
    """Whether default arguments are written, and how many columns are left."""

    full: bool = False
    room: int = WIDTH

    @property
    def inner(self) -> "Style":
        """The style of lines that are indented by one more step."""
        return replace(self, room=self.room - 4)


def assignment(target: str, value: Any, style: Style) -> list[str]:
    """Return an assignment; a chain of operations that is too long becomes one assignment for each."""
    start = f"{target} = "
    if len(start + on_one_line(value, style)) <= style.room:
        return [start + on_one_line(value, style)]
    match value:
        case Operation(sign, left, right):
            return [*assignment(target, left, style), *assignment(target, Operation(sign, Name(target), right), style)]
        case Quantity(tuple(numbers), unit):
            return _exploded(start, list(numbers), _unit(unit), style)
        case str():  # the comment is why a formatter leaves the brackets
            return [f"{start}(", *indented(["# a long name", string(value)]), ")"]
    return _exploded(start, value, "", style)


def lines_of(before: str, expression: Any, after: str, style: Style) -> list[str]:
    """Return an expression between two pieces of text, on one line if it fits."""
    line = f"{before}{on_one_line(expression, style)}{after}"
    return [line] if len(line) <= style.room else _exploded(before, expression, after, style)


def _exploded(before: str, expression: Any, after: str, style: Style) -> list[str]:
    """Return an expression with each of its parts on lines of its own, or on one line if it has none."""
    match expression:
        case Call(function, args, kwargs) if args or shown(kwargs, style.full):
            return _bracketed(f"{before}{written(function)}(", _arguments(args, kwargs, style), f"){after}", style)
        case Method(Call() | Method() as owner, name, args, kwargs):
            return _exploded(before, owner, f".{name}({_joined(_arguments(args, kwargs, style), style)}){after}", style)
        case Method(owner, name, args, kwargs) if args or shown(kwargs, style.full):
            head = f"{before}{on_one_line(owner, style)}.{name}("
            return _bracketed(head, _arguments(args, kwargs, style), f"){after}", style)
        case list() | tuple() | dict() if expression:
            start, parts, end = _container(expression, style)
            return _bracketed(before + start, parts, end + after, style)
        case Quantity(tuple(numbers), unit):
            return [*_exploded(before, list(numbers), "", style), f"{_unit(unit).strip()}{after}"]
        case Item(owner, key):
            return [
                f"{before}{on_one_line(owner, style)}[",
                *indented(_exploded("", key, "", style.inner)),
                f"]{after}",
            ]
        case Operation(sign, left, right):
            return [*_exploded(before, left, "", style), *lines_of(f"{sign} ", right, after, style)]
    return [f"{before}{on_one_line(expression, style)}{after}"]


def _bracketed(start: str, parts: Iterable[tuple[str, Any]], end: str, style: Style) -> list[str]:
    """Return parts, one a line, between brackets; the comma after the last keeps a formatter from joining them."""
    inner = [line for before, value in parts for line in lines_of(before, value, ",", style.inner)]
    return [start, *indented(inner), end]


def on_one_line(expression: Any, style: Style) -> str:
    """Return an expression on one line."""
    match expression:
        case None:
            return "None"
        case str():
            return string(expression)
        case int() | float():
            return number(expression)
        case Name(name):
            return name
        case Public():
            return written(expression)
        case list() | tuple() | dict():
            return _collection(expression, style)
    return _compound(expression, style)


def _compound(expression: Any, style: Style) -> str:
    """Return an expression that is made of others, on one line."""

    def flat(inner: Any) -> str:
        return on_one_line(inner, style)

    match expression:
        case Quantity(value, unit):
            return f"{flat(list(value) if isinstance(value, tuple) else value)}{_unit(unit)}"
        case Call(function, args, kwargs):
            return f"{written(function)}({_joined(_arguments(args, kwargs, style), style)})"
        case Method(owner, name, args, kwargs):
            return f"{flat(owner)}.{name}({_joined(_arguments(args, kwargs, style), style)})"
        case Item(owner, key):
            return f"{flat(owner)}[{flat(key)}]"
        case Slice(start, stop):
            return f"{flat(start)} : {flat(stop)}"
        case Operation(sign, left, right):
            return f"{_operand(left, _RANKS[sign], style)} {sign} {_operand(right, _RANKS[sign] + 1, style)}"
        case Each(value, target, iterable, condition):
            only = "" if condition is None else f" if {flat(condition)}"
            return f"[{flat(value)} for {target} in {flat(iterable)}{only}]"
    msg = f"code has no words for {expression!r}"
    raise TypeError(msg)


def _collection(values: Any, style: Style) -> str:
    """Return a list, tuple or dict on one line."""
    start, parts, end = _container(values, style)
    comma = "," if isinstance(values, tuple) and len(values) == 1 else ""
    return f"{start}{_joined(parts, style)}{comma}{end}"


def _operand(expression: Any, rank: int, style: Style) -> str:
    """Return one side of an operation, in brackets where it binds less."""
    loose = isinstance(expression, Operation) and _RANKS[expression.sign] < rank
    return f"({on_one_line(expression, style)})" if loose else on_one_line(expression, style)


def _arguments(args: tuple[Any, ...], kwargs: tuple[Arg, ...], style: Style) -> list[tuple[str, Any]]:
    return [*(("", one) for one in args), *((f"{arg.name}=", arg.value) for arg in shown(kwargs, style.full))]


def _container(values: Any, style: Style) -> tuple[str, list[tuple[str, Any]], str]:
    """Return the parts of a list, tuple or dict between its brackets."""
    if isinstance(values, dict):
        return "{", [(f"{on_one_line(key, style)}: ", value) for key, value in values.items()], "}"
    start, end = "[]" if isinstance(values, list) else "()"
    return start, [("", one) for one in values], end


def _joined(parts: Iterable[tuple[str, Any]], style: Style) -> str:
    return ", ".join(f"{before}{on_one_line(value, style)}" for before, value in parts)


def _unit(unit: str) -> str:
    """Return what turns a number into a quantity.

    ``TeV-1`` is a division, and what is no plain name is left to astropy.
    """
    if not unit:
        return ""
    if unit.isalpha():
        return f" * u.{unit}"
    name = unit.removesuffix("-1")
    return f" / u.{name}" if name.isalpha() else f" * u.Unit({string(unit)})"


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines, indented by one step."""
    return [f"    {line}" if line else "" for line in lines]
