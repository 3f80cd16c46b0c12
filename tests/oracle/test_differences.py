"""Where we differ from Gammapy on purpose: both behaviours, live, and why."""

import warnings
from contextlib import nullcontext

import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from regions import CircleSkyRegion

from fovnb.errors import FovnbError, FovnbWarning
from tests.oracle.both import (
    OURS,
    PACKAGES,
    THEIRS,
    Setup,
    background_maker,
    base_dataset,
    piecewise,
    power_law,
    safe_dataset,
)

pytestmark = pytest.mark.usefixtures("hess_dl3_dr1")

SETUP = Setup(binsz=0.05, energy=("1 TeV", "20 TeV", 4), energy_true=("0.5 TeV", "40 TeV", 10))
# the safe mask of this run starts at 0.87 TeV: the first two bins are masked everywhere
LOW = Setup(binsz=0.05, energy=("0.3 TeV", "10 TeV", 5), energy_true=("0.2 TeV", "20 TeV", 10))


def fresh(pkg, setup=SETUP):
    return safe_dataset(pkg.root, setup).copy(name="run")


def at_edges(pkg, setup):
    """Return the documented piecewise recipe: one node more than there are bins, norms with the unit of the edges."""
    low, high, nbin = setup.energy
    edges = pkg.MapAxis.from_energy_bounds(low, high, nbin=nbin).edges
    return pkg.PiecewiseNormSpectralModel(energy=edges, norms=np.ones_like(edges))


def run(pkg, model, setup=SETUP, **kwargs):
    return background_maker(pkg, setup, model, **{"fit": None, **kwargs}).run(fresh(pkg, setup))


def failed_run(pkg):
    """Return a run that has too few counts."""
    with pytest.warns(FovnbWarning, match="too-few-counts") if pkg is OURS else nullcontext():
        return run(pkg, power_law(pkg), min_counts=1e6)


def test_arguments_are_never_changed():
    """Gammapy multiplies the caller's `mask_fit` in place: used for a second dataset it is another mask."""
    changed = {}
    for root, pkg in PACKAGES.items():
        dataset = fresh(pkg)
        dataset.mask_fit = dataset.counts.geom.energy_mask(energy_min=1 * u.TeV)
        before = dataset.mask_fit.data.copy()
        result = background_maker(pkg, SETUP, power_law(pkg)).run(dataset)
        changed[root] = (dataset.mask_fit.data != before).any(), result is dataset
    assert changed == {"fovnb": (False, False), "gammapy": (True, True)}


def test_small_exclusion_mask():
    """Gammapy reads pixels that a mask does not cover as excluded, and says nothing: a norm from 15 % of the field."""

    def small(pkg):
        geom = pkg.WcsGeom.create(skydir=SETUP.skydir, width=1.5, binsz=0.05)
        return geom.region_mask([CircleSkyRegion(geom.center_skydir, 0.3 * u.deg)], inside=False)

    def whole(pkg):
        geom = fresh(pkg).counts.geom.to_image()
        return geom.region_mask([CircleSkyRegion(geom.center_skydir, 0.3 * u.deg)], inside=False)

    norms = {}
    for root, pkg in PACKAGES.items():
        for mask in (small, whole):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                fitted = run(pkg, power_law(pkg), exclusion_mask=mask(pkg))
            norms[root, mask.__name__] = fitted.models[0].spectral_model.norm
            warned = [str(warning.message) for warning in caught if issubclass(warning.category, FovnbWarning)]
            assert bool(warned) == (root == "fovnb" and mask is small)
            assert all("%" in message for message in warned)
    assert_allclose(norms["fovnb", "small"].value, norms["fovnb", "whole"].value, atol=1e-3)
    assert norms["gammapy", "small"].error > 1.5 * norms["gammapy", "whole"].error


def test_scale_is_idempotent():
    """Gammapy's `scale` divides by the prediction at the present norm, and sets that as the norm: n, 1, n, 1."""
    norms = {}
    for root, pkg in PACKAGES.items():
        maker = background_maker(pkg, SETUP, pkg.PowerLawNormSpectralModel(), method="scale")
        dataset = maker.run(fresh(pkg))
        norms[root] = [dataset.models[0].spectral_model.norm.value]
        for _ in range(3):
            dataset = maker.run(dataset)
            norms[root].append(dataset.models[0].spectral_model.norm.value)
    first = norms["gammapy"][0]
    assert_allclose(norms["fovnb"], [first] * 4, rtol=1e-5)
    assert_allclose(norms["gammapy"], [first, 1, first, 1], rtol=1e-5)
    assert abs(first - 1) > 0.01


def test_scale_does_not_depend_on_the_start():
    norms = {}
    for root, pkg in PACKAGES.items():
        scaled = run(pkg, pkg.PowerLawNormSpectralModel(norm=2), method="scale")
        norms[root] = scaled.models[0].spectral_model.norm.value
    assert_allclose(norms["fovnb"], 2 * norms["gammapy"], rtol=1e-5)


def test_scale_without_a_single_norm():
    """Gammapy fails after the first run's maps were made, with an AttributeError; we refuse when the maker is made."""
    with pytest.raises(AttributeError):
        run(THEIRS, piecewise(THEIRS, SETUP), method="scale")
    with pytest.raises(FovnbError, match=r"(?i)piecewise.*norm|norm.*piecewise"):
        background_maker(OURS, SETUP, piecewise(OURS, SETUP), method="scale")


def test_ambiguous_piecewise():
    """With nodes at the edges (-1)^i t may be added to every ln n_i. Ours is the likelihood's maximum nearest to 1."""
    ours, theirs = run(OURS, at_edges(OURS, SETUP)), run(THEIRS, at_edges(THEIRS, SETUP))
    fit = ours.background_fit
    assert fit.success
    assert fit.status == "unconstrained"
    assert "ln(norm_0) - ln(norm_1) + ln(norm_2) - ln(norm_3) + ln(norm_4)" in fit.reason
    # the free direction is taken by the least sum of squares: orthogonal to the alternating vector
    logs = np.log(norms_of(ours))
    assert_allclose(logs @ (-1.0) ** np.arange(len(logs)), 0, atol=1e-4)
    # and the prediction is the same as that of one node per bin, which the data fix
    centred = run(OURS, piecewise(OURS, SETUP))
    assert_allclose(sums(ours), sums(centred), rtol=1e-9)
    if theirs.mask_safe.data.any():  # where their fit says that it has converged, it is to the same likelihood
        assert_allclose(sums(theirs), sums(centred), rtol=2e-3)


def norms_of(dataset):
    return np.array([par.value for par in dataset.models[0].parameters if par.name.startswith("norm")])


def sums(dataset):
    """Return the predicted background per energy bin inside the safe mask."""
    mask = dataset.mask_safe.data
    return np.nansum(np.where(mask, dataset.npred_background().data, 0), axis=(1, 2), dtype=float)


@pytest.mark.parametrize("model", [at_edges, piecewise], ids=["edges", "centres"])
def test_masked_bin(model):
    """Gammapy drops the whole run; the data of the other bins are as good as before, so we keep it.

    With nodes at the edges its fit may end by luck, on the flat direction.
    """
    theirs, ours = run(THEIRS, model(THEIRS, LOW), LOW), run(OURS, model(OURS, LOW), LOW)
    assert model is at_edges or not theirs.mask_safe.data.any()
    assert_array_equal(ours.mask_safe.data, safe_dataset("fovnb", LOW).mask_safe.data)
    assert ours.mask_safe.data.any(axis=(1, 2)).tolist() == [False, False, True, True, True]
    assert ours.background_fit.success
    assert "norm_0" in ours.background_fit.unconstrained


def test_bin_without_counts():
    """A node that sees no counts goes to its limit, 1e-3, and the upper limit at 95 % is 3.0/B_k."""

    def emptied(pkg):
        dataset = fresh(pkg)
        dataset.counts.data[2] = 0
        return background_maker(pkg, SETUP, piecewise(pkg, SETUP), fit=None).run(dataset)

    ours = emptied(OURS)
    assert_allclose(norms_of(ours)[2], 1e-3)
    assert ours.background_fit.status == "at-limit"
    assert ours.mask_safe.data.any()
    rest = run(OURS, piecewise(OURS, SETUP))
    assert_allclose(np.delete(norms_of(ours), 2), np.delete(norms_of(rest), 2), rtol=1e-9)
    assert_allclose(ours.background_fit.upper_limits["norm_2"], 3.0 / ours.background_fit.background[2], rtol=2e-3)


def test_norms_lose_an_energy_unit():
    """`np.ones_like(edges)` makes norms of 1 TeV. A norm has no unit, and a file that says so is wrong."""
    units = {root: {str(par.unit) for par in at_edges(pkg, SETUP).parameters} for root, pkg in PACKAGES.items()}
    assert units["fovnb"] == {""}
    assert units["gammapy"] == {"TeV"}


def test_counts_without_predicted_background():
    """Without a safe mask counts lie where the background is 0: Gammapy's `scale` adds them, its `fit` does not."""
    wide = Setup(width=(8, 8), binsz=0.05, energy=("0.5 TeV", "20 TeV", 4), energy_true=("0.3 TeV", "40 TeV", 10))
    norms = {}
    for root, pkg in PACKAGES.items():
        for method in ("scale", "fit"):
            dataset = base_dataset(root, wide).copy(name="run")
            dataset.mask_safe.data[...] = True
            model = pkg.PowerLawNormSpectralModel()
            fitted = background_maker(pkg, wide, model, method=method).run(dataset)
            norms[root, method] = fitted.models[0].spectral_model.norm.value
    assert_allclose(norms["fovnb", "scale"], norms["fovnb", "fit"], rtol=1e-5)
    assert_allclose(norms["fovnb", "fit"], norms["gammapy", "fit"], rtol=1e-4)
    assert norms["gammapy", "scale"] > norms["gammapy", "fit"] * (1 + 1e-3)


def test_datasets_are_named_after_their_run():
    """Random names cannot be found again in files, tables or logs."""
    assert base_dataset("fovnb", SETUP).name == f"obs-{SETUP.obs_id}"
    assert base_dataset("gammapy", SETUP).name != base_dataset("gammapy", LOW).name


def test_a_failed_run_adds_nothing():
    """Gammapy adds the ontime and OBS_ID of a run whose mask is empty; hours in the header that no data stand for."""
    ontime, ids = {}, {}
    for root, pkg in PACKAGES.items():
        good = run(pkg, power_law(pkg))
        failed = failed_run(pkg)
        assert not failed.mask_safe.data.any()
        total = pkg.MapDataset.create(good.counts.geom, energy_axis_true=good.exposure.geom.axes["energy_true"])
        total.stack(good)
        alone = total.gti.time_sum.to_value("s")
        total.stack(failed)
        ontime[root] = total.info_dict()["ontime"].to_value("s") / alone
        ids[root] = len(np.atleast_1d(total.meta_table["OBS_ID"][0]))
    assert_allclose(ontime["fovnb"], 1)
    assert ids["fovnb"] == 1
    assert ids["gammapy"] == 2


def test_the_reason_of_a_failure_is_kept():
    failed = failed_run(OURS)
    assert not failed.background_fit.success
    assert "1813 counts" in failed.background_fit.reason
