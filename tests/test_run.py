"""``python -m fovnb run``: a recipe becomes files, all or none of them, the same bytes however often it was killed."""

import base64
import re
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from astropy.table import QTable

from fovnb.__main__ import main
from fovnb.codegen import to_code
from fovnb.commands.folder import OUTPUTS
from fovnb.datasets import MapDataset
from fovnb.makers import MapDatasetMaker
from fovnb.pipeline import Pipeline
from fovnb.recipe import Gradient, PowerLawNorm, ProductNorm, Recipe, Selection
from tests.dl3 import aeff_hdu, run, write_dl3
from tests.full_disk import no_file_above
from tests.small_recipe import RECIPE, files, interrupt, recipe_file, small


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a run that nothing disturbed, and what it printed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as log:
        assert main(["run", recipe_file(folder), "--out", str(folder / "out")]) == 0
    assert log.getvalue() == ""
    return folder / "out", printed.getvalue()


@pytest.fixture(scope="module")
def undisturbed(finished):
    return files(finished[0])


@pytest.fixture(scope="module")
def without_report(undisturbed):
    return {name: text for name, text in undisturbed.items() if name != "report.html"}


@pytest.fixture
def path(tmp_path):
    return recipe_file(tmp_path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_a_recipe_becomes_six_files(finished):
    out, printed = finished
    expected = Pipeline().run(small())
    assert sorted(found.name for found in out.iterdir()) == sorted(OUTPUTS)
    stacked = MapDataset.read(out / "stacked.fits")
    np.testing.assert_array_equal(stacked.counts.data, expected.stacked.counts.data)
    np.testing.assert_array_equal(stacked.background.data, expected.stacked.background.data)
    assert stacked.counts.data.sum() > 100
    ledger = QTable.read(out / "ledger.ecsv")
    assert ledger["OBS_ID"].tolist() == [1, 2]
    assert ledger["norm"].tolist() == expected.ledger["norm"].tolist()
    assert Recipe.read(out / "recipe.yaml") == small()
    for name, root in (("analysis.py", "fovnb"), ("analysis_gammapy.py", "gammapy")):
        first, _, code = (out / name).read_text(encoding="utf-8").partition("\n")
        assert re.fullmatch(r"# Saved \d{4}-\d\d-\d\d \d\d:\d\d UTC", first)
        assert code == to_code(small(), root=root, results=expected)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<li>Data: 2 simulated runs</li>" in page
    assert "exclusion.regions" in page
    assert "failed:" not in page
    lines = printed.splitlines()
    assert lines[0] == expected.ledger.title
    assert [line.split(":")[0] for line in lines[2:5]] == ["obs-1", "obs-2", "all runs together"]
    assert lines[6:] == [f"wrote {out / name}" for name in OUTPUTS]


def test_quiet_and_without_report(path, out, without_report, capsys):
    assert main(["run", path, "--out", str(out), "--quiet", "--no-report"]) == 0
    assert capsys.readouterr() == ("", "")
    assert files(out) == without_report


def test_json_is_a_recipe_too(tmp_path, out, undisturbed):
    (tmp_path / "recipe.json").write_text(small().to_json(), encoding="utf-8")
    assert main(["run", str(tmp_path / "recipe.json"), "--out", str(out), "--quiet", "--no-report"]) == 0
    assert files(out)["stacked.fits"] == undisturbed["stacked.fits"]


# Files that exist


def test_outputs_that_exist_are_replaced_only_when_asked(path, out, capsys, without_report):
    out.mkdir()
    for name in ("report.html", "notes.txt"):
        (out / name).write_text("mine")
    assert main(["run", path, "--out", str(out)]) == 2
    printed, log = capsys.readouterr()
    assert printed == ""
    assert log == f"fovnb: {out / 'report.html'} exists; choose another name, or pass --overwrite to replace it\n"
    assert files(out) == {"report.html": b"mine", "notes.txt": b"mine"}
    assert main(["run", path, "--out", str(out), "--overwrite", "--no-report"]) == 0
    assert f"removed {out / 'report.html'}, of an older run\n" in capsys.readouterr().out
    assert files(out) == without_report | {"notes.txt": b"mine"}


def test_what_exists_is_said_before_the_work(path, out, monkeypatch):
    def worked(*_args, **_kwargs):
        raise AssertionError

    monkeypatch.setattr(Pipeline, "run", worked)
    with pytest.raises(AssertionError):
        main(["run", path, "--out", str(out)])
    assert not out.exists()
    out.mkdir()
    (out / "analysis.py").touch()
    assert main(["run", path, "--out", str(out)]) == 2


def test_the_recipe_itself_is_never_replaced(out, capsys, undisturbed):
    out.mkdir()
    source = out / "recipe.yaml"
    source.write_text(f"# my own words\n{RECIPE}")
    before = source.read_bytes()
    assert main(["run", str(source), "--out", str(out), "--no-report"]) == 0
    assert source.read_bytes() == before
    assert "recipe.yaml" not in capsys.readouterr().out
    assert files(out)["ledger.ecsv"] == undisturbed["ledger.ecsv"]


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.yaml", "--out", "new"], "gone.yaml cannot be read"),
        (["recipe.txt", "--out", "new"], r"recipe.txt"),
        (["wrong.yaml", "--out", "new"], r"no key 'safe_msk' \(did you mean 'safe_mask'\?\)"),
        (["code.yaml", "--out", "new"], "the recipe"),
        (["abroad.yaml", "--out", "new"], "lies outside of the folders that are open to recipes"),
        (["here.yaml", "--out", "new", "--root", "inner"], "data/gone' lies outside of the folders"),
        (["here.yaml", "--out", "new"], "data/gone is no folder|does not exist"),
        (["right.yaml", "--out", "taken"], "cannot write .*taken"),
        (["right.yaml", "--out", "/proc/new"], "cannot write /proc/new"),
        (["right.yaml", "--out", "new\0"], "is no path"),
        (["right.yaml", "--out", ""], "--out is an empty text"),
        (["right.yaml", "--out", "new", "--root", "nosuch"], "--root 'nosuch' is no folder"),
        (["right.yaml", "--out", "new", "--root", ""], "--root '' is no folder"),
        (["none.yaml", "--out", "new"], "data.selection leaves no run of the 2 in the index; widen it"),
        (["empty.yaml", "--out", "new"], "data.obs_ids names no run of the 2 in the index; name one"),
        (["escapes.yaml", "--out", "new"], r"31mevil\\+x07"),
        (["right.yaml", "--out", "taken/\x1b[31m\u202e"], r"taken/\\x1b\[31m\\u202e"),
    ],
)
def test_an_error_is_one_sentence_and_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    recipes = {
        "right.yaml": RECIPE,
        "recipe.txt": RECIPE,
        "wrong.yaml": "schema: 2\nsafe_msk: {}\n",
        "code.yaml": "!!python/object/apply:os.system ['touch hacked']",
        "abroad.yaml": "schema: 2\ndata: {folder: ../../../../../etc}\n",
        "here.yaml": "schema: 2\ndata: {folder: data/gone}\n",
        "none.yaml": small(data={"selection": Selection(target="Nowhere")}).to_yaml(),
        "empty.yaml": small(data={"obs_ids": []}).to_yaml(),
        "escapes.yaml": 'schema: 2\ndata: {folder: "\\e[31mevil\\a"}\n',
        "taken": "",
    }
    (tmp_path / "inner").mkdir()
    for name, text in recipes.items():
        (tmp_path / name).write_text(text)
    assert main(["run", *arguments]) == 2
    printed, log = capsys.readouterr()
    assert printed == ""
    assert re.fullmatch(r"fovnb: [^\n]+\n", log)
    assert re.search(message, log)
    assert log[:-1].isprintable()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*recipes, "inner"])


def test_a_full_disk_is_one_sentence_and_changes_nothing(path, out, capsys):
    with no_file_above(60_000):
        assert main(["run", path, "--out", str(out), "--no-report"]) == 2
    printed, log = capsys.readouterr()
    assert printed == ""
    *warned, error = log.splitlines()
    assert [line.split(",")[0] for line in warned] == ["fovnb: warning: the cubes of this and later runs are not kept"]
    assert re.fullmatch(r"fovnb: could not write .*stacked.fits: File too large; nothing was changed", error)
    assert not out.exists()


def test_a_root_opens_a_folder(tmp_path, out, monkeypatch, capsys):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    write_dl3(tmp_path / "dl3", [run(1)])
    path = recipe_file(tmp_path, small(data={"folder": "../dl3"}))
    assert main(["run", path, "--out", str(out), "--no-report"]) == 2
    assert "'../dl3' lies outside of the folders" in capsys.readouterr().err
    arguments = ["--root", str(tmp_path / "elsewhere"), "--root", str(tmp_path / "dl3")]
    assert main(["run", path, "--out", str(out), "--no-report", *arguments]) in (0, 1)
    assert QTable.read(out / "ledger.ecsv")["OBS_ID"].tolist() == [1]


def test_without_a_usable_run_the_exit_code_is_1_and_all_is_written(tmp_path, out, monkeypatch, capsys):
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    write_dl3(tmp_path / "dl3", [run(3, drop=["BKG"])])
    path = recipe_file(tmp_path, small(data={"folder": "$FOVNB_DATA/dl3"}))
    assert main(["run", path, "--out", str(out)]) == 1
    printed, log = capsys.readouterr()
    assert printed.startswith("Run ledger: 0 of 1 runs")
    assert re.search(r"^fovnb: warning: obs-3: unreadable", log, flags=re.M)
    assert sorted(found.name for found in out.iterdir()) == sorted(OUTPUTS)
    assert "<td>obs-3</td><td>unreadable: " in (out / "report.html").read_text(encoding="utf-8")


def test_a_reason_with_escapes_is_printable_and_the_same_everywhere(tmp_path, out, monkeypatch, capsys):
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))

    def renamed(row):
        return {**row, "FILE_NAME": "\x1b[31mevil\a.fits"}

    write_dl3(tmp_path / "dl3", [run(3)], index_row=renamed)
    path = recipe_file(tmp_path, small(data={"folder": "$FOVNB_DATA/dl3"}))
    assert main(["run", path, "--out", str(out)]) == 1
    reason = QTable.read(out / "ledger.ecsv")["reason"][0]
    assert r"\x1b[31mevil\x07.fits" in reason
    assert reason.isprintable()
    assert reason in (out / "report.html").read_text(encoding="utf-8")
    assert MapDataset.read(out / "stacked.fits").ledger["reason"][0] == reason
    printed, log = capsys.readouterr()
    assert reason in log
    assert all(line.isprintable() for line in f"{printed}{log}".split("\n"))
    for name, text in files(out).items():
        assert (name, b"\x1b[31m" in text or b"evil\a" in text) == (name, False)


def test_what_gammapy_cannot_say_is_written_as_values_or_not_at_all(tmp_path, out, capsys):
    product = small(background={"norm": ProductNorm((PowerLawNorm(), PowerLawNorm()))})
    assert main(["run", recipe_file(tmp_path, product), "--out", str(out), "--no-report"]) == 0
    assert "analysis_gammapy.py holds the fitted norms as values: background.norm" in capsys.readouterr().out
    assert "PiecewiseNormSpectralModel" in (out / "analysis_gammapy.py").read_text()
    gradient = small(background={"gradient": Gradient()})
    assert main(["run", recipe_file(tmp_path, gradient), "--out", str(out), "--no-report", "--overwrite"]) == 0
    printed = capsys.readouterr().out
    assert "no analysis_gammapy.py: background.gradient" in printed
    assert f"removed {out / 'analysis_gammapy.py'}, of an older run" in printed
    assert not (out / "analysis_gammapy.py").exists()


# What outputs must not hold


def everything_in(page):
    """Yield a file's bytes, and those of the pictures in it."""
    yield page
    for picture in re.findall(rb"base64,([A-Za-z0-9+/=]+)", page):
        yield base64.b64decode(picture)


def test_no_output_names_a_folder_a_user_or_a_host(tmp_path, out, monkeypatch):
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path / "secret place"))
    monkeypatch.setenv("HOME", str(tmp_path / "home of zaphod"))
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "zaphod")
    for name in ("socket.gethostname", "platform.node"):
        monkeypatch.setattr(name, lambda: "heart-of-gold")
    aeff = aeff_hdu()
    aeff.header.update({"LO_THRES": 0.2, "HI_THRES": 90.0})
    runs = [run(i, n_events=2000, tables={"AEFF": aeff}) for i in range(1, 5)]

    def away(row):  # the row of run 6 leads out of the folder
        return {**row, "FILE_NAME": f"{tmp_path}/away.fits"} if row["OBS_ID"] == 6 else row

    dl3 = write_dl3(tmp_path / "secret place" / "dl3", [*runs, run(5, drop=["GTI"]), run(6)], index_row=away)
    broken, missing = sorted(dl3.rglob("*[23]*.fits*"))
    broken.write_bytes(broken.read_bytes()[:3000])
    missing.unlink()
    areas = tmp_path / "secret place" / "areas.reg"
    areas.write_text("icrs; circle(83.63, 22.01, 0.2)\n")
    recipe = small(data={"folder": "$FOVNB_DATA/dl3"}, exclusion={"file": "$FOVNB_DATA/areas.reg"})
    assert main(["run", recipe_file(tmp_path, recipe), "--out", str(out), "--quiet"]) == 0
    ledger = QTable.read(out / "ledger.ecsv")
    assert ledger["status"].tolist().count("unreadable") == 4
    assert missing.name in str(ledger["reason"].tolist())
    secrets = [str(tmp_path), "secret place", "zaphod", "heart-of-gold", str(Path.home()), str(Path.cwd())]
    contents = {name: list(everything_in(text)) for name, text in files(out).items()}
    assert len(contents["report.html"]) > 5
    for name, parts in contents.items():
        found = [one for one in secrets if any(one.encode() in part for part in parts)]
        assert (name, found) == (name, [])
    assert b"$FOVNB_DATA/dl3" in contents["report.html"][0]


# Interrupted runs: see also test_run_resume.py


def test_resume_reads_cubes_back_instead_of_making_them(path, out, monkeypatch, undisturbed, capsys):
    interrupt(monkeypatch, path, out, "--no-report")

    def made(*_args, **_kwargs):
        raise AssertionError

    monkeypatch.setattr(MapDatasetMaker, "run", made)
    assert main(["run", path, "--out", str(out), "--resume"]) == 0
    assert files(out) == undisturbed
    assert "discarded" not in capsys.readouterr().out
