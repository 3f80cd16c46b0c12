"""Cutouts, and stacks of runs with different pointings."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose

from tests.oracle.both import PACKAGES, Setup, background_maker, empty_dataset, observation, power_law
from tests.oracle.compare import assert_close_map, assert_identical_map, assert_kernel_map

pytestmark = pytest.mark.usefixtures("hess_dl3_dr1")

RXJ = {
    "skydir": (258.388, -39.762),
    "binsz": 0.05,
    "energy": ("0.3 TeV", "30 TeV", 5),
    "energy_true": ("0.2 TeV", "60 TeV", 12),
}
CRAB = {"binsz": 0.05, "energy": ("0.5 TeV", "20 TeV", 4), "energy_true": ("0.3 TeV", "40 TeV", 12)}

CASES = {
    "rxj-galactic-tan": (
        Setup(frame="galactic", proj="TAN", width=(6, 5), **RXJ),
        (20326, 20327, 20396, 20397),
    ),
    "rxj-icrs-car": (Setup(width=(5, 5), **RXJ), (20349, 20421, 20517)),
    "crab-icrs-tan": (Setup(proj="TAN", width=(7, 7), **CRAB), (23523, 23526, 23559, 23592)),
}


def stack(root, setup, obs_ids):
    """Stack runs as survey analyses do: each on a cutout of the stack's geometry around its pointing."""
    pkg = PACKAGES[root]
    stacked = empty_dataset(pkg, setup)
    safe = pkg.SafeMaskMaker(methods=["aeff-default", "offset-max"], offset_max="2 deg")
    background = background_maker(pkg, setup, power_law(pkg))
    for obs_id in obs_ids:
        obs = observation(root, obs_id)
        pointing = SkyCoord(obs.pointing.fixed_icrs.ra, obs.pointing.fixed_icrs.dec)
        cutout = stacked.cutout(pointing, width=4.2 * u.deg, name=f"obs-{obs_id}")
        dataset = background.run(safe.run(pkg.MapDatasetMaker().run(cutout, obs), obs))
        stacked.stack(dataset)
    return stacked


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def stacks(request):
    setup, obs_ids = request.param
    return stack("fovnb", setup, obs_ids), stack("gammapy", setup, obs_ids)


def test_counts_and_mask(stacks):
    ours, theirs = stacks
    assert_identical_map(ours.counts, theirs.counts)
    assert_identical_map(ours.mask_safe, theirs.mask_safe)
    assert ours.counts.data.sum() > 1000


def test_background_and_exposure(stacks):
    """Gammapy stacks in float32: where runs overlap, its rounding grows with their number."""
    ours, theirs = stacks
    assert_close_map(ours.exposure, theirs.exposure)
    # fitted norms agree to 0.002 of an error of some 3 %
    assert_close_map(ours.background, theirs.background, rtol=2e-4)


def test_psf_and_energy_dispersion(stacks):
    ours, theirs = stacks
    assert_kernel_map(ours.psf.psf_map, theirs.psf.psf_map)
    assert_kernel_map(ours.edisp.edisp_map, theirs.edisp.edisp_map)
    assert_close_map(ours.psf.exposure_map, theirs.psf.exposure_map)
    assert_close_map(ours.edisp.exposure_map, theirs.edisp.exposure_map)


def test_time_and_runs(stacks):
    ours, theirs = stacks
    assert_allclose(ours.gti.time_sum.to_value("s"), theirs.gti.time_sum.to_value("s"), rtol=1e-12)
    assert_allclose((ours.gti.time_start - theirs.gti.time_start).to_value("s"), 0, atol=1e-6)
    assert list(ours.meta_table["OBS_ID"][0]) == list(theirs.meta_table["OBS_ID"][0])


def test_cutout_of_a_stack(stacks):
    ours, theirs = (
        stacked.cutout(stacked.counts.geom.center_skydir, (1.0, 2.0) * u.deg, name="part") for stacked in stacks
    )
    assert ours.name == theirs.name == "part"
    for name in ("counts", "mask_safe"):
        assert_identical_map(getattr(ours, name), getattr(theirs, name))
    assert_close_map(ours.exposure, theirs.exposure)
    assert_kernel_map(ours.psf.psf_map, theirs.psf.psf_map)
    assert ours.counts.data.sum() < stacks[0].counts.data.sum()


def test_summary(stacks):
    ours, theirs = (stacked.info_dict() for stacked in stacks)
    for key in ("counts", "n_bins", "n_fit_bins"):
        assert ours[key] == theirs[key], key
    for key in ("background", "npred", "ontime", "livetime", "exposure_max"):
        assert_allclose(u.Quantity(ours[key]).value, u.Quantity(theirs[key]).value, rtol=1e-4, err_msg=key)


def test_stacking_twice_counts_twice(stacks):
    """An identity of both, and a control: a stack is a sum, not a mean."""
    for stacked in stacks:
        twice = stacked.copy(name="twice")
        twice.stack(stacked)
        assert_allclose(twice.counts.data.sum(), 2 * stacked.counts.data[stacked.mask_safe.data].sum())
        assert np.any(twice.exposure.data > stacked.exposure.data)
