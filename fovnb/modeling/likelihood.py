"""The Cash statistic: -2 ln L of Poisson counts when the prediction is known."""

import numpy as np

from fovnb.errors import PredictionError
from fovnb.types import FloatArray

__all__ = ["cash", "cash_sum"]


def cash(counts: FloatArray, npred: FloatArray) -> float:
    """Return the Cash statistic, ``2 * sum(npred - counts * log(npred))``.

    Cash 1979, ApJ 228, 939, eq. 5, without the term that only depends on the data.

    Parameters
    ----------
    counts, npred : array, of one shape
        Observed counts, and predicted counts, positive wherever there are counts.

    Raises
    ------
    PredictionError
        If a prediction is negative, infinite or NaN, or counts were seen where none are predicted.

    Examples
    --------
    >>> cash(np.array([0.0, 1.0]), np.array([2.0, 1.0]))
    6.0
    """
    impossible = ~((npred >= 0) & (npred < np.inf)) | ((counts > 0) & (npred == 0))
    if impossible.any():
        msg = (
            f"{impossible.sum()} of {npred.size} bins predict less than nothing, infinity or NaN, or nothing where "
            "counts were seen; mask them or give the background model a floor"
        )
        raise PredictionError(msg)
    # 0 * log(0) is 0: an empty bin that predicts nothing costs nothing.
    log_npred = np.log(npred, where=npred > 0, out=np.zeros(npred.shape))
    return float(2 * (npred - counts * log_npred).sum())


cash_sum = cash  # Gammapy's name for the sum
