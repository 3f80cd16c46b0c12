"""What holding a parameter costs: against fits with the parameter frozen there, and numbers worked by hand."""

import numpy as np
import pytest

from fovnb.datasets import MapDataset
from fovnb.diagnostics.held import fitted_nodes, freed_fit, held_parameters, held_profile
from fovnb.errors import InvalidInputError
from fovnb.makers import FoVBackgroundMaker, fit_together
from fovnb.modeling.models import GaussianPrior, PowerLawNormSpectralModel
from tests.datasets import make_run


def fitted(run: MapDataset, tilt: float | None = None, prior: GaussianPrior | None = None) -> MapDataset:
    """Return a run fitted with norm and tilt, the tilt frozen at a value if there is one."""
    model = PowerLawNormSpectralModel(tilt=tilt or 0.0)
    model.tilt.frozen = tilt is not None
    model.tilt.prior = prior
    return FoVBackgroundMaker("fit", spectral_model=model).run(run)


def runs(tilt: float | None = None) -> list[MapDataset]:
    return [fitted(make_run(f"obs-{i}", seed=i, norm=0.9), tilt) for i in (1, 2)]


@pytest.mark.parametrize("tilt", [-0.2, 0.0, 0.3])
def test_holding_a_parameter_costs_what_freezing_it_there_does(tilt: float) -> None:
    run = make_run(seed=3, norm=0.8)
    free, frozen = fitted(run), fitted(run, tilt)
    cost = frozen.background_fit.deviance - free.background_fit.deviance
    assert held_parameters(free, {"tilt": tilt})["tilt"].rise == pytest.approx(cost, abs=1e-9)
    assert held_parameters(frozen, {"tilt": tilt})["tilt"].rise == pytest.approx(cost, abs=1e-9)


def test_a_frozen_parameter_is_set_free_for_the_answer_and_the_run_stays_as_it_was() -> None:
    run = fitted(make_run(), 0.4)
    before = run.background_fit.values.copy()
    assert freed_fit(run, "tilt").values == pytest.approx(fitted(make_run()).background_fit.values, rel=1e-9)
    np.testing.assert_array_equal(run.background_fit.values, before)
    assert run.background_model.spectral_model.tilt.frozen
    assert freed_fit(run, "norm") is run.background_fit


def test_the_mean_of_runs_is_weighted_with_their_errors_and_the_rise_is_above_it() -> None:
    both = runs()
    fits = [run.background_fit for run in both]
    values, errors = (
        np.array([getattr(fit, name)[fit.parameter_names.index("norm")] for fit in fits])
        for name in ("values", "errors")
    )
    found = held_parameters(both, {"norm": 1.0})["norm"]
    assert found.value == pytest.approx(np.average(values, weights=errors**-2))
    assert found.error == pytest.approx((errors**-2).sum() ** -0.5)
    assert found.n_runs == 2
    at_mean = held_parameters(both, {"norm": found.value})["norm"]
    assert at_mean.rise == 0
    alone = sum(held_parameters(run, {"norm": 1.0})["norm"].rise for run in both)
    spread = sum(held_parameters(run, {"norm": found.value})["norm"].rise for run in both)
    assert found.rise == pytest.approx(alone - spread)


def test_the_prior_counts() -> None:
    run = make_run()
    free, held = fitted(run), fitted(run, prior=GaussianPrior(mu=0.0, sigma=0.01))
    rises = [held_parameters(one, {"tilt": 0.3})["tilt"].rise for one in (free, held)]
    assert rises[1] > rises[0] + 0.9 * (0.3 / 0.01) ** 2


def test_what_a_group_shares_counts_once() -> None:
    given = [make_run("obs-1", seed=1), make_run("obs-2", seed=2)]
    together = fit_together(given, PowerLawNormSpectralModel(), ["tilt"], {"obs-1": "a", "obs-2": "a"})
    found = held_parameters(together, {"tilt": 0.1, "norm": 1.0})
    fit = together[0].background_fit
    index = fit.parameter_names.index("tilt")
    assert (found["tilt"].n_runs, found["norm"].n_runs) == (1, 2)
    assert (found["tilt"].value, found["tilt"].error) == pytest.approx((fit.values[index], fit.errors[index]))


def test_a_profile_of_several_runs_is_the_rise_at_each_value() -> None:
    both = runs()
    profile = held_profile(both, "tilt", n=5)
    assert profile.rise[2] == pytest.approx(0, abs=1e-9)
    assert np.all(profile.rise_held >= profile.rise - 1e-9)
    for value, rise in zip(profile.values, profile.rise, strict=True):
        assert held_parameters(both, {"tilt": float(value)})["tilt"].rise == pytest.approx(rise, abs=1e-9)


def test_a_profile_of_one_run_with_a_frozen_parameter_is_that_of_the_free_fit() -> None:
    free, frozen = (held_profile(fitted(make_run(), tilt), "tilt", n=5) for tilt in (None, 0.2))
    np.testing.assert_allclose(frozen.values, free.values, rtol=1e-6)
    np.testing.assert_allclose(frozen.rise, free.rise, atol=1e-6)


def test_what_nobody_determines_is_not_known() -> None:
    found = held_parameters(runs(), {"beta": 0.0})["beta"]
    assert (found.n_runs, np.isnan(found.value), np.isnan(found.rise)) == (0, True, True)
    with pytest.raises(InvalidInputError, match="no run determines 'beta'; free it"):
        held_profile(runs(), "beta")
    with pytest.raises(InvalidInputError, match="'beta' cannot be set free by itself in 'obs-1'"):
        freed_fit(fitted(make_run()), "beta")
    with pytest.raises(InvalidInputError, match="the background of 'obs-1' was not fitted"):
        freed_fit(make_run(), "tilt")


def test_a_norm_of_0_has_no_finite_cost() -> None:
    assert np.isnan(held_parameters(fitted(make_run()), {"norm": 0.0})["norm"].rise)


def test_only_piecewise_norms_have_nodes() -> None:
    assert fitted_nodes(fitted(make_run())) == ()
    assert fitted_nodes(make_run()) == ()
    nodes = fitted_nodes(FoVBackgroundMaker("fit", spectral_model="piecewise-norm").run(make_run()))
    assert len(nodes) == 3
    assert all(float(f"{node:.4g}") == node for node in nodes)
