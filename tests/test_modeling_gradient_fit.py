"""Norm and gradient fitted together: from sums alone, it is the fit of every pixel."""

import numpy as np
import pytest
from astropy import units as u
from iminuit import Minuit
from numpy.testing import assert_allclose, assert_array_equal

from fovnb.errors import InvalidInputError
from fovnb.modeling.background_fit import BackgroundSums, fit_background
from fovnb.modeling.gradient import field_sums
from fovnb.modeling.gradient_fit import fit_norm_and_gradient
from fovnb.modeling.models import (
    FoVBackgroundModel,
    FoVGradientSpatialModel,
    GaussianPrior,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
)
from tests.norms import power_law
from tests.test_modeling_gradient import ENERGY, make_field

NAMES = ["tilt", "norm", "reference", "gx", "gy"]


def sums_of(field):
    counts, background, used, _, _ = field
    n, b = (np.sum(part, axis=(1, 2), where=used) for part in (counts, background))
    return BackgroundSums(ENERGY, n, b)


def with_gradient(spectral=None, **values):
    gradient = FoVGradientSpatialModel(**values)
    return FoVBackgroundModel("obs-1", spectral_model=spectral or power_law(), spatial_model=gradient)


def fit(field, model):
    return fit_norm_and_gradient(sums_of(field), field_sums(*field), model)


def pixel_statistic(field, norm):
    """Return -2 ln L of every pixel as a function of (parameters of the norm, gx, gy)."""
    counts, background, used, x, y = field

    def statistic(parameters):
        *own, gx, gy = parameters
        mean = norm(*own)[:, None, None] * background * (1 + gx * x + gy * y)
        return 2 * float(np.sum((mean - counts * np.log(mean))[used]))

    return statistic


def brute_force(statistic, start):
    minuit = Minuit(statistic, start)
    minuit.errordef, minuit.tol, minuit.strategy = 1, 1e-8, 2
    minuit.migrad()
    minuit.hesse()
    return np.array(minuit.values), np.array(minuit.covariance), minuit.fval


def test_fit_of_the_sums_is_the_fit_of_all_pixels():
    field = make_field(gradient=(0.15, -0.1), norm=1.2, per_pixel=0.6)
    model, record = fit(field, with_gradient())
    statistic = pixel_statistic(field, lambda norm, tilt: norm * ENERGY**-tilt)
    values, covariance, best = brute_force(statistic, [1, 0, 0, 0])
    found = model.parameters.value[[1, 0, 3, 4]]
    assert_allclose(found, values, atol=1e-5)
    assert statistic(found) <= best + 1e-9
    order = [NAMES.index(name) for name in ("norm", "tilt", "gx", "gy")]
    assert_allclose(record.covariance[np.ix_(order, order)], covariance, rtol=2e-3, atol=1e-7)
    assert_allclose(record.errors[order], np.sqrt(np.diag(covariance)), rtol=1e-3)
    assert record.status == "ok"
    assert record.parameter_names == tuple(NAMES)
    assert set(record.free_names) == {"norm", "tilt", "gx", "gy"}


def test_total_stat_differs_from_that_of_the_pixels_by_a_constant():
    field = make_field(gradient=(0.15, -0.1))
    statistic = pixel_statistic(field, lambda norm: np.full(3, norm))
    free, record = fit(field, with_gradient(PowerLawNormSpectralModel()))
    norm, gx, gy = free.parameters.value[[1, 3, 4]]
    _, flat = fit_background(sums_of(field), FoVBackgroundModel("obs-1"))
    rise = statistic([flat.values[1], 0, 0]) - statistic([norm, gx, gy])
    assert flat.total_stat - record.total_stat == pytest.approx(rise, abs=1e-8)
    assert rise > 5


def test_piecewise_norm_and_gradient_are_those_of_all_pixels():
    field = make_field(gradient=(-0.2, 0.1), per_pixel=0.5, seed=4)
    model, _ = fit(field, with_gradient(PiecewiseNormSpectralModel(ENERGY * u.TeV)))
    values, _, _ = brute_force(pixel_statistic(field, lambda *norms: np.array(norms)), [1, 1, 1, 0, 0])
    assert_allclose(model.parameters.value, values, atol=1e-5)


def test_a_norm_whose_logarithm_is_not_linear_is_followed_too():
    field = make_field(gradient=(0.1, 0.1), per_pixel=0.5)
    nodes = PiecewiseNormSpectralModel([0.9, 4.0, 12.0] * u.TeV, interp="lin")
    model, record = fit(field, with_gradient(nodes))
    norm = lambda *norms: np.interp(ENERGY, [0.9, 4.0, 12.0], norms)  # noqa: E731
    values, covariance, _ = brute_force(pixel_statistic(field, norm), [1, 1, 1, 0, 0])
    assert_allclose(model.parameters.value, values, atol=1e-3 * np.sqrt(np.diag(covariance)).max())
    assert_allclose(record.covariance, covariance, rtol=2e-2, atol=1e-4)


def test_a_symmetric_field_leaves_the_norm_alone():
    """Where background and counts are mirrored, gx and gy are 0, and the norm that of the fit without them."""
    x, y = np.meshgrid(np.linspace(-2, 2, 20), np.linspace(-2, 2, 16))
    background = np.exp(-(x**2)) * np.array([4.0, 2.0, 1.0])[:, None, None]
    counts = np.random.default_rng(1).poisson(background / 4).astype(float)
    counts = sum(mirrored[:, :, ::step] for mirrored in (counts, counts[:, ::-1]) for step in (1, -1))
    field = counts, background, np.ones(counts.shape, dtype=bool), x, y
    model, record = fit(field, with_gradient())
    flat, alone = fit_background(sums_of(field), FoVBackgroundModel("obs-1", power_law()))
    assert_allclose(model.parameters.value, [*flat.parameters.value, 0, 0], atol=1e-9)
    assert_allclose(record.covariance[:3, :3], alone.covariance, rtol=1e-9, atol=1e-15)
    assert record.deviance == pytest.approx(alone.deviance)
    assert record.dof == alone.dof


def test_one_frozen_component_stays():
    field = make_field(gradient=(0.15, -0.1))
    model = with_gradient(gx=0.15)
    model.spatial_model.gx.frozen = True
    new, record = fit(field, model)
    statistic = pixel_statistic(field, lambda norm, tilt: norm * ENERGY**-tilt)
    values, covariance, _ = brute_force(lambda p: statistic([*p[:2], 0.15, p[2]]), [1, 0, 0])
    assert_allclose(new.parameters.value[[1, 0, 4]], values, atol=1e-5)
    assert new.spatial_model.gx.value == 0.15
    assert record.errors[3] == 0
    assert record.errors[4] == pytest.approx(np.sqrt(covariance[2, 2]), rel=1e-3)
    assert "gx" not in record.free_names


def test_a_limit_holds_and_is_said():
    field = make_field(gradient=(0.2, 0.0), per_pixel=3)
    model = with_gradient()
    model.spatial_model.gx.max = 0.05
    new, record = fit(field, model)
    assert new.spatial_model.gx.value == 0.05
    assert record.status == "at-limit"
    assert "gx = 0.05" in record.reason
    assert "gx" in record.at_limit
    assert np.isnan(record.errors[3])
    statistic = pixel_statistic(field, lambda norm, tilt: norm * ENERGY**-tilt)
    values, _, _ = brute_force(lambda p: statistic([*p[:2], 0.05, p[2]]), [1, 0, 0])
    assert_allclose(new.parameters.value[[1, 0, 4]], values, atol=1e-5)


def test_a_prior_pulls_and_the_value_without_it_is_reported():
    field = make_field(gradient=(0.2, -0.1))
    alone, free = fit(field, with_gradient())
    model = with_gradient()
    model.spatial_model.gx.prior = GaussianPrior(mu=0, sigma=0.02)
    new, record = fit(field, model)
    statistic = pixel_statistic(field, lambda norm, tilt: norm * ENERGY**-tilt)
    values, covariance, _ = brute_force(lambda p: statistic(p) + (p[2] / 0.02) ** 2, [1, 0, 0, 0])
    assert_allclose(new.parameters.value[[1, 0, 3, 4]], values, atol=1e-5)
    assert record.errors[3] == pytest.approx(np.sqrt(covariance[2, 2]), rel=1e-3)
    assert record.prior_free["gx"] == pytest.approx((alone.spatial_model.gx.value, free.errors[3]))
    assert record.prior_pulls == {"gx": pytest.approx(values[2] / 0.02, abs=1e-4)}
    assert "prior on gx" in record.reason


def test_pulls_over_simulated_fields_are_normal():
    rng = np.random.default_rng(8)
    _, background, used, x, y = make_field(per_pixel=0.7)
    truth = np.array([0.1, 1.1, 0.06, -0.04])
    mean = 1.1 * ENERGY[:, None, None] ** -0.1 * background * (1 + 0.06 * x - 0.04 * y)
    pulls = []
    for _ in range(100):
        _, record = fit((rng.poisson(mean).astype(float), background, used, x, y), with_gradient())
        pulls.append((record.values[[0, 1, 3, 4]] - truth) / record.errors[[0, 1, 3, 4]])
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 4 / np.sqrt(100))
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 4 / np.sqrt(200))


@pytest.mark.parametrize("seen", [1, 2, 3, 5, 8])
def test_few_counts_end_in_a_finite_result_or_a_mark(seen):
    rng = np.random.default_rng(seen)
    counts, background, used, x, y = make_field()
    for _ in range(8):
        share = np.where(used, background, 0).ravel()
        few = rng.multinomial(seen, share / share.sum()).reshape(counts.shape).astype(float)
        field = few, background, used, x, y
        model, record = fit(field, with_gradient())
        assert np.isfinite(model.parameters.value).all()
        assert np.isfinite(record.covariance).all()
        assert record.status != "ok" or np.isfinite(record.errors).all()
        gradient = model.parameters.value[-2:]
        assert np.all((1 + gradient[0] * x + gradient[1] * y)[used.any(axis=0)] > 0)


def test_failures_are_said():
    field = make_field()
    empty = (0 * field[0], *field[1:])
    assert fit(empty, with_gradient())[1].status == "too-few-counts"
    steep = with_gradient(gx=0.9)
    steep.spatial_model.gx.frozen = True
    _, record = fit(field, steep)
    assert record.status == "not-converged"
    assert "gx = 0.9" in record.reason
    frozen = with_gradient()
    frozen.spatial_model.freeze()
    with pytest.raises(InvalidInputError, match="free"):
        fit(field, frozen)
    with pytest.raises(InvalidInputError, match="deg-1"):
        fit(field, with_gradient(gx=0.1 / u.rad))


def test_arguments_are_not_changed():
    field, model = make_field(gradient=(0.1, 0)), with_gradient()
    sums, cubes = sums_of(field), field_sums(*field)
    before = cubes.moments.copy()
    fit_norm_and_gradient(sums, cubes, model)
    assert model.parameters.value.tolist() == [0, 1, 1, 0, 0]
    assert_array_equal(cubes.moments, before)
