"""Counts against prediction in field-of-view coordinates, where all runs share the camera."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import cash_significance, positive_deg
from fovnb.diagnostics.pixels import Mask, Record, UsedPixels, used_runs
from fovnb.types import FloatArray

__all__ = ["MIN_NPRED", "FovResiduals", "fov_residuals"]

MIN_NPRED = 5.0
"""Predicted counts that a bin needs, so that its ratio and pull mean something."""


@dataclass(frozen=True, eq=False, repr=False)
class FovResiduals(Record):
    """Counts and prediction per bin of field-of-view longitude and latitude, summed over energies and runs.

    Parameters
    ----------
    x_edges, y_edges : array, shape (nx + 1,), (ny + 1,)
        Edges of the bins, deg.
    counts, npred : array, shape (ny, nx)
        C and P.
    ratio, pull : array, shape (ny, nx)
        C / P and sign(C - P) sqrt(2 [C ln(C / P) - (C - P)]); NaN unless P > 5.
    alignment : str
        What the axes follow, "RADEC" or "ALTAZ".
    obs_ids : tuple of int
        Runs that take part.
    """

    x_edges: FloatArray
    y_edges: FloatArray
    counts: FloatArray
    npred: FloatArray
    ratio: FloatArray
    pull: FloatArray
    alignment: str
    obs_ids: tuple[int, ...]

    def _rows(self) -> dict[str, object]:
        pulls = self.pull[np.isfinite(self.pull)]
        worst = f"{pulls[np.argmax(np.abs(pulls))]:+.2f}" if pulls.size else "no bin predicts more than 5 counts"
        bins = f"{self.npred.shape} of {self.x_edges[1] - self.x_edges[0]:g} deg"
        return {"runs": len(self.obs_ids), "alignment": self.alignment, "bins": bins, "largest pull": worst}


def fov_residuals(
    datasets: MapDataset | Iterable[MapDataset],
    alignment: str = "RADEC",
    binsz: Any = "0.25 deg",
    exclusion_mask: Mask = None,
) -> FovResiduals:
    """Return counts against prediction in bins of field-of-view longitude and latitude.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs; a stack has no pointing. Failed runs take no part, see ``obs_ids``.
    alignment : {"RADEC", "ALTAZ"}
        RADEC: longitude towards smaller right ascension, latitude towards north. ALTAZ: latitude towards the zenith.
    binsz : str or Quantity
        Width of the bins; the pointing is a corner of four.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that the background was fitted with.

    Raises
    ------
    InvalidInputError
        If a dataset has no pointing, no pixel is used, or the width is no positive angle.

    Examples
    --------
    >>> from fovnb.data import RunInfo
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data += 3
    >>> run.background.data += 2
    >>> run.mask_safe.data[...] = True
    >>> fov_residuals(run, binsz="0.5 deg").ratio.round(9).tolist()
    [[1.5, 1.5], [1.5, 1.5]]
    """
    size = positive_deg(binsz, "bin size")
    found = [(run.obs_id, _binned(run, alignment, size)) for run in used_runs(datasets, exclusion_mask)]
    half = max(sums.shape[-1] for _, sums in found) // 2
    counts, npred = np.sum([_padded(sums, half) for _, sums in found], axis=0)
    edges = size * np.arange(-half, half + 1)
    predicted = np.where(npred > MIN_NPRED, npred, np.nan)
    ratio, pull = counts / predicted, cash_significance(counts, predicted)
    return FovResiduals(edges, edges, counts, npred, ratio, pull, alignment, tuple(obs_id for obs_id, _ in found))


def _binned(run: UsedPixels, alignment: str, size: float) -> FloatArray:
    """Return counts and prediction in bins around the pointing, shape (2, 2 n, 2 n), n as small as can be."""
    i, j = (np.floor(c[run.field] / size).astype(int) for c in run.fov_lonlat(alignment))
    n = int(max(-i.min(), i.max() + 1, -j.min(), j.max() + 1))
    index = (j + n) * 2 * n + i + n
    return np.array([np.bincount(index, image, 4 * n * n).reshape(2 * n, 2 * n) for image in run.images()])


def _padded(sums: FloatArray, half: int) -> FloatArray:
    """Return the bins with zeros around, shape (2, 2 half, 2 half)."""
    more = half - sums.shape[-1] // 2
    return np.pad(sums, ((0, 0), (more, more), (more, more)))
