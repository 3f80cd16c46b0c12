"""Runs fitted together: shared norms and tilts are those of one likelihood for the whole group."""

import numpy as np
import pytest
from astropy import units as u
from iminuit import Minuit
from numpy.testing import assert_allclose, assert_array_equal

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, InvalidInputError, ModelError
from fovnb.makers import FoVBackgroundMaker, background_sums, fit_together, group_runs
from fovnb.maps import Map
from fovnb.modeling.background_fit import fit_background
from fovnb.modeling.models import (
    FoVBackgroundModel,
    GaussianPrior,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
)
from fovnb.modeling.sums import BackgroundSums
from tests.datasets import make_geom, make_run
from tests.norms import power_law

NORMS = {"obs-1": 0.8, "obs-2": 1.1, "obs-3": 1.4}


def make_runs(scale=1.0, **kwargs):
    """Return three runs with norms of their own and one tilt."""
    runs = []
    for seed, (name, norm) in enumerate(NORMS.items()):
        run = make_run(name=name, seed=seed, **kwargs)
        energy = run.geom.axes["energy"].center.value[:, None, None]
        mean = scale * norm * energy**-0.3 * run.background.data
        run.background.data *= scale
        run.counts.data[...] = np.random.default_rng(seed).poisson(mean)
        runs.append(run)
    return runs


def together(runs, **kwargs):
    return fit_together(runs, **{"group_by": lambda _: "one", "spectral_model": power_law()} | kwargs)


def parameter(dataset, name):
    return dataset.background_model.spectral_model.parameters[name]


def brute_force(sums, prior=lambda _: 0.0):
    """Return values and covariance of (tilt, norm of each run) from Minuit, over all runs at once."""

    def total(parameters):
        tilt, norms = parameters[0], parameters[1:]
        value = prior(parameters)
        for one, norm in zip(sums, norms, strict=True):
            mean = norm * one.energy**-tilt * one.background
            value += 2 * np.sum(mean - one.counts * np.log(mean))
        return value

    minuit = Minuit(total, [0.0] + [1.0] * len(sums))
    minuit.errordef, minuit.tol, minuit.strategy = 1, 1e-8, 2
    minuit.migrad()
    minuit.hesse()
    return np.array(minuit.values), np.array(minuit.covariance)


def test_one_run_in_its_group_is_its_own_fit():
    runs = make_runs()
    fitted = together(runs, group_by=lambda run: run.name)
    for run, done in zip(runs, fitted, strict=True):
        alone = FoVBackgroundMaker(method="fit", spectral_model=power_law()).run(run).background_fit
        found = done.background_fit
        assert found.group == run.name
        for name in ("values", "errors", "covariance", "predicted"):
            assert_allclose(getattr(found, name), getattr(alone, name), rtol=1e-9, atol=1e-12)
        assert found.status == alone.status
        for name in ("deviance", "dof", "rank", "total_stat", "p_value", "norm_pivot", "energy_pivot"):
            assert getattr(found, name) == pytest.approx(getattr(alone, name), rel=1e-9), name


def test_runs_that_share_all_are_the_fit_of_their_sums():
    runs = make_runs()
    fitted = together(runs, shared="all")
    parts = [background_sums(run) for run in runs]
    sums = BackgroundSums(parts[0].energy, sum(p.counts for p in parts), sum(p.background for p in parts))
    model, record = fit_background(sums, FoVBackgroundModel("obs-1", power_law()))
    for done in fitted:
        assert_allclose(done.background_fit.values, record.values, rtol=1e-8, atol=1e-10)
        assert_allclose(done.background_fit.covariance, record.covariance, rtol=1e-7, atol=1e-14)
    assert sum(done.background_fit.predicted.sum() for done in fitted) == pytest.approx(sums.counts.sum())
    assert model.spectral_model.tilt.value == pytest.approx(0.3, abs=0.1)


def test_a_shared_tilt_is_that_of_the_joint_likelihood():
    runs = make_runs()
    fitted = together(runs)
    values, covariance = brute_force([background_sums(run) for run in runs])
    for i, done in enumerate(fitted, start=1):
        found = done.background_fit
        assert_allclose(found.values[:2], values[[0, i]], atol=1e-6)
        assert_allclose(found.covariance[:2, :2], covariance[np.ix_([0, i], [0, i])], rtol=1e-3)
        assert_allclose(found.errors[:2], np.sqrt(np.diag(covariance))[[0, i]], rtol=1e-3)
    assert abs(fitted[0].background_fit.values[0] - fit_alone(runs[0]).values[0]) > 1e-3


def fit_alone(run):
    return FoVBackgroundMaker(method="fit", spectral_model=power_law()).run(run).background_fit


def test_shared_parameters_are_one_object_and_the_arguments_stay():
    runs, model = make_runs(), PowerLawNormSpectralModel()
    fitted = together(runs, spectral_model=model)
    tilts, norms = ([parameter(done, name) for done in fitted] for name in ("tilt", "norm"))
    assert tilts[0] is tilts[1] is tilts[2]
    assert len({id(norm) for norm in norms}) == 3
    assert not tilts[0].frozen
    assert model.tilt.frozen
    assert model.tilt.value == 0
    assert all(run.models is None and run.background_fit is None for run in runs)
    assert len(fitted.models.parameters.free_unique_parameters) == 4


def test_a_frozen_parameter_that_is_not_shared_stays_frozen():
    fitted = together(make_runs(), spectral_model="pl-norm", shared=["norm"])
    assert [parameter(done, "tilt").value for done in fitted] == [0, 0, 0]
    assert len({parameter(done, "norm").value for done in fitted}) == 1


def test_pulls_of_short_runs_are_normal():
    rng, pulls = np.random.default_rng(4), []
    runs = make_runs(scale=0.1)
    energy = runs[0].geom.axes["energy"].center.value[:, None, None]
    for _ in range(60):
        for run, norm in zip(runs, NORMS.values(), strict=True):
            run.counts.data[...] = rng.poisson(norm * energy**-0.3 * run.background.data)
        fitted = together(runs)
        pulls += [(done.background_fit.values[0] - 0.3) / done.background_fit.errors[0] for done in fitted[:1]]
        pulls += [
            np.log(done.background_fit.values[1] / norm)
            / (done.background_fit.errors[1] / done.background_fit.values[1])
            for done, norm in zip(fitted, NORMS.values(), strict=True)
        ]
    assert abs(np.mean(pulls)) < 4 / np.sqrt(240)
    assert abs(np.std(pulls) - 1) < 4 / np.sqrt(480)


def test_a_run_too_poor_for_a_tilt_gets_it_from_its_group():
    runs = make_runs()
    runs[0].counts.data[1:] = 0
    runs[0].mask_safe.data[1:] = False
    assert fit_alone(runs[0]).status == "unconstrained"
    found = together(runs)[0].background_fit
    assert found.status == "ok"
    assert found.values[0] == pytest.approx(0.3, abs=0.1)
    expected = found.counts[0] / (found.background[0] * found.energy[0] ** -found.values[0])
    assert found.values[1] == pytest.approx(expected, rel=1e-6)


def test_a_run_without_counts_takes_part_when_all_is_shared():
    runs = make_runs()
    runs[0].counts.data[...] = 0
    fitted = together(runs, shared="all")
    assert [done.background_fit.status for done in fitted] == ["ok"] * 3
    assert fitted[0].background_fit.values[1] == fitted[1].background_fit.values[1]
    with pytest.warns(FovnbWarning, match="obs-1: too-few-counts"):
        fitted = together(runs)
    assert [done.background_fit.status for done in fitted] == ["too-few-counts", "ok", "ok"]
    assert not fitted[0].mask_safe.data.any()


def test_a_group_without_counts_fails_as_a_whole():
    runs = make_runs()
    for run in runs:
        run.counts.data[...] = 0
    with pytest.warns(FovnbWarning) as caught:
        fitted = together(runs, shared="all")
    assert len(caught) == 3
    assert {done.background_fit.status for done in fitted} == {"too-few-counts"}


def test_a_flawed_run_is_left_out_and_keeps_its_place():
    runs = make_runs()
    runs[1] = runs[1].replace(counts=None)
    with pytest.warns(FovnbWarning, match="obs-2: unreadable"):
        fitted = together(runs)
    assert fitted.names == ["obs-1", "obs-2", "obs-3"]
    assert [done.background_fit.group for done in fitted] == ["one"] * 3
    pair = together([runs[0], runs[2]])
    assert_array_equal(fitted["obs-3"].background_fit.values, pair["obs-3"].background_fit.values)


def test_a_prior_on_a_shared_tilt_counts_once():
    runs, model = make_runs(), power_law()
    model.tilt.prior = GaussianPrior(mu=0, sigma=0.02)
    fitted = together(runs, spectral_model=model)
    sums = [background_sums(run) for run in runs]
    values, covariance = brute_force(sums, lambda parameters: (parameters[0] / 0.02) ** 2)
    without, _ = brute_force(sums)
    for i, done in enumerate(fitted, start=1):
        found = done.background_fit
        assert_allclose(found.values[:2], values[[0, i]], atol=1e-6)
        assert_allclose(found.errors[:2], np.sqrt(np.diag(covariance))[[0, i]], rtol=1e-3)
        assert found.prior_free["tilt"][0] == pytest.approx(without[0], abs=1e-6)
        assert found.prior_pulls["tilt"] == pytest.approx(values[0] / 0.02, abs=1e-3)


def test_intervals_and_toys_of_a_short_run_know_the_group():
    """Below 200 counts intervals are profiles: with a tilt that the group knows they are narrower than alone."""
    runs = make_runs(scale=0.04)
    runs[1], runs[2] = make_runs(scale=2)[1:]
    found, alone = together(runs)[0].background_fit, fit_alone(runs[0])
    assert found.counts.sum() < 200
    for name, error in (("tilt", found.errors[0]), ("norm", found.errors[1])):
        low, high = found.intervals[name]
        assert high - low == pytest.approx(2 * error, rel=0.05)
        assert high - low < 0.99 * (alone.intervals[name][1] - alone.intervals[name][0])
    assert found.dof == alone.dof + 1
    assert 0 < found.p_value <= 1


def test_nodes_by_name_come_from_the_whole_group():
    runs = make_runs(scale=0.06, geom=make_geom(nbin=6))
    fitted = together(runs, spectral_model="piecewise-norm", shared="all")
    nodes = [done.background_model.spectral_model.energy.value for done in fitted]
    assert len(nodes[0]) >= 2
    assert_array_equal(nodes[0], nodes[1])
    with pytest.raises(ModelError):
        PiecewiseNormSpectralModel.from_dataset(runs[0])
    with pytest.warns(FovnbWarning, match="too-few-counts"):
        together(runs[:1], spectral_model="piecewise-norm", shared="all")


def test_exclusion_mask_applies_to_every_run():
    runs = make_runs()
    mask = Map.from_geom(runs[0].geom, data=np.ones(runs[0].data_shape, dtype=bool))
    mask.data[:, :10] = False
    fitted = together(runs, exclusion_mask=mask)
    for run, done in zip(runs, fitted, strict=True):
        assert_allclose(done.background_fit.counts, np.sum(run.counts.data, axis=(1, 2), where=mask.data))
        assert_array_equal(done.mask_exclusion.data, mask.data)


def dataset(i, **info):
    return MapDataset(name=f"obs-{i}", run_info=RunInfo(i, **info))


def names(groups):
    return {group: [run.name for run in runs] for group, runs in groups.items()}


def test_nights_last_from_local_noon_to_noon():
    # MJD 53343.5 is noon in Greenwich; at 90 deg east noon is 6 h earlier.
    starts = {1: 53343.4, 2: 53343.6, 3: 53344.1, 4: 53344.6}
    runs = [dataset(i, start_mjd=start) for i, start in starts.items()]
    found = names(group_runs(runs, "night"))
    assert found == {
        "night 2004-12-03": ["obs-1"],
        "night 2004-12-04": ["obs-2", "obs-3"],
        "night 2004-12-05": ["obs-4"],
    }
    east = [dataset(i, start_mjd=start, geolon_deg=90.0) for i, start in starts.items()]
    assert names(group_runs(east, "night")) == {
        "night 2004-12-04": ["obs-1", "obs-2", "obs-3"],
        "night 2004-12-05": ["obs-4"],
    }


def test_pointings_within_a_tenth_of_a_degree_are_one():
    pointings = [(83.63, 22.51), (83.63, 21.51), (83.68, 22.51), (359.98, 89.99), (179.9, 89.99)]
    runs = [dataset(i, ra_deg=ra, dec_deg=dec) for i, (ra, dec) in enumerate(pointings)]
    assert list(names(group_runs(runs, "pointing")).values()) == [["obs-0", "obs-2"], ["obs-1"], ["obs-3", "obs-4"]]


def test_zenith_bands_are_closed_below():
    runs = [dataset(i, zenith_deg=zenith) for i, zenith in enumerate([0, 19.9, 20, 47, 59])]
    bands = names(group_runs(runs, "zenith", [0, 20, 60]))
    assert bands == {"zenith 0 - 20 deg": ["obs-0", "obs-1"], "zenith 20 - 60 deg": ["obs-2", "obs-3", "obs-4"]}
    with pytest.raises(InvalidInputError, match=r"59\.0 deg"):
        group_runs(runs, "zenith", [0, 50])


def test_groups_may_be_given_by_name_number_or_function():
    runs = [dataset(i) for i in (1, 2, 3)]
    expected = {"a": ["obs-1", "obs-3"], "b": ["obs-2"]}
    assert names(group_runs(runs, {"obs-1": "a", "obs-2": "b", "obs-3": "a"})) == expected
    assert names(group_runs(runs, {1: "a", 2: "b", 3: "a"})) == expected
    assert names(group_runs(runs, lambda run: "b" if run.name == "obs-2" else "a")) == expected


@pytest.mark.parametrize(
    ("group_by", "match"),
    [
        ("nigth", "did you mean 'night'"),
        (3, "mapping"),
        ("night", "when it started"),
        ("zenith", "zenith angle"),
        ("pointing", "no pointing"),
        ({"obs-2": "a"}, "did you mean 'obs-2'"),
    ],
)
def test_groups_that_cannot_be_made_are_refused(group_by, match):
    with pytest.raises(InvalidInputError, match=match):
        group_runs([dataset(1)], group_by)


def test_what_cannot_be_fitted_together_is_refused():
    runs = make_runs()
    with pytest.raises(InvalidInputError, match="no datasets"):
        fit_together([])
    with pytest.raises(InvalidInputError, match="MapDataset"):
        fit_together([3])
    with pytest.raises(ModelError, match="did you mean 'tilt'"):
        together(runs, shared=["titl"])
    with pytest.raises(ModelError, match="pl-nrom"):
        together(runs, spectral_model="pl-nrom")
    frozen = PowerLawNormSpectralModel()
    frozen.freeze()
    with pytest.raises(ModelError, match="needs a free parameter"):
        together(runs, spectral_model=frozen, shared="all")
    curved = PiecewiseNormSpectralModel([1, 10] * u.TeV, interp="lin")
    with pytest.raises(ModelError, match="linear"):
        together(runs, spectral_model=curved, shared="all")


def test_it_stops_between_two_groups_when_the_check_raises():
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        together(make_runs(), group_by=lambda run: run.name, check=check)
    assert len(calls) == 2
    calls[:] = [0] * 5
    assert len(together(make_runs(), group_by=lambda run: run.name, check=check)) == 3
    assert len(calls) == 8
