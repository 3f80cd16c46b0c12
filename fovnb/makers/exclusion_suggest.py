"""Areas to exclude, suggested by the significance of the counts over the predicted background.

Hysteresis: a source's wings count where they hang together with a peak, and a lone pixel of some significance does not.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import residuals
from fovnb.errors import GeometryError, InvalidInputError
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.makers.exclusion_image import grow_image
from fovnb.makers.exclusion_shapes import SkyShape
from fovnb.maps import Map, WcsGeom
from fovnb.maps.checks import quantity
from fovnb.maps.window import is_tiled
from fovnb.types import BoolArray, FloatArray

__all__ = ["as_runs", "common_geom", "hysteresis", "stacked_counts", "suggest_entries"]


def suggest_entries(
    data: Map | MapDataset | Iterable[MapDataset],
    high: float = 5.0,
    low: float = 3.0,
    dilate: Any = "0.1 deg",
    radius: Any = "0.1 deg",
    circles: bool = False,
) -> list[ExclusionEntry]:
    """Return the areas of pixels above ``low`` that hang together with one above ``high``, grown by ``dilate``.

    Parameters
    ----------
    data : Map, MapDataset or iterable of MapDataset
        A significance image, or runs with their background fitted, of which the stack's significance is taken; only
        their safe masks count, so that what is excluded already is seen.
    high, low : float
        Thresholds of significance.
    dilate : angle
        How much the areas grow; plain numbers in degrees.
    radius : angle
        Radius of the disc in which the counts of runs are summed.
    circles : bool
        Give a circle around each area, the most significant first, instead of one mask of all.

    Returns
    -------
    entries : list of ExclusionEntry
        Of origin "suggested"; empty if nothing is above ``high``.

    Raises
    ------
    InvalidInputError
        If the thresholds are no numbers or in the wrong order, the angle is negative, or the map is no image or NaN
        everywhere.
    GeometryError
        If the pixels of the runs do not coincide.

    Examples
    --------
    >>> significance = Map.create(npix=9, binsz=0.1)
    >>> significance.data[4, 3:6] = 3.5, 6, 3.5
    >>> [mask] = suggest_entries(significance, dilate="0 deg")
    >>> int((~mask.mask.data).sum())
    3
    """
    margin = float(quantity(dilate, "deg", "dilate").value)
    limits = float(quantity(low, "", "low").value), float(quantity(high, "", "high").value)
    if not (np.isfinite([*limits, margin]).all() and 0 < limits[0] <= limits[1] and margin >= 0):
        msg = f"high={high!r}, low={low!r}, dilate={dilate!r}; expected 0 < low <= high and an angle of at least 0"
        raise InvalidInputError(msg)
    significance = data if isinstance(data, Map) else residuals(stacked_counts(data), radius).significance
    if not significance.geom.is_image:
        msg = f"the significance map has the axes {significance.geom.axes.names}; give an image"
        raise InvalidInputError(msg)
    if np.isnan(significance.data).all():
        msg = "no pixel has a significance: all are NaN; give runs with counts and background inside their safe masks"
        raise InvalidInputError(msg)
    found = hysteresis(significance.data, high, low)
    area = grow_image(found, significance.geom, margin) if margin else found
    if not area.any():
        return []
    if circles:
        return _circles(area, significance)
    if area.all():
        msg = f"all pixels are above {low:g} or nearer to one than {dilate}; raise low and high, or lower dilate"
        raise InvalidInputError(msg)
    return [ExclusionEntry(Map.from_geom(significance.geom, data=~area), "suggested", "suggested")]


def hysteresis(values: FloatArray, high: float, low: float) -> BoolArray:
    """Return the pixels above ``low`` that hang together, by a side or a corner, with one above ``high``.

    NaN is below everything.

    Examples
    --------
    >>> hysteresis(np.array([[3.5, 6.0, 3.5, 0.0, 3.5]]), 5, 3).astype(int)
    array([[1, 1, 1, 0, 0]])
    """
    from scipy import ndimage

    labels, n = ndimage.label(values > low, np.ones((3, 3)))
    kept = np.zeros(n + 1, dtype=bool)
    kept[np.unique(labels[values > high])] = True
    kept[0] = False
    return np.asarray(kept[labels])


def as_runs(datasets: Any) -> list[MapDataset]:
    """Return one run or several as a list.

    Raises
    ------
    InvalidInputError
        If there are no runs, or one is none.
    """
    is_many = isinstance(datasets, Iterable) and not isinstance(datasets, MapDataset)
    runs = list(datasets) if is_many else [datasets]
    if not runs or not all(isinstance(run, MapDataset) for run in runs):
        msg = f"{[type(run).__name__ for run in runs][:3]} were given; expected a significance map or MapDatasets"
        raise InvalidInputError(msg)
    return runs


def stacked_counts(datasets: MapDataset | Iterable[MapDataset]) -> MapDataset:
    """Return counts and predicted background of runs, inside their safe masks, on one grid that holds them all.

    Raises
    ------
    InvalidInputError
        If there are no runs, or one is none.
    GeometryError
        If their pixels do not coincide.
    PredictionError
        If one has no counts or no background.
    """
    runs = as_runs(datasets)
    geom = common_geom([run.geom for run in runs])
    stack = MapDataset(
        counts=Map.from_geom(geom), background=Map.from_geom(geom), mask_safe=Map.from_geom(geom, dtype=bool)
    )
    for run in runs:
        safe = Map.from_geom(run.geom, data=np.ones(run.data_shape, bool)) if run.mask_safe is None else run.mask_safe
        counts, background = run.required("counts"), run.npred_background()
        stack.stack(MapDataset(counts=counts, background=background, mask_safe=safe))
    return stack


def common_geom(geoms: list[WcsGeom]) -> WcsGeom:
    """Return the smallest geometry that holds geometries cut from the same pixels.

    Examples
    --------
    >>> whole = WcsGeom.create(npix=(9, 5), binsz=1)
    >>> parts = [whole.pad((0, -1)), whole.pad((-3, 0))]
    >>> common_geom(parts) == whole
    True
    """
    sky = geoms[0].sky
    if not all(is_tiled(sky, geom.sky) for geom in geoms):
        msg = "the runs lie on different pixels; make them on one geometry or on cutouts of it"
        raise GeometryError(msg)
    starts = np.rint([(sky.wcs.wcs.crpix - geom.sky.wcs.wcs.crpix)[::-1] for geom in geoms]).astype(int)
    low, high = starts.min(axis=0), (starts + [geom.sky.shape for geom in geoms]).max(axis=0)
    (y, x), (ny, nx) = low.tolist(), (high - low).tolist()
    return WcsGeom(sky.cutout((y, x), (ny, nx)), axes=geoms[0].axes)


def _circles(area: BoolArray, significance: Map) -> list[ExclusionEntry]:
    """Return the smallest circle around the mean position of each area that holds all its pixels."""
    from scipy import ndimage

    geom = significance.geom
    labels, n = ndimage.label(area, np.ones((3, 3)))
    order = np.argsort([-np.nanmax(significance.data[labels == i]) for i in range(1, n + 1)]) + 1
    return [
        ExclusionEntry(_circle(labels == i, geom).to_region(), f"suggested {number}", "suggested")
        for number, i in enumerate(order, start=1)
    ]


def _circle(area: BoolArray, geom: WcsGeom) -> SkyShape:
    y, x = np.nonzero(area)
    lon, lat = (
        float(np.ravel(c.value)[0]) for c in geom.pix_to_coord((np.array([x.mean()]), np.array([y.mean()])))[:2]
    )
    center = SkyShape("Point", geom.frame, (lon,), (lat,)).center
    reach = float(geom.separation(center).deg[area].max())
    half_pixel = float(geom.pixel_scales.deg.max()) / 2
    return SkyShape("Circle", geom.frame, (lon,), (lat,), (reach + half_pixel,))
