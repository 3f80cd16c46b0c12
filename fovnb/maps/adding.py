"""Adding arrays in place, also where their types differ, in little more memory than they are in.

What must be converted is converted in blocks that stay in the processor's cache.
"""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from fovnb.maps.core import finite_or_zero
from fovnb.types import AnyArray, BoolArray

__all__ = ["add", "blocks", "scratch"]

_BLOCK = 2**16


def add(
    target: AnyArray, values: AnyArray, weights: Any = True, factors: Sequence[Any] = (), nan_to_num: bool = True
) -> None:
    """Add the product of values, factors and weights to the target, in place.

    The product and the sum are made in the wider of the types, and rounded once to that of the target.

    Parameters
    ----------
    target, values : array
        Of one shape, two dimensions or more.
    weights : bool or array
        Broadcasts to the target. Where it is False nothing is added, whatever the value.
    factors : sequence of float or array
        Each one number or, of three dimensions or more, one along the first axis: shape (n, 1, ..., 1).
    nan_to_num : bool
        Add 0 in place of what is not finite.

    Raises
    ------
    TypeError
        If the target's type cannot hold the sum.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> target = np.zeros((2, 1, 2), dtype=np.float32)
    >>> add(target, np.ones((2, 1, 2)), weights=np.array([True, False]), factors=[np.array([[[2.0]], [[3.0]]])])
    >>> target
    array([[[2., 0.]],
    <BLANKLINE>
           [[3., 0.]]], dtype=float32)
    """
    weights = np.asarray(weights)
    if weights.dtype != bool:
        values = prod(factors, start=values)
        values, weights, factors = (finite_or_zero(values) if nan_to_num else values) * weights, np.asarray(True), ()
    kind = np.result_type(values, *factors)
    if kind == target.dtype == bool:
        target |= values & weights if weights.ndim else values
    elif kind == target.dtype and not factors:
        np.add(target, finite_or_zero(values) if nan_to_num else values, out=target, where=weights)
    elif target.ndim == 2:
        _add_in_blocks(target[np.newaxis], values[np.newaxis], weights, factors, nan_to_num)
    else:
        _add_in_blocks(target, values, weights, factors, nan_to_num)


def _add_in_blocks(
    target: AnyArray, values: AnyArray, weights: BoolArray, factors: Sequence[Any], nan_to_num: bool
) -> None:
    kind = np.result_type(values, *factors)
    weights = np.broadcast_to(weights, target.shape)
    along = (len(values), *(1,) * (values.ndim - 1))
    scales = [np.broadcast_to(np.asarray(factor, dtype=kind), along) for factor in factors]
    product, total = scratch(values, kind), scratch(values, np.result_type(kind, target))
    for block in blocks(values):
        value, added, used = values[block], total[: len(values[block])], weights[block]
        if not used.any():
            continue
        for scale in scales:
            value = np.multiply(value, scale[block], out=product[: len(value)])
        added[...] = target[block]
        added += finite_or_zero(value) if nan_to_num else value
        np.copyto(target[block], added, where=used, casting="same_kind")


def blocks(array: AnyArray) -> Iterator[slice]:
    """Give the parts of an array along its first axis that are worked on one by one: 65536 values, or one plane.

    Examples
    --------
    >>> list(blocks(np.empty((3, 200, 200))))
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    step = _planes(array)
    return (slice(start, start + step) for start in range(0, len(array), step))


def scratch(array: AnyArray, dtype: Any) -> AnyArray:
    """Return an empty array that holds what is computed of one block of an array.

    Examples
    --------
    >>> scratch(np.empty((3, 200, 200)), float).shape
    (1, 200, 200)
    """
    return np.empty((min(_planes(array), len(array)), *array.shape[1:]), dtype)


def _planes(array: AnyArray) -> int:
    """Return how many planes make a block."""
    return max(1, _BLOCK // max(1, prod(array.shape[1:])))
