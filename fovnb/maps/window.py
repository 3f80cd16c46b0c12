"""Windows of a sky grid: where a cutout lies in the grid that it was taken from."""

import math
from typing import Any, TypeAlias

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs.utils import proj_plane_pixel_scales, skycoord_to_pixel

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps.checks import check_choice
from fovnb.maps.create import lonlat_pair
from fovnb.maps.sky import SkyGrid

__all__ = ["is_same", "is_tiled", "overlap", "window"]

_Pair: TypeAlias = tuple[int, int]

_MODES = ("trim", "partial", "strict")
# Flags of wcslib's wcscompare: leave out remarks such as dates; allow reference pixels that differ by whole numbers.
_NO_REMARKS, _TILING = 1, 2


def is_same(sky: SkyGrid, other: SkyGrid, tolerance: float = 1e-6) -> bool:
    """Return whether two grids have the same pixels."""
    same = sky.shape == other.shape
    return sky is other or (same and bool(sky.wcs.wcs.compare(other.wcs.wcs, cmp=_NO_REMARKS, tolerance=tolerance)))


def is_tiled(sky: SkyGrid, other: SkyGrid, tolerance: float = 1e-6) -> bool:
    """Return whether two grids have the same pixels where they overlap."""
    return bool(sky.wcs.wcs.compare(other.wcs.wcs, cmp=_NO_REMARKS | _TILING, tolerance=tolerance))


def window(sky: SkyGrid, position: SkyCoord, width: Any, mode: str, min_npix: int, odd_npix: bool) -> SkyGrid:
    """Return the part of the grid around a position; see `WcsGeom.cutout`."""
    if not (isinstance(position, SkyCoord) and position.size == 1):
        msg = f"the position of a cutout is {position!r}; give one SkyCoord"
        raise InvalidInputError(msg)
    scales = proj_plane_pixel_scales(sky.wcs)
    npix = np.maximum(np.divide(lonlat_pair(width, "width"), scales), min_npix)
    npix = np.ceil(npix) // 2 * 2 + 1 if odd_npix else np.round(npix)
    x, y = (float(np.ravel(p)[0]) for p in skycoord_to_pixel(position, sky.wcs))
    if not np.isfinite([x, y]).all():
        msg = (
            f"the cutout's position {position.to_string('decimal')} is not on the map's projection; give one on the map"
        )
        raise GeometryError(msg)
    shape = (int(npix[1]), int(npix[0]))
    start = (math.ceil(y - shape[0] / 2), math.ceil(x - shape[1] / 2))
    common = _common(start, shape, sky.shape, mode)
    if mode == "trim":
        (y0, y1), (x0, x1) = ((s.start, s.stop) for s in common)
        start, shape = (y0, x0), (y1 - y0, x1 - x0)
    return sky.cutout(start, shape)


def overlap(sky: SkyGrid, parent: SkyGrid, mode: str) -> dict[str, tuple[slice, slice]]:
    """Return the slices of the parent and of the window that hold the same pixels; see `WcsGeom.cutout_slices`."""
    if not is_tiled(sky, parent):
        msg = (
            f"the pixels of {sky.wcs.wcs.cdelt} deg around {sky.wcs.wcs.crval} do not coincide with those of "
            f"{parent.wcs.wcs.cdelt} deg around {parent.wcs.wcs.crval}; make the map with cutout, or interpolate it"
        )
        raise GeometryError(msg)
    x, y = (round(c) for c in parent.wcs.wcs.crpix - sky.wcs.wcs.crpix)
    common = _common((y, x), sky.shape, parent.shape, mode)
    rows, columns = common
    in_window = slice(rows.start - y, rows.stop - y), slice(columns.start - x, columns.stop - x)
    return {"parent-slices": common, "cutout-slices": in_window}


def _common(start: _Pair, shape: _Pair, full: _Pair, mode: str) -> tuple[slice, slice]:
    """Return the slices of a full grid that a window starting at ``start`` covers."""
    check_choice("mode", mode, _MODES)
    rows, columns = (slice(max(o, 0), min(o + n, size)) for o, n, size in zip(start, shape, full, strict=True))
    inside = (rows.stop - rows.start, columns.stop - columns.start)
    if min(inside) <= 0 or (mode == "strict" and inside != shape):
        missed = "does not overlap" if min(inside) <= 0 else "reaches beyond"
        msg = (
            f"the window of {shape} pixels (lat, lon) from pixel {start} {missed} the map of {full} pixels; "
            "give a position on the map" + (" or mode='trim'" if mode == "strict" else "")
        )
        raise GeometryError(msg)
    return rows, columns
