"""Simulated repetitions of a run."""

import numpy as np
import pytest

from fovnb.diagnostics.toys import LEVELS, toys
from fovnb.errors import InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from fovnb.modeling.background_fit import BackgroundSums, fit_background, scale_background
from tests.datasets import make_run
from tests.norms import BACKGROUND, CENTERS, SUMS, at_centers, bkg, power_law


@pytest.fixture(scope="module")
def fit():
    return fit_background(SUMS, bkg(power_law()))[1]


@pytest.fixture(scope="module")
def many(fit):
    return toys(fit, 4000, np.random.default_rng(1))


def test_pulls_are_standard_normal(many):
    assert many.parameters == ("tilt", "norm")
    np.testing.assert_allclose(np.nanmean(many.pulls, axis=0), 0, atol=0.06)
    np.testing.assert_allclose(np.nanstd(many.pulls, axis=0), 1, atol=0.05)
    np.testing.assert_array_equal(np.sign(many.pulls), np.sign(many.values - many.truth))


def test_they_scatter_about_the_fit_as_its_covariance_says(fit, many):
    free = [fit.parameter_names.index(name) for name in many.parameters]
    np.testing.assert_array_equal(many.truth, fit.values[free])
    found, expected = np.cov(many.values.T), fit.covariance[np.ix_(free, free)]
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.1 * np.sqrt(np.prod(np.diag(expected))))


def test_the_deviance_has_the_mean_of_its_degrees_of_freedom(fit, many):
    assert np.nanmean(many.deviance) == pytest.approx(fit.dof, abs=0.2)


def test_bands_hold_the_share_that_they_name(fit, many):
    # Of N / P with P fitted: the variance of N_k - P_k is P_k less what the fit takes up.
    design = np.stack([-np.log(CENTERS), np.ones(5)], axis=1)
    projected = design @ np.linalg.inv((design.T * fit.predicted) @ design) @ design.T
    width = np.sqrt(1 / fit.predicted - np.diag(projected))
    large = fit.predicted > 100
    np.testing.assert_allclose(((many.bands[2] - many.bands[1]) / 2)[large], width[large] * 0.9945, rtol=0.07)
    np.testing.assert_allclose(((many.bands[3] - many.bands[0]) / 2)[large], width[large] * 1.96, rtol=0.07)
    assert np.all(np.diff(many.bands, axis=0) > 0)
    assert LEVELS == (0.025, 0.16, 0.84, 0.975)


def test_the_chance_is_the_share_of_toys_beyond(fit, many):
    assert many.observed_deviance == fit.deviance
    assert many.p_value == (1 + np.sum(many.deviance >= fit.deviance)) / 4001
    assert many.p_value == pytest.approx(fit.p_value, abs=0.05)


def test_a_bad_fit_is_seen():
    counts = np.array([1600.0, 400, 300, 60, 15])
    assert toys(fit_background(BackgroundSums(CENTERS, counts, BACKGROUND), bkg(power_law()))[1]).p_value < 0.01


def test_the_same_seed_gives_the_same_toys(fit):
    first, again, other = toys(fit, 50), toys(fit, 50, 0), toys(fit, 50, 1)
    np.testing.assert_array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)


def test_a_dataset_is_as_good_as_its_fit():
    run = FoVBackgroundMaker("fit", spectral_model=power_law()).run(make_run())
    np.testing.assert_array_equal(toys(run, 20).values, toys(run.background_fit, 20).values)


def test_a_scaled_run_has_toys_of_its_norm():
    found = toys(scale_background(SUMS, bkg(power_law()))[1], 2000)
    at = found.parameters.index("norm")
    assert np.nanmean(found.values[:, at]) == pytest.approx(found.truth[at], rel=0.01)


def test_a_bin_that_is_often_empty_has_a_band_from_0_to_many_times_its_prediction():
    background = np.array([1500.0, 550, 210, 70, 1])
    found = toys(fit_background(BackgroundSums(CENTERS, background, background), bkg(power_law()))[1], 1000)
    assert found.bands[0, 4] == found.bands[1, 4] == 0
    assert 2 < found.bands[3, 4] < 4  # 3 counts or more with the chance 8 %, 4 or more with 2 %


def test_bins_without_background_have_no_band():
    background = np.where(np.arange(5) == 2, 0, BACKGROUND)
    found = toys(fit_background(BackgroundSums(CENTERS, BACKGROUND.round(), background), bkg(power_law()))[1], 50)
    assert np.isnan(found.bands[:, 2]).all()
    assert np.isfinite(np.delete(found.bands, 2, axis=1)).all()


def test_toys_without_counts_are_counted_and_left_out():
    sums = BackgroundSums([1.0], [1], [1.0])
    found = toys(fit_background(sums, bkg(power_law()))[1], 1000)
    assert found.n_failed == pytest.approx(1000 * np.exp(-1), abs=60)
    assert np.isnan(found.values[np.isnan(found.deviance)]).all()
    assert np.isfinite(found.bands).all()


def test_toys_at_a_limit_are_finite_or_flagged():
    sums = BackgroundSums(CENTERS, np.array([30.0, 10, 4, 1, 0]), BACKGROUND / 50)
    found = toys(fit_background(sums, bkg(at_centers()))[1], 500)
    good = np.isfinite(found.deviance)
    assert np.isfinite(found.values[good]).all()
    assert np.isnan(found.pulls[:, 4]).any()  # an empty bin has no error


@pytest.mark.parametrize("n", [0, -3, 2.5])
def test_a_number_of_toys_that_is_none_is_refused(fit, n):
    with pytest.raises(InvalidInputError, match="expected a positive whole number"):
        toys(fit, n)


def test_without_a_fit_there_are_no_toys():
    with pytest.raises(InvalidInputError, match="the background was not fitted"):
        toys(make_run())
    failed = fit_background(BackgroundSums(CENTERS, np.zeros(5), np.zeros(5)), bkg(power_law()))[1]
    with pytest.raises(InvalidInputError, match=f"the background is {failed.status}"):
        toys(failed)


def test_the_record_prints_in_a_few_lines(many):
    assert "pulls of norm : mean" in repr(many)
    assert many._repr_html_().startswith("<table><caption>Toys</caption>")


def test_of_a_list_asks_for_one_run():
    with pytest.raises(InvalidInputError, match=r"found a list; expected one run .* give one run of a list at a time"):
        toys([make_run()])
