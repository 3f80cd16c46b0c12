"""Calls of public names as values: the pipeline evaluates them, the code generator writes them down.

Plain values stand for themselves: str, int, float, bool, None, and lists, tuples and dicts of expressions.
"""

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

__all__ = ["Arg", "Assign", "Call", "Item", "Method", "Name", "Operation", "Public", "Quantity", "evaluate", "execute"]

_OPERATORS = MappingProxyType(
    {"&": operator.and_, "*": operator.mul, "==": operator.eq, "<=": operator.le, "[]": operator.getitem}
)


@dataclass(frozen=True)
class Arg:
    """A keyword argument; one that equals its default is left out where code is to be short."""

    name: str
    value: Any
    default: Any = ...


@dataclass(frozen=True)
class Name:
    """A variable that an earlier statement made; attributes follow after dots."""

    name: str


@dataclass(frozen=True)
class Public:
    """A public name of a module; a module that begins with a dot is one of fovnb, or of Gammapy."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call of a public name."""

    function: Public
    args: tuple[Any, ...] = ()
    kwargs: tuple[Arg, ...] = ()


@dataclass(frozen=True)
class Method:
    """A call of a method of an expression's value."""

    owner: Any
    name: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[Arg, ...] = ()


@dataclass(frozen=True)
class Item:
    """An item of an expression's value, ``owner[key]``."""

    owner: Any
    key: Any


@dataclass(frozen=True)
class Operation:
    """Two expressions and the sign between them: ``&``, ``*``, ``==`` or ``<=``."""

    sign: str
    left: Any
    right: Any


@dataclass(frozen=True)
class Quantity:
    """A number, or numbers, times a unit of astropy."""

    value: float | tuple[float, ...]
    unit: str


@dataclass(frozen=True)
class Assign:
    """A statement: an expression's value gets a name, or becomes an attribute of one, as in ``model.tilt.frozen``.

    ``step`` is the recipe's step that it belongs to, ``comment`` what is said above it.
    """

    target: str
    value: Any
    step: str
    comment: str = ""


def execute(statements: Iterable[Assign], names: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the names that are known after the statements.

    Examples
    --------
    >>> bounds = (Quantity(1.0, "TeV"), Quantity(10.0, "TeV"))
    >>> axis = Call(Public(".maps", "MapAxis.from_energy_bounds"), bounds, (Arg("nbin", 2),))
    >>> execute([Assign("energy_axis", axis, "cube")])["energy_axis"].nbin
    2
    """
    known = dict(names or {})
    for statement in statements:
        value = evaluate(statement.value, known)
        *owner, last = statement.target.split(".")
        if owner:
            setattr(evaluate(Name(".".join(owner)), known), last, value)
        else:
            known[last] = value
    return known


def evaluate(expression: Any, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression, with the package fovnb.

    Examples
    --------
    >>> evaluate(Operation("*", Name("a"), 2), {"a": 21})
    42
    """
    match expression:
        case list() | tuple():
            return type(expression)(evaluate(one, names) for one in expression)
        case dict():
            return {key: evaluate(one, names) for key, one in expression.items()}
        case Name(name):
            first, *rest = name.split(".")
            return _attribute(names[first], rest)
        case Public():
            return _public(expression)
        case Quantity(value, unit):
            from astropy import units as u

            return (list(value) if isinstance(value, tuple) else value) * u.Unit(unit)
        case Call(function, args, kwargs):
            return _call(_public(function), args, kwargs, names)
        case Method(owner, name, args, kwargs):
            return _call(getattr(evaluate(owner, names), name), args, kwargs, names)
        case Item(owner, key):
            return evaluate(owner, names)[evaluate(key, names)]
        case Operation(sign, left, right):
            return _OPERATORS[sign](evaluate(left, names), evaluate(right, names))
        case _:
            return expression


def _call(function: Any, args: tuple[Any, ...], kwargs: tuple[Arg, ...], names: Mapping[str, Any]) -> Any:
    named = {arg.name: evaluate(arg.value, names) for arg in kwargs if arg.value != arg.default}
    return function(*(evaluate(one, names) for one in args), **named)


def _public(found: Public) -> Any:
    if found.module == "builtins":
        return getattr(import_module("builtins"), found.name)
    module = import_module(f"fovnb{found.module}" if found.module.startswith(".") else found.module)
    return _attribute(module, found.name.split("."))


def _attribute(value: Any, names: Iterable[str]) -> Any:
    for name in names:
        value = getattr(value, name)
    return value
