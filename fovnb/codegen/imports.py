"""The import lines that statements need: each name once, only those written, in the order of isort."""

import sys
from collections.abc import Iterable, Iterator
from math import isfinite
from types import MappingProxyType
from typing import Any

from fovnb.codegen.literals import WIDTH
from fovnb.codegen.script import Comment, Do, Function, Loop, Statement, inner_parts
from fovnb.steps.expressions import Assign, Call, Public, Quantity

__all__ = ["import_lines", "written"]

_ALIASES = MappingProxyType(
    {
        "numpy": ("import numpy as np", "np"),
        "astropy.units": ("from astropy import units as u", "u"),
        "matplotlib.pyplot": ("import matplotlib.pyplot as plt", "plt"),
    }
)
_NUMPY, _UNITS = Public("numpy", "nan"), Public("astropy.units", "deg")


def written(public: Public) -> str:
    """Return a public name as the code says it.

    Examples
    --------
    >>> written(Public("numpy", "isin")), written(Public(".maps", "WcsGeom.create"))
    ('np.isin', 'WcsGeom.create')
    """
    return f"{_ALIASES[public.module][1]}.{public.name}" if public.module in _ALIASES else public.name


def import_lines(statements: Iterable[Statement], root: str, full: bool) -> list[str]:
    """Return the import lines of statements, those of Python's own library first.

    Parameters
    ----------
    statements : iterable of statement
        What is written.
    root : str
        The package of the modules that begin with a dot.
    full : bool
        See `to_code`.
    """
    modules: dict[str, set[str]] = {}
    for public in _publics(statements, full):
        if public.module not in ("", "builtins"):
            module = f"{root}{public.module}" if public.module.startswith(".") else public.module
            modules.setdefault(module, set()).add(public.name.split(".")[0])
    own = [module for module in modules if module.split(".")[0] in sys.stdlib_module_names]
    others = [module for module in modules if module not in own]
    first, second = (_block({module: modules[module] for module in group}) for group in (own, others))
    return [*first, *([""] if first and second else []), *second]


def _block(modules: dict[str, set[str]]) -> list[str]:
    """Return the lines of one block: whole modules, then names from modules."""
    found = [
        (line.startswith("from"), line.split()[1], line)
        for module, names in modules.items()
        for line in [_ALIASES[module][0] if module in _ALIASES else _from(module, names)]
    ]
    return [part for *_, line in sorted(found) for part in line.split("\n")]


def _from(module: str, names: set[str]) -> str:
    """Return ``from module import names``, constants before classes before the rest."""
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name.lower()))
    line = f"from {module} import {', '.join(ordered)}"
    return line if len(line) <= WIDTH else "\n".join([f"from {module} import (", *(f"    {n}," for n in ordered), ")"])


def _publics(statements: Iterable[Statement], full: bool) -> Iterator[Public]:
    """Yield the public names of statements, those of units and numbers that are not finite among them."""
    for one in statements:
        match one:
            case Assign(_, value):
                yield from _in_expression(value, full)
            case Do(expression):
                yield from _in_expression(expression, full)
            case Loop(_, iterable, body):
                yield from _in_expression(iterable, full)
                yield from _publics(body, full)
            case Function(_, parameters, _, body):
                yield from _in_expression(Call(Public("", ""), (), parameters), True)
                yield from _publics(body, full)
            case Comment():
                pass


def _in_expression(expression: Any, full: bool) -> Iterator[Public]:
    match expression:
        case Public():
            yield expression
        case Quantity(value, unit):
            yield from [_UNITS] if unit else []
            yield from _in_expression(value, full)
        case float() if not isfinite(expression):
            yield _NUMPY
    for part in inner_parts(expression, full):
        yield from _in_expression(part, full)
