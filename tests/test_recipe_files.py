"""Recipes in files: YAML or JSON by the name's end, whole or not at all, with errors that name the file."""

import os
from pathlib import Path

import pytest

from fovnb.errors import DataError, RecipeError
from fovnb.recipe import Recipe

RECIPE = Recipe().edit_step("data", obs_ids=[2, 1]).edit_step("safe_mask", offset_max_deg=1 / 3)


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "a.JSON", "new/folder/a.yaml"])
def test_a_recipe_comes_back_from_a_file(tmp_path: Path, name: str) -> None:
    RECIPE.write(tmp_path / name)
    assert Recipe.read(tmp_path / name) == RECIPE
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text == (RECIPE.to_json() if name.lower().endswith("json") else RECIPE.to_yaml())


def test_a_file_is_replaced_only_if_asked(tmp_path: Path) -> None:
    path = str(tmp_path / "a.yaml")
    Recipe().write(path)
    with pytest.raises(DataError, match="exists; pass overwrite=True"):
        RECIPE.write(path)
    assert Recipe.read(path) == Recipe()
    RECIPE.write(path, overwrite=True)
    assert Recipe.read(path) == RECIPE
    assert [one.name for one in tmp_path.iterdir()] == ["a.yaml"]


@pytest.mark.parametrize("name", ["a.txt", "a", ".yaml", "a.yaml.gz", ""])
def test_a_name_that_ends_in_something_else_is_refused(tmp_path: Path, name: str) -> None:
    for call in (Recipe.read, Recipe().write):
        with pytest.raises(RecipeError, match=r"is no file of a recipe by its name; expected one that ends in \.yaml"):
            call(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "cannot be read (No such file"),
        ("folder", "is no file"),
        ("circle", "cannot be"),
        ("pipe", "is no file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(DataError, match=r"; give the file of a recipe$") as caught:
        Recipe.read(tmp_path / f"{name}.yaml")
    assert f"{name}.yaml {words}" in str(caught.value)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as stream:
        stream.truncate(10_000_001)
    with pytest.raises(DataError, match=r"a\.json is larger than 10 MB"):
        Recipe.read(path)


def test_what_is_wrong_in_a_file_is_said_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    (tmp_path / "a.yaml").write_text("schema: 2\ncubes: {}\n")
    with pytest.raises(RecipeError, match=r"^\$FOVNB_DATA/a.yaml: the recipe has no key 'cubes' \(did you mean 'cube'"):
        Recipe.read("$FOVNB_DATA/a.yaml")
