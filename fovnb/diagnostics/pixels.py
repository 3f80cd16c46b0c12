"""The used pixels of runs: counts and prediction, zero elsewhere, cut to the window that holds them.

Notation of the pixel diagnostics: pixel p, energy bin k; c counts; P predicted background counts with the background
model applied; M the used pixels, mask_safe AND mask_fit AND exclusion AND P finite and positive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fovnb.datasets import MapDataset, fov_lonlat, used_pixels
from fovnb.datasets.checks import as_datasets, check_counts
from fovnb.errors import InvalidInputError
from fovnb.makers import ExclusionMask, project_exclusion_mask
from fovnb.maps import Map
from fovnb.text import Record
from fovnb.types import BoolArray, FloatArray

__all__ = ["Mask", "Record", "UsedPixels", "runs", "used_runs", "window_of"]

Mask = Map | ExclusionMask | None
"""An exclusion mask, or None for the one that the background was fitted with."""


@dataclass(frozen=True, eq=False, repr=False)
class UsedPixels(Record):
    """Counts c and prediction P of the used pixels M, shape (K, h, w), both zero outside M.

    ``window`` are the slices (lat, lon) that cut the dataset's (ny, nx) pixels to (h, w).
    """

    dataset: MapDataset
    window: tuple[slice, slice]
    mask: BoolArray
    counts: FloatArray
    npred: FloatArray

    @cached_property
    def field(self) -> BoolArray:
        """Pixels that are used at any energy, shape (h, w)."""
        return np.asarray(self.mask.any(axis=0))

    @property
    def obs_id(self) -> int:
        """OBS_ID of the run, -1 if it has none."""
        return -1 if self.dataset.run_info is None else self.dataset.run_info.obs_id

    def fov_lonlat(self, alignment: str = "RADEC") -> tuple[FloatArray, FloatArray]:
        """Return field-of-view longitude and latitude of the window, deg, each (h, w)."""
        x, y = fov_lonlat(self.dataset, alignment)
        return x[self.window], y[self.window]

    def images(self) -> FloatArray:
        """Return counts and prediction of the field's n pixels, all energies together, shape (2, n)."""
        return np.array([cube.sum(axis=0)[self.field] for cube in (self.counts, self.npred)])

    def _rows(self) -> dict[str, object]:
        return {"dataset": self.dataset.name, "used pixels": int(self.mask.sum()), "counts": f"{self.counts.sum():g}"}


def runs(datasets: MapDataset | Iterable[MapDataset]) -> tuple[MapDataset, ...]:
    """Return one dataset, or several, as a tuple, without the runs whose background fit failed.

    Raises
    ------
    InvalidInputError
        If none is left, one is no dataset, or lacks counts or background.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> run = MapDataset.create(WcsGeom.create(npix=2, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)]))
    >>> len(runs(run)), len(runs([run, run]))
    (1, 2)
    """
    given = as_datasets(datasets)
    found = tuple(dataset for dataset in given if _usable(dataset))
    if not found:
        fits = [dataset.background_fit for dataset in given]
        reasons = "; ".join(f"{fit.dataset_name} is {fit.status}: {fit.reason}" for fit in fits if fit)
        msg = f"there are no datasets to diagnose ({reasons or 'none were given'}); give at least one that was fitted"
        raise InvalidInputError(msg)
    return found


def used_runs(datasets: MapDataset | Iterable[MapDataset], exclusion_mask: Mask = None) -> Iterator[UsedPixels]:
    """Yield the used pixels of every run that has some, one run at a time; a failed run has none.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs, or a stack. Failed runs take no part.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that each background was fitted with.

    Raises
    ------
    InvalidInputError
        If no run has a used pixel.
    PredictionError
        If used counts are negative or NaN.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> run = MapDataset.create(WcsGeom.create(npix=3, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)]))
    >>> run.background.data += 1
    >>> run.mask_safe.data[:, 1, :2] = True
    >>> [pixels.npred.tolist() for pixels in used_runs(run)]
    [[[[1.0, 1.0]], [[1.0, 1.0]]]]
    """
    found = runs(datasets)
    empty = True
    for dataset in found:
        exclusion = None if exclusion_mask is None else project_exclusion_mask(exclusion_mask, dataset.geom)
        mask = used_pixels(dataset, exclusion)
        if mask.any():
            empty = False
            yield _cut(dataset, mask)
    if empty:
        msg = (
            f"no pixel of {', '.join(run.name for run in found)} is inside the safe, fit and exclusion masks and "
            "predicts background; widen the masks, or leave failed runs out"
        )
        raise InvalidInputError(msg)


def window_of(image: BoolArray) -> tuple[slice, slice]:
    """Return the slices (lat, lon) from the first to the last True, of which there is one at least.

    Examples
    --------
    >>> window_of(np.array([[False, False], [False, True]]))
    (slice(1, 2, None), slice(1, 2, None))
    """
    found = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    lat, lon = (slice(int(used[0]), int(used[-1]) + 1) for used in found)
    return lat, lon


def _usable(dataset: MapDataset) -> bool:
    """Whether the fit of a dataset did not fail; refuse one that lacks a map."""
    if dataset.background_fit is not None and not dataset.background_fit.success:
        return False
    if dataset.counts is None or dataset.background is None:
        msg = f"dataset {dataset.name!r} lacks counts or background, which diagnostics need; use MapDatasetMaker"
        raise InvalidInputError(msg)
    return True


def _cut(dataset: MapDataset, mask: BoolArray) -> UsedPixels:
    """Return counts and prediction inside the smallest window around the mask."""
    lat, lon = window_of(np.any(mask, axis=0))
    mask = mask[:, lat, lon]
    cubes = (dataset.required("counts"), dataset.npred_background())
    counts, npred = (np.where(mask, cube.data[:, lat, lon], 0.0) for cube in cubes)
    check_counts(dataset.name, counts)
    return UsedPixels(dataset, (lat, lon), mask, counts, npred)
