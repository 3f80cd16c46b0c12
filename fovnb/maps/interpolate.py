"""Values between the pixel centres: multilinear or nearest, on plain arrays.

Pixel coordinates count from 0 at the centre of the first pixel. Their arrays broadcast against each other, so that a
whole cube needs only two sky planes and one short array an axis. Outside the outermost centres the linear form goes on
with the last slope. A dimension of length 1 is constant.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.types import AnyArray

__all__ = ["interpolate"]


def interpolate(data: AnyArray, pixels: Sequence[AnyArray], method: str = "linear", scale: str = "lin") -> AnyArray:
    """Return the values at pixel coordinates.

    ``f(p) = sum over the 2^n corners c of w_c f_c``, with ``w_c`` the product over the dimensions of ``1 - t`` at the
    lower and ``t`` at the upper corner, ``t = p - floor(p)``; ``method="nearest"`` rounds ``t``, halves down.

    Parameters
    ----------
    data : array, n dimensions
        The values; what is not finite counts as 0.
    pixels : sequence of n arrays
        Pixel coordinates in the order of the data's dimensions; a NaN gives NaN.
    method : {"linear", "nearest"}
    scale : {"lin", "log", "sqrt"}
        Interpolate the values themselves, their logarithm (from the smallest float up) or their square root.

    Raises
    ------
    InvalidInputError
        If the method or the scale does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> interpolate(np.array([0.0, 10.0, 30.0]), [np.array([0.5, 1.5, 3.0])])
    array([ 5., 20., 50.])
    """
    if method not in ("linear", "nearest"):
        msg = f"no interpolation method {method!r}; choose 'linear' or 'nearest'"
        raise InvalidInputError(msg)
    corners = list(product(*(_neighbours(p, n, method) for p, n in zip(pixels, data.shape, strict=True))))
    # A few points of a large array: only the values that they need are prepared.
    few = len(corners) * np.broadcast(*pixels).size < data.size
    values = data if few else _prepared(data, scale)
    result: Any = 0.0
    for corner in corners:
        weight: Any = 1.0
        for _, w in corner:
            weight = weight * w
        value = values[tuple(index for index, _ in corner)]
        result = result + weight * (_prepared(value, scale) if few else value)
    return _unscaled(np.asarray(result), scale)


def _neighbours(pixel: AnyArray, size: int, method: str) -> list[tuple[AnyArray, Any]]:
    """Return (index, weight) of the one or two pixels that count along one dimension."""
    pixel = np.asarray(pixel, dtype=float)
    if size == 1:
        return [(np.zeros(pixel.shape, dtype=int), 1.0)]
    near = np.rint(pixel)
    if np.all((pixel == near) & (near >= 0) & (near < size)):
        return [(near.astype(int), 1.0)]
    low = np.clip(np.floor(np.nan_to_num(pixel)), 0, size - 2).astype(int)
    part = pixel - low
    if method == "nearest":
        return [(low + (part > 0.5), np.where(np.isnan(part), np.nan, 1.0))]
    return [(low, 1 - part), (low + 1, part)]


def _prepared(data: AnyArray, scale: str) -> AnyArray:
    """Return the values as floats on the scale of the interpolation, 0 for what is not finite."""
    return _scaled(np.where(np.isfinite(data), data, 0).astype(np.result_type(data, np.float32), copy=False), scale)


def _scaled(values: AnyArray, scale: str) -> AnyArray:
    """Return the values as they are interpolated."""
    if scale == "lin":
        return values
    if scale == "log":
        return np.asarray(np.log(np.maximum(values, np.finfo(values.dtype).tiny)))
    if scale == "sqrt":
        return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))
    msg = f"no values_scale {scale!r}; choose 'lin', 'log' or 'sqrt'"
    raise InvalidInputError(msg)


def _unscaled(values: AnyArray, scale: str) -> AnyArray:
    """Undo `_scaled`; what was 0 or less comes back from the logarithm as 0."""
    if scale == "log":
        values = np.exp(values)
        return np.where(values <= 2 * np.finfo(values.dtype).tiny, 0, values)
    return values**2 if scale == "sqrt" else values
