"""What is known before the fit, as terms of -ln L: Gaussian priors on values, and on differences of theta."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fovnb.types import FloatArray

__all__ = ["Penalty"]

_LARGE = 300.0  # a logarithm whose exponential can still be squared
_SAFE = 0.3  # of the positive part: a second derivative smaller than this leads too far


@dataclass(frozen=True, eq=False)
class Penalty:
    """Squares of what is linear in theta, or in exp(theta) for a norm whose logarithm theta is.

        Q(theta) = 1/2 |rows theta - target|^2 + 1/2 sum_j weight_j (exp(theta_j) - mean_j)^2

    Parameters
    ----------
    rows, target : array, shape (m, U) and (m,)
        Each row over its standard deviation.
    mean, weight : array, shape (U,)
        Priors on norms; the weight is 1 / sigma^2, 0 for none.

    Examples
    --------
    >>> prior = Penalty(np.zeros((0, 1)), np.zeros(0), mean=np.array([1.0]), weight=np.array([4.0]))
    >>> prior.value(np.array([[np.log(2.0)]])).tolist(), prior.gradient(np.array([[np.log(2.0)]])).tolist()
    ([2.0], [[8.0]])
    """

    rows: FloatArray
    target: FloatArray
    mean: FloatArray
    weight: FloatArray

    @classmethod
    def none(cls, size: int) -> "Penalty":
        """Return no terms on so many parameters."""
        return cls(np.zeros((0, size)), np.zeros(0), np.zeros(size), np.zeros(size))

    @cached_property
    def acts(self) -> bool:
        """Whether there is any term."""
        return bool(not self.convex or self.rows.any())

    @cached_property
    def convex(self) -> bool:
        """Whether Q is convex in theta whatever theta is."""
        return not self.weight.any()

    @cached_property
    def directions(self) -> FloatArray:
        """What the terms determine, as rows of length 1, shape (n terms, U)."""
        rows = self.rows[self.rows.any(axis=1)]
        norms = np.eye(len(self.weight))[self.weight > 0]
        return np.vstack([rows / np.linalg.norm(rows, axis=1, keepdims=True), norms])

    def value(self, theta: FloatArray) -> FloatArray:
        """Return Q of each of T theta, shape (T,)."""
        linear, excess = theta @ self.rows.T - self.target, self._norm(theta) - self.mean
        return np.asarray(0.5 * np.sum(linear**2, axis=-1) + 0.5 * np.sum(self.weight * excess**2, axis=-1))

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradients of Q, shape (T, U)."""
        norm = self._norm(theta)
        return np.asarray((theta @ self.rows.T - self.target) @ self.rows + self.weight * (norm - self.mean) * norm)

    def curvature(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the second derivatives of Q, and those without what can be negative, shape (T, U, U) each."""
        if not self.acts:
            none = np.zeros((*theta.shape, theta.shape[-1]))
            return none, none
        full, positive = self._bends(theta)
        return self._with_rows(full), self._with_rows(positive)

    def safe_curvature(self, theta: FloatArray) -> FloatArray:
        """Return positive second derivatives, shape (T, U, U): of each norm's prior those of Q unless they are small.

        Each term is judged alone: beside rows that leave all norms rise together, a sum of both can look positive and
        bend down in just that direction.
        """
        full, positive = self._bends(theta)
        return self._with_rows(np.where(full > _SAFE * positive, full, positive))

    def _bends(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the second derivatives of the priors on norms, and without what can be negative, shape (T, U) each."""
        norm = self._norm(theta)
        positive = self.weight * norm**2
        return positive + self.weight * (norm - self.mean) * norm, positive

    def _with_rows(self, bends: FloatArray) -> FloatArray:
        return np.asarray(self.rows.T @ self.rows + bends[..., None] * np.eye(len(self.weight)))

    def _norm(self, theta: FloatArray) -> FloatArray:
        return np.exp(np.minimum(np.where(self.weight > 0, theta, 0), _LARGE))
