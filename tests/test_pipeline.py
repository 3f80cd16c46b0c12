"""A recipe becomes results; what did not change is not computed again, and no run spoils the others."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from fovnb.datasets import MapDataset
from fovnb.demo import make_demo
from fovnb.errors import (
    DataError,
    FovnbWarning,
    RecipeError,
    UnknownObservationError,
)
from fovnb.makers import FoVBackgroundMaker, fit_together, iterate_exclusion
from fovnb.modeling.models import PowerLawNormSpectralModel
from fovnb.pipeline import Pipeline
from fovnb.recipe import (
    Background,
    Data,
    EnergyBounds,
    Exclusion,
    Group,
    Parameter,
    PiecewiseNorm,
    PowerLawNorm,
    SafeMask,
    Selection,
    Stack,
    Suggestion,
)
from tests.pipelines import CIRCLE, CUBE, MAPS, RECIPE, assert_equal, by_hand, computed


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a copy of three simulated runs, open to recipes."""
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    shutil.copytree(make_demo(runs=3), tmp_path / "survey")
    return tmp_path / "survey"


def test_the_pipeline_does_what_the_makers_do_to_the_last_bit(pipeline: Pipeline):
    runs, stacked = by_hand()
    results = pipeline.run(RECIPE)
    assert [run.name for run in results.datasets] == ["obs-1", "obs-2", "obs-3"]
    for found, expected in zip(results.datasets, runs, strict=True):
        assert_equal(found, expected)
        np.testing.assert_array_equal(found.background_fit.values, expected.background_fit.values)
    assert_equal(results.stacked, stacked)


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_blocks_are_added_one_after_the_other(pipeline: Pipeline, block: int):
    assert_equal(pipeline.run(RECIPE.edit(stack=Stack(block))).stacked, by_hand(block=block)[1])


def test_a_wrong_order_would_be_seen():
    runs, _ = by_hand()
    sums = []
    for order in (runs, runs[::-1]):
        stacked = MapDataset.create(runs[0].geom)
        for run in order:
            stacked.stack(run.replace(psf=None, edisp=None, exposure=None))
        sums.append(stacked.background.data)
    assert not np.array_equal(*sums)


def norm(**tilt: object) -> Background:
    return Background(norm=PowerLawNorm(tilt=Parameter(**{"value": 0.0} | tilt)))


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ({}, set()),
        ({"background": norm(value=0.1, frozen=True)}, {"background"}),
        ({"background": norm(frozen=True)}, {"background"}),
        ({"exclusion": Exclusion((CIRCLE.edit(radius_deg=0.4),))}, {"exclusion", "sums", "background", "stack"}),
        ({"safe_mask": SafeMask(offset_max_deg=1.5)}, {"safe mask", "sums", "background", "stack"}),
        ({"stack": Stack(2)}, {"stack"}),
        (
            {"cube": CUBE.edit(energy=EnergyBounds(0.6, 10.0, 3))},
            {"grid", "cube", "safe mask", "exclusion", "sums", "background", "stack"},
        ),
    ],
    ids=["nothing", "value", "frozen", "exclusion", "safe mask", "block", "energy"],
)
def test_only_what_depends_on_a_change_is_computed(change: dict, steps: set[str]):
    pipeline = Pipeline()
    pipeline.run(RECIPE)
    again = pipeline.run(RECIPE.edit(**change))
    assert set(computed(again)) == steps
    fresh = Pipeline().run(RECIPE.edit(**change))
    assert_equal(again.stacked, fresh.stacked)


def test_a_new_run_is_the_only_one_that_is_made():
    pipeline = Pipeline()
    pipeline.run(RECIPE.edit_step("data", obs_ids=[1, 3]))
    found = computed(pipeline.run(RECIPE))
    assert (found["cube"], found["safe mask"], found["background"]) == (1, 1, 1)


def test_a_changed_safe_mask_reads_no_file(survey: Path):
    pipeline = Pipeline()
    recipe = RECIPE.edit_step("data", folder="$FOVNB_DATA/survey")
    expected = Pipeline().run(recipe.edit_step("safe_mask", offset_max_deg=1.5))
    pipeline.run(recipe)
    stats = {path: path.stat() for path in survey.glob("data/*")}
    assert stats
    for path, before in stats.items():
        path.write_bytes(b"\0" * before.st_size)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert_equal(pipeline.run(recipe.edit_step("safe_mask", offset_max_deg=1.5)).stacked, expected.stacked)


def test_a_file_that_changed_is_read_again(survey: Path):
    recipe = RECIPE.edit_step("data", folder="$FOVNB_DATA/survey")
    pipeline = Pipeline()
    pipeline.run(recipe)
    path = next(path for path in survey.glob("data/*") if "1" in path.name)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    assert computed(pipeline.run(recipe))["cube"] == 1


def test_a_broken_run_is_a_row_and_the_others_stay_as_they_are(survey: Path):
    recipe = RECIPE.edit_step("data", folder="$FOVNB_DATA/survey")
    sound = Pipeline().run(recipe.edit_step("data", obs_ids=[1, 3]))
    path = sorted(survey.glob("data/*"))[1]
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.warns(FovnbWarning, match="obs-2: unreadable"):
        results = Pipeline().run(recipe)
    assert results.ledger["status"].tolist() == ["ok", "unreadable", "ok"]
    assert str(survey) not in results.ledger["reason"][1]
    assert path.name in results.ledger["reason"][1]
    for name in MAPS:
        np.testing.assert_array_equal(getattr(results.stacked, name).data, getattr(sound.stacked, name).data)


def test_a_failed_run_is_tried_again(survey: Path):
    recipe, pipeline = RECIPE.edit_step("data", folder="$FOVNB_DATA/survey"), Pipeline()
    path = sorted(survey.glob("data/*"))[1]
    moved = path.rename(survey / "away")
    with pytest.warns(FovnbWarning, match="obs-2"):
        pipeline.run(recipe)
    moved.rename(path)
    assert pipeline.run(recipe).ledger["status"].tolist() == ["ok", "ok", "ok"]


def test_little_memory_gives_the_same_results():
    small = Pipeline(limit_bytes=100_000)
    first = small.run(RECIPE)
    assert computed(small.run(RECIPE))["cube"] == 3
    assert_equal(first.stacked, by_hand()[1])


def test_suggested_areas_are_those_of_the_iteration(pipeline: Pipeline):
    recipe = RECIPE.edit(exclusion=Exclusion(suggestion=Suggestion(high=6.0, low=3.5)))
    results = pipeline.run(recipe)
    plain = pipeline.run(RECIPE.edit(exclusion=Exclusion()))
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    safe = [run.replace(models=None, background_fit=None) for run in plain.datasets]
    history = iterate_exclusion(safe, FoVBackgroundMaker("fit", spectral_model=model), high=6.0, low=3.5)
    np.testing.assert_array_equal(results.exclusion_mask.data, history.mask.to_map(safe[0].geom).data)
    assert results.history.converged
    assert 0 < (~results.exclusion_mask.data).mean() < 0.1
    assert set(computed(pipeline.run(recipe))) == set()


def test_runs_fitted_together_are_those_of_fit_together(pipeline: Pipeline):
    recipe = RECIPE.edit(background=Background(group=Group(by="table", table=((1, "a"), (2, "a"), (3, "b")))))
    found = pipeline.run(recipe).datasets
    alone = [run.replace(models=None, background_fit=None) for run in pipeline.run(RECIPE).datasets]
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    expected = fit_together(alone, model, group_by={1: "a", 2: "a", 3: "b"})
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.background_fit.values, other.background_fit.values)
    tilts = [run.background_model.spectral_model.tilt.value for run in found]
    assert tilts[0] == tilts[1] != tilts[2]
    shared = [run.background_model.spectral_model.tilt for run in found]
    assert shared[0] is shared[1]
    assert shared[0] is not pipeline.run(recipe).datasets[0].background_model.spectral_model.tilt


def test_nodes_from_the_counts(pipeline: Pipeline):
    few = pipeline.run(RECIPE.edit(background=Background(norm=PiecewiseNorm(min_counts=50.0))))
    assert {len(run.background_model.spectral_model.energy) for run in few.datasets} == {2}
    with pytest.warns(FovnbWarning, match="not enough for 2 merged bins"):
        none = Pipeline().run(RECIPE.edit(background=Background(norm=PiecewiseNorm(min_counts=1e6))))
    assert set(none.ledger["status"]) == {"too-few-counts"}
    assert none.stacked.counts.data.sum() == 0


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (Data(folder="nowhere"), DataError, "nowhere is no folder"),
        (Data(obs_ids=(1, 77)), UnknownObservationError, "OBS_ID 77"),
        (Data(folder="../../../../../../../../etc"), RecipeError, "outside of the folders"),
    ],
)
def test_what_is_not_there_is_said(data: Data, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        Pipeline().run(RECIPE.edit(data=data))


def test_an_index_without_the_column_is_said(survey: Path):
    from astropy.table import Table

    index = survey / "obs-index.fits.gz"
    table = Table.read(index)
    table.remove_column("ZEN_PNT")
    table.write(index, overwrite=True)
    data = Data(folder="$FOVNB_DATA/survey", selection=Selection(zenith_max_deg=60.0))
    with pytest.raises(DataError, match="ZEN_PNT"):
        Pipeline().run(RECIPE.edit(data=data))
    index.unlink()
    with pytest.raises(DataError, match="observation index"):
        Pipeline().run(RECIPE.edit(data=data))


def test_no_run_is_no_error(pipeline: Pipeline):
    data = Data(demo_runs=3, selection=Selection(target="nothing"))
    results = pipeline.run(RECIPE.edit(data=data))
    assert (len(results.datasets), len(results.ledger)) == (0, 0)


def test_a_stack_of_no_run_lies_on_its_own_grid():
    pipeline, empty = Pipeline(), RECIPE.edit_step("data", obs_ids=[])
    assert pipeline.run(empty).stacked.data_shape == (2, 40, 40)
    other = empty.edit_step("cube", energy=EnergyBounds(0.6, 10.0, 4))
    assert pipeline.run(other).stacked.data_shape == (4, 40, 40)


def test_the_times_of_the_steps_add_up():
    timings = Pipeline().run(RECIPE).timings
    assert sum(step.seconds for step in timings.steps.values()) <= timings.total
    assert (timings["cube"].computed, timings["nothing"].computed) == (3, 0)
