"""Where the norm is known best: the decorrelation energy and the norm there."""

import numpy as np

from fovnb.modeling.models import FoVBackgroundModel
from fovnb.modeling.reduced import log_tangent
from fovnb.modeling.solve import Solution
from fovnb.types import FloatArray

__all__ = ["pivot_energy", "pivot_norm"]


def pivot_energy(energy: FloatArray, predicted: FloatArray) -> float:
    """Return ``exp(sum_k P_k ln E_k / sum_k P_k)`` [TeV].

    There norm and tilt of a power law are uncorrelated, since the second derivatives of ln L are A diag(P) A^T with the
    columns (1, -ln E_k/E0) of A. For other norms it is where most counts are expected.

    Parameters
    ----------
    energy, predicted : array, shape (K,)
        Bin centres [TeV] and P_k, not all 0.

    Examples
    --------
    >>> round(pivot_energy(np.array([1.0, 4.0]), np.array([5.0, 5.0])), 6)
    2.0
    """
    return float(np.exp((predicted * np.log(energy)).sum() / predicted.sum()))


def pivot_norm(model: FoVBackgroundModel, solution: Solution, energy: float) -> tuple[float, float]:
    """Return the norm at an energy and its error, ``n sqrt(J C J^T)`` with J the derivatives of ln n with theta.

    The error is infinite where the data leave the norm at this energy open.

    Parameters
    ----------
    model : FoVBackgroundModel
        With the solution's values.
    energy : float
        In TeV.
    """
    spectral, problem = model.spectral_model, solution.problem
    here = np.array([energy])
    link = problem.place[:, None] == np.arange(len(problem.labels))
    slopes = log_tangent(spectral, here)[1][0] @ link
    with np.errstate(over="ignore"):
        norm = float(spectral.evaluate_tev(here)[0])
    null = solution.null_space
    is_open = null.size and np.abs(slopes @ null).max() > 1e-6 * np.abs(slopes).max()
    return norm, np.inf if is_open else norm * float(np.sqrt(slopes @ solution.covariance @ slopes))
