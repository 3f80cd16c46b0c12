"""The public minimiser and the Cash statistic."""

import subprocess
import sys

import numpy as np
import pytest

from fovnb.errors import InvalidInputError, ModelError, PredictionError
from fovnb.modeling import Covariance, Fit, Parameter, Parameters
from fovnb.modeling.likelihood import cash
from fovnb.modeling.models import FoVBackgroundModel, Models, PowerLawNormSpectralModel


class Counting:
    """Counts in one bin with background 10 at norm 1, at 1 TeV."""

    def __init__(self, counts, model):
        self.counts, self.models = counts, Models(model)

    def stat_sum(self):
        norm = self.models[0].spectral_model.evaluate_tev(np.array([1.0]))
        return cash(np.array([float(self.counts)]), 10 * norm)


def dataset(counts=12, name="obs-1"):
    return Counting(counts, FoVBackgroundModel(name, PowerLawNormSpectralModel()))


def test_one_bin_by_hand():
    one = dataset()
    result = Fit(optimize_opts={"tol": 1e-3}).run([one])
    norm = one.models[0].spectral_model.norm
    assert result.success
    assert norm.value == pytest.approx(1.2, rel=1e-4)
    assert norm.error == pytest.approx(np.sqrt(12) / 10, rel=1e-3)
    assert result.total_stat == pytest.approx(2 * (12 - 12 * np.log(12)), rel=1e-9)
    assert result.parameters["norm"].error == norm.error
    assert result.covariance_result.matrix[1, 1] == pytest.approx(norm.error**2)
    assert result.models[0] is not one.models[0]


def test_a_single_dataset_needs_no_list():
    one = dataset()
    Fit().run(one)
    assert one.models[0].spectral_model.norm.value == pytest.approx(1.2, rel=0.01)


def test_a_linked_norm_is_fitted_to_the_sum_of_two_runs():
    one, two = dataset(12), dataset(20, "obs-2")
    two.models[0].spectral_model.norm = one.models[0].spectral_model.norm
    result = Fit(optimize_opts={"tol": 1e-3}).run([one, two])
    assert one.models[0].spectral_model.norm.value == pytest.approx(1.6, rel=1e-4)
    np.testing.assert_allclose(result.covariance_result.matrix[np.ix_([1, 4], [1, 4])], 32 / 400, rtol=1e-3)


def test_limits_hold():
    one = dataset()
    one.models[0].spectral_model.norm.max = 1.1
    Fit().run(one)
    assert one.models[0].spectral_model.norm.value <= 1.1


def test_negative_predictions_on_the_way_are_stepped_back_from():
    one = dataset(1)
    one.models[0].spectral_model.norm.value = 30
    assert Fit(optimize_opts={"tol": 1e-3}).run(one).success
    assert one.models[0].spectral_model.norm.value == pytest.approx(0.1, rel=1e-3)


def test_covariance_alone_leaves_the_values():
    one = dataset()
    one.models[0].spectral_model.norm.value = 1.2
    result = Fit().covariance(one)
    assert result.success
    assert one.models[0].spectral_model.norm.value == 1.2
    assert one.models[0].spectral_model.norm.error == pytest.approx(np.sqrt(12) / 10, rel=1e-3)


def test_options_reach_minuit_and_the_trace_is_kept():
    fit = Fit(optimize_opts={"tol": 1e-4, "strategy": 2, "print_level": 0}, store_trace=True)
    result = fit.optimize([dataset()])
    assert (result.minuit.tol, result.minuit.strategy.strategy) == (1e-4, 2)
    assert len(result.trace) > 3
    assert result.trace.colnames == ["total_stat", "obs-1-bkg.spectral.norm"]
    assert len(Fit().optimize([dataset()]).trace) == 0


def test_the_caller_keeps_its_options():
    options = {"tol": 1e-3}
    Fit(optimize_opts=options).run(dataset())
    assert options == {"tol": 1e-3}


def test_bad_input():
    with pytest.raises(InvalidInputError, match="'minuit' is the only one"):
        Fit(backend="sherpa")
    with pytest.raises(InvalidInputError, match="did you mean 'tol'"):
        Fit(optimize_opts={"tool": 1})
    frozen = dataset()
    frozen.models.freeze()
    with pytest.raises(ModelError, match="frozen = False"):
        Fit().run(frozen)
    with pytest.raises(ModelError, match="no dataset has a model"):
        Fit().run([])
    with pytest.raises(InvalidInputError, match="NoneType is no dataset"):
        Fit().run(None)
    for model in (PowerLawNormSpectralModel(), "pl-norm"):
        with pytest.raises(ModelError, match="is no model of a dataset"):
            Models(model)


def test_text():
    result = Fit().run(dataset())
    assert repr(result).startswith("FitResult(success=True, total_stat=-35.6")
    assert "terminated successfully" in str(result)
    assert "<table>" in result._repr_html_()


def test_cash_by_hand():
    assert cash(np.array([0.0, 3.0]), np.array([0.0, 2.0])) == pytest.approx(2 * (2 - 3 * np.log(2)))


@pytest.mark.parametrize("npred", [[-1.0, 1], [np.nan, 1], [0.0, 1], [np.inf, 1]])
def test_cash_refuses_what_cannot_be(npred):
    with pytest.raises(PredictionError, match="1 of 2 bins"):
        cash(np.array([1.0, 1.0]), np.array(npred))


def test_importing_is_light():
    heavy = "{'matplotlib', 'scipy', 'yaml', 'iminuit', 'ipywidgets', 'tqdm'}"
    code = f"import sys, fovnb.modeling.background_fit; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_does_not_vary_correlates_with_nothing():
    parameters = Parameters([Parameter("norm", 1), Parameter("tilt", 0), Parameter("reference", 1, frozen=True)])
    matrix = [[4.0, 1, 0], [1, 1, 0], [0, 0, 0]]
    np.testing.assert_array_equal(Covariance(parameters, matrix).correlation, [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 0]])
    matrix[1][1] = np.inf
    np.testing.assert_array_equal(Covariance(parameters, matrix).correlation, np.diag([1, 0, 0]))
