"""The norms of several runs fitted together: some parameters are shared, the others are each run's own.

    -ln L = sum_r F_r(theta_r, theta_s),    F_r = sum_k [P_rk - N_rk ln P_rk]

is one log-linear problem: the runs' energy bins below each other, one column for each parameter of any run.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fovnb.errors import ModelError
from fovnb.modeling.background_fit import beside_priors, check_method, failed_fit, finish_fit
from fovnb.modeling.background_record import BackgroundFit, Status
from fovnb.modeling.loglinear import LogLinear
from fovnb.modeling.models import FoVBackgroundModel, Models
from fovnb.modeling.parameter import Parameters
from fovnb.modeling.penalty import Penalty
from fovnb.modeling.reduced import Problem, make_problem
from fovnb.modeling.solve import Solution, solve_all
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import BoolArray, FloatArray, IntArray

__all__ = ["fit_jointly"]

_ROUNDING = 1e-12  # of the strongest direction: what is weaker is open to all runs
Outcome = tuple[FoVBackgroundModel, BackgroundFit]


def fit_jointly(sums: Sequence[BackgroundSums], models: Sequence[FoVBackgroundModel], group: str) -> list[Outcome]:
    """Return model and record of each run at the joint maximum; parameters that models share count once.

    Values, errors and covariances are those of the joint fit. To each run the others are a prior on what they share, a
    Gaussian one: intervals and toys of its record are those of a fit with it. A shared parameter costs a run as many
    degrees of freedom as it adds to what is known of it.

    Parameters
    ----------
    sums : list of BackgroundSums
        One a run.
    models : list of FoVBackgroundModel
        One a run; those that hold the same parameter object share it. They are not changed, and the new ones share too.
    group : str
        Name of the group.

    Raises
    ------
    ModelError
        If no parameter is free, or ln n is not linear in them.

    Examples
    --------
    >>> from fovnb.modeling.models import PowerLawNormSpectralModel
    >>> first, second = FoVBackgroundModel("obs-1"), FoVBackgroundModel("obs-2")
    >>> second.spectral_model.norm = first.spectral_model.norm
    >>> sums = [BackgroundSums([1.0], [n], [10.0]) for n in (12, 4)]
    >>> [round(float(model.spectral_model.norm.value), 6) for model, _ in fit_jointly(sums, [first, second], "night 1")]
    [0.8, 0.8]
    """
    new = list(Models(models).copy())
    count = Counter(par for model in new for par in model.spectral_model.parameters.free_unique_parameters)
    own = [any(count[par] == 1 for par in model.spectral_model.parameters.free_parameters) for model in new]
    seen = sum(one.total_counts for one in sums)
    flaws = [_flaw(one, alone, seen) for one, alone in zip(sums, own, strict=True)]
    good = [i for i, flaw in enumerate(flaws) if flaw is None]
    fitted = dict(zip(good, _solve([sums[i] for i in good], [new[i] for i in good]), strict=True)) if good else {}
    outcomes = [
        fitted[i] if flaw is None else failed_fit(one, model, "fit", None, *flaw)
        for i, (one, model, flaw) in enumerate(zip(sums, new, flaws, strict=True))
    ]
    return [(model, replace(record, group=group)) for model, record in outcomes]


def _flaw(sums: BackgroundSums, own: bool, seen: float) -> tuple[Status, str] | None:
    """Return status and reason if a run cannot take part; ``own``: whether some of its parameters are not shared."""
    if not sums.used.any():
        return "no-background", "no background is predicted in any energy bin; check masks, energy axis and IRF"
    if seen == 0:
        return "too-few-counts", "no counts were seen in any run of the group; make the exclusion mask smaller"
    if own and sums.total_counts == 0:
        return "too-few-counts", "no counts were seen for parameters of the run's own; share them all with its group"
    return None


@dataclass(frozen=True, eq=False)
class _Joint:
    """R problems as one: ``columns`` holds, for each run, the place of its free parameters among all of them."""

    problems: tuple[Problem, ...]
    free: Parameters
    columns: tuple[IntArray, ...]

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "_Joint":
        free = Parameters.from_stack(problem.free for problem in problems).unique_parameters
        columns = [np.array([free.index(par) for par in problem.free]) for problem in problems]
        return cls(tuple(problems), free, tuple(columns))

    @cached_property
    def likelihood(self) -> LogLinear:
        """The likelihood of all runs."""
        parts = [part for part, _ in self._pairs]
        lower, upper, mean, weight = np.zeros((4, len(self.free)))
        for part, columns in self._pairs:
            lower[columns], upper[columns] = part.lower, part.upper
            mean[columns], weight[columns] = part.penalty.mean, part.penalty.weight
        rows = [np.column_stack([self._spread(p.penalty.rows, c), p.penalty.target]) for p, c in self._pairs]
        terms = np.unique(np.vstack(rows), axis=0)  # what is known of a shared parameter counts once
        return LogLinear(
            counts=np.hstack([part.counts for part in parts]),
            source=np.concatenate([part.source for part in parts]),
            offset=np.concatenate([part.offset for part in parts]),
            design=np.vstack([self._spread(part.design, columns) for part, columns in self._pairs]),
            lower=lower,
            upper=upper,
            penalty=Penalty(terms[:, :-1], terms[:, -1], mean, weight),
        )

    @cached_property
    def shared(self) -> BoolArray:
        """Parameters of more than one run, shape (U,)."""
        return np.bincount(np.concatenate(self.columns), minlength=len(self.free)) > 1

    @property
    def _pairs(self) -> list[tuple[LogLinear, IntArray]]:
        return [(problem.likelihood, columns) for problem, columns in zip(self.problems, self.columns, strict=True)]

    def _spread(self, rows: FloatArray, columns: IntArray) -> FloatArray:
        """Return rows on a run's parameters as rows on all of them."""
        wide = np.zeros((len(rows), len(self.free)))
        wide[:, columns] = rows
        return wide

    def solve(self, priors: bool = True) -> list[Solution]:
        """Return the joint maximum as each run sees it, with or without the priors."""
        likelihood = self.likelihood
        if not priors:
            likelihood = replace(likelihood, penalty=Penalty.none(len(self.free)))
        theta, matrix, found = solve_all(likelihood)
        failure = "" if found[0] else "the maximum of the joint likelihood was not found; share fewer parameters"
        problems = self.problems if priors else [problem.without_priors() for problem in self.problems]
        return [
            Solution(problem, theta[0][columns], matrix[0][np.ix_(columns, columns)], failure)
            for problem, columns in zip(problems, self.columns, strict=True)
        ]


def _solve(sums: Sequence[BackgroundSums], models: Sequence[FoVBackgroundModel]) -> list[Outcome]:
    """Return the outcome of runs that all take part; values, errors and covariance are put into the models."""
    for model in models:
        check_method(model.spectral_model, "fit")
    joint = _Joint.of([make_problem(one.select_used(), model) for one, model in zip(sums, models, strict=True)])
    if not all(problem.exact for problem in joint.problems):
        msg = "runs are fitted together only where ln n is linear in the free parameters; freeze the others"
        raise ModelError(msg)
    alone = joint.solve(priors=False) if joint.likelihood.penalty.acts else []
    outcomes = []
    for i, solution in enumerate(joint.solve()):
        if solution.failure:
            outcomes.append(failed_fit(sums[i], models[i], "fit", None, "not-converged", solution.failure))
            continue
        record = finish_fit(sums[i], models[i], None, _beside_others(solution, joint.shared[joint.columns[i]]))
        if alone:
            record = replace(record, **beside_priors(record, solution, alone[i]))
        outcomes.append((models[i], record))
    return outcomes


def _beside_others(solution: Solution, shared: BoolArray) -> Solution:
    """Return the run's solution with the other runs as a prior on what is shared.

    With C the covariance of the shared parameters and J what the run alone knows of them (Schur complement over its
    own), the others know C^-1 - J. The prior's mean is where the run's own gradient at the maximum is balanced.
    """
    likelihood, theta = solution.problem.likelihood, solution.theta
    if not shared.any():
        return solution
    own = solution.moving & ~shared
    before = likelihood.penalty
    kept = before.rows[:, ~shared].any(axis=1)  # the others know of priors on what is shared
    rows, target, weight = before.rows[kept], before.target[kept], np.where(shared, 0.0, before.weight)
    alone = replace(likelihood, penalty=Penalty(rows, target, before.mean, weight))
    curvature, covariance = alone.curvature(theta[None])[0][0], solution.covariance[np.ix_(shared, shared)]
    across = curvature[np.ix_(own, shared)]
    known = curvature[np.ix_(shared, shared)] - across.T @ np.linalg.pinv(curvature[np.ix_(own, own)]) @ across
    together = np.linalg.pinv(covariance, rcond=_ROUNDING, hermitian=True)
    strength, axes = np.linalg.eigh(together - known)
    strength = np.where(strength > _ROUNDING * np.abs(together).max(initial=0), strength, 0)
    root = (np.sqrt(strength) * axes).T
    wide = np.zeros((len(root), len(theta)))
    wide[:, shared] = root
    balance = root @ theta[shared] + np.linalg.pinv(root.T) @ alone.gradient(theta[None])[0][shared]
    penalty = Penalty(np.vstack([rows, wide]), np.append(target, balance), before.mean, weight)
    return replace(solution, problem=replace(solution.problem, likelihood=replace(likelihood, penalty=penalty)))
