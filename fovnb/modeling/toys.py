"""Toys of a fitted run: Poisson draws of the counts that the fit predicts, each fitted as the run was, all at once.

While the norm depends on energy only, draws per energy bin are all that a fit of the spectral norm can see.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.modeling.goodness import deviance
from fovnb.modeling.intervals import profile_intervals
from fovnb.modeling.reduced import Problem
from fovnb.modeling.solve import solve_all
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray, BoolArray, FloatArray

if TYPE_CHECKING:
    from fovnb.modeling.background_record import BackgroundFit

__all__ = ["ToyFits", "toy_fits"]


@dataclass(frozen=True, eq=False, repr=False)
class ToyFits:
    """T toys of a run with K bins and P parameters of its norm.

    Parameters
    ----------
    names : tuple of str
        The parameters.
    truth : array, shape (P,)
        Values from which the counts were drawn.
    values, errors : array, shape (T, P)
        As in a `BackgroundFit`: an error is 0 where frozen, NaN at a limit, infinite where open.
    at_limit : bool array, shape (T, P)
        Which parameters stand at a limit.
    deviance : array, shape (T,)
        Of each toy and its own fit.
    counts, predicted : array, shape (T, K)
        Drawn, and predicted by the fit.
    failed : bool array, shape (T,)
        Toys without counts, or whose fit did not converge: their values, errors, deviance and prediction are NaN.
    problem, theta : Problem, array, shape (T, U)
        What was solved, and where -ln L is least.
    """

    names: tuple[str, ...]
    truth: FloatArray
    values: FloatArray
    errors: FloatArray
    at_limit: BoolArray
    deviance: FloatArray
    counts: FloatArray
    predicted: FloatArray
    failed: BoolArray
    problem: Problem
    theta: FloatArray

    def intervals(self) -> tuple[FloatArray, FloatArray]:
        """Return the 68 % profile-likelihood bounds of each value, shape (T, P) each; NaN if frozen or failed."""
        good = ~self.failed
        part = replace(self.problem, likelihood=self.problem.likelihood.select(good))
        lower, upper = (self.problem.expand(found, np.nan) for found in profile_intervals(part, self.theta[good]))
        return _spread(lower, good), _spread(upper, good)

    def __repr__(self) -> str:
        return text_summary("ToyFits", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("ToyFits", self._rows())

    def _rows(self) -> dict[str, object]:
        good = ~self.failed
        mean = f"{self.deviance[good].mean():.4g}" if good.any() else "none"
        rows = {"toys": len(good), "failed": int(self.failed.sum()), "parameters": ", ".join(self.names)}
        return rows | {"at a limit": int(self.at_limit.any(axis=1).sum()), "mean deviance": mean}


def toy_fits(fit: "BackgroundFit | Problem", n: int, rng: np.random.Generator) -> ToyFits:
    """Return the fits of n toys whose counts are ``N*_k ~ Poisson(P_k)``, with P_k what the fit predicts.

    Priors, limits and frozen values are the run's. Each toy's fit is the maximum of the likelihood, also where the run
    was scaled. Where ln n is not linear in the parameters, its tangent at the fit stands in.

    Parameters
    ----------
    fit : BackgroundFit or Problem
        A usable fit, with K bins; or a problem, whose bins are those that hold background, at its present values.
    n : int
        Number of toys.
    rng : numpy Generator
        Source of randomness.

    Raises
    ------
    InvalidInputError
        If the fit failed, or n is no positive whole number.

    Examples
    --------
    >>> from fovnb.modeling.background_fit import BackgroundSums, fit_background
    >>> from fovnb.modeling.models import FoVBackgroundModel
    >>> sums = BackgroundSums(energy=[1.0, 4.0], counts=[1200, 400], background=[1000.0, 500.0])
    >>> fit = fit_background(sums, FoVBackgroundModel("obs-1"))[1]
    >>> toys = toy_fits(fit, 300, np.random.default_rng(1))
    >>> bool(abs(toys.values[:, 1].mean() - fit.values[1]) < fit.errors[1] / 5), toys.failed.sum().item()
    (True, 0)
    """
    if not (isinstance(n, (int, np.integer)) and n > 0):
        msg = f"{n!r} toys were asked for; expected a positive whole number such as 300"
        raise InvalidInputError(msg)
    if isinstance(fit, Problem):
        return _fits(fit, fit.likelihood.predicted(fit.theta[None])[0], n, rng)
    if fit.problem is None:
        msg = f"{fit.dataset_name} is {fit.status}: there is no fit to draw toys from; {fit.reason}"
        raise InvalidInputError(msg)
    used = fit.background > 0
    toys = _fits(fit.problem, fit.predicted[used], n, rng)
    counts, predicted = (_spread(rows.T, used, 0.0).T for rows in (toys.counts, toys.predicted))
    return replace(toys, counts=counts, predicted=predicted)


def _fits(problem: Problem, expected: FloatArray, n: int, rng: np.random.Generator) -> ToyFits:
    counts = rng.poisson(expected, (n, len(expected))).astype(float)
    problem = replace(problem, likelihood=replace(problem.likelihood, counts=counts))
    seen = counts.sum(axis=1) > 0
    likelihood = problem.likelihood.select(seen)
    theta, covariance, found = solve_all(likelihood)
    good = _spread(found, seen, False)
    predicted, values = likelihood.predicted(theta), problem.values(theta)
    errors = replace(problem, likelihood=likelihood).errors(theta, covariance)

    def rows(of_seen: AnyArray, otherwise: float | bool = np.nan) -> AnyArray:
        return _spread(of_seen[found], good, otherwise)

    return ToyFits(
        names=problem.names,
        truth=problem.expand(problem.values(problem.theta), problem.start),
        values=rows(problem.expand(values, problem.start)),
        errors=rows(problem.expand(errors, 0.0)),
        at_limit=rows(problem.expand(likelihood.at_limit(theta), False), False),
        deviance=rows(deviance(likelihood.counts, predicted)),
        counts=counts,
        predicted=rows(predicted),
        failed=~good,
        problem=problem,
        theta=rows(theta),
    )


def _spread(rows: AnyArray, places: BoolArray, otherwise: float | bool = np.nan) -> AnyArray:
    """Return rows at their places, and something else in the others."""
    full = np.full((len(places), *rows.shape[1:]), otherwise)
    full[places] = rows
    return full
