"""``python -m fovnb run``, interrupted: it goes on to the same bytes, and believes and touches nobody else's state."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fovnb
from fovnb.__main__ import main
from fovnb.commands.folder import HIDDEN
from fovnb.errors import FovnbError
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
    assert "discarded an unfinished run" in capsys.readouterr().out
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
