"""The maximum of log-linear likelihoods within limits, of one run or of many toys at once.

Newton's method on the face of the limits finds it in a few steps; each row goes on until it has arrived. Where whole
steps lead one run to a maximum inside of its limits, nothing else is needed.
"""

import numpy as np

from fovnb.modeling.loglinear import LogLinear
from fovnb.types import BoolArray, FloatArray

__all__ = ["maximise", "nearest_to_zero"]

_MAX_STEPS = 300
_FEW_STEPS = 12  # whole ones: what takes more needs limits or shorter steps
_EXACT = 1e-9  # standard deviations
_LARGE = 600.0  # a logarithm whose exponential is still a number
_MAX_CHANGE = 3.0  # of an exponent in one step: beyond it the quadratic model of F means nothing
_RIDGE = 1e-12
_CLOSE = 1e-9  # of F still to gain, 5e-5 standard deviations, before a last step that squares it
_VERY_CLOSE = 1e-13  # the same where the curvature need not be that of F, and a step squares nothing
_ON_LIMIT = 1e-6  # of theta: so near to a limit is on it
_SLACK = 1e-9  # room that keeps a solvable least-distance problem solvable


def maximise(
    problem: LogLinear, start: FloatArray | None = None, max_steps: int = _MAX_STEPS
) -> tuple[FloatArray, BoolArray]:
    """Return the theta, shape (T, U), that minimise F within the limits, and which were found, shape (T,).

    Without a start, shape (T, U), the result does not depend on the caller: weighted least squares first, and where
    that leads nowhere, theta as near to 0 as the limits allow.
    """
    straight = _straight(problem) if start is None and len(problem.counts) == 1 else None
    if straight is not None:
        return straight, np.ones(1, dtype=bool)
    theta = _start(problem) if start is None else np.clip(start, problem.lower, problem.upper)
    theta, found = _descend(problem, theta, max_steps)
    if start is None and not found.all():
        rest = problem.select(~found)
        theta[~found], found[~found] = _descend(
            rest, np.clip(np.zeros(theta[~found].shape), rest.lower, rest.upper), max_steps
        )
    return theta, found


def nearest_to_zero(problem: LogLinear, theta: FloatArray) -> FloatArray:
    """Return the theta with the least sum of squares among those within the limits that predict the same."""
    right, rank = problem.directions
    if rank == theta.shape[1]:
        return theta
    null = right[rank:].T
    bounds = (np.broadcast_to(limit, theta.shape) for limit in (problem.lower, problem.upper))
    return np.stack([_nearest(problem.system, null, *row) for row in zip(theta, *bounds, strict=True)])


def _straight(problem: LogLinear) -> FloatArray | None:
    """Return the theta, shape (1, U), to which whole Newton steps lead one set of counts, None if not to the minimum.

    Without a source or priors F is convex, and strictly where the design has full rank: it has no more than one point
    without slope, and inside of the limits that is the minimum, whatever the way to it. The first step is weighted
    least squares for ln(N + 1/2). Along a step h no second derivative changes by more than a factor exp(c), with
    c = max |A h|, so that the next step is no longer than c |h|, to first order half of it, in standard deviations of
    theta: below 1e-9 it is not taken. Every bin has to say something, as for the covariance.
    """
    counts, design, rank = problem.counts[0], problem.design, problem.directions[1]
    if not problem.only_data or rank < design.shape[1]:
        return None
    theta, expected = np.zeros(rank), counts + 0.5
    exponent, excess = problem.offset, expected * (problem.offset - np.log(expected))
    for n_before in range(_FEW_STEPS):  # the first, least squares, says nothing of the next
        gradient = excess @ design
        hessian = (design.T * expected) @ design
        try:
            step = gradient / hessian[0] if rank == 1 else np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            return None
        change = design @ step
        theta, exponent = theta - step, exponent - change
        expected = np.exp(np.minimum(exponent, _LARGE))
        excess = expected - counts
        if n_before and np.abs(change).max() * np.sqrt(np.abs(gradient @ step)) < _EXACT:
            arrived = theta[None]
            return arrived if problem.informative(arrived).all() and not problem.at_limit(arrived).any() else None
    return None


def _descend(problem: LogLinear, theta: FloatArray, max_steps: int) -> tuple[FloatArray, BoolArray]:
    """Return where Newton's method leads from the start, and whether it arrived."""
    theta, going, close = theta.copy(), np.arange(len(theta)), _CLOSE if problem.convex else _VERY_CLOSE
    value = problem.statistic(theta)
    for _ in range(max_steps):
        step, gain = _newton_step(problem, theta[going])
        theta[going], value[going] = _advance(problem, theta[going], value[going], step, gain)
        far = gain >= close
        if far.all():
            continue
        going = going[far]
        if not len(going):
            break
        problem = problem.select(far)
    found = np.ones(len(theta), dtype=bool)
    found[going] = False
    return theta, found


def _start(problem: LogLinear) -> FloatArray:
    """Return the weighted least-squares theta for ln(N + 1/2); what violates a limit is put there, the rest redone."""
    weights = problem.counts + 0.5
    hessian = (problem.design.T * weights[:, None, :]) @ problem.design
    target = np.log(np.maximum(weights - problem.source, 0.5)) - problem.offset
    theta = np.zeros((len(weights), problem.design.shape[1]))
    held = np.zeros(theta.shape, dtype=bool)
    while True:
        rest = target - np.where(held, theta, 0) @ problem.design.T
        theta = np.where(held, theta, -_solve(hessian, (weights * rest) @ problem.design, ~held))
        clipped = np.minimum(np.maximum(theta, problem.lower), problem.upper)
        if np.all(clipped == theta):
            return theta
        theta, held = clipped, held | (clipped != theta)


def _newton_step(problem: LogLinear, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the steps to the minimum of the quadratic model of F and the gain they promise.

    Parameters that push against a limit are held.
    """
    gradient, hessian = problem.derivatives(theta)
    low, high = theta <= problem.lower, theta >= problem.upper
    inside = ~(low | high)
    if inside.all():
        step = _solve(hessian, gradient, inside)
        return step, -(gradient * step).sum(axis=1)
    blocked = (low & (gradient > 0)) | (high & (gradient < 0))
    held = blocked
    while True:
        step = _solve(hessian, gradient, ~held)
        pushing = (low & (step < 0)) | (high & (step > 0))
        if not pushing.any():
            break
        held = held | pushing
    # Some were held only for the others' sake: when these have arrived, each goes its own way inwards.
    alone = np.where(held & ~blocked, -gradient / np.maximum(_diagonal(hessian), 1e-200), 0)
    gain, gain_alone = -np.sum(gradient * step, axis=1), -np.sum(gradient * alone, axis=1)
    together = (gain > _CLOSE) | (gain_alone < _CLOSE)
    return np.where(together[:, None], step, alone), np.where(together, gain, gain_alone)


def _solve(hessian: FloatArray, gradient: FloatArray, free: BoolArray) -> FloatArray:
    """Return -H^-1 g on the free parameters, 0 elsewhere.

    H is scaled to a unit diagonal to keep weak parameters alive. A ridge gives open directions, whose gradient is 0, a
    step of about 0.
    """
    diagonal = _diagonal(hessian)
    free = free & (diagonal > 1e-200)
    scale = free / np.sqrt(np.where(free, diagonal, 1))
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    every = np.arange(hessian.shape[1])
    scaled[:, every, every] = 1 + _RIDGE
    return np.asarray(-scale * np.linalg.solve(scaled, (scale * gradient)[..., None])[..., 0])


def _diagonal(matrix: FloatArray) -> FloatArray:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _advance(
    problem: LogLinear, theta: FloatArray, before: FloatArray, step: FloatArray, gain: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return theta and F after the step, shortened to the nearest limit, to a sane change and until F falls."""
    limit = np.where(step < 0, problem.lower, problem.upper)
    room = np.divide(limit - theta, step, where=step != 0, out=np.full(step.shape, np.inf))
    change = np.abs(step @ problem.system.T).max(axis=1, initial=0)
    length = np.minimum(room.min(axis=1, initial=1.0), _MAX_CHANGE / np.maximum(change, _MAX_CHANGE))
    ceiling = before + 1e-13 * (np.abs(before) + problem.total_counts)
    result, value, waiting = theta.copy(), before.copy(), np.ones(len(theta), dtype=bool)
    for _ in range(50):
        new = np.minimum(np.maximum(theta + length[:, None] * step, problem.lower), problem.upper)
        after = problem.statistic(new)
        falls = waiting & (after <= ceiling - 1e-4 * length * gain)
        # Land on a limit exactly, so that the next step knows of it.
        result[falls], value[falls] = np.where(room <= length[:, None], limit, new)[falls], after[falls]
        waiting &= ~falls
        if not waiting.any():
            break
        length = np.where(waiting, length / 2, length)
    return result, value


def _nearest(
    system: FloatArray, null: FloatArray, theta: FloatArray, lower: FloatArray, upper: FloatArray
) -> FloatArray:
    """Return the theta with the least sum of squares within the limits, along the null space from one theta."""
    nearest = theta - null @ (null.T @ theta)
    if np.all((nearest >= lower) & (nearest <= upper)):
        return np.asarray(nearest)
    inside = np.clip(nearest + null @ _least_distance(null, lower - nearest, nearest - upper), lower, upper)
    for limit in (lower, upper):
        # What the likelihood holds at a limit stays there exactly.
        inside = np.where((theta == limit) & (np.abs(inside - limit) < _ON_LIMIT), limit, inside)
    # Where the limits leave next to no room, rounding can lead astray.
    same = np.allclose(system @ inside, system @ theta, rtol=0, atol=1e-7)
    return inside if same else theta


def _least_distance(null: FloatArray, below: FloatArray, above: FloatArray) -> FloatArray:
    """Return the smallest y with below <= null y <= -above.

    Lawson & Hanson 1974, Solving Least Squares Problems, ch. 23.4: least distance programming by non-negative least
    squares.
    """
    from scipy.optimize import nnls

    rows = np.concatenate([null, -null])
    bounds = np.concatenate([below, above]) - _SLACK
    finite = np.isfinite(bounds)
    system = np.vstack([rows[finite].T, bounds[finite]])
    target = np.append(np.zeros(null.shape[1]), 1.0)
    residual = system @ nnls(system, target)[0] - target
    return np.asarray(-residual[:-1] / (residual[-1] or -1.0))
