"""A value is checked where it is set: plain values come out, anything else is refused in a sentence with its field."""

from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from astropy import units as u

from fovnb.errors import RecipeError
from fovnb.recipe import (
    Circle,
    Cone,
    Cube,
    Data,
    EnergyBounds,
    EnergyEdges,
    Exclusion,
    Geometry,
    Group,
    Parameter,
    Recipe,
    SafeMask,
    Selection,
    Stack,
)


class Word(StrEnum):
    A = "offset-max"


class Letters(str):
    __slots__ = ("more",)


class Other(Circle):
    pass


def kind_of(value: object) -> str:
    return type(value).__name__


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("step", "name", "expected"),
    [
        (SafeMask(offset_max_deg=np.float32(2)), "offset_max_deg", 2.0),
        (SafeMask(offset_max_deg=np.int64(2)), "offset_max_deg", 2.0),
        (SafeMask(offset_max_deg=Fraction(1, 2)), "offset_max_deg", 0.5),
        (Parameter(-0.0), "value", 0.0),
        (Parameter(1, frozen=np.True_), "frozen", True),
        (Stack(np.uint8(3)), "block", 3),
        (SafeMask(methods=[Word.A]), "methods", ("offset-max",)),
        (Selection(target=np.str_("Crab")), "target", "Crab"),
        (Selection(target=Letters("Crab")), "target", "Crab"),
        (EnergyEdges(np.array([1, 2, 4])), "edges_tev", (1.0, 2.0, 4.0)),
        (Data(obs_ids=np.array([3, 1])), "obs_ids", (1, 3)),
        (Data(obs_ids=range(2, 0, -1)), "obs_ids", (1, 2)),
        (Geometry(width_deg=[1, 2]), "width_deg", (1.0, 2.0)),
        (Group(by="table", table=[[1, "a"]]), "table", ((1, "a"),)),
    ],
)
def test_a_value_becomes_the_plain_type_of_its_field(step: Any, name: str, expected: Any) -> None:
    value = getattr(step, name)
    assert (value, repr(value)) == (expected, repr(expected))
    assert type(value) is type(expected)
    assert not isinstance(value, tuple) or [type(one) for one in value] == [type(one) for one in expected]


@pytest.mark.parametrize(
    "value",
    [
        True, "2", None, float("nan"), float("inf"), -1, 0, 181, 10**5000, 2 * u.deg, 1j, [2], np.array([2.0]), b"2",
        np.True_, np.float64("nan"), {}, nested(100_000),
    ],
    ids=kind_of,
)  # fmt: skip
def test_what_is_no_number_within_its_bounds_is_refused(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"expected a number above 0 and at most 180 deg$") as caught:
        SafeMask(offset_max_deg=value)
    assert str(caught.value).startswith("SafeMask.offset_max_deg is ")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [True, 1.0, "1", 0, 10**5000, np.float64(1), np.bool_(True)], ids=kind_of)
def test_what_is_no_whole_number_within_its_bounds_is_refused(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"expected a whole number of at least 1 and at most 100000, or None$"):
        Stack(value)


@pytest.mark.parametrize("value", ["\ud800", "Crab\0", "\0"])
def test_text_that_no_file_can_hold_is_refused(value: str) -> None:
    with pytest.raises(RecipeError, match=r"Selection.target is .*; expected text that UTF-8 can hold, without zero"):
        Selection(target=value)
    with pytest.raises(RecipeError, match=r"Data.folder is .*; expected text that UTF-8 can hold, without zero"):
        Data(folder=value)


@pytest.mark.parametrize("value", [b"Crab", 1, ["Crab"]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"Selection.target is .*; expected text, or None$"):
        Selection(target=value)


@pytest.mark.parametrize("value", ["12", b"12", {1, 2}, {1: 2}, iter([1, 2]), 5, np.array(5), [[1]], [1.5], [None]])
def test_what_is_no_list_of_whole_numbers_is_refused(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"Data.obs_ids is .*; expected a list, each a whole number of at least 0"):
        Data(obs_ids=value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SafeMask(methods=["offset_max"]), r"did you mean 'offset-max'\?"),
        (lambda: SafeMask(methods=[["offset-max"]]), "expected one of 'aeff-default', 'offset-max'"),
        (lambda: Geometry(frame=None), "Geometry.frame is None; expected one of 'icrs', 'galactic', 'fk5'"),
        (lambda: Geometry(width_deg=[1, 2, 3]), "expected 2 values, each a number above 0 and at most 360 deg"),
        (lambda: EnergyEdges([1]), "EnergyEdges.edges_tev is .*expected at least 2 values"),
        (lambda: EnergyEdges([1, 1]), "expected increasing numbers"),
        (lambda: EnergyEdges([1, 1 + 1e-12]), "expected increasing numbers"),
        (lambda: Parameter(1, frozen=1), "Parameter.frozen is 1; expected True or False"),
        (lambda: Exclusion(regions=[1]), "expected a list, each Circle or Annulus or Ellipse or Rectangle or Polygon"),
        (lambda: Exclusion(regions=Circle(1, 2, 3)), "Exclusion.regions is .*; expected a list, each Circle or"),
        (lambda: Exclusion(regions=[Other(1, 2, 3)]), "expected a list, each Circle or"),
        (lambda: Cube(energy=None), "Cube.energy is None; expected EnergyBounds or EnergyEdges$"),
        (lambda: Data(selection=Cone(1, 2)), "Data.selection is .*; expected Selection, or None$"),
        (lambda: Group(by="table", table=[(1, 2)]), "2 values, a whole number of at least 0 .* and text"),
        (lambda: Recipe(data=None), "Recipe.data is None; expected Data$"),
        (lambda: EnergyBounds(nbin=None), "EnergyBounds.nbin is None; expected a whole number of at least 1"),
    ],
)
def test_a_message_says_what_was_expected(make: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        make()


def test_a_recipe_holds_nothing_that_can_change() -> None:
    ids, regions = [2, 1], [Circle(1, 2, 3)]
    recipe = Recipe(data=Data(obs_ids=ids), exclusion=Exclusion(regions=regions))
    before = repr(recipe)
    ids.append(3)
    regions.clear()
    assert repr(recipe) == before
    assert recipe.data.obs_ids == (1, 2)
