"""Priors in the norm's fit: worked by hand, limits of wide and narrow ones, and what the record says beside them."""

import numpy as np
import pytest
from astropy import units as u
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.optimize import minimize

from fovnb.errors import ModelError
from fovnb.modeling import Fit
from fovnb.modeling.background_fit import BackgroundSums, fit_background, scale_background
from fovnb.modeling.models import GaussianPrior, PiecewiseNormSpectralModel, PowerLawNormSpectralModel
from fovnb.modeling.penalty import Penalty
from fovnb.modeling.reduced import make_problem
from tests.norms import BACKGROUND, CENTERS, COUNTS, SUMS, at_centers, bkg, power_law

MINUIT = Fit(optimize_opts={"tol": 1e-3})


def with_priors(spectral, **priors):
    for name, (mu, sigma) in priors.items():
        getattr(spectral, name).prior = GaussianPrior(mu=mu, sigma=sigma)
    return spectral


def cash_and_priors(values, priors):
    """-2 ln L of a power law, the obvious way."""
    tilt, norm = values
    predicted = norm * CENTERS**-tilt * BACKGROUND
    terms = [((value - mu) / sigma) ** 2 for value, (mu, sigma) in zip(values, priors, strict=True)]
    return 2 * np.sum(predicted - COUNTS * np.log(predicted)) + sum(terms)


class TestByHand:
    @pytest.mark.parametrize("fit", [None, MINUIT])
    def test_norm_solves_a_quadratic_equation(self, fit):
        # d/dn [n B - N ln n + (n - mu)^2 / 2 s^2] = 0 with B = 100, N = 80, mu = 1, s = 0.1: n^2 - 0.8 = 0.
        sums = BackgroundSums([1.0], [80], [100.0])
        spectral = with_priors(PowerLawNormSpectralModel(), norm=(1, 0.1))
        _, record = fit_background(sums, bkg(spectral), fit)
        assert record.values[1] == pytest.approx(np.sqrt(0.8), rel=1e-5 if fit else 1e-10)
        # The second derivative with ln n is n B + n (2 n - mu) / s^2 = 160 where n^2 = 0.8.
        assert record.errors[1] == pytest.approx(np.sqrt(0.8 / 160), rel=1e-3 if fit else 1e-9)

    def test_smooth_nodes_meet_where_the_forces_are_equal(self):
        # n_1 B - N_1 = -(n_2 B - N_2) = ln(n_2 / n_1) / width^2, with n_1 + n_2 = 2 as N_1 + N_2 = 2 B.
        sums = BackgroundSums([1.0, 4.0], [120, 80], [100.0, 100.0])
        spectral = PiecewiseNormSpectralModel([1, 4] * u.TeV, smoothness=0.1)
        _, record = fit_background(sums, bkg(spectral))
        first, second = record.values
        assert first + second == pytest.approx(2, rel=1e-10)
        assert 100 * first - 120 == pytest.approx(np.log(second / first) / 0.1**2, rel=1e-7)
        assert record.prior_pulls == {"smoothness": pytest.approx(np.log(second / first) / 0.1)}
        assert record.prior_free["norm_0"] == (pytest.approx(1.2), pytest.approx(np.sqrt(120) / 100))
        assert 1 < first < 1.2

    def test_deviance_is_that_of_the_data_alone(self):
        sums = BackgroundSums([1.0], [80], [100.0])
        _, record = fit_background(sums, bkg(with_priors(PowerLawNormSpectralModel(), norm=(1, 0.1))))
        predicted = 100 * np.sqrt(0.8)
        assert record.deviance == pytest.approx(2 * (predicted - 80 + 80 * np.log(80 / predicted)), rel=1e-9)
        assert record.total_stat == pytest.approx(2 * (predicted - 80 * np.log(predicted)), rel=1e-12)


class TestAgainstSlowVersions:
    @pytest.mark.parametrize("priors", [((0.1, 0.02), (1.0, 0.01)), ((0.0, 1e9), (0.5, 0.05)), ((-3.0, 0.01), (2, 1))])
    @pytest.mark.parametrize("fit", [None, MINUIT])
    def test_maximum_and_covariance(self, priors, fit):
        spectral = with_priors(power_law(), tilt=priors[0], norm=priors[1])
        _, record = fit_background(SUMS, bkg(spectral), fit)
        found = minimize(cash_and_priors, record.values[:2], args=(priors,), method="Nelder-Mead", tol=1e-10)
        assert cash_and_priors(record.values[:2], priors) <= found.fun + 1e-6
        np.testing.assert_allclose(record.values[:2], found.x, atol=0.02 * record.errors[:2].min())
        assert record.status == "ok"
        steps = 1e-2 * record.errors[:2] * np.eye(2)

        def curvature(a, b):
            signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
            return sum(s * t * cash_and_priors(found.x + s * a + t * b, priors) for s, t in signs) / 8

        hessian = np.array([[curvature(a, b) for a in steps] for b in steps]) / np.outer(*[steps.diagonal()] * 2)
        expected = np.linalg.inv(hessian)
        # Errors are those of ln norm, in which the likelihood is nearer to a parabola; here the two hardly differ.
        np.testing.assert_allclose(record.errors[:2], np.sqrt(expected.diagonal()), rtol=0.03)

    def test_gradient_and_curvature_are_those_of_the_value(self):
        rng = np.random.default_rng(3)
        penalty = Penalty(rng.normal(size=(4, 3)), rng.normal(size=4), np.array([1, 0, 2.0]), np.array([9, 0, 0.5]))
        theta, step = rng.normal(size=(1, 3)), 1e-5
        for j, unit in enumerate(step * np.eye(3)):
            slope = (penalty.value(theta + unit) - penalty.value(theta - unit)) / (2 * step)
            assert penalty.gradient(theta)[0, j] == pytest.approx(slope[0], rel=1e-7)
            bend = (penalty.gradient(theta + unit) - penalty.gradient(theta - unit)) / (2 * step)
            np.testing.assert_allclose(penalty.curvature(theta)[0][0, j], bend[0], rtol=1e-6, atol=1e-6)

    def test_safe_curvature_is_positive_in_every_direction(self):
        """Smooth nodes may all rise together: only the prior bends then, and far below its mean it bends down."""
        penalty = Penalty(np.diff(np.eye(3), axis=0) * 10, np.zeros(2), np.array([1.0, 0, 0]), np.array([1e4, 0, 0]))
        theta = np.log(np.full((1, 3), 1e-3))
        assert np.linalg.eigvalsh(penalty.curvature(theta)[0])[0, 0] < -1
        assert np.linalg.eigvalsh(penalty.safe_curvature(theta)).min() > -1e-12
        near = np.zeros((1, 3))
        assert_array_equal(penalty.safe_curvature(near), penalty.curvature(near)[0])

    def test_a_prior_far_above_the_counts_has_no_false_minimum(self):
        # Seen as a function of ln n the prior bends down below mu / 2; that must not mislead Newton's method.
        sums = BackgroundSums([1.0], [1], [100.0])
        for mu, sigma in [(1, 0.05), (1, 1e-4), (100, 0.5), (-1, 0.1), (0, 0.01)]:
            _, record = fit_background(sums, bkg(with_priors(PowerLawNormSpectralModel(), norm=(mu, sigma))))
            half = 100 - mu / sigma**2
            exact = (-half + np.sqrt(half**2 + 4 / sigma**2)) / (2 / sigma**2)
            assert record.values[1] == pytest.approx(exact, rel=1e-6)


class TestWideAndNarrow:
    def test_a_very_wide_prior_changes_nothing(self):
        _, without = fit_background(SUMS, bkg(power_law()))
        _, record = fit_background(SUMS, bkg(with_priors(power_law(), tilt=(3, 1e8), norm=(7, 1e8))))
        np.testing.assert_allclose(record.values, without.values, rtol=1e-9)
        np.testing.assert_allclose(record.covariance, without.covariance, rtol=1e-9)

    def test_a_very_narrow_prior_pins(self):
        _, record = fit_background(SUMS, bkg(with_priors(power_law(), tilt=(0.3, 1e-8), norm=(1.2, 1e-8))))
        np.testing.assert_allclose(record.values[:2], [0.3, 1.2], rtol=1e-9)
        np.testing.assert_allclose(record.errors[:2], 1e-8, rtol=1e-3)

    def test_nodes_that_must_be_equal_are_one_norm(self):
        _, record = fit_background(SUMS, bkg(at_centers(smoothness=1e-6)))
        np.testing.assert_allclose(record.values, COUNTS.sum() / BACKGROUND.sum(), rtol=1e-6)

    def test_wide_smoothness_leaves_the_nodes_alone(self):
        _, record = fit_background(SUMS, bkg(at_centers(smoothness=1e6)))
        np.testing.assert_allclose(record.values, COUNTS / BACKGROUND, rtol=1e-9)


class TestRecord:
    def test_prior_free_values_are_those_of_the_fit_without(self):
        spectral = with_priors(power_law(), tilt=(0.2, 0.02))
        _, without = fit_background(SUMS, bkg(power_law()))
        for fit in (None, MINUIT):
            model, record = fit_background(SUMS, bkg(spectral), fit)
            assert set(record.prior_free) == {"tilt"}
            assert record.prior_free["tilt"] == pytest.approx((without.values[0], without.errors[0]), rel=5e-3)
            assert record.prior_pulls == {"tilt": pytest.approx((record.values[0] - 0.2) / 0.02)}
            assert "prior on tilt" in record.reason
            assert "tilt (no prior)" in repr(record)
            assert model.spectral_model.tilt.prior == spectral.tilt.prior
        assert (without.prior_free, without.prior_pulls) == ({}, {})

    @pytest.mark.parametrize("fit", [None, MINUIT])
    def test_a_prior_constrains_what_the_data_leave_open(self, fit):
        sums = BackgroundSums(CENTERS, COUNTS, np.where(np.arange(5) == 0, 0, BACKGROUND))
        model, record = fit_background(sums, bkg(with_priors(at_centers(), norm_0=(0.9, 0.2))), fit)
        assert (record.status, record.unconstrained) == ("ok", ())
        assert record.values[0] == pytest.approx(0.9, rel=1e-4)
        assert model.spectral_model.norm_0.error == pytest.approx(0.2, rel=1e-2)
        assert record.prior_free["norm_0"][1] == np.inf
        assert "do not constrain norm_0" in record.reason
        assert (record.rank, record.dof) == (4, 0)

    def test_smoothness_bridges_a_masked_bin(self):
        sums = BackgroundSums(CENTERS, COUNTS, np.where(np.arange(5) == 2, 0, BACKGROUND))
        _, record = fit_background(sums, bkg(at_centers(smoothness=0.2)))
        assert record.status == "ok"
        assert record.values[2] == pytest.approx(np.sqrt(record.values[1] * record.values[3]), rel=1e-6)

    def test_a_prior_on_a_frozen_parameter_does_not_act(self):
        spectral = with_priors(PowerLawNormSpectralModel(), tilt=(3, 0.1))
        _, record = fit_background(SUMS, bkg(spectral))
        assert (record.prior_free, record.prior_pulls) == ({}, {})
        assert record.values[1] == pytest.approx(COUNTS.sum() / BACKGROUND.sum())

    def test_scale_knows_no_prior(self):
        _, record = scale_background(SUMS, bkg(with_priors(PowerLawNormSpectralModel(), norm=(3, 0.01))))
        assert record.values[1] == pytest.approx(COUNTS.sum() / BACKGROUND.sum())
        low, high = record.intervals["norm"]
        assert (low + high) / 2 == pytest.approx(record.values[1])
        assert record.prior_pulls == {"norm": pytest.approx((record.values[1] - 3) / 0.01)}
        assert "its prior takes no part in 'scale'" in record.reason

    def test_a_linked_parameter_has_its_prior_once(self):
        spectral = with_priors(at_centers(), norm_0=(1, 0.01))
        spectral.norm_1 = spectral.norm_0
        problem = make_problem(SUMS, bkg(spectral))
        assert np.count_nonzero(problem.likelihood.penalty.weight) == 1
        _, record = fit_background(SUMS, bkg(spectral))
        assert record.values[0] == record.values[1]
        assert list(record.prior_pulls) == ["norm_0"]


class TestDegreesOfFreedom:
    def test_a_prior_takes_over_what_it_determines(self):
        """D of two bins is one parameter's worth H / (H + 1 / s^2) = 100 / (100 + 300): dof is 2 - 0.25, rounded."""
        sums = BackgroundSums([1.0, 4.0], [50, 50], [50.0, 50.0])
        _, record = fit_background(sums, bkg(with_priors(PowerLawNormSpectralModel(), norm=(1, 300**-0.5))))
        assert (record.rank, record.dof) == (1, 2)
        _, wide = fit_background(sums, bkg(with_priors(PowerLawNormSpectralModel(), norm=(1, 50**-0.5))))
        assert (wide.rank, wide.dof) == (1, 1)

    @pytest.mark.parametrize("width", [0.01, 0.1, 1])
    @pytest.mark.parametrize("level", [1, 20])
    def test_p_values_of_sound_smooth_runs_are_uniform(self, width, level):
        """Nodes drawn from the prior, counts from them; one node less than bins."""
        rng, n = np.random.default_rng(11), 200
        energy = np.geomspace(0.5, 20, 6)
        nodes, background = np.geomspace(0.5, 20, 5), level * 2000 / energy
        values = []
        for _ in range(n):
            log = np.append(0, np.cumsum(width * rng.normal(size=4)))
            counts = rng.poisson(background * np.exp(np.interp(np.log(energy), np.log(nodes), log)))
            spectral = PiecewiseNormSpectralModel(nodes * u.TeV, smoothness=width)
            values.append(fit_background(BackgroundSums(energy, counts, background), bkg(spectral))[1].p_value)
        for limit in (0.05, 0.5):
            assert abs(np.mean(np.array(values) < limit) - limit) < 4 * np.sqrt(limit * (1 - limit) / n)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 300), min_size=5, max_size=5),
    st.floats(-2, 4),
    st.floats(-3, 1),
    st.floats(-3, 1),
    st.sampled_from(["norm", "tilt", "node", "smooth"]),
)
@example(counts=[0, 0, 0, 0, 1], mu=1.0, log_sigma=-2.0, log_width=-1.0, kind="node")  # bends down where it starts
def test_any_prior_gives_a_maximum(counts, mu, log_sigma, log_width, kind):
    spectral = at_centers(smoothness=10**log_width) if kind in {"node", "smooth"} else power_law()
    name = {"node": "norm_2", "smooth": "norm_4"}.get(kind, kind)
    with_priors(spectral, **{name: (mu, 10**log_sigma)})
    sums = BackgroundSums(CENTERS, counts, BACKGROUND)
    _, record = fit_background(sums, bkg(spectral))
    if not sum(counts):
        assert record.status == "too-few-counts"
        return
    assert record.status in {"ok", "at-limit"}
    assert np.isfinite(record.values).all()
    problem = record.problem
    best = problem.likelihood.statistic(problem.theta[None])[0]
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-2, 0.1):
        near = np.clip(problem.theta + size * rng.normal(size=(20, len(problem.theta))), *theta_limits(problem))
        assert np.all(problem.likelihood.statistic(near) >= best - 1e-9 * (1 + abs(best)))


def theta_limits(problem):
    return problem.likelihood.lower, problem.likelihood.upper


@pytest.mark.parametrize("kwargs", [{"sigma": 5e-324}, {"sigma": 0.0}, {"weight": 1e-200}])
def test_a_prior_as_sharp_as_no_number_can_say_is_refused(kwargs):
    with pytest.raises(ModelError, match="it must be positive: freeze a parameter"):
        GaussianPrior(mu=0.0, **kwargs)
