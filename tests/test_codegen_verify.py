"""Code is proved by its results: equal to the last bit, or a sentence that says which arrays differ, or what failed."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fovnb.codegen import verify
from fovnb.codegen.snapshot import read_snapshot, run_label, snapshot, write_snapshot
from fovnb.codegen.verify import check_snapshots, run_code, verify_code
from fovnb.codegen.verify_compare import compare_close, compare_exact
from fovnb.datasets import MapDataset
from fovnb.errors import VerificationError
from fovnb.makers import FoVBackgroundMaker
from fovnb.modeling.models import GaussianPrior, PowerLawNormSpectralModel
from tests.datasets import make_run
from tests.isolated import Isolated, isolated

# Three runs: a sum of two does not depend on their order.
PLAIN = """
from astropy import units as u
from astropy.coordinates import SkyCoord
from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.demo import make_demo
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from fovnb.maps import MapAxis, WcsGeom
from fovnb.modeling.models import PowerLawNormSpectralModel
from regions import CircleSkyRegion

observations = DataStore.from_dir(make_demo(runs=3)).get_observations([1, 2, 3])
energy_axis = MapAxis.from_energy_bounds(0.5 * u.TeV, 10.0 * u.TeV, nbin=3)
center = SkyCoord(83.6333 * u.deg, 22.0145 * u.deg, frame="icrs")
geom = WcsGeom.create(skydir=center, width=3.0 * u.deg, binsz=0.25 * u.deg, axes=[energy_axis])
stacked = MapDataset.create(geom, binsz_irf=1.0 * u.deg)
exclusion_mask = geom.region_mask([CircleSkyRegion(center, 0.4 * u.deg)], inside=False)
spectral_model = PowerLawNormSpectralModel()
spectral_model.tilt.frozen = False
maker = MapDatasetMaker()
safe_mask_maker = SafeMaskMaker(methods=["aeff-default", "offset-max"], offset_max=2.0 * u.deg)
fov_bkg_maker = FoVBackgroundMaker(method="fit", exclusion_mask=exclusion_mask, spectral_model=spectral_model)
datasets = []
for observation in observations:
    dataset = maker.run(stacked, observation)
    dataset = safe_mask_maker.run(dataset, observation)
    datasets.append(fov_bkg_maker.run(dataset))
for dataset in datasets:
    stacked.stack(dataset)
"""
NORTH = "center.spherical_offsets_by(0 * u.deg, 0.2 * u.deg)"


@pytest.fixture(scope="module")
def results() -> SimpleNamespace:
    names: dict[str, Any] = {}
    exec(PLAIN, names)
    return SimpleNamespace(datasets=names["datasets"], stacked=names["stacked"])


@pytest.fixture(scope="module")
def interpreter() -> Iterator[Isolated]:
    with isolated(warm=PLAIN) as found:
        yield found


@pytest.fixture(scope="module")
def expected(results: SimpleNamespace) -> dict[str, np.ndarray]:
    return snapshot(results.datasets, results.stacked)


def fitted_run() -> MapDataset:
    model = PowerLawNormSpectralModel()
    model.norm.prior = GaussianPrior(mu=1.0, sigma=0.5)
    model.norm.max = 3.0
    return FoVBackgroundMaker(method="fit", spectral_model=model).run(make_run("obs-7", norm=1.2))


def changed(old: str, new: str) -> str:
    assert PLAIN.count(old) == 1
    return PLAIN.replace(old, new)


def test_a_snapshot_holds_maps_parameters_and_facts_as_plain_arrays() -> None:
    run = fitted_run()
    norm = run.background_model.spectral_model.norm
    found = snapshot([run], make_run("stacked"))
    assert found["runs"].tolist() == ["7"]
    np.testing.assert_array_equal(found["7/counts"], run.counts.data)
    np.testing.assert_array_equal(found["7/psf/exposure"], run.psf.exposure_map.data)
    np.testing.assert_array_equal(found["7/counts/axes/energy"], run.counts.geom.axes["energy"].edges.value)
    assert found["7/exposure/meta/livetime"].item() == 1000.0
    assert [found[f"7/parameters/norm/{key}"].item() for key in ("value", "error", "max")] == [
        norm.value,
        norm.error,
        3.0,
    ]
    assert found["7/parameters/tilt/frozen"].item() is True
    assert found["7/parameters/norm/prior"].tolist() == [1.0, 0.5, 1.0]
    assert found["7/background_fit/status"].item() == "ok"
    assert found["7/background_fit/deviance"].item() == run.background_fit.deviance
    assert found["7/ledger/7/parameters/norm"].tolist() == [norm.value, norm.error]
    assert found["stacked/ledger/OBS_ID"].tolist() == []
    assert {array.dtype.kind for array in found.values()} <= set("biufU")


def test_a_snapshot_knows_which_runs_share_a_parameter() -> None:
    first, second = fitted_run(), FoVBackgroundMaker().run(make_run("obs-8"))
    second.background_model.spectral_model.tilt = first.background_model.spectral_model.tilt
    found = snapshot([first, second], make_run("stacked"))
    assert found["8/parameters/tilt/shared_with"].item() == "obs-7"
    assert found["8/parameters/norm/shared_with"].item() == "obs-8"


def test_a_run_is_named_by_what_it_knows_of_itself() -> None:
    assert run_label(MapDataset(name="obs-12")) == "12"
    assert run_label(MapDataset(name="mine", meta_table=make_table(34))) == "34"


def make_table(obs_id: int) -> Any:
    from astropy.table import Table

    return Table({"OBS_ID": [obs_id]})


def test_snapshots_survive_a_file(expected: dict[str, np.ndarray], tmp_path: Path) -> None:
    write_snapshot(tmp_path / "snapshot.npz", expected)
    assert check_snapshots(expected, read_snapshot(tmp_path / "snapshot.npz"), "fovnb").largest_share == 0


def test_the_same_code_gives_the_same_bits(results: SimpleNamespace, expected: dict[str, np.ndarray]) -> None:
    found = verify_code(PLAIN, results)
    assert (found.root, found.n_arrays, found.worst) == ("fovnb", len(expected), "")
    assert "to the last bit" in repr(found)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (changed("0.25 * u.deg", "0.24999999999 * u.deg"), "wcs/numbers"),
        (changed("10.0 * u.TeV", "10.00000000001 * u.TeV"), "axes/energy"),
        (changed("offset_max=2.0 * u.deg", "offset_max=1.9 * u.deg"), "mask_safe"),
        (changed("[CircleSkyRegion(center,", f"[CircleSkyRegion({NORTH},"), "mask_exclusion"),
        (changed("get_observations([1, 2, 3])", "get_observations([1, 2])"), "3/"),
        (changed("spectral_model.tilt.frozen = False\n", ""), "parameters/tilt/frozen"),
        (changed("for dataset in datasets:\n", "for dataset in datasets[::-1]:\n"), "stacked/background"),
        (changed("get_observations([1, 2, 3])", "get_observations([3, 2, 1])"), "runs"),
    ],
    ids=["pixels", "energy", "offset", "mask", "runs", "frozen", "order of the stack", "order of runs"],
)  # fmt: skip
def test_other_code_is_found_out(text: str, named: str, expected: dict[str, np.ndarray], interpreter: Isolated) -> None:
    found = interpreter.run(text)
    wrong = [one.name for one in compare_exact(expected, found) if one.share > 1]
    assert any(named in name for name in wrong)
    with pytest.raises(VerificationError, match="arrays of the code differ from the pipeline's"):
        check_snapshots(expected, found, "fovnb")


def test_the_message_names_the_worst_arrays_with_their_deviation() -> None:
    a = {name: np.zeros(2) for name in "abcde"}
    b = {name: np.array([0.0, x]) for name, x in zip("abcde", [0.0, 1e-3, 2.0, 5e-4, 0.25], strict=True)}
    with pytest.raises(VerificationError, match=r"^4 of 5 arrays .* b \(largest deviation 0.001\), .* and 1 more; "):
        check_snapshots(a, b, "fovnb")


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ([1.0, np.nan], [1.0, np.nan], ""),
        ([0.0], [-0.0], "largest deviation 0"),
        ([1.0], [np.nextafter(1.0, 2.0)], "largest deviation 2.22e-16"),
        ([1.0], [np.nan], "largest deviation inf"),
        ([np.inf], [np.inf], ""),
        ([1, 2], [1, 3], "largest deviation 1"),
        ([1.0], [1], "int64 of shape (1,) instead of float64 of shape (1,)"),
        ([1.0], [[1.0]], "float64 of shape (1, 1) instead of float64 of shape (1,)"),
        (np.ones(1, dtype="f4"), np.ones(1), "float64 of shape (1,) instead of float32 of shape (1,)"),
        ([True, False], [True, True], "True instead of False in 1 places"),
        (["ok", "no"], ["ok", "nothing"], "nothing instead of no in 1 places"),
        ([], [], ""),
    ],
)
def test_only_the_same_bits_are_equal(a: Any, b: Any, said: str) -> None:
    (one,) = compare_exact({"x": np.asarray(a)}, {"x": np.asarray(b)})
    assert (one.share <= 1) == (said == "")
    assert said in str(one)


def test_what_only_one_side_has_is_a_difference() -> None:
    found = compare_exact({"a": np.zeros(1)}, {"b": np.zeros(1)})
    assert list(map(str, found)) == ["a (only the pipeline has it)", "b (only the code has it)"]


def close_snapshot(**changes: Any) -> dict[str, np.ndarray]:
    values: dict[str, Any] = {
        "runs": ["7"],
        "7/counts": [3.0, 0.0],
        "7/background": [2.0, 0.0],
        "7/psf": [1.0, 1e-5],
        "7/norm": [0.9],
        "7/parameters/norm/value": 0.9,
        "7/parameters/norm/error": 0.05,
        "7/parameters/tilt/value": 0.1,
        "7/parameters/tilt/error": 0.0,
        "stacked/exposure": [1e9],
    }
    return {name: np.asarray(value) for name, value in (values | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({"7/parameters/norm/value": 0.9 + 0.5e-4}, 0.5),
        ({"7/parameters/norm/value": 0.9 + 2e-4}, 2.0),
        ({"7/background": [2.0 + 1e-4, 0.0]}, 0.5),
        ({"7/background": [2.0, 1e-30]}, np.inf),
        ({"7/counts": [3.0, 1e-9]}, np.inf),
        ({"7/psf": [1.0005, 1e-5]}, 0.5),
        ({"7/psf": [1.0, 1.2e-5]}, 2.0),
        ({"stacked/exposure": [1e9 * (1 - 3e-4)]}, 3.0),
        ({"7/parameters/tilt/value": 0.1 + 2e-7}, 2e-6 / 1e-9),
        ({"7/parameters/norm/error": 0.06}, 0.0),
        ({"stacked/exposure": None}, np.inf),
        ({"runs": ["8"]}, np.inf),
    ],
)
def test_gammapy_may_differ_by_so_much(changes: dict[str, Any], share: float) -> None:
    found = max(one.share for one in compare_close(close_snapshot(), close_snapshot(**changes)))
    assert found == pytest.approx(share, rel=1e-6)


def test_a_norm_said_by_other_parameters_is_compared_as_a_curve() -> None:
    other = {"7/parameters/tilt/value": None, "7/parameters/norm_0/value": 0.9, "7/norm": [0.9 * (1 + 2e-4)]}
    worst = max(compare_close(close_snapshot(), close_snapshot(**other)), key=lambda one: one.share)
    assert worst.name == "7/norm"
    assert worst.share == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nstacked = undefined\n", r"fails in line 2, 'stacked = undefined': NameError: name 'undefined'"),
        (
            "def f():\n    return 1 / 0\n\nf()\n",
            r"fails in line 2, 'return 1 / 0': ZeroDivisionError: division by zero",
        ),
        ("x = (1,\n", r"fails in line 1, 'x = \(1,': SyntaxError"),
        ("stacked = None\n", r"fails: KeyError: 'datasets'"),
        ("raise SystemExit(0)\n", r"fails in line 1, 'raise SystemExit\(0\)': SystemExit: 0"),
        ("import os\nos._exit(7)\n", r"ended with status 7, without results"),
        (
            "from fovnb.makers import SafeMaskMaker\nSafeMaskMaker(methods=['aeff'])\n",
            r"fails in line 2, .*: InvalidInputError: 'aeff'",
        ),
    ],
)
def test_code_that_fails_is_quoted(text: str, said: str, interpreter: Isolated) -> None:
    with pytest.raises(VerificationError, match=said):
        interpreter.run(text)


def test_a_process_for_each_text_says_what_a_fresh_interpreter_says(interpreter: Isolated) -> None:
    check_snapshots(run_code(PLAIN), interpreter.run(PLAIN), "fovnb")
    with pytest.raises(VerificationError, match="name 'x' is not defined") as fresh:
        run_code("print(x)\n")
    with pytest.raises(VerificationError) as forked:
        interpreter.run("print(x)\n")
    assert str(forked.value) == str(fresh.value)


def test_texts_in_forked_processes_see_nothing_of_each_other(interpreter: Isolated) -> None:
    with pytest.raises(VerificationError, match="KeyError: 'datasets'"):
        interpreter.run("import fovnb.datasets\nfovnb.datasets.left = 1\n")
    with pytest.raises(VerificationError, match="has no attribute 'left'"):
        interpreter.run("import fovnb.datasets\nfovnb.datasets.left\n")


def test_code_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(VerificationError, match=r"ran for more than 0.5 s and was stopped"):
        run_code("while True:\n    pass\n", timeout=0.5)


def test_code_sees_the_folder_and_the_environment_but_nothing_that_steers_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOVNB_DATA", "somewhere ü")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not this one')\n")
    text = """
import os, sys
from pathlib import Path
from fovnb.datasets import MapDataset
steered = [name for name in os.environ if name.startswith("PYTHON")]
meta = {"cwd": str(Path.cwd()), "data": os.environ["FOVNB_DATA"], "steered": steered, "isolated": sys.flags.isolated}
datasets, stacked = [], MapDataset(meta=meta)
print("what code prints is not shown")
"""
    found = run_code(text)
    assert found["stacked/meta/cwd"].item() == str(tmp_path)
    assert found["stacked/meta/data"].item() == "somewhere ü"
    assert found["stacked/meta/steered"].tolist() == []
    assert found["stacked/meta/isolated"].item() == 1


def test_without_gammapy_its_code_cannot_be_run(results: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "find_spec", lambda _: None)
    with pytest.raises(VerificationError, match=r"^Gammapy is not installed here"):
        verify_code("import gammapy", results, root="gammapy")
