"""What the data leave open, and what stands at a limit."""

import numpy as np
import pytest
from astropy import units as u
from scipy.optimize import minimize

from fovnb.errors import ModelError
from fovnb.modeling import Fit
from fovnb.modeling.background_fit import BackgroundSums, fit_background, scale_background
from fovnb.modeling.joint import fit_jointly
from fovnb.modeling.models import FoVBackgroundModel, PiecewiseNormSpectralModel, PowerLawNormSpectralModel
from tests.norms import BACKGROUND, CENTERS, COUNTS, SUMS, at_centers, at_edges, bkg, power_law


class TestAmbiguity:
    def test_nodes_at_edges_reach_the_maximum_and_say_what_is_open(self):
        _, record = fit_background(SUMS, bkg(at_edges()))
        np.testing.assert_allclose(record.predicted, COUNTS, rtol=1e-9)
        assert (record.status, record.success, record.enters_stack) == ("unconstrained", True, True)
        logs = "ln(norm_0) - ln(norm_1) + ln(norm_2) - ln(norm_3) + ln(norm_4) - ln(norm_5)"
        assert record.unconstrained == (f"the alternating combination {logs}",)
        advice = "put nodes at the centres of bins that hold enough counts"
        assert record.reason == f"the data do not constrain {record.unconstrained[0]}; {advice}"

    def test_of_equal_maxima_it_takes_the_least_sum_of_squares(self):
        _, record = fit_background(SUMS, bkg(at_edges()))
        sign = np.array([1, -1, 1, -1, 1, -1])
        log = np.log(record.values)
        assert abs(log @ sign) < 1e-9
        for shift in (-0.01, 0.01):
            assert np.sum((log + shift * sign) ** 2) > np.sum(log**2)

    def test_errors_of_the_open_model_give_each_bin_its_own(self):
        _, record = fit_background(SUMS, bkg(at_edges()))
        halves = 0.5 * (np.eye(5, 6) + np.eye(5, 6, k=1)) / record.values
        errors = np.sqrt(np.diag(halves @ record.covariance @ halves.T))
        np.testing.assert_allclose(errors, 1 / np.sqrt(COUNTS), rtol=1e-7)

    @pytest.mark.parametrize("used", [[0, 1, 2, 3, 4], [0, 1, 3, 4]])
    def test_least_sum_of_squares_within_limits_agrees_with_brute_force(self, used):
        spectral = at_edges()
        spectral.norm_1.min = 0.9
        spectral.norm_4.max = 0.8
        background = np.where(np.isin(np.arange(5), used), BACKGROUND, 0)
        _, record = fit_background(BackgroundSums(CENTERS, COUNTS, background), bkg(spectral))
        target = np.log(COUNTS / BACKGROUND)[used]
        halves = 0.5 * (np.eye(5, 6) + np.eye(5, 6, k=1))[used]
        bounds = [(-5, 5), (np.log(0.9), 5), (-5, 5), (-5, 5), (-5, np.log(0.8)), (-5, 5)]
        found = minimize(
            lambda x: x @ x,
            np.zeros(6),
            bounds=bounds,
            constraints={"type": "eq", "fun": lambda x: halves @ x - target},
            method="SLSQP",
            options={"ftol": 1e-14},
        )
        assert found.success
        np.testing.assert_allclose(np.log(record.values), found.x, atol=1e-6)
        np.testing.assert_allclose(record.predicted[used], COUNTS[used], rtol=1e-8)

    def test_a_frozen_node_removes_the_ambiguity(self):
        spectral = at_edges()
        spectral.norm_0.frozen = True
        _, record = fit_background(SUMS, bkg(spectral))
        assert record.status == "ok"
        assert record.values[0] == 1
        assert record.errors[0] == 0
        np.testing.assert_allclose(record.predicted, COUNTS, rtol=1e-9)

    def test_a_masked_bin_leaves_its_node_at_1_and_the_run_in(self):
        sums = BackgroundSums(CENTERS, COUNTS, np.where(np.arange(5) == 0, 0, BACKGROUND))
        model, record = fit_background(sums, bkg(at_centers()))
        assert (record.status, record.unconstrained, record.enters_stack) == ("unconstrained", ("norm_0",), True)
        assert record.values[0] == 1
        assert record.errors[0] == np.inf
        assert model.parameters[0].error == np.inf
        np.testing.assert_allclose(record.values[1:], (COUNTS / BACKGROUND)[1:], rtol=1e-9)
        assert np.all(np.isfinite(record.covariance))

    def test_counts_without_background_are_reported_and_not_summed(self):
        background = np.where(np.arange(5) == 0, 0, BACKGROUND)
        sums = BackgroundSums(CENTERS, COUNTS, background, n_unpredicted=4)
        for record in (fit_background(sums, bkg(power_law()))[1], scale_background(sums, bkg(power_law()))[1]):
            assert record.n_unpredicted == 1204
            assert np.isfinite(record.total_stat)
        assert record.values[1] == pytest.approx(COUNTS[1:].sum() / BACKGROUND[1:].sum())

    def test_masked_bins_split_the_open_combination(self):
        background = np.where(np.arange(5) == 2, 0, BACKGROUND)
        _, record = fit_background(BackgroundSums(CENTERS, COUNTS, background), bkg(at_edges()))
        assert record.unconstrained == (
            "the alternating combination ln(norm_0) - ln(norm_1) + ln(norm_2)",
            "the alternating combination ln(norm_3) - ln(norm_4) + ln(norm_5)",
        )
        assert ", nor the alternating" in record.reason
        assert record.reason.count("put nodes at") == 1

    def test_one_bin_cannot_fix_norm_and_tilt(self):
        sums = BackgroundSums(energy=[2.0, 4.0], counts=[10, 0], background=[5.0, 0.0])
        for fit in (None, Fit(optimize_opts={"tol": 1e-3})):
            _, record = fit_background(sums, bkg(power_law()), fit)
            assert record.status == "unconstrained"
            # One bin at 2 TeV holds ln(norm) - tilt ln 2: the other direction is (1, ln 2).
            assert record.unconstrained == ("the combination tilt + 0.693 ln(norm)",)
            assert record.predicted[0] == pytest.approx(10, rel=1e-4)

    @pytest.mark.parametrize("fit", [None, Fit(optimize_opts={"tol": 1e-3})])
    def test_errors_are_infinite_with_a_part_in_what_is_open(self, fit):
        sums = BackgroundSums([2.0], [100], [90.0])
        model, record = fit_background(sums, bkg(power_law()), fit)
        np.testing.assert_array_equal(record.errors, [np.inf, np.inf, 0])
        np.testing.assert_array_equal(np.diag(model.copy().covariance.data), [np.inf, np.inf, 0])
        # What is not open has its error: J C J^T at the bin is 1 / N.
        along = np.array([-np.log(2), 1 / record.values[1], 0])
        assert along @ record.covariance @ along == pytest.approx(1 / 100, rel=1e-3)

    def test_only_parameters_with_a_part_have_infinite_errors(self):
        background = np.where(np.arange(5) >= 3, 0, BACKGROUND)
        spectral = at_edges()
        spectral.norm_0.frozen = True
        _, record = fit_background(BackgroundSums(CENTERS, COUNTS, background), bkg(spectral))
        assert record.unconstrained == ("norm_4", "norm_5")
        np.testing.assert_array_equal(np.isinf(record.errors), [False, False, False, False, True, True])

    def test_a_group_is_as_open_as_its_runs(self):
        models = [bkg(power_law()), FoVBackgroundModel("obs-2", power_law())]
        models[1].spectral_model.norm = models[0].spectral_model.norm
        models[1].spectral_model.tilt = models[0].spectral_model.tilt
        sums = [BackgroundSums([2.0], [n], [90.0]) for n in (100, 110)]
        for _, record in fit_jointly(sums, models, "night 1"):
            assert record.status == "unconstrained"
            np.testing.assert_array_equal(record.errors, [np.inf, np.inf, 0])

    def test_a_node_far_from_the_data_says_where_it_is(self):
        spectral = PiecewiseNormSpectralModel([1, 200] * u.TeV)
        _, record = fit_background(BackgroundSums([0.5, 0.8], [100, 50], [90.0, 60.0]), bkg(spectral))
        assert record.unconstrained == ("norm_1",)
        assert "do not constrain norm_1 (its node at 200 TeV reaches no bin in use)" in record.reason


class TestLimits:
    @pytest.mark.parametrize("fit", [None, Fit(optimize_opts={"tol": 1e-3})])
    def test_an_empty_bin_puts_its_node_at_the_lower_limit(self, fit):
        counts = np.where(np.arange(5) == 2, 0, COUNTS)
        _, record = fit_background(BackgroundSums(CENTERS, counts, BACKGROUND), bkg(at_centers()), fit)
        assert (record.status, record.enters_stack) == ("at-limit", True)
        assert record.values[2] == 1e-3
        assert np.isnan(record.errors[2])
        assert record.upper_limits == {"norm_2": pytest.approx(3.0 / BACKGROUND[2], rel=1e-12)}
        others = [0, 1, 3, 4]
        np.testing.assert_allclose(record.values[others], (COUNTS / BACKGROUND)[others], rtol=1e-4)

    def test_limits_of_the_user_hold(self):
        spectral = power_law()
        spectral.norm.max = 0.5
        _, record = fit_background(SUMS, bkg(spectral))
        assert record.status == "at-limit"
        assert record.values[1] == 0.5
        free = power_law()
        free.norm.value, free.norm.frozen = 0.5, True
        _, frozen = fit_background(SUMS, bkg(free))
        assert record.values[0] == pytest.approx(frozen.values[0], rel=1e-6)
        assert record.total_stat == pytest.approx(frozen.total_stat, rel=1e-12)
        assert record.upper_limits == {}

    def test_scale_knows_no_limits_and_says_so(self):
        free = scale_background(SUMS, bkg(PowerLawNormSpectralModel()))[1]
        spectral = PowerLawNormSpectralModel()
        spectral.norm.max = 0.5
        model, record = scale_background(SUMS, bkg(spectral))
        assert (record.rank, record.dof, record.p_value) == (1, 4, free.p_value)
        assert record.norm_pivot_err == pytest.approx(record.errors[1])
        assert record.reason == f"{free.reason}; its limits take no part in 'scale': use 'fit' for them"
        assert model.spectral_model.norm.max == 0.5

    def test_all_counts_in_one_bin_stop_the_tilt_at_its_limit(self):
        counts = np.array([30.0, 0, 0, 0, 0])
        _, record = fit_background(BackgroundSums(CENTERS, counts, BACKGROUND), bkg(power_law()))
        assert (record.status, record.values[0]) == ("at-limit", 10)

    def test_only_parameter_at_its_limit_with_minuit(self):
        spectral = PowerLawNormSpectralModel()
        spectral.norm.max = 0.5
        _, record = fit_background(SUMS, bkg(spectral), Fit())
        assert (record.status, record.values[1]) == ("at-limit", 0.5)

    def test_limits_that_exclude_each_other(self):
        spectral = power_law()
        spectral.norm.min, spectral.norm.max = 2, 1
        with pytest.raises(ModelError, match="min below its max"):
            fit_background(SUMS, bkg(spectral))


def test_a_limit_of_0_still_stops_an_empty_node_at_the_floor():
    spectral = at_centers()
    spectral.norm_2.min = 0
    counts = np.where(np.arange(5) == 2, 0, COUNTS)
    _, record = fit_background(BackgroundSums(CENTERS, counts, BACKGROUND), bkg(spectral))
    assert (record.status, record.values[2]) == ("at-limit", 1e-3)


def test_a_source_that_explains_all_counts_leaves_the_norm_at_its_floor():
    sums = BackgroundSums([1.0], [5], [10.0], source=[8.0])
    for fit in (None, Fit(optimize_opts={"tol": 1e-3})):
        _, record = fit_background(sums, bkg(PowerLawNormSpectralModel()), fit)
        assert (record.status, record.values[1]) == ("at-limit", 1e-6)


def test_a_start_at_a_limit_is_left_where_minuit_has_to_search():
    spectral = PiecewiseNormSpectralModel(CENTERS * u.TeV, interp="lin")
    spectral.norm_0.max = 1
    _, record = fit_background(SUMS, bkg(spectral))
    np.testing.assert_allclose(record.values, COUNTS / BACKGROUND, rtol=1e-3)


@pytest.mark.parametrize("run", [fit_background, scale_background])
def test_a_background_so_small_that_the_variance_is_no_number(run):
    tiny, usual = (run(BackgroundSums(CENTERS, COUNTS, f * BACKGROUND), bkg(power_law()))[1] for f in (1e-300, 1))
    np.testing.assert_allclose(tiny.errors[:2], usual.errors[:2] * [1, 1e300], rtol=1e-6)
    assert tiny.norm_pivot_err == pytest.approx(1e300 * usual.norm_pivot_err)
    assert tiny.deviance == pytest.approx(usual.deviance)
