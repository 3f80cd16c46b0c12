"""What the fields of a recipe say of themselves is complete: widgets, messages and documents read it there."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from math import isfinite
from typing import Any, get_args

import pytest

import fovnb.recipe
from fovnb.errors import RecipeError
from fovnb.recipe import STEPS, FieldInfo, Recipe, SafeMask, fields_of
from fovnb.recipe.fields import kinds_of
from fovnb.recipe.step import Step

UNITS = {"_deg": "deg", "_tev": "TeV"}


def classes(cls: type = Recipe) -> Iterator[type]:
    """Yield a step and all kinds of steps in it."""
    yield cls
    for info in fields_of(cls).values():
        for kind in kinds_of(info.annotation).values():
            yield from classes(kind)


def plain_types(annotation: Any) -> set[Any]:
    """Return all types in an annotation."""
    inner = get_args(annotation)
    return set().union(*map(plain_types, inner)) if inner else {annotation}


CLASSES = tuple(dict.fromkeys(classes()))
FIELDS = [
    pytest.param(cls, info, id=f"{cls.__name__}.{name}") for cls in CLASSES for name, info in fields_of(cls).items()
]


def test_every_step_is_public_and_says_what_it_is() -> None:
    found = {name for name in fovnb.recipe.__all__ if is_dataclass(getattr(fovnb.recipe, name))} - {"FieldInfo"}
    assert found == {cls.__name__ for cls in CLASSES}
    assert all(cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}(") for cls in CLASSES)


@pytest.mark.parametrize(("cls", "info"), FIELDS)
def test_a_field_has_a_label_and_a_unit_if_its_name_ends_in_one(cls: type, info: FieldInfo) -> None:
    assert info.label, cls
    assert info.label[0].islower() or info.label.startswith("OBS_ID")
    ending = f"_{info.name.rpartition('_')[2]}"
    assert info.unit == UNITS.get(ending, info.unit)
    assert info.unit not in ("deg", "TeV") or ending in UNITS


@pytest.mark.parametrize(("cls", "info"), FIELDS)
def test_a_number_has_bounds_and_a_step_on_its_scale(cls: type, info: FieldInfo) -> None:
    if not {int, float} & plain_types(info.annotation):
        return
    assert isfinite(info.low), cls
    assert isfinite(info.high)
    assert info.low < info.high
    assert info.step > 0 or "tuple" in str(info.annotation)
    # A slider on a logarithmic scale begins above 0.
    assert info.scale == "lin" or info.low > 0 or info.open_low


@pytest.mark.parametrize("cls", CLASSES)
def test_labels_of_a_step_are_different(cls: type) -> None:
    labels = [info.label for info in fields_of(cls).values()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("cls", CLASSES)
def test_defaults_pass_their_own_checks_and_are_plain(cls: type) -> None:
    given = {name: info.default for name, info in fields_of(cls).items() if not info.required}
    if len(given) == len(fields_of(cls)):
        made = cls(**given)
        assert made == cls()
        assert {name: getattr(made, name) for name in given} == given
        assert all(isinstance(one, str | int | float | tuple | Step | None) for one in given.values())


def test_the_steps_are_those_of_a_recipe_in_order() -> None:
    assert STEPS == ("data", "cube", "safe_mask", "exclusion", "background", "stack")
    assert hash(Recipe()) == hash(Recipe())


def test_an_unknown_field_or_step_is_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"SafeMask has no field 'offset_maxdeg' \(did you mean 'offset_max_deg'\?\)"):
        SafeMask().edit(offset_maxdeg=2)
    with pytest.raises(RecipeError, match=r"Recipe has no field 'safemask' \(did you mean 'safe_mask'\?\)"):
        Recipe().edit_step("safemask", offset_max_deg=2)


def test_editing_gives_a_new_recipe_and_leaves_the_old_one() -> None:
    recipe = Recipe()
    edited = recipe.edit_step("safe_mask", offset_max_deg=2)
    assert (recipe.safe_mask.offset_max_deg, edited.safe_mask.offset_max_deg) == (2.5, 2.0)
    assert edited.edit(safe_mask=SafeMask()) == recipe
    with pytest.raises(AttributeError):
        recipe.safe_mask = SafeMask()
