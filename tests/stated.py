"""What the steps of recipes say of the default values of public functions, for the package fovnb or another."""

import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from astropy import units as u

from fovnb.recipe import (
    Background,
    Catalogue,
    Cone,
    Cube,
    Data,
    EnergyEdges,
    Exclusion,
    ExpCutoffNorm,
    Gradient,
    Group,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    Prior,
    SafeMask,
    Selection,
    Suggestion,
    TemplateNorm,
)
from fovnb.steps import (
    background_statements,
    cube_statements,
    data_statements,
    exclusion_statements,
    group_statement,
    safe_mask_statements,
    suggestion_statements,
)
from fovnb.steps.expressions import Arg, Assign, Call, Public, Quantity, evaluate

NODES = (1.0, 4.0)
PRIOR = Parameter(0.0, prior=Prior(0.0, 1.0))
NORMS = (
    PowerLawNorm(tilt=PRIOR),
    LogParabolaNorm(),
    ExpCutoffNorm(),
    PiecewiseNorm(NODES),
    PiecewisePowerLawNorm(NODES),
    TemplateNorm(NODES, NODES),
)


def statements() -> list[Assign]:
    """Return statements that call every function which the steps of a recipe know."""
    data = Data(selection=Selection(cone=Cone(83.6, 22.0)))
    cubes = [Cube(), Cube(energy=EnergyEdges(NODES))]
    exclusion = Exclusion(catalogue=Catalogue("catalogue.fits"), file="areas.reg")
    backgrounds = [*(Background(norm=norm) for norm in NORMS), Background(gradient=Gradient())]
    return [
        *data_statements(data),
        *(one for cube in cubes for one in cube_statements(cube)),
        *safe_mask_statements(SafeMask()),
        *exclusion_statements(exclusion),
        *suggestion_statements(Suggestion()),
        *(one for background in backgrounds for one in background_statements(background, masked=True)),
        group_statement(Group(), masked=True),
        *data_statements(Data()),
    ]


def calls(value: Any) -> Iterator[Call]:
    """Yield all calls in statements or expressions."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from calls(one)
    if isinstance(value, Call):
        yield value
    if is_dataclass(value):
        for field in fields(value):
            yield from calls(getattr(value, field.name))


def stated_defaults() -> Iterator[tuple[Public, Arg]]:
    """Yield each argument of a function of ours that is said to have a default, with the function."""
    for call in calls(statements()):
        if call.function.module.startswith("."):
            yield from ((call.function, arg) for arg in call.kwargs if arg.default is not ...)


def real_default(function: Public, name: str, package: str) -> Any:
    """Return the default of an argument as the package has it; KeyError if there is no such argument."""
    found: Any = import_module(f"{package}{function.module}")
    for part in function.name.split("."):
        found = getattr(found, part)
    return inspect.signature(found).parameters[name].default


def same(stated: Any, real: Any) -> bool:
    """Return whether two defaults mean the same: an angle may be a text, a list a tuple."""
    if isinstance(stated, Quantity):
        value = real if isinstance(real, str | u.Quantity) else u.Quantity(real, stated.unit)
        return bool(u.Quantity(value) == evaluate(stated, {}))
    if isinstance(stated, list):
        return stated == list(real)
    return bool(stated == real) and isinstance(stated, bool) == isinstance(real, bool)
