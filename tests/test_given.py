"""Datasets that were made elsewhere: fitted, stacked and said in code as those of a recipe."""

from collections.abc import Sequence

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion

from fovnb.codegen import to_code
from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, GeometryError, InvalidInputError, RecipeError
from fovnb.maps import Map
from fovnb.pipeline import Given, Pipeline, Results
from fovnb.recipe import Background, Circle, Geometry, Group, Prior, Recipe, Suggestion
from fovnb.recipe.norms import Parameter, PowerLawNorm
from fovnb.widgets.base import StateWidget
from fovnb.widgets.state import State
from fovnb.widgets.upstream import state_of, with_mask

SMALL = Recipe().edit_step("cube", geometry=Geometry(binsz_deg=0.1))
CRAB = Circle(83.63, 22.01, 0.3)
RECIPES = {
    "plain": SMALL,
    "region": SMALL.edit_step("exclusion", regions=(CRAB,)),
    "suggestion": SMALL.edit_step("exclusion", suggestion=Suggestion()),
    "together": SMALL.edit_step("background", group=Group(by="table", table=((1, "a"), (2, "a")))),
    "blocks": SMALL.edit_step("stack", block=1),
    "prior": SMALL.edit(background=Background(norm=PowerLawNorm(tilt=Parameter(0.0, prior=Prior(0.0, 0.05))))),
}


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture(scope="module")
def made(pipeline: Pipeline) -> Results:
    return pipeline.run(SMALL)


def runs_of(made: Results) -> list[MapDataset]:
    """Return the runs as they are after the safe mask."""
    return [run.replace(models=None, background_fit=None, mask_exclusion=None) for run in made.datasets]


def mask_on(run: MapDataset) -> Map:
    region = CircleSkyRegion(SkyCoord(84.5, 22.5, unit="deg"), 0.5 * u.deg)
    return run.geom.region_mask([region], inside=False)


def assert_same(one: Sequence[MapDataset], other: Sequence[MapDataset]) -> None:
    for ours, theirs in zip(one, other, strict=True):
        for name in ("counts", "background", "exposure", "mask_safe"):
            assert np.array_equal(getattr(ours, name).data, getattr(theirs, name).data), name
        assert [p.value for p in ours.models[0].parameters] == [p.value for p in theirs.models[0].parameters]


@pytest.mark.parametrize("name", RECIPES)
def test_runs_that_were_made_before_come_to_the_same(name: str, pipeline: Pipeline, made: Results) -> None:
    recipe = RECIPES[name]
    expected, found = pipeline.run(recipe), pipeline.run(recipe, given=Given(runs_of(made)))
    assert_same(list(found.datasets), list(expected.datasets))
    for part in ("counts", "background", "exposure"):
        assert np.array_equal(getattr(found.stacked, part).data, getattr(expected.stacked, part).data)
    assert found.ledger["status"].tolist() == expected.ledger["status"].tolist()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", RECIPES)
def test_the_code_makes_the_same_of_the_names_it_begins_with(
    name: str, masked: bool, pipeline: Pipeline, made: Results
) -> None:
    runs = runs_of(made)
    given = Given(runs, mask_on(runs[0]) if masked else None)
    found = pipeline.run(RECIPES[name], given=given)
    names = {"datasets": runs, "exclusion_mask": mask_on(runs[0])}
    exec(compile(to_code(RECIPES[name], given=given), "code", "exec"), names)
    assert_same(names["datasets"], list(found.datasets))
    assert np.array_equal(names["stacked"].background.data, found.stacked.background.data)
    assert names["stacked"].ledger["norm"].tolist() == found.ledger["norm"].tolist()


def test_a_mask_that_is_given_and_one_of_the_recipe_both_count(pipeline: Pipeline, made: Results) -> None:
    runs = runs_of(made)
    mask = mask_on(runs[0])
    both = pipeline.run(RECIPES["region"], given=Given(runs, mask)).exclusion_mask
    alone = pipeline.run(RECIPES["region"]).exclusion_mask
    assert both is not None
    assert alone is not None
    assert np.array_equal(both.data, alone.data & mask.data)
    assert both.data.sum() < min(alone.data.sum(), mask.data.sum())


def test_what_happens_to_the_datasets_later_changes_nothing(pipeline: Pipeline, made: Results) -> None:
    runs = [run.copy(name=run.name) for run in runs_of(made)]
    given = Given(runs)
    before = pipeline.run(SMALL, given=given).stacked.counts.data.sum()
    runs[0].required("counts").data[...] = 0
    assert Pipeline().run(SMALL, given=given).stacked.counts.data.sum() == before > 0


def test_a_run_without_counts_says_why_and_the_others_go_on(pipeline: Pipeline, made: Results) -> None:
    first, second = runs_of(made)
    empty = first.replace(counts=Map.from_geom(first.geom))
    with pytest.warns(FovnbWarning, match="no counts were seen"):
        found = pipeline.run(SMALL, given=Given([empty, second]))
    assert found.ledger["status"].tolist() == ["too-few-counts", "ok"]


def test_what_cannot_be_used_is_refused(made: Results) -> None:
    first, second = runs_of(made)
    coarse = Pipeline().run(SMALL.edit_step("cube", geometry=Geometry(binsz_deg=0.2))).datasets[1]
    with pytest.raises(InvalidInputError, match=r"found \[\]; expected one MapDataset a run"):
        Given([])
    with pytest.raises(InvalidInputError, match="found int; expected one MapDataset"):
        Given([3])
    with pytest.raises(InvalidInputError, match="give each a name of its own"):
        Given([first, first])
    with pytest.raises(GeometryError, match="obs-2 is not on the grid of obs-1"):
        Given([first, coarse])
    with pytest.raises(InvalidInputError, match="expected a boolean Map"):
        Given([first], replace_dtype(mask_on(first)))
    with pytest.raises(GeometryError, match="the exclusion mask is not on the grid of obs-1"):
        Given([first], mask_on(coarse))
    with pytest.raises(RecipeError, match="has no step 'cube'"):
        to_code(SMALL, step="cube", given=Given([first, second]))
    with pytest.raises(RecipeError, match="cannot make them anew"):
        to_code(SMALL, verify=True, given=Given([first, second]))


def replace_dtype(mask: Map) -> Map:
    return Map.from_geom(mask.geom, data=mask.data.astype(float))


class Fitter(StateWidget):
    """A widget with nothing of its own but its steps."""

    steps = ("background", "stack")


def test_a_widget_takes_datasets_and_its_code_begins_with_them(made: Results) -> None:
    runs = runs_of(made)
    fitter = Fitter(state_of(runs, Fitter.steps, {"min_counts": 1}), [])
    names = {"datasets": runs}
    exec(compile(fitter.code(), "code", "exec"), names)
    assert_same(names["datasets"], list(fitter.result.datasets))
    one = Fitter(state_of(runs[0], Fitter.steps, {}), [])
    assert [run.name for run in one.result.datasets] == ["obs-1"]
    fitter.close()
    one.close()


def test_a_mask_from_elsewhere_is_followed_taken_over_or_refused(made: Results, pipeline: Pipeline) -> None:
    runs = runs_of(made)
    state, other = State(SMALL, pipeline.run), State(SMALL, pipeline.run)
    assert with_mask(state, other) is state
    other.edit("exclusion.regions", (CRAB,))
    assert state.recipe.exclusion.regions == (CRAB,)
    assert with_mask(state, [CircleSkyRegion(SkyCoord(84.5, 22.5, unit="deg"), 0.5 * u.deg)]) is state
    (region,) = state.recipe.exclusion.regions
    assert (region.lon_deg, region.lat_deg, region.radius_deg) == (84.5, 22.5, 0.5)
    with pytest.raises(InvalidInputError, match="found a Map as the mask of a recipe; write it"):
        with_mask(state, mask_on(runs[0]))
    on_runs = with_mask(state_of(runs, (), {}), mask_on(runs[0]))
    found = on_runs.finish().exclusion_mask
    assert found is not None
    assert np.array_equal(found.data, mask_on(runs[0]).data)
    state.close()
    other.edit("exclusion.regions", ())
    assert len(state.recipe.exclusion.regions) == 1
    other.close()
