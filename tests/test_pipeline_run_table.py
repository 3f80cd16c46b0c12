"""What a folder holds, which runs a recipe uses, how large its cubes are, and what its safe mask does to a run."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from fovnb.data import DataStore
from fovnb.datasets.frozen import array_sizes
from fovnb.demo import make_demo
from fovnb.diagnostics.safe_spectra import safe_spectra
from fovnb.errors import DataError, FovnbWarning
from fovnb.makers import SafeMaskMaker
from fovnb.pipeline import run
from fovnb.pipeline.cube_size import cube_size
from fovnb.pipeline.run_table import RunTable, run_table
from fovnb.pipeline.safe_preview import open_run, safe_preview
from fovnb.recipe import Cone, Cube, Data, EnergyEdges, Recipe, Selection
from fovnb.recipe.centre import in_frame
from tests.dl3 import run as dl3_run
from tests.dl3 import write_dl3
from tests.pipelines import CUBE

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a folder of three runs, the third of which the index says has no files."""
    monkeypatch.chdir(tmp_path)
    write_dl3(tmp_path / "dl3", [dl3_run(1), dl3_run(2)])
    index(tmp_path / "dl3", OBS_ID=[1, 2, 3], RA_PNT=[83.6, 83.6, 10], DEC_PNT=[21.5, 22.5, np.nan])
    return "dl3"


def index(folder: Path, **columns: list[object]) -> None:
    """Write another observation index."""
    path = folder / "obs-index.fits.gz"
    Table(columns).write(path, format="fits", overwrite=True)


def used(table: RunTable) -> list[int]:
    return [one.obs_id for one in table.used]


def test_all_runs_with_data_are_used_and_the_others_say_what_is_missing(folder: str) -> None:
    table = run_table(Data(folder=folder))
    assert [one.obs_id for one in table.runs] == [1, 2, 3]
    assert used(table) == [1, 2]
    assert "OBS_ID 3 is not among the 2 of the index" in table.runs[2].problem
    assert table.sentence == "2 of 3 runs are used"
    assert np.isnan(table.runs[0].zenith_deg)
    assert table.runs[0].quality is None
    np.testing.assert_array_equal(table.pointings["RA_PNT"], [83.6, 83.6, 10])


def test_conditions_leave_out_the_runs_that_the_code_leaves_out(folder: str) -> None:
    index(
        Path(folder),
        OBS_ID=[1, 2],
        OBJECT=["Crab", HOSTILE],
        ZEN_PNT=[20.0, 50.0],
        QUALITY=[0, 2],
        RA_PNT=[83.6, 83.6],
        DEC_PNT=[21.5, 27.5],
    )
    cone = Cone(83.6, 21.5, 1.0)
    for asked, why in (
        (Selection(target="Crab"), "another target than Crab"),
        (Selection(zenith_max_deg=45), "zenith angle above 45 deg"),
        (Selection(quality_max=1), "quality worse than 1"),
        (Selection(cone=cone), "points elsewhere"),
    ):
        table = run_table(Data(folder=folder, selection=asked))
        assert (used(table), table.runs[1].left_out) == ([1], why)
    both = Selection(target="Crab", zenith_max_deg=45)
    assert run_table(Data(folder=folder, selection=both)).runs[1].left_out.count(",") == 1
    assert run_table(Data(folder=folder)).targets == (HOSTILE, "Crab")


def test_a_selection_by_what_the_index_lacks_uses_no_run_and_says_why(folder: str, tmp_path: Path) -> None:
    asked = Data(folder=folder, selection=Selection(zenith_max_deg=45))
    table = run_table(asked)
    assert (used(table), table.runs[0].left_out) == ([], "the observation index has no column ZEN_PNT")
    (tmp_path / "dl3" / "obs-index.fits.gz").unlink()
    assert "no observation index" in run_table(asked).runs[0].left_out
    assert used(run_table(Data(folder=folder))) == [1, 2]


def test_a_listed_run_that_is_not_there_is_said(folder: str) -> None:
    table = run_table(Data(folder=folder, obs_ids=(2, 7, 8, 9, 10)))
    assert used(table) == [2]
    assert "OBS_ID 7, 8, 9 and 1 more of the recipe is not in this folder" in table.sentence


@pytest.mark.usefixtures("folder")
def test_a_folder_that_is_not_there_is_an_error_with_its_name_as_written() -> None:
    with pytest.raises(DataError, match=r"^gone is no folder"):
        run_table(Data(folder="gone"))


@pytest.mark.parametrize(
    "cube",
    [
        CUBE,
        CUBE.edit(energy_true=None),
        CUBE.edit(energy=EnergyEdges((0.6, 1.0, 3.0, 10.0)), binsz_irf_deg=0.7),
        CUBE.edit(geometry=in_frame(CUBE.geometry.edit(width_deg=(3.3, 2.1), binsz_deg=0.13), "galactic")),
    ],
)
def test_the_size_is_what_the_cubes_then_take(cube: Cube) -> None:
    results = run(Recipe(data=Data(demo_runs=2), cube=cube))
    size = cube_size(cube)
    assert size.run_bytes == sum(array_sizes(results.datasets[0]).values())
    assert size.stack_bytes == sum(array_sizes(results.stacked).values())
    assert size.total(2) == 2 * size.run_bytes + size.stack_bytes


def test_what_is_not_made_takes_no_memory() -> None:
    whole, part = cube_size(CUBE), cube_size(CUBE.edit(selection=("counts", "background")))
    pixels = 2 * 40 * 40
    assert part.run_bytes == (4 + 8 + 1) * pixels < whole.run_bytes


def test_the_preview_is_that_of_the_run_and_its_maker() -> None:
    results = run(Recipe().edit(cube=CUBE).edit_step("safe_mask", methods=("offset-max",), offset_max_deg=1.5))
    found = safe_preview(results, open_run(results.recipe.data, 2))
    observation = DataStore.from_dir(make_demo()).obs(2)
    expected = safe_spectra(results.datasets[1], observation, SafeMaskMaker(["offset-max"], "1.5 deg"))
    assert (found.name, found.chosen, found.offset_max_deg) == ("obs-2", ("offset-max",), 1.5)
    for name in ("counts_safe", "background_safe", "exposure"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    other = safe_preview(results, open_run(results.recipe.data, 1))
    assert not np.array_equal(other.counts_safe, found.counts_safe)


def test_the_preview_of_a_run_that_was_not_computed_says_so() -> None:
    results = run(Recipe(data=Data(obs_ids=(1,)), cube=CUBE))
    with pytest.raises(DataError, match="OBS_ID 2 is not among the runs that were computed"):
        safe_preview(results, open_run(results.recipe.data, 2))
    with pytest.warns(FovnbWarning, match="no background map"):
        bare = run(Recipe(data=Data(obs_ids=(1,)), cube=CUBE.edit(selection=("exposure",))))
    with pytest.raises(DataError, match="no counts and background"):
        safe_preview(bare, open_run(bare.recipe.data, 1))
