"""Whether the background response lies on the sky as its files say, or an axis is reversed or both are swapped."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from astropy.coordinates import SkyCoord

from fovnb.datasets import MapDataset, pointing_deg
from fovnb.diagnostics.pixels import Mask, Record, UsedPixels, used_runs
from fovnb.maps.sky import unit_vectors
from fovnb.types import BoolArray, FloatArray

__all__ = ["Alignment", "alignment"]

_NAMES = ("as stated", "longitude flipped", "latitude flipped", "axes swapped", "axes swapped and both flipped")
_CLEARLY = 25.0
_UNDEFINED = -1e30


@dataclass(frozen=True, eq=False, repr=False)
class Alignment(Record):
    """-2 ln L of the counts given the background's shape, for five orientations of the background.

    Parameters
    ----------
    names : tuple of str
        The orientations; the first is the dataset's own.
    delta : array, shape (R, 5)
        -2 ln L of each run, less that of the first orientation.
    total : array, shape (5,)
        Sum over the runs.
    obs_ids : tuple of int
        Runs that take part.
    better : str
        The best alternative if its total is below -25, else "".
    """

    names: tuple[str, ...]
    delta: FloatArray
    total: FloatArray
    obs_ids: tuple[int, ...]
    better: str

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {"runs": len(self.obs_ids)}
        rows |= {name: f"{value:+.1f}" for name, value in zip(self.names[1:], self.total[1:], strict=True)}
        return rows | {"better than as stated": self.better or "none"}


def alignment(datasets: MapDataset | Iterable[MapDataset], exclusion_mask: Mask = None) -> Alignment:
    """Compare the counts with the background as it is, with its longitude or latitude reversed, and with both swapped.

        -2 ln L = -2 sum_k sum_p c_kp ln(b_kp / sum_p b_kp),

    the multinomial likelihood, blind to the norm of each energy bin. An alternative takes the background per steradian
    from the mirrored direction: with unit vectors v of the pixel, e and n of the pointing's east and north, v' = v - 2
    (v . a) a for a = e (longitude), n (latitude), (e + n) / sqrt(2) (swapped) or (e - n) / sqrt(2) (swapped and both
    flipped, which is what swapping means for a response whose longitude is reversed). Pixels count where all are known.
    The background is that of the response, without a fitted gradient. Where it is symmetric the test sees nothing.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs; a stack has no pointing. Failed runs take no part, see ``obs_ids``.
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
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data[...] = np.arange(1, 11)
    >>> run.background.data[...] = np.arange(10, 0, -1)
    >>> run.mask_safe.data[...] = True
    >>> alignment(run).better
    'longitude flipped'
    """
    found = [(run.obs_id, _statistics(run)) for run in used_runs(datasets, exclusion_mask)]
    statistics = np.array([row for _, row in found])
    delta = statistics - statistics[:, :1]
    total = delta.sum(axis=0)
    best = int(np.argmin(total))
    better = _NAMES[best] if total[best] < -_CLEARLY else ""
    return Alignment(_NAMES, delta, total, tuple(obs_id for obs_id, _ in found), better)


def _statistics(run: UsedPixels) -> FloatArray:
    """Return -2 ln L for the five orientations, shape (5,)."""
    geom = run.dataset.geom.to_image()
    solid_angle = geom.sky.solid_angle_sr
    background = run.dataset.required("background").data
    # Next to a pixel that predicts nothing no value is known: the interpolation comes out below 0 there.
    density = np.where(background > 0, background / solid_angle, _UNDEFINED)
    mirrored = (geom.coord_to_pix({"skycoord": direction}) for direction in _mirrored(run))
    shapes = [density[:, *run.window][:, run.field], *(_bilinear(density, x, y) for x, y in mirrored)]
    known = run.mask[:, run.field] & np.all([shape > 0 for shape in shapes], axis=0)
    weights = solid_angle[run.window][run.field]
    return np.array([_multinomial(run.counts[:, run.field], shape * weights, known) for shape in shapes])


def _mirrored(run: UsedPixels) -> list[SkyCoord]:
    """Return the mirrored directions of the field's pixels, in the order of the names."""
    ra, dec = pointing_deg(run.dataset)
    east, north = unit_vectors(ra + 90, 0), unit_vectors(ra, dec + 90)
    pixels = run.dataset.geom.sky.xyz[:, *run.window][:, run.field]
    axes = (east, north, (east + north) / np.sqrt(2), (east - north) / np.sqrt(2))
    found = (pixels - 2 * np.outer(a, a @ pixels) for a in axes)
    return [SkyCoord(np.arctan2(y, x), np.arctan2(z, np.hypot(x, y)), unit="rad", frame="icrs") for x, y, z in found]


def _bilinear(cube: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the values between the pixel centres, shape (K, n), undefined outside the outermost ones.

    `~fovnb.maps.interpolate.interpolate` does the same for any number of dimensions in five times the time.
    """
    ny, nx = cube.shape[1:]
    inside = (x >= 0) & (x <= nx - 1) & (y >= 0) & (y <= ny - 1)
    left, low = (np.where(inside, np.minimum(np.floor(c), n - 2), 0).astype(int) for c, n in ((x, nx), (y, ny)))
    right, high = np.where(inside, x - left, 0.0), np.where(inside, y - low, 0.0)
    weights = ((1 - right) * (1 - high), right * (1 - high), (1 - right) * high, right * high)
    # The energies of a pixel next to each other in memory: one fetch a corner for all of them.
    rows, first = np.ascontiguousarray(cube.reshape(len(cube), -1).T), low * nx + left
    values = np.full((len(x), len(cube)), 0.0)
    for weight, step in zip(weights, (0, 1, nx, nx + 1), strict=True):
        values += weight[:, None] * np.take(rows, first + step, axis=0)
    return np.ascontiguousarray(np.where(inside[:, None], values, _UNDEFINED).T)


def _multinomial(counts: FloatArray, background: FloatArray, known: BoolArray) -> float:
    """Return -2 sum_k sum_p c ln(b / sum_p b) over the known pixels, arrays (K, n)."""
    total, n = (np.einsum("kp,kp->k", values, known) for values in (background, counts))
    seen = known & (counts > 0)
    logs = np.sum(counts[seen] * np.log(background[seen]))
    return float(-2 * (logs - np.sum(n[n > 0] * np.log(total[n > 0]))))
