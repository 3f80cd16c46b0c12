"""The likelihood of a norm whose logarithm is linear in its parameters, and its maximum.

    P_k(theta) = exp(c_k + sum_j A_kj theta_j) + S_k,    F = sum_k [P_k - N_k ln P_k] = -ln L

with limits on theta. Without a source F is convex, and strictly convex in the exponents: every bin's most likely norm
is unique, even where the theta that make it are not. Newton's method on the face of the limits finds it in a few steps.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fovnb.types import BoolArray, FloatArray

__all__ = ["LogLinear", "covariance", "maximise", "nearest_to_zero", "null_space", "row_space"]

_MAX_STEPS = 300
_MAX_CHANGE = 3.0  # of an exponent in one step: beyond it the quadratic model of F means nothing
_RIDGE = 1e-12
_CLOSE = 1e-9  # of F still to gain, 5e-5 standard deviations, before a last step that squares it
_ON_LIMIT = 1e-6  # of theta: so near to a limit is on it
_SLACK = 1e-9  # room that keeps a solvable least-distance problem solvable
_NO_COUNTS = 1e-8  # expected counts of a bin that says nothing


@dataclass(frozen=True, eq=False)
class LogLinear:
    """A log-linear likelihood with U parameters in K bins.

    Parameters
    ----------
    counts, source, offset : array, shape (K,)
        N, S and c.
    design : array, shape (K, U)
        A.
    lower, upper : array, shape (U,)
        Limits of theta, infinite for none.
    """

    counts: FloatArray
    source: FloatArray
    offset: FloatArray
    design: FloatArray
    lower: FloatArray
    upper: FloatArray

    def statistic(self, theta: FloatArray) -> float:
        """Return F."""
        exponent, scaled = self._scaled(theta)
        # Without a source ln P is the exponent, also where P underflows.
        log = np.log(scaled + self.source, where=self._has_source, out=exponent.copy())
        return float(np.sum(scaled + self.source - self.counts * log))

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient of F, shape (U,)."""
        scaled, share = self._share(theta)
        return np.asarray(self.design.T @ (scaled - self.counts * share))

    def weights(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return w of the second derivatives A^T diag(w) A of F and of their expectation, shape (K,) each.

        With a source the former can be negative; without, both are P.
        """
        scaled, share = self._share(theta)
        return scaled - self.counts * share * (1 - share), scaled * share

    def informative(self, theta: FloatArray) -> BoolArray:
        """Return which bins say anything about theta, shape (K,): not those that would never hold a count."""
        return np.asarray(self.weights(theta)[1] > _NO_COUNTS)

    @cached_property
    def directions(self) -> tuple[FloatArray, int]:
        """Right singular vectors of the design as rows, strongest first, and its rank."""
        return _svd(self.design)

    @cached_property
    def _has_source(self) -> BoolArray:
        return self.source > 0

    def _scaled(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        exponent = self.offset + self.design @ theta
        return exponent, np.exp(np.minimum(exponent, 600))

    def _share(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return P - S and (P - S) / P."""
        _, scaled = self._scaled(theta)
        return scaled, np.divide(scaled, scaled + self.source, where=self._has_source, out=np.ones(len(scaled)))


def maximise(problem: LogLinear) -> tuple[FloatArray, bool]:
    """Return the theta that minimises F within its limits, and whether it was found.

    Newton's method on the parameters that are not held by a limit. The start does not depend on the caller.
    """
    theta = _start(problem)
    value = problem.statistic(theta)
    for _ in range(_MAX_STEPS):
        gradient = problem.gradient(theta)
        # Where nothing was seen beside a source the expected weights are far too small; elsewhere they are safe.
        step = _newton_step(problem, theta, gradient, np.maximum(*problem.weights(theta)))
        gain = -float(gradient @ step)
        theta, value = _advance(problem, theta, value, step, gain)
        if gain < _CLOSE:
            return theta, True
    return theta, False


def nearest_to_zero(problem: LogLinear, theta: FloatArray) -> FloatArray:
    """Return the theta with the least sum of squares among those within the limits that predict the same."""
    null = null_space(problem, np.ones(len(problem.counts), dtype=bool), np.ones(len(theta), dtype=bool))
    nearest = theta - null @ (null.T @ theta)
    if np.all((nearest >= problem.lower) & (nearest <= problem.upper)):
        return np.asarray(nearest)
    inside = np.clip(nearest + null @ _least_distance(problem, null, nearest), problem.lower, problem.upper)
    for limit in (problem.lower, problem.upper):
        # What the likelihood holds at a limit stays there exactly.
        inside = np.where((theta == limit) & (np.abs(inside - limit) < _ON_LIMIT), limit, inside)
    # Where the limits leave next to no room, rounding can lead astray.
    same = np.allclose(problem.design @ inside, problem.design @ theta, rtol=0, atol=1e-7)
    return inside if same else theta


def covariance(problem: LogLinear, theta: FloatArray, moving: BoolArray) -> FloatArray:
    """Return the covariance of theta, shape (U, U): the inverse of the second derivatives of F.

    Rows of parameters that do not move are 0. Among those that do, directions that change no bin have no variance. With
    a source, the expected second derivatives stand in where the observed ones are not positive.
    """
    rows = problem.informative(theta)
    span = row_space(problem, rows, moving)
    half = problem.design[np.ix_(rows, moving)] @ span
    observed, expected = ((half.T * weights[rows]) @ half for weights in problem.weights(theta))
    good = not problem.source.any() or np.all(np.linalg.eigvalsh(observed) > 0)
    curvature = observed if good else expected
    matrix = np.zeros((len(theta), len(theta)))
    matrix[np.ix_(moving, moving)] = span @ _inverse(curvature) @ span.T
    return matrix


def null_space(problem: LogLinear, rows: BoolArray, columns: BoolArray) -> FloatArray:
    """Return directions of some parameters that change none of some bins, orthonormal, shape (columns, d)."""
    right, rank = _directions(problem, rows, columns)
    return right[rank:].T


def row_space(problem: LogLinear, rows: BoolArray, columns: BoolArray) -> FloatArray:
    """Return the directions of some parameters that change some bins, orthonormal, shape (columns, rank)."""
    right, rank = _directions(problem, rows, columns)
    return right[:rank].T


def _directions(problem: LogLinear, rows: BoolArray, columns: BoolArray) -> tuple[FloatArray, int]:
    """Return the singular vectors and the rank of a part of the design; of all of it they are remembered."""
    whole = rows.all() and columns.all()
    return problem.directions if whole else _svd(problem.design[np.ix_(rows, columns)])


def _start(problem: LogLinear) -> FloatArray:
    """Return the weighted least-squares theta for ln(N + 1/2); what violates a limit is put there, the rest redone."""
    weights = problem.counts + 0.5
    hessian = (problem.design.T * weights) @ problem.design
    target = np.log(np.maximum(weights - problem.source, 0.5)) - problem.offset
    theta, held = np.zeros(problem.design.shape[1]), np.zeros(problem.design.shape[1], dtype=bool)
    while True:
        rest = target - problem.design[:, held] @ theta[held]
        projected = problem.design.T @ (weights * rest)
        theta = np.where(held, theta, -_solve(hessian, projected, ~held))
        clipped = np.clip(theta, problem.lower, problem.upper)
        if np.array_equal(clipped, theta):
            return theta
        theta, held = clipped, held | (clipped != theta)


def _newton_step(problem: LogLinear, theta: FloatArray, gradient: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the step to the minimum of the quadratic model of F; parameters that push against a limit are held."""
    low, high = theta <= problem.lower, theta >= problem.upper
    blocked = (low & (gradient > 0)) | (high & (gradient < 0))
    hessian = (problem.design.T * weights) @ problem.design
    held = blocked
    while True:
        step = _solve(hessian, gradient, ~held)
        pushing = (low & (step < 0)) | (high & (step > 0))
        if not pushing.any():
            break
        held = held | pushing
    # Some were held only for the others' sake: when these have arrived, each goes its own way inwards.
    alone = np.where(held & ~blocked, -gradient / np.maximum(np.diag(hessian), 1e-200), 0)
    return step if -gradient @ step > _CLOSE or -gradient @ alone < _CLOSE else alone


def _solve(hessian: FloatArray, gradient: FloatArray, free: BoolArray) -> FloatArray:
    """Return -H^-1 g on the free parameters, 0 elsewhere."""
    step = np.zeros(len(gradient))
    free = free & (np.diag(hessian) > 1e-200)
    step[free] = -_inverse(hessian[np.ix_(free, free)], _RIDGE) @ gradient[free]
    return step


def _inverse(matrix: FloatArray, ridge: float = 0.0) -> FloatArray:
    """Return the inverse of a positive matrix, scaled to a unit diagonal to keep weak parameters alive.

    The ridge gives open directions, whose gradient is 0, a step of about 0.
    """
    scale = 1 / np.sqrt(np.diag(matrix))
    scaled = matrix * np.outer(scale, scale) + ridge * np.eye(len(scale))
    return np.linalg.inv(scaled) * np.outer(scale, scale)


def _advance(
    problem: LogLinear, theta: FloatArray, before: float, step: FloatArray, gain: float
) -> tuple[FloatArray, float]:
    """Return theta and F after the step, shortened to the nearest limit, to a sane change and until F falls."""
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(step < 0, problem.lower - theta, problem.upper - theta) / step
    room[step == 0] = np.inf
    change = np.abs(problem.design @ step).max(initial=0)
    length = min(1.0, float(room.min(initial=np.inf)), _MAX_CHANGE / max(change, _MAX_CHANGE))
    noise = 1e-13 * (abs(before) + problem.counts.sum())
    for _ in range(50):
        new = np.clip(theta + length * step, problem.lower, problem.upper)
        after = problem.statistic(new)
        if after <= before - 1e-4 * length * gain + noise:
            # Land on a limit exactly, so that the next step knows of it.
            return np.where(room <= length, np.where(step < 0, problem.lower, problem.upper), new), after
        length /= 2
    return theta, before


def _least_distance(problem: LogLinear, null: FloatArray, nearest: FloatArray) -> FloatArray:
    """Return the smallest y with lower <= nearest + null y <= upper.

    Lawson & Hanson 1974, Solving Least Squares Problems, ch. 23.4: least distance programming by non-negative least
    squares.
    """
    from scipy.optimize import nnls

    rows = np.concatenate([null, -null])
    bounds = np.concatenate([problem.lower - nearest, nearest - problem.upper]) - _SLACK
    finite = np.isfinite(bounds)
    system = np.vstack([rows[finite].T, bounds[finite]])
    target = np.append(np.zeros(null.shape[1]), 1.0)
    residual = system @ nnls(system, target)[0] - target
    return np.asarray(-residual[:-1] / (residual[-1] or -1.0))


def _svd(design: FloatArray) -> tuple[FloatArray, int]:
    """Return the right singular vectors as rows, strongest first, and the rank."""
    # The small Gram matrix would square the condition; QR keeps it and makes many bins few.
    triangle = np.linalg.qr(design, mode="r") if len(design) > design.shape[1] else design
    _, singular, right = np.linalg.svd(triangle, full_matrices=True)
    return right, int(np.sum(singular > 1e-10 * singular.max(initial=0)))
