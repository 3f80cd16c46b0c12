"""The reference analysis of a demo data set, run by run into one stack, and its picture."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion

from fovnb.data import DataStore, Observation
from fovnb.datasets import MapDataset
from fovnb.demo import SOURCES, RunTruth, demo_truth
from fovnb.diagnostics import residuals
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.background_fit import BackgroundFit
from fovnb.modeling.models import PowerLawNormSpectralModel
from fovnb.plots import Panel, plot_maps_row
from fovnb.text import html_summary, text_summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DemoResult", "analyse_demo", "exclusion_regions", "plot_demo"]

OFFSET_MAX_DEG = 2.5
RADIUS_DEG = 0.1


@dataclass(frozen=True, repr=False, eq=False)
class DemoResult:
    """The stack, and what was fitted in each run beside what was put in."""

    stacked: MapDataset
    fits: tuple[BackgroundFit, ...]
    truths: tuple[RunTruth, ...]

    def table(self) -> str:
        """Return norm and tilt of each run beside the truth; a pull is (fitted - true) / error."""
        columns = f"{'fitted':>16} {'true':>7} {'pull':>5}"
        heads = [f"{'':9}{'norm at 1 TeV':^33}{'tilt':^33}".rstrip(), f"{'run':<9} {columns}   {columns}   status"]
        lines = [_line(fit, truth) for fit, truth in zip(self.fits, self.truths, strict=True)]
        foot = "pull = (fitted - true) / error: 2 of 3 lie within 1, 19 of 20 within 2 of zero"
        return "\n".join([*heads, *lines, foot])

    def _rows(self) -> dict[str, object]:
        return {"runs": len(self.fits), "failed": sum(not fit.success for fit in self.fits)}

    def __repr__(self) -> str:
        return text_summary("DemoResult", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("DemoResult", self._rows())


def analyse_demo(path: Path, progress: Callable[[Iterable[Observation]], Iterable[Observation]] = iter) -> DemoResult:
    """Fit norm and tilt of every run of a demo data set outside the sources, and stack the runs.

    Parameters
    ----------
    path : Path
        What `make_demo` returned.
    progress : callable
        Wraps the runs, as ``tqdm.tqdm`` does.
    """
    observations = DataStore.from_dir(path).get_observations()
    pointings = [observation.get_pointing_icrs(observation.tmid) for observation in observations]
    geom = _geometry(SkyCoord([p.ra for p in pointings], [p.dec for p in pointings]))
    energy_axis_true = MapAxis.from_energy_bounds("0.2 TeV", "60 TeV", nbin=30, name="energy_true")
    stacked = MapDataset.create(geom, energy_axis_true=energy_axis_true)
    spectral_model = PowerLawNormSpectralModel()
    spectral_model.norm.frozen = False
    spectral_model.tilt.frozen = False
    exclusion_mask = geom.region_mask(exclusion_regions(), inside=False)
    maker = MapDatasetMaker()
    safe_mask_maker = SafeMaskMaker(methods=["aeff-default", "offset-max"], offset_max=OFFSET_MAX_DEG * u.deg)
    fov_bkg_maker = FoVBackgroundMaker(method="fit", exclusion_mask=exclusion_mask, spectral_model=spectral_model)
    fits: list[BackgroundFit] = []
    for observation in progress(observations):
        dataset = maker.run(stacked, observation)
        dataset = safe_mask_maker.run(dataset, observation)
        dataset = fov_bkg_maker.run(dataset)
        stacked.stack(dataset)
        fits += [dataset.background_fit] if dataset.background_fit else []
    return DemoResult(stacked, tuple(fits), demo_truth(path))


def exclusion_regions() -> list[CircleSkyRegion]:
    """Return the circles around the sources that the fit leaves out."""
    return [CircleSkyRegion(source.position, source.exclusion_deg * u.deg) for source in SOURCES]


def plot_demo(result: DemoResult) -> "Figure":
    """Return counts, predicted background and residual significance of the stack, side by side."""
    around = residuals(result.stacked, RADIUS_DEG * u.deg)
    brightest = float(np.nanmax(around.npred))
    shared = {"cmap": "inferno", "vmin": 0, "vmax": brightest + 4 * brightest**0.5}
    shared |= {"kwargs_colorbar": {"label": f"counts within {RADIUS_DEG:g}°", "extend": "max"}}
    symmetric = {"cmap": "RdBu_r", "vmin": -5, "vmax": 5}
    symmetric |= {"kwargs_colorbar": {"label": r"significance [$\sigma$]", "extend": "both"}}
    panels = [
        Panel(Map.from_geom(around.geom, data=around.counts), "Counts", shared),
        Panel(Map.from_geom(around.geom, data=around.npred), "Predicted background", shared),
        Panel(around.significance, "Residual significance", symmetric),
    ]
    energy = result.stacked.geom.axes["energy"].edges
    runs = f"{len(result.fits)} simulated run{'s' * (len(result.fits) != 1)}"
    title = (
        f"{runs}, {energy[0]:g} to {energy[-1]:g}; the circles took no part in the fit, grey is outside the safe mask"
    )
    return plot_maps_row(panels, exclusion_regions(), title)


def _geometry(pointings: SkyCoord) -> WcsGeom:
    """Return a map around the first source that holds all fields of view."""
    center = SOURCES[0].position
    reach = [
        2 * (np.abs(side).max().to_value("deg") + OFFSET_MAX_DEG + 0.2)
        for side in center.spherical_offsets_to(pointings)
    ]
    energy_axis = MapAxis.from_energy_bounds("0.5 TeV", "20 TeV", nbin=10)
    return WcsGeom.create(skydir=center, width=tuple(reach), binsz=0.02, proj="TAN", axes=[energy_axis])


def _line(fit: BackgroundFit, truth: RunTruth) -> str:
    cells = [f"{fit.dataset_name:<9}"]
    fitted = dict(zip(fit.parameter_names, zip(fit.values, fit.errors, strict=True), strict=True))
    for name, true in (("norm", truth.norm), ("tilt", truth.tilt)):
        value, error = fitted.get(name, (np.nan, np.nan))
        cells.append(f"{value:>8.3f} ± {error:.3f} {true:>7.3f} {(value - true) / error:>+5.1f}  ")
    return " ".join([*cells, fit.status])
