"""The scales on which an axis is even, linear interpolation between its nodes on them, and rounding to pixels."""

from typing import Any

import numpy as np

from fovnb.types import AnyArray, FloatArray, IntArray

__all__ = ["SCALES", "from_scale", "interpolate", "nearest_idx", "to_scale"]

SCALES = ("lin", "log", "sqrt")


def to_scale(values: AnyArray, interp: str) -> FloatArray:
    """Return the values on the scale; the logarithm of what is not positive is that of the smallest positive float.

    Examples
    --------
    >>> to_scale(np.array([1.0, 4.0]), "sqrt")
    array([1., 2.])
    """
    values = np.asarray(values, dtype=float)
    if interp == "log":
        return np.log(np.maximum(values, np.finfo(float).tiny))
    if interp == "sqrt":
        return np.sign(values) * np.sqrt(np.abs(values))
    return values


def from_scale(scaled: FloatArray, interp: str) -> FloatArray:
    """Undo `to_scale`; what the logarithm took for zero is zero again.

    Examples
    --------
    >>> from_scale(to_scale(np.array([0.0, 3.0]), "log"), "log").round(9)
    array([0., 3.])
    """
    if interp == "log":
        values = np.exp(scaled)
        return np.where(values <= 2 * np.finfo(float).tiny, 0.0, values)
    return np.asarray(np.square(scaled)) if interp == "sqrt" else scaled


def interpolate(at: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Interpolate linearly in y(x), x increasing; go on with the first and last slope outside; one node is constant.

    Examples
    --------
    >>> interpolate(np.array([-1.0, 0.5, 3.0]), np.array([0.0, 1.0, 2.0]), np.array([0.0, 10.0, 30.0]))
    array([-10.,   5.,  50.])
    """
    if len(x) == 1:
        return np.where(np.isnan(at), at, y[0])
    low = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    # Two weights instead of one slope: nodes come back exactly, and events on a bin's edge fall as they do in Gammapy.
    per_step = 1 / (x[low + 1] - x[low])
    return np.asarray(per_step * (x[low + 1] - at) * y[low] + per_step * (at - x[low]) * y[low + 1])


def nearest_idx(pix: Any, size: int, clip: bool) -> IntArray:
    """Return pixel coordinates rounded to one of ``size`` pixels: -1 outside, or the nearest with ``clip``.

    What is not finite gets -1 either way.

    Examples
    --------
    >>> nearest_idx([-0.5, 1.4, 2.5], 3, clip=False)
    array([ 0,  1, -1])
    """
    values = np.atleast_1d(np.asarray(pix, dtype=float))
    finite = np.isfinite(values)
    idx = np.floor(np.where(finite, values, -1) + 0.5).astype(np.intp)
    inside = finite if clip else finite & (idx >= 0) & (idx < size)
    return np.where(inside, np.clip(idx, 0, size - 1), -1)
