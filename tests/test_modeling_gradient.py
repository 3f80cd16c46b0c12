"""A gradient of the background over the field of view: its sums, its fit and its score test."""

from itertools import product
from math import log

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fovnb.errors import InvalidInputError
from fovnb.modeling.gradient import field_sums, fit_gradient, score_gradient

SHAPE = (3, 16, 20)
ENERGY = np.array([1.0, 3.0, 9.0])


def coordinates(shape=SHAPE[1:], width=2.0):
    """Return x and y of a field that bends a little, as a projection of the sky does."""
    y, x = np.meshgrid(*[np.linspace(-width, width, n) for n in shape], indexing="ij")
    return x + 0.02 * y**2, y - 0.015 * x**2


def make_field(gradient=(0.0, 0.0), norm=1.0, per_pixel=1.0, seed=1):
    """Return counts, background, mask, x and y of a field with a steep background, a hole, and a masked corner."""
    rng = np.random.default_rng(seed)
    x, y = coordinates()
    background = per_pixel * np.exp(-(x**2 + y**2) / 3) * np.array([4.0, 1.0, 0.25])[:, None, None]
    used = np.broadcast_to((x - 0.5) ** 2 + y**2 > 0.3, SHAPE) & (x + y < 3)
    counts = rng.poisson(norm * background * (1 + gradient[0] * x + gradient[1] * y)).astype(float)
    return counts, background, used, x, y


def slow_loss(theta, counts, background, used, x, y):
    """Return -ln L of theta0 P (1 + gx x + gy y), pixel by pixel."""
    total = 0.0
    for k, j, i in product(*map(range, counts.shape)):
        if used[k, j, i]:
            mean = background[k, j, i] * (theta[0] + theta[1] * x[j, i] + theta[2] * y[j, i])
            total += mean - counts[k, j, i] * log(mean)
    return total


def test_sums_by_hand():
    x, y = np.array([[-1.0, 2.0]]), np.array([[0.5, 1.0]])
    counts, background = np.array([[[1, 0]], [[2, 5]]]), np.array([[[10.0, 20.0]], [[3.0, 4.0]]])
    used = np.array([[[True, True]], [[True, False]]])
    sums = field_sums(counts, background, used, x, y)
    assert sums.moments.tolist() == [[30, 30, 25, 90, 35, 22.5], [3, -3, 1.5, 3, -1.5, 0.75]]
    assert sums.lonlat.tolist() == [[-1, 0.5]]
    assert sums.counts.tolist() == [3]
    assert sums.background(np.array([0.1, -0.2])).tolist() == [30 + 3 - 5, pytest.approx(3 - 0.3 - 0.3)]


def test_what_is_not_used_changes_nothing():
    counts, background, used, x, y = make_field()
    expected = field_sums(counts, background, used, x, y)
    counts[~used], background[~used] = np.nan, -7
    again = field_sums(counts, background, used, x, y)
    for name in ("moments", "lonlat", "counts", "edge"):
        assert_allclose(getattr(again, name), getattr(expected, name), rtol=0)


def test_edge_decides_whether_the_factor_is_positive():
    counts, background, used, x, y = make_field()
    sums = field_sums(counts, background, used, x, y)
    field = used.any(axis=0)
    assert len(sums.edge) < field.sum() / 2
    for gx, gy in np.random.default_rng(3).normal(0, 0.4, (500, 2)):
        assert sums.is_positive(np.array([gx, gy])) == bool(np.all((1 + gx * x + gy * y)[field] > 0))


def test_fit_agrees_with_the_slow_likelihood_of_all_pixels():
    from iminuit import Minuit

    field = make_field(gradient=(0.12, -0.08), norm=1.2)
    found = fit_gradient(field_sums(*field))
    slow = Minuit(lambda theta: slow_loss(theta, *field), [1.0, 0.0, 0.0])
    slow.errordef, slow.tol = 0.5, 1e-6
    slow.migrad()
    slow.hesse()
    theta, covariance = np.array(slow.values), np.array(slow.covariance)
    gradient = theta[1:] / theta[0]
    slope = np.column_stack([-gradient, np.eye(2)]) / theta[0]
    assert_allclose(found.gradient, gradient, atol=1e-5)
    assert found.norm == pytest.approx(theta[0], abs=1e-5)
    assert_allclose(found.covariance, slope @ covariance @ slope.T, rtol=2e-3)
    assert found.status == "ok"


def test_flipped_or_swapped_coordinates_are_seen():
    counts, background, used, x, y = make_field(gradient=(0.2, -0.1), per_pixel=20)
    found = fit_gradient(field_sums(counts, background, used, x, y))
    assert np.all(np.abs(found.gradient - [0.2, -0.1]) < 4 * found.errors)
    assert np.all(found.errors < 0.02)
    flipped = fit_gradient(field_sums(counts, background, used, -x, y))
    assert_allclose(flipped.gradient * [-1, 1], found.gradient, atol=1e-9)
    swapped = fit_gradient(field_sums(counts, background, used, y, x))
    assert_allclose(swapped.gradient[::-1], found.gradient, atol=1e-9)


def test_errors_of_the_fit_and_of_the_score_are_right():
    rng = np.random.default_rng(5)
    _, background, used, x, y = make_field(per_pixel=0.7)
    truth = np.array([0.05, 0.1])
    mean = 1.1 * background * (1 + truth[0] * x + truth[1] * y)
    pulls, scores = [], []
    design = np.column_stack([np.ones(3), -np.log(ENERGY / 3)])
    for _ in range(200):
        found = fit_gradient(field_sums(rng.poisson(mean), background, used, x, y))
        pulls.append((found.gradient - truth) / found.errors)
        flat = field_sums(rng.poisson(background), background, used, x, y)
        scores.append(score_gradient(flat, design).z)
    for sample in (np.array(pulls), np.array(scores)):
        assert np.all(np.abs(sample.mean(axis=0)) < 4 / np.sqrt(200))
        assert np.all(np.abs(sample.std(axis=0) - 1) < 4 / np.sqrt(400))


def test_score_is_the_slope_of_the_slow_likelihood_with_the_norm_profiled_out():
    counts, background, used, x, y = make_field(gradient=(0.1, 0.0))
    norm = counts[used].sum() / background[used].sum()
    found = score_gradient(field_sums(counts, norm * background, used, x, y))
    predicted, cells = np.where(used, norm * background, 0), np.stack([x, y])
    score = np.sum(cells * np.sum(np.where(used, counts, 0) - predicted, axis=0), axis=(1, 2))
    mean = np.sum(cells * predicted.sum(axis=0), axis=(1, 2)) / predicted.sum()
    centred = cells - mean[:, None, None]
    variance = np.einsum("aij,bij,kij->ab", centred, centred, predicted)
    assert_allclose(found.chi2, score @ np.linalg.solve(variance, score), rtol=1e-10)
    assert_allclose(found.gradient, np.linalg.solve(variance, score), rtol=1e-10)


def test_a_tilt_widens_the_score_only_where_the_field_moves_with_energy():
    x, y = coordinates()
    used, design = np.ones(SHAPE, dtype=bool), np.column_stack([np.ones(3), -np.log(ENERGY)])
    fixed, moving = np.ones(SHAPE), np.exp(np.array([-1, 0, 1])[:, None, None] * x)
    wider = []
    for background in (fixed, moving):
        sums = field_sums(np.ones(SHAPE), background, used, x, y)
        wider.append(score_gradient(sums, design).errors[0] / score_gradient(sums).errors[0])
    assert wider[0] == pytest.approx(1, abs=1e-9)
    assert wider[1] > 1.2


def test_scaled_sums_are_the_sums_of_the_scaled_background():
    counts, background, used, x, y = make_field()
    norm = np.array([1.5, 0.5, 2.0])
    direct = field_sums(counts, norm[:, None, None] * background, used, x, y)
    assert_allclose(field_sums(counts, background, used, x, y).scale(norm).moments, direct.moments, rtol=1e-12)


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_too_few_counts_are_said(seen):
    counts, background, used, x, y = make_field()
    counts[...] = 0
    counts[0, 0, :seen] = 1
    found = fit_gradient(field_sums(counts, background, used, x, y))
    assert found.status == "too-few-counts"
    assert f"{seen} counts" in found.reason
    assert np.isnan([*found.gradient, *found.errors, found.chi2, found.significance]).all()
    scored = score_gradient(field_sums(counts, background, used, x, y))
    assert (scored.status == "too-few-counts") == (seen == 0)


def test_a_gradient_steeper_than_the_field_allows_is_marked():
    counts, background, used, x, y = make_field()
    counts[...] = 0
    # Four counts at one side of the field: a likelihood that still grows where the other side would be negative.
    for j, i in ((2, 15), (5, 14), (9, 15), (13, 14)):
        counts[0, j, i] = 1
    sums = field_sums(counts, background, used, x, y)
    found = fit_gradient(sums)
    assert found.status == "at-limit"
    assert sums.is_positive(found.gradient)
    assert np.isfinite(found.gradient).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda parts: parts[2].__setitem__(..., False), "no pixel"),
        (lambda parts: parts[0].__setitem__((0, 0, 0), np.nan), "NaN"),
        (lambda parts: parts[1].__setitem__((0, 0, 0), np.nan), "NaN"),
        (lambda parts: parts.__setitem__(3, parts[3][1:]), "shapes"),
    ],
)
def test_what_cannot_be_a_field_is_refused(change, match):
    parts = list(make_field())
    change(parts)
    with pytest.raises(InvalidInputError, match=match):
        field_sums(*parts)


def test_records_print():
    sums = field_sums(*make_field())
    assert "counts" in repr(sums)
    assert "/ deg" in fit_gradient(sums)._repr_html_()
