"""Simulated surveys in memory: runs whose counts are drawn from a known background, for the tests of diagnostics.

The background of the response is b = rate E^-2.7 exp(-(x^2 + y^2) / 2 sigma^2 + 0.06 x - 0.04 y), x and y field-of-view
coordinates in deg: a slope in either direction, so that a mirrored or swapped axis can be seen. Counts follow
norm (E / TeV)^-tilt (1 + gx x + gy y) b, and the source.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset, fov_lonlat
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.models import PowerLawNormSpectralModel
from fovnb.types import FloatArray

__all__ = ["TARGET", "Survey", "Truth", "circle_mask", "fit_runs", "make_survey"]

TARGET = SkyCoord(83.63, 22.01, unit="deg")
OFFSET_MAX_DEG = 2.0
LIVETIME_S, DEADC = 1580.0, 0.94
SCATTER = 0.05  # of norms from run to run, as those of real telescopes


@dataclass(frozen=True)
class Truth:
    """What was put into a run."""

    norm: float
    tilt: float
    gradient: tuple[float, float]


@dataclass(frozen=True)
class Survey:
    """How to simulate: runs at ``wobble_deg`` from the target in four directions in turn, ``counts`` background each.

    ``gradient`` is that of all runs, RADEC-aligned, 1/deg; ``source`` is the number of counts of a source at the
    target, a normal distribution of width ``source_deg``.
    """

    runs: int = 12
    counts: float = 2000.0
    wobble_deg: float = 0.5
    gradient: tuple[float, float] = (0.0, 0.0)
    source: float = 0.0
    source_deg: float = 0.08
    nbin: int = 4
    binsz_deg: float = 0.1


def make_survey(survey: Survey, rng: np.random.Generator) -> tuple[list[MapDataset], list[Truth]]:
    """Return the runs, their backgrounds not fitted, and what was put into each."""
    axis = MapAxis.from_energy_bounds("1 TeV", "20 TeV", nbin=survey.nbin)
    width = 2 * (survey.wobble_deg + OFFSET_MAX_DEG + survey.binsz_deg)
    geom = WcsGeom.create(skydir=TARGET, width=width, binsz=survey.binsz_deg, proj="TAN", axes=[axis])
    truths = [
        Truth(float(np.exp(rng.normal(0, SCATTER))), float(rng.normal(0, 0.05)), survey.gradient)
        for _ in range(survey.runs)
    ]
    return [_run(i, survey, truth, geom, rng) for i, truth in enumerate(truths)], truths


def circle_mask(geom: WcsGeom, radius_deg: float, shift_deg: float = 0.0) -> Map:
    """Return a mask that leaves out a circle around the target, or so far north of it."""
    center = TARGET.directional_offset_by(0 * u.deg, shift_deg * u.deg)
    return geom.region_mask([CircleSkyRegion(center, radius_deg * u.deg)], inside=False)


def fit_runs(runs: Sequence[MapDataset], exclusion_mask: Map | None = None) -> list[MapDataset]:
    """Return the runs with norm and tilt fitted."""
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    maker = FoVBackgroundMaker(method="fit", exclusion_mask=exclusion_mask, spectral_model=model)
    return [maker.run(run) for run in runs]


def _run(i: int, survey: Survey, truth: Truth, geom: WcsGeom, rng: np.random.Generator) -> MapDataset:
    """Return the run number i; its background is that of the response, before norm, tilt and gradient."""
    info = _info(i, survey, rng)
    run = MapDataset(counts=Map.from_geom(geom), run_info=info, name=f"obs-{info.obs_id}")
    x, y = fov_lonlat(run)
    safe = np.broadcast_to(np.hypot(x, y) < OFFSET_MAX_DEG, geom.data_shape)
    energy = geom.axes["energy"].center.to_value("TeV")[:, None, None]
    shape = energy**-1.7 * np.exp(-0.5 * (x**2 + y**2) / 1.4**2 + 0.06 * x - 0.04 * y)
    background = survey.counts * shape / shape.sum(where=safe)
    gx, gy = truth.gradient
    expected = truth.norm * energy**-truth.tilt * np.maximum(1 + gx * x + gy * y, 0) * background
    counts = rng.poisson(expected + survey.source * _source(survey, geom, energy))
    return run.replace(
        counts=Map.from_geom(geom, data=counts.astype(np.float32)),
        background=Map.from_geom(geom, data=background),
        mask_safe=Map.from_geom(geom, data=safe.copy()),
    )


def _info(i: int, survey: Survey, rng: np.random.Generator) -> RunInfo:
    """Return where the run points, north, east, south and west of the target in turn, and its times."""
    pointing = TARGET.directional_offset_by(90 * (i % 4) * u.deg, survey.wobble_deg * u.deg)
    return RunInfo(
        obs_id=i + 1,
        target="simulated",
        ra_deg=float(pointing.ra.deg),
        dec_deg=float(pointing.dec.deg),
        zenith_deg=float(rng.uniform(20, 50)),
        azimuth_deg=float(rng.uniform(150, 210)),
        start_mjd=55000 + i // 8 + 0.02 * (i % 8),
        livetime_s=LIVETIME_S,
        ontime_s=LIVETIME_S / DEADC,
        header_livetime_s=LIVETIME_S,
        header_ontime_s=LIVETIME_S / DEADC,
        deadc=DEADC,
    )


def _source(survey: Survey, geom: WcsGeom, energy: FloatArray) -> FloatArray:
    """Return the share of the source's counts in each pixel."""
    distance = geom.separation(TARGET).deg
    share = energy**-1.6 * np.exp(-0.5 * (distance / survey.source_deg) ** 2)
    return np.asarray(share / share.sum())
