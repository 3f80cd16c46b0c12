"""Which parameters, or combinations of them, the data leave open, in words."""

from collections.abc import Sequence

import numpy as np

from fovnb.types import FloatArray

__all__ = ["advice", "open_directions", "open_words"]

_NODES = "put nodes at the centres of bins that hold enough counts"
_OTHERS = "freeze one parameter of the combination or use more energy bins"


def open_directions(null_space: FloatArray) -> FloatArray:
    """Return the same space spanned by vectors of few parameters, as rows, shape (d, U), their largest entry 1.

    Gauss-Jordan elimination with pivoting: each row's largest entry is 0 in all others.

    Examples
    --------
    >>> open_directions(np.array([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]])).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    rows = null_space.T.copy()
    if not len(rows):
        return rows
    for i in range(len(rows)):
        pivot = int(np.argmax(np.abs(rows[i]) > 0.9 * np.abs(rows[i]).max()))
        rows[i] /= rows[i, pivot]
        others = np.arange(len(rows)) != i
        rows[others] -= np.outer(rows[others, pivot], rows[i])
    rows /= np.abs(rows).max(axis=1, keepdims=True)
    rows[np.abs(rows) < 1e-8] = 0
    return rows[np.lexsort(-np.abs(rows.T)[::-1])]


def open_words(direction: FloatArray, names: Sequence[str]) -> str:
    """Return a parameter's name, or what is open of several: a combination, of the norms' logarithms.

    Examples
    --------
    >>> open_words(np.array([0.0, 1.0]), ["norm_0", "norm_1"])
    'norm_1'
    >>> open_words(np.array([1.0, -1.0]), ["norm_0", "norm_1"])
    'the alternating combination ln(norm_0) - ln(norm_1)'
    """
    index = np.flatnonzero(direction).tolist()
    if len(index) == 1:
        return names[index[0]]
    values = direction[index] * np.sign(direction[index[0]])
    terms = [f"{'-' if v < 0 else '+'} {_factor(abs(v))}{_theta(names[i])}" for i, v in zip(index, values, strict=True)]
    combination = " ".join(terms).removeprefix("+ ")
    alternating = _only_nodes(direction, names) and np.all(np.diff(np.sign(values)) != 0)
    return f"the {'alternating ' if alternating else ''}combination {combination}"


def advice(directions: FloatArray, names: Sequence[str]) -> tuple[str, ...]:
    """Return what to do about open combinations, shape (d, U), each advice once.

    Examples
    --------
    >>> advice(np.array([[1.0, 0.5], [0.0, 1.0]]), ["tilt", "norm"])
    ('freeze one parameter of the combination or use more energy bins',)
    """
    combined = [direction for direction in directions if np.count_nonzero(direction) > 1]
    return tuple(dict.fromkeys(_NODES if _only_nodes(one, names) else _OTHERS for one in combined))


def _only_nodes(direction: FloatArray, names: Sequence[str]) -> bool:
    return all(names[i].startswith("norm_") for i in np.flatnonzero(direction).tolist())


def _theta(name: str) -> str:
    return f"ln({name})" if name.startswith("norm") else name


def _factor(value: float) -> str:
    return "" if abs(value - 1) < 1e-6 else f"{value:.3g} "
