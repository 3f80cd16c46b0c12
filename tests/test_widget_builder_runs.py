"""The run table of the cube builder: ticks, conditions, failed runs, and folders that are not what they should be."""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from fovnb.demo import make_demo
from fovnb.errors import FovnbError, FovnbWarning
from fovnb.pipeline import Pipeline
from fovnb.recipe import Cone, Recipe, Selection
from fovnb.widgets.builder import CubeBuilder
from fovnb.widgets.state import State
from tests.pipelines import RECIPE, assert_equal


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of three simulated runs."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(make_demo(runs=3), "dl3"))


@pytest.fixture
def builder(folder: Path) -> Iterator[CubeBuilder]:
    made = CubeBuilder(State(RECIPE.edit_step("data", folder=str(folder)), Pipeline().run))
    made.state.finish()
    yield made
    made.close()


def row(builder: CubeBuilder, obs_id: int) -> dict[str, object]:
    return next(one for one in builder.runs.table.rows if one["id"] == obs_id)


def test_the_table_says_what_the_index_does_and_what_became_of_each_run(builder: CubeBuilder) -> None:
    first = row(builder, 1)
    assert (first["target"], first["quality"], first["state"], first["class"]) == ("Demo Crab", 0, "ok", "")
    assert first["livetime"] == pytest.approx(26.32)
    assert builder.runs.note.text == "3 of 3 runs are used"


def test_ticks_are_the_obs_ids_and_all_of_them_mean_whatever_is_there(builder: CubeBuilder) -> None:
    table = builder.runs.table
    table.select([3, 1])
    assert builder.recipe.data.obs_ids == (1, 3)
    assert builder.runs.note.text == "2 of 3 runs are used"
    table.select([1, 2, 3])
    assert builder.recipe.data.obs_ids is None


def test_no_tick_is_a_sentence_and_the_runs_stay(builder: CubeBuilder) -> None:
    builder.runs.table.select([2])
    builder.runs.table.select([])
    assert builder.recipe.data.obs_ids == (2,)
    assert (builder.runs.note.tone, builder.runs.note.text[:17]) == ("error", "no run is ticked;")
    builder.runs.table.select([1])
    assert builder.runs.note.tone == "plain"


def test_conditions_are_part_of_the_recipe_and_of_its_code(builder: CubeBuilder) -> None:
    zenith = sorted(one["zenith"] for one in builder.runs.table.rows)
    limit = round((zenith[0] + zenith[1]) / 2, 3)
    selection = builder.runs.selection
    selection.set("zenith_max_deg", limit)
    assert builder.recipe.data.selection == Selection(zenith_max_deg=limit)
    assert builder.runs.note.text == "1 of 3 runs are used"
    left = [one for one in builder.runs.table.rows if one["class"] == "muted"]
    assert {one["state"] for one in left} == {f"zenith angle above {limit:g} deg"}
    names: dict[str, object] = {}
    exec(compile(builder.code(), "code", "exec"), names)
    assert len(builder.result.datasets) == 1
    assert_equal(names["stacked"], builder.result.stacked)
    selection.set("zenith_max_deg", None)
    assert builder.recipe.data.selection is None


def test_conditions_of_a_recipe_are_shown(builder: CubeBuilder) -> None:
    cone = Cone(10.0, 20.0, 1.5)
    builder.recipe = builder.recipe.edit_step("data", selection=Selection(target="Vela", cone=cone))
    values = builder.runs.selection.values
    assert (values["target"], values["radius_deg"]) == ("Vela", 1.5)
    choices = next(one for one in builder.runs.selection.fields if one["path"] == "target")["choices"]
    assert choices == [["Demo Crab", "Demo Crab"], ["Vela", "Vela (not here)"]]
    assert (builder.runs.note.tone, builder.runs.note.text) == ("warning", "0 of 3 runs are used")
    builder.runs.selection.set("radius_deg", 2.0)
    assert builder.recipe.data.selection.cone == cone.edit(radius_deg=2.0)


def test_an_impossible_condition_is_said_under_its_field(builder: CubeBuilder) -> None:
    builder.runs.selection.set("zenith_max_deg", 99)
    assert "at most 90" in builder.runs.selection.errors["zenith_max_deg"]["text"]
    assert builder.recipe.data.selection is None
    builder.runs.selection.set("zenith_max_deg", 80)
    assert builder.runs.selection.errors == {}


def test_a_folder_that_is_not_there_is_said_under_its_field_and_the_results_stay(builder: CubeBuilder) -> None:
    results = builder.state.results
    builder.runs.folder.set("data.folder", "gone")
    with pytest.raises(FovnbError, match="gone is no folder"):
        builder.state.finish()
    assert "gone is no folder" in builder.runs.folder.errors["data.folder"]["text"]
    assert builder.runs.table.rows == []
    assert builder.state.results is results
    assert builder.maps.pictures["counts"].stale
    builder.runs.folder.set("data.folder", "dl3")
    assert builder.runs.folder.errors == {}
    assert len(builder.runs.table.rows) == 3
    assert builder.state.finish().recipe == builder.recipe


def test_a_run_that_fails_is_a_row_with_its_reason_and_the_others_go_on(folder: Path) -> None:
    next((folder / "data").glob("*2*")).write_bytes(b"no FITS file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FovnbWarning)
        builder = CubeBuilder(State(RECIPE.edit_step("data", folder=str(folder)), Pipeline().run))
        builder.state.finish()
    failed = row(builder, 2)
    assert failed["class"] == "failed"
    assert str(failed["state"]).startswith("unreadable: ")
    assert [row(builder, obs_id)["state"] for obs_id in (1, 3)] == ["ok", "ok"]
    builder.tabs.selected_index = 2
    builder.runs.table.go(2)
    assert str(failed["state"]).partition(": ")[2][:30] in builder.safe.plot.picture.alt
    builder.runs.table.go(3)
    assert "counts are safe" in builder.safe.plot.picture.alt
    builder.close()


def test_an_obs_id_that_is_not_there_is_said(builder: CubeBuilder) -> None:
    builder.state.edit("data.obs_ids", (1, 77))
    assert "OBS_ID 77" in builder.runs.note.text
    with pytest.raises(FovnbError, match="OBS_ID 77 is not among"):
        builder.state.finish()
    builder.runs.table.select([1])
    assert builder.result.recipe.data.obs_ids == (1,)


def test_a_click_on_the_map_of_pointings_looks_at_the_nearest_run(builder: CubeBuilder) -> None:
    seen = {builder.run_list.current}
    for x, y in ((0.5, 0.3), (0.5, 0.7), (0.3, 0.5), (0.7, 0.5), (0.02, 0.02)):
        builder.runs.plot.picture.click(x, y)
        seen.add(builder.run_list.current)
    assert builder.runs.table.current == builder.run_list.current
    assert seen <= {1, 2, 3}
    builder.runs._go_to(0.0, 0.7)
    assert builder.run_list.current == 1


def test_the_outline_follows_the_grid_and_only_what_is_seen_is_drawn(builder: CubeBuilder) -> None:
    before = builder.runs.plot.picture.png
    builder.tabs.selected_index = 1
    builder.state.edit("cube.geometry.width_deg", (2.0, 2.0))
    assert builder.runs.plot.picture.png == before
    builder.tabs.selected_index = 0
    assert builder.runs.plot.picture.png != before
    assert builder.runs.plot.picture.recipe == builder.state.digest


def test_text_of_files_is_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from astropy.table import Table

    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(make_demo(), "dl3"))
    table = Table.read(folder / "obs-index.fits.gz")
    hostile = "<img src=x onerror=alert(1)>"
    table["OBJECT"] = [hostile, "Crab"]
    table.write(folder / "obs-index.fits.gz", overwrite=True)
    builder = CubeBuilder(RECIPE.edit_step("data", folder="dl3"))
    assert row(builder, 1)["target"] == hostile
    builder.runs.selection.set("target", hostile)
    assert [one["id"] for one in builder.runs.table.rows if one["class"] == "muted"] == [2]
    assert builder.result.recipe == Recipe.from_yaml(builder.recipe.to_yaml())
    builder.close()
