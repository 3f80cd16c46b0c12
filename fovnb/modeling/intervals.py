"""Profile-likelihood intervals: how far a parameter can go before -2 ln L, at its best for all others, rises by 1.

They hold 68 % also where counts are few and errors not symmetric. All bounds of all rows are searched together.
"""

from dataclasses import dataclass, replace

import numpy as np

from fovnb.modeling.loglinear import LogLinear
from fovnb.modeling.newton import maximise
from fovnb.modeling.reduced import Problem
from fovnb.types import BoolArray, FloatArray, IntArray

__all__ = ["profile_bounds", "profile_intervals"]

_FAR = 40.0  # of theta, where no limit is nearer: a factor of 1e17 for a norm
_EXACT = 1e-7  # of sqrt(rise)
_MAX_STEPS = 60


def profile_intervals(problem: Problem, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper bounds of the values, shape (T, U) each.

    Where -2 ln L never rises by 1 before a limit, the bound is the limit that the user set, and otherwise infinite, or
    0 below a norm. A bound that was not found is NaN. Where ln n is not linear in theta, its tangent stands in.

    Parameters
    ----------
    problem : Problem
        Of T sets of counts.
    theta : array, shape (T, U)
        Where -ln L is least.
    """
    lower, upper = profile_bounds(problem.likelihood, theta)
    below, above = problem.free.min, problem.free.max
    floor = np.where(problem.is_norm, np.fmax(below, 0), np.where(np.isnan(below), -np.inf, below))
    ceiling = np.where(np.isnan(above), np.inf, above)
    return _values(problem, lower, floor), _values(problem, upper, ceiling)


def profile_bounds(likelihood: LogLinear, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper theta at which -2 ln L, at its best for the others, has risen by 1, shape (T, U) each.

    Infinite where it never does before a limit, NaN where it was not found.
    """
    shape = (*theta.shape, 2)
    search = _Search.start(likelihood, theta, *(index.ravel() for index in np.indices(shape)))
    bounds = search.run().reshape(shape)
    return bounds[..., 0], bounds[..., 1]


@dataclass(frozen=True, eq=False)
class _Search:
    """The search for R bounds: of one parameter of one set of counts each, to one side.

    r(x) = sqrt(rise of -2 ln L) is nearly linear in the parameter x, so that Newton's method finds r = 1 in a few
    steps; its slope is that of -ln L with x alone, over r.
    """

    likelihood: LogLinear
    best: FloatArray
    index: IntArray
    sign: FloatArray
    least: FloatArray
    end: FloatArray

    @classmethod
    def start(
        cls, likelihood: LogLinear, theta: FloatArray, toy: IntArray, index: IntArray, side: IntArray
    ) -> "_Search":
        """Return the search for the bounds of some parameters of some sets of counts, side 0 below and 1 above."""
        rows, best, sign = likelihood.select(toy), theta[toy], np.where(side == 1, 1.0, -1.0)
        limits = (np.broadcast_to(limit, best.shape) for limit in (rows.lower, rows.upper))
        lower, upper = (limit[np.arange(len(toy)), index] for limit in limits)
        at = best[np.arange(len(toy)), index]
        end = np.clip(at + sign * _FAR, lower, upper)
        return cls(rows, best, index, sign, rows.statistic(best), end)

    def run(self) -> FloatArray:
        """Return the bounds, shape (R,)."""
        every = np.arange(len(self.index))
        inner, bounds = self.best[every, self.index], np.full(len(every), np.nan)
        outer, tried = self.end.copy(), np.zeros(len(every), dtype=bool)
        x, theta, going = self._guess(inner), self.best, every
        for _ in range(_MAX_STEPS):
            part = self._select(going)
            theta, root, slope, found = part._profile(x, theta)
            short = root < 1
            unbounded = short & (x == part.end)
            inner, outer, tried = np.where(short, x, inner), np.where(short, outer, x), tried | ~short
            done = (np.abs(root - 1) < _EXACT) | unbounded | ~found
            bounds[going] = np.where(unbounded, part.sign * np.inf, np.where(done & found, x, np.nan))
            x = _next(x, root, slope, inner, outer, tried)
            keep = ~done
            if not keep.any():
                break
            going, x, theta = going[keep], x[keep], theta[keep]
            inner, outer, tried = inner[keep], outer[keep], tried[keep]
        return bounds

    def _guess(self, at: FloatArray) -> FloatArray:
        """Return where a parabola through the best theta rises by 1, at a limit also one that is not flat there."""
        every = np.arange(len(self.index))
        slope = np.abs(self.likelihood.gradient(self.best)[every, self.index])
        bend = self.likelihood.safe_curvature(self.best)[every, self.index, self.index]
        away = 1 / np.maximum(slope + np.sqrt(slope**2 + bend), 1e-3)
        return np.asarray(at + self.sign * np.minimum(away, np.abs(self.end - at)))

    def _select(self, rows: IntArray) -> "_Search":
        best, sign, least, end = (one[rows] for one in (self.best, self.sign, self.least, self.end))
        return _Search(self.likelihood.select(rows), best, self.index[rows], sign, least, end)

    def _profile(self, x: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
        """Return theta with the parameter fixed at x, r, its slope, and whether theta was found."""
        every = np.arange(len(x))
        fixed = np.zeros(theta.shape, dtype=bool)
        fixed[every, self.index] = True
        lower, upper = (np.where(fixed, x[:, None], limit) for limit in (self.likelihood.lower, self.likelihood.upper))
        held = replace(self.likelihood, lower=lower, upper=upper)
        theta, found = maximise(held, np.where(fixed, x[:, None], theta))
        root = np.sqrt(2 * np.maximum(held.statistic(theta) - self.least, 0))
        gradient = held.gradient(theta)[every, self.index]
        return theta, root, np.divide(gradient, root, where=root > 0, out=np.zeros(len(x))), found


def _next(
    x: FloatArray, root: FloatArray, slope: FloatArray, inner: FloatArray, outer: FloatArray, tried: BoolArray
) -> FloatArray:
    """Return Newton's next x, or where it leaves the bracket, the bracket's end if not yet tried, else its middle."""
    step = np.divide(1 - root, slope, where=slope != 0, out=np.full(len(x), np.inf))
    low, high = np.minimum(inner, outer), np.maximum(inner, outer)
    inside = (x + step > low) & (x + step < high)
    return np.where(inside, x + step, np.where(tried, 0.5 * (inner + outer), outer))


def _values(problem: Problem, theta: FloatArray, beyond: FloatArray) -> FloatArray:
    """Return the values of bounds, and what stands for an infinite one."""
    finite = np.isfinite(theta)
    values = np.exp(theta, where=problem.is_norm & finite, out=theta.copy())
    return np.where(np.isinf(theta), beyond, values)
