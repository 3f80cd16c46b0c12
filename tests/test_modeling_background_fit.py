"""The norm's fit: worked by hand, identities, slow obvious versions, and what happens at the edges."""

import numpy as np
import pytest
from astropy import units as u
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from fovnb.errors import InvalidInputError, ModelError
from fovnb.modeling import Fit
from fovnb.modeling.background_fit import BackgroundSums, check_method, fit_background, scale_background
from fovnb.modeling.models import (
    ExpCutoffPowerLawNormSpectralModel,
    LogParabolaNormSpectralModel,
    Models,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)
from tests.norms import BACKGROUND, CENTERS, COUNTS, EDGES, SUMS, at_centers, at_edges, bkg, power_law


def statistic(counts, predicted):
    """-2 ln L, the obvious way."""
    return 2 * sum(p - n * np.log(p) if n else p for n, p in zip(counts, predicted, strict=True))


MODELS = {
    "norm": PowerLawNormSpectralModel,
    "power law": power_law,
    "centres": at_centers,
    "edges": at_edges,
    # Its default reference, 10 TeV, correlates norm and slopes so strongly that HESSE is 2 % off the true errors.
    "log parabola": lambda: LogParabolaNormSpectralModel(reference="1 TeV"),
    "cutoff": ExpCutoffPowerLawNormSpectralModel,
    "template": lambda: TemplateNormSpectralModel(EDGES * u.TeV, EDGES**0.3),
}


def free_cutoff():
    spectral = ExpCutoffPowerLawNormSpectralModel(alpha=1.3, lambda_="0.02 TeV-1")
    spectral.index.frozen = True
    return spectral


NOT_LINEAR = {
    "linear": lambda: at_centers(interp="lin"),
    "cutoff": free_cutoff,
    "product": lambda: (
        PiecewiseNormSpectralModel([0.6, 2, 7] * u.TeV, interp="lin") * PowerLawNormSpectralModel(tilt=0.3)
    ),
    "bad start": lambda: PiecewiseNormSpectralModel(CENTERS * u.TeV, norms=[-1, 0, 1e3, 1, 1e-6], interp="lin"),
}


class TestByHand:
    def test_norm_only_is_counts_over_background(self):
        model, record = fit_background(SUMS, bkg(PowerLawNormSpectralModel()))
        norm = COUNTS.sum() / BACKGROUND.sum()
        assert model.spectral_model.norm.value == pytest.approx(norm, rel=1e-12)
        assert model.spectral_model.norm.error == pytest.approx(np.sqrt(COUNTS.sum()) / BACKGROUND.sum(), rel=1e-9)
        assert record.status == "ok"
        assert record.success
        assert record.enters_stack

    def test_norm_with_a_fixed_tilt_is_counts_over_tilted_background(self):
        model, _ = fit_background(SUMS, bkg(PowerLawNormSpectralModel(tilt=0.4, reference="2 TeV")))
        tilted = np.sum(BACKGROUND * (CENTERS / 2) ** -0.4)
        assert model.spectral_model.norm.value == pytest.approx(COUNTS.sum() / tilted, rel=1e-12)

    def test_nodes_at_centres_are_ratios_of_their_bins(self):
        _, record = fit_background(SUMS, bkg(at_centers()))
        np.testing.assert_allclose(record.values, COUNTS / BACKGROUND, rtol=1e-9)
        np.testing.assert_allclose(record.errors, np.sqrt(COUNTS) / BACKGROUND, rtol=1e-8)
        np.testing.assert_allclose(record.predicted, COUNTS, rtol=1e-9)
        assert record.status == "ok"

    def test_two_bins_fix_norm_and_tilt(self):
        sums = BackgroundSums(energy=[1.0, np.e], counts=[20, 20 * np.exp(-0.3)], background=[10.0, 10.0])
        _, record = fit_background(sums, bkg(power_law()))
        np.testing.assert_allclose(record.values, [0.3, 2, 1], rtol=1e-9)

    def test_covariance_of_norm_and_tilt_is_the_inverse_information(self):
        model, record = fit_background(SUMS, bkg(power_law()))
        design = np.stack([-np.log(CENTERS), np.ones(5)])
        expected = np.linalg.inv(design * record.predicted @ design.T)
        norm = model.spectral_model.norm.value
        np.testing.assert_allclose(record.covariance[:2, :2], expected * [[1, norm], [norm, norm**2]], rtol=1e-9)
        np.testing.assert_allclose(model.covariance.data, record.covariance, rtol=1e-14)

    def test_scale_is_excess_over_background_at_norm_1(self):
        sums = BackgroundSums(CENTERS, COUNTS, BACKGROUND, source=[0, 0, 10, 5, 0])
        model, record = scale_background(sums, bkg(PowerLawNormSpectralModel(tilt=0.2, norm=7)))
        tilted = np.sum(BACKGROUND * CENTERS**-0.2)
        assert model.spectral_model.norm.value == pytest.approx((COUNTS.sum() - 15) / tilted, rel=1e-12)
        assert model.spectral_model.norm.error == pytest.approx(np.sqrt(COUNTS.sum()) / tilted, rel=1e-12)
        assert (record.status, record.free_names, record.enters_stack) == ("scaled", ("norm",), True)

    def test_scale_twice_is_scale_once(self):
        once, _ = scale_background(SUMS, bkg(PowerLawNormSpectralModel(norm=3)))
        twice, _ = scale_background(SUMS, once)
        assert twice.spectral_model.norm.value == once.spectral_model.norm.value


class TestAgainstSlowVersions:
    @pytest.mark.parametrize("name", MODELS)
    def test_no_other_minimiser_finds_less(self, name):
        model, record = fit_background(SUMS, bkg(MODELS[name]()))
        spectral = model.spectral_model.copy()
        free = spectral.parameters.free_parameters

        def function(values):
            free.value = values
            predicted = spectral.evaluate_tev(CENTERS) * BACKGROUND
            return statistic(COUNTS, predicted) if np.all(predicted > 0) else 1e9

        best = free.value
        assert function(best) == pytest.approx(record.total_stat, rel=1e-13)
        options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}
        for start in (best, best * 1.1 + 0.01):
            found = minimize(function, start, method="Nelder-Mead", options=options)
            assert record.total_stat <= found.fun + 1e-8

    @pytest.mark.parametrize("name", [name for name in MODELS if name != "edges"])
    def test_covariance_is_the_inverse_of_numerical_second_derivatives(self, name):
        model, record = fit_background(SUMS, bkg(MODELS[name]()))
        spectral = model.spectral_model.copy()
        free = spectral.parameters.free_parameters
        best, steps = free.value, 3e-3 * np.array([par.error for par in free])

        def function(shift):
            free.value = best + shift * steps
            return statistic(COUNTS, spectral.evaluate_tev(CENTERS) * BACKGROUND)

        unit = np.eye(len(best))
        hessian = [
            [sum(s * t * function(s * a + t * b) for s in (1, -1) for t in (1, -1)) / 4 for a in unit] for b in unit
        ]
        expected = np.linalg.inv(np.array(hessian) / 2) * np.outer(steps, steps)
        index = [model.parameters.index(name) for name in free.names]
        actual = record.covariance[np.ix_(index, index)]
        errors = np.sqrt(np.diag(expected))
        np.testing.assert_allclose(actual / np.outer(errors, errors), expected / np.outer(errors, errors), atol=2e-3)

    @pytest.mark.parametrize("name", MODELS)
    def test_minuit_on_the_same_sums_agrees(self, name):
        _, newton = fit_background(SUMS, bkg(MODELS[name]()))
        model, minuit = fit_background(SUMS, bkg(MODELS[name]()), Fit(optimize_opts={"tol": 1e-3}))
        free = newton.errors > 0
        assert np.all(np.abs(minuit.values - newton.values)[free] < 0.002 * newton.errors[free])
        np.testing.assert_allclose(minuit.errors, newton.errors, rtol=0.01)
        assert minuit.status == newton.status
        assert minuit.unconstrained == newton.unconstrained
        np.testing.assert_array_equal(model.parameters.value, minuit.values)

    def test_sums_are_exactly_the_sum_over_pixels(self):
        rng = np.random.default_rng(1)
        pixels = rng.gamma(2, 0.3, size=(3, 7, 8))
        counts = rng.poisson(pixels)
        energy = np.array([1.0, 2.0, 4.0])
        sums = BackgroundSums(energy, counts.sum((1, 2)), pixels.sum((1, 2)))
        cube = BackgroundSums(np.repeat(energy, 56), counts.ravel(), pixels.ravel())
        _, reduced = fit_background(sums, bkg(power_law()))
        _, full = fit_background(cube, bkg(power_law()))
        np.testing.assert_allclose(reduced.values, full.values, rtol=1e-9)
        np.testing.assert_allclose(reduced.errors, full.errors, rtol=1e-9)

        def difference(norm, tilt):
            n = norm * energy**-tilt
            whole = statistic(counts.ravel(), (n[:, None, None] * pixels).ravel())
            return whole - statistic(sums.counts, n * sums.background)

        assert difference(1.3, 0.2) == pytest.approx(difference(0.4, -1.0), rel=1e-12)

    def test_a_source_changes_the_maximum_as_brute_force_says(self):
        source = np.array([100.0, 80.0, 50.0, 20.0, 6.0])
        sums = BackgroundSums(CENTERS, COUNTS, BACKGROUND, source=source)
        _, record = fit_background(sums, bkg(power_law()))

        def function(values):
            return statistic(COUNTS, values[1] * CENTERS ** -values[0] * BACKGROUND + source)

        found = minimize(function, [0, 1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11})
        np.testing.assert_allclose(record.values[:2], found.x, atol=2e-5)
        assert record.total_stat <= found.fun + 1e-9
        # Control: without the source the answer is another one.
        _, without = fit_background(SUMS, bkg(power_law()))
        assert abs(without.values[1] - record.values[1]) > 3 * record.errors[1]

    @pytest.mark.parametrize("livetimes", [0.05, 1, 20])
    @pytest.mark.parametrize("fit", [None, Fit()])
    @pytest.mark.parametrize("name", NOT_LINEAR)
    def test_norms_that_are_not_linear_converge_too(self, name, fit, livetimes):
        counts = np.round(livetimes * COUNTS)
        model, record = fit_background(
            BackgroundSums(CENTERS, counts, livetimes * BACKGROUND), bkg(NOT_LINEAR[name]()), fit
        )
        assert record.status in {"ok", "at-limit", "unconstrained"}
        spectral = model.spectral_model.copy()
        free = spectral.parameters.free_parameters
        best, size = free.value, np.where(np.isfinite(record.errors), record.errors, 0)[record.errors != 0]
        rng = np.random.default_rng(1)
        for width in (0.03, 0.3):
            for _ in range(20):
                trial = best + width * size * rng.normal(size=len(best))
                free.value = np.where(np.char.startswith(free.names, "norm"), np.maximum(trial, 1e-3), trial)
                with np.errstate(invalid="ignore"):  # a negative cutoff has no norm
                    predicted = spectral.evaluate_tev(CENTERS) * livetimes * BACKGROUND
                assert not statistic(counts, predicted) < record.total_stat - (0.02 if fit else 1e-4)

    def test_nonlinear_parameters_go_to_minuit(self):
        spectral = at_centers(interp="lin")
        _, record = fit_background(SUMS, bkg(spectral))
        np.testing.assert_allclose(record.values, COUNTS / BACKGROUND, rtol=1e-4)
        cutoff = ExpCutoffPowerLawNormSpectralModel(index=0, alpha=1.3)
        cutoff.index.frozen = True
        _, record = fit_background(SUMS, bkg(cutoff))
        assert record.status == "ok"


class TestFailures:
    def test_no_background(self):
        sums = BackgroundSums(CENTERS, COUNTS, np.zeros(5))
        for run in (fit_background, scale_background):
            model, record = run(sums, bkg(power_law()))
            assert (record.status, record.success, record.enters_stack) == ("no-background", False, False)
            assert "1975 counts" in record.reason
            assert model.parameters.value.tolist() == [0, 1, 1]

    def test_no_counts(self):
        for run in (fit_background, scale_background):
            _, record = run(BackgroundSums(CENTERS, np.zeros(5), BACKGROUND), bkg(power_law()))
            assert record.status == "too-few-counts"
            np.testing.assert_allclose(record.predicted, BACKGROUND)

    def test_scale_with_more_source_than_counts(self):
        _, record = scale_background(BackgroundSums([1.0], [3], [5.0], source=[4.0]), bkg(power_law()))
        assert record.status == "too-few-counts"
        assert "-1" in record.reason

    def test_minuit_that_gives_up(self):
        fit = Fit(optimize_opts={"migrad_opts": {"ncall": 1}, "strategy": 0, "tol": 1e-12})
        model, record = fit_background(SUMS, bkg(LogParabolaNormSpectralModel()), fit)
        assert (record.status, record.enters_stack) == ("not-converged", False)
        assert "call limit" in record.reason
        assert model.parameters.value.tolist() == [1, 10, 0, 0]

    def test_scale_needs_a_single_norm(self):
        with pytest.raises(ModelError, match=r"norm_0.*use method 'fit'"):
            check_method(at_centers(), "scale")
        check_method(TemplateNormSpectralModel([1, 2] * u.TeV, [1, 2]), "scale")

    def test_fit_needs_a_free_parameter(self):
        spectral = power_law()
        spectral.freeze()
        with pytest.raises(ModelError, match="all frozen"):
            fit_background(SUMS, bkg(spectral))

    def test_a_frozen_norm_must_be_positive(self):
        spectral = power_law(norm=-1)
        spectral.norm.frozen = True
        with pytest.raises(ModelError, match="frozen at -1"):
            fit_background(SUMS, bkg(spectral))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"counts": [1, -1]},
            {"background": [1, np.nan]},
            {"energy": [0, 1]},
            {"counts": [1]},
            {"source": [1, np.inf]},
        ],
    )
    def test_sums_that_cannot_be(self, wrong):
        right = {"energy": [1, 2], "counts": [1, 1], "background": [1, 1]}
        with pytest.raises(InvalidInputError, match="expected"):
            BackgroundSums(**(right | wrong))


class Parabola:
    """A dataset whose -2 ln L is (norm - 3)^2, and that knows its derivative."""

    def __init__(self):
        self.models = Models([bkg(PowerLawNormSpectralModel())])

    def stat_sum(self):
        return (self.models.parameters["norm"].value - 3) ** 2

    def stat_gradient(self, parameters):
        assert parameters.names == ["norm"]
        return np.array([2 * (parameters[0].value - 3)])


def test_minuit_uses_the_derivatives_that_a_dataset_knows():
    dataset = Parabola()
    result = Fit().run([dataset])
    assert result.success
    assert result.minuit.ngrad > 0
    norm = dataset.models.parameters["norm"]
    assert (norm.value, norm.error) == (pytest.approx(3, abs=1e-6), pytest.approx(1, rel=1e-4))


def test_arguments_stay_as_they_are():
    for run in (fit_background, scale_background):
        model = bkg(power_law(norm=1.5))
        before = (
            model.parameters.value.tolist(),
            [par.error for par in model.parameters],
            model.covariance.data.tolist(),
        )
        counts = COUNTS.copy()
        sums = BackgroundSums(CENTERS, counts, BACKGROUND)
        new, _ = run(sums, model)
        after = (
            model.parameters.value.tolist(),
            [par.error for par in model.parameters],
            model.covariance.data.tolist(),
        )
        assert before == after
        assert new.spectral_model.norm is not model.spectral_model.norm
        assert new.spectral_model.norm.value != 1.5
        np.testing.assert_array_equal(counts, COUNTS)


@pytest.mark.parametrize("start", [-3, 0, 0.01, 50])
def test_the_start_value_does_not_matter(start):
    _, reference = fit_background(SUMS, bkg(power_law()))
    _, record = fit_background(SUMS, bkg(power_law(norm=start, tilt=2)))
    np.testing.assert_array_equal(record.values, reference.values)


def test_a_linked_parameter_counts_once():
    spectral = at_centers()
    spectral.norm_1 = spectral.norm_0
    _, record = fit_background(SUMS, bkg(spectral))
    assert record.values[0] == record.values[1] == pytest.approx(1700 / 2050)
    assert record.covariance[0, 1] == record.covariance[0, 0] == pytest.approx(1700 / 2050**2)


def test_pulls_of_toys_are_standard_normal():
    rng = np.random.default_rng(7)
    truth = np.array([-0.1, 0.9])
    expected = truth[1] * CENTERS ** -truth[0] * BACKGROUND
    records = [
        fit_background(BackgroundSums(CENTERS, rng.poisson(expected), BACKGROUND), bkg(power_law()))[1]
        for _ in range(300)
    ]
    pulls = np.array([(r.values[:2] - truth) / r.errors[:2] for r in records])
    assert np.all(np.abs(pulls.mean(0)) < 4 / np.sqrt(300))
    assert np.all(np.abs(pulls.std(0) - 1) < 4 / np.sqrt(600))


def test_record_prints_itself():
    _, record = fit_background(SUMS, bkg(PowerLawNormSpectralModel()), name="<obs>")
    assert "norm          : 0.84294 ± 0.019" in repr(record)
    assert "&lt;obs&gt;" in record._repr_html_()
    assert "0x" not in repr(record)
    assert "unpredicted : 0" in repr(SUMS)


NUMBERS = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))


@st.composite
def random_sums(draw):
    size = draw(st.integers(1, 6))
    counts = draw(st.lists(st.integers(0, 10_000), min_size=size, max_size=size))
    background = draw(st.lists(NUMBERS, min_size=size, max_size=size))
    return BackgroundSums(np.geomspace(0.5, 20, size + 1)[:-1], counts, background)


@settings(max_examples=120, deadline=None)
@example(BackgroundSums(np.geomspace(0.5, 20, 3)[:-1], [0, 2], [0.0, 3737.0]), "edges")
@given(random_sums(), st.sampled_from(["norm", "power law", "centres", "edges", "log parabola", "cutoff"]))
def test_any_sums_give_a_record_at_the_maximum(sums, name):
    model, record = fit_background(sums, bkg(MODELS[name]()))
    assert record.status in {"ok", "at-limit", "unconstrained", "too-few-counts", "no-background"}
    assert np.all(np.isfinite(record.values))
    assert np.all(np.isfinite(record.covariance))
    assert np.all(np.isfinite(record.predicted))
    assert np.all(np.isfinite(record.errors)) or record.status in {"at-limit", "unconstrained"}
    if not record.success:
        return
    assert np.isfinite(record.total_stat)
    spectral = model.spectral_model
    rng = np.random.default_rng(0)
    used = sums.select_used()
    for _ in range(20):
        trial = spectral.copy()
        for par in trial.parameters.free_parameters:
            low, high = (1e-3, np.inf) if par.name.startswith("norm") else (-10, 10)
            size = par.error if np.isfinite(par.error) and par.error else 0.1
            par.value = np.clip(par.value + size * 10 ** rng.uniform(-4, 0) * rng.normal(), low, high)
        predicted = trial.evaluate_tev(used.energy) * used.background
        if np.all(predicted[used.counts > 0] > 0):
            other = statistic(used.counts, predicted)
            assert record.total_stat <= other + 1e-9 * (1 + abs(other))
