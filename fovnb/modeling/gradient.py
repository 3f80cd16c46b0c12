"""A linear gradient of the background over the field of view, P' = P (1 + gx x + gy y), x and y in degrees.

Its likelihood needs no cube of pixels: per energy bin the moments of the background, and the pixels that hold counts,

    ln L = sum_p c_p ln w_p - sum_k n_k (B_k + gx Bx_k + gy By_k) + sum_k N_k ln n_k,    w = 1 + gx x + gy y > 0.

The factor must be positive wherever the field is used; as it is linear, the field's edge decides.
"""

from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.modeling.loglinear import inverse
from fovnb.text import Record
from fovnb.types import AnyArray, BoolArray, FloatArray

__all__ = ["FieldGradient", "FieldSums", "field_sums", "fit_gradient", "score_gradient"]

_MAX_STEPS = 100
_CONVERGED = 1e-16  # squared Newton step over its error: 1e-8 standard deviations
_MOMENTS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # of (1, x, y), in the order of the columns


@dataclass(frozen=True, eq=False, repr=False)
class FieldSums(Record):
    """What the likelihood of a gradient sees of a cube of counts and predictions.

    Parameters
    ----------
    moments : array, shape (K, 6)
        Sums over the used pixels of each energy bin of b times 1, x, y, x x, x y, y y.
    lonlat : array, shape (E, 2)
        x and y [deg] of the pixels that hold counts, all energies together.
    counts : array, shape (E,)
        Counts of these pixels.
    edge : array, shape (C, 2)
        x and y [deg] of the pixels at the edge of the used field: what is positive there is positive in between.

    Examples
    --------
    >>> x, y = np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 1.0])
    >>> counts, background = np.array([[[0, 0, 3], [0, 0, 0]]]), np.full((1, 2, 3), 2.0)
    >>> sums = field_sums(counts, background, background > 0, x, y)
    >>> sums.moments.tolist(), sums.lonlat.tolist(), sums.total_counts
    ([[12.0, 0.0, 0.0, 8.0, 0.0, 12.0]], [[1.0, -1.0]], 3.0)
    """

    moments: FloatArray
    lonlat: FloatArray
    counts: FloatArray
    edge: FloatArray

    @property
    def total_counts(self) -> float:
        """Counts of all pixels."""
        return float(self.counts.sum())

    def background(self, gradient: FloatArray) -> FloatArray:
        """Return B_k + gx Bx_k + gy By_k, shape (K,)."""
        return np.asarray(self.moments[:, 0] + self.moments[:, 1:3] @ gradient)

    def scale(self, norm: FloatArray) -> "FieldSums":
        """Return the sums for the background times a norm per bin, shape (K,)."""
        return replace(self, moments=self.moments * np.asarray(norm, dtype=float)[:, None])

    def is_positive(self, gradient: FloatArray) -> bool:
        """Whether 1 + gx x + gy y is positive wherever the field is used."""
        return bool(np.all(1 + self.edge @ gradient > 0))

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {"energy bins": len(self.moments), "counts": f"{self.total_counts:.6g}"}
        return rows | {"background": f"{self.moments[:, 0].sum():.6g}"}


@dataclass(frozen=True, eq=False, repr=False)
class FieldGradient(Record):
    """A gradient over the field of view and how far it is from none.

    Parameters
    ----------
    gradient : array, shape (2,)
        gx and gy [deg-1]; NaN where there is too little to say.
    covariance : array, shape (2, 2)
        Their covariance [deg-2].
    norm : float
        Factor on the prediction at x = y = 0.
    counts : float
        Counts that it rests on.
    status : str
        ``ok``, ``at-limit`` (the background would fall below 0 within the field) or ``too-few-counts``.
    reason : str
        The status in a sentence.

    Examples
    --------
    >>> found = FieldGradient(np.array([0.5, 0.0]), np.diag([0.0625, 0.0625]), 1.0, 500.0)
    >>> found.z.tolist(), found.chi2, round(found.p_value, 4), round(found.significance, 2)
    ([2.0, 0.0], 4.0, 0.1353, 1.49)
    """

    gradient: FloatArray
    covariance: FloatArray
    norm: float
    counts: float
    status: str = "ok"
    reason: str = "the gradient is inside its limits"

    @property
    def errors(self) -> FloatArray:
        """Standard deviations of gx and gy [deg-1], shape (2,)."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def z(self) -> FloatArray:
        """The two divided by their errors, shape (2,)."""
        return np.asarray(self.gradient / self.errors)

    @property
    def chi2(self) -> float:
        """g^T C^-1 g, which without a gradient follows chi2 with 2 degrees of freedom."""
        if self.status == "too-few-counts":
            return float("nan")
        return float(self.gradient @ np.linalg.solve(self.covariance, self.gradient))

    @property
    def p_value(self) -> float:
        """Chance of so large a chi2 without a gradient, exp(-chi2 / 2)."""
        return float(np.exp(-self.chi2 / 2))

    @property
    def significance(self) -> float:
        """The p-value as standard deviations of a normal distribution, both sides."""
        chance = self.p_value
        return chance if np.isnan(chance) else -NormalDist().inv_cdf(max(chance, 1e-300) / 2)

    def _rows(self) -> dict[str, object]:
        values = zip(("gx", "gy"), self.gradient, self.errors, strict=True)
        rows: dict[str, object] = {name: f"{value:.4g} ± {error:.2g} / deg" for name, value, error in values}
        rows |= {"significance": f"{self.significance:.3g}", "norm": f"{self.norm:.5g}"}
        return rows | {"counts": f"{self.counts:.6g}", "status": self.status, "reason": self.reason}


def field_sums(counts: AnyArray, background: AnyArray, used: BoolArray, x: FloatArray, y: FloatArray) -> FieldSums:
    """Return the sums of a cube, in one pass over its pixels.

    Parameters
    ----------
    counts, background : array, shape (K, ny, nx)
        Counts c and predictions b.
    used : array of bool, shape (K, ny, nx)
        True where both take part.
    x, y : array, shape (ny, nx)
        Field-of-view longitude and latitude [deg]; pixels where they are NaN take no part.

    Raises
    ------
    InvalidInputError
        If shapes differ, counts or background are negative or NaN where they are used, or no pixel is used.
    """
    cube, image = (np.shape(counts), np.shape(background), np.shape(used)), (np.shape(x), np.shape(y))
    if len({*cube}) > 1 or {*image} != {cube[0][1:]}:
        msg = f"counts, background and mask have the shapes {cube}, x and y {image}; expected (K, ny, nx) and (ny, nx)"
        raise InvalidInputError(msg)
    known = np.isfinite(x + y)
    field: BoolArray = np.any(used, axis=0) & known
    if not field.any():
        msg = "no pixel of the field is used; check the safe mask, the exclusion mask and the background"
        raise InvalidInputError(msg)
    box = np.s_[:, *(slice(index.min(), index.max() + 1) for index in np.nonzero(field))]
    field, mask = field[box[1:]], used[box] & known[box[1:]]
    lonlat = np.where(field[..., None], np.stack([x, y], axis=-1)[box[1:]], 0.0)
    basis = (np.ones(field.shape), lonlat[..., 0], lonlat[..., 1])
    columns = np.stack([(basis[i] * basis[j]).ravel() for i, j in _MOMENTS], axis=1)
    image = np.sum(counts[box], axis=0, where=mask, dtype=float)
    moments = np.where(mask, background[box], 0.0).reshape(len(mask), -1) @ columns
    if not (np.all(image >= 0) and np.all(moments[:, 0] >= 0)):
        msg = "counts or background are negative or NaN where they are used; leave these pixels out of the mask"
        raise InvalidInputError(msg)
    seen = image > 0
    return FieldSums(moments, lonlat[seen], image[seen], lonlat[field & ~_inner(field)])


def fit_gradient(field: FieldSums) -> FieldGradient:
    """Return the most likely gradient of a predicted field, its overall norm free.

    With X = (1, x, y) and w = theta . X, ln L = sum c ln w - theta . sum P X is concave: Newton's method from
    (1, 0, 0), the step halved while w <= 0 somewhere in the field. g = theta_i / theta_0, its covariance from the
    second derivatives, sum c X X^T / w^2, by the delta method.

    Parameters
    ----------
    field : FieldSums
        With the prediction P, not the background at norm 1: see `FieldSums.scale`.

    Examples
    --------
    >>> x, y = np.meshgrid([-1.0, 1.0], [-1.0, 1.0])
    >>> counts, background = np.array([[[4.0, 12.0], [4.0, 12.0]]]), np.full((1, 2, 2), 8.0)
    >>> fit_gradient(field_sums(counts, background, background > 0, x, y)).gradient.round(9).tolist()
    [0.5, 0.0]
    """
    points = np.column_stack([np.ones(len(field.counts)), field.lonlat])
    if np.linalg.matrix_rank(points) < 3:
        return _too_few(field)
    edge = np.column_stack([np.ones(len(field.edge)), field.edge])
    theta, expected = np.array([1.0, 0.0, 0.0]), field.moments[:, :3].sum(axis=0)
    for _ in range(_MAX_STEPS):
        seen = points / (points @ theta)[:, None]
        hessian = (seen.T * field.counts) @ seen
        step = np.linalg.solve(hessian, field.counts @ seen - expected)
        if step @ hessian @ step < _CONVERGED:
            return _finish(field, theta, hessian)
        length = _length(theta, step, points, edge, field.counts, expected)
        if length == 0:
            break
        theta = theta + length * step
    return replace(
        _finish(field, theta, hessian),
        status="at-limit",
        reason="the best gradient would predict less than no background within the field; use more counts",
    )


def score_gradient(field: FieldSums, nuisance: FloatArray | None = None) -> FieldGradient:
    """Return the score test of a gradient, no fit: the score, and its variance when the norm is fitted too.

    U_i = sum x_i (c - P), V = I_gg - I_gn I_nn^-1 I_ng (Schur complement over the nuisance parameters, Rao 1948), with
    I_gg = sum P x x^T, I_gn = sum P x A and I_nn = sum P A A^T. Then chi2 = U^T V^-1 U, and V^-1 U is the gradient in
    one step.

    Parameters
    ----------
    field : FieldSums
        With the prediction P of the fitted norm.
    nuisance : array, shape (K, m), optional
        A, d ln P_k / d parameter: (1, -ln(E_k/E0)) for norm and tilt; by default a norm alone.

    Examples
    --------
    >>> x, y = np.meshgrid([-1.0, 1.0], [-1.0, 1.0])
    >>> counts, background = np.array([[[4.0, 12.0], [4.0, 12.0]]]), np.full((1, 2, 2), 8.0)
    >>> score_gradient(field_sums(counts, background, background > 0, x, y)).z.round(6).tolist()
    [2.828427, 0.0]
    """
    design = np.ones((len(field.moments), 1)) if nuisance is None else nuisance
    predicted, first = field.moments[:, 0], field.moments[:, 1:3]
    across = design.T @ first
    solved = np.linalg.pinv((design.T * predicted) @ design) @ across
    xx, xy, yy = field.moments[:, 3:].sum(axis=0)
    variance = np.array([[xx, xy], [xy, yy]]) - across.T @ solved
    if field.total_counts == 0 or np.linalg.cond(variance) > 1e12:
        return _too_few(field)
    score = field.counts @ field.lonlat - first.sum(axis=0)
    covariance = inverse(variance)
    return FieldGradient(
        covariance @ score, covariance, field.total_counts / float(predicted.sum()), field.total_counts
    )


def _inner(field: BoolArray) -> BoolArray:
    """Return the pixels whose four neighbours are all used: they lie between these."""
    wide = np.pad(field, 1)
    return np.asarray(wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:])


def _length(
    theta: FloatArray, step: FloatArray, points: FloatArray, edge: FloatArray, counts: FloatArray, expected: FloatArray
) -> float:
    """Return the longest of 1, 1/2, 1/4 ... of the step that keeps w positive and does not lose likelihood."""

    def loss(trial: FloatArray) -> float:
        return float(expected @ trial - counts @ np.log(points @ trial))

    length, before = 1.0, loss(theta)
    while length > 1e-12:
        trial = theta + length * step
        if np.all(edge @ trial > 0) and loss(trial) <= before + 1e-13 * abs(before):
            return length
        length /= 2
    return 0.0


def _finish(field: FieldSums, theta: FloatArray, hessian: FloatArray) -> FieldGradient:
    """Return theta_i / theta_0 with its covariance by the delta method."""
    gradient = theta[1:] / theta[0]
    slope = np.column_stack([-gradient, np.eye(2)]) / theta[0]
    covariance: FloatArray = slope @ inverse(hessian) @ slope.T
    return FieldGradient(gradient, covariance, float(theta[0]), field.total_counts)


def _too_few(field: FieldSums) -> FieldGradient:
    reason = f"{field.total_counts:g} counts do not determine a gradient; use more counts or a wider field"
    nothing = [np.nan, np.nan]
    return FieldGradient(
        np.array(nothing), np.array([nothing, nothing]), np.nan, field.total_counts, "too-few-counts", reason
    )
