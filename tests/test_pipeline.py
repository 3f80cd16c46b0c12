"""A recipe becomes results; what did not change is not computed again, and no run spoils the others."""

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.demo import make_demo
from fovnb.errors import (
    CancelledError,
    DataError,
    FovnbWarning,
    InvalidInputError,
    RecipeError,
    UnknownObservationError,
)
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker, fit_together, iterate_exclusion
from fovnb.maps import MapAxis, WcsGeom
from fovnb.modeling.models import PowerLawNormSpectralModel
from fovnb.pipeline import Pipeline, Results
from fovnb.pipeline.memory import Memory
from fovnb.recipe import (
    Background,
    Circle,
    Cube,
    Data,
    EnergyBounds,
    Exclusion,
    Geometry,
    Group,
    Parameter,
    PiecewiseNorm,
    PowerLawNorm,
    Recipe,
    SafeMask,
    Selection,
    Stack,
    Suggestion,
)

CUBE = Cube(
    energy=EnergyBounds(0.6, 10.0, 2),
    energy_true=EnergyBounds(0.4, 20.0, 3),
    geometry=Geometry(width_deg=(4.0, 4.0), binsz_deg=0.1),
)
CIRCLE = Circle(83.6333, 22.0145, 0.3, name="source")
RECIPE = Recipe(data=Data(demo_runs=3), cube=CUBE, exclusion=Exclusion((CIRCLE,)))
MAPS = ("counts", "background", "exposure", "mask_safe", "mask_exclusion")


def computed(results: Results) -> dict[str, int]:
    """Return how many values each step computed."""
    return {name: step.computed for name, step in results.timings.steps.items() if step.computed}


def by_hand(recipe: Recipe = RECIPE, block: int | None = None) -> tuple[list[MapDataset], MapDataset]:
    """Return datasets and stack of the recipe above, with the makers alone."""
    energy = MapAxis.from_energy_bounds("0.6 TeV", "10 TeV", nbin=2)
    true = MapAxis.from_energy_bounds("0.4 TeV", "20 TeV", nbin=3, name="energy_true")
    geom = WcsGeom.create(skydir=(83.6333, 22.0145), width=4, binsz=0.1, axes=[energy])
    stacked = MapDataset.create(geom, energy_axis_true=true)
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    from fovnb.steps.expressions import evaluate
    from fovnb.steps.sky import sky_region

    mask = geom.region_mask([evaluate(sky_region(CIRCLE), {})], inside=False)
    makers = SafeMaskMaker(["aeff-default", "offset-max"], "2.5 deg"), FoVBackgroundMaker("fit", mask, model)
    runs = []
    for observation in DataStore.from_dir(make_demo(runs=recipe.data.demo_runs)).get_observations():
        made = MapDatasetMaker().run(stacked, observation)
        runs.append(makers[1].run(makers[0].run(made, observation)))
    for start in range(0, len(runs), block or len(runs)):
        part = MapDataset.create(geom, energy_axis_true=true, name="block")
        for run in runs[start : start + (block or len(runs))]:
            (stacked if block is None else part).stack(run)
        if block is not None:
            stacked.stack(part)
    return runs, stacked


def assert_equal(found: MapDataset, expected: MapDataset) -> None:
    for name in MAPS:
        a, b = getattr(found, name), getattr(expected, name)
        assert a.data.dtype == b.data.dtype, name
        np.testing.assert_array_equal(a.data, b.data, err_msg=name)
        assert a.geom == b.geom
    for one, other in ((found.psf, expected.psf), (found.edisp, expected.edisp)):
        for name in ("psf_map", "edisp_map"):
            if hasattr(one, name):
                np.testing.assert_array_equal(getattr(one, name).data, getattr(other, name).data)
        np.testing.assert_array_equal(one.exposure_map.data, other.exposure_map.data)
    np.testing.assert_array_equal(found.gti.start_s, expected.gti.start_s)
    assert found.exposure.meta["livetime"] == expected.exposure.meta["livetime"]
    for name in expected.ledger.colnames:
        np.testing.assert_array_equal(found.ledger[name], expected.ledger[name], err_msg=name)


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


def test_nothing_done_to_results_reaches_the_memory(pipeline: Pipeline):
    results = pipeline.run(RECIPE)
    with pytest.raises(ValueError, match="read-only"):
        results.stacked.counts.data[...] = 0
    with pytest.raises(ValueError, match="read-only"):
        results.datasets[0].exposure.data[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        results.exclusion_mask.data[0] = False
    before = results.stacked.counts.data.copy()
    results.stacked.stack(results.datasets[0])
    results.datasets[0].mask_safe = None
    results.datasets[0].background_model.spectral_model.norm.value = 7
    again = pipeline.run(RECIPE)
    np.testing.assert_array_equal(again.stacked.counts.data, before)
    assert again.datasets[0].mask_safe is not None
    assert again.datasets[0].background_model.spectral_model.norm.value < 2


@pytest.mark.parametrize("where", ["counts", "background"])
def test_a_run_is_stopped_between_its_parts(monkeypatch: pytest.MonkeyPatch, where: str):
    stop, made = threading.Event(), []
    known: dict[str, Callable] = {}
    for part in ("counts", "exposure", "background"):
        known[part] = getattr(MapDatasetMaker, f"make_{part}")

        def spy(*args: object, part: str = part) -> object:
            made.append(part)
            if part == where:
                stop.set()
            return known[part](*args)

        monkeypatch.setattr(MapDatasetMaker, f"make_{part}", staticmethod(spy))
    pipeline = Pipeline()
    with pytest.raises(CancelledError, match="cancelled"):
        pipeline.run(RECIPE, cancel=stop)
    assert made[-1] == where
    stop.clear()


def test_what_was_finished_before_a_stop_is_kept():
    pipeline, seen = Pipeline(), []

    def progress(runs: list) -> object:
        for run in runs:
            yield run
            seen.append(run)

    with pytest.raises(CancelledError):
        pipeline.run(RECIPE, progress, cancel=lambda: len(seen) == 2)
    assert computed(pipeline.run(RECIPE))["cube"] == 1


def test_two_threads_get_what_one_would(pipeline: Pipeline):
    recipes = [RECIPE.edit_step("safe_mask", offset_max_deg=1.9 + 0.1 * i) for i in range(6)]
    expected = [Pipeline().run(recipe).stacked.counts.data.sum() for recipe in recipes]
    found: dict[int, float] = {}

    def work(i: int) -> None:
        found[i] = pipeline.run(recipes[i]).stacked.counts.data.sum()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(6)] == expected


def test_a_thread_that_waits_can_be_cancelled():
    pipeline, entered, release = Pipeline(), threading.Event(), threading.Event()

    def slow(runs: list) -> object:
        entered.set()
        release.wait(20)
        yield from runs

    other = threading.Thread(target=pipeline.run, args=(RECIPE, slow))
    other.start()
    entered.wait(20)
    with pytest.raises(CancelledError):
        pipeline.run(RECIPE, cancel=lambda: True)
    release.set()
    other.join()


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cancel": 3}, "Event"),
        ({"progress": 3}, "tqdm"),
        ({"progress": print}, "wrapped"),
        ({"progress": lambda runs: runs[:1]}, "after 1 of 3 runs"),
        ({"roots": 3}, "roots is 3"),
        ({"roots": [3]}, "roots holds 3"),
        ({"recipe": None}, "NoneType is no recipe"),
    ],
    ids=str,
)
def test_an_argument_that_is_none_is_refused(arguments: dict, words: str):
    with pytest.raises(InvalidInputError, match=words):
        Pipeline().run(**{"recipe": RECIPE} | arguments)


def test_a_limit_that_is_none_is_refused():
    with pytest.raises(InvalidInputError, match="whole number of bytes"):
        Pipeline(limit_bytes="1GB")


def test_one_folder_is_not_its_letters(survey: Path):
    recipe = RECIPE.edit_step("data", folder="$FOVNB_DATA/survey")
    assert len(Pipeline(roots=survey.parent).run(recipe).datasets) == 3
    with pytest.raises(RecipeError, match="outside of the folders"):
        Pipeline(roots="/nowhere").run(recipe)


def test_a_progress_in_another_order_changes_nothing(pipeline: Pipeline):
    assert [run.name for run in pipeline.run(RECIPE, reversed).datasets] == ["obs-1", "obs-2", "obs-3"]


def test_a_stack_of_no_run_lies_on_its_own_grid():
    pipeline, empty = Pipeline(), RECIPE.edit_step("data", obs_ids=[])
    assert pipeline.run(empty).stacked.data_shape == (2, 40, 40)
    other = empty.edit_step("cube", energy=EnergyBounds(0.6, 10.0, 4))
    assert pipeline.run(other).stacked.data_shape == (4, 40, 40)


def test_a_stop_that_is_asked_for_before_is_heard(pipeline: Pipeline):
    pipeline.run(RECIPE)
    with pytest.raises(CancelledError):
        pipeline.run(RECIPE, cancel=lambda: True)


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE.edit(exclusion=Exclusion(suggestion=Suggestion())),
        RECIPE.edit(background=Background(group=Group(by="table", table=((1, "a"), (2, "b"), (3, "b"))))),
        RECIPE.edit(stack=Stack(2)),
    ],
    ids=["suggestion", "group", "stack"],
)
def test_the_loops_inside_of_a_step_can_be_stopped(recipe: Recipe):
    asked = [0]

    def count() -> bool:
        asked[0] += 1
        return False

    results = Pipeline().run(recipe, cancel=count)
    begin, parts, stacked = 1, 5 * 3, 2 * 3  # a stack is made of two halves that cost anything
    fits = 3 * len(results.history.steps) if results.history else 0
    groups = 2 if recipe.background.group else 0
    assert asked[0] == begin + sum(computed(results).values()) + parts + stacked + fits + groups


def test_a_value_that_is_too_large_leaves_the_others():
    memory = Memory(100, lambda text: {id(text): len(text)})
    for name, size in (("a", 40), ("b", 41), ("c", 200)):
        memory.put(name, name * size)
    assert (memory.get("a"), memory.get("b"), memory.get("c"), memory.nbytes) == ("a" * 40, "b" * 41, None, 81)


def test_no_way_leads_from_results_to_the_memory(pipeline: Pipeline):
    results = pipeline.run(RECIPE)
    before = results.stacked.counts.data.copy()
    with pytest.raises(ValueError, match="read-only"):
        results.datasets[0].counts.data.base[...] = 0
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        results.datasets[0].counts.data.flags.writeable = True
    results.exclusion_mask.data = np.zeros_like(results.exclusion_mask.data)
    again = pipeline.run(RECIPE.edit_step("safe_mask", offset_max_deg=2.4))
    assert set(again.ledger["status"]) == {"ok"}
    np.testing.assert_array_equal(pipeline.run(RECIPE).stacked.counts.data, before)


def test_the_times_of_the_steps_add_up():
    timings = Pipeline().run(RECIPE).timings
    assert sum(step.seconds for step in timings.steps.values()) <= timings.total
    assert (timings["cube"].computed, timings["nothing"].computed) == (3, 0)
