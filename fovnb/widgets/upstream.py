"""What a widget is made from: a widget of the chain, a recipe, a folder, or plain objects of the engine."""

import os
from collections.abc import Mapping
from typing import Any

from fovnb.errors import InvalidInputError
from fovnb.recipe import Recipe
from fovnb.recipe.places import edit_at, place_of
from fovnb.widgets.base import StateWidget
from fovnb.widgets.state import State

__all__ = ["state_of", "with_fields"]


def state_of(upstream: Any, steps: tuple[str, ...], fields: Mapping[str, Any]) -> State:
    """Return the state of what is upstream, or a new one.

    Parameters
    ----------
    upstream : StateWidget, State, Recipe, path or None
        A widget or state is shared; a recipe or a folder of DL3 data begins a new chain, None one of simulated runs.
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
    return State(with_fields(_recipe(upstream), steps, fields))


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
    msg = (
        f"found {type(upstream).__name__}; expected a widget such as CubeBuilder(), a Recipe, or a folder of DL3 data"
    )
    raise InvalidInputError(msg)
