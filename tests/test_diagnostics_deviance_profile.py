"""How much worse a fit becomes off its best values: by hand, against refits, and the interval of the fit."""

import numpy as np
import pytest

from fovnb.diagnostics.deviance_profile import deviance_change, deviance_profile
from fovnb.errors import InvalidInputError
from fovnb.modeling.background_fit import BackgroundSums, failed_fit, fit_background
from tests.norms import BACKGROUND, CENTERS, COUNTS, SUMS, bkg, power_law


def fit(spectral=None, sums=SUMS):
    return fit_background(sums, bkg(spectral or power_law()))[1]


def minus_2_log_l(norm, tilt):
    predicted = BACKGROUND * norm * CENTERS**-tilt
    return 2 * np.sum(predicted - COUNTS * np.log(predicted))


class TestChange:
    def test_of_one_norm_by_hand(self):
        # N = 10, B = 10, norm 1: 2 [(20 - 10) - 10 ln 2] at norm 2.
        record = fit(power_law(), BackgroundSums([1.0], [10.0], [10.0]))
        assert deviance_change(record, {"norm": 2.0}) == pytest.approx(2 * (10 - 10 * np.log(2)), rel=1e-12)
        assert deviance_change(record, {"norm": record.values[1]}) == pytest.approx(0, abs=1e-12)

    def test_with_the_others_held_is_that_of_the_likelihood(self):
        record = fit()
        best = dict(zip(record.parameter_names, record.values, strict=True))
        expected = minus_2_log_l(1.1, best["tilt"]) - minus_2_log_l(best["norm"], best["tilt"])
        assert deviance_change(record, {"norm": 1.1}) == pytest.approx(expected, rel=1e-9)
        both = minus_2_log_l(1.1, 0.3) - minus_2_log_l(best["norm"], best["tilt"])
        assert deviance_change(record, {"norm": 1.1, "tilt": 0.3}) == pytest.approx(both, rel=1e-9)
        assert deviance_change(record, {"norm": 1.1, "tilt": 0.3}, refit=True) == pytest.approx(both, rel=1e-9)

    def test_with_the_others_refitted_is_that_of_a_fit_with_the_value_frozen(self):
        frozen = power_law(norm=1.1)
        frozen.norm.frozen = True
        expected = fit(frozen).total_stat - fit().total_stat
        found = deviance_change(fit(), {"norm": 1.1}, refit=True)
        assert found == pytest.approx(expected, rel=1e-6)
        assert found < deviance_change(fit(), {"norm": 1.1})

    @pytest.mark.parametrize("values", [{"norm": 0.0}, {"norm": -1.0}, {"tilt": np.nan}, {"norm": np.inf}])
    def test_impossible_values_are_refused(self, values):
        with pytest.raises(InvalidInputError, match=r"expected a (positive|finite) number"):
            deviance_change(fit(), values)

    def test_unknown_and_frozen_parameters_are_named(self):
        with pytest.raises(InvalidInputError, match="did you mean 'norm'"):
            deviance_change(fit(), {"nrm": 1.0})
        with pytest.raises(InvalidInputError, match="no free parameter 'reference'"):
            deviance_change(fit(), {"reference": 1.0})

    def test_a_failed_fit_says_why(self):
        record = failed_fit(SUMS, bkg(power_law()), "fit", None, "too-few-counts", "no counts")[1]
        with pytest.raises(InvalidInputError, match="too-few-counts: no counts"):
            deviance_profile(record, "norm")


class TestProfile:
    def test_rises_from_zero_at_the_best_value_to_both_sides(self):
        found = deviance_profile(fit(), "tilt", n=9)
        assert found.values[4] == pytest.approx(found.best, rel=1e-9)
        assert abs(found.rise[4]) < 1e-9
        assert np.all(np.diff(found.rise)[:4] < 0)
        assert np.all(np.diff(found.rise)[4:] > 0)
        assert np.all(found.rise <= found.rise_held + 1e-9)

    @pytest.mark.parametrize("name", ["norm", "tilt"])
    def test_each_value_is_the_change_at_it(self, name):
        found = deviance_profile(fit(), name, n=5)
        for value, rise, held in zip(found.values, found.rise, found.rise_held, strict=True):
            assert deviance_change(fit(), {name: value}, refit=True) == pytest.approx(rise, abs=1e-7)
            assert deviance_change(fit(), {name: value}) == pytest.approx(held, abs=1e-7)

    def test_is_1_at_the_error_where_counts_are_many(self):
        many = fit(sums=BackgroundSums(CENTERS, 1000 * COUNTS, 1000 * BACKGROUND))
        for name in ("norm", "tilt"):
            found = deviance_profile(many, name)
            assert np.interp(found.best + found.error, found.values, found.rise) == pytest.approx(1, rel=0.03)

    def test_ends_at_a_limit(self):
        limited = power_law()
        limited.norm.min, limited.norm.max = 0.8, 0.95
        found = deviance_profile(fit(limited), "norm")
        assert found.values.min() >= 0.8
        assert found.values.max() <= 0.95

    def test_needs_two_values(self):
        with pytest.raises(InvalidInputError, match="n is 1"):
            deviance_profile(fit(), "norm", n=1)
