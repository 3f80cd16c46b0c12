"""What a text says, before it is text: statements in order, each of a step of the recipe, with what they use."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Operation

__all__ = [
    "Comment",
    "Do",
    "Each",
    "Function",
    "Loop",
    "Program",
    "Slice",
    "Statement",
    "inner_parts",
    "shown",
    "used_names",
]


@dataclass(frozen=True)
class Slice:
    """The key of an item, ``start : stop``."""

    start: Any
    stop: Any


@dataclass(frozen=True)
class Each:
    """A list of an expression's value for each item, ``[value for target in iterable if condition]``."""

    value: Any
    target: str
    iterable: Any
    condition: Any = None


@dataclass(frozen=True)
class Do:
    """A call whose value nobody needs; what it is a method of changes, as in ``datasets.append(dataset)``.

    The ``step`` is empty where it belongs to whatever the loop around it does.
    """

    expression: Call | Method
    step: str
    comment: str = ""


@dataclass(frozen=True)
class Loop:
    """Statements for each item, ``for target in iterable``."""

    target: str
    iterable: Any
    body: tuple["Statement", ...]
    step: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Comment:
    """A line that says something and does nothing."""

    text: str
    step: str
    comment: str = ""


@dataclass(frozen=True)
class Function:
    """A function with default values of its parameters, and the names that it returns."""

    name: str
    parameters: tuple[Arg, ...]
    doc: str
    body: tuple["Statement", ...]
    result: str
    step: str = ""
    comment: str = ""


Statement: TypeAlias = Assign | Do | Loop | Comment | Function
Program: TypeAlias = tuple[Statement, ...]


def shown(kwargs: tuple[Arg, ...], full: bool) -> list[Arg]:
    """Return the arguments to be written: all, or those that differ from their default, be it in the sign of a zero."""
    return [arg for arg in kwargs if full or repr(arg.value) != repr(arg.default)]


def inner_parts(expression: Any, full: bool = True) -> list[Any]:
    """Return the expressions that an expression is directly made of, as far as they are written."""
    match expression:
        case list() | tuple():
            return list(expression)
        case dict():
            return [*expression, *expression.values()]
        case Call(function, args, kwargs):
            return [function, *args, *(arg.value for arg in shown(kwargs, full))]
        case Method(owner, _, args, kwargs):
            return [owner, *args, *(arg.value for arg in shown(kwargs, full))]
        case Item(owner, key):
            return [owner, key]
        case Slice(start, stop):
            return [start, stop]
        case Operation(_, left, right):
            return [left, right]
        case Each(value, _, iterable, condition):
            return [value, iterable, condition]
        case _:
            return []


def used_names(expression: Any) -> Iterator[str]:
    """Yield the variables that an expression uses, without their attributes.

    Examples
    --------
    >>> list(used_names(Operation("&", Name("mask"), Name("dataset.mask_safe"))))
    ['mask', 'dataset']
    """
    if isinstance(expression, Name):
        yield expression.name.split(".")[0]
    own = expression.target if isinstance(expression, Each) else None
    for part in inner_parts(expression):
        yield from (name for name in used_names(part) if name != own)
