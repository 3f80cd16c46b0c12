"""The comments at the beginning of a text: versions and digests, nothing of the machine, and no string of a recipe."""

import io
import re
import socket
import tokenize
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest
from astropy.table import Table

from fovnb import __version__
from fovnb.codegen import to_code
from fovnb.codegen.header import header_lines
from fovnb.data import DataStore
from fovnb.demo import demo_dir, make_demo
from fovnb.errors import FovnbWarning, RecipeError
from fovnb.recipe import Catalogue, Data, Exclusion, Recipe, Selection
from tests.codegen_texts import SMALL


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    (tmp_path / "areas.reg").write_text("icrs; circle(83.6, 22.0, 0.3)")
    return make_demo(tmp_path / "runs", runs=2)


RECIPE = SMALL.edit(data=Data("$FOVNB_DATA/runs"), exclusion=Exclusion(file="$FOVNB_DATA/areas.reg"))


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]


def test_versions_and_digests_are_those_of_the_packages_and_files(folder: Path) -> None:
    runs = sorted((folder / "data").iterdir())
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "astropy", "regions", "iminuit"))
    assert header_lines(RECIPE) == [
        f"# Field-of-view background analysis, written by fovnb {__version__}",
        f"# with {packages}",
        f"# Recipe: sha256 {sha256(RECIPE.to_json().encode()).hexdigest()[:16]}",
        "# Input: sha256 of the files, first 16 digits",
        f"#   hdu-index.fits.gz: {digest(folder / 'hdu-index.fits.gz')}",
        f"#   obs-index.fits.gz: {digest(folder / 'obs-index.fits.gz')}",
        f"#   OBS_ID 1: {digest(runs[0])}",
        f"#   OBS_ID 2: {digest(runs[1])}",
        f"#   areas: {digest(folder.parent / 'areas.reg')}",
    ]


def test_one_byte_more_in_a_run_changes_one_line(folder: Path) -> None:
    before = header_lines(RECIPE)
    path = sorted((folder / "data").iterdir())[1]
    path.write_bytes(path.read_bytes() + b"\0")
    changed = [line for line, old in zip(header_lines(RECIPE), before, strict=True) if line != old]
    assert changed == [f"#   OBS_ID 2: {digest(path)}"]


def test_gammapy_is_named_with_the_version_that_it_is_written_for() -> None:
    assert header_lines(Recipe(), "gammapy")[0].startswith("# Field-of-view background analysis for Gammapy 2.1, ")


def test_simulated_runs_are_named_by_how_they_are_made() -> None:
    assert header_lines(Recipe())[-1] == f"# Input: simulated runs 1, 2 of {demo_dir(2).name}"
    unknown = header_lines(Recipe(data=Data(obs_ids=(1, 5, 9))))[3:]
    assert unknown == [
        f"# Input: simulated runs 1 of {demo_dir(2).name}",
        "#   OBS_ID 5: not there when this was written",
        "#   OBS_ID 9: not there when this was written",
    ]
    many = header_lines(Recipe(data=Data(demo_runs=200, obs_ids=range(1, 200, 2))))[3:]
    assert max(map(len, many)) <= 88
    assert all(line.startswith("#  ") for line in many[1:])
    assert re.findall(r"\b\d+\b", " ".join(many))[:100] == [str(number) for number in range(1, 200, 2)]


def test_missing_data_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOVNB_DATA", raising=False)
    recipe = RECIPE.edit_step("data", obs_ids=[7])
    missing = "not there when this was written"
    assert header_lines(recipe)[4:] == [
        f"#   the data are {missing}",
        f"#   OBS_ID 7: {missing}",
        f"#   areas: {missing}",
    ]
    assert "observations = data_store.get_observations([7])" in to_code(recipe)


def test_a_run_that_is_not_in_the_index_leaves_no_digest(folder: Path) -> None:
    (folder / "data" / "fovnb_demo_obs_id_000002.fits.gz").unlink()
    assert header_lines(RECIPE)[-2:-1] == ["#   OBS_ID 2: not there when this was written"]
    both = header_lines(RECIPE.edit_step("data", obs_ids=[1, 9]))
    assert both[3:-3] == header_lines(RECIPE)[3:-3]
    assert both[-3:-1] == [header_lines(RECIPE)[-3], "#   OBS_ID 9: not there when this was written"]


def test_only_selected_runs_are_named(folder: Path) -> None:
    table = DataStore.from_dir(folder).obs_table
    assert table is not None
    (low, high) = sorted(float(value) for value in table["ZEN_PNT"])
    assert low < high  # a control
    asked = Selection(zenith_max_deg=(low + high) / 2)
    (near,) = (int(row["OBS_ID"]) for row in table if row["ZEN_PNT"] <= asked.zenith_max_deg)
    for obs_ids in (None, [1, 2]):
        data = Data("$FOVNB_DATA/runs", obs_ids=obs_ids, selection=asked)
        lines = header_lines(RECIPE.edit(data=data))
        assert [line.split(":")[0] for line in lines[6:-1]] == [f"#   OBS_ID {near}"]
        (simulated,) = header_lines(Recipe(data=Data(obs_ids=obs_ids, selection=asked)))[3:]
        assert simulated == f"# Input: simulated runs {near} of {demo_dir(2).name}"
    (nothing,) = header_lines(Recipe(data=Data(selection=Selection(target="no such"))))[3:]
    assert nothing == f"# Input: simulated runs, but none of {demo_dir(2).name}"


def test_a_selection_that_the_index_does_not_allow(folder: Path) -> None:
    (folder / "obs-index.fits.gz").unlink()
    asked = RECIPE.edit_step("data", obs_ids=[1], selection=Selection(target="Crab"))
    assert header_lines(asked)[5:-1] == ["#   the index does not say which runs these are"]


def test_runs_that_lack_a_part_are_left_out_silently(folder: Path) -> None:
    """The code warns when it runs."""
    path = folder / "hdu-index.fits.gz"
    table = Table.read(path)
    table[(table["OBS_ID"] != 1) | (table["HDU_TYPE"] != "aeff")].write(path, overwrite=True)
    with pytest.warns(FovnbWarning, match="lack a part"):  # a control
        DataStore.from_dir(folder).get_observations()
    text = to_code(RECIPE)
    assert "#   OBS_ID 2: " in text
    assert "#   OBS_ID 1: " not in text


@pytest.mark.usefixtures("folder")
def test_nothing_outside_of_the_roots_is_read(tmp_path: Path) -> None:
    for recipe in (RECIPE, SMALL.edit(exclusion=Exclusion(catalogue=Catalogue("$FOVNB_DATA/areas.reg")))):
        with pytest.raises(RecipeError, match="lies outside of the folders"):
            to_code(recipe, roots=[tmp_path / "other"])
        assert to_code(recipe, roots=[tmp_path])


def test_no_text_names_a_folder_of_this_machine_its_user_or_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "HOSTNAME"):
        monkeypatch.setenv(name, f"zaphod-{name}")
    text = to_code(RECIPE)
    assert folder.name in text  # it is in the recipe
    for word in (str(tmp_path), str(Path.home()), "zaphod", socket.gethostname()):
        assert word not in text


@pytest.mark.usefixtures("folder")
def test_comments_are_our_own_words() -> None:
    """File names, targets and names of areas are strings; none gets into a comment."""
    tokens = tokenize.generate_tokens(io.StringIO(to_code(RECIPE)).readline)
    comments = " ".join(token.string for token in tokens if token.type == tokenize.COMMENT)
    assert not re.search(r"areas\.reg|FOVNB_DATA|runs/", comments)
