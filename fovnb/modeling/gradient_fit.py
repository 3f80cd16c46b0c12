"""Norm and field-of-view gradient of one run, fitted together.

For a given gradient g the norm sees the background B_k + gx Bx_k + gy By_k and nothing else of the field, and is fitted
as ever. What is left, the best likelihood as a function of g, is climbed by Newton's method: its second derivative is
the Schur complement of the norm's parameters in the joint one.
"""

from dataclasses import dataclass, replace

import numpy as np
from astropy import units as u

from fovnb.errors import InvalidInputError
from fovnb.modeling.background_fit import failed_fit, fit_background
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.covariance import embed
from fovnb.modeling.fit import Fit
from fovnb.modeling.gradient import FieldSums
from fovnb.modeling.models import FoVBackgroundModel
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import BoolArray, FloatArray

__all__ = ["fit_norm_and_gradient"]

_MAX_STEPS = 100
_CONVERGED = 1e-14  # squared Newton step over its error: 1e-7 standard deviations
_NEARLY = 0.9  # of the way to a background of 0 that one step may go
_STUCK = 1e-9  # deg-1: a step shortened to this ends where the background would become negative


def fit_norm_and_gradient(
    sums: BackgroundSums, field: FieldSums, model: FoVBackgroundModel, fit: Fit | None = None, name: str | None = None
) -> tuple[FoVBackgroundModel, BackgroundFit]:
    """Return the model at the joint maximum over the norm's parameters and the free ones of gx and gy, and the record.

    ln L = sum_k [N_k ln n_k - n_k (B_k + gx Bx_k + gy By_k)] + sum_p c_p ln(1 + gx x_p + gy y_p), which is that of all
    pixels. The covariance is the joint one. Background, deviance, p-value and profile intervals are those of the norm,
    with the gradient found in the background; ``total_stat`` holds the gradient's term too. Limits and priors of gx and
    gy are kept.

    Parameters
    ----------
    sums, field : BackgroundSums, FieldSums
        Of the same pixels, and the background at norm 1 without gradient; no source.
    model : FoVBackgroundModel
        With a spatial model of which gx, gy or both are free.
    fit : Fit, optional
        Minimiser to use for the norm.
    name : str, optional
        Name of the dataset, by default the model's.

    Raises
    ------
    InvalidInputError
        If there is a source, or no free gradient.
    ModelError
        If no parameter of the norm is free.

    Examples
    --------
    >>> from fovnb.modeling.gradient import field_sums
    >>> from fovnb.modeling.models import FoVGradientSpatialModel
    >>> x, y = np.meshgrid([-1.0, 1.0], [-1.0, 1.0])
    >>> counts, background = np.array([[[4.0, 12.0], [4.0, 12.0]]]), np.full((1, 2, 2), 10.0)
    >>> sums = BackgroundSums(energy=[1.0], counts=[32.0], background=[40.0])
    >>> model = FoVBackgroundModel("obs-1", spatial_model=FoVGradientSpatialModel())
    >>> field = field_sums(counts, background, background > 0, x, y)
    >>> fit_norm_and_gradient(sums, field, model)[0].parameters.value.round(6).tolist()  # tilt, norm, reference, gx, gy
    [0.0, 0.8, 1.0, 0.5, 0.0]
    """
    gradient = _Gradient.of(model)
    if sums.source.any() or gradient.frozen.all():
        msg = "a gradient is fitted without a source and with gx or gy free; free one, or put it into the background"
        raise InvalidInputError(msg)
    new, record = _climb(sums, field, model, gradient, fit, name)
    if not gradient.weight.any() or not record.success:
        return new, record
    bare = replace(gradient, weight=np.zeros(2))
    return new, _beside_prior(record, gradient, _climb(sums, field, model, bare, fit, name)[1])


@dataclass(frozen=True, eq=False)
class _Gradient:
    """Start of gx and gy, frozen flags, limits, and priors as means and 1 / sigma^2 (0 for none); shape (2,) each."""

    start: FloatArray
    frozen: BoolArray
    lower: FloatArray
    upper: FloatArray
    mean: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, model: FoVBackgroundModel) -> "_Gradient":
        pair = () if model.spatial_model is None else model.spatial_model.parameters
        for par in pair:
            if par.unit != u.deg**-1:
                msg = f"{par.name} is in {par.unit}; give the gradient in deg-1 to fit it"
                raise InvalidInputError(msg)
        frozen = np.array([par.frozen for par in pair], dtype=bool)
        lower, upper = (np.array([getattr(par, side) for par in pair]) for side in ("min", "max"))
        lower, upper = np.nan_to_num(lower, nan=-np.inf), np.nan_to_num(upper, nan=np.inf)
        start = np.where(frozen, [par.value for par in pair], np.clip(0.0, lower, upper))
        priors = [None if par.frozen else par.prior for par in pair]
        mean = np.array([0.0 if one is None else one.mu.value for one in priors])
        weight = np.array([0.0 if one is None else one.weight / one.sigma.value**2 for one in priors])
        return cls(start, frozen, lower, upper, mean, weight)


@dataclass(frozen=True, eq=False)
class _Trial:
    """The norm fitted for one gradient, and the derivatives of -ln L there.

    ``covariance`` (U, U) is that of the norm's free parameters for this gradient; ``slope`` (2,) and ``curvature``
    (2, 2) are derivatives with the gradient, ``mixed`` (U, 2) with both.
    """

    norm: FoVBackgroundModel
    record: BackgroundFit
    covariance: FloatArray
    slope: FloatArray
    curvature: FloatArray
    mixed: FloatArray

    @property
    def profile(self) -> FloatArray:
        """Second derivatives of the best likelihood with the gradient, shape (2, 2)."""
        reduced = self.curvature - self.mixed.T @ self.covariance @ self.mixed
        return reduced if np.all(np.linalg.eigvalsh(reduced) > 0) else self.curvature


def _climb(
    sums: BackgroundSums,
    field: FieldSums,
    model: FoVBackgroundModel,
    start: _Gradient,
    fit: Fit | None,
    name: str | None,
) -> tuple[FoVBackgroundModel, BackgroundFit]:
    """Return the fitted model and the record."""
    flat = model.copy(spatial_model=None)
    gradient, failure = start.start, "the maximum of the likelihood was not found; freeze gx and gy"
    if not field.is_positive(gradient):
        failure = f"gx = {gradient[0]:g} and gy = {gradient[1]:g} make the background negative within the field"
        return failed_fit(sums, model, "fit", name, "not-converged", failure)
    for _ in range(_MAX_STEPS):
        norm, record = fit_background(replace(sums, background=field.background(gradient)), flat, fit, name)
        if not record.success:
            return failed_fit(sums, model, "fit", name, record.status, record.reason)
        trial = _derive(field, gradient, start, norm, record)
        pushed = ((gradient <= start.lower) & (trial.slope > 0)) | ((gradient >= start.upper) & (trial.slope < 0))
        moving = ~(start.frozen | pushed)
        step = -_inverse(trial.profile, moving) @ trial.slope
        moved = _move(field, gradient, step, start)
        arrived = -trial.slope @ step < _CONVERGED
        if arrived or np.abs(moved - gradient).max() < min(_STUCK, 0.75 * np.abs(step).max()):
            return _finish(model, field, trial, gradient, moving & arrived)
        gradient = moved
    return failed_fit(sums, model, "fit", name, "not-converged", failure)


def _derive(
    field: FieldSums, gradient: FloatArray, prior: _Gradient, norm: FoVBackgroundModel, record: BackgroundFit
) -> _Trial:
    """Return the derivatives of -ln L at a gradient whose norm is fitted."""
    problem, used, parameters = record.problem, record.background > 0, norm.parameters
    assert problem is not None  # every fit that succeeds has one
    rate = record.predicted[used] / record.background[used]
    first = rate[:, None] * field.moments[used, 1:3]
    index = [parameters.index(par) for par in parameters.free_unique_parameters]
    # theta is ln(value) of a norm.
    mixed = (problem.likelihood.design / problem.scale(problem.free.value)).T @ first
    seen = field.lonlat / (1 + field.lonlat @ gradient)[:, None]
    slope = first.sum(axis=0) - field.counts @ seen + prior.weight * (gradient - prior.mean)
    curvature = (seen.T * field.counts) @ seen + np.diag(prior.weight)
    return _Trial(norm, record, record.covariance[np.ix_(index, index)], slope, curvature, mixed)


def _inverse(matrix: FloatArray, kept: BoolArray) -> FloatArray:
    """Return the inverse of a part of the matrix, 0 elsewhere."""
    inverse = np.zeros(matrix.shape)
    inverse[np.ix_(kept, kept)] = np.linalg.pinv(matrix[np.ix_(kept, kept)])
    return inverse


def _move(field: FieldSums, gradient: FloatArray, step: FloatArray, limits: _Gradient) -> FloatArray:
    """Return the gradient after the step, cut at its limits and short of where the background becomes negative."""
    moved = np.where(limits.frozen, gradient, np.clip(gradient + step, limits.lower, limits.upper))
    drop = float(np.max(-(field.edge @ (moved - gradient)) / (1 + field.edge @ gradient)))
    return np.asarray(gradient + (moved - gradient) * (1.0 if drop < _NEARLY else _NEARLY / drop))


def _finish(
    model: FoVBackgroundModel, field: FieldSums, trial: _Trial, gradient: FloatArray, moving: BoolArray
) -> tuple[FoVBackgroundModel, BackgroundFit]:
    """Put values, errors and the joint covariance into the model and the record."""
    new, record = model.copy(spectral_model=trial.norm.spectral_model), trial.record
    pair = new.parameters[-2:]
    pair.value = gradient
    across = _inverse(trial.profile, moving)
    response = -trial.covariance @ trial.mixed  # of the norm's parameters to the gradient
    block = trial.covariance + response @ across @ response.T
    joint = np.block([[block, response @ across], [across @ response.T, across]])
    matrix = embed(joint, new.parameters, new.spectral_model.parameters.free_unique_parameters + pair)
    new.covariance = matrix
    free = np.array([not par.frozen for par in pair])
    errors = np.append(record.errors, np.where(free & ~moving, np.nan, 0))
    for par, error in zip(new.parameters, errors, strict=True):
        par.error = par.error if np.isfinite(error) else error
    stat = record.total_stat + _gradient_stat(field, gradient, record.counts)
    record = replace(record, covariance=matrix, total_stat=stat)
    return new, _joint_record(record, new, free, free & ~moving)


def _gradient_stat(field: FieldSums, gradient: FloatArray, counts: FloatArray) -> float:
    """Return what the gradient adds to -2 ln L beside the norm: 2 sum_k N_k ln(B'_k / B_k) - 2 sum_p c_p ln w_p."""
    seen = counts * (field.moments[:, 0] > 0) > 0
    share = field.background(gradient)[seen] / field.moments[seen, 0]
    return 2 * float(counts[seen] @ np.log(share) - field.counts @ np.log1p(field.lonlat @ gradient))


def _joint_record(record: BackgroundFit, model: FoVBackgroundModel, free: BoolArray, stuck: BoolArray) -> BackgroundFit:
    """Return the record of the norm with gx and gy in it, of which some are free and some stuck at a limit."""
    names = np.array(["gx", "gy"])
    held = [f"{par.name} = {par.value:.3g}" for par, here in zip(model.parameters[-2:], stuck, strict=True) if here]
    words = f"the gradient is at a limit: {', '.join(held)}"
    return replace(
        record,
        status="at-limit" if held else record.status,
        reason=(words if record.status == "ok" else f"{record.reason}; {words}") if held else record.reason,
        parameter_names=(*record.parameter_names, *names.tolist()),
        values=model.parameters.value,
        errors=np.array([par.error for par in model.parameters]),
        free_names=(*record.free_names, *names[free].tolist()),
        at_limit=(*record.at_limit, *names[stuck].tolist()),
    )


def _beside_prior(record: BackgroundFit, prior: _Gradient, alone: BackgroundFit) -> BackgroundFit:
    """Return the record with what the data alone say of gx and gy, and the pulls of their priors."""
    acts = prior.weight > 0
    names = np.array(["gx", "gy"])[acts].tolist()
    pulls = ((record.values[-2:] - prior.mean) * np.sqrt(prior.weight))[acts].tolist()
    values, errors = alone.values[-2:][acts].tolist(), alone.errors[-2:][acts].tolist()
    without = "" if alone.success else f", without which {alone.reason}"
    return replace(
        record,
        reason=f"{record.reason}; with a prior on {', '.join(names)}{without}",
        prior_free={**record.prior_free, **dict(zip(names, zip(values, errors, strict=True), strict=True))},
        prior_pulls={**record.prior_pulls, **dict(zip(names, pulls, strict=True))},
    )
