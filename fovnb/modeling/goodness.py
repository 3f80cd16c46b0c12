"""How well a fitted norm describes the counts: the deviance and its probability."""

import numpy as np

from fovnb.types import FloatArray

__all__ = ["chi2_p_value", "deviance", "toy_p_value"]


def deviance(counts: FloatArray, predicted: FloatArray) -> FloatArray:
    """Return ``D = 2 sum_k [P_k - N_k + N_k ln(N_k / P_k)]``, 0 where the prediction is what was seen.

    Baker & Cousins 1984, NIM 221, 437, eq. 4. A bin without counts adds 2 P_k; one with counts where nothing is
    predicted makes D infinite.

    Parameters
    ----------
    counts, predicted : array, shape (..., K)
        N and P.

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> float(deviance(np.array([0.0, 3.0]), np.array([1.5, 3.0])))
    3.0
    """
    if counts.shape != predicted.shape:
        counts, predicted = np.broadcast_arrays(counts, predicted)
    seen = counts > 0
    ratio = np.divide(counts, predicted, where=seen & (predicted > 0), out=np.where(seen, np.inf, 1.0))
    terms = predicted - counts + counts * np.log(ratio)
    return np.asarray(2 * np.maximum(terms, 0).sum(axis=-1))  # each is positive but for rounding


def chi2_p_value(deviance: float, dof: int) -> float:
    """Return the probability of a larger chi2 with so many degrees of freedom; NaN with none.

    Examples
    --------
    >>> round(chi2_p_value(2.0, 2), 6)  # exp(-1)
    0.367879
    """
    from scipy.special import gammaincc

    return float(gammaincc(dof / 2, deviance / 2)) if dof > 0 else np.nan


def toy_p_value(deviance: float, toys: FloatArray) -> float:
    """Return the fraction of T toys and this one whose deviance is no smaller; NaN without toys.

    Counts are whole numbers, so that toys can repeat a deviance but for rounding.

    Examples
    --------
    >>> toy_p_value(2.0, np.array([1.0, 2.0, 5.0]))
    0.75
    """
    return float((1 + np.sum(toys >= deviance - 1e-9 * (1 + deviance))) / (1 + len(toys))) if len(toys) else np.nan
