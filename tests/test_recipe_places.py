"""Places in a recipe by dotted paths."""

import pytest

from fovnb.errors import RecipeError
from fovnb.recipe import Circle, Cone, Exclusion, Recipe, Selection
from fovnb.recipe.places import edit_at, has_place, info_at, place_of, value_at


def test_what_is_put_at_a_place_is_found_there_and_nothing_else_changes() -> None:
    recipe = edit_at(Recipe(), "background.norm.tilt.value", 0.25)
    assert value_at(recipe, "background.norm.tilt.value") == 0.25
    assert Recipe().diff(recipe) == "background.norm.tilt.value: 0.0 -> 0.25"


def test_an_item_of_a_tuple_is_a_place() -> None:
    exclusion = Exclusion((Circle(1, 2, 0.1), Circle(3, 4, 0.2)))
    edited = edit_at(exclusion, "regions.1.radius_deg", 0.5)
    assert edited.regions == (Circle(1, 2, 0.1), Circle(3, 4, 0.5))
    assert value_at(edited, "regions.1") == Circle(3, 4, 0.5)
    assert edit_at(Recipe(), "cube.geometry.width_deg.0", 4.0).cube.geometry.width_deg == (4.0, 5.0)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("safe_mask.ofset_max_deg", "did you mean 'offset_max_deg'"),
        ("exclusion.regions.0.radius_deg", "there is no place '0' in 0 items"),
        ("data.folder.x", "there is no place 'x' in NoneType"),
        ("safe_mask.methods.-1", "there is no place '-1' in 2 items"),
    ],
)
def test_a_place_that_is_not_there_is_refused(path: str, sentence: str) -> None:
    for act in (value_at, lambda step, at: edit_at(step, at, 1)):
        with pytest.raises(RecipeError, match=sentence):
            act(Recipe(), path)
    assert not has_place(Recipe(), path)


def test_an_impossible_value_is_refused_at_its_place() -> None:
    with pytest.raises(RecipeError, match=r"Parameter.value"):
        edit_at(Recipe(), "background.norm.tilt.value", "steep")


def test_what_is_known_of_a_place_is_what_its_step_says() -> None:
    assert info_at(Recipe(), "cube.geometry.binsz_deg").unit == "deg"
    assert info_at(Recipe(), "background.norm.tilt.min").label == "lower limit"
    assert info_at(Recipe(), "cube.geometry.width_deg.1").label == "width and height"


def test_a_field_is_found_by_its_name_where_it_is_outermost() -> None:
    assert place_of(Recipe(), ["cube"], "energy") == "cube.energy"
    assert place_of(Recipe(), ["background"], "norm") == "background.norm"
    assert place_of(Recipe(), ["cube"], "binsz_deg") == "cube.geometry.binsz_deg"
    assert place_of(Recipe(), ["cube"], "cube") == "cube"


def test_of_two_fields_with_one_name_the_value_decides() -> None:
    steps = ["data", "cube"]
    assert place_of(Recipe(), steps, "selection", Selection(cone=Cone(83, 22))) == "data.selection"
    assert place_of(Recipe(), steps, "selection", ("counts", "background")) == "cube.selection"
    with pytest.raises(RecipeError, match=r"'selection' may be data.selection or cube.selection"):
        place_of(Recipe(), steps, "selection")


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no field 'offset_max' \(did you mean 'offset_max_deg'\?\)"):
        place_of(Recipe(), ["safe_mask"], "offset_max")
