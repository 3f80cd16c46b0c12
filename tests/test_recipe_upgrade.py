"""Recipes of an older schema become ones of today."""

import pytest

from fovnb.errors import RecipeError
from fovnb.recipe import Circle, Recipe


def test_circles_of_schema_1_are_regions() -> None:
    old = "schema: 1\nexclusion: {circles: [[83.6, 22, 0.3], [84, 21, 0.1]], file: areas.reg}\nstack: {block: 2}\n"
    new = Recipe.from_yaml(old)
    assert new.exclusion.regions == (Circle(83.6, 22, 0.3), Circle(84, 21, 0.1))
    assert (new.exclusion.file, new.stack.block) == ("areas.reg", 2)
    assert Recipe.from_yaml(new.to_yaml()) == new
    assert new.to_dict()["schema"] == 2


@pytest.mark.parametrize("text", ["schema: 1", "schema: 1\nexclusion: {}", "schema: 1\nexclusion: {circles: []}"])
def test_schema_1_without_circles_is_as_today(text: str) -> None:
    assert Recipe.from_yaml(text) == Recipe()


def test_the_content_that_is_upgraded_does_not_change() -> None:
    content = {"schema": 1, "exclusion": {"circles": [[1, 2, 3]]}}
    Recipe.from_dict(content)
    assert content == {"schema": 1, "exclusion": {"circles": [[1, 2, 3]]}}


@pytest.mark.parametrize(
    ("exclusion", "words"),
    [
        ({"circles": [[1, 2]]}, r"exclusion.circles are \[\[1, 2\]\]; expected \[longitude, latitude, radius\] each"),
        ({"circles": 5}, "exclusion.circles are 5; expected"),
        ({"circles": [5]}, r"exclusion.circles are \[5\]; expected"),
        ({"circles": [[1, 2, -3]]}, r"exclusion.regions\[0\] is wrong: Circle.radius_deg is -3; expected"),
        ({"circles": ["abc"]}, "Circle.lon_deg is 'a'; expected"),
        ({"circles": [], "regions": []}, "has regions beside the circles of schema 1"),
        ([], r"Recipe.exclusion is \[\]; expected Exclusion"),
    ],
)
def test_circles_that_are_none_are_refused(exclusion: object, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe.from_dict({"schema": 1, "exclusion": exclusion})


@pytest.mark.parametrize("schema", [2, 3])
def test_circles_are_unknown_today(schema: int) -> None:
    with pytest.raises(RecipeError, match=r"no key 'circles'|schema is 3, newer than the 2 known here"):
        Recipe.from_dict({"schema": schema, "exclusion": {"circles": []}})
