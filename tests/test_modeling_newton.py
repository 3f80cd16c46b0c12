"""The maximum of the likelihood is one point, whichever way leads there: whole Newton steps or the general descent."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fovnb.modeling.background_fit import BackgroundSums
from fovnb.modeling.loglinear import LogLinear
from fovnb.modeling.models import GaussianPrior, LogParabolaNormSpectralModel, PowerLawNormSpectralModel
from fovnb.modeling.newton import _descend, _start, _straight, maximise
from fovnb.modeling.reduced import make_problem
from tests.norms import SUMS, at_centers, at_edges, bkg, power_law

MODELS = {
    "norm": PowerLawNormSpectralModel,
    "power law": power_law,
    "log parabola": LogParabolaNormSpectralModel,
    "centres": at_centers,
}


def likelihood(sums, model) -> LogLinear:
    return make_problem(sums.select_used(), bkg(model)).likelihood


def descended(problem: LogLinear) -> np.ndarray:
    """Return the maximum by the general way, which goes on from where it arrived: its own rounding is left."""
    theta, found = _descend(problem, _start(problem), 300)
    assert found.all()
    for _ in range(3):
        theta, _ = _descend(problem, theta, 300)
    return theta


def in_sigma(problem: LogLinear, theta: np.ndarray, other: np.ndarray) -> float:
    """Return the distance of two theta in standard deviations."""
    step = (theta - other)[0]
    return float(np.sqrt(step @ problem.curvature(other)[0][0] @ step))


@st.composite
def sums_with_counts(draw):
    size = draw(st.integers(3, 6))
    counts = draw(st.lists(st.integers(0, 10_000), min_size=size, max_size=size).filter(any))
    background = draw(st.lists(st.floats(1e-2, 1e4), min_size=size, max_size=size))
    return BackgroundSums(np.geomspace(0.5, 20, size), counts, background)


@settings(max_examples=150, deadline=None)
@example(BackgroundSums([1.0], [0.5], [1.0]), "norm")
@example(BackgroundSums([1.0, 2.0], [3.0, 0.0], [1e4, 1e-2]), "power law")
@given(sums_with_counts(), st.sampled_from(list(MODELS)))
def test_whole_steps_lead_to_the_maximum_of_the_general_way(sums, name):
    problem = likelihood(sums, MODELS[name]())
    found = _straight(problem)
    if found is None:
        return
    assert in_sigma(problem, found, descended(problem)) < 1e-9
    np.testing.assert_array_equal(maximise(problem)[0], found)


@pytest.mark.parametrize("name", MODELS)
def test_whole_steps_are_enough_for_an_ordinary_run(name):
    problem = likelihood(SUMS, MODELS[name]())
    assert in_sigma(problem, _straight(problem), descended(problem)) < 1e-9


def test_another_theta_would_be_seen():
    problem = likelihood(SUMS, power_law())
    found = _straight(problem)
    sigma = np.sqrt(np.linalg.inv(problem.curvature(found)[0][0]).diagonal())
    assert in_sigma(problem, found + 1e-6 * sigma, descended(problem)) > 1e-7


def limited() -> PowerLawNormSpectralModel:
    model = power_law()
    model.norm.max = 0.8
    return model


def with_prior() -> PowerLawNormSpectralModel:
    model = power_law()
    model.tilt.prior = GaussianPrior(mu=0.0, sigma=0.1)
    return model


@pytest.mark.parametrize(
    ("sums", "model"),
    [
        (SUMS, limited),
        (SUMS, with_prior),
        (SUMS, at_edges),
        (BackgroundSums(SUMS.energy, [9, 0, 0, 0, 0], SUMS.background), power_law),
        (BackgroundSums(SUMS.energy, [9, 4, 2, 1, 0], SUMS.background), at_centers),
        (BackgroundSums(SUMS.energy, SUMS.counts, SUMS.background, source=np.full(5, 3.0)), power_law),
        (BackgroundSums(SUMS.energy, SUMS.counts * 0, SUMS.background), power_law),
    ],
    ids=["limit", "prior", "open", "one bin", "empty node", "source", "no counts"],
)
def test_all_else_goes_the_general_way(sums, model):
    problem = likelihood(sums, model())
    assert _straight(problem) is None
    np.testing.assert_array_equal(maximise(problem)[0], _descend(problem, _start(problem), 300)[0])
