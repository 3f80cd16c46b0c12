"""Profile-likelihood intervals against scans with another minimiser, and the record's decorrelation energy."""

import copy
import pickle

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from fovnb.modeling import Fit
from fovnb.modeling.background_fit import BackgroundSums, fit_background, scale_background
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.models import GaussianPrior, PowerLawNormSpectralModel
from tests.norms import BACKGROUND, CENTERS, COUNTS, SUMS, at_centers, at_edges, bkg, power_law

FEW = BackgroundSums(CENTERS, [7, 3, 0, 1, 0], 0.006 * BACKGROUND)


def profile(sums, name, value, limit=10.0):
    """-2 ln L of a power law with one parameter fixed, at its best for the other: the slow way."""

    def statistic(tilt, log_norm):
        predicted = np.exp(log_norm) * sums.energy**-tilt * sums.background
        return 2 * np.sum(predicted - sums.counts * np.log(predicted))

    if name == "tilt":  # the best norm is N / B with this tilt
        norm = sums.counts.sum() / np.sum(sums.energy**-value * sums.background)
        return statistic(value, np.log(norm))
    bounds, options = (-limit, limit), {"xatol": 1e-11}
    found = minimize_scalar(statistic, args=(np.log(value),), bounds=bounds, method="bounded", options=options)
    return found.fun


class TestPowerLaw:
    @pytest.mark.parametrize("name", ["tilt", "norm"])
    def test_bounds_are_where_a_scan_says(self, name):
        _, record = fit_background(FEW, bkg(power_law()))
        best = record.values[record.parameter_names.index(name)]
        least = profile(FEW, name, best)
        far = (best - 9, best + 9) if name == "tilt" else (best * 1e-3, best * 30)
        low, high = (brentq(lambda x: profile(FEW, name, x) - least - 1, end, best, xtol=1e-11) for end in far)
        assert record.intervals[name] == pytest.approx((low, high), rel=1e-5)

    def test_one_norm_by_hand(self):
        # n = 1 with N = B = 4: the bounds solve 8 (n - 1 - ln n) = 1.
        _, record = fit_background(BackgroundSums([1.0], [4], [4.0]), bkg(PowerLawNormSpectralModel()))
        low, high = record.intervals["norm"]
        assert low < 1 < high
        for bound in (low, high):
            assert 8 * (bound - 1 - np.log(bound)) == pytest.approx(1, rel=1e-6)

    def test_many_counts_give_value_and_error(self):
        _, record = fit_background(SUMS, bkg(power_law()))
        value, error = record.values[0], record.errors[0]
        assert record.intervals["tilt"] == (value - error, value + error)

    def test_at_200_counts_both_ways_nearly_agree(self):
        sums = BackgroundSums(CENTERS, 199 / COUNTS.sum() * COUNTS, BACKGROUND)
        _, record = fit_background(sums, bkg(power_law()))
        low, high = record.intervals["norm"]
        assert (high - low) / 2 == pytest.approx(record.errors[1], rel=0.01)
        assert (low + high) / 2 > record.values[1]  # the profile knows that the likelihood is skew

    def test_minuit_gives_the_same(self):
        _, newton = fit_background(FEW, bkg(power_law()))
        _, minuit = fit_background(FEW, bkg(power_law()), Fit(optimize_opts={"tol": 1e-4}))
        for name in ("tilt", "norm"):
            assert minuit.intervals[name] == pytest.approx(newton.intervals[name], rel=1e-3)


class TestLimits:
    def test_a_slope_that_may_be_anything_larger_has_no_upper_bound(self):
        sums = BackgroundSums(CENTERS, [30, 0, 0, 0, 0], BACKGROUND)
        _, record = fit_background(sums, bkg(power_law()))
        low, high = record.intervals["tilt"]
        assert high == np.inf
        best = profile(sums, "tilt", 10)
        assert profile(sums, "tilt", low) == pytest.approx(best + 1, rel=1e-8)

    def test_a_limit_of_the_user_is_a_bound(self):
        spectral = power_law()
        spectral.tilt.max = 0
        _, record = fit_background(BackgroundSums(CENTERS, [9, 1, 1, 0, 0], 0.01 * BACKGROUND), bkg(spectral))
        assert record.at_limit == ("tilt",)
        assert record.intervals["tilt"][1] == 0
        assert -2 < record.intervals["tilt"][0] < 0

    def test_an_empty_bin_bounds_its_node_from_above_only(self):
        counts = np.where(np.arange(5) == 2, 0, COUNTS)
        _, record = fit_background(BackgroundSums(CENTERS, counts, BACKGROUND), bkg(at_centers()))
        low, high = record.intervals["norm_2"]
        assert low == 0
        # -2 ln L = 2 n B rises by 1 from the node's floor.
        assert high == pytest.approx(1e-3 + 0.5 / BACKGROUND[2], rel=1e-6)

    def test_what_the_data_leave_open_has_no_bounds(self):
        sums = BackgroundSums(CENTERS, COUNTS, np.where(np.arange(5) == 0, 0, BACKGROUND))
        _, record = fit_background(sums, bkg(at_centers()))
        assert record.intervals["norm_0"] == (0, np.inf)
        _, record = fit_background(BackgroundSums([2.0], [10], [5.0]), bkg(power_law()))
        assert record.intervals["tilt"] == (-np.inf, np.inf)

    def test_a_prior_bounds_what_the_data_leave_open(self):
        spectral = at_centers()
        spectral.norm_0.prior = GaussianPrior(mu=0.9, sigma=0.2)
        sums = BackgroundSums(CENTERS, 0.02 * COUNTS, np.where(np.arange(5) == 0, 0, 0.02 * BACKGROUND))
        _, record = fit_background(sums, bkg(spectral))
        assert record.intervals["norm_0"] == pytest.approx((0.7, 1.1), rel=1e-6)


class TestPivot:
    def test_norm_and_tilt_are_independent_there(self):
        _, record = fit_background(SUMS, bkg(power_law()))
        spectral = power_law(reference=f"{record.energy_pivot} TeV")
        _, moved = fit_background(SUMS, bkg(spectral))
        assert abs(moved.covariance[0, 1]) < 1e-9 * moved.errors[0] * moved.errors[1]
        assert (record.norm_pivot, record.norm_pivot_err) == pytest.approx((moved.values[1], moved.errors[1]), rel=1e-9)
        assert record.norm_pivot_err < record.errors[1]

    def test_energy_by_hand(self):
        _, record = fit_background(BackgroundSums([1.0, 4.0], [30, 10], [10.0, 10.0]), bkg(power_law()))
        assert record.energy_pivot == pytest.approx(4**0.25)
        # Two bins, two parameters: n there is 3^(3/4) 1^(1/4), and its relative error 1 / sqrt(40).
        assert record.norm_pivot == pytest.approx(3**0.75)
        assert record.norm_pivot_err == pytest.approx(3**0.75 / np.sqrt(40))

    def test_one_bin_leaves_the_tilt_open_but_not_the_norm_there(self):
        _, record = fit_background(BackgroundSums([2.0], [16], [8.0]), bkg(power_law()))
        assert record.status == "unconstrained"
        assert (record.norm_pivot, record.norm_pivot_err) == (pytest.approx(2), pytest.approx(0.5))

    def test_an_open_combination_leaves_the_norm_between_bins_open(self):
        _, record = fit_background(SUMS, bkg(at_edges()))
        assert record.norm_pivot_err == np.inf

    def test_scaled_runs_have_it_too(self):
        _, record = scale_background(SUMS, bkg(PowerLawNormSpectralModel(tilt=0.2)))
        error = np.sqrt(COUNTS.sum()) / COUNTS.sum()
        assert record.norm_pivot_err == pytest.approx(record.norm_pivot * error, rel=1e-9)
        assert (record.rank, record.dof) == (1, 4)
        assert record.deviance > 0


class TestRecord:
    def test_it_can_be_stored_and_copied(self):
        for spectral in (power_law(), at_centers(smoothness=0.3), at_centers(interp="lin")):
            _, record = fit_background(FEW, bkg(spectral))
            for other in (pickle.loads(pickle.dumps(record)), copy.deepcopy(record)):
                assert other.intervals == record.intervals
                assert other.p_value == pytest.approx(record.p_value, nan_ok=True)
                np.testing.assert_array_equal(other.values, record.values)

    def test_it_does_not_change_with_the_model(self):
        model, record = fit_background(FEW, bkg(power_law()))
        before = fit_background(FEW, bkg(power_law()))[1].intervals
        model.spectral_model.norm.value, model.spectral_model.tilt.frozen = 5, True
        assert record.intervals == before

    def test_a_failed_one_is_complete(self):
        _, failed = fit_background(BackgroundSums([1.0], [0], [1.0]), bkg(power_law()))
        for record in (failed, BackgroundFit("obs-1", "fit", "excluded", "left out")):
            assert np.isnan([record.p_value, record.deviance, record.energy_pivot, record.norm_pivot]).all()
            assert (record.intervals, record.at_limit, record.rank, record.dof) == ({}, (), 0, 0)
            assert "deviance" not in repr(record)

    def test_what_the_mask_excludes_is_kept(self):
        sums = BackgroundSums(
            [1.0, 4.0], [30, 20], [10.0, 10.0], counts_excluded=[9, 1], background_excluded=[2.0, 1.0], livetime=60
        )
        _, record = fit_background(sums, bkg(PowerLawNormSpectralModel()))
        np.testing.assert_array_equal(record.counts_excluded, [9, 1])
        np.testing.assert_allclose(record.background_excluded, [5, 2.5])
        assert record.livetime == 60
