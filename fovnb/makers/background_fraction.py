"""How much of the background an exclusion mask leaves for the fit, per energy bin."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.checks import as_datasets, check_counts, common_energy_edges
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.makers.normalise import sum_per_bin
from fovnb.maps import Map
from fovnb.text import html_summary, text_summary
from fovnb.types import BoolArray, FloatArray

__all__ = ["BackgroundFraction", "background_fraction"]


@dataclass(frozen=True, eq=False, repr=False)
class BackgroundFraction:
    """What the mask leaves of the background in each of K energy bins.

    Parameters
    ----------
    name : str
        Name of the dataset, or how many there are.
    energy_edges : array, shape (K + 1,)
        TeV.
    fraction : array, shape (K,)
        f_k, NaN where no pixel of the bin is safe and has a predicted background.
    counts, background : array, shape (K,)
        Counts, and background at norm 1, that the mask leaves.
    min_fraction, min_counts : float
        Below these a bin is `low`.
    """

    name: str
    energy_edges: FloatArray
    fraction: FloatArray
    counts: FloatArray
    background: FloatArray
    min_fraction: float
    min_counts: float

    @property
    def low(self) -> BoolArray:
        """Bins with safe pixels of which too little is left, shape (K,)."""
        short = (self.fraction < self.min_fraction) | (self.counts < self.min_counts)
        return np.asarray(short & np.isfinite(self.fraction))

    @property
    def warning(self) -> str:
        """A sentence that names the bins of which too little is left, "" if there are none."""
        bins = [
            f"{energies} ({left})" for (energies, left), low in zip(self._rows().items(), self.low, strict=True) if low
        ]
        if not bins:
            return ""
        fewer = f" or {self.min_counts:g} counts" if self.min_counts else ""
        return (
            f"{self.name}: the exclusion mask leaves less than {self.min_fraction:.0%} of the background{fewer} in "
            f"{', '.join(bins)}; shrink the mask, merge bins or drop them"
        )

    def _rows(self) -> dict[str, object]:
        """Return what is left of each bin, by its energies."""
        edges, left = self.energy_edges, zip(self.fraction, self.counts, strict=True)
        return {f"{edges[k]:.3g} - {edges[k + 1]:.3g} TeV": f"{f:.0%}, {n:g} counts" for k, (f, n) in enumerate(left)}

    def __repr__(self) -> str:
        return text_summary(f"BackgroundFraction of {self.name}", self._rows())

    def _repr_html_(self) -> str:
        return html_summary(f"BackgroundFraction of {self.name}", self._rows())


def background_fraction(
    datasets: MapDataset | Iterable[MapDataset],
    exclusion_mask: Map | ExclusionMask | None = None,
    min_fraction: float = 0.3,
    min_counts: float = 0,
) -> BackgroundFraction:
    """Return the fraction of each bin's background that the mask leaves, f_k = sum_p M b / sum_p mask_safe b.

    Notation: b background, finite and positive; M = mask_safe AND mask_fit AND exclusion. Several runs are summed.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        With counts and background, on one energy axis. Failed runs among others take no part.
    exclusion_mask : Map or ExclusionMask, optional
        True = used; by default the mask that the background fit used.
    min_fraction, min_counts : float
        A bin with a smaller fraction or fewer counts is warned about.

    Raises
    ------
    InvalidInputError
        If there is no dataset, energy axes differ, or a limit makes no sense.
    PredictionError
        If a dataset has no counts or no background, or used counts are negative or NaN.

    Warns
    -----
    FovnbWarning
        If too little is left of a bin, by its energies.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.background.data += 2
    >>> run.mask_safe.data[...] = True
    >>> background_fraction(run, geom.region_mask("icrs; box(0, 0.5, 2, 1, 0)", inside=False)).fraction
    array([0.5, 0.5])
    """
    if not (0 <= min_fraction <= 1 and min_counts >= 0):
        msg = f"min_fraction is {min_fraction!r}, min_counts {min_counts!r}; expected one of 0 to 1, and none below 0"
        raise InvalidInputError(msg)
    runs = _fitted(as_datasets(datasets))
    edges = common_energy_edges(runs)
    counts, left, whole = np.sum([_sums(run, exclusion_mask) for run in runs], axis=0)
    fraction = np.divide(left, whole, out=np.full_like(left, np.nan), where=whole > 0)
    name = runs[0].name if len(runs) == 1 else f"{len(runs)} runs"
    result = BackgroundFraction(name, edges, fraction, counts, left, min_fraction, min_counts)
    if result.warning:
        warnings.warn(result.warning, FovnbWarning, stacklevel=2)
    return result


def _fitted(runs: tuple[MapDataset, ...]) -> tuple[MapDataset, ...]:
    """Return the runs that did not fail, or all if there is no other."""
    if not runs:
        msg = "there are no datasets to take the background of; give at least one"
        raise InvalidInputError(msg)
    return tuple(run for run in runs if run.background_fit is None or run.background_fit.success) or runs


def _sums(dataset: MapDataset, exclusion_mask: Map | ExclusionMask | None) -> FloatArray:
    """Return counts and background that the mask leaves, and all safe background, shape (3, K)."""
    counts, background = dataset.required("counts").data, dataset.required("background").data
    known = dataset.mask_exclusion if exclusion_mask is None else exclusion_mask
    safe = np.isfinite(background) & (background > 0)
    safe &= True if dataset.mask_safe is None else dataset.mask_safe.data
    used = safe & project_exclusion_mask(known, dataset.geom).data
    used &= True if dataset.mask_fit is None else dataset.mask_fit.data
    check_counts(dataset.name, counts[used])
    return np.array([sum_per_bin(counts, used), sum_per_bin(background, used), sum_per_bin(background, safe)])
