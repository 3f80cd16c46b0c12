"""Which parameters, or combinations of them, the data leave open, in words."""

from collections.abc import Sequence

import numpy as np

from fovnb.types import FloatArray

__all__ = ["open_directions", "open_words"]


def open_directions(null_space: FloatArray) -> FloatArray:
    """Return the same space spanned by vectors of few parameters, as rows, shape (d, U), their largest entry 1.

    Gauss-Jordan elimination with pivoting: each row's largest entry is 0 in all others.

    Examples
    --------
    >>> open_directions(np.array([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    rows = null_space.T.copy()
    for i in range(len(rows)):
        pivot = int(np.argmax(np.abs(rows[i]) > 0.9 * np.abs(rows[i]).max()))
        rows[i] /= rows[i, pivot]
        others = np.arange(len(rows)) != i
        rows[others] -= np.outer(rows[others, pivot], rows[i])
    rows /= np.abs(rows).max(axis=1, initial=1e-300, keepdims=True)
    rows[np.abs(rows) < 1e-8] = 0
    return rows[np.lexsort(-np.abs(rows.T)[::-1])] if len(rows) > 1 else rows


def open_words(direction: FloatArray, names: Sequence[str]) -> str:
    """Return a parameter's name, or a sentence about a combination (of the norms' logarithms).

    Examples
    --------
    >>> open_words(np.array([0.0, 1.0]), ["norm_0", "norm_1"])
    'norm_1'
    >>> open_words(np.array([1.0, -1.0]), ["norm_0", "norm_1"])
    'the alternating combination norm_0 - norm_1; put nodes at the centres of bins that hold enough counts'
    """
    index = np.flatnonzero(direction).tolist()
    if len(index) == 1:
        return names[index[0]]
    values = direction[index] * np.sign(direction[index[0]])
    terms = [f"{'-' if v < 0 else '+'} {_factor(abs(v))}{names[i]}" for i, v in zip(index, values, strict=True)]
    combination = " ".join(terms).removeprefix("+ ")
    alternating = np.all(np.diff(np.sign(values)) != 0)
    if all(names[i].startswith("norm_") for i in index):
        kind = "the alternating combination" if alternating else "the combination"
        return f"{kind} {combination}; put nodes at the centres of bins that hold enough counts"
    return f"the combination {combination}; freeze one of them or use more energy bins"


def _factor(value: float) -> str:
    return "" if abs(value - 1) < 1e-6 else f"{value:.3g} "
