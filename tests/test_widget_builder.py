"""CubeBuilder without a browser: runs, grids, safe mask and maps follow each other, and its code gives its results."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import ipywidgets as w
import numpy as np
import pytest

from fovnb.diagnostics.energy_slice import KINDS
from fovnb.errors import DataError, RecipeError
from fovnb.pipeline import Pipeline
from fovnb.pipeline.caller import as_check
from fovnb.recipe import Circle, Recipe
from fovnb.widgets.builder import CubeBuilder
from fovnb.widgets.state import State
from tests.pipelines import CUBE, RECIPE, assert_equal

NBIN, OFFSET = "cube.energy.nbin", "safe_mask.offset_max_deg"


class Counting:
    """The pipeline, which counts how often it is asked."""

    def __init__(self) -> None:
        self.pipeline, self.ran = Pipeline(), 0

    def __call__(self, recipe: Recipe, progress: Any = None, cancel: Any = None) -> Any:
        self.ran += 1
        return self.pipeline.run(recipe, progress, cancel)


@pytest.fixture(scope="module")
def run() -> Counting:
    return Counting()


@pytest.fixture
def builder(run: Counting) -> Iterator[CubeBuilder]:
    made = CubeBuilder(State(RECIPE, run))
    assert made.state.wait(60)
    yield made
    made.close()


def ready(builder: CubeBuilder) -> CubeBuilder:
    """Wait until everything is computed and drawn."""
    builder.state.finish()
    assert builder.maps.wait(60)
    return builder


def digests(builder: CubeBuilder) -> set[str]:
    return {picture.recipe for picture in builder.maps.pictures.values()}


def test_its_code_gives_its_results(builder: CubeBuilder) -> None:
    builder.grid.energy.set(NBIN, 3)
    builder.safe.form.set(OFFSET, 1.5)
    builder.runs.table.select([1, 3])
    result = builder.result
    assert result.recipe.data.obs_ids == (1, 3)
    assert result.stacked.data_shape == (3, 40, 40)
    names: dict[str, Any] = {}
    exec(compile(builder.code(), "code", "exec"), names)
    assert_equal(names["stacked"], result.stacked)
    for found, expected in zip(names["datasets"], result.datasets, strict=True):
        assert_equal(found, expected)


def test_a_recipe_that_is_set_is_shown_and_comes_back(builder: CubeBuilder) -> None:
    wanted = builder.recipe.edit_step("data", obs_ids=(2,)).edit_step("safe_mask", offset_max_deg=1.25)
    builder.recipe = wanted
    assert Recipe.from_yaml(builder.recipe.to_yaml()) == wanted
    assert builder.runs.table.selected == [2]
    assert builder.safe.form.values[OFFSET] == 1.25
    builder.undo()
    assert builder.recipe == RECIPE
    assert builder.runs.table.selected == [1, 2, 3]
    assert builder.safe.form.values[OFFSET] == 2.5


def test_pictures_carry_the_recipe_that_they_show(builder: CubeBuilder) -> None:
    builder.tabs.selected_index = 2
    before = ready(builder).safe.plot.picture.png
    builder.safe.form.set(OFFSET, 1.0)
    ready(builder)
    assert digests(builder) == {builder.state.digest} == {builder.safe.plot.picture.recipe}
    assert builder.safe.plot.picture.png != before
    assert builder.picture() == builder.maps.pictures["counts"].png


def test_a_slice_is_drawn_without_the_pipeline_and_says_its_numbers(builder: CubeBuilder, run: Counting) -> None:
    ready(builder)
    ran, results = run.ran, builder.state.results
    pngs = {builder.maps.pictures["counts"].png}
    for index in (1, 2):
        builder.maps.form.set("slice", index)
        stacked = builder.result.stacked
        counts, background = stacked.counts.data[index - 1].sum(), stacked.background.data[index - 1].sum()
        assert f"{counts:.0f} counts, {background:.1f} background" in builder.maps.note.text
        pngs.add(builder.maps.pictures["counts"].png)
    assert len(pngs) == 3
    assert (run.ran, builder.state.results) == (ran, results)


def test_a_page_that_was_prepared_is_the_one_that_is_drawn_when_asked_for(builder: CubeBuilder, run: Counting) -> None:
    ready(builder)
    builder.maps.form.set("slice", 2)
    prepared = {kind: picture.png for kind, picture in builder.maps.pictures.items()}
    other = CubeBuilder(State(RECIPE, run))
    other.state.finish()
    other.maps.form.set("slice", 1)
    other.maps.form.set("slice", 2)
    assert {kind: picture.png for kind, picture in other.maps.pictures.items()} == prepared
    other.close()


def test_maps_can_be_smoothed_chosen_and_taken_from_a_run(builder: CubeBuilder) -> None:
    maps = ready(builder).maps
    before = maps.pictures["excess"].png
    maps.form.set("width_deg", 0.3)
    assert maps.pictures["excess"].png != before
    maps.form.set("dataset", "obs-2")
    assert maps.note.text.startswith("obs-2, ")
    maps.form.set("kinds", ["excess", "counts"])
    assert [one.label for one in maps.box.children[-1].children] == ["Counts map", "Excess map"]
    builder.runs.table.select([1, 3])
    ready(builder)
    assert maps.form.values["dataset"] == "stack"
    assert maps.kinds == ["counts", "excess"]


def test_fewer_energies_leave_the_slider_at_the_last(builder: CubeBuilder) -> None:
    ready(builder).maps.form.set("slice", 2)
    builder.grid.energy.set(NBIN, 1)
    ready(builder)
    assert builder.maps.form.values["slice"] == 1
    assert next(one["slider"] for one in builder.maps.form.fields if one["path"] == "slice") == [0, 1]


def test_what_a_later_step_changes_follows_after_a_moment(builder: CubeBuilder) -> None:
    """So that the widgets of later steps need not wait for these maps."""
    ready(builder)
    old = builder.state.digest
    builder.state.edit("exclusion.regions", (Circle(83.6333, 22.0145, 0.5),))
    builder.state.finish()
    assert builder.state.fresh
    assert (digests(builder), builder.maps.pictures["counts"].stale) == ({old}, True)
    assert builder.maps.wait(60)
    assert (digests(builder), builder.maps.pictures["counts"].stale) == ({builder.state.digest}, False)


def test_fields_are_arguments_and_an_unknown_one_names_the_nearest() -> None:
    builder = CubeBuilder(RECIPE, offset_max_deg=1.75, obs_ids=[3])
    assert builder.recipe.safe_mask.offset_max_deg == 1.75
    assert builder.runs.table.selected == [3]
    builder.close()
    with pytest.raises(RecipeError, match="did you mean 'offset_max_deg'"):
        CubeBuilder(RECIPE, ofset_max_deg=1.75)


def test_the_grid_is_said_in_the_other_way(builder: CubeBuilder) -> None:
    grid, cube = builder.grid, builder.recipe.cube
    grid.ways.set("cube.energy", "edges")
    assert builder.recipe.cube.energy.edges_tev == (0.6, 2.449, 10.0)
    assert grid.energy.hidden["cube.energy.nbin"]
    grid.energy.set("cube.energy.edges_tev", [0.6, 5.0, 10.0])
    assert builder.result.stacked.geom.axes["energy"].edges.value == pytest.approx([0.6, 5, 10])
    grid.ways.set("cube.energy", "bounds")
    grid.ways.set("cube.energy_true", "same")
    assert (builder.recipe.cube.energy, builder.recipe.cube.energy_true) == (cube.energy, None)
    assert grid.ways.values == {"cube.energy": "bounds", "cube.energy_true": "same"}
    assert "2 true energies" in grid.note.text


def test_the_centre_moves_to_the_runs_a_name_or_another_frame(builder: CubeBuilder) -> None:
    grid = builder.grid
    builder.runs.table.select([1])
    grid.centre.click("pointing")
    geometry = builder.recipe.cube.geometry
    assert (geometry.lon_deg, geometry.lat_deg) == (83.6333, 22.7145)
    grid.centre.set("frame", "galactic")
    assert builder.recipe.cube.geometry.frame == "galactic"
    assert builder.recipe.cube.geometry.lat_deg == pytest.approx(-5.40916, abs=1e-5)
    grid._look_up = {"Crab": builder.result.stacked.geom.center_skydir}.__getitem__
    builder.undo()
    builder.undo()
    grid.centre.set("name", "Crab")
    grid.centre.click("look_up")
    assert grid.wait(30)
    assert builder.recipe.cube.geometry.lat_deg == pytest.approx(22.7145, abs=1e-4)
    assert grid.centre.disabled == {}


def test_a_name_that_is_not_found_is_said_under_its_field(builder: CubeBuilder) -> None:
    def offline(_: str) -> None:
        msg = "the name 'Crab' cannot be looked up without a network; type the coordinates"
        raise DataError(msg)

    before = builder.recipe
    builder.grid._look_up = offline
    builder.grid.centre.click("look_up")
    assert builder.grid.wait(30)
    assert "type the coordinates" in builder.grid.centre.errors["name"]["text"]
    assert builder.recipe == before


def test_work_is_cancelled_and_the_last_results_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fovnb.widgets.state.AT_ONCE_S", -1.0)  # nothing is done at once

    def run(recipe: Recipe, progress: Any = None, cancel: Any = None) -> Any:
        while recipe.safe_mask.offset_max_deg == 1.0:
            as_check(cancel)()
            time.sleep(0.005)
        return Pipeline().run(recipe, progress, cancel)

    builder = CubeBuilder(State(RECIPE, run))
    results = builder.result
    builder.recipe = RECIPE.edit_step("safe_mask", offset_max_deg=1.0)
    bar = builder.children[0]
    assert bar.status["enabled"][0] == "update"
    bar.click("update")
    assert bar.status["enabled"][0] == "cancel"
    bar.click("cancel")
    assert builder.state.wait(30)
    assert (builder.state.status.phase, builder.state.results) == ("cancelled", results)
    assert builder.maps.pictures["counts"].stale
    builder.close()


def test_two_threads_leave_a_whole_widget(builder: CubeBuilder) -> None:
    ready(builder)

    def hammer(edits: list[tuple[Any, str, Any]]) -> None:
        for form, path, value in edits * 10:
            form.set(path, value)

    slices = [(builder.maps.form, "slice", k) for k in (1, 2, 0)]
    offsets = [(builder.safe.form, OFFSET, value) for value in (1.0, 1.5, 2.0)]
    threads = [threading.Thread(target=hammer, args=(edits,)) for edits in (slices, offsets)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    ready(builder)
    assert builder.recipe.safe_mask.offset_max_deg == 2.0
    assert digests(builder) == {builder.state.digest}
    expected = builder.result.stacked.counts.data.sum()
    assert f"{expected:.0f} counts" in builder.maps.note.text


def test_a_closed_widget_is_freed() -> None:
    def n_models() -> int:
        gc.collect()
        return sum(isinstance(one, w.Widget) for one in gc.get_objects())

    state = State(RECIPE, Pipeline().run).join()
    CubeBuilder(state).close()
    before = n_models()
    builder = CubeBuilder(state)
    ready(builder)
    seen = weakref.ref(builder), weakref.ref(builder.maps), weakref.ref(builder.run_list)
    builder.close()
    builder.close()
    del builder
    assert n_models() == before
    assert [one() for one in seen] == [None, None, None]
    state.close()


def test_repr_is_short_and_stable(builder: CubeBuilder) -> None:
    assert repr(builder) == f"CubeBuilder(recipe {builder.state.digest})"
    bundle = ready(builder)._repr_mimebundle_()
    assert {"image/png", "application/vnd.jupyter.widget-view+json"} <= bundle.keys()
    assert np.all([builder.maps.pictures[kind].alt for kind in KINDS])
    assert CUBE.energy.nbin == 2
