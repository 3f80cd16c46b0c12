"""How much worse a fit becomes when a parameter is moved off its best value.

Notation: F = -ln L with priors, of the sums that were fitted; theta* its minimum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fovnb.diagnostics.pixels import Record
from fovnb.errors import InvalidInputError
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.newton import maximise
from fovnb.modeling.reduced import Problem
from fovnb.text import did_you_mean
from fovnb.types import BoolArray, FloatArray

__all__ = ["DevianceProfile", "deviance_change", "deviance_profile"]

_REACH = 4.0  # how far from the best value to look, in standard deviations
_MOST = 3.0  # of theta: a factor of 20 for a norm


@dataclass(frozen=True, eq=False, repr=False)
class DevianceProfile(Record):
    """-2 ln L against one parameter, less its least value; n values.

    Parameters
    ----------
    name : str
        The parameter.
    values : array, shape (n,)
        Increasing.
    rise : array, shape (n,)
        2 (F - F*) with all others at their best.
    rise_held : array, shape (n,)
        The same with all others as they were fitted.
    best, error : float
        What the fit found.
    """

    name: str
    values: FloatArray
    rise: FloatArray
    rise_held: FloatArray
    best: float
    error: float

    def _rows(self) -> dict[str, object]:
        found = f"{self.best:.5g} ± {self.error:.2g}"
        ends = f"{self.values[0]:.4g} to {self.values[-1]:.4g}"
        return {"parameter": self.name, "fitted": found, "values": ends, "largest rise": f"{np.nanmax(self.rise):.4g}"}


def deviance_profile(fit: BackgroundFit, name: str, n: int = 41) -> DevianceProfile:
    """Return the rise of -2 ln L on both sides of a parameter's best value, as far as four standard deviations.

    It ends at the parameter's limits. Where ln n is not linear in the parameters, its tangent stands in, as for the
    intervals of the fit.

    Parameters
    ----------
    fit : BackgroundFit
        Of a run.
    name : str
        A parameter that was fitted.
    n : int
        Number of values.

    Raises
    ------
    InvalidInputError
        If the fit failed, has no such free parameter, or n is below 2.

    Examples
    --------
    >>> from fovnb.modeling.background_fit import BackgroundSums, fit_background
    >>> from fovnb.modeling.models import FoVBackgroundModel
    >>> sums = BackgroundSums(energy=[1.0, 4.0], counts=[120, 40], background=[100.0, 50.0])
    >>> found = deviance_profile(fit_background(sums, FoVBackgroundModel("obs-1"))[1], "norm", n=3)
    >>> found.values.round(3).tolist(), found.rise.round(1).tolist()
    ([0.777, 1.067, 1.463], [14.4, 0.0, 17.8])
    """
    if n < 2:
        msg = f"n is {n!r}; expected two values of the parameter or more"
        raise InvalidInputError(msg)
    problem = _problem(fit, [name])
    j = problem.labels.index(name)
    theta = np.repeat(problem.theta[None], n, axis=0)
    theta[:, j] = _around(problem, j, n)
    index = fit.parameter_names.index(name)
    return DevianceProfile(
        name=name,
        values=problem.values(theta)[:, j],
        rise=_rise(problem, _refitted(problem, theta, np.arange(len(problem.labels)) == j)),
        rise_held=_rise(problem, theta),
        best=float(fit.values[index]),
        error=float(fit.errors[index]),
    )


def deviance_change(fit: BackgroundFit, values: Mapping[str, float], refit: bool = False) -> float:
    """Return by how much -2 ln L, with priors, is above its least value with parameters at other values.

    Parameters
    ----------
    fit : BackgroundFit
        Of a run.
    values : mapping of str to float
        New values of fitted parameters, by name.
    refit : bool
        Whether all others are then at their best; otherwise they stay as they were fitted.

    Raises
    ------
    InvalidInputError
        If the fit failed, has no such free parameter, or a norm is not positive.

    Examples
    --------
    >>> from fovnb.modeling.background_fit import BackgroundSums, fit_background
    >>> from fovnb.modeling.models import FoVBackgroundModel
    >>> sums = BackgroundSums(energy=[1.0], counts=[100], background=[100.0])
    >>> fit = fit_background(sums, FoVBackgroundModel("obs-1"))[1]
    >>> deviance_change(fit, {"norm": 1.1}), 2 * (10 - 100 * np.log(1.1))
    (0.937964..., np.float64(0.937964...))
    """
    problem = _problem(fit, values)
    theta, moved = problem.theta[None].copy(), np.zeros(len(problem.labels), dtype=bool)
    for name, value in values.items():
        j = problem.labels.index(name)
        if not np.isfinite(value) or (problem.is_norm[j] and value <= 0):
            msg = f"{name} is {value!r}; expected {'a positive' if problem.is_norm[j] else 'a finite'} number"
            raise InvalidInputError(msg)
        theta[0, j], moved[j] = np.log(value) if problem.is_norm[j] else value, True
    return float(_rise(problem, _refitted(problem, theta, moved) if refit else theta)[0])


def _problem(fit: BackgroundFit, names: Mapping[str, float] | list[str]) -> Problem:
    """Return what was solved, or say that it was not, or has no such parameter."""
    if fit.problem is None:
        msg = f"the fit of {fit.dataset_name} is {fit.status}: {fit.reason}; expected one that succeeded"
        raise InvalidInputError(msg)
    for name in names:
        if name not in fit.problem.labels:
            known = fit.problem.labels
            msg = f"the fit has no free parameter {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}"
            raise InvalidInputError(msg)
    return fit.problem


def _around(problem: Problem, j: int, n: int) -> FloatArray:
    """Return n values of theta_j on both sides of its best one, within its limits."""
    best, likelihood = problem.theta, problem.likelihood
    curvature = likelihood.safe_curvature(best[None])[0]
    # The variance with all others at their best; where they leave it open, look no further than makes sense.
    variance = np.linalg.pinv(curvature, hermitian=True)[j, j]
    reach = min(_REACH * np.sqrt(variance), _MOST) if variance > 0 else _MOST
    low, high = max(best[j] - reach, likelihood.lower[j]), min(best[j] + reach, likelihood.upper[j])
    return np.linspace(low, high, n)


def _rise(problem: Problem, theta: FloatArray) -> FloatArray:
    """Return 2 (F - F*) of each theta, shape (n,)."""
    least = problem.likelihood.statistic(problem.theta[None])
    return np.asarray(2 * (problem.likelihood.statistic(theta) - least))


def _refitted(problem: Problem, theta: FloatArray, fixed: BoolArray) -> FloatArray:
    """Return theta, shape (n, U), with all that is not fixed at its best; NaN where that was not found."""
    if fixed.all():
        return theta
    rows = problem.likelihood.select(np.zeros(len(theta), dtype=int))
    lower, upper = (np.where(fixed, theta, limit) for limit in (rows.lower, rows.upper))
    found, arrived = maximise(replace(rows, lower=lower, upper=upper), theta)
    return np.where(arrived[:, None], found, np.nan)
