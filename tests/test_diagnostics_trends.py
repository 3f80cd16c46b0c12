"""Runs against each other and against zenith angle, azimuth, time and livetime."""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import ascii as tables
from astropy.table import QTable, Table
from scipy.optimize import curve_fit
from scipy.stats import linregress

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.diagnostics.trends import trends
from fovnb.errors import InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from tests.datasets import make_geom, make_run
from tests.norms import power_law

ZENITH = np.array([20.0, 25, 30, 35, 40, 45, 50, 30])


def ledger(norm=(1, 1.02, 0.98, 1.01, 0.99, 1, 1.01, 0.97), **columns):
    table = QTable({"OBS_ID": np.arange(1, len(norm) + 1), "norm": np.array(norm, dtype=float)})
    table["status"] = np.full(len(norm), "ok", dtype="U20")
    table["norm_err"] = 0.02
    table["ZEN_PNT"] = ZENITH[: len(norm)] * u.deg
    for name, values in columns.items():
        table[name] = values
    return table


def survey(scale=1.0, count=8):
    """Return fitted runs of one norm, the third one's background scaled as a livetime would do it."""
    geom, runs = make_geom(width=2.4), []
    for i in range(count):
        run = make_run(f"obs-{100 + i}", geom, seed=i)
        run.background.data *= scale if i == 2 else 1.0
        info = RunInfo(100 + i, zenith_deg=20.0 + i, azimuth_deg=10.0 * i, start_mjd=53000.0 + i, livetime_s=1000.0)
        run = FoVBackgroundMaker("fit", spectral_model=power_law()).run(run.replace(run_info=info))
        runs.append(run)
    return runs


class TestLedger:
    def test_the_columns_become_arrays(self):
        found = trends(ledger(tilt=np.linspace(-0.1, 0.1, 8), tilt_err=np.full(8, 0.05)))
        assert found.parameters == ("norm", "tilt")
        assert found.values.shape == found.errors.shape == (2, 8)
        np.testing.assert_array_equal(found.covariates["zenith"], ZENITH)
        assert np.isnan(found.covariates["time"]).all()
        assert found.flagged == ()
        assert np.isnan(found.slopes["norm", "time"].slope)

    def test_a_run_of_half_the_norm_is_flagged_with_the_evidence(self):
        found = trends(ledger((1, 1.02, 0.98, 0.5, 0.99, 1, 1.01, 0.97)))
        (flag,) = found.flagged
        assert (flag.obs_id, flag.parameter) == (4, "norm")
        assert flag.evidence.startswith("norm 0.5 ± 0.02 against 0.996 of the others")

    def test_failed_and_unconstrained_runs_take_no_part(self):
        table = ledger((1, 1.02, 0.98, 0.5, 0.99, 1, 1.01, 0.97))
        table["status"][3] = "not-converged"
        found = trends(table)
        assert found.flagged == ()
        assert np.isnan(found.values[0, 3])
        table["status"][3], table["norm_err"][3] = "unconstrained", np.inf
        assert trends(table).flagged == ()

    def test_units_are_converted(self):
        table = ledger(livetime=np.full(8, 0.5) * u.h)
        np.testing.assert_allclose(trends(table).covariates["livetime"], 1800)

    def test_a_ledger_from_a_file_says_the_same(self, tmp_path):
        table = ledger((1, 1.02, np.nan, 0.5, 0.99, 1, 1.01, 0.97), livetime=np.full(8, 1800.0) * u.s)
        table.write(tmp_path / "ledger.ecsv")
        found = trends(QTable.read(tmp_path / "ledger.ecsv"))
        np.testing.assert_array_equal(found.values, trends(table).values)
        assert found.flagged == trends(table).flagged
        table.write(tmp_path / "ledger.csv")
        plain = tables.read(tmp_path / "ledger.csv")
        np.testing.assert_array_equal(trends(plain).covariates["zenith"], ZENITH)

    def test_a_column_with_masked_values(self):
        table = Table(ledger(), masked=True)
        table["norm"].mask[2] = True
        assert np.flatnonzero(np.isnan(trends(table).values[0])).tolist() == [2]


class TestSlopes:
    def test_a_line_without_scatter_is_that_of_weighted_least_squares(self):
        rng = np.random.default_rng(1)
        errors = rng.uniform(0.05, 0.2, 8)
        norm = 1 + 0.01 * (ZENITH - 35) + 0.3 * rng.normal(0, errors)
        found = trends(ledger(norm, norm_err=errors), against=["zenith"]).slopes["norm", "zenith"]
        expected, matrix = curve_fit(lambda x, a, b: a + b * x, ZENITH, norm, sigma=errors, absolute_sigma=True)
        assert found.slope == pytest.approx(expected[1], rel=1e-6)
        assert found.error == pytest.approx(matrix[1, 1] ** 0.5, rel=1e-6)

    def test_with_scatter_it_is_that_of_the_residuals(self):
        rng = np.random.default_rng(2)
        norm = 1 + 0.01 * (ZENITH - 35) + rng.normal(0, 0.1, 8)
        found = trends(ledger(norm, norm_err=np.full(8, 1e-3)), against=["zenith"]).slopes["norm", "zenith"]
        expected = linregress(ZENITH, norm)
        assert found.slope == pytest.approx(expected.slope, rel=1e-9)
        assert found.error == pytest.approx(expected.stderr, rel=1e-3)
        assert found.p_value == pytest.approx(expected.pvalue, rel=1e-2)
        assert found.correlation == pytest.approx(expected.rvalue, rel=1e-9)

    def test_chances_of_no_slope_are_uniform(self):
        rng = np.random.default_rng(3)
        slopes = [
            trends(ledger(rng.normal(1, 0.1, 8)), against=["zenith"]).slopes["norm", "zenith"] for _ in range(300)
        ]
        p_values = np.array([slope.p_value for slope in slopes])
        for level in (0.1, 0.5):
            assert np.mean(p_values < level) == pytest.approx(level, abs=0.08)

    def test_azimuths_on_both_sides_of_north_are_neighbours(self):
        azimuth = np.array([350.0, 355, 0, 5, 10, 15, 20, 345])
        norm = 1 + 0.01 * ((azimuth + 180) % 360 - 180)
        found = trends(ledger(norm, AZ_PNT=azimuth * u.deg), against=["azimuth"])
        assert np.ptp(found.covariates["azimuth"]) == 35
        assert found.slopes["norm", "azimuth"].slope == pytest.approx(0.01, rel=1e-6)

    def test_where_nothing_varies_there_is_no_slope(self):
        found = trends(ledger(livetime=np.full(8, 1800.0) * u.s), against=["livetime"]).slopes["norm", "livetime"]
        assert np.isnan([found.slope, found.error, found.p_value, found.correlation]).all()


@pytest.fixture(scope="module")
def runs():
    return survey(2.0)


class TestDatasets:
    def test_runs_their_stack_and_its_ledger_say_the_same(self, runs):
        stack = MapDataset.create(make_geom(width=2.4))
        for run in runs:
            stack.stack(run)
        of_runs = trends(runs)
        assert of_runs.obs_id.tolist() == list(range(100, 108))
        assert of_runs.parameters == ("norm", "tilt")
        norm = [run.background_model.spectral_model.norm.value for run in runs]
        np.testing.assert_allclose(of_runs.values[0], norm)
        np.testing.assert_array_equal(of_runs.covariates["time"], 53000.0 + np.arange(8))
        for other in (trends(stack), trends(stack.ledger)):
            np.testing.assert_array_equal(other.values, of_runs.values)
            assert other.flagged == of_runs.flagged

    def test_a_doubled_livetime_is_flagged(self, runs):
        assert [(flag.obs_id, flag.parameter) for flag in trends(runs).flagged] == [(102, "norm")]

    def test_sound_runs_are_not(self):
        assert trends(survey()).flagged == ()


def test_too_few_runs_say_so():
    found = trends(ledger((1, 1.02, 0.5)))
    assert "3 of the 4 runs" in found.tests["norm"].reason
    assert np.isnan(found.slopes["norm", "zenith"].slope)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Table({"norm": [1.0]}),), "no column OBS_ID nor status"),
        ((Table({"OBS_ID": [1], "status": ["ok"]}),), "none of 1 runs has a fitted parameter"),
        ((ledger(), ["nrm"]), r"no run has a parameter 'nrm' \(did you mean 'norm'\?\)"),
        ((ledger(), None, ["zenit"]), r"'zenit' is nothing to plot against \(did you mean 'zenith'\?\)"),
        (([1],), "found a int"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        trends(*arguments)


def test_the_record_names_the_flagged():
    assert "flagged 4  : norm 0.5" in repr(trends(ledger((1, 1.02, 0.98, 0.5, 0.99, 1, 1.01, 0.97))))
    assert "flagged    : none" in repr(trends(ledger()))
    assert trends(ledger())._repr_html_().startswith("<table><caption>Trends</caption>")


def test_the_record_says_where_there_is_no_outlier_test():
    ledger = Table({"OBS_ID": range(1, 4), "status": ["ok"] * 3, "norm": [1, 1.02, 0.98], "norm_err": [0.05] * 3})
    assert "tested     : 3 of the 4 runs that a comparison with the others needs" in repr(trends(ledger, against=[]))
