"""Records that cannot be changed through what they give away."""

import pickle
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from fovnb.modeling.background_fit import BackgroundFit, fit_background
from fovnb.modeling.frozen import FrozenDict
from fovnb.modeling.models import GaussianPrior
from tests.norms import SUMS, bkg, power_law


def record() -> BackgroundFit:
    model = power_law()
    model.tilt.prior = GaussianPrior(mu=0.0, sigma=0.1)
    return fit_background(SUMS, bkg(model))[1]


def arrays(made: BackgroundFit) -> list[np.ndarray]:
    likelihood = made.problem.likelihood
    holders = (made, made.problem, likelihood, likelihood.penalty)
    found = [value for holder in holders for value in vars(holder).values()] + [*made.problem.limits]
    return [value for value in found if isinstance(value, np.ndarray)]


def test_every_array_of_a_record_is_read_only() -> None:
    found = arrays(record())
    assert len(found) >= 9 + 3 + 6 + 4 + 2
    assert not any(array.flags.writeable for array in found)
    assert not any(getattr(SUMS, name).flags.writeable for name in ("energy", "counts", "background", "source"))


def test_the_caller_keeps_arrays_and_dictionaries_that_can_be_written_to() -> None:
    values, pulls = np.array([1.0]), {"norm": 2.0}
    made = BackgroundFit("obs-1", "fit", "ok", "", ("norm",), values, values, prior_pulls=pulls)
    assert values.flags.writeable
    assert np.shares_memory(values, made.values)
    pulls["norm"] = 3.0
    assert made.prior_pulls == {"norm": 2.0}


def test_dictionaries_cannot_be_changed_and_compare_as_such() -> None:
    made = record()
    for held in (made.prior_pulls, made.prior_free, made.upper_limits, made.intervals):
        with pytest.raises(TypeError, match="does not support item assignment"):
            held["tilt"] = 0.0
        assert held == dict(held)
    assert set(made.prior_pulls) == {"tilt"}
    assert repr(FrozenDict({"a": 1})) == "{'a': 1}"


def test_parameters_of_the_problem_are_not_those_of_the_model() -> None:
    model, made = fit_background(SUMS, bkg(power_law()))
    before = made.problem.theta
    model.spectral_model.norm.value *= 2
    np.testing.assert_array_equal(made.problem.theta, before)


@pytest.mark.parametrize("again", [deepcopy, replace, lambda made: pickle.loads(pickle.dumps(made))])
def test_copies_say_the_same(again) -> None:
    made = record()
    other = again(made)
    assert repr(other) == repr(made)
    assert other.prior_pulls == made.prior_pulls
    assert other.intervals == made.intervals
    np.testing.assert_array_equal(other.problem.theta, made.problem.theta)
    assert np.shares_memory(other.values, made.values) == (again is replace)
