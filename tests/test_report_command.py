"""``python -m fovnb report``: from a folder to ledger and report, or one sentence and code 2."""

import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable, Table

from fovnb.__main__ import main
from fovnb.data import DataStore
from fovnb.errors import FovnbError
from fovnb.makers import ExclusionMask, FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from fovnb.maps import WcsGeom
from fovnb.modeling.models import PowerLawNormSpectralModel
from fovnb.report.command import exclusion_from
from fovnb.report.folder import Reduction, reduce_runs
from tests.dl3 import aeff_hdu, run, write_dl3

FAST = ["--binsz", "0.1", "--nbin", "3", "--emax", "10"]


@pytest.fixture(autouse=True)
def no_catalog(monkeypatch):
    monkeypatch.delenv("GAMMAPY_DATA", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    aeff = aeff_hdu()
    aeff.header.update({"LO_THRES": 0.2, "HI_THRES": 90.0})
    many = {"n_events": 4000, "tables": {"AEFF": aeff}}
    runs = [
        run(1, **many),
        run(2, pointing=(83.63, 22.51), **many),
        run(3, drop=["BKG"]),
        run(4, pointing=(200.0, -40.0), header={"OBJECT": "far <away>"}, **many),
    ]
    return write_dl3(tmp_path_factory.mktemp("dl3"), runs)


def test_one_command_gives_ledger_and_report(folder, tmp_path, capsys):
    page, table = tmp_path / "report.html", tmp_path / "ledger.ecsv"
    assert main(["report", str(folder), "--output", str(page), "--ledger", str(table), *FAST]) == 0
    printed, log = capsys.readouterr()
    lines = printed.splitlines()
    assert lines[0].startswith("EXCLUSION MASK: NONE")
    assert lines[2].startswith("Run ledger: 3 of 4 runs, 1.35 of 1.80 h in the stack, 0.45 h lost")
    assert [line.split(":")[0] for line in lines[4:9]] == ["obs-1", "obs-2", "obs-3", "obs-4", "all runs together"]
    assert lines[6].startswith("obs-3: unreadable: ")
    assert lines[-2:] == [f"wrote {page}", f"wrote {table}"]
    assert re.search(r"^fovnb: warning: obs-3: unreadable", log, flags=re.M)
    assert "Traceback" not in log
    html = page.read_text(encoding="utf-8")
    assert "EXCLUSION MASK: NONE" in html
    assert "far &lt;away&gt; (1 run)" in html
    assert "Crab &lt;b&gt;Nebula&lt;/b&gt; (2 runs)" in html
    assert "failed:" not in html
    assert str(folder.parent) not in html + table.read_text(encoding="utf-8")
    assert f"<li>Data: {folder.name}</li>" in html
    ledger = QTable.read(table)
    assert ledger["OBS_ID"].tolist() == [1, 2, 3, 4]
    assert ledger["status"][2] == "unreadable"


def test_norms_are_those_of_the_makers_one_by_one(folder):
    observations = DataStore.from_dir(folder).get_observations([1, 2])
    mask = ExclusionMask("icrs; circle(83.63, 22.01, 0.4)")
    how = Reduction(binsz_deg=0.1, nbin=3, emax_tev=10)
    datasets = reduce_runs(observations, how, mask)
    assert datasets[0].geom == datasets[1].geom
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    safe = SafeMaskMaker(["aeff-default", "offset-max"], offset_max="2 deg")
    for observation, found in zip(observations, datasets, strict=True):
        dataset = safe.run(MapDatasetMaker(["counts", "background"]).run(found, observation), observation)
        expected = FoVBackgroundMaker("fit", exclusion_mask=mask, spectral_model=model).run(dataset)
        np.testing.assert_array_equal(found.background_fit.values, expected.background_fit.values)
        np.testing.assert_array_equal(found.mask_exclusion.data, expected.mask_exclusion.data)
        assert not found.mask_exclusion.data.all()


def test_only_the_runs_asked_for_and_progress_over_all_of_them(folder):
    seen = []

    def progress(runs):
        for one in runs:
            seen.append(one.obs_id)
            yield one

    observations = DataStore.from_dir(folder).get_observations([4, 1])
    datasets = reduce_runs(observations, Reduction(binsz_deg=0.2), progress=progress)
    assert seen == [4, 1]
    assert [dataset.name for dataset in datasets] == ["obs-4", "obs-1"]
    assert datasets[0].geom != datasets[1].geom


def write_catalog(path):
    path.parent.mkdir(parents=True)
    names = {"common_name": ["Crab", "shell"], "ra": [83.63, 85.0], "dec": [22.01, 22.0], "morph_sigma": [np.nan, 0.5]}
    Table(names).write(path)
    return path


def test_gamma_cat_is_found_by_itself_and_said(tmp_path, monkeypatch):
    path = write_catalog(tmp_path / "catalogs" / "gammacat" / "gammacat.fits.gz")
    monkeypatch.setenv("GAMMAPY_DATA", str(tmp_path))
    mask, origin = exclusion_from(None)
    assert mask.names == ("Crab", "shell")
    assert [mask[name].shape.sizes_deg for name in mask.names] == [(0.3,), (1.0,)]
    place = "$GAMMAPY_DATA/catalogs/gammacat/gammacat.fits.gz"
    assert path.exists()
    assert origin == f"Exclusion mask: 2 areas from {place}, found by itself; pass --exclude FILE for another."


def test_regions_masks_and_tables_are_told_apart(tmp_path):
    (tmp_path / "crab.reg").write_text("icrs; circle(83.63, 22.01, 0.4)\n")
    geom = WcsGeom.create(skydir=(83.63, 22.01), width=2, binsz=0.1)
    geom.region_mask("icrs; circle(83.63, 22.01, 0.4)", inside=False).write(tmp_path / "mask.fits")
    Table({"ra": [83.63], "dec": [22.01]}).write(tmp_path / "table.ecsv")
    kinds = {"crab.reg": "Circle", "mask.fits": "Mask", "table.ecsv": "Circle"}
    for name, kind in kinds.items():
        mask, origin = exclusion_from(str(tmp_path / name))
        assert [entry.kind for entry in mask] == [kind]
        assert origin == f"Exclusion mask: 1 area from {name}."


def test_without_a_catalogue_it_is_said_loudly(tmp_path, monkeypatch):
    for value in (None, str(tmp_path)):
        if value:
            monkeypatch.setenv("GAMMAPY_DATA", value)
        mask, origin = exclusion_from(None)
        assert mask is None
        assert origin.startswith("EXCLUSION MASK: NONE. Sources count as background")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--obs-ids", "7"], "OBS_ID 7 is not among the 4"),
        (["--obs-ids", "x"], "'x' is no OBS_ID"),
        (["--exclude", "gone.reg"], "gone.reg does not exist"),
        (["--emin", "5", "--emax", "2"], "the energies go from 5 to 2 TeV"),
        (["--nbin", "0"], "nbin is 0; expected a positive number"),
        (["--spectral-model", "pl-nrom"], "pl-nrom"),
        (["--output", "taken.html"], "taken.html exists"),
        (["--ledger", "taken.ecsv"], "taken.ecsv exists; choose another name, or pass --overwrite"),
        (["--output", "same.ecsv", "--ledger", "./same.ecsv"], "report and ledger are the same file, same.ecsv"),
        (["--ledger", "ledger.fits"], "ledger.fits does not end in .ecsv"),
        (["--output", "."], ". is a folder; give the name of a file in it"),
        (["--output", "taken.ecsv/report.html"], "cannot write taken.ecsv/report.html: Not a directory"),
        (["--ledger", "/proc/ledger.ecsv"], "cannot write /proc/ledger.ecsv: "),
        (["--binsz", "0.0005"], "values, above 4e+08; give larger pixels"),
    ],
)
def test_an_error_is_one_sentence_and_code_2(arguments, message, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    taken = [tmp_path / "taken.ecsv", tmp_path / "taken.html"]
    for path in taken:
        path.write_text("mine")
    assert main(["report", str(folder), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"fovnb: [^\n]+\n", err)
    assert message in err
    assert sorted(tmp_path.iterdir()) == taken
    assert {path.read_text() for path in taken} == {"mine"}


def test_a_folder_without_data_is_one_sentence(tmp_path, capsys):
    assert main(["report", str(tmp_path / "gone"), "--output", str(tmp_path / "r.html")]) == 2
    assert "is no folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("regions", "inside"),
    [
        ("icrs; circle(10, 10, 0.5)", "0 of 1"),
        ("icrs; circle(83.63, 22.01, 0.3); circle(200, -40, 0.3); circle(10, 10, 0.5)", "2 of 3"),
    ],
)
def test_it_is_said_how_many_areas_lie_in_the_fields(regions, inside, folder, tmp_path, capsys):
    file, page = tmp_path / "areas.reg", tmp_path / "report.html"
    file.write_text(f"{regions}\n")
    arguments = ["--obs-ids", "1", "4", "--exclude", str(file), "--output", str(page), *FAST]
    assert main(["report", str(folder), *arguments]) == 0
    printed, log = capsys.readouterr()
    assert printed.splitlines()[0].endswith(f" from areas.reg. Areas in the fields: {inside}.")
    assert f"Areas in the fields: {inside}." in page.read_text(encoding="utf-8")
    warned = "fovnb: warning: no area of the exclusion mask lies in the fields, so nothing is excluded"
    assert log.count(warned) == (inside == "0 of 1")


def test_a_broken_mask_is_refused(tmp_path):
    fits.PrimaryHDU(np.full((4, 4), 7.0)).writeto(tmp_path / "odd.fits")
    with pytest.raises(FovnbError):
        exclusion_from(str(tmp_path / "odd.fits"))


def test_files_are_replaced_when_asked(folder, tmp_path, capsys):
    page = tmp_path / "report.html"
    page.write_text("old")
    assert main(["report", str(folder), "--obs-ids", "1", "--output", str(page), "--overwrite", *FAST]) == 0
    assert "<td>obs-1</td>" in page.read_text(encoding="utf-8")
    assert "1 of 1 runs" in capsys.readouterr().out


def test_a_target_is_checked_before_the_work(folder, tmp_path, monkeypatch):
    def worked(*_args):
        raise AssertionError

    monkeypatch.setattr("fovnb.report.command.reduce_runs", worked)
    assert main(["report", str(folder), "--output", str(tmp_path), "--overwrite"]) == 2
    with pytest.raises(AssertionError):
        main(["report", str(folder), "--output", str(tmp_path / "new" / "report.html")])
    assert list(tmp_path.iterdir()) == []


def test_without_a_usable_run_the_exit_code_is_1_and_all_is_written(folder, tmp_path, capsys):
    page, table = tmp_path / "new" / "report.html", tmp_path / "ledger.ecsv"
    arguments = ["--obs-ids", "3", "--output", str(page), "--ledger", str(table), *FAST]
    assert main(["report", str(folder), *arguments]) == 1
    assert QTable.read(table)["status"].tolist() == ["unreadable"]
    assert "<td>obs-3</td><td>unreadable: " in page.read_text(encoding="utf-8")
    assert "0 of 1 runs" in capsys.readouterr().out


def test_importing_the_package_is_light():
    code = "import fovnb.report, sys; print('matplotlib.pyplot' in sys.modules, 'ipywidgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
