"""``python -m fovnb run``, interrupted: it goes on to the same bytes, and believes and touches nobody else's state."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import fovnb
from fovnb.__main__ import main
from fovnb.commands.folder import HIDDEN, RunFolder
from fovnb.commands.lock import locked
from fovnb.errors import DataError, FovnbError
from tests.small_recipe import files, interrupt, recipe_file, small

MOST_SECONDS = 120


@pytest.fixture(scope="module")
def without_report(tmp_path_factory):
    """Return the outputs of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main(["run", recipe_file(folder), "--out", str(folder / "out"), "--no-report", "--quiet"]) == 0
    return files(folder / "out")


@pytest.fixture
def path(tmp_path):
    return recipe_file(tmp_path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_a_damaged_cube_is_made_anew(path, out, monkeypatch, without_report):
    interrupt(monkeypatch, path, out, "--no-report")
    first, second = sorted(out.rglob("*.cube"))
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    second.write_bytes(first.read_bytes())
    assert main(["run", path, "--out", str(out), "--resume", "--quiet", "--no-report"]) == 0
    assert files(out) == without_report


def test_only_the_same_recipe_is_resumed(path, out, tmp_path, monkeypatch, capsys):
    interrupt(monkeypatch, path, out, "--no-report")
    before = files(out)
    other = tmp_path / "other.yaml"
    other.write_text(small(safe_mask={"offset_max_deg": 2}).to_yaml())
    assert main(["run", str(other), "--out", str(out), "--resume"]) == 2
    expected = f"fovnb: {out} holds an unfinished run of another recipe; leave out --resume to discard it\n"
    assert capsys.readouterr() == ("", expected)
    assert files(out) == before
    assert main(["run", str(other), "--out", str(out), "--no-report"]) == 0
    assert "discarded an unfinished run of another recipe\n" in capsys.readouterr().out
    assert HIDDEN not in {found.name for found in out.iterdir()}
    assert main(["run", path, "--out", str(out), "--resume"]) == 2
    assert "exists; choose another name, or pass --overwrite" in capsys.readouterr().err


def test_a_finished_run_can_be_resumed(path, out, without_report):
    for _ in range(2):
        assert main(["run", path, "--out", str(out), "--resume", "--quiet", "--no-report"]) == 0
        assert files(out) == without_report


def test_an_error_leaves_nothing_unless_there_are_cubes(path, out, monkeypatch):
    def fail(*_args, **_kwargs):
        msg = "no"
        raise FovnbError(msg)

    monkeypatch.setattr("fovnb.pipeline.Pipeline.run", fail)
    assert main(["run", path, "--out", str(out)]) == 2
    assert not out.exists()


def test_two_runs_at_once_do_not_share_a_folder(path, out, capsys):
    fcntl = pytest.importorskip("fcntl")
    (out / HIDDEN).mkdir(parents=True)
    with (out / HIDDEN / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(["run", path, "--out", str(out)]) == 2
        assert f"fovnb: another run is at work in {out}; wait" in capsys.readouterr().err
        assert (out / HIDDEN / "lock").exists()
    assert main(["run", path, "--out", str(out), "--quiet", "--no-report"]) == 0


# What others put there


@pytest.mark.parametrize("name", ["", "cubes", "outputs"])
def test_a_link_is_not_followed(name, path, out, tmp_path, capsys):
    precious = tmp_path / "precious"
    precious.mkdir()
    for kept in ("lock", "recipe.yaml", ".profile", "stacked.fits", "a.cube", ".b.cube"):
        (precious / kept).write_text("mine")
    before = files(precious)
    link = out / HIDDEN / name
    link.parent.mkdir(parents=True)
    link.symlink_to(precious)
    assert main(["run", path, "--out", str(out)]) == 2
    expected = f"fovnb: {link} is a link, which a run does not follow; remove it or choose another folder\n"
    assert capsys.readouterr() == ("", expected)
    assert files(precious) == before


def test_a_link_that_appears_while_it_is_locked_is_not_followed(path, out, tmp_path, monkeypatch, capsys):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "recipe.yaml").write_text("mine")

    @contextmanager
    def too_late(folder):
        folder.parent.mkdir()
        folder.symlink_to(precious)
        yield

    monkeypatch.setattr("fovnb.commands.folder.locked", too_late)
    assert main(["run", path, "--out", str(out)]) == 2
    assert "is a link" in capsys.readouterr().err
    assert files(precious) == {"recipe.yaml": b"mine"}


def test_the_lock_is_not_written_through_a_link(path, out, tmp_path):
    (tmp_path / "precious").write_text("mine")
    (out / HIDDEN).mkdir(parents=True)
    (out / HIDDEN / "lock").symlink_to(tmp_path / "precious")
    main(["run", path, "--out", str(out), "--no-report", "--quiet"])
    assert (tmp_path / "precious").read_text() == "mine"


def test_files_of_others_in_the_hidden_folder_stay(path, out, without_report):
    others = [f"{HIDDEN}/notes.txt", f"{HIDDEN}/cubes/.notes", f"{HIDDEN}/outputs/plot.png"]
    for name in others:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    assert main(["run", path, "--out", str(out), "--no-report", "--quiet"]) == 0
    assert files(out) == without_report | dict.fromkeys(others, b"mine")


def stage(folder, text):
    folder.staged.mkdir(parents=True)
    (folder.staged / "stacked.fits").write_text(text)


def test_outputs_that_another_run_wrote_since_the_check_stay(out):
    first, second = (RunFolder(out, small(), Path("recipe.yaml")) for _ in range(2))
    second.check(overwrite=False, resume=False)
    with first.opened(overwrite=False, resume=False) as (replace, _):
        stage(first, "first")
        first.publish(replace)
    with pytest.raises(DataError, match=r"stacked.fits exists"), second.opened(overwrite=False, resume=False):
        pass
    assert files(out) == {"stacked.fits": b"first"}


def test_outputs_are_looked_for_once_locked_and_before_they_are_published(out, monkeypatch):
    @contextmanager
    def slowly(hidden):
        with locked(hidden):
            (out / "ledger.ecsv").write_text("mine")
            yield

    folder = RunFolder(out, small(), Path("recipe.yaml"))
    with monkeypatch.context() as patch:
        patch.setattr("fovnb.commands.folder.locked", slowly)
        with pytest.raises(DataError, match=r"ledger.ecsv exists"), folder.opened(overwrite=False, resume=False):
            pass
    (out / "ledger.ecsv").unlink()
    with folder.opened(overwrite=False, resume=True) as (replace, _):
        stage(folder, "ours")
        (out / "stacked.fits").write_text("mine")
        with pytest.raises(DataError, match=r"stacked.fits exists"):
            folder.publish(replace)
    assert files(out) == {"stacked.fits": b"mine"}


def test_a_run_that_starts_when_another_ends_keeps_its_folder(out, monkeypatch):
    """The next begins as soon as the lock is gone, which is when the hidden folder may be removed for the last time."""
    folder = RunFolder(out, small(), Path("recipe.yaml"))
    unlink, begun = Path.unlink, []

    def unlink_and_begin(self, missing_ok=False):
        unlink(self, missing_ok)
        if self.name == "lock":
            (out / HIDDEN / "recipe.yaml").write_text("next")
            begun.append(self)

    monkeypatch.setattr(Path, "unlink", unlink_and_begin)
    with folder.opened(overwrite=False, resume=False) as (replace, discarded):
        assert (replace, discarded) == (False, "")
        stage(folder, "ours")
        folder.publish(replace)
        assert (out / HIDDEN / "lock").exists()
    assert len(begun) == 1
    assert files(out) == {"stacked.fits": b"ours", f"{HIDDEN}/recipe.yaml": b"next"}


def test_a_lock_that_its_owner_removed_holds_nothing(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    flock = fcntl.flock

    def removed_meanwhile(file, how):
        (tmp_path / "lock").unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with pytest.raises(DataError, match="another run is at work"), locked(tmp_path):
        pass


# Kills

_DRIVER = """
import fnmatch, os, signal, sys
from pathlib import Path
from fovnb.__main__ import main

pattern, at = sys.argv[1], int(sys.argv[2])
replace, seen = Path.replace, []

def replace_or_die(self, target):
    seen.extend([target] * fnmatch.fnmatch(str(target), pattern))
    if len(seen) == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)

Path.replace = replace_or_die
sys.exit(main(sys.argv[3:]))
"""


def started(*command):
    root = str(Path(fovnb.__file__).parents[1])
    return subprocess.Popen([sys.executable, *command], env=os.environ | {"PYTHONPATH": root}, stderr=subprocess.PIPE)


def kill_after(seconds, out, arguments):
    """Kill a run some time after it began to write, unless it has finished by then."""
    process = started("-m", "fovnb", *arguments)
    patience = time.monotonic() + MOST_SECONDS
    while not (out / HIDDEN / "recipe.yaml").exists() and process.poll() is None and time.monotonic() < patience:
        time.sleep(0.002)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process


def test_whenever_it_is_killed_it_goes_on_to_the_same_bytes(path, out, without_report):
    rng = np.random.default_rng(7)
    arguments = ["run", path, "--out", str(out), "--no-report", "--quiet"]
    places = [("*.cube", 2), ("*/outputs/analysis.py", 1), (f"{out}/analysis.py", 1)]
    for i, (pattern, at) in enumerate(places):
        killed = [started("-c", _DRIVER, pattern, str(at), *arguments)]
        assert killed[0].wait(MOST_SECONDS) == -signal.SIGKILL
        assert any(found.name.startswith(".") for found in (out / HIDDEN).rglob("*")) == (i < 2)  # a temporary file
        arguments = [*arguments, *["--resume"] * (i == 0)]
        killed.append(kill_after(rng.uniform(0, 0.6), out, arguments))
        for process in killed:
            assert process.wait(MOST_SECONDS) in (-signal.SIGKILL, 0)
            process.stderr.close()
        finals = {name: text for name, text in files(out).items() if HIDDEN not in name}
        assert finals == {name: without_report[name] for name in finals}
    final = started("-m", "fovnb", *arguments, "--overwrite")
    assert final.wait(MOST_SECONDS) == 0
    assert final.stderr.read() == b""
    final.stderr.close()
    assert files(out) == without_report
