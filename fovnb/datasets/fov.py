"""Field-of-view coordinates of a run's pixels, and which pixels the background fit uses."""

from typing import TYPE_CHECKING

import numpy as np

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import Map
from fovnb.modeling.models import towards_zenith
from fovnb.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from fovnb.datasets.dataset import MapDataset

__all__ = ["fov_lonlat", "pointing_deg", "used_pixels"]


def fov_lonlat(dataset: "MapDataset", alignment: str = "RADEC") -> tuple[FloatArray, FloatArray]:
    """Return field-of-view longitude and latitude of every pixel, deg, shape (ny, nx) each.

    Parameters
    ----------
    dataset : MapDataset
        A single run.
    alignment : {"RADEC", "ALTAZ"}
        RADEC: longitude grows towards smaller right ascension, latitude towards north: Gammapy's ``FoVICRSFrame``.
        ALTAZ: latitude grows towards the zenith at the middle of the run and longitude towards smaller azimuth, as in
        its ``FoVAltAzFrame``; the turning of the field during the run is neglected.

    Raises
    ------
    InvalidInputError
        If the alignment is unknown, or the dataset does not know where it pointed or where the zenith was.

    Examples
    --------
    >>> from fovnb.data import RunInfo
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.5, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0.25, dec_deg=0))
    >>> (fov_lonlat(run)[0][0].round(2) + 0).tolist()
    [-0.5, 0.0, 0.5, 1.0]
    """
    if alignment not in ("RADEC", "ALTAZ"):
        msg = f"the alignment is {alignment!r}; expected 'RADEC' or 'ALTAZ'"
        raise InvalidInputError(msg)
    x, y = dataset.geom.sky.fov_lonlat_deg(*pointing_deg(dataset))
    if alignment == "RADEC":
        return x, y
    rotation = np.nan if dataset.run_info is None else dataset.run_info.rotation_deg
    if np.isnan(rotation):
        msg = f"dataset {dataset.name!r} does not know where the zenith was; use alignment='RADEC'"
        raise InvalidInputError(msg)
    return towards_zenith(x, y, rotation)


def pointing_deg(dataset: "MapDataset") -> tuple[float, float]:
    """Return where a run pointed, ICRS, deg.

    Raises
    ------
    InvalidInputError
        If the dataset is a stack, or does not say.
    """
    info, table = dataset.run_info, dataset.meta_table
    if info is not None:
        pointing = info.ra_deg, info.dec_deg
    elif table is not None and {"RA_PNT", "DEC_PNT"} <= set(table.colnames) and np.size(table["RA_PNT"]) == 1:
        pointing = float(np.ravel(table["RA_PNT"])[0]), float(np.ravel(table["DEC_PNT"])[0])
    else:
        pointing = np.nan, np.nan
    if not np.all(np.isfinite(pointing)):
        msg = f"dataset {dataset.name!r} has no pointing of its own; expected a single run as MapDatasetMaker makes it"
        raise InvalidInputError(msg)
    return pointing


def used_pixels(dataset: "MapDataset", exclusion: Map | None = None) -> BoolArray:
    """Return M, shape (energy, lat, lon): safe, fitted, not excluded, with a predicted background above 0.

    Parameters
    ----------
    dataset : MapDataset
        With a background.
    exclusion : Map, optional
        Boolean, on the dataset's geometry, True = used; by default the mask that the background fit used.

    Raises
    ------
    GeometryError
        If the mask is on another geometry.
    """
    npred = dataset.npred_background().data
    used = np.isfinite(npred) & (npred > 0)
    for mask in (dataset.mask_safe, dataset.mask_fit, dataset.mask_exclusion if exclusion is None else exclusion):
        if mask is None:
            continue
        if mask.geom != dataset.geom:
            found, expected = mask.geom.data_shape, dataset.geom.data_shape
            msg = f"the mask has another geometry (shape {found}) than the dataset ({expected}); make them equal"
            raise GeometryError(msg)
        used &= mask.data
    return np.asarray(used)
