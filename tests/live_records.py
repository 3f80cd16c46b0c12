"""For each live view, two small records that it draws on the same axes."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from astropy import units as u
from regions import CircleSkyRegion, PolygonSkyRegion

from fovnb.data import DataStore, RunInfo
from fovnb.datasets import MapDataset
from fovnb.datasets.ledger import LedgerRow, ledger_of
from fovnb.demo import make_demo
from fovnb.diagnostics import fov_residuals, gradient, mask_scan, significance_histogram
from fovnb.diagnostics.deviance_profile import deviance_profile
from fovnb.diagnostics.fitted_spectrum import fitted_spectrum
from fovnb.diagnostics.pointings import pointings
from fovnb.diagnostics.safe_spectra import safe_spectra
from fovnb.makers import BackgroundFraction, FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from fovnb.maps import MapAxis, WcsGeom
from fovnb.plots import live
from tests.datasets import make_geom, make_run
from tests.norms import power_law

__all__ = ["VIEWS", "fitted_run", "records"]


@cache
def fitted_run(seed: int = 1) -> MapDataset:
    """Return a run with a fitted background and a pointing."""
    run = make_run(f"obs-{seed}", make_geom(nbin=4), seed=seed, norm=1.2)
    run = run.replace(run_info=RunInfo(seed, ra_deg=83.63, dec_deg=22.01, zenith_deg=20, azimuth_deg=180))
    return FoVBackgroundMaker("fit", spectral_model=power_law()).run(run)


def _safe() -> list[Any]:
    axis = MapAxis.from_energy_bounds("0.5 TeV", "10 TeV", nbin=4)
    geom = WcsGeom.create(skydir=(83.63, 22.01), width=5, binsz=0.25, axes=[axis])
    observation = DataStore.from_dir(make_demo()).get_observations()[0]
    run = MapDatasetMaker(["counts", "background"]).run(MapDataset.create(geom), observation)
    return [safe_spectra(run, observation, SafeMaskMaker(["offset-max"], f"{x} deg")) for x in (2, 1.8)]


def _images() -> list[Any]:
    run = fitted_run()
    center = run.geom.center_skydir
    corners = center.directional_offset_by([0, 120, 240] * u.deg, 0.5 * u.deg)
    regions = CircleSkyRegion(center, 0.3 * u.deg), PolygonSkyRegion(corners)
    mask = run.geom.to_image().region_mask([regions[0]], inside=False)
    return [live.Image(run.counts, 1, regions, title="one"), live.Image(run.counts, 2, mask=mask, title="two", limit=9)]


def _norms() -> list[Any]:
    rows = [LedgerRow(n, parameters={"norm": (0.9 + n / 50, 0.1), "tilt": (n / 50, 0.1)}) for n in range(1, 4)]
    ledger = ledger_of([*rows, LedgerRow(9, status="unreadable")])
    return [live.RunNorms(ledger), live.RunNorms(ledger, current=2)]


def _fractions() -> list[Any]:
    edges = np.array([1.0, 2.0, 4.0])
    return [BackgroundFraction("obs-1", edges, np.array([0.5, low]), *np.ones((2, 2)), 0.3, 0) for low in (0.2, 0.4)]


def _profiles() -> list[Any]:
    profile = deviance_profile(fitted_run().background_fit, "norm")
    return [live.Profile(profile), live.Profile(profile, value=float(profile.values[10]), change=4.0)]


def _scans() -> list[Any]:
    run = fitted_run()
    sizes = (["0 deg", "0.3 deg"], ["0 deg", "0.5 deg"])
    return [mask_scan(run, radii=radii, position=run.geom.center_skydir) for radii in sizes]


def _histograms() -> list[Any]:
    histogram = significance_histogram(fitted_run(), toys=live.FEWEST_TOYS)
    return [live.Histogram(histogram, band) for band in (1, 2)]


def _pointings() -> list[Any]:
    table = {"OBS_ID": [1, 2], "RA_PNT": [83.63, 83.63], "DEC_PNT": [22.01, 22.51]}
    return [pointings(table, make_geom(), chosen=[number]) for number in (1, 2)]


VIEWS: dict[str, tuple[Callable[[], Any], Callable[[], list[Any]]]] = {
    "spectrum": (live.SpectrumView, lambda: [fitted_spectrum(fitted_run(seed)) for seed in (1, 2)]),
    "image": (lambda: live.ImageView("counts"), _images),
    "histogram": (live.HistogramView, _histograms),
    "field": (
        live.FieldView,
        lambda: [live.Field(fov_residuals(fitted_run(s)), gradient(fitted_run(s)) if s > 1 else None) for s in (1, 2)],
    ),
    "norms": (live.NormsView, _norms),
    "fraction": (live.FractionView, _fractions),
    "scan": (live.ScanView, _scans),
    "safe": (live.SafeView, _safe),
    "pointings": (live.PointingsView, _pointings),
    "profile": (live.ProfileView, _profiles),
    "sentence": (live.SentenceView, lambda: ["no run is left", "widen the mask"]),
}


@cache
def records(name: str) -> list[Any]:
    """Return the two records of a view."""
    return VIEWS[name][1]()
