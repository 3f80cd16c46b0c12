"""Two ways to the maximum of the likelihood, Newton's and Minuit's, and what they leave open."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fovnb.errors import PredictionError
from fovnb.modeling.fit import Fit
from fovnb.modeling.identify import open_directions
from fovnb.modeling.loglinear import LogLinear, covariance, have_part, null_space, rank, row_space, spread
from fovnb.modeling.models import FoVBackgroundModel, Models
from fovnb.modeling.newton import maximise, nearest_to_zero
from fovnb.modeling.parameter import Parameters
from fovnb.modeling.reduced import Problem, ReducedDataset, as_theta, make_problem
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import BoolArray, FloatArray

__all__ = ["Solution", "solve_all", "solve_minuit", "solve_newton"]

_TANGENTS = 50
_STEPS_A_TANGENT = 20  # what a tangent leads to is left again anyway
_CLOSE = 1e-9  # of -ln L still to gain


@dataclass(frozen=True, eq=False)
class Solution:
    """Where a minimiser stopped: theta, shape (U,), and its covariance, finite, shape (U, U)."""

    problem: Problem
    theta: FloatArray
    covariance: FloatArray
    failure: str = ""

    @cached_property
    def at_limit(self) -> BoolArray:
        """Parameters at a limit, shape (U,); silent ones do not count."""
        return np.asarray(self.problem.likelihood.at_limit(self.theta))

    @property
    def moving(self) -> BoolArray:
        """Parameters that the data or a prior move, alone or in combination, shape (U,)."""
        return ~self.at_limit & ~self.problem.likelihood.silent

    @cached_property
    def informative(self) -> BoolArray:
        """Bins that say anything, shape (K,)."""
        return np.asarray(self.problem.likelihood.informative(self.theta[None])[0])

    @cached_property
    def rank(self) -> int:
        """How many combinations of the moving parameters the data determine."""
        return rank(self.problem.likelihood, self.informative, self.moving)

    @property
    def determined(self) -> float:
        """How many parameters' worth the data determine, tr(C H) with H what the data add to C^-1.

        It is the rank where no prior acts. A prior takes over in part what the data would determine: the effective
        number of parameters of a smoother, Hastie & Tibshirani 1990, Generalized Additive Models, section 3.5.
        """
        likelihood = self.problem.likelihood
        if not likelihood.penalty.acts:
            return self.rank
        weights = likelihood.weights(self.theta[None])[0][0]
        added = float(np.sum((likelihood.design @ self.covariance) * likelihood.design * weights[:, None]))
        return min(max(added, 0.0), self.rank)

    @cached_property
    def values(self) -> FloatArray:
        """Values of the parameters, shape (U,)."""
        return self.problem.values(self.theta)

    @cached_property
    def errors(self) -> FloatArray:
        """Errors of the values, shape (U,)."""
        sigma = np.sqrt(self.covariance.diagonal()) * self.problem.scale(self.values)
        return np.where(have_part(self.null_space), np.inf, np.where(self.at_limit, np.nan, sigma))

    @cached_property
    def null_space(self) -> FloatArray:
        """Directions of theta that neither data, priors nor limits determine, orthonormal, shape (U, d)."""
        inside = ~self.at_limit
        return spread(null_space(self.problem.likelihood, self.informative, inside), inside)

    @property
    def open_directions(self) -> FloatArray:
        """The same directions as combinations of few parameters, as rows, shape (d, U)."""
        return open_directions(self.null_space)


def solve_all(likelihood: LogLinear) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return theta, shape (T, U), covariances, shape (T, U, U), and which maxima were found, shape (T,).

    Among equal maxima the theta nearest to 0 is taken.
    """
    theta, found = maximise(likelihood)
    theta = nearest_to_zero(likelihood, theta)
    return theta, covariance(likelihood, theta, ~likelihood.at_limit(theta) & ~likelihood.silent), found


def solve_newton(problem: Problem) -> Solution:
    """Solve an exactly log-linear problem."""
    theta, matrix, found = solve_all(problem.likelihood)
    failure = "" if found[0] else "the maximum of the likelihood was not found; use a model with fewer free parameters"
    return Solution(problem, theta[0], matrix[0], failure)


def solve_minuit(problem: Problem, sums: BackgroundSums, model: FoVBackgroundModel, fit: Fit) -> Solution:
    """Let Minuit minimise over what the data determine, starting where Newton's method leads.

    Parameters at a limit and one parameter of each open combination are held while it runs: it copes with neither.
    Where ln n is linear they are held where Newton's method puts them. When Minuit does not converge, it starts a
    second time, from the present values and with its most careful strategy.
    """
    start = solve_newton(problem) if problem.exact else _follow_tangents(problem, sums, model)
    if start.failure:
        return start
    held = start.at_limit & problem.exact  # a start at a limit means nothing by itself
    held[[int(np.argmax(np.abs(direction))) for direction in start.open_directions]] = True
    if held.all():
        return start
    again = Fit(optimize_opts=fit.optimize_opts | {"strategy": 2})
    present = np.where(held, start.values, problem.values(problem.theta))
    for minimiser, values in ((fit, start.values), (again, present)):
        trial = _Trial.make(problem, sums, model, values, held)
        result = minimiser.run([trial])
        if result.success:
            return trial.solution()
    return replace(start, failure=f"Minuit did not converge: {result.message}")


@dataclass(frozen=True, eq=False)
class _Trial:
    """What Minuit minimises: data and priors, as a function of the free parameters of a model of its own."""

    problem: Problem
    data: ReducedDataset
    free: Parameters

    @classmethod
    def make(
        cls, problem: Problem, sums: BackgroundSums, model: FoVBackgroundModel, values: FloatArray, held: BoolArray
    ) -> "_Trial":
        """Return a copy of the model at other values, some of them held."""
        data = ReducedDataset(sums, model.copy())
        free = data.model.spectral_model.parameters.free_unique_parameters
        data.model.parameters.freeze_all()
        limits = zip(*problem.limits, strict=True)
        for par, value, (lower, upper), hold in zip(free, values, limits, held, strict=True):
            is_slope = not par.name.startswith("norm")
            par.min = lower if par.name.startswith("norm_") or is_slope else par.min
            par.max = upper if is_slope else par.max
            par.value, par.frozen, par.prior = value, bool(hold), None  # priors are here, not in the parameters
        return cls(problem, data, free)

    @property
    def models(self) -> Models:
        """The model, as a list."""
        return self.data.models

    @property
    def theta(self) -> FloatArray:
        """Present theta, shape (1, U)."""
        return as_theta(self.free.value, self.problem.is_norm)[None]

    def stat_sum(self) -> float:
        """Return -2 ln L."""
        return self.data.stat_sum() + 2 * float(self.problem.likelihood.penalty.value(self.theta)[0])

    def stat_gradient(self, parameters: Parameters) -> FloatArray:
        """Return the derivatives of -2 ln L with the values of some of the free parameters."""
        with np.errstate(all="ignore"):  # the minimiser also tries what is impossible
            gradient = 2 * self._likelihood().gradient(self.theta)[0] / self.problem.scale(self.free.value)
        return np.asarray(np.nan_to_num(gradient[[self.free.index(par) for par in parameters]]))

    def solution(self) -> Solution:
        """Return where Minuit stopped, its covariance without the open directions."""
        problem = replace(self.problem, free=self.free, likelihood=self._likelihood())
        found = Solution(problem, problem.theta, np.zeros((len(self.free),) * 2))
        scale = problem.scale(self.free.value)
        matrix = self.data.model.spectral_model.covariance.get_subcovariance(self.free).data
        across = np.zeros(matrix.shape)
        span = row_space(problem.likelihood, found.informative, found.moving)
        across[np.ix_(found.moving, found.moving)] = span @ span.T
        return replace(found, covariance=across @ (matrix / np.outer(scale, scale)) @ across)

    def _likelihood(self) -> LogLinear:
        """Return the likelihood, or its tangent at the present values."""
        if self.problem.exact:
            return self.problem.likelihood
        model = self.data.model.copy()
        for par, place in zip(model.spectral_model.parameters, self.problem.place, strict=True):
            par.frozen = bool(place < 0)  # also those that are held
        likelihood = make_problem(self.data.sums, model).likelihood
        return replace(likelihood, penalty=self.problem.likelihood.penalty)


def _follow_tangents(problem: Problem, sums: BackgroundSums, model: FoVBackgroundModel) -> Solution:
    """Return the maximum of a problem that is not log-linear: solve its tangent, and again from where that leads."""
    theta = np.where(np.isfinite(problem.theta), problem.theta, 0)  # a norm that is not positive starts at 1
    trial = _Trial.make(problem, sums, model, problem.values(theta), np.zeros(len(theta), dtype=bool))
    best = _statistic(trial)
    for _ in range(_TANGENTS):
        here = trial.theta
        step = maximise(trial._likelihood(), here, _STEPS_A_TANGENT)[0] - here
        before, best = best, _shorten(trial, here, step, best)
        if before - best < _CLOSE:
            break
    return trial.solution()


def _shorten(trial: _Trial, here: FloatArray, step: FloatArray, before: float) -> float:
    """Take the longest of the step, its half, quarter and so on that lowers -2 ln L, and return that."""
    for length in 0.5 ** np.arange(20):
        trial.free.value = trial.problem.values(here[0] + length * step[0])
        after = _statistic(trial)
        if after < before:
            return after
    trial.free.value = trial.problem.values(here[0])
    return before


def _statistic(trial: _Trial) -> float:
    """Return -2 ln L, infinite where the prediction is impossible."""
    try:
        return trial.stat_sum()
    except PredictionError:
        return np.inf
