"""What a notebook says of each step, in a sentence or two: what it does, with the recipe's values, and why."""

import re
from collections.abc import Iterable, Iterator
from types import MappingProxyType

from fovnb.codegen.literals import number, one_line
from fovnb.recipe import (
    Background,
    Cube,
    Data,
    EnergyBounds,
    EnergyEdges,
    Exclusion,
    Group,
    ProductNorm,
    Recipe,
    SafeMask,
    Selection,
    Stack,
    Suggestion,
)
from fovnb.recipe.norms import Norm

__all__ = ["code_span", "step_words"]

_NORMS = MappingProxyType(
    {
        "pl-norm": "a power law in energy",
        "lp-norm": "a log parabola in energy",
        "ecpl-norm": "a power law with a cutoff in energy",
        "piecewise-norm": "a piecewise norm between energies",
        "piecewise-pl-norm": "a piecewise norm with a power law above it",
        "template-norm": "a factor times a tabulated curve",
    }
)


def step_words(recipe: Recipe, root: str = "fovnb", fitted: bool = True) -> dict[str, list[str]]:
    """Return what is said of each step, by its name, "" for the loop over the runs; a second text where it comes twice.

    Parameters
    ----------
    recipe : Recipe
        What is done.
    root : {"fovnb", "gammapy"}
        The package that the code uses: for Gammapy suggested areas are written as fovnb found them.
    fitted : bool
        For Gammapy: whether the code fits any background; else norms are written as fovnb found them.

    Examples
    --------
    >>> step_words(Recipe())["stack"]
    ['The runs are added, in the order of their OBS_IDs, each where its safe mask allows.']
    """
    exclusion, background = recipe.exclusion, recipe.background
    words = {
        "data": [_data(recipe.data)],
        "cube": [_cube(recipe.cube)],
        "safe_mask": [_trusted(recipe.safe_mask, "enters neither the fit nor the stack")],
        "exclusion": [_exclusion(exclusion), *_suggestion(exclusion.suggestion)],
        "background": [_background(background), *_later(exclusion.suggestion, background.group)],
        "": ["Each run goes through the makers, in the order of the OBS_IDs."],
        "stack": [_stack(recipe.stack)],
    }
    return words if root == "fovnb" else words | _gammapy_words(recipe, fitted)


def _gammapy_words(recipe: Recipe, fitted: bool) -> dict[str, list[str]]:
    """Return what is said in other words for Gammapy, where all areas and nodes are known before the first run."""
    exclusion, background = recipe.exclusion, recipe.background
    if fitted:
        areas = "Areas that the counts suggest are written as fovnb found them."
        suggested = [areas, *_suggestion(exclusion.suggestion)] if exclusion.suggestion else []
        return {"exclusion": [" ".join([_exclusion(exclusion), *suggested])], "background": [_background(background)]}
    return {
        "safe_mask": [_trusted(recipe.safe_mask, "does not enter the stack")],
        "exclusion": ["No fit follows, so that nothing is to be left out of one."],
        "background": [" ".join(_as_found(background))],
    }


def _as_found(background: Background) -> Iterator[str]:
    """Yield what is said of norms that the code does not fit."""
    yield (
        f"The background of each run's response is multiplied by {_norm(background.norm)}, its norms as fovnb found "
        "them: nothing is fitted here."
    )
    if background.group is not None:
        yield f"There, runs {_together(background.group)}"


def code_span(text: str) -> str:
    """Return a string, whatever is in it, so that Markdown shows its characters and nothing else.

    Examples
    --------
    >>> print(code_span("<b>_x_ $y$"), code_span("`"))
    `<b>_x_ $y$` `` ` ``
    """
    shown = one_line(text)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence, space = "`" * (longest + 1), " " if longest or shown != shown.strip() or not shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _data(data: Data) -> str:
    if data.folder is None:
        what = f"{data.demo_runs} simulated runs with known truth"
        runs = what if data.obs_ids is None else f"{_runs(data.obs_ids)} of {what}"
    else:
        runs = f"{'All runs' if data.obs_ids is None else _runs(data.obs_ids)} in {code_span(data.folder)}"
    only = "" if data.selection is None else f", of those the ones {_listed(_conditions(data.selection))}"
    return f"{runs}{only}. They are taken in the order of their OBS_IDs, and nothing is read before it is needed."


def _runs(obs_ids: tuple[int, ...]) -> str:
    if len(obs_ids) > 8:
        return f"{len(obs_ids)} runs, OBS_ID {obs_ids[0]} to {obs_ids[-1]},"
    return f"Run{'s' * (len(obs_ids) != 1)} {_listed(map(str, obs_ids))}"


def _conditions(asked: Selection) -> Iterator[str]:
    if asked.target is not None:
        yield f"on {code_span(asked.target)}"
    if asked.cone is not None:
        place = _place(asked.cone.lon_deg, asked.cone.lat_deg, asked.cone.frame)
        yield f"that point within {number(asked.cone.radius_deg)} deg of {place}"
    if asked.zenith_max_deg is not None:
        yield f"at zenith angles up to {number(asked.zenith_max_deg)} deg"
    if asked.quality_max is not None:
        yield f"of a QUALITY up to {asked.quality_max}"
    if asked == Selection():
        yield "that the observation index knows"


def _cube(cube: Cube) -> str:
    grid, (width, height) = cube.geometry, cube.geometry.width_deg
    parts = ("counts", "exposure", "background", "psf", "edisp") if cube.selection is None else cube.selection
    true = "" if cube.energy_true is None else f"; exposure and responses have {_axis(cube.energy_true)}"
    return (
        f"One grid for all runs: {number(width)} deg x {number(height)} deg around "
        f"{_place(grid.lon_deg, grid.lat_deg, grid.frame)}, pixels of {number(grid.binsz_deg)} deg, "
        f"{_axis(cube.energy)}{true}. On it `maker` makes {_listed(parts)} of a run; `stacked` is empty so far."
    )


def _axis(axis: EnergyBounds | EnergyEdges) -> str:
    first, last = (axis.min_tev, axis.max_tev) if isinstance(axis, EnergyBounds) else axis.edges_tev[:: axis.n_bins]
    bins = f"{axis.n_bins} bin{'s' * (axis.n_bins != 1)}"
    return f"{bins} from {number(first)} TeV to {number(last)} TeV"


def _trusted(safe_mask: SafeMask, outside: str) -> str:
    rules = {
        "aeff-default": "at the energies that the effective area's file calls safe",
        "offset-max": f"up to {number(safe_mask.offset_max_deg)} deg from the pointing",
    }
    used = _listed(rules[name] for name in safe_mask.methods) or "everywhere"
    return f"A run is trusted {used}. What lies outside {outside}."


def _exclusion(exclusion: Exclusion) -> str:
    areas = [one for one in exclusion.regions if one.active]
    parts = [f"{len(areas)} region{'s' * (len(areas) != 1)}{_names([one.name for one in areas])}"] if areas else []
    if exclusion.catalogue is not None:
        parts.append(f"the sources of {code_span(exclusion.catalogue.file)} that lie in the field")
    if exclusion.file is not None:
        parts.append(f"the areas in {code_span(exclusion.file)}")
    if not parts:
        return "Nothing is left out of the background fit so far."
    return (
        f"Left out of the background fit: {_listed(parts)}. "
        "The gamma rays of a source there would be taken for background."
    )


def _suggestion(suggestion: Suggestion | None) -> Iterator[str]:
    if suggestion is not None:
        yield (
            f"Mask, fit and significance are repeated, {suggestion.max_steps} times at most, until no further area has "
            f"a peak above {number(suggestion.high)} sigma; it reaches down to {number(suggestion.low)} sigma, and "
            f"{number(suggestion.dilate_deg)} deg further."
        )


def _background(background: Background) -> str:
    how = "fitted" if background.method == "fit" else "scaled"
    tilted = "" if background.gradient is None else ", and a linear gradient over the field of view"
    return (
        f"The background of each run's response is multiplied by {_norm(background.norm)}{tilted}, {how} to the counts "
        "outside of the exclusion mask: the response was made from other runs, in other weather."
    )


def _norm(norm: Norm) -> str:
    return " times ".join(map(_norm, norm.factors)) if isinstance(norm, ProductNorm) else _NORMS[norm.kind]


def _later(suggestion: Suggestion | None, group: Group | None) -> Iterator[str]:
    """Yield what is said of the fits that come when all runs are made."""
    if group is not None:
        yield f"Runs {_together(group)}"
    elif suggestion is not None:
        yield "The background is fitted outside of these areas, too."


def _together(group: Group) -> str:
    groups = "given groups" if group.by == "table" else f"groups by {group.by}"
    return f"are fitted together, in {groups}: those of a group share {_listed(group.shared)} of the norm."


def _stack(stack: Stack) -> str:
    blocks = "" if stack.block is None else f" in blocks of {stack.block}, then the blocks,"
    return f"The runs are added,{blocks} in the order of their OBS_IDs, each where its safe mask allows."


def _place(lon_deg: float, lat_deg: float, frame: str) -> str:
    return f"({number(lon_deg)}, {number(lat_deg)}) deg, {frame}"


def _names(names: list[str]) -> str:
    known = [code_span(name) for name in names if name]
    return f" ({', '.join(known)})" if known else ""


def _listed(parts: Iterable[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    *others, last = [*parts] or [""]
    return f"{', '.join(others)} and {last}" if others else last
