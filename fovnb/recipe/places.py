"""Places in a recipe by dotted paths, such as ``background.norm.tilt.value`` or ``exclusion.regions.0.radius_deg``."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from fovnb.errors import RecipeError
from fovnb.recipe.fields import FieldInfo, field_info, fields_of
from fovnb.recipe.step import Step, check_names
from fovnb.text import did_you_mean

__all__ = ["edit_at", "has_place", "info_at", "place_of", "value_at"]

S = TypeVar("S", bound=Step)


def value_at(step: Step, path: str) -> Any:
    """Return what is at a place.

    Raises
    ------
    RecipeError
        If there is no such place.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> value_at(Recipe(), "background.norm.tilt.frozen")
    False
    """
    value: Any = step
    for name in path.split("."):
        value = _part(value, name)
    return value


def has_place(step: Step, path: str) -> bool:
    """Return whether there is such a place: another norm model has other parameters.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> has_place(Recipe(), "background.norm.beta.value")
    False
    """
    try:
        value_at(step, path)
    except RecipeError:
        return False
    return True


def edit_at(step: S, path: str, value: Any) -> S:
    """Return the step with another value at a place.

    Raises
    ------
    RecipeError
        If there is no such place, or the value is impossible there.

    Examples
    --------
    >>> from fovnb.recipe import Circle, Exclusion
    >>> edit_at(Exclusion((Circle(83.63, 22.01, 0.2),)), "regions.0.radius_deg", 0.3).regions[0].radius_deg
    0.3
    """
    name, _, rest = path.partition(".")
    inner = _part(step, name)
    return step.edit(**{name: _edited(inner, rest, value) if rest else value})


def info_at(step: Step, path: str) -> FieldInfo:
    """Return what is known of the field at a place.

    Raises
    ------
    RecipeError
        If there is no such place.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> info_at(Recipe(), "safe_mask.offset_max_deg").unit
    'deg'
    """
    owner, _, name = path.rpartition(".")
    holder = value_at(step, owner) if owner else step
    _part(holder, name)
    return field_info(type(holder), name) if isinstance(holder, Step) else info_at(step, owner)


def place_of(step: Step, names: Iterable[str], key: str, value: Any = ...) -> str:
    """Return the path of the field with a name in some of the fields of a step, the outermost if there are several.

    Where two are equally far out, the one that admits ``value``.

    Raises
    ------
    RecipeError
        If there is none; the message names the nearest. If it cannot be said which of several is meant.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> place_of(Recipe(), ["cube", "safe_mask"], "binsz_deg")
    'cube.geometry.binsz_deg'
    """
    known = [path for name in names for path in (name, *_paths(getattr(step, name), f"{name}."))]
    found = [path for path in known if path.rpartition(".")[2] == key]
    least = min((path.count(".") for path in found), default=0)
    found = [path for path in found if path.count(".") == least]
    if len(found) > 1 and value is not ...:
        found = [path for path in found if _admits(step, path, value)] or found
    if len(found) == 1:
        return found[0]
    if found:
        msg = f"{key!r} may be {' or '.join(found)}; give the step that holds it, such as {found[0].rpartition('.')[0]}"
        raise RecipeError(msg)
    words = dict.fromkeys(path.rpartition(".")[2] for path in known)
    msg = f"there is no field {key!r}{did_you_mean(key, words)}; there are {', '.join(words)}"
    raise RecipeError(msg)


def _edited(inner: Any, path: str, value: Any) -> Any:
    """Return a step, or a tuple of steps or values, with another value at a place in it."""
    if isinstance(inner, Step):
        return edit_at(inner, path, value)
    name, _, rest = path.partition(".")
    item = _part(inner, name)
    index = int(name)
    return (*inner[:index], _edited(item, rest, value) if rest else value, *inner[index + 1 :])


def _part(value: Any, name: str) -> Any:
    if isinstance(value, Step):
        check_names(type(value), [name])
        return getattr(value, name)
    if isinstance(value, tuple) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    what = f"{len(value)} items" if isinstance(value, tuple) else type(value).__name__
    msg = f"there is no place {name!r} in {what}"
    raise RecipeError(msg)


def _paths(step: Any, before: str) -> Iterator[str]:
    """Yield the paths of all fields of a step and of the steps in it."""
    if isinstance(step, Step):
        for name in fields_of(type(step)):
            yield f"{before}{name}"
            yield from _paths(getattr(step, name), f"{before}{name}.")


def _admits(step: Step, path: str, value: Any) -> bool:
    try:
        edit_at(step, path, value)
    except RecipeError:
        return False
    return True
