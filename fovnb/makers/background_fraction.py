"""How much of the background an exclusion mask leaves for the fit, per energy bin."""

import warnings
from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.maps import Map
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray, BoolArray, FloatArray

__all__ = ["BackgroundFraction", "background_fraction"]


@dataclass(frozen=True, eq=False, repr=False)
class BackgroundFraction:
    """What the mask leaves of the background in each of K energy bins.

    Parameters
    ----------
    name : str
        Name of the dataset.
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
        return (
            f"{self.name}: the exclusion mask leaves less than {self.min_fraction:.0%} of the background or "
            f"{self.min_counts:g} counts in {', '.join(bins)}; shrink the mask, merge bins or drop them"
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
    dataset: MapDataset,
    exclusion_mask: Map | ExclusionMask | None = None,
    min_fraction: float = 0.3,
    min_counts: float = 0,
) -> BackgroundFraction:
    """Return the fraction of each bin's background that the mask leaves, f_k = sum_p M b / sum_p mask_safe b.

    Notation: b background, finite and positive; M = mask_safe AND mask_fit AND exclusion.

    Parameters
    ----------
    dataset : MapDataset
        With counts and background.
    exclusion_mask : Map or ExclusionMask, optional
        True = used; by default the mask that the background fit used.
    min_fraction, min_counts : float
        A bin with a smaller fraction or fewer counts is warned about.

    Raises
    ------
    PredictionError
        If the dataset has no counts or no background.

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
    counts, background = dataset.required("counts").data, dataset.required("background").data
    known = dataset.mask_exclusion if exclusion_mask is None else exclusion_mask
    safe = np.isfinite(background) & (background > 0)
    safe &= True if dataset.mask_safe is None else dataset.mask_safe.data
    used = safe & project_exclusion_mask(known, dataset.geom).data
    used &= True if dataset.mask_fit is None else dataset.mask_fit.data
    left, whole = _per_bin(background, used), _per_bin(background, safe)
    fraction = np.divide(left, whole, out=np.full_like(left, np.nan), where=whole > 0)
    edges = dataset.geom.axes["energy"].edges.to_value("TeV")
    result = BackgroundFraction(dataset.name, edges, fraction, _per_bin(counts, used), left, min_fraction, min_counts)
    if result.warning:
        warnings.warn(result.warning, FovnbWarning, stacklevel=2)
    return result


def _per_bin(data: AnyArray, mask: BoolArray) -> FloatArray:
    """Return the sum over the pixels of each energy bin."""
    return np.asarray(np.sum(data, axis=(1, 2), where=mask, dtype=float))
