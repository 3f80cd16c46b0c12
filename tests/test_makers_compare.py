"""Norm models side by side: AIC by hand, a recommendation with its reason, and nothing changed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fovnb.errors import InvalidInputError, ModelError
from fovnb.makers import FoVBackgroundMaker, NormComparison, compare_norm_models
from fovnb.maps import Map
from fovnb.modeling.background_fit import BackgroundFit
from fovnb.modeling.models import LogParabolaNormSpectralModel, PowerLawNormSpectralModel
from tests.datasets import make_geom, make_run
from tests.norms import power_law

GEOM = make_geom(nbin=6)


def run_with(norm, name="obs-1", seed=1):
    """Return a run whose counts follow the norm model."""
    run = make_run(name=name, geom=GEOM, seed=seed)
    expected = norm(GEOM.axes["energy"].center).value[:, None, None] * run.background.data
    run.counts.data[...] = np.random.default_rng(seed).poisson(expected)
    return run


def record(deviance, rank, status="ok", bins=6):
    return BackgroundFit("obs-1", "fit", status, "", deviance=deviance, rank=rank, dof=bins - rank)


def advice(*records):
    models = tuple("abc"[: len(records)])
    return NormComparison(models, {"obs-1": records}).recommendation["obs-1"]


def test_table_by_hand():
    comparison = NormComparison(("a", "b"), {"obs-1": (record(9.0, 1), record(3.0, 2))})
    assert_allclose(comparison.aic, [[11, 7]])
    table = comparison.table
    assert table.colnames == ["run", "model", "status", "deviance", "dof", "AIC", "delta_AIC", "p"]
    assert table["delta_AIC"].tolist() == [4, 0]
    assert table["dof"].tolist() == [5, 4]
    assert table["run"].tolist() == ["obs-1", "obs-1"]


def test_the_lowest_aic_is_recommended_and_the_simplest_within_two():
    assert advice(record(9.0, 1), record(3.0, 2)) == "b: it has the lowest AIC; the next, a, is 4.0 above"
    assert advice(record(9.0, 1), record(5.5, 2)) == "a: it is simpler than b, whose AIC is only 1.5 lower"
    assert advice(record(9.0, 1), record(8.0, 2), record(2.0, 3)).startswith("c: it has the lowest AIC; the next, a")


def test_models_that_fail_are_not_recommended():
    failed = record(np.nan, 0, status="too-few-counts")
    assert advice(failed, record(3.0, 2)) == "b: it is the only model that fits"
    assert advice(failed, failed) == "none: no model fits; see the status of each"


def test_what_counts_follow_is_recommended():
    flat, bent = run_with(PowerLawNormSpectralModel(norm=1.2)), run_with(power_law(norm=0.8, tilt=0.5), "obs-2", seed=2)
    models = {"norm": "pl-norm", "tilt": power_law(), "nodes": "piecewise-norm"}
    comparison = compare_norm_models([flat, bent], models)
    assert comparison.recommendation["obs-1"].startswith("norm:")
    assert comparison.recommendation["obs-2"].startswith("tilt:")
    assert comparison.recommendation["overall"].startswith("tilt:")
    assert "check the exclusion mask" not in repr(comparison)


def test_fits_are_those_of_the_maker():
    runs = [run_with(power_law(tilt=0.3)), run_with(power_law(tilt=0.3), "obs-2", seed=5)]
    exclusion = GEOM.region_mask([], inside=True)
    exclusion.data[:, 4:] = True
    models = [power_law(), LogParabolaNormSpectralModel()]
    comparison = compare_norm_models(runs, models, exclusion_mask=exclusion)
    assert comparison.models == ("pl-norm (tilt, norm)", "lp-norm (norm, alpha, beta)")
    for run in runs:
        for model, found in zip(models, comparison.fits[run.name], strict=True):
            maker = FoVBackgroundMaker(method="fit", spectral_model=model, exclusion_mask=exclusion)
            expected = maker.run(run).background_fit
            assert_array_equal(found.values, expected.values)
            assert found.deviance == expected.deviance
            assert found.counts.sum() < run.counts.data.sum()


def test_the_mask_of_the_last_fit_is_the_default():
    run = run_with(power_law(tilt=0.3))
    exclusion = Map.from_geom(GEOM, data=np.arange(20)[None, :, None] > np.zeros(GEOM.data_shape) + 8)
    done = FoVBackgroundMaker(exclusion_mask=exclusion).run(run)
    found = compare_norm_models(done, ["pl-norm"]).fits["obs-1"][0]
    assert_array_equal(found.counts, done.background_fit.counts)


def test_nothing_is_changed():
    run, model = run_with(power_law(tilt=0.3)), power_law()
    fitted = FoVBackgroundMaker(method="fit").run(run)
    before = fitted.background_fit, fitted.background_model.parameters.value.copy(), fitted.counts.data.copy()
    compare_norm_models(fitted, [model, "lp-norm"])
    assert fitted.background_fit is before[0]
    assert_array_equal(fitted.background_model.parameters.value, before[1])
    assert_array_equal(fitted.counts.data, before[2])
    assert model.parameters.value.tolist() == [0, 1, 1]


def test_no_adequate_model_is_said():
    run = run_with(PowerLawNormSpectralModel())
    run.counts.data[2] *= 2
    recommendation = compare_norm_models(run, ["pl-norm", power_law()]).recommendation
    for sentence in recommendation.values():
        assert "none describes the counts" in sentence
        assert "exclusion mask" in sentence


def test_a_run_that_cannot_be_fitted_is_a_row():
    bad = run_with(PowerLawNormSpectralModel(), "obs-2").replace(counts=None)
    comparison = compare_norm_models([run_with(PowerLawNormSpectralModel()), bad], ["pl-norm", "lp-norm"])
    assert comparison.table["status"].tolist() == ["ok", "ok", "unreadable", "unreadable"]
    assert comparison.recommendation["obs-2"].startswith("none")
    assert "of 1 of 2 runs" in comparison.recommendation["overall"]
    alone = compare_norm_models(bad, ["pl-norm"])
    assert alone.recommendation["overall"].startswith("no run")
    assert np.isnan(alone.table["AIC"]).all()


def test_nodes_with_too_few_counts_are_a_row():
    run = run_with(PowerLawNormSpectralModel())
    run.counts.data[...] = 0
    run.counts.data[0, 0, 0] = 9
    comparison = compare_norm_models(run, ["pl-norm", "piecewise-norm"])
    assert comparison.table["status"].tolist() == ["ok", "too-few-counts"]
    assert "not enough" in comparison.fits["obs-1"][1].reason


def test_representations_hold_table_and_advice():
    comparison = compare_norm_models(run_with(power_law(tilt=0.3)), {"<b>": "pl-norm", "tilt": power_law()})
    assert "overall" in repr(comparison)
    html = comparison._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "delta_AIC" in html


def test_equal_names_are_numbered():
    comparison = compare_norm_models(run_with(power_law()), ["pl-norm", power_law(), power_law(tilt=0.1)])
    assert comparison.models == ("pl-norm", "pl-norm (tilt, norm)", "pl-norm (tilt, norm) #3")


def test_what_cannot_be_compared_is_refused():
    run = run_with(power_law())
    frozen = power_law()
    frozen.freeze()
    with pytest.raises(InvalidInputError, match="no models"):
        compare_norm_models(run, [])
    with pytest.raises(InvalidInputError, match="no datasets"):
        compare_norm_models([], ["pl-norm"])
    with pytest.raises(InvalidInputError, match="list"):
        compare_norm_models(run, "pl-norm")
    with pytest.raises(ModelError, match="pl-nrom"):
        compare_norm_models(run, ["pl-nrom"])
    with pytest.raises(ModelError, match="free"):
        compare_norm_models(run, [frozen])
    with pytest.raises(InvalidInputError, match="MapDataset"):
        compare_norm_models([3], ["pl-norm"])
