"""What a widget is made from: a widget of the chain, a recipe, a folder, or plain objects of the engine."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from fovnb.datasets import MapDataset
from fovnb.errors import InvalidInputError
from fovnb.maps import Map
from fovnb.pipeline import Given
from fovnb.recipe import STEPS, Exclusion, Recipe
from fovnb.recipe.places import edit_at, place_of
from fovnb.steps.areas import regions_of
from fovnb.widgets.base import StateWidget
from fovnb.widgets.state import State

__all__ = ["state_of", "with_fields", "with_mask"]


def state_of(upstream: Any, steps: tuple[str, ...], fields: Mapping[str, Any]) -> State:
    """Return the state of what is upstream, or a new one.

    Parameters
    ----------
    upstream : StateWidget, State, Recipe, path, MapDataset, list of MapDataset or None
        A widget or state is shared; a recipe, a folder of DL3 data or datasets begin a new chain, None one of
        simulated runs.
    steps : tuple of str
        The steps that the new widget edits.
    fields : dict
        Values of fields of these steps, by name.

    Raises
    ------
    InvalidInputError
        If it is nothing of these.
    RecipeError
        If there is no such field, or a value is impossible.
    """
    if isinstance(upstream, StateWidget | State):
        state = upstream if isinstance(upstream, State) else upstream.state
        recipe = with_fields(state.recipe, steps, fields)
        if recipe != state.recipe:
            state.take(recipe)
        return state
    if isinstance(upstream, MapDataset | Iterable) and not isinstance(upstream, str):
        return State(with_fields(Recipe(), steps, fields), given=Given(upstream))
    return State(with_fields(_recipe(upstream), steps, fields))


def with_mask(state: State, mask: Any) -> State:
    """Return the state with an exclusion mask from elsewhere: the same one, or a new one that follows it.

    Parameters
    ----------
    state : State
        Of the widget upstream.
    mask : MaskEditor, State, Exclusion, ExclusionMask, Map or list of regions
        A widget or state is followed. A boolean map (True = used) goes with datasets only: a recipe cannot say it.

    Raises
    ------
    InvalidInputError
        If it is nothing of these, or cannot be used with what is upstream.
    """
    other = mask.state if isinstance(mask, StateWidget) else mask
    if isinstance(other, State):
        if other is not state:
            state.follow(other, ["exclusion"])
    elif isinstance(mask, Map):
        return _with_map(state, mask)
    elif isinstance(mask, Exclusion):
        state.edit("exclusion", mask)
    else:
        state.edit("exclusion.regions", _regions(mask))
    return state


def _with_map(state: State, mask: Map) -> State:
    if state.given is None:
        msg = (
            "found a Map as the mask of a recipe; write it with mask.write('mask.fits') and give "
            "Exclusion(file='mask.fits'), or begin with datasets"
        )
        raise InvalidInputError(msg)
    made = State(state.recipe, given=Given(state.given.datasets, mask))
    made.follow(state, STEPS)
    return made


def _regions(areas: Any) -> tuple[Any, ...]:
    """Return areas as a recipe's regions."""
    from fovnb.makers import ExclusionMask

    found, lost = regions_of(areas if isinstance(areas, ExclusionMask) else ExclusionMask(areas))
    if lost:
        raise InvalidInputError(lost)
    return found


def with_fields(recipe: Recipe, steps: tuple[str, ...], fields: Mapping[str, Any]) -> Recipe:
    """Return the recipe with other values of fields, which are named as in the recipe.

    Raises
    ------
    RecipeError
        If there is no such field in these steps, or a value is impossible.

    Examples
    --------
    >>> with_fields(Recipe(), ("cube", "safe_mask"), {"nbin": 3, "offset_max_deg": 2}).cube.energy.nbin
    Traceback (most recent call last):
    fovnb.errors.RecipeError: 'nbin' may be cube.energy.nbin or cube.energy_true.nbin; give the step that holds it, ...
    >>> with_fields(Recipe(), ("safe_mask",), {"offset_max_deg": 2}).safe_mask
    SafeMask(offset_max_deg=2.0)
    """
    for name, value in fields.items():
        recipe = edit_at(recipe, place_of(recipe, steps, name, value), value)
    return recipe


def _recipe(upstream: Any) -> Recipe:
    if upstream is None:
        return Recipe()
    if isinstance(upstream, Recipe):
        return upstream
    if isinstance(upstream, str | os.PathLike):
        return Recipe().edit_step("data", folder=os.fspath(upstream))
    msg = f"found {type(upstream).__name__}; expected a widget such as CubeBuilder(), a Recipe, or a folder of DL3 data"
    raise InvalidInputError(msg)
