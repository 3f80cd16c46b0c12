"""Counts against prediction in rings around the pointing: a background that is too flat or too peaked shows here."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import cash_significance, positive_deg
from fovnb.diagnostics.pixels import Mask, Record, UsedPixels, used_runs
from fovnb.diagnostics.spectrum import garwood
from fovnb.errors import InvalidInputError
from fovnb.types import FloatArray

__all__ = ["RadialProfile", "radial_profile"]


@dataclass(frozen=True, eq=False, repr=False)
class RadialProfile(Record):
    """Counts and prediction per ring of offset, summed over energies and runs; rings without prediction are NaN.

    Parameters
    ----------
    offset_edges : array, shape (n + 1,)
        Edges of the rings, of equal solid angle, deg.
    counts, npred : array, shape (n,)
        C and P.
    ratio, ratio_lo, ratio_hi : array, shape (n,)
        C / P and its 68 % interval (Garwood's for C).
    pull : array, shape (n,)
        sign(C - P) sqrt(2 [C ln(C / P) - (C - P)]).
    slope, slope_err : float
        Slope of C / P in offset^2, deg^-2; NaN with fewer than two rings.
    z : float
        slope / slope_err.
    obs_ids : tuple of int
        Runs that take part.
    """

    offset_edges: FloatArray
    counts: FloatArray
    npred: FloatArray
    ratio: FloatArray
    ratio_lo: FloatArray
    ratio_hi: FloatArray
    pull: FloatArray
    slope: float
    slope_err: float
    z: float
    obs_ids: tuple[int, ...]

    def _rows(self) -> dict[str, object]:
        rings = f"{len(self.counts)} up to {self.offset_edges[-1]:.3g} deg"
        slope = f"{self.slope:.3g} ± {self.slope_err:.2g} / deg2 ({self.z:+.2f} sigma)"
        return {"runs": len(self.obs_ids), "rings": rings, "slope in offset2": slope}


def radial_profile(
    datasets: MapDataset | Iterable[MapDataset], n_rings: int = 8, offset_max: Any = None, exclusion_mask: Mask = None
) -> RadialProfile:
    """Return counts against prediction in rings around the pointing, and the slope of their ratio in offset^2.

    Rings of equal solid angle: 1 - cos(offset) in equal steps. The line C_j / P_j = a + slope u_j, with u_j the mean
    offset^2 of ring j weighted by the prediction, is fitted with the variances a / P_j:

        slope = sum P (u - mean u) C / P / sum P (u - mean u)^2,    its variance  a / sum P (u - mean u)^2,

    the mean weighted by P, a = sum C / sum P.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs; a stack has no pointing. Failed runs take no part, see ``obs_ids``.
    n_rings : int
        Number of rings.
    offset_max : str or Quantity, optional
        Outer edge; by default that of the used pixels.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that the background was fitted with.

    Raises
    ------
    InvalidInputError
        If a dataset has no pointing, no pixel is used, or an argument is not positive.

    Examples
    --------
    >>> from fovnb.data import RunInfo
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data += 3
    >>> run.background.data += 2
    >>> run.mask_safe.data[...] = True
    >>> radial_profile(run, n_rings=4, offset_max="0.5 deg").ratio.round(9).tolist()
    [1.5, 1.5, 1.5, 1.5]
    """
    if not isinstance(n_rings, int | np.integer) or n_rings < 1:
        msg = f"n_rings is {n_rings!r}; expected a whole number above 0"
        raise InvalidInputError(msg)
    pixels = [_Pixels.of(run) for run in used_runs(datasets, exclusion_mask)]
    if offset_max is None:  # and a little more, so that the outermost pixel is inside
        outer = max(float(run.versine.max()) for run in pixels) * (1 + 1e-9)
    else:
        outer = float(_versine(positive_deg(offset_max, "offset")))
    counts, npred, weighted = np.sum([_rings(run, n_rings, outer) for run in pixels], axis=0)
    edges = np.rad2deg(2 * np.arcsin(np.sqrt(outer * np.linspace(0, 1, n_rings + 1) / 2)))
    predicted = np.where(npred > 0, npred, np.nan)
    lo, hi = garwood(counts)
    slope, error = _slope(counts[npred > 0], npred[npred > 0], weighted[npred > 0])
    return RadialProfile(
        offset_edges=edges,
        counts=counts,
        npred=npred,
        ratio=counts / predicted,
        ratio_lo=lo / predicted,
        ratio_hi=hi / predicted,
        pull=cash_significance(counts, predicted),
        slope=slope,
        slope_err=error,
        z=slope / error,
        obs_ids=tuple(run.obs_id for run in pixels),
    )


class _Pixels(NamedTuple):
    """1 - cos(offset), counts and prediction of the pixels of a run's field, shape (n,), all energies together."""

    obs_id: int
    versine: FloatArray
    counts: FloatArray
    npred: FloatArray

    @classmethod
    def of(cls, run: UsedPixels) -> "_Pixels":
        """Return them; the versine comes from longitude and latitude (haversine), exact for small offsets."""
        x, y = (c[run.field] for c in run.fov_lonlat())
        return cls(run.obs_id, _versine(y) + np.cos(np.deg2rad(y)) * _versine(x), *run.images())


def _versine(angle_deg: Any) -> FloatArray:
    """Return 1 - cos(angle), which is proportional to the solid angle inside; exact for small angles."""
    return np.asarray(2 * np.sin(np.deg2rad(angle_deg) / 2) ** 2)


def _rings(run: _Pixels, n_rings: int, outer: float) -> FloatArray:
    """Return C, P and sum P offset^2 [deg2] per ring, shape (3, n_rings)."""
    ring = np.minimum(run.versine / outer * n_rings, n_rings).astype(int)
    offset2 = np.rad2deg(2 * np.arcsin(np.sqrt(run.versine / 2))) ** 2
    weights = (run.counts, run.npred, run.npred * offset2)
    return np.array([np.bincount(ring, weight, n_rings + 1)[:n_rings] for weight in weights])


def _slope(counts: FloatArray, npred: FloatArray, weighted: FloatArray) -> tuple[float, float]:
    """Return the slope of C / P in offset^2 and its error."""
    total, n = npred.sum(), counts.sum()
    u = weighted / npred - weighted.sum() / total
    spread = float(np.sum(npred * u**2))
    if len(u) < 2 or n == 0:
        return np.nan, np.nan
    return float(np.sum(u * counts)) / spread, float(np.sqrt(n / total / spread))
