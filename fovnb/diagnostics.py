"""Diagnostics: what the counts say of the predicted background, as records of arrays.

Notation: pixel p, energy bin k; c counts; P predicted counts with the background model applied; M the used pixels,
mask AND P finite and positive; K * a correlation with a disc of weight 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from fovnb.datasets import MapDataset
from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import Map, WcsGeom
from fovnb.text import html_summary, text_summary
from fovnb.types import BoolArray, FloatArray

__all__ = ["Residuals", "cash_significance", "residuals"]


@dataclass(frozen=True, repr=False, eq=False)
class Residuals:
    """Counts against prediction around every pixel; maps are NaN where the disc holds no used pixel.

    ``counts`` and ``npred``, shape (ny, nx), are C = K * sum_k M c and P = K * sum_k M P; neighbouring pixels share
    most of their counts. ``used``, boolean, is where the disc holds a used pixel, ``radius_deg`` the disc's radius.
    """

    geom: WcsGeom
    counts: FloatArray
    npred: FloatArray
    used: BoolArray
    radius_deg: float

    @property
    def difference(self) -> Map:
        """C - P."""
        return self._map(self.counts - self.npred)

    @property
    def relative(self) -> Map:
        """(C - P) / P."""
        return self._map((self.counts - self.npred) / self.npred)

    @property
    def over_sqrt(self) -> Map:
        """(C - P) / sqrt(P)."""
        return self._map((self.counts - self.npred) / np.sqrt(self.npred))

    @property
    def significance(self) -> Map:
        """The significance of C for a known background P, see `cash_significance`."""
        return self._map(cash_significance(self.counts, self.npred))

    def _map(self, values: FloatArray) -> Map:
        return Map.from_geom(self.geom, data=values)

    def _rows(self) -> dict[str, object]:
        share = f"{np.count_nonzero(self.used)} of {self.used.size}"
        return {"pixels": share, "radius": f"{self.radius_deg:g} deg"}

    def __repr__(self) -> str:
        return text_summary("Residuals", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("Residuals", self._rows())


def residuals(dataset: MapDataset, radius: Any = "0.1 deg", mask: Map | None = None) -> Residuals:
    """Return counts and prediction summed over all energies and over a disc around every pixel.

    Parameters
    ----------
    dataset : MapDataset
        With counts and background; only its safe mask counts, so that excluded sources are seen.
    radius : str or Quantity
        Radius of the disc. It holds the pixels whose centres lie within it, at the scale of the map's centre.
    mask : Map, optional
        Boolean, on the dataset's geometry: leave out more, such as the sources.

    Raises
    ------
    InvalidInputError
        If the radius is no positive angle, or the dataset has no counts or no background.
    GeometryError
        If the mask is on another geometry.

    Examples
    --------
    >>> from fovnb.maps import MapAxis
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom)
    >>> run.counts.data += 3
    >>> run.background.data += 2
    >>> run.mask_safe.data[...] = True
    >>> float(residuals(run, "0.05 deg").difference.data[5, 5])
    2.0
    """
    radius_deg = _positive_deg(radius)
    if dataset.counts is None or dataset.background is None:
        msg = f"dataset {dataset.name!r} lacks counts or background, which residuals need; use MapDatasetMaker"
        raise InvalidInputError(msg)
    used = _used(dataset, mask)
    geom = dataset.geom.to_image()
    cubes = dataset.counts.data, dataset.npred_background().data, np.ones(used.shape)
    images = [np.sum(cube, axis=0, where=used, dtype=float) for cube in cubes]
    counts, npred, covered = _correlate(images, _disc(geom, radius_deg))
    near = covered > 0.5
    return Residuals(geom, np.where(near, counts, np.nan), np.where(near, npred, np.nan), near, radius_deg)


def cash_significance(counts: FloatArray, npred: FloatArray) -> FloatArray:
    """Return s = sign(C - P) sqrt(2 [C ln(C / P) - (C - P)]), NaN where either is NaN.

    The likelihood ratio of a free against a known expectation (Cash 1979, ApJ 228, 939); 0 ln 0 is 0. Not Li & Ma: the
    prediction is taken as known.

    Parameters
    ----------
    counts, npred : array
        Observed, and predicted counts, positive.

    Examples
    --------
    >>> cash_significance(np.array([10.0, 0.0]), np.array([10.0, 2.0]))
    array([ 0., -2.])
    """
    from scipy.special import xlogy

    excess = counts - npred
    significance: FloatArray = np.sign(excess) * np.sqrt(2 * np.maximum(xlogy(counts, counts / npred) - excess, 0))
    return significance


def _used(dataset: MapDataset, mask: Map | None) -> BoolArray:
    """Return M, shape (energy, ny, nx)."""
    npred = dataset.npred_background().data
    used = np.isfinite(npred) & (npred > 0)
    for other in (dataset.mask_safe, mask):
        if other is None:
            continue
        if other.geom != dataset.geom:
            found, expected = other.geom.data_shape, dataset.geom.data_shape
            msg = f"the mask has another geometry (shape {found}) than the dataset ({expected}); make them equal"
            raise GeometryError(msg)
        used &= other.data.astype(bool)
    return used


def _positive_deg(radius: Any) -> float:
    try:
        value = float(Angle(radius).deg)
    except (u.UnitsError, TypeError, ValueError) as error:
        msg = f"the radius is {radius!r}; expected an angle such as '0.1 deg'"
        raise InvalidInputError(msg) from error
    if not 0 < value < 180:
        msg = f"the radius is {radius}; expected an angle above 0 and below 180 deg"
        raise InvalidInputError(msg)
    return value


def _disc(geom: WcsGeom, radius_deg: float) -> FloatArray:
    """Return a disc of ones around the middle of an array with odd sides."""
    height = float(geom.pixel_scales[1].to_value("deg"))
    area = float(geom.solid_angle()[tuple(n // 2 for n in geom.data_shape)].to_value("deg2"))
    sides = np.array([height, area / height])
    y, x = (side * np.arange(-(radius_deg // side), radius_deg // side + 1) for side in sides)
    return np.where(x**2 + y[:, None] ** 2 <= radius_deg**2 * (1 + 1e-9), 1.0, 0.0)


def _correlate(images: list[FloatArray], disc: FloatArray) -> FloatArray:
    """Return sums of each image over the disc around each pixel; never below 0, where rounding may leave -1e-13."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    (ny, nx), (ky, kx) = images[0].shape, disc.shape
    shape = next_fast_len(ny + ky - 1, real=True), next_fast_len(nx + kx - 1, real=True)
    sums = irfft2(rfft2(np.array(images), shape) * rfft2(disc, shape), shape)
    return np.asarray(np.maximum(sums[:, ky // 2 : ky // 2 + ny, kx // 2 : kx // 2 + nx], 0))
