"""Toys of a run: each is fitted as the run is, failures are flagged, errors and intervals hold what they say."""

import numpy as np
import pytest

from fovnb.errors import InvalidInputError
from fovnb.modeling.background_fit import BackgroundSums, fit_background, scale_background
from fovnb.modeling.goodness import chi2_p_value, deviance
from fovnb.modeling.models import GaussianPrior, PowerLawNormSpectralModel
from fovnb.modeling.reduced import make_problem
from fovnb.modeling.toys import toy_fits
from tests.norms import BACKGROUND, CENTERS, COUNTS, SUMS, at_centers, at_edges, bkg, power_law

# Run 23592 of H.E.S.S. DL3 DR1, 0.7 to 7 TeV, without 0.2 deg around the Crab; nothing is predicted in the first bin.
ENERGY = np.array([0.6746414238367817, 1.2282280261157905, 2.23606797749979, 4.0709053153690435, 7.411344491069479])
REAL_COUNTS = np.array([0.0, 912.0, 524.0, 318.0, 184.0])
REAL_BACKGROUND = np.array([0.0, 1023.3875, 498.5742, 287.6194, 163.8464])


def with_prior():
    spectral = at_centers(smoothness=0.3)
    spectral.norm_2.prior = GaussianPrior(mu=1, sigma=0.1)
    return spectral


MODELS = {"power law": power_law, "centres": at_centers, "edges": at_edges, "prior": with_prior}


def fit_at(livetimes):
    """Fit of the real run with so many times its livetime."""
    _, once = fit_background(BackgroundSums(ENERGY, REAL_COUNTS, REAL_BACKGROUND), bkg(power_law()))
    sums = BackgroundSums(ENERGY, livetimes * once.predicted, livetimes * REAL_BACKGROUND)
    return fit_background(sums, bkg(power_law()))[1]


class TestOneByOne:
    @pytest.mark.parametrize("livetimes", [0.003, 1])
    @pytest.mark.parametrize("name", MODELS)
    def test_toys_are_fitted_as_runs_are(self, name, livetimes):
        sums = BackgroundSums(CENTERS, livetimes * COUNTS, livetimes * BACKGROUND)
        _, fit = fit_background(sums, bkg(MODELS[name]()))
        toys = toy_fits(fit, 60, np.random.default_rng(2))
        assert toys.names == fit.parameter_names
        for t in range(60):
            _, alone = fit_background(BackgroundSums(CENTERS, toys.counts[t], sums.background), bkg(MODELS[name]()))
            if toys.failed[t]:
                assert alone.status == "too-few-counts"
                assert np.isnan(toys.values[t]).all()
                continue
            scale = np.where(np.isfinite(alone.errors) & (alone.errors > 0), alone.errors, 1)
            assert np.abs(toys.values[t] - alone.values).max() < 1e-6 * scale.min()
            np.testing.assert_allclose(toys.errors[t], alone.errors, rtol=1e-6)
            np.testing.assert_allclose(toys.predicted[t], alone.predicted, rtol=1e-6, atol=1e-9)
            assert toys.deviance[t] == pytest.approx(alone.deviance, abs=1e-7)
            held = [name for name, at in zip(toys.names, toys.at_limit[t], strict=True) if at]
            assert tuple(held) == alone.at_limit

    def test_counts_are_drawn_from_what_the_fit_predicts(self):
        _, fit = fit_background(SUMS, bkg(power_law()))
        toys = toy_fits(fit, 4000, np.random.default_rng(3))
        mean, width = toys.counts.mean(axis=0), np.sqrt(fit.predicted)
        assert np.all(np.abs(mean - fit.predicted) < 4 * width / np.sqrt(4000))
        np.testing.assert_allclose(toys.truth, fit.values)
        np.testing.assert_array_equal(toys.errors[:, 2], 0)

    def test_same_seed_same_toys(self):
        _, fit = fit_background(SUMS, bkg(power_law()))
        first, second = (toy_fits(fit, 5, np.random.default_rng(4)) for _ in range(2))
        np.testing.assert_array_equal(first.values, second.values)

    def test_a_bin_without_background_stays_empty(self):
        toys = toy_fits(fit_at(1), 5, np.random.default_rng(5))
        assert toys.counts.shape == (5, 5)
        assert not toys.counts[:, 0].any()
        assert not toys.predicted[:, 0].any()

    def test_a_scaled_run_gives_toys_of_its_norm(self):
        _, fit = scale_background(SUMS, bkg(power_law()))
        toys = toy_fits(fit, 50, np.random.default_rng(6))
        np.testing.assert_allclose(toys.values[:, 1], toys.counts.sum(axis=1) / BACKGROUND.sum(), rtol=1e-9)
        np.testing.assert_array_equal(toys.values[:, 0], 0)

    def test_a_problem_is_enough(self):
        model = bkg(PowerLawNormSpectralModel(norm=2))
        toys = toy_fits(make_problem(SUMS, model), 2000, np.random.default_rng(7))
        assert toys.counts.sum(axis=1).mean() == pytest.approx(2 * BACKGROUND.sum(), rel=1e-2)


class TestRefusals:
    @pytest.mark.parametrize("n", [0, -1, 2.5, "3"])
    def test_number_of_toys(self, n):
        with pytest.raises(InvalidInputError, match="positive whole number"):
            toy_fits(fit_at(1), n, np.random.default_rng(0))

    def test_a_fit_that_failed(self):
        _, fit = fit_background(BackgroundSums([1.0], [0], [1.0]), bkg(power_law()))
        with pytest.raises(InvalidInputError, match="too-few-counts"):
            toy_fits(fit, 3, np.random.default_rng(0))

    def test_toys_without_counts_are_flagged(self):
        _, fit = fit_background(BackgroundSums([1.0], [0.5], [1.0]), bkg(PowerLawNormSpectralModel()))
        toys = toy_fits(fit, 200, np.random.default_rng(1))
        np.testing.assert_array_equal(toys.failed, toys.counts.sum(axis=1) == 0)
        assert 80 < toys.failed.sum() < 160  # exp(-0.5) of 200 is 121
        assert np.isnan(toys.deviance[toys.failed]).all()
        assert np.isfinite(toys.values[~toys.failed]).all()
        assert "failed" in repr(toys)
        assert all(np.isnan(bound[toys.failed]).all() for bound in toys.intervals())


@pytest.mark.parametrize("livetimes", [0.005, 0.02, 0.1, 1, 10])
def test_errors_and_intervals_hold_what_they_say(livetimes):
    n = 4000
    toys = toy_fits(fit_at(livetimes), n, np.random.default_rng(8))
    good, held = ~toys.failed, toys.at_limit.any(axis=1)
    assert toys.failed.sum() < 0.002 * n
    assert np.isfinite(toys.values[good]).all()
    assert np.isfinite(toys.errors[good & ~held]).all()
    few = (toys.counts.sum(axis=1) < 200) | held
    for j, bounds in zip((0, 1), zip(*(bound.T for bound in toys.intervals()), strict=False), strict=False):
        value, error, truth = toys.values[:, j], toys.errors[:, j], toys.truth[j]
        low, high = np.where(few, bounds, [value - error, value + error])
        assert 0.64 < np.mean(((low <= truth) & (truth <= high))[good]) < 0.72
        if livetimes >= 1:
            pull = (value - truth) / error
            assert abs(pull.mean()) < 0.03 + 2 / np.sqrt(n)
            assert 0.97 - 2 / np.sqrt(2 * n) < pull.std() < 1.03 + 2 / np.sqrt(2 * n)


def test_errors_from_the_second_derivative_would_not_hold_at_few_counts():
    # The negative control: without the profile likelihood the intervals of the norm are too low.
    toys = toy_fits(fit_at(0.005), 4000, np.random.default_rng(8))
    good = ~toys.failed & ~toys.at_limit.any(axis=1)
    pull = ((toys.values - toys.truth)[:, 1] / toys.errors[:, 1])[good]
    assert pull.mean() < -0.2
    assert pull.std() > 1.2


class TestGoodness:
    def test_deviance_by_hand(self):
        assert deviance(np.array([0.0, 4.0]), np.array([1.0, 2.0])) == pytest.approx(2 * (1 - 2 + 4 * np.log(2)))

    def test_deviance_is_0_where_the_model_is_saturated(self):
        _, fit = fit_background(SUMS, bkg(at_centers()))
        assert fit.deviance == pytest.approx(0, abs=1e-9)
        assert (fit.rank, fit.dof) == (5, 0)
        assert np.isnan(fit.p_value)

    def test_rounding_leaves_no_deviance_below_0(self):
        counts = np.arange(1.0, 2000.0)
        for shift in (-1, 0, 1):
            found = deviance(counts[:, None], (counts * (1 + shift * 1e-16 * 2))[:, None])
            assert np.all(found >= 0)
            assert np.all(found < 1e-9)
        assert chi2_p_value(float(found[-1]), 1) == pytest.approx(1, abs=1e-4)

    def test_nothing_predicted_where_counts_were_seen_is_infinitely_bad(self):
        assert deviance(np.array([1.0]), np.array([0.0])) == np.inf

    def test_deviance_differs_from_the_statistic_by_the_data_alone(self):
        _, one = fit_background(SUMS, bkg(power_law()))
        _, other = fit_background(SUMS, bkg(PowerLawNormSpectralModel()))
        assert one.deviance - other.deviance == pytest.approx(one.total_stat - other.total_stat, abs=1e-9)

    def test_p_value_is_that_of_chi2_where_bins_are_full(self):
        _, fit = fit_background(SUMS, bkg(PowerLawNormSpectralModel()))
        # chi2 with 4 degrees of freedom: exp(-x) (1 + x) at x = D / 2.
        half = fit.deviance / 2
        assert fit.dof == 4
        assert fit.p_value == pytest.approx(np.exp(-half) * (1 + half), rel=1e-9)

    def test_p_value_is_that_of_toys_where_bins_are_nearly_empty(self):
        # One count where 0.5 are expected in each of two bins: D by hand, and its probability by enumeration.
        sums = BackgroundSums([1.0, 4.0], [3, 0], [1.5, 1.5])
        _, fit = fit_background(sums, bkg(PowerLawNormSpectralModel()))
        n = np.arange(40)
        log_factorial = np.cumsum(np.log(np.maximum(n, 1)))
        one = np.exp(n * np.log(1.5) - 1.5 - log_factorial)
        chance = np.outer(one, one)
        first, second = np.meshgrid(n, n, indexing="ij")
        both = np.stack([first, second], axis=-1).astype(float)
        bad = deviance(both, both.mean(axis=-1, keepdims=True) + 0 * both) >= fit.deviance - 1e-9
        seen = first + second > 0
        expected = chance[bad & seen].sum() / chance[seen].sum()
        assert fit.p_value == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 1000))
        assert fit.p_value == fit_background(sums, bkg(PowerLawNormSpectralModel()))[1].p_value

    def test_p_values_of_sound_runs_are_uniform(self):
        fit = fit_at(0.1)
        toys = toy_fits(fit, 2000, np.random.default_rng(9))
        values = np.array([chi2_p_value(value, fit.dof) for value in toys.deviance])
        for level in (0.05, 0.3, 0.5, 0.8):
            assert np.mean(values < level) == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 2000))
