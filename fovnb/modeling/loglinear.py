"""The likelihood of a norm whose logarithm is linear in its parameters, of one run or of many toys of it at once.

    P_k(theta) = exp(c_k + sum_j A_kj theta_j) + S_k,    F = sum_k [P_k - N_k ln P_k] + Q = -ln L

with limits on theta, and priors Q. Without a source or a prior on a norm, F is convex, and strictly convex in the
exponents: every bin's most likely norm is unique, even where the theta that make it are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fovnb.modeling.penalty import Penalty
from fovnb.types import BoolArray, FloatArray, IntArray

__all__ = [
    "LogLinear",
    "covariance",
    "have_part",
    "inverse",
    "null_space",
    "open_parameters",
    "rank",
    "row_space",
    "spread",
]

_NO_COUNTS = 1e-8  # expected counts of a bin that says nothing
_AT_LIMIT = 1e-6  # of theta
_ROUNDING = 1e-15
_PART = 1e-6  # of a direction of length 1: a smaller entry is rounding


@dataclass(frozen=True, eq=False)
class LogLinear:
    """Log-linear likelihoods of T sets of counts, with U parameters in K bins.

    Parameters
    ----------
    counts : array, shape (T, K)
        N.
    source, offset : array, shape (K,)
        S and c.
    design : array, shape (K, U)
        A.
    lower, upper : array, shape (U,) or (T, U)
        Limits of theta, infinite for none; where both are the same, theta is fixed.
    penalty : Penalty
        Q.
    """

    counts: FloatArray
    source: FloatArray
    offset: FloatArray
    design: FloatArray
    lower: FloatArray
    upper: FloatArray
    penalty: Penalty

    def select(self, rows: IntArray | BoolArray) -> "LogLinear":
        """Return the likelihoods of some of the sets of counts."""
        lower, upper = (limit[rows] if limit.ndim > 1 else limit for limit in (self.lower, self.upper))
        return replace(self, counts=self.counts[rows], lower=lower, upper=upper)

    def predicted(self, theta: FloatArray) -> FloatArray:
        """Return P, shape (T, K)."""
        return self._scaled(theta)[1] + self.source

    def statistic(self, theta: FloatArray) -> FloatArray:
        """Return F, shape (T,)."""
        exponent, scaled = self._scaled(theta)
        if self._any_source:  # without ln P is the exponent, also where P underflows
            scaled += self.source
            np.log(scaled, where=self.source > 0, out=exponent)
        data = (scaled - self.counts * exponent).sum(axis=-1)
        return np.asarray(data + self.penalty.value(theta) if self.penalty.acts else data)

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradients of F, shape (T, U)."""
        return self._gradient(theta, *self._share(theta))

    def curvature(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the second derivatives of F and their expectation, shape (T, U, U) each.

        With a source or a prior on a norm the former can be negative; otherwise both are A^T diag(P) A.
        """
        data, priors = (self._quadratic(weights) for weights in self.weights(theta)), self.penalty.curvature(theta)
        observed, expected = (one + other for one, other in zip(data, priors, strict=True))
        return observed, expected

    def safe_curvature(self, theta: FloatArray) -> FloatArray:
        """Return positive second derivatives, shape (T, U, U), rather larger than those of F than smaller."""
        return self.derivatives(theta)[1]

    def derivatives(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return `gradient` and `safe_curvature`."""
        share = self._share(theta)
        observed, expected = self._weights(*share)
        # Where nothing was seen beside a source the expected weights are far too small; elsewhere they are safe.
        data = self._quadratic(np.maximum(observed, expected) if self._any_source else expected)
        safe = data + self.penalty.safe_curvature(theta) if self.penalty.acts else data
        return self._gradient(theta, *share), safe

    def weights(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return w of the second derivatives A^T diag(w) A of F and of their expectation, shape (T, K) each.

        With a source the former can be negative; without, both are P.
        """
        return self._weights(*self._share(theta))

    def informative(self, theta: FloatArray) -> BoolArray:
        """Return which bins say anything about theta, shape (T, K): not those that would never hold a count."""
        return _say_something(self.weights(theta)[1])

    def at_limit(self, theta: FloatArray) -> BoolArray:
        """Return which parameters stand at a limit, shape (T, U); silent ones do not count."""
        low, high = theta <= self.lower + _AT_LIMIT, theta >= self.upper - _AT_LIMIT
        return np.asarray((low | high) & ~self.silent)

    @cached_property
    def silent(self) -> BoolArray:
        """Parameters that change no bin and have no prior, shape (U,)."""
        return np.asarray(~self.system.any(axis=0))

    @cached_property
    def system(self) -> FloatArray:
        """What data and priors determine, as rows: the design and the priors' directions, shape (K + n terms, U)."""
        return np.vstack([self.design, self.penalty.directions]) if self.penalty.acts else self.design

    @cached_property
    def total_counts(self) -> FloatArray:
        """Sum of each set of counts, shape (T,)."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def convex(self) -> bool:
        """Whether F is convex."""
        return not self._any_source and self.penalty.convex

    @property
    def only_data(self) -> bool:
        """Whether there is neither a source nor a prior."""
        return not (self._any_source or self.penalty.acts)

    @cached_property
    def directions(self) -> tuple[FloatArray, int]:
        """Right singular vectors of the system as rows, strongest first, and its rank."""
        return _svd(self.system)

    @cached_property
    def _any_source(self) -> bool:
        return bool((self.source > 0).any())

    def _scaled(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        exponent = self.offset + theta @ self.design.T
        return exponent, np.exp(np.minimum(exponent, 600))

    def _share(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return P - S and (P - S) / P."""
        _, scaled = self._scaled(theta)
        if not self._any_source:
            return scaled, np.array([1.0])
        return scaled, np.divide(scaled, scaled + self.source, where=self.source > 0, out=np.ones(scaled.shape))

    def _gradient(self, theta: FloatArray, scaled: FloatArray, share: FloatArray) -> FloatArray:
        data = (scaled - self.counts * share) @ self.design
        return np.asarray(data + self.penalty.gradient(theta) if self.penalty.acts else data)

    def _weights(self, scaled: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
        if not self._any_source:
            return scaled, scaled
        return scaled - self.counts * share * (1 - share), scaled * share

    def _quadratic(self, weights: FloatArray) -> FloatArray:
        """Return A^T diag(w) A of each row of weights."""
        return np.asarray((self.design.T * weights[:, None, :]) @ self.design)


def covariance(problem: LogLinear, theta: FloatArray, moving: BoolArray) -> FloatArray:
    """Return the covariances of theta, shape (T, U, U): the inverse of the second derivatives of F.

    Rows of parameters that do not move are 0. Among those that do, directions that change no bin have no variance.
    Where the observed second derivatives are not positive, the expected ones stand in.
    """
    weights, kinds = problem.weights(theta), 1 if problem.convex else 2
    priors = problem.penalty.curvature(theta)[:kinds] if problem.penalty.acts else ()
    result = np.zeros((*theta.shape, theta.shape[1]))
    for toys, rows, columns in _alike(_say_something(weights[1]), moving):
        span = spread(row_space(problem, rows, columns), columns)
        half = problem.design @ span
        # In this order rounding cannot make a variance negative.
        data = [(half.T * one[toys][:, None, :]) @ half for one in weights[:kinds]]
        both = [one + span.T @ prior[toys] @ span for one, prior in zip(data, priors, strict=True)] if priors else data
        small = both[0]
        if kinds > 1:
            good = np.all(np.linalg.eigvalsh(small) > 0, axis=-1)
            small = np.where(good[:, None, None], small, both[1])
        result[toys] = span @ inverse(small) @ span.T
    return result


def open_parameters(problem: LogLinear, theta: FloatArray, inside: BoolArray) -> BoolArray:
    """Return which parameters have a part in a direction that nothing determines, shape (T, U).

    Those that are not ``inside``, shape (T, U), stay where they are.
    """
    result = np.zeros(theta.shape, dtype=bool)
    for toys, rows, columns in _alike(problem.informative(theta), inside):
        result[toys] = have_part(spread(null_space(problem, rows, columns), columns))
    return result


def have_part(directions: FloatArray) -> BoolArray:
    """Return which parameters have a part in some directions, orthonormal, shape (U, d)."""
    if not directions.size:
        return np.zeros(len(directions), dtype=bool)
    return np.asarray(np.sqrt((directions**2).sum(axis=1)) > _PART)


def spread(directions: FloatArray, columns: BoolArray) -> FloatArray:
    """Return directions of some parameters, as columns, as directions of all."""
    if columns.all():
        return directions
    full = np.zeros((len(columns), directions.shape[1]))
    full[columns] = directions
    return full


def _say_something(expected: FloatArray) -> BoolArray:
    """Return which bins expect enough counts to say anything."""
    return np.asarray(expected > _NO_COUNTS)


def _alike(informative: BoolArray, columns: BoolArray) -> Iterator[tuple[IntArray | slice, BoolArray, BoolArray]]:
    """Return the toys for which the same bins say anything and the same parameters count, with both."""
    if len(columns) == 1:
        yield slice(None), informative[0], columns[0]
        return
    patterns, kind = np.unique(np.hstack([informative, columns]), axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        bins, parameters = np.split(pattern, [informative.shape[1]])
        yield np.flatnonzero(kind.ravel() == number), bins, parameters


def inverse(matrix: FloatArray) -> FloatArray:
    """Return the inverses of positive matrices, scaled to a unit diagonal to keep weak parameters alive.

    What rounding hides is taken as its size, so that the inverses are positive too.
    """
    if matrix.shape[-1] == 1:
        return np.asarray(1 / matrix)
    scale = 1 / np.sqrt(np.diagonal(matrix, axis1=-2, axis2=-1))
    outer = scale[..., :, None] * scale[..., None, :]
    values, vectors = np.linalg.eigh(matrix * outer)
    halves = vectors / np.sqrt(np.maximum(values, _ROUNDING))[..., None, :]
    return np.asarray(halves @ np.swapaxes(halves, -1, -2) * outer)


def null_space(problem: LogLinear, rows: BoolArray, columns: BoolArray) -> FloatArray:
    """Return directions of some parameters that change none of some bins, orthonormal, shape (columns, d).

    Directions that a prior determines are not among them.
    """
    right, number = _directions(problem, rows, columns)
    return right[number:].T


def row_space(problem: LogLinear, rows: BoolArray, columns: BoolArray) -> FloatArray:
    """Return the directions of some parameters that change some bins or have a prior, orthonormal, (columns, rank)."""
    right, number = _directions(problem, rows, columns)
    return right[:number].T


def rank(problem: LogLinear, rows: BoolArray, columns: BoolArray) -> int:
    """Return how many combinations of some parameters some bins determine, without the priors."""
    if not problem.penalty.acts:
        return _directions(problem, rows, columns)[1]
    return _svd(problem.design[np.ix_(rows, columns)])[1]


def _directions(problem: LogLinear, rows: BoolArray, columns: BoolArray) -> tuple[FloatArray, int]:
    """Return the singular vectors and the rank of a part of the system; of all of it they are remembered."""
    if rows.all() and columns.all():
        return problem.directions
    priors = np.ones(len(problem.system) - len(rows), dtype=bool)
    return _svd(problem.system[np.ix_(np.append(rows, priors), columns)])


def _svd(design: FloatArray) -> tuple[FloatArray, int]:
    """Return the right singular vectors as rows, strongest first, and the rank."""
    if design.shape[1] == 1:
        return np.ones((1, 1)), int(design.any())
    # The small Gram matrix would square the condition.
    _, singular, right = np.linalg.svd(design, full_matrices=len(design) < design.shape[1])
    return right, int(np.sum(singular > 1e-10 * singular.max(initial=0)))
