"""What changed between two recipes, in one line a field."""

import pytest

from fovnb.errors import RecipeError
from fovnb.recipe import Annulus, Circle, EnergyEdges, Parameter, PiecewiseNorm, Recipe, Suggestion

CRAB, STAR, RING = Circle(83.6, 22, 0.2, name="Crab"), Circle(84, 21, 0.1, name="star"), Annulus(83, 22, 1, 2)


def with_regions(*regions: object) -> Recipe:
    return Recipe().edit_step("exclusion", regions=regions)


def lines(old: Recipe, new: Recipe) -> list[str]:
    return old.diff(new).splitlines()


def test_equal_recipes_differ_in_nothing() -> None:
    assert Recipe().diff(Recipe()) == ""
    assert repr(Recipe().diff(Recipe())) == ""


def test_each_field_has_its_line_in_the_order_of_the_recipe() -> None:
    new = Recipe().edit_step("stack", block=2).edit_step("safe_mask", offset_max_deg=2, methods=["offset-max"])
    assert lines(Recipe(), new) == [
        "safe_mask.methods: ('aeff-default', 'offset-max') -> ('offset-max',)",
        "safe_mask.offset_max_deg: 2.5 -> 2.0",
        "stack.block: None -> 2",
    ]
    assert repr(Recipe().diff(new)) == "\n".join(lines(Recipe(), new))


def test_nested_fields_are_said_by_their_path() -> None:
    old = Recipe().edit_step("background", norm=PiecewiseNorm([1, 2], [Parameter(1), Parameter(1)]))
    new = old.edit_step("background", norm=PiecewiseNorm([1, 2], [Parameter(1), Parameter(1, frozen=True)]))
    assert lines(old, new) == ["background.norm.norms[1].frozen: False -> True"]


def test_another_kind_of_step_is_one_line() -> None:
    new = Recipe().edit_step("cube", energy=EnergyEdges([1, 2])).edit_step("exclusion", suggestion=Suggestion())
    assert lines(Recipe(), new) == [
        "cube.energy: EnergyBounds() -> EnergyEdges(edges_tev=(1.0, 2.0))",
        "exclusion.suggestion: None -> Suggestion()",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([CRAB], [CRAB.edit(radius_deg=0.3)], ["exclusion.regions[0].radius_deg: 0.2 -> 0.3"]),
        ([CRAB], [CRAB, STAR], [f"exclusion.regions[1]: added {STAR!r}"]),
        ([CRAB, STAR], [STAR], [f"exclusion.regions[0]: removed {CRAB!r}"]),
        ([CRAB], [RING], [f"exclusion.regions[0]: {CRAB!r} -> {RING!r}"]),
        ([CRAB, RING], [], [f"exclusion.regions[0]: removed {CRAB!r}", f"exclusion.regions[1]: removed {RING!r}"]),
        ([], [CRAB, STAR], [f"exclusion.regions[0]: added {CRAB!r}", f"exclusion.regions[1]: added {STAR!r}"]),
    ],
)  # fmt: skip
def test_regions_that_stay_are_found_wherever_they_are(
    old: list[object], new: list[object], expected: list[str]
) -> None:
    assert lines(with_regions(*old), with_regions(*new)) == expected


def test_an_added_region_is_named() -> None:
    assert lines(Recipe(), with_regions(CRAB)) == [
        "exclusion.regions[0]: added Circle(lon_deg=83.6, lat_deg=22.0, radius_deg=0.2, name='Crab')"
    ]


@pytest.mark.parametrize("name", ["a\nb", "a\r\u2028\u0085b", "'\"\\", "{}</script>"])
def test_a_hostile_name_stays_on_its_line(name: str) -> None:
    found = lines(with_regions(CRAB), with_regions(CRAB.edit(name=name)))
    assert found == [f"exclusion.regions[0].name: 'Crab' -> {name!r}"]


def test_what_is_no_recipe_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"Recipe is compared with Circle\(.*; expected another Recipe"):
        Recipe().diff(CRAB)
