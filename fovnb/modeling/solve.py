"""Two ways to the maximum of the likelihood, Newton's and Minuit's, and what they leave open."""

from dataclasses import dataclass, field, replace

import numpy as np

from fovnb.modeling.fit import Fit
from fovnb.modeling.identify import open_directions
from fovnb.modeling.loglinear import covariance, maximise, nearest_to_zero, null_space, row_space
from fovnb.modeling.reduced import Problem, ReducedDataset, make_problem
from fovnb.types import BoolArray, FloatArray

__all__ = ["Solution", "solve_minuit", "solve_newton"]

_AT_LIMIT = 1e-6  # of theta


@dataclass(frozen=True, eq=False)
class Solution:
    """Where a minimiser stopped: theta, shape (U,), and its covariance, finite, shape (U, U)."""

    problem: Problem
    theta: FloatArray
    covariance: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    failure: str = ""

    @property
    def silent(self) -> BoolArray:
        """Parameters that change no bin, shape (U,)."""
        return np.asarray(~self.problem.likelihood.design.any(axis=0))

    @property
    def at_limit(self) -> BoolArray:
        """Parameters at a limit, shape (U,); silent ones do not count."""
        likelihood = self.problem.likelihood
        low, high = self.theta <= likelihood.lower + _AT_LIMIT, self.theta >= likelihood.upper - _AT_LIMIT
        return np.asarray((low | high) & ~self.silent)

    @property
    def moving(self) -> BoolArray:
        """Parameters that the data move, alone or in combination, shape (U,)."""
        return ~self.at_limit & ~self.silent

    def open_directions(self) -> FloatArray:
        """Return combinations of theta that neither data nor limits determine, as rows, shape (d, U)."""
        inside, likelihood = ~self.at_limit, self.problem.likelihood
        rows = open_directions(null_space(likelihood, likelihood.informative(self.theta), inside))
        directions = np.zeros((len(rows), len(inside)))
        directions[:, inside] = rows
        return directions


def solve_newton(problem: Problem) -> Solution:
    """Solve an exactly log-linear problem; among equal maxima take the theta nearest to 0."""
    theta, converged = maximise(problem.likelihood)
    failure = "" if converged else "the maximum of the likelihood was not found; use a model with fewer free parameters"
    solution = Solution(problem, nearest_to_zero(problem.likelihood, theta), failure=failure)
    return replace(solution, covariance=covariance(problem.likelihood, solution.theta, solution.moving))


def solve_minuit(problem: Problem, dataset: ReducedDataset, fit: Fit) -> Solution:
    """Let Minuit minimise over what the data determine, and put the values into the dataset's model.

    Parameters at a limit and one parameter of each open combination are held while it runs: it copes with neither.
    Where the problem is exactly log-linear they are held where Newton's method puts them.
    """
    size = len(problem.free)
    start = solve_newton(problem) if problem.exact else Solution(problem, problem.theta, np.zeros((size, size)))
    held = start.at_limit & problem.exact  # a start at a limit means nothing by itself
    held[[int(np.argmax(np.abs(direction))) for direction in start.open_directions()]] = True
    if start.failure or held.all():
        return start
    trial = ReducedDataset(dataset.sums, dataset.model.copy())
    free = trial.model.parameters.free_unique_parameters
    for par, value, lower, hold in zip(free, problem.values(start.theta), problem.limits[0], held, strict=True):
        par.min = lower if par.name.startswith("norm_") else par.min
        par.value, par.frozen = (value, True) if hold else (par.value, False)
    result = fit.run([trial])
    if not result.success:
        return Solution(problem, start.theta, failure=f"Minuit did not converge: {result.message}")
    problem.free.value = free.value
    return _take_over(make_problem(dataset.sums, dataset.model), trial.model.covariance.get_subcovariance(free).data)


def _take_over(problem: Problem, matrix: FloatArray) -> Solution:
    """Return Minuit's solution, its covariance without the open directions."""
    solution = Solution(problem, problem.theta)
    scale = np.where(problem.is_norm, problem.free.value, 1.0)
    across = np.zeros(matrix.shape)
    moving = np.ix_(solution.moving, solution.moving)
    likelihood = problem.likelihood
    span = row_space(likelihood, likelihood.informative(solution.theta), solution.moving)
    across[moving] = span @ span.T
    return replace(solution, covariance=across @ (matrix / np.outer(scale, scale)) @ across)
