"""Fourteen real runs, two frames, two projections: every map and every fitted norm."""

import numpy as np
import pytest

from tests.oracle.both import Setup, base_dataset, reduced, safe_dataset
from tests.oracle.compare import (
    assert_close_map,
    assert_identical_map,
    assert_kernel_map,
    assert_same_fit,
    data,
)

pytestmark = pytest.mark.usefixtures("hess_dl3_dr1")

SKY = {  # where the field lies, ICRS, deg: sources, not pointings, so that offsets differ
    20275: (187.278, 2.052),
    20326: (258.388, -39.762),
    20339: (201.367, -43.019),
    20422: (258.388, -39.762),
    20561: (232.4, -38.221),
    20734: (225.702, -41.912),
    20898: (257.5, -40.0),
    21753: (349.775, -42.113),
    21824: (356.408, -14.819),
    22022: (255.706, -48.79),
    22997: (40.67, -0.013),
    23246: (68.296, 5.354),
    23592: (83.63, 22.01),
    23736: (83.868, -69.27),
}
GRIDS = [("icrs", "CAR"), ("icrs", "TAN"), ("galactic", "CAR"), ("galactic", "TAN")]
COARSE = {"binsz": 0.04, "energy": ("0.4 TeV", "30 TeV", 6), "energy_true": ("0.2 TeV", "60 TeV", 18)}

SETUPS = [
    Setup(obs_id=obs_id, skydir=skydir, frame=GRIDS[i % 4][0], proj=GRIDS[i % 4][1], **COARSE)
    for i, (obs_id, skydir) in enumerate(SKY.items())
]
# one run on every grid, wide enough that the field of view ends inside
SETUPS += [
    Setup(
        frame=frame, proj=proj, width=(7.0, 5.0), binsz=0.05, energy=COARSE["energy"], energy_true=COARSE["energy_true"]
    )
    for frame, proj in GRIDS
]


def name(setup: Setup) -> str:
    return f"{setup.obs_id}-{setup.frame}-{setup.proj}"


every_setup = pytest.mark.parametrize("setup", SETUPS, ids=name)


@every_setup
def test_counts_background_exposure(setup):
    ours, theirs = base_dataset("fovnb", setup), base_dataset("gammapy", setup)
    assert_identical_map(ours.counts, theirs.counts)
    assert_close_map(ours.background, theirs.background)
    assert_close_map(ours.exposure, theirs.exposure)


@every_setup
def test_psf_and_energy_dispersion(setup):
    ours, theirs = base_dataset("fovnb", setup), base_dataset("gammapy", setup)
    assert_kernel_map(ours.psf.psf_map, theirs.psf.psf_map)
    assert_kernel_map(ours.edisp.edisp_map, theirs.edisp.edisp_map)
    assert_close_map(ours.psf.exposure_map, theirs.psf.exposure_map)
    assert_close_map(ours.edisp.exposure_map, theirs.edisp.exposure_map)


@every_setup
def test_safe_mask(setup):
    ours, theirs = safe_dataset("fovnb", setup), safe_dataset("gammapy", setup)
    assert_identical_map(ours.mask_safe, theirs.mask_safe)
    assert 0 < ours.mask_safe.data.sum() < ours.mask_safe.data.size


@every_setup
def test_fit_of_norm_and_tilt(setup):
    assert_same_fit(reduced("fovnb", setup), reduced("gammapy", setup))


@every_setup
def test_scale(setup):
    """Gammapy's `scale` sums counts where no background is predicted, too; inside the safe mask there are none."""
    ours, theirs = (reduced(root, setup, "scale").models[0].spectral_model.norm for root in ("fovnb", "gammapy"))
    np.testing.assert_allclose([ours.value, ours.error], [theirs.value, theirs.error], rtol=1e-5)


@pytest.mark.parametrize("setup", SETUPS[::6], ids=name)
def test_prediction_after_the_fit(setup):
    ours, theirs = (reduced(root, setup) for root in ("fovnb", "gammapy"))
    assert_close_map(ours.npred_background(), theirs.npred_background(), rtol=2e-4)
    np.testing.assert_allclose(ours.npred().data.sum(), theirs.npred().data.sum(), rtol=1e-4)


def test_a_flipped_longitude_would_be_seen():
    """Negative control: the background flipped in longitude fails the tolerance by far."""
    setup = SETUPS[-4]
    ours, theirs = data(base_dataset("fovnb", setup).background), data(base_dataset("gammapy", setup).background)
    both = (theirs > 0) & (theirs[..., ::-1] > 0)
    assert np.abs(ours[..., ::-1] / np.where(both, theirs, 1) - 1)[both].max() > 0.1


def test_a_shifted_safe_mask_would_be_seen():
    """Negative control: one energy bin or one pixel more is not the same mask."""
    ours, theirs = (data(safe_dataset(root, SETUPS[5]).mask_safe) for root in ("fovnb", "gammapy"))
    assert (np.roll(ours, 1, axis=0) != theirs).any()
    assert (np.roll(ours, 1, axis=2) != theirs).any()
