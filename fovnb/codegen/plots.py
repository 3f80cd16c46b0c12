"""A picture of each step, as statements in words that fovnb and Gammapy share."""

from collections.abc import Sequence

from fovnb.codegen.part import made_names
from fovnb.codegen.script import Do, Each, Loop, Program, Statement
from fovnb.recipe import Recipe
from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Operation, Public, Quantity

__all__ = ["step_plots"]

_DATASET, _OBSERVATIONS = Name("dataset"), Name("observations")
_COLOR_BAR = (Arg("add_cbar", True),)


def step_plots(recipe: Recipe, program: Program, usable: Sequence[int] | None = None) -> dict[str, list[Statement]]:
    """Return the statements that draw something of each step, by its name; none where there is nothing to see.

    Parameters
    ----------
    recipe : Recipe
        What is done.
    program : tuple of statement
        The statements that are there before.
    usable : list of int, optional
        Positions of the runs that can be drawn, by default all of at least one; without any there are no such pictures.
    """
    parts = recipe.cube.selection or ("counts", "background")
    found: dict[str, list[Statement]] = {}
    if usable is None or usable:
        first = Item(_OBSERVATIONS, usable[0] if usable else 0)
        found["data"] = _energies(_OBSERVATIONS if usable is None else Item(_OBSERVATIONS, list(usable)))
        found["cube"] = [Assign("dataset", Method(Name("maker"), "run", (Name("stacked"), first)), "cube")]
        if "counts" in parts:
            found["cube"] += [_drawn(Method(Name("dataset.counts"), "sum_over_axes"), "cube")]
        safe = Assign("dataset", Method(Name("safe_mask_maker"), "run", (_DATASET, first)), "safe_mask")
        found["safe_mask"] = [safe, Assign("ax", Method(Name("dataset.mask_safe_image"), "plot"), "safe_mask")]
        found["background"] = _norms()
    if "exclusion_mask" in made_names(program):
        used = Method(Name("exclusion_mask"), "reduce_over_axes", (), (Arg("func", Public("numpy", "logical_and")),))
        found["exclusion"] = [Assign("ax", Method(used, "plot"), "exclusion")]
    if {"counts", "background"} <= set(parts):
        found["stack"] = _excess()
    return found


def _energies(runs: object) -> list[Statement]:
    """Return the histogram of each run's events."""
    energy = Method(Name("observation.events.energy"), "to_value", ("TeV",))
    edges = Call(Public("numpy", "geomspace"), (0.1, 100.0, 31))
    drawn = Method(Name("ax"), "hist", (Name("energy"),), (Arg("bins", Name("edges")), Arg("histtype", "step")))
    return [
        _axes("data", "Events", Arg("yscale", "log")),
        Assign("edges", edges, "data"),
        Loop("observation", runs, (Assign("energy", energy, "data"), Do(drawn, "data")), "data"),
    ]


def _norms() -> list[Statement]:
    """Return the norm of each run as a curve in energy."""
    model = Name("dataset.background_model")
    fitted = Each(_DATASET, "dataset", Name("datasets"), Operation("is not", model, None))
    norm = Method(model, "spectral_model", (Name("energy"),))
    drawn = Method(Name("ax"), "plot", (Name("energy"), Name("norm")))
    return [
        _axes("background", "Norm of the background"),
        Assign("energy", Name("energy_axis.center"), "background"),
        Assign("fitted", fitted, "background"),
        Loop("dataset", Name("fitted"), (Assign("norm", norm, "background"), Do(drawn, "background")), "background"),
    ]


def _excess() -> list[Statement]:
    """Return the smoothed counts above the background."""
    excess = Operation("-", Name("stacked.counts"), Name("stacked.background"))
    image = Method(Method(Name("excess"), "sum_over_axes"), "smooth", (Quantity(0.1, "deg"),))
    return [Assign("excess", excess, "stack"), _drawn(image, "stack")]


def _axes(step: str, label: str, *scales: Arg) -> Statement:
    """Return the statement that makes axes over energy."""
    labels = (Arg("xlabel", "Energy [TeV]"), Arg("ylabel", label))
    return Assign(
        "ax", Call(Public("matplotlib.pyplot", "subplot"), (), (Arg("xscale", "log"), *scales, *labels)), step
    )


def _drawn(image: Method, step: str) -> Statement:
    return Assign("ax", Method(image, "plot", (), _COLOR_BAR), step)
