"""Which run differs from all the others: each value against the mean of the rest, which scatters on its own.

Notation: run r of R, value v_r, its error e_r, intrinsic scatter s of the runs beside their errors.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray, BoolArray, FloatArray

__all__ = ["THREE_SIGMA", "OutlierTests", "ScatterFit", "after_trials", "fit_with_scatter", "outlier_tests"]

THREE_SIGMA = 0.0027
"""Probability beyond 3 sigma of a normal distribution, both sides: what is less likely is flagged."""

_FEWEST = 4  # of runs: with three the two others leave one degree of freedom for mean and scatter
_MAX_STEPS = 100


@dataclass(frozen=True, eq=False, repr=False)
class OutlierTests:
    """Each run against the others; what could not be tested is NaN and not flagged.

    Parameters
    ----------
    values, errors : array, shape (R,)
        v and e as given.
    mean_others, scatter_others : array, shape (R,)
        Weighted mean m_-r, and intrinsic scatter s_-r, of all runs but r.
    q, p_value : array, shape (R,)
        (v_r - m_-r) / sqrt(e_r^2 + s_-r^2 + Var m_-r), and its two-sided probability.
    p_trials : array, shape (R,)
        Probability that the oddest of so many runs is as odd as this, 1 - (1 - p)^R.
    flagged : boolean array, shape (R,)
        ``p_trials`` below 0.0027.
    chi2, chi2_p : float
        sum (v - m)^2 / e^2 about the weighted mean of all, without scatter, and its probability.
    reason : str
        What was tested, or why not.
    """

    values: FloatArray
    errors: FloatArray
    mean_others: FloatArray
    scatter_others: FloatArray
    q: FloatArray
    p_value: FloatArray
    p_trials: FloatArray
    flagged: BoolArray
    chi2: float
    chi2_p: float
    reason: str

    def evidence(self, r: int, name: str = "value") -> str:
        """Return in a sentence how run r compares with the others."""
        if np.isnan(self.q[r]):
            return f"{name} not compared with the others: {self.reason}"
        return (
            f"{name} {self.values[r]:.3g} ± {self.errors[r]:.2g} against {self.mean_others[r]:.3g} of the others, "
            f"which scatter by {self.scatter_others[r]:.2g}: {self.q[r]:+.1f} expected deviations, "
            f"chance {self.p_trials[r]:.1g} among all runs"
        )

    def __repr__(self) -> str:
        return text_summary("OutlierTests", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("OutlierTests", self._rows())

    def _rows(self) -> dict[str, object]:
        flagged = ", ".join(map(str, np.flatnonzero(self.flagged))) or "none"
        chi2 = f"{self.chi2:.4g} (p = {self.chi2_p:.2g})"
        return {"runs": len(self.values), "flagged": flagged, "chi2": chi2, "reason": self.reason}


def outlier_tests(values: AnyArray, errors: AnyArray) -> OutlierTests:
    """Compare each run with all others.

    With w = 1 / (e^2 + s^2), m_-r and s_-r solve sum w (v - m)^2 = R - 2 over the R - 1 other runs (Paule & Mandel
    1982, J. Res. NBS 87, 377), s_-r being 0 where the errors alone explain the differences;

        q_r = (v_r - m_-r) / sqrt(e_r^2 + s_-r^2 + Var m_-r)

    follows Student's t with R - 2 degrees of freedom. A run is never part of what it is compared with: its deviation
    from a mean, and in units of a standard deviation, that contain it cannot exceed sqrt(R), however odd it is.

    A run is flagged if the oddest of R sound runs would be as odd in less than 0.27 % of all surveys, the share beyond
    3 sigma: 1 - (1 - p)^R < 0.0027. Without the power R, every tenth survey of 40 sound runs would hold a flagged one.

    Parameters
    ----------
    values, errors : array, shape (R,)
        Values and standard deviations. Runs without finite value, or without finite, positive error, take no part.

    Raises
    ------
    InvalidInputError
        If the two are no lists of one length, or an error is negative.

    Examples
    --------
    >>> outlier_tests([1.0, 1.1, 0.9, 1.0, 3.0], [0.1] * 5).flagged.tolist()
    [False, False, False, False, True]
    """
    v, e = (np.array(given, dtype=float) for given in (values, errors))
    if v.ndim != 1 or v.shape != e.shape or np.any(e < 0):
        msg = f"values have the shape {v.shape}, errors {e.shape}, the least of them {np.nanmin(e, initial=0):g}; "
        raise InvalidInputError(msg + "expected two lists of one length, errors not negative")
    tested = np.isfinite(v) & np.isfinite(e) & (e > 0)
    mean, scatter, q = (np.full(len(v), np.nan) for _ in range(3))
    if np.count_nonzero(tested) >= _FEWEST:
        mean[tested], scatter[tested], q[tested] = _against_others(v[tested], e[tested])
    p_value, p_trials = _probability(q, int(np.count_nonzero(tested)))
    flagged = p_trials < THREE_SIGMA
    chi2 = _chi2(v[tested], e[tested])
    return OutlierTests(v, e, mean, scatter, q, p_value, p_trials, flagged, *chi2, _reason(tested))


class ScatterFit(NamedTuple):
    """Least squares with intrinsic scatter: coefficients (M, n), their covariance (M, n, n), s (M,), chi2 at s (M,)."""

    coefficients: FloatArray
    covariance: FloatArray
    scatter: FloatArray
    chi2: FloatArray


def fit_with_scatter(values: FloatArray, errors: FloatArray, design: FloatArray, used: BoolArray) -> ScatterFit:
    """Fit v = X beta to M selections of the runs, with the scatter that the differences ask for.

    s solves sum (v - X beta)^2 / (e^2 + s^2) = number of runs - n, and is 0 where the left is smaller at s = 0.

    Parameters
    ----------
    values, errors : array, shape (R,)
        v and e, finite, e positive.
    design : array, shape (R, n)
        X.
    used : boolean array, shape (M, R)
        Runs of each selection, more than n of them.

    Examples
    --------
    >>> ones = np.ones((4, 1))
    >>> fit = fit_with_scatter(np.array([0.0, 1.0, 2.0, 3.0]), np.full(4, 0.1), ones, ones.T > 0)
    >>> float(fit.coefficients[0, 0]), round(float(fit.scatter[0] ** 2 + 0.1**2), 6)
    (1.5, 1.666667)
    """
    dof = np.count_nonzero(used, axis=1) - design.shape[1]
    variance = np.zeros(len(used))
    for _ in range(_MAX_STEPS):
        weights = used / (errors**2 + variance[:, None])
        covariance = np.asarray(np.linalg.inv((design.T * weights[:, None, :]) @ design), dtype=float)
        coefficients = (covariance @ ((weights * values) @ design)[:, :, None])[:, :, 0]
        terms = weights * (values - coefficients @ design.T) ** 2
        chi2, slope = terms.sum(axis=1), (weights * terms).sum(axis=1)
        # Newton's method on 1 / chi2: a harmonic mean of lines in s^2, thus concave, so that no step passes the root.
        above = chi2 > dof * (1 + 1e-12)
        variance += np.divide(chi2 * (chi2 - dof), dof * slope, where=above, out=np.zeros(len(used)))
        if not above.any():
            break
    return ScatterFit(coefficients, covariance, np.sqrt(variance), chi2)


def after_trials(p_value: FloatArray | float, trials: int) -> FloatArray:
    """Return the probability that the least of so many p-values is as small, 1 - (1 - p)^trials.

    Examples
    --------
    >>> after_trials(np.array([0.5, 1.0]), 2).tolist()
    [0.75, 1.0]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.expm1(trials * np.log1p(-np.asarray(p_value))))


def _against_others(v: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean and scatter of the others, and q, shape (R,) each."""
    fit = fit_with_scatter(v, e, np.ones((len(v), 1)), ~np.eye(len(v), dtype=bool))
    mean = fit.coefficients[:, 0]
    q = (v - mean) / np.sqrt(e**2 + fit.scatter**2 + fit.covariance[:, 0, 0])
    return mean, fit.scatter, q


def _probability(q: FloatArray, n_tested: int) -> tuple[FloatArray, FloatArray]:
    """Return the two-sided probability of Student's t, alone and as the least of all runs."""
    from scipy.special import stdtr

    p_value = 2 * stdtr(n_tested - 2, -np.abs(q))
    return p_value, after_trials(p_value, n_tested)


def _chi2(v: FloatArray, e: FloatArray) -> tuple[float, float]:
    """Return chi2 about the weighted mean, and its probability; NaN with fewer than two runs."""
    if len(v) < 2:
        return np.nan, np.nan
    from scipy.special import chdtrc

    chi2 = float(np.sum(((v - np.average(v, weights=e**-2.0)) / e) ** 2))
    return chi2, float(chdtrc(len(v) - 1, chi2))


def _reason(tested: BoolArray) -> str:
    found, left_out = int(np.count_nonzero(tested)), int(np.count_nonzero(~tested))
    rest = f"; {left_out} without a finite value and a positive error took no part" if left_out else ""
    if found >= _FEWEST:
        return f"each of {found} runs was compared with the others{rest}"
    return f"{found} of the {_FEWEST} runs that a comparison with the others needs, so only their chi2 is given{rest}"
