"""Which pixels: indices from users, the pixels that hold events, and the pixels of one geometry on another."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps.geom import WcsGeom
from fovnb.maps.window import is_tiled
from fovnb.types import AnyArray, BoolArray, IntArray

__all__ = ["event_coords", "fill", "inside", "overlap", "pixels_of", "rounded"]


def rounded(idx: Sequence[Any], ndim: int) -> tuple[IntArray, ...]:
    """Return pixel coordinates rounded to indices, in the order lon, lat, axes; NaN becomes -1.

    Raises
    ------
    InvalidInputError
        If their number is not that of the dimensions.

    Examples
    --------
    >>> rounded([1.4, 2], ndim=2)
    (array([1]), array([2]))
    """
    if len(idx) != ndim:
        msg = f"{len(idx)} index arrays given for a map of {ndim} dimensions (lon, lat, axes); give one for each"
        raise InvalidInputError(msg)
    arrays = [np.atleast_1d(i) for i in idx]
    return tuple(
        a.astype(int) if a.dtype.kind in "iu" else np.floor(np.nan_to_num(a, nan=-1.0) + 0.5).astype(int)
        for a in arrays
    )


def inside(idx: Sequence[AnyArray]) -> BoolArray:
    """Return where none of the indices is -1, broadcast together.

    Examples
    --------
    >>> inside([np.array([0, -1]), np.array([3, 3])])
    array([ True, False])
    """
    result: BoolArray = np.ones((), dtype=bool)
    for i in idx:
        result = result & (i != -1)
    return result


def fill(data: AnyArray, idx: Sequence[AnyArray], weights: AnyArray | None = None) -> None:
    """Add 1, or the weights, in place to the pixels at indices (lon, lat, axes), once for each; -1 adds nothing.

    Raises
    ------
    InvalidInputError
        If an index lies outside the data.

    Examples
    --------
    >>> counts = np.zeros((2, 2))
    >>> fill(counts, [np.array([0, 0, -1]), np.array([1, 1, 1])])
    >>> counts
    array([[0., 0.],
           [2., 0.]])
    """
    arrays = np.broadcast_arrays(*idx)
    used = inside(arrays)
    try:
        flat = np.ravel_multi_index([i[used] for i in arrays[::-1]], data.shape)
    except ValueError as error:
        msg = f"some indices lie outside a map of shape {data.shape[::-1]} (lon, lat, axes); mark these by -1"
        raise InvalidInputError(msg) from error
    pixels, inverse = np.unique(flat, return_inverse=True)
    sums = np.bincount(inverse, None if weights is None else np.broadcast_to(weights, used.shape)[used])
    data.flat[pixels] += sums.astype(data.dtype)


def event_coords(events: Any, geom: WcsGeom) -> dict[str, Any]:
    """Return the coordinates of the events of an event list along all dimensions of a geometry.

    Raises
    ------
    GeometryError
        If the geometry has an axis that is neither "energy" nor a column of the events.
    """
    if geom.frame == "icrs" and hasattr(events, "lon_deg"):
        coords = {"lon": events.lon_deg, "lat": events.lat_deg}
    else:
        coords = {"skycoord": events.radec}
    for name in geom.axes.names:
        if name != "energy" and name.upper() not in events.table.colnames:
            msg = f"the events have no {name!r} for that axis of the map; their columns are {events.table.colnames}"
            raise GeometryError(msg)
        coords[name] = events.energy if name == "energy" else events.table[name.upper()].quantity
    return coords


def overlap(part: WcsGeom, parent: WcsGeom, mode: str) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the slices of a geometry's data and of its cutout's data that are the same pixels."""
    slices = part.cutout_slices(parent, mode=mode)
    return (..., *slices["parent-slices"]), (..., *slices["cutout-slices"])


def pixels_of(target: WcsGeom, source: WcsGeom) -> tuple[AnyArray, ...]:
    """Return where the pixel centres of one geometry lie on another: coordinates (lon, lat, axes) that broadcast.

    Axes are matched by name.

    Raises
    ------
    GeometryError
        If the target lacks an axis of the source.
    """
    missing = [name for name in source.axes.names if name not in target.axes.names]
    if missing:
        msg = (
            f"the map has axes {missing} that the new geometry lacks (it has {target.axes.names}); sum over them first"
        )
        raise GeometryError(msg)
    pixels = _sky_pixels_of(target, source)
    for axis in source.axes:
        shape = [1] * len(target.data_shape)
        shape[target.axes.index_data(axis.name)] = -1
        pixels += (axis.coord_to_pix(target.axes[axis.name].center).reshape(shape),)
    return pixels


def _sky_pixels_of(target: WcsGeom, source: WcsGeom) -> tuple[AnyArray, ...]:
    """Return the sky part of `pixels_of`; grids that tile need no sky, and a change of frame is one rotation."""
    if is_tiled(source.sky, target.sky):
        x, y = np.rint(source.wcs.wcs.crpix - target.wcs.wcs.crpix)
        ny, nx = target.sky.shape
        return x + np.arange(nx)[np.newaxis], y + np.arange(ny)[:, np.newaxis]
    same = source.frame == target.frame
    lonlat = target.sky.lonlat_deg if same else _lonlat_deg(target.sky.xyz, source.frame)
    return tuple(source.wcs.wcs_world2pix(*lonlat, 0))


def _lonlat_deg(xyz: AnyArray, frame: str) -> tuple[AnyArray, AnyArray]:
    """Return longitude and latitude in a frame, deg, of ICRS unit vectors of shape (3, ...)."""
    axes = SkyCoord(*np.eye(3), frame=frame, representation_type="cartesian").icrs.cartesian.xyz.value
    x, y, z = np.tensordot(axes.T, xyz, 1)
    return np.rad2deg(np.arctan2(y, x)), np.rad2deg(np.arctan2(z, np.hypot(x, y)))
