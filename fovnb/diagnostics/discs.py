"""Counts and prediction in overlapping discs over the used part of a field, for data and simulated fields alike.

Pixels are grouped to cells of about 0.4 radii, and a disc lies around every second used cell each way: that changes
the discs by little and their number by much. A disc holds the used cells whose centres lie within the radius of its
own. The sums over all discs are one sparse matrix.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fovnb.datasets.residuals import disc
from fovnb.diagnostics.pixels import UsedPixels, window_of
from fovnb.errors import InvalidInputError
from fovnb.maps import WcsGeom
from fovnb.types import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["Field", "make_fields", "poisson_toys"]

_CELLS_PER_RADIUS = 2.5
_CHUNK = 2_000_000  # simulated cells that are held at once
_EVENTS_BELOW = 2.0  # mean counts a cell below which it is faster to place events than to draw cells


@dataclass(frozen=True, eq=False)
class Field:
    """The n used cells of one geometry, in A energy groups, and the m discs around some of them.

    Parameters
    ----------
    counts, npred : array, shape (n, A)
        Sums over the used pixels of the cells.
    centers : array of int, shape (m,)
        Cells in the middle of the discs.
    discs : sparse matrix, shape (m, n)
        One where a cell lies in a disc.
    masks : array of bool, shape (A, ny, nx)
        Used pixels.
    solid_angle : array, shape (ny, nx)
        Of the pixels, sr.
    """

    counts: FloatArray
    npred: FloatArray
    centers: IntArray
    discs: Any
    masks: BoolArray
    solid_angle: FloatArray

    def sums(self, counts: AnyArray) -> AnyArray:
        """Return the sums over the discs, shape (m, ...), of counts per cell, shape (n, ...)."""
        return np.asarray(self.discs @ counts.reshape(len(counts), -1)).reshape(-1, *counts.shape[1:])

    def used_in(self, groups: slice) -> BoolArray:
        """Return the discs whose own cell is used in some energy groups, shape (m,)."""
        return np.asarray(self.npred[self.centers, groups].any(axis=1))

    def area(self, groups: slice) -> float:
        """Return the solid angle that is used in some energy groups, sr."""
        return float(self.solid_angle[self.masks[groups].any(axis=0)].sum())

    def toys(self, number: int, rng: np.random.Generator) -> Iterator[AnyArray]:
        """Yield counts drawn from the prediction, shape (n, A, T), so many T at once as fit in memory."""
        at_once = max(1, _CHUNK // self.npred.size)
        for start in range(0, number, at_once):
            yield poisson_toys(self.npred, min(at_once, number - start), rng)


def make_fields(
    runs: Iterable[UsedPixels], energy_edges: FloatArray, radius_deg: float
) -> tuple[tuple[int, ...], list[Field]]:
    """Return the OBS_IDs of the runs, and their cells, those of runs on one geometry summed.

    Parameters
    ----------
    runs : iterable of UsedPixels
        The pixels.
    energy_edges : array, shape (A + 1,)
        Edges of the energy groups, TeV; bins whose centre lies outside take no part.
    radius_deg : float
        Radius of the discs.

    Raises
    ------
    InvalidInputError
        If no bin of a used pixel lies within the edges.

    Examples
    --------
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.pixels import used_runs
    >>> from fovnb.maps import MapAxis
    >>> axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    >>> run = MapDataset.create(WcsGeom.create(npix=3, binsz=0.1, axes=[axis]))
    >>> run.background.data += 1
    >>> run.mask_safe.data[:, 1] = True
    >>> _, (field,) = make_fields(used_runs(run), np.array([1.0, 10.0]), 0.1)
    >>> field.sums(field.npred).ravel().tolist()
    [4.0, 6.0, 4.0]
    """
    sums: dict[WcsGeom, tuple[FloatArray, BoolArray]] = {}
    obs_ids = []
    for run in runs:
        obs_ids.append(run.obs_id)
        geom = run.dataset.geom.to_image()
        cubes, masks = sums.setdefault(geom, _empty(geom, len(energy_edges) - 1))
        _add(run, energy_edges, cubes, masks)
    fields = [_field(geom, cubes, masks, radius_deg) for geom, (cubes, masks) in sums.items() if masks.any()]
    if not fields:
        low, high = energy_edges[[0, -1]]
        msg = f"no used pixel has an energy bin with its centre in {low:g} - {high:g} TeV; choose other edges"
        raise InvalidInputError(msg)
    return tuple(obs_ids), fields


def poisson_toys(expected: FloatArray, number: int, rng: np.random.Generator) -> AnyArray:
    """Return Poisson counts around expectations, shape (*expected.shape, number), in 32 bits.

    The sum of all toys in a cell is Poisson too, and each of its counts lies in any toy with equal chance: where cells
    are mostly empty only that many numbers are drawn.

    Examples
    --------
    >>> poisson_toys(np.array([0.0, 1e-9]), 3, np.random.default_rng(1)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    if expected.mean() > _EVENTS_BELOW:
        return rng.poisson(expected[..., None], (*expected.shape, number)).astype(np.float32)
    cell = np.repeat(np.arange(expected.size), rng.poisson(number * expected.ravel()))
    place = cell * number + rng.integers(0, number, cell.size)
    counts = np.bincount(place, minlength=expected.size * number)
    return counts.astype(np.float32).reshape(*expected.shape, number)


def _empty(geom: WcsGeom, n_groups: int) -> tuple[FloatArray, BoolArray]:
    """Return zeros for counts and prediction, shape (2, A, ny, nx), and for the masks."""
    shape = (n_groups, *geom.data_shape)
    return np.zeros((2, *shape)), np.zeros(shape, dtype=bool)


def _add(run: UsedPixels, energy_edges: FloatArray, cubes: FloatArray, masks: BoolArray) -> None:
    """Add a run's pixels to the sums per energy group, in place."""
    center = run.dataset.geom.axes["energy"].center.to_value("TeV")
    for group, (low, high) in enumerate(pairwise(energy_edges)):
        bins = (center >= low) & (center < high)
        cubes[:, group, *run.window] += [run.counts[bins].sum(axis=0), run.npred[bins].sum(axis=0)]
        masks[group, *run.window] |= run.mask[bins].any(axis=0)


def _field(geom: WcsGeom, cubes: FloatArray, masks: BoolArray, radius_deg: float) -> Field:
    """Return the used cells and their discs."""
    factor = max(1, round(radius_deg / _CELLS_PER_RADIUS / float(geom.pixel_scales[1].to_value("deg"))))
    counts, npred = _cells(cubes[(..., *window_of(np.any(masks, axis=0)))], factor)
    used = npred.any(axis=0)
    centers = _centers(used, 2 if factor > 1 else 1)
    discs = _discs(used, centers, disc(geom, radius_deg, factor))
    return Field(counts[:, used].T, npred[:, used].T, centers, discs, masks, geom.sky.solid_angle_sr)


def _cells(cubes: FloatArray, factor: int) -> FloatArray:
    """Return sums over squares of pixels, the last ones narrower where the number of pixels is no multiple."""
    for axis in (-1, -2):
        cubes = np.add.reduceat(cubes, np.arange(0, cubes.shape[axis], factor), axis=axis)
    return cubes


def _centers(used: BoolArray, step: int) -> IntArray:
    """Return every step-th used cell each way, as their numbers among the used cells; all where that leaves none."""
    y, x = np.nonzero(used)
    found = np.flatnonzero((y % step == 0) & (x % step == 0))
    return found if found.size else np.arange(len(y))


def _discs(used: BoolArray, centers: IntArray, kernel: FloatArray) -> Any:
    """Return the sparse matrix of which used cells lie in the disc around which centre."""
    from scipy.sparse import csr_array

    half = np.array(kernel.shape) // 2
    number = np.full(np.array(used.shape) + 2 * half, -1)
    inner = tuple(slice(h, h + size) for h, size in zip(half, used.shape, strict=True))
    number[inner][used] = np.arange(np.count_nonzero(used))
    (y, x), (dy, dx) = np.nonzero(used), np.nonzero(kernel)
    near = number[y[centers, None] + dy, x[centers, None] + dx]
    starts = np.concatenate([[0], np.cumsum(np.count_nonzero(near >= 0, axis=1))])
    near = near[near >= 0]
    return csr_array((np.ones(near.size, dtype=np.float32), near, starts), shape=(len(centers), len(y)))
