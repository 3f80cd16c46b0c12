import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import fovnb
from fovnb.__main__ import main
from fovnb.commands.common import say
from fovnb.datasets import MapDataset
from fovnb.demo import demo_truth, make_demo
from fovnb.demo.analysis import analyse_demo, exclusion_regions
from fovnb.errors import DataError, FovnbWarning


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path_factory):
    root = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: root / name)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return analyse_demo(make_demo(tmp_path_factory.mktemp("data") / "demo"))


def test_demo_prints_truth_and_writes_the_stack_and_a_picture(tmp_path, capsys, result):
    assert main(["demo", "--output", str(tmp_path / "new")]) == 0
    printed, log = capsys.readouterr()
    assert result.table() in printed
    assert repr(result.stacked) in printed
    assert log == ""  # no progress bar where nobody watches
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["fovnb-demo.fits", "fovnb-demo.png"]
    stacked = MapDataset.read(tmp_path / "new" / "fovnb-demo.fits")
    np.testing.assert_allclose(stacked.counts.data, result.stacked.counts.data)
    np.testing.assert_allclose(stacked.background.data, result.stacked.background.data, rtol=1e-6)
    picture = (tmp_path / "new" / "fovnb-demo.png").read_bytes()
    assert picture[:4] == b"\x89PNG"
    assert len(picture) > 50_000


def test_demo_replaces_its_own_files_and_leaves_others_alone(tmp_path, capsys):
    (tmp_path / "fovnb-demo.png").write_bytes(b"old")
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["demo", "--output", str(tmp_path), "--runs", "1"]) == 0
    assert "obs-1" in capsys.readouterr().out
    assert (tmp_path / "fovnb-demo.png").stat().st_size > 50_000
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


def test_fitted_norms_agree_with_the_truth(result):
    for fit, truth in zip(result.fits, result.truths, strict=True):
        assert fit.dataset_name == f"obs-{truth.obs_id}"
        for name in ("norm", "tilt"):
            index = fit.parameter_names.index(name)
            pull = (fit.values[index] - getattr(truth, name)) / fit.errors[index]
            assert abs(pull) < 3
            assert f"{fit.values[index]:.3f}" in result.table()
        norm = fit.parameter_names.index("norm")
        assert abs(fit.values[norm] - 1) > 2 * fit.errors[norm] or abs(truth.norm - 1) < 0.1
    assert result.truths[0].norm != result.truths[1].norm


def test_the_excess_lies_in_the_exclusion_circles(result):
    geom = result.stacked.geom
    sources = geom.region_mask(exclusion_regions(), inside=True).data & result.stacked.mask_safe.data
    elsewhere = ~sources & result.stacked.mask_safe.data
    counts, background = result.stacked.counts.data, result.stacked.npred_background().data
    assert counts[sources].sum() - background[sources].sum() > 8 * np.sqrt(counts[sources].sum())
    assert abs(counts[elsewhere].sum() - background[elsewhere].sum()) < 1  # what a fitted norm means


def test_the_result_prints_shortly(result):
    assert repr(result).splitlines()[0] == "DemoResult"
    assert "<th>runs</th><td>2</td>" in result._repr_html_()
    assert demo_truth(make_demo(runs=2)) == result.truths


@pytest.mark.parametrize("arguments", [["demo", "--runs", "0"], ["demo", "--runs", "-3"]])
def test_an_error_is_one_sentence_and_code_2(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"fovnb: demo data of (0|-3) runs .*\n", err)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_is_a_file_is_an_error_of_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["demo", "--runs", "1", "--output", str(tmp_path / "file")]) == 2
    assert re.fullmatch(r"fovnb: cannot write .*\n", capsys.readouterr().err)


def test_control_c_and_a_closed_pipe_end_quietly(monkeypatch, capsys):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("fovnb.demo.make_demo", interrupted)
    assert main(["demo"]) == 130
    assert capsys.readouterr() == ("", "")


def test_too_little_memory_is_one_sentence(monkeypatch, capsys):
    def too_large(*_args, **_kwargs):
        raise MemoryError

    monkeypatch.setattr("fovnb.demo.make_demo", too_large)
    assert main(["demo"]) == 2
    assert re.fullmatch(r"fovnb: the memory is too small; ask for larger pixels.*\n", capsys.readouterr().err)


def test_a_reader_that_goes_away_is_no_error():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "fovnb", "--help"]
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=buffered, check=False)
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--runs", "1"]])
def test_a_full_stdout_is_one_sentence(arguments, tmp_path):
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("there is no /dev/full")
    paths = {"PYTHONPATH": str(Path(fovnb.__file__).parents[1]), "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "fovnb", *arguments]
    with device.open("w") as full:
        env = os.environ | paths | {"PYTHONUNBUFFERED": ""}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, env=env, check=False)
    assert re.fullmatch(rb"fovnb: cannot print: No space left on device; [^\n]*\n", done.stderr)
    assert done.returncode == 2


def test_version_and_help(capsys):
    cases = {"--version": f"fovnb {fovnb.__version__}", "--help": "demo", "report --help": "1 if no run was usable"}
    cases["run --help"] = "go on with a run of the same recipe"
    for line, expected in cases.items():
        with pytest.raises(SystemExit) as stop:
            main(line.split())
        assert stop.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["dmeo"], ["demo", "--runs", "two"]])
def test_wrong_usage_ends_with_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: fovnb" in capsys.readouterr().err


def test_help_is_light():
    code = "import sys, fovnb.__main__ as m; m._parser(); print([n for n in ('numpy', 'astropy') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_errors_of_the_data_come_through(monkeypatch, capsys):
    def broken(*_args, **_kwargs):
        msg = "the index is broken; download it again"
        raise DataError(msg)

    monkeypatch.setattr("fovnb.demo.make_demo", broken)
    assert main(["demo"]) == 2
    assert capsys.readouterr().err == "fovnb: the index is broken; download it again\n"


def test_what_files_say_is_escaped_in_the_terminal(monkeypatch, capsys):
    def hostile(*_args, **_kwargs):
        warnings.warn("\x1b[31mred\nfovnb: all is well", FovnbWarning, stacklevel=2)
        msg = "\x9b2J\u202e蟹"
        raise DataError(msg)

    monkeypatch.setattr("fovnb.report.command.report_folder", hostile)
    assert main(["report", "folder"]) == 2
    expected = "fovnb: warning: \\x1b[31mred\\nfovnb: all is well\nfovnb: \\x9b2J\\u202e蟹\n"
    assert capsys.readouterr() == ("", expected)
    say("one\x1b\ntwo\r\u2028")
    assert capsys.readouterr().out == "one\\x1b\ntwo\\r\\u2028\n"
