"""The record of how one run's background was normalised."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from fovnb.modeling.frozen import FrozenDict, frozen, frozen_parts
from fovnb.modeling.goodness import chi2_p_value, toy_p_value
from fovnb.modeling.intervals import profile_intervals
from fovnb.modeling.reduced import Problem
from fovnb.modeling.toys import toy_fits
from fovnb.text import Record
from fovnb.types import FloatArray

__all__ = ["GOOD_STATUSES", "BackgroundFit", "Status"]

Status: TypeAlias = Literal[
    "ok",
    "scaled",
    "at-limit",
    "unconstrained",
    "too-few-counts",
    "no-background",
    "not-converged",
    "outside",
    "unreadable",
    "excluded",
]

GOOD_STATUSES = frozenset({"ok", "scaled", "at-limit", "unconstrained"})
_MOST_DRAWN = 1e18  # counts of a bin; more cannot be drawn as a whole number
_FEW_PREDICTED = 5.0  # counts of a bin, up to which the deviance does not follow a chi2 distribution
_FEW_COUNTS = 200.0  # counts of a run, below which intervals are not symmetric
_P_VALUE_TOYS = 1000
_ARRAYS = ("values", "errors", "covariance", "energy", "counts", "background", "predicted")
_HELD = (*_ARRAYS, "counts_excluded", "background_excluded", "upper_limits", "prior_free", "prior_pulls")


def _nothing() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False, repr=False)
class BackgroundFit(Record):
    """How one run's background was normalised, and how far to trust it.

    Its arrays are read-only views, its dictionaries cannot be changed; a deep copy has arrays of its own.

    Parameters
    ----------
    dataset_name : str
        Name of the dataset.
    method : str
        "fit" or "scale".
    status : str
        ``ok``, ``scaled``, ``at-limit`` (a parameter stands at its limit) and ``unconstrained`` (the data leave a
        parameter or a combination open) are usable; ``too-few-counts``, ``no-background``, ``not-converged``,
        ``outside``, ``unreadable`` and ``excluded`` are not.
    reason : str
        The status in a sentence, and what to do.
    parameter_names, free_names : tuple of str
        All parameters, and those that the method determined.
    values, errors : array, shape (n,)
        One a parameter. An error is 0 for a frozen parameter, NaN at a limit and infinite where the data leave the
        parameter open, alone or in a combination.
    covariance : array, shape (n, n)
        Covariance of what the data determine, finite: J C J^T is the covariance of any quantity with derivatives J.
        Rows of parameters that are frozen, at a limit or open are 0. Where only a combination of parameters is open,
        theirs is the covariance in the directions that are not, though their errors are infinite.
    total_stat : float
        2 sum_k [P_k - N_k ln P_k] over the bins used, without priors; the sum over pixels differs by a constant. NaN
        after a failure.
    energy, counts, background, predicted : array, shape (K,)
        Bin centres [TeV], N_k, B_k at norm 1, and P_k.
    unconstrained : tuple of str
        Parameters, or combinations in words, that the data leave open.
    upper_limits : dict
        95 % upper limit of each norm at its lower limit whose bins hold no counts.
    n_unpredicted : float
        Counts where no background is predicted, which took no part.
    deviance : float
        2 sum_k [P_k - N_k + N_k ln(N_k / P_k)] over the bins used, without priors.
    rank, dof : int
        Number of combinations of parameters that the data determine, not counting those at a limit; and bins used
        less this number. Of what a prior, or other runs, help to determine, only the data's share counts: bins less
        the rounded trace of C H, with C the covariance and H the second derivatives of -ln L without priors.
    at_limit : tuple of str
        Parameters at a limit.
    energy_pivot, norm_pivot, norm_pivot_err : float
        Decorrelation energy [TeV], where norm and tilt of a power law are independent: the mean of ln E weighted with
        P_k; and the norm there, with its error, infinite where the data leave it open.
    livetime : float
        In seconds, NaN where unknown.
    counts_excluded, background_excluded : array, shape (K,)
        Counts and background, with the norm found, inside the safe mask but left out by the exclusion mask.
    prior_free : dict
        Value and error that the data alone give to each parameter on which a prior acts.
    prior_pulls : dict
        (value - mu) / sigma of each parameter with a prior; "smoothness" is the step between neighbouring nodes'
        ln norm over its width where that is largest.
    group : str
        Name of the group of runs that were fitted together, "" if alone.
    problem : Problem, optional
        What was solved, at the values found: what toys and intervals start from.

    Examples
    --------
    >>> BackgroundFit("obs-1", "fit", "too-few-counts", "no counts outside the exclusion mask").enters_stack
    False
    """

    dataset_name: str
    method: str
    status: Status
    reason: str
    parameter_names: tuple[str, ...] = ()
    values: FloatArray = field(default_factory=_nothing)
    errors: FloatArray = field(default_factory=_nothing)
    covariance: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    free_names: tuple[str, ...] = ()
    total_stat: float = np.nan
    energy: FloatArray = field(default_factory=_nothing)
    counts: FloatArray = field(default_factory=_nothing)
    background: FloatArray = field(default_factory=_nothing)
    predicted: FloatArray = field(default_factory=_nothing)
    unconstrained: tuple[str, ...] = ()
    upper_limits: Mapping[str, float] = field(default_factory=dict)
    n_unpredicted: float = 0.0
    deviance: float = np.nan
    rank: int = 0
    dof: int = 0
    at_limit: tuple[str, ...] = ()
    energy_pivot: float = np.nan
    norm_pivot: float = np.nan
    norm_pivot_err: float = np.nan
    livetime: float = np.nan
    counts_excluded: FloatArray = field(default_factory=_nothing)
    background_excluded: FloatArray = field(default_factory=_nothing)
    prior_free: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    prior_pulls: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    problem: Problem | None = None

    def __post_init__(self) -> None:
        held = vars(self)
        held.update({name: frozen(held[name]) for name in _HELD})
        if self.problem is not None:
            object.__setattr__(self, "problem", _frozen_problem(self.problem))

    @property
    def success(self) -> bool:
        """Whether the norm can be used."""
        return self.status in GOOD_STATUSES

    @property
    def enters_stack(self) -> bool:
        """Whether the run adds to a stack."""
        return self.success

    @cached_property
    def p_value(self) -> float:
        """Probability of a larger deviance: by chi2 where every bin predicts more than 5, otherwise by 1000 toys.

        The toys are always the same. NaN without degrees of freedom or after a failure.
        """
        if self.problem is None or self.dof <= 0:
            return np.nan
        predicted = self.predicted[self.background > 0]
        if np.all(predicted > _FEW_PREDICTED) or np.any(predicted > _MOST_DRAWN):
            return chi2_p_value(self.deviance, self.dof)
        toys = toy_fits(self, _P_VALUE_TOYS, np.random.default_rng(0))
        return toy_p_value(self.deviance, toys.deviance[~toys.failed])

    @cached_property
    def intervals(self) -> Mapping[str, tuple[float, float]]:
        """68 % interval of each free parameter.

        Below 200 counts, or where a parameter stands at a limit, it is where -2 ln L, at its best for the others, has
        risen by 1, otherwise value ± error. A bound is infinite (0 below a norm) where -2 ln L never rises by 1.
        """
        spans = zip(self.parameter_names, self.values - self.errors, self.values + self.errors, strict=True)
        intervals = {name: (float(low), float(high)) for name, low, high in spans if name in self.free_names}
        few = self.counts[self.background > 0].sum() < _FEW_COUNTS
        if self.problem is None or not (few or self.status in ("at-limit", "unconstrained")):
            return FrozenDict(intervals)
        lower, upper = (bound[0].tolist() for bound in profile_intervals(self.problem, self.problem.theta[None]))
        profiles = dict(zip(self.problem.labels, zip(lower, upper, strict=True), strict=True))
        return FrozenDict(intervals | profiles)

    def _rows(self) -> dict[str, object]:
        head: dict[str, object] = {"dataset": self.dataset_name, "method": self.method, "status": self.status}
        free = [i for i, name in enumerate(self.parameter_names) if name in self.free_names]
        norms = {self.parameter_names[i]: f"{self.values[i]:.5g} ± {self.errors[i]:.2g}" for i in free}
        limits = {f"{name} (95 %)": f"< {limit:.3g}" for name, limit in self.upper_limits.items()}
        alone = {f"{n} (no prior)": f"{value:.5g} ± {error:.2g}" for n, (value, error) in self.prior_free.items()}
        pulls = {f"{name} (pull)": f"{pull:.2f}" for name, pull in self.prior_pulls.items()}
        sums = {"counts": f"{self.counts.sum():.6g}", "background": f"{self.background.sum():.6g}"}
        lost = {"unpredicted": f"{self.n_unpredicted:.6g} counts"} if self.n_unpredicted else {}
        group = {"group": self.group} if self.group else {}
        return head | {"reason": self.reason} | group | norms | limits | alone | pulls | self._quality() | sums | lost

    def _quality(self) -> dict[str, object]:
        """Return the rows that only a usable record has."""
        if np.isnan(self.deviance):
            return {}
        pivot = f"{self.norm_pivot:.5g} ± {self.norm_pivot_err:.2g} at {self.energy_pivot:.4g} TeV"
        return {"norm at pivot": pivot, "deviance": f"{self.deviance:.4g} for {self.dof} degrees of freedom"}


def _frozen_problem(problem: Problem) -> Problem:
    """Return the problem with read-only arrays; its own arrays stay as they are."""
    if not problem.likelihood.offset.flags.writeable:
        return problem
    likelihood = problem.likelihood
    held = frozen_parts(likelihood, penalty=frozen_parts(likelihood.penalty))
    return frozen_parts(problem, likelihood=held, free=problem.free.copy())
