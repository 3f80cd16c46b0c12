"""Each run against the others: by hand, against an obvious loop, and as often wrong as it says."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2, t

from fovnb.errors import InvalidInputError
from fovnb.modeling.outliers import after_trials, fit_with_scatter, outlier_tests


def slow(values, errors, r):
    """Return mean, scatter and q of run r, with the scatter by bracketing the root."""
    v, e = np.delete(values, r), np.delete(errors, r)

    def about_mean(s):
        return np.sum((v - np.average(v, weights=1 / (e**2 + s**2))) ** 2 / (e**2 + s**2)) - (len(v) - 1)

    s = brentq(about_mean, 0, 100, xtol=1e-14) if about_mean(0) > 0 else 0.0
    weights = 1 / (e**2 + s**2)
    mean = np.average(v, weights=weights)
    return mean, s, (values[r] - mean) / np.sqrt(errors[r] ** 2 + s**2 + 1 / weights.sum())


class TestByHand:
    def test_five_runs_the_last_against_four_that_scatter(self):
        # The others are 1, 1, 3, 3: mean 2, sum of squares 4 = (1/4 + s^2) * 3, so s^2 = 4/3 - 1/4; Var m = (4/3) / 4.
        # q = (8 - 2) / sqrt(4/3 + 1/3) = 6 / sqrt(5/3); Student's t with 3 degrees of freedom.
        found = outlier_tests([1, 1, 3, 3, 8], [0.5] * 5)
        assert found.mean_others[4] == pytest.approx(2, rel=1e-12)
        assert found.scatter_others[4] == pytest.approx((13 / 12) ** 0.5, rel=1e-10)
        assert found.q[4] == pytest.approx(6 / (5 / 3) ** 0.5, rel=1e-10)
        assert found.p_value[4] == pytest.approx(2 * t.sf(6 / (5 / 3) ** 0.5, 3), rel=1e-9)
        assert found.p_trials[4] == pytest.approx(1 - (1 - found.p_value[4]) ** 5, rel=1e-9)
        assert not found.flagged.any()

    def test_five_runs_the_last_against_four_that_agree(self):
        # chi2(0) of the others is 0 < 3: no scatter, Var m = 0.01 / 4, q = 1 / sqrt(0.0125).
        found = outlier_tests([1, 1, 1, 1, 2], [0.1] * 5)
        assert found.scatter_others[4] == 0
        assert found.q[4] == pytest.approx(1 / 0.0125**0.5, rel=1e-12)
        # chi2 about the mean 1.2: (4 * 0.04 + 0.64) / 0.01 for 4 degrees of freedom.
        assert found.chi2 == pytest.approx(80, rel=1e-12)
        assert found.chi2_p == pytest.approx(chi2.sf(80, 4), rel=1e-9)

    def test_better_measured_runs_weigh_more(self):
        # Weights 100, 25, 100, 100, 100; chi2 of the first four is 0.9 < 3, so that they do not scatter.
        found = outlier_tests([1, 1.2, 1, 1, 1], [0.1, 0.2, 0.1, 0.1, 0.1])
        assert found.mean_others[4] == pytest.approx((300 * 1 + 25 * 1.2) / 325, rel=1e-12)

    @pytest.mark.parametrize("seed", range(5))
    def test_every_run_equals_the_obvious_loop(self, seed):
        rng = np.random.default_rng(seed)
        values, errors = rng.normal(0.9, 0.05, 9), rng.uniform(0.005, 0.08, 9)
        found = outlier_tests(values, errors)
        for r in range(9):
            mean, scatter, q = slow(values, errors, r)
            np.testing.assert_allclose([found.mean_others[r], found.q[r]], [mean, q], rtol=1e-9)
            assert found.scatter_others[r] == pytest.approx(scatter, abs=1e-9)

    def test_trials(self):
        np.testing.assert_allclose(after_trials(np.array([0.0, 1e-20, 0.1, 1.0]), 10), [0, 1e-19, 1 - 0.9**10, 1])


class TestIdentities:
    def test_a_run_is_not_part_of_what_it_is_compared_with(self):
        # Against a mean and a scatter that contain it no run of 5 could be beyond sqrt(5); here q grows without bound.
        q = [outlier_tests([1.0, 1.1, 0.9, 1.05, 1 + far], [0.05] * 5).q[4] for far in (1, 10, 100)]
        assert q[0] > 5**0.5
        np.testing.assert_allclose(np.diff(q) / np.diff([1, 10, 100]), q[0], rtol=0.1)

    def test_the_unit_and_the_origin_do_not_matter(self):
        rng = np.random.default_rng(1)
        values, errors = rng.normal(1, 0.2, 8), rng.uniform(0.05, 0.3, 8)
        for scale, shift in ((1e-9, 0), (1e6, 0), (1, 100)):
            found = outlier_tests(values * scale + shift, errors * scale)
            np.testing.assert_allclose(found.q, outlier_tests(values, errors).q, rtol=1e-6)

    def test_the_order_of_the_runs_does_not_matter(self):
        rng = np.random.default_rng(2)
        values, errors, order = rng.normal(1, 0.2, 8), rng.uniform(0.05, 0.3, 8), rng.permutation(8)
        shuffled = outlier_tests(values[order], errors[order])
        np.testing.assert_allclose(shuffled.q, outlier_tests(values, errors).q[order], rtol=1e-9)

    def test_arguments_are_not_changed(self):
        values, errors = np.array([1.0, 2, 3, 4, np.nan]), np.array([1.0, 1, 1, np.inf, 1])
        before = values.copy(), errors.copy()
        outlier_tests(values, errors)
        np.testing.assert_array_equal(values, before[0])
        np.testing.assert_array_equal(errors, before[1])

    def test_scatter_of_groups_equals_that_of_their_residuals(self):
        # Two groups of two with differences 2 and 4: sum of squares 2 + 8 over 2 degrees of freedom, less the error.
        design = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
        fit = fit_with_scatter(np.array([0.0, 2, 10, 14]), np.ones(4), design, np.ones((1, 4), dtype=bool))
        np.testing.assert_allclose(fit.coefficients[0], [1, 12])
        assert fit.scatter[0] ** 2 + 1 == pytest.approx(5)
        np.testing.assert_allclose(fit.covariance[0], np.diag([2.5, 2.5]), atol=1e-12)


class TestSimulations:
    def test_sound_surveys_are_flagged_as_rarely_as_promised(self):
        rng = np.random.default_rng(3)
        flagged = 0
        for _ in range(2000):
            errors = rng.uniform(0.01, 0.04, 12)
            flagged += outlier_tests(rng.normal(0.9, np.hypot(0.05, errors)), errors).flagged.any()
        assert flagged <= 14  # 5.4 expected; more than 14 once in 2000 times

    def test_p_values_of_sound_runs_are_uniform(self):
        rng = np.random.default_rng(4)
        p = np.concatenate([outlier_tests(rng.normal(1, 0.2, 8), np.full(8, 0.01)).p_value for _ in range(300)])
        for level in (0.05, 0.3, 0.7):
            assert np.mean(p < level) == pytest.approx(level, abs=0.035)

    def test_one_of_twelve_runs_with_half_the_norm_is_flagged_and_no_other(self):
        rng = np.random.default_rng(5)
        found = []
        for _ in range(200):
            values = rng.normal(0.9, 0.036, 12)
            values[7] /= 2
            found.append(outlier_tests(values, np.full(12, 0.02)).flagged)
        flagged = np.mean(found, axis=0)
        assert flagged[7] > 0.95
        assert np.delete(flagged, 7).max() < 0.02


class TestLittle:
    @pytest.mark.parametrize("count", [0, 1, 2, 3])
    def test_fewer_than_four_runs_have_only_their_chi2(self, count):
        found = outlier_tests([1.0, 5.0, 1.0][:count], [0.1] * count)
        assert np.isnan(found.q).all()
        assert not found.flagged.any()
        assert f"{count} of the 4 runs" in found.reason
        assert np.isnan(found.chi2) == (count < 2)
        if count == 2:
            assert found.chi2 == pytest.approx(2 * 2**2 / 0.1**2)

    def test_what_is_not_known_takes_no_part(self):
        values = [1.0, np.nan, 1.1, 0.9, 1.0, 7.0, 7.0, 3.0]
        errors = [0.1, 0.1, 0.1, 0.1, 0.1, np.inf, 0.0, 0.1]
        found, known = outlier_tests(values, errors), [0, 2, 3, 4, 7]
        expected = outlier_tests([1.0, 1.1, 0.9, 1.0, 3.0], [0.1] * 5)
        np.testing.assert_allclose(found.q[known], expected.q)
        np.testing.assert_allclose(found.p_trials[known], expected.p_trials)
        assert np.isnan(np.delete(found.q, known)).all()
        assert np.flatnonzero(found.flagged).tolist() == [7]
        assert found.reason == (
            "each of 5 runs was compared with the others; 3 without a finite value and a positive error took no part"
        )
        assert "not compared" in found.evidence(1, "norm")

    def test_equal_runs_are_not_odd(self):
        found = outlier_tests([1.0] * 6, [0.1] * 6)
        np.testing.assert_allclose(found.q, np.zeros(6), atol=1e-12)
        assert (found.chi2, found.chi2_p) == pytest.approx((0, 1), abs=1e-12)

    @pytest.mark.parametrize(
        ("values", "errors"), [([1, 2], [1]), ([[1.0]], [[1.0]]), ([1.0, 2.0], [0.1, -0.1]), (3.0, 1.0)]
    )
    def test_what_are_no_lists_of_values_and_errors_is_refused(self, values, errors):
        with pytest.raises(InvalidInputError, match="expected two lists of one length"):
            outlier_tests(values, errors)


def test_the_evidence_names_the_numbers():
    found = outlier_tests([1.0, 1.1, 0.9, 1.0, 3.0], [0.1] * 5)
    assert found.evidence(4, "norm").startswith("norm 3 ± 0.1 against 1 of the others, which scatter by 0: +17.9")
    assert "flagged : 4" in repr(found)
    assert found._repr_html_().startswith("<table><caption>OutlierTests</caption>")
