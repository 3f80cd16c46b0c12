"""Recipes of every kind come back from dict, JSON, YAML and repr as they were."""

import re

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import fovnb.recipe
from fovnb.recipe import Recipe
from fovnb.recipe.recipe import STEPS
from fovnb.recipe.yaml_text import dump, load
from tests.recipes import recipes

PUBLIC = {name: getattr(fovnb.recipe, name) for name in fovnb.recipe.__all__}


@given(recipe=recipes())
@settings(max_examples=60, deadline=None)
def test_a_recipe_comes_back_from_every_form_to_the_last_bit(recipe: Recipe) -> None:
    found = [
        Recipe.from_dict(recipe.to_dict()),
        Recipe.from_json(recipe.to_json()),
        Recipe.from_yaml(recipe.to_yaml()),
        Recipe.from_json(recipe.to_json().encode()),
        Recipe.from_yaml(recipe.to_yaml().encode()),
        eval(repr(recipe), dict(PUBLIC)),
    ]
    assert all(one == recipe and repr(one) == repr(recipe) and hash(one) == hash(recipe) for one in found)


@given(one=recipes(), other=recipes())
@settings(max_examples=25, deadline=None)
def test_a_diff_is_empty_for_equal_recipes_alone_and_every_line_of_it_begins_with_a_step(
    one: Recipe, other: Recipe
) -> None:
    lines = one.diff(other).splitlines()
    assert (not lines) == (one == other)
    assert all(line.split(".")[0] in STEPS for line in lines)
    assert one.diff(Recipe.from_json(one.to_json())) == ""


@given(recipe=recipes())
@settings(max_examples=20, deadline=None)
def test_a_recipe_is_shown_as_html_without_an_unescaped_text(recipe: Recipe) -> None:
    assert set(re.findall(r"</?(\w*)", recipe._repr_html_())) == {"table", "caption", "tr", "th", "td"}


@given(
    text=st.text(st.sampled_from("a1 \n\r\t\x85\u2028\u2029'\"\\é\ufeff😀#:-\x07&*!|>%@`~.e"), max_size=6) | st.text()
)
@settings(deadline=None)
def test_a_text_comes_back_from_yaml_on_one_line(text: str) -> None:
    content = {"a": text, "b": ["x", text], "c": [text]}
    assert load(dump(content)) == content
    assert yaml.safe_load(dump(content)) == content
    assert len(dump({"a": text}).splitlines()) == 1 or len(text) > 40
