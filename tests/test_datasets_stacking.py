"""Stacking against the sums written out pixel by pixel, and parts of a dataset against the whole of it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.datasets.stacking import mask_on_edisp, mask_on_psf
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.models import FoVBackgroundModel, FoVGradientSpatialModel, PowerLawNormSpectralModel
from tests.datasets import make_geom, make_run

ONLY_BACKGROUND = dict.fromkeys(("counts", "exposure", "psf", "edisp", "gti", "meta_table", "mask_fit"))
RAD = MapAxis.from_edges([0, 0.1, 0.2], unit="deg", name="rad")
SMALL = make_geom(nbin=2, width=0.6)


def with_norm(name="obs-1", seed=1, gradient=False):
    spectral = PowerLawNormSpectralModel(norm=1.3 + seed / 7, tilt=0.2)
    spatial = FoVGradientSpatialModel(gx=0.1, gy=-0.2).placed(83.6, 22.0) if gradient else None
    model = FoVBackgroundModel(spectral_model=spectral, spatial_model=spatial, dataset_name=name)
    run = make_run(name, SMALL, seed)
    rng = np.random.default_rng(seed)
    mask = rng.random(SMALL.data_shape) < 0.7
    mask[0] = False
    info = RunInfo(seed, ra_deg=83.6, dec_deg=22.0)
    return run.replace(models=model, mask_safe=Map.from_geom(SMALL, data=mask), run_info=info)


def weighted_mean(target, run, weights):
    """Return what a response becomes, one number after another: doubles, with factors and products in singles."""
    ours, theirs = target.maps[0].data.copy(), run.maps[0].data
    exposure = target.exposure_map.data.copy()
    for k, m, j, i in np.ndindex(ours.shape):
        let_in = np.broadcast_to(weights.data, (1, ours.shape[1], *ours.shape[2:]))[0, :, j, i]
        added = run.exposure_map.data[k, 0, j, i]
        total = target.exposure_map.data[k, 0, j, i] + added * let_in.any()
        share = 1 / total if total > 0 else 0.0
        shares = np.float32(exposure[k, 0, j, i] * share), np.float32(added * let_in[m] * share)
        ours[k, m, j, i] = shares[0] * ours[k, m, j, i] + shares[1] * np.float32(theirs[k, m, j, i])
    return ours


@pytest.mark.parametrize("gradient", [False, True])
def test_sums_written_out_pixel_by_pixel(gradient):
    stacked, runs = MapDataset.create(SMALL, rad_axis=RAD), [with_norm(f"obs-{i}", i, gradient) for i in (1, 2)]
    for run in runs:
        run.psf, run.edisp = run.psf.copy(), run.edisp.copy()
        run.psf = type(run.psf)(Map.from_geom(stacked.psf.psf_map.geom, unit="sr-1"), run.psf.exposure_map)
        run.psf.psf_map.data[...] = np.random.default_rng(3).random(run.psf.psf_map.data.shape)
        before, weights = stacked.copy(), (mask_on_psf(run), mask_on_edisp(run))
        stacked.stack(run)
        norms = run.background_model.evaluate_geom(SMALL).to_value("")
        for k, j, i in np.ndindex(SMALL.data_shape):
            safe = run.mask_safe.data[:, j, i]
            norm = np.broadcast_to(norms, SMALL.data_shape)[k, j, i]
            added = np.float64(before.background.data[k, j, i]) + run.background.data[k, j, i] * norm
            expected = np.float32(added) if safe[k] else before.background.data[k, j, i]
            assert stacked.background.data[k, j, i] == expected
            exposure = before.exposure.data[k, j, i] + run.exposure.data[k, j, i] * np.float64(safe.any())
            assert stacked.exposure.data[k, j, i] == np.float32(exposure)
        assert_array_equal(stacked.psf.psf_map.data, weighted_mean(before.psf, run.psf, weights[0]))
        assert_array_equal(stacked.edisp.edisp_map.data, weighted_mean(before.edisp, run.edisp, weights[1]))


@pytest.mark.parametrize("gradient", [False, True])
def test_the_background_alone_stacks_as_in_the_whole(gradient):
    whole = MapDataset.create(SMALL)
    alone = MapDataset(background=Map.from_geom(SMALL), mask_safe=Map.from_geom(SMALL, dtype=bool))
    for i in (1, 2):
        run = with_norm(f"obs-{i}", i, gradient)
        whole.stack(run)
        alone.stack(run.replace(**ONLY_BACKGROUND))
    assert alone.background.data.tobytes() == whole.background.data.tobytes()
    assert_array_equal(alone.mask_safe.data, whole.mask_safe.data)
    assert alone.ledger["OBS_ID"].tolist() == whole.ledger["OBS_ID"].tolist() == [1, 2]
    assert alone.counts is alone.exposure is alone.psf is None


def test_values_that_are_not_finite_count_as_zero_or_stay():
    run = with_norm()
    run.background.data[1, 2, 2] = np.inf
    run.mask_safe.data[1, 2, 2] = True
    for nan_to_num, expected in ((True, 0.0), (False, np.inf)):
        stacked = MapDataset.create(SMALL)
        stacked.stack(run, nan_to_num)
        assert stacked.background.data[1, 2, 2] == expected


def test_equal_grids_that_were_made_apart_stack():
    geom = WcsGeom.create(skydir=(83.63, 22.01), width=0.6, binsz=0.1, axes=[SMALL.axes[0].copy()])
    one, two = MapDataset.create(SMALL), MapDataset.create(geom)
    one.stack(with_norm())
    two.stack(with_norm())
    assert one.background.data.any()
    assert_array_equal(one.background.data, two.background.data)
