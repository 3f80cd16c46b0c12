"""Linear interpolation on an axis, as weights: values at any points are a matrix product with the values at the nodes.

The nodes of an axis are its bin centres, on the axis's own scale (linear, or the logarithm). Between the outermost node
and the outermost edge the line through the last two nodes goes on; an axis of one bin is constant.
"""

import numpy as np

from fovnb.maps import MapAxis
from fovnb.types import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["bracket", "inside", "weights"]


def inside(axis: MapAxis, x: FloatArray) -> BoolArray:
    """Return where the points lie on the axis, both outer edges included; NaN does not."""
    edges = axis.edges.value
    return np.asarray((x >= edges[0]) & (x <= edges[-1]))


def bracket(axis: MapAxis, x: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return ``lo``, ``hi`` and ``f``: the value at ``x`` is ``(1 - f) * values[lo] + f * values[hi]``.

    Parameters
    ----------
    axis : MapAxis
        Axis with n nodes.
    x : array of any shape
        Points, in the unit of the axis. Beyond the nodes ``f`` lies outside 0 to 1.

    Examples
    --------
    >>> axis = MapAxis.from_nodes([1, 10, 100], interp="log", name="energy", unit="TeV")
    >>> lo, hi, f = bracket(axis, np.array([10**1.5]))
    >>> int(lo[0]), int(hi[0]), round(float(f[0]), 12)
    (1, 2, 0.5)
    """
    nodes, points = _scaled(axis, axis.center.value), _scaled(axis, x)
    if len(nodes) == 1:
        zero = np.zeros(points.shape, dtype=np.intp)
        return zero, zero, np.zeros(points.shape)
    lo = np.clip(np.searchsorted(nodes, points, side="right") - 1, 0, len(nodes) - 2)
    return lo, lo + 1, (points - nodes[lo]) / np.diff(nodes)[lo]


def weights(axis: MapAxis, x: FloatArray, beyond: bool = False) -> FloatArray:
    """Return the weights of the nodes at the points, shape (nodes, points): ``values @ weights(axis, x)``.

    Parameters
    ----------
    axis : MapAxis
        Axis with n nodes.
    x : array, shape (points,)
        Points, in the unit of the axis.
    beyond : bool
        Whether the line through the last two nodes goes on beyond the edges of the axis; else the value is 0 there.

    Examples
    --------
    >>> axis = MapAxis.from_nodes([0, 1, 2], name="offset", unit="deg")
    >>> weights(axis, np.array([0.25, 2.0, 3.0]))
    array([[0.75, 0.  , 0.  ],
           [0.25, 0.  , 0.  ],
           [0.  , 1.  , 0.  ]])
    """
    use = np.isfinite(x) if beyond else inside(axis, x)
    nodes = _scaled(axis, axis.center.value)[:, np.newaxis]
    # How far each step from node to node has been climbed; a node's weight is how much less the next step has.
    climbed = np.where(use, _scaled(axis, x), nodes[0]) - nodes[:-1]
    climbed /= np.diff(nodes, axis=0)
    np.maximum(climbed[1:], 0, out=climbed[1:])
    np.minimum(climbed[:-1], 1, out=climbed[:-1])
    matrix = np.empty((axis.nbin, x.size))
    matrix[0], matrix[1:] = use, climbed
    matrix[:-1] -= climbed
    return matrix


def _scaled(axis: MapAxis, x: AnyArray) -> FloatArray:
    """Return the points on the scale of the axis; what has no logarithm lies far below."""
    x = np.asarray(x, dtype=float)
    return np.log(np.maximum(x, np.finfo(float).tiny)) if axis.interp == "log" else x
