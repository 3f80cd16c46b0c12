"""Fewer, more or other pixels: block sums, splines, padding, and widths in pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps.geom import WcsGeom
from fovnb.types import AnyArray

__all__ = ["downsample", "grown", "in_pixels", "pad", "upsample"]


def downsample(data: AnyArray, shape: tuple[int, ...], preserve_counts: bool, weights: Any = None) -> AnyArray:
    """Return the sum, or the weighted mean, of blocks of pixels, NaN left out.

    The mean is ``sum(w d) / sum(w)``, 0 where no block has a weight.

    Parameters
    ----------
    data : array
    shape : tuple of int
        Of the result; every entry divides that of the data.
    preserve_counts : bool
        Sum rather than mean.
    weights : array, optional
        Broadcast to the data; 1 by default.

    Examples
    --------
    >>> import numpy as np
    >>> downsample(np.array([1.0, 3.0, 5.0, np.nan]), (2,), preserve_counts=True)
    array([4., 5.])
    """
    weights = np.broadcast_to(np.ones((), data.dtype) if weights is None else weights, data.shape)
    total = _block_sum(data * weights, shape)
    if not preserve_counts:
        norm = _block_sum(weights, shape)
        total = np.divide(total, norm, out=np.zeros(shape), where=norm != 0)
    return total.astype(data.dtype)


def upsample(data: AnyArray, shape: tuple[int, ...], factor: int, order: int) -> AnyArray:
    """Return the data on finer pixels: those of the nearest old pixel (order 0), or on splines through the old centres.

    Along the dimensions that grow to ``shape``, new pixel i lies at old pixel ``(i - (factor - 1) / 2) / factor``.

    Examples
    --------
    >>> import numpy as np
    >>> upsample(np.array([1.0, 3.0]), (4,), factor=2, order=1)
    array([1. , 1.5, 2.5, 3. ])
    """
    from scipy import ndimage

    old = [
        np.arange(n, dtype=float) if n == before else (np.arange(n) - 0.5 * (factor - 1)) / factor
        for n, before in zip(shape, data.shape, strict=True)
    ]
    if order == 0:
        return np.asarray(data[np.ix_(*(np.floor(pixel + 0.5).astype(int) for pixel in old))])
    return np.asarray(ndimage.map_coordinates(data, np.meshgrid(*old, indexing="ij"), order=order, mode="nearest"))


def pad(data: AnyArray, width: Sequence[tuple[int, int]], mode: str, cval: float) -> AnyArray:
    """Return the data with more pixels, of value ``cval`` or as at the edge.

    ``width`` has the numbers before and after for the last dimensions; the others stay.

    Raises
    ------
    InvalidInputError
        If the mode is not "constant" or "edge".

    Examples
    --------
    >>> import numpy as np
    >>> pad(np.array([1, 2]), [(1, 2)], "edge", 0)
    array([1, 1, 2, 2, 2])
    """
    width = [(0, 0)] * (data.ndim - len(width)) + list(width)
    if mode == "constant":
        return np.pad(data, width, constant_values=cval)
    if mode == "edge":
        return np.pad(data, width, mode="edge")
    msg = f"no padding mode {mode!r}; choose 'constant' or 'edge'"
    raise InvalidInputError(msg)


def grown(geom: WcsGeom, x: int, y: int) -> WcsGeom:
    """Return a geometry with x and y more pixels, or fewer if negative, on both sides.

    Raises
    ------
    GeometryError
        If none would be left.

    Examples
    --------
    >>> grown(WcsGeom.create(npix=(4, 3), binsz=1), 2, -1).data_shape
    (1, 8)
    """
    ny, nx = (n + 2 * more for n, more in zip(geom.sky.shape, (y, x), strict=True))
    if min(nx, ny) < 1:
        msg = f"a map of {geom.sky.shape} pixels (lat, lon) cannot lose {(-y, -x)} on each side; crop less"
        raise GeometryError(msg)
    return WcsGeom(geom.sky.cutout((-y, -x), (ny, nx)), axes=geom.axes)


def in_pixels(width: Any, scale: u.Quantity) -> AnyArray:
    """Return a width, or a pair, in pixels of size ``scale``: numbers are, angles are divided by it.

    Raises
    ------
    InvalidInputError
        If it is neither.

    Examples
    --------
    >>> float(in_pixels("0.5 deg", 0.1 * u.deg)), float(in_pixels(3, 0.1 * u.deg))
    (5.0, 3.0)
    """
    try:
        quantity = u.Quantity(width, copy=None)
        return np.asarray((quantity / (scale if quantity.unit.is_equivalent("deg") else 1)).to_value(""))
    except (TypeError, ValueError) as error:
        msg = f"{width!r} is no width; give a number of pixels or an angle such as '0.1 deg'"
        raise InvalidInputError(msg) from error


def _block_sum(data: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Return the sums of blocks, NaN left out."""
    split = [n for new, old in zip(shape, data.shape, strict=True) for n in (new, old // new)]
    return np.asarray(np.nansum(data.reshape(split), axis=tuple(range(1, 2 * len(shape), 2))))
