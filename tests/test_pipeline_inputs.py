"""What a recipe reads: each change of it is seen, nothing outside of its folders is read, and no path is given away."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.table import Table

from fovnb.data import DataStore, Observation
from fovnb.demo import demo_dir, make_demo
from fovnb.errors import DataError, FovnbWarning, RecipeError
from fovnb.makers import MapDatasetMaker, SafeMaskMaker, reduce_observations
from fovnb.pipeline import Pipeline
from fovnb.pipeline.inputs import content_hashes, index_stamps, make_mask, open_store, run_key
from fovnb.recipe import Catalogue, Circle, Cube, Data, EnergyBounds, Exclusion, Geometry, Recipe
from fovnb.steps import cube_statements, execute

CUBE = Cube(
    energy=EnergyBounds(0.6, 10.0, 2),
    energy_true=EnergyBounds(0.4, 20.0, 3),
    geometry=Geometry(width_deg=(2.0, 2.0), binsz_deg=0.2),
    binsz_irf_deg=1.0,
)
SURVEY = Data(folder="$FOVNB_DATA/survey")
RECIPE = Recipe(data=SURVEY, cube=CUBE, exclusion=Exclusion((Circle(83.6333, 22.0145, 0.3),)))


@pytest.fixture
def open_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder that is open to recipes, with a copy of two simulated runs; beside it is the outside."""
    folder = tmp_path / "open"
    shutil.copytree(make_demo(), folder / "survey")
    monkeypatch.setenv("FOVNB_DATA", str(folder))
    return folder


def run_file(survey: Path, obs_id: int) -> Path:
    (path,) = survey.glob(f"data/*{obs_id}.fits.gz")
    return path


def moved_out(path: Path) -> None:
    """Move a file or folder out of the open folder, and leave a link to it."""
    outside = path.parents[len(path.parents) - 1 - path.parts.index("open")].parent / path.name
    path.rename(outside)
    path.symlink_to(outside)


def statuses(pipeline: Pipeline, recipe: Recipe = RECIPE) -> list[str]:
    return pipeline.run(recipe).ledger["status"].tolist()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_takes_the_place_of_data_is_not_followed(open_folder: Path, what: str):
    pipeline = Pipeline()
    assert statuses(pipeline) == ["ok", "ok"]
    path = run_file(open_folder / "survey", 2)
    moved_out(path if what == "file" else path.parent)
    expected = ["ok" if what == "file" else "unreadable", "unreadable"]
    for one in (pipeline, Pipeline()):
        with pytest.warns(FovnbWarning, match="leads outside of the data set's folder"):
            assert statuses(one) == expected


def test_a_link_inside_of_the_folder_is_followed(open_folder: Path):
    path = run_file(open_folder / "survey", 2)
    path.rename(open_folder / "survey" / "elsewhere")
    path.symlink_to("../elsewhere")
    assert statuses(Pipeline()) == ["ok", "ok"]


def test_a_link_that_leads_to_itself_leads_nowhere(open_folder: Path):
    path = run_file(open_folder / "survey", 2)
    path.unlink()
    path.symlink_to(path.name)
    with pytest.warns(FovnbWarning, match="leads outside"):
        assert statuses(Pipeline()) == ["ok", "unreadable"]


@pytest.mark.parametrize("name", ["hdu-index.fits.gz", "obs-index.fits.gz"])
def test_an_index_that_leads_out_of_the_roots_is_refused(open_folder: Path, name: str):
    moved_out(open_folder / "survey" / name)
    roots = [open_folder]
    with pytest.raises(RecipeError, match=rf"'\$FOVNB_DATA/survey/{name}' lies outside"):
        index_stamps(SURVEY, roots)
    known = index_stamps(SURVEY, [*roots, open_folder.parent])
    assert (str(open_folder.parent / name)) in [path for path, _, size in known if size > 0]


def test_a_changed_row_of_the_index_is_seen(open_folder: Path):
    pipeline = Pipeline()
    assert statuses(pipeline) == ["ok", "ok"]
    index = open_folder / "survey" / "hdu-index.fits.gz"
    table = Table.read(index)
    (row,) = [i for i, one in enumerate(table) if one["OBS_ID"] == 2 and one["HDU_TYPE"].strip() == "bkg"]
    table["HDU_NAME"][row] = "NONE"
    table.write(index, overwrite=True)
    os.utime(index, ns=(0, 10**18))
    with pytest.warns(FovnbWarning, match="no table NONE"):
        assert statuses(pipeline) == ["ok", "unreadable"]


def test_cubes_on_disk_are_of_the_rows_and_of_each_file(open_folder: Path):
    run = DataStore.from_dir(open_folder / "survey").obs(1)
    survey = open_folder / "survey"
    whole = content_hashes(run)
    assert len(whole) == len(run.paths) == 1
    parts = [survey / "a", survey / "b"]
    hdus = {name: hdu for name, hdu in run._hdus.items() if name in ("events", "gti")}
    names = dict(zip(hdus, "ab", strict=True))
    two = {name: replace(hdu, file_dir="", file_name=names[name]) for name, hdu in hdus.items()}
    found = []
    for contents in ((b"12", b"3"), (b"1", b"23")):
        for path, content in zip(parts, contents, strict=True):
            path.write_bytes(content)
        found.append(content_hashes(Observation(1, two, run._files)))
    assert found[0] != found[1]
    assert run_key(Observation(1, hdus, run._files)) != run_key(run)


def test_the_current_folder_is_part_of_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FOVNB_DATA", raising=False)
    for name in "ab":
        shutil.copytree(make_demo(), tmp_path / name / "survey")
    sound, broken = (run_file(tmp_path / name / "survey", 2) for name in "ab")
    before = sound.stat()
    broken.write_bytes(b"\0" * before.st_size)
    for path in (sound, broken):
        os.utime(path, ns=(0, 10**18))
    for name in ("hdu-index.fits.gz", "obs-index.fits.gz"):
        for folder in "ab":
            os.utime(tmp_path / folder / "survey" / name, ns=(0, 10**18))
    recipe = RECIPE.edit_step("data", folder="survey")
    pipeline = Pipeline()
    monkeypatch.chdir(tmp_path / "a")
    assert statuses(pipeline, recipe) == ["ok", "ok"]
    store = open_store(recipe.data)
    monkeypatch.chdir(tmp_path / "b")
    with pytest.warns(FovnbWarning, match="obs-2") as seen:
        assert statuses(pipeline, recipe) == ["ok", "unreadable"]
    assert str(tmp_path) not in str(seen[0].message)
    assert store.obs(2).paths == (sound,)


def test_simulated_runs_that_were_deleted_are_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipe, pipeline = RECIPE.edit(data=Data()), Pipeline()
    assert statuses(pipeline, recipe) == ["ok", "ok"]
    assert demo_dir().is_relative_to(tmp_path)
    known = index_stamps(recipe.data)
    shutil.rmtree(demo_dir())
    assert statuses(pipeline, recipe) == ["ok", "ok"]
    assert [path for path, _, _ in known] == [path for path, _, _ in index_stamps(recipe.data)]


@pytest.mark.parametrize("folder", ["$FOVNB_DATA/nowhere", "$FOVNB_DATA/empty", "nowhere"])
def test_messages_have_the_folder_as_the_recipe_has_it(open_folder: Path, monkeypatch: pytest.MonkeyPatch, folder: str):
    (open_folder / "empty").mkdir()
    monkeypatch.chdir(open_folder)
    with pytest.raises(DataError) as raised:
        open_store(Data(folder=folder))
    assert str(raised.value).startswith(folder)
    assert str(open_folder) not in str(raised.value)


@pytest.mark.parametrize(
    "exclusion", [Exclusion(file="$FOVNB_DATA/none.reg"), Exclusion(catalogue=Catalogue("$FOVNB_DATA/none.fits"))]
)
def test_messages_have_the_files_of_an_exclusion_as_the_recipe_has_them(open_folder: Path, exclusion: Exclusion):
    with pytest.raises(DataError, match=r"\$FOVNB_DATA/none\.") as raised:
        make_mask(exclusion, execute(cube_statements(CUBE)))
    assert str(open_folder) not in str(raised.value)


def test_too_little_memory_is_no_fault_of_a_run(monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    recipe, pipeline = RECIPE.edit(data=Data()), Pipeline()
    names = execute(cube_statements(CUBE))
    with monkeypatch.context() as patched:
        patched.setattr(SafeMaskMaker, "run", full)
        with pytest.raises(MemoryError):
            pipeline.run(recipe)
        runs = DataStore.from_dir(make_demo()).get_observations()
        with pytest.raises(MemoryError):
            list(reduce_observations(runs, names["stacked"], [MapDatasetMaker(), SafeMaskMaker(["offset-max"])]))
    assert statuses(pipeline, recipe) == ["ok", "ok"]
