"""The tilt of the counts across the field of view, which a source that is missing from the mask leaves behind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.diagnostics.pixels import Mask, Record, UsedPixels, used_runs
from fovnb.modeling.gradient import FieldGradient, FieldSums, field_sums, fit_gradient, score_gradient
from fovnb.types import FloatArray

__all__ = ["Gradient", "gradient"]

_MAX_STEPS = 50
_CONVERGED = 1e-16  # squared Newton step over its error: 1e-8 standard deviations


@dataclass(frozen=True, eq=False, repr=False)
class Gradient(Record):
    """A gradient of the counts over the prediction, 1 + gx x + gy y, and how far it is from none.

    Parameters
    ----------
    fit : FieldGradient
        The most likely gradient; its ``status`` and ``reason`` say where the counts do not determine one.
    score : FieldGradient
        The score test, which fits nothing.
    alignment : str
        What x and y follow, "RADEC" or "ALTAZ".
    obs_ids : tuple of int
        Runs that take part.
    """

    fit: FieldGradient
    score: FieldGradient
    alignment: str
    obs_ids: tuple[int, ...]

    @property
    def gx(self) -> float:
        """Gradient along x, deg^-1; NaN where the counts do not determine it."""
        return float(self.fit.gradient[0])

    @property
    def gy(self) -> float:
        """Gradient along y, deg^-1; NaN where the counts do not determine it."""
        return float(self.fit.gradient[1])

    @property
    def errors(self) -> FloatArray:
        """Errors of gx and gy, deg^-1, shape (2,)."""
        return self.fit.errors

    @property
    def covariance(self) -> FloatArray:
        """Covariance C of gx and gy, deg^-2, shape (2, 2)."""
        return self.fit.covariance

    @property
    def magnitude(self) -> float:
        """Length of the gradient, deg^-1."""
        return float(np.hypot(self.gx, self.gy))

    @property
    def direction_deg(self) -> float:
        """Direction in which the counts exceed the prediction, deg: 0 is +x, 90 is +y, from -180 to 180."""
        return float(np.rad2deg(np.arctan2(self.gy, self.gx)))

    @property
    def chi2(self) -> float:
        """g^T C^-1 g, with 2 degrees of freedom."""
        return self.fit.chi2

    @property
    def p_value(self) -> float:
        """Probability of so large a chi2 where there is no gradient."""
        return self.fit.p_value

    @property
    def z(self) -> float:
        """The p-value as standard deviations of a normal distribution, both sides."""
        return self.fit.significance

    @property
    def score_p(self) -> float:
        """The p-value of the score test."""
        return self.score.p_value

    def _rows(self) -> dict[str, object]:
        parts = zip(("gx", "gy"), self.fit.gradient, self.errors, strict=True)
        rows: dict[str, object] = {name: f"{value:.4g} ± {error:.2g} / deg" for name, value, error in parts}
        rows |= {"significance": f"{self.z:.2f} sigma", "p-value": f"{self.p_value:.2g} (score {self.score_p:.2g})"}
        rows |= {"alignment": self.alignment, "runs": len(self.obs_ids)}
        return rows | {"status": f"{self.fit.status}: {self.fit.reason}"}


def gradient(
    datasets: MapDataset | Iterable[MapDataset], alignment: str = "RADEC", exclusion_mask: Mask = None
) -> Gradient:
    """Return the gradient of the counts over the predicted background, in field-of-view coordinates.

    P' = n_r P (1 + gx x + gy y) with a norm n_r for each run r and one gradient for all, see
    `~fovnb.modeling.gradient.fit_gradient`. For several runs, with w = 1 + g . x and every norm at its best,

        ln L = sum c ln w - sum_r N_r ln(sum_p P w),

    maximised by Newton's method from the gradient for one common norm.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs; a stack has no pointing. Failed runs take no part, see ``obs_ids``.
    alignment : {"RADEC", "ALTAZ"}
        RADEC: x towards smaller right ascension, y towards north. ALTAZ: y towards the zenith.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that the background was fitted with.

    Raises
    ------
    InvalidInputError
        If a dataset has no pointing, or no pixel is used.

    Examples
    --------
    >>> from fovnb.data import RunInfo
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=1)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data[...] = [4, 12]  # towards smaller right ascension
    >>> run.background.data += 8
    >>> run.mask_safe.data[...] = True
    >>> round(gradient(run).gx, 4), round(gradient(run).gy, 4)
    (1.0, 0.0)
    """
    obs_ids, fields, nuisances = [], [], []
    for run in used_runs(datasets, exclusion_mask):
        obs_ids.append(run.obs_id)
        fields.append(field_sums(run.counts, run.npred, run.mask, *run.fov_lonlat(alignment)))
        nuisances.append(_nuisance(run))
    score = score_gradient(_joined(fields), _block_diagonal(nuisances))
    return Gradient(_fit(fields), score, alignment, tuple(obs_ids))


def _fit(fields: Sequence[FieldSums]) -> FieldGradient:
    """Return the gradient common to all fields, each with its own norm (the norm of several is NaN)."""
    fields = [field for field in fields if field.total_counts > 0] or fields
    if len(fields) == 1:
        return fit_gradient(fields[0])
    joined = _joined([_normed(field) for field in fields])
    found = replace(fit_gradient(joined), norm=np.nan)
    if found.status != "ok":
        return found
    best = found.gradient
    for _ in range(_MAX_STEPS):
        slope, curvature = _profile(joined, fields, best)
        step = np.linalg.solve(curvature, slope)
        while not joined.is_positive(best + step) and np.any(best + step != best):
            step /= 2
        best = best + step
        if step @ curvature @ step < _CONVERGED:
            break
    return replace(found, gradient=best, covariance=np.asarray(np.linalg.inv(_profile(joined, fields, best)[1])))


def _profile(joined: FieldSums, fields: Sequence[FieldSums], gradient: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return slope and minus curvature of ln L = sum c ln w - sum_r N_r ln(sum_p P w), every norm at its best."""
    seen = joined.lonlat / (1 + joined.lonlat @ gradient)[:, None]
    counts = np.array([field.total_counts for field in fields])
    mean = [field.moments[:, 1:3].sum(axis=0) / field.background(gradient).sum() for field in fields]
    pull = np.array(mean).T * counts
    return joined.counts @ seen - pull.sum(axis=1), (seen.T * joined.counts) @ seen - pull @ mean


def _normed(field: FieldSums) -> FieldSums:
    """Return the field with the norm that predicts as many counts as there are."""
    return field.scale(np.full(len(field.moments), field.total_counts / field.moments[:, 0].sum()))


def _joined(fields: Sequence[FieldSums]) -> FieldSums:
    """Return the sums of several fields as those of one with all their energy bins."""
    names = ("moments", "lonlat", "counts", "edge")
    return FieldSums(*(np.concatenate([getattr(field, name) for field in fields]) for name in names))


def _nuisance(run: UsedPixels) -> FloatArray:
    """Return d ln P_k / d parameter for the parameters that were fitted, by default norm and tilt; shape (K, m)."""
    energy = run.dataset.geom.axes["energy"].center.to_value("TeV")
    model = run.dataset.background_model
    design = None if model is None else model.spectral_model.log_design(energy)
    if model is None or design is None:
        return np.column_stack([np.ones(len(energy)), -np.log(energy)])
    return design[1][:, [not par.frozen for par in model.spectral_model.parameters]]


def _block_diagonal(blocks: Sequence[FloatArray]) -> FloatArray:
    """Return the matrix of the blocks one after the other, zero elsewhere."""
    from scipy.linalg import block_diag

    return np.asarray(block_diag(*blocks))
