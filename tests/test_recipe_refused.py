"""Texts that hold no recipe are refused in one sentence, whatever is in them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fovnb.errors import RecipeError
from fovnb.recipe import Recipe, SafeMask

READERS = pytest.mark.parametrize("read", [Recipe.from_json, Recipe.from_yaml], ids=["json", "yaml"])
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nschema: 2\nsafe_mask: [*b, *b]\n"


def refused(read: Callable[[Any], Recipe], text: Any) -> str:
    """Return the message of the one error that a text may raise."""
    with pytest.raises(RecipeError) as caught:
        read(text)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 600
    return message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "the recipe is None; expected a mapping with the key 'schema'"),
        ([1], "the recipe is [1]; expected a mapping"),
        ({}, "the recipe's schema is None; expected a whole number such as schema: 2"),
        ({"schema": True}, "the recipe's schema is True"),
        ({"schema": "2"}, "the recipe's schema is '2'"),
        ({"schema": 3}, "the recipe's schema is 3, newer than the 2 known here; upgrade fovnb"),
        ({"schema": 10**5000}, "the recipe's schema is a int that is too large to print, newer"),
        ({"schema": 2, "safemask": {}}, "the recipe has no key 'safemask' (did you mean 'safe_mask'?); there are data"),
        ({"schema": 2, 5: {}}, "the recipe has no key 5; there are data"),
        ({"schema": 2, "cube": {"geometry": {"binsz": 1}}}, "cube.geometry has no key 'binsz' (did you mean 'binsz_"),
        (
            {"schema": 2, "exclusion": {"regions": [{"kind": "circle", "lon_deg": 1, "lat_deg": 2, "radius": 1}]}},
            "the recipe's exclusion.regions[0] has no key 'radius' (did you mean 'radius_deg'?)",
        ),
        (
            {"schema": 2, "background": {"norm": {"kind": "pl-norm", "tilt": {"value": 0, "prior": {"sigm": 1}}}}},
            "the recipe's background.norm.tilt.prior has no key 'sigm' (did you mean 'sigma'?)",
        ),
        ({"schema": 2, "exclusion": {"catalogue": {}}}, "the recipe's exclusion.catalogue lacks file; give a value"),
        ({"schema": 2, "background": {"norm": {}}}, "recipe's background.norm is of the kind None; expected"),
        (
            {"schema": 2, "background": {"norm": {"kind": "plnorm"}}},
            "the recipe's background.norm is of the kind 'plnorm' (did you mean 'pl-norm'?)",
        ),
        ({"schema": 2, "background": {"norm": {"kind": ["pl-norm"]}}}, "is of the kind ['pl-norm']; expected one of"),
        ({"schema": 2, "safe_mask": 5}, "the recipe is wrong: Recipe.safe_mask is 5; expected SafeMask"),
        (
            {"schema": 2, "safe_mask": {"offset_max_deg": -1}},
            "the recipe's safe_mask is wrong: SafeMask.offset_max_deg is -1; expected a number above 0",
        ),
        ({"schema": 2, "data": {"folder": "/etc"}}, "the recipe's data is wrong: Data.folder is '/etc'; exp"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_place(content: Any, words: str) -> None:
    assert words in refused(Recipe.from_dict, content)


def test_what_is_not_given_has_its_default() -> None:
    assert Recipe.from_dict({"schema": 2}) == Recipe()
    assert Recipe.from_json('{"schema": 2, "safe_mask": {}}') == Recipe()


@READERS
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected"),
        ("5", "the recipe is 5; expected a mapping"),
        ('{"schema": 2, "schema": 2}', "'schema'"),
        ('{"schema": 2, "safe_mask": {"methods": [], "methods": []}}', "twice"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"schema":' * 100_000, "it is nested too deeply"),
        (b"\xff\xfe", "can't decode byte 0xff"),
        (b"{\xe9}", "can't decode byte 0xe9"),
        ("{", "the recipe is no "),
        ('{"schema": 2, "data": {"folder": "\\ud800"}}', "expected text that UTF-8 can hold"),
        ('{"schema": 2, "\\ud800": 1}', "the recipe has no key '\\ud800'"),
        ('{"schema": 2, "safe_mask": {"offset_max_deg": 1e999}}', "SafeMask.offset_max_deg is inf"),
        ('{"schema": ' + "9" * 5000 + "}", "the recipe is no "),
        (5, "of a recipe is 5; expected text"),
        (None, "of a recipe is None; expected text"),
    ],
    ids=range(15),
)
def test_no_text_raises_anything_else(read: Callable[[Any], Recipe], text: Any, words: str) -> None:
    assert words in refused(read, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "the recipe is no YAML: found an alias (*) in line 2"),
        ("schema: 2\ndata: !!python/object/apply:os.system [ls]\n", "found a tag (!) in line 2"),
        ("schema: !!int x", "found a tag (!) in line 1"),
        ("!!python/name:os.system x: 1", "found a key that is no text in line 1"),
        ("? [a]\n: 1", "found a key that is no text in line 1"),
        ("schema: 2\n---\nschema: 2\n", "found a second document in line 2"),
        ("schema: 2\ndata: {}\ndata: {}\n", "found the key 'data' twice in line 3"),
        ('a: "\\UFFFFFFFF"', "the recipe is no YAML"),
        ("a: \x01", "special characters are not allowed"),
        ("a: b: c", "mapping values are not allowed here in line 1"),
        ("<<: {schema: 2}", "the recipe's schema is None"),
    ],
)
def test_yaml_that_runs_refers_or_repeats_is_refused(text: str, words: str) -> None:
    assert words in refused(Recipe.from_yaml, text)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_json_numbers_that_are_none_are_refused(constant: str) -> None:
    text = f'{{"schema": 2, "safe_mask": {{"offset_max_deg": {constant}}}}}'
    assert "expected a number above 0" in refused(Recipe.from_json, text)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("1e-3", 0.001), ("2E0", 2.0), (".5", 0.5), ("1.", 1.0), ("+2", 2.0), ("2", 2.0), ("0010", 10.0)],
)
def test_yaml_numbers_are_read_as_a_person_means_them(written: str, expected: float) -> None:
    recipe = Recipe.from_yaml(f"schema: 2\nsafe_mask: {{offset_max_deg: {written}}}\n")
    assert recipe.safe_mask == SafeMask(offset_max_deg=expected)


@pytest.mark.parametrize(
    "written", ["'1e-3'", '"2"', "1:30", "0x1F", "1_0", ".inf", ".nan", "2020-01-01", "yes", "true", ""]
)
def test_yaml_that_is_no_number_is_refused_for_one(written: str) -> None:
    text = f"schema: 2\nsafe_mask:\n  offset_max_deg: {written}\n"
    assert "SafeMask.offset_max_deg is" in refused(Recipe.from_yaml, text)


def test_yaml_words_are_texts_and_obs_ids_may_begin_with_zeros() -> None:
    recipe = Recipe.from_yaml("schema: 2\ndata:\n  obs_ids: [023523]\n  selection: {target: no}\n")
    assert recipe.data.obs_ids == (23523,)
    assert recipe.data.selection is not None
    assert recipe.data.selection.target == "no"


@READERS
@given(text=st.text(st.sampled_from("{}[]:,-?&*!|>'\"%@` \n\tab12.\\/#~\ud800\0\u2028é")) | st.text() | st.binary())
def test_any_text_is_a_recipe_or_refused(read: Callable[[Any], Recipe], text: Any) -> None:
    try:
        found = repr(read(text))
    except RecipeError as error:
        found = str(error)
    assert len(found.splitlines()) == 1
