"""Residuals: counts against the predicted background around every pixel.

Notation: pixel p, energy bin k; c counts; P predicted counts with the background model applied; M the used pixels,
mask AND P finite and positive; K * a correlation with a disc of weight 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from fovnb.datasets.checks import as_datasets, check_counts
from fovnb.datasets.dataset import MapDataset
from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import Map, WcsGeom
from fovnb.text import Record
from fovnb.types import AnyArray, BoolArray, FloatArray

__all__ = ["Residuals", "cash_significance", "disc", "positive_deg", "residuals"]


@dataclass(frozen=True, repr=False, eq=False)
class Residuals(Record):
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


def residuals(datasets: MapDataset | Iterable[MapDataset], radius: Any = "0.1 deg", mask: Any = None) -> Residuals:
    """Return counts and prediction summed over all energies, all runs and a disc around every pixel.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        A run, a stack, or runs on one geometry, with counts and background; only the safe mask of each counts, so that
        excluded sources are seen.
    radius : str or Quantity
        Radius of the disc. It holds the pixels whose centres lie within it, at the scale of the map's centre.
    mask : Map or ExclusionMask, optional
        Leave out more, such as the sources; True = used. A map is on the datasets' geometry, or on its image.

    Raises
    ------
    InvalidInputError
        If the radius is no positive angle, the mask none, there is no dataset, or one has no counts or no background.
    GeometryError
        If the mask or a dataset is on another geometry.
    PredictionError
        If used counts are negative or NaN.

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
    radius_deg = positive_deg(radius)
    runs = as_datasets(datasets)
    if not runs:
        msg = "there are no datasets to take residuals of; give at least one"
        raise InvalidInputError(msg)
    geom = runs[0].geom.to_image()
    images = np.sum([_images(run, geom, mask) for run in runs], axis=0)
    counts, npred, covered = _correlate(images, disc(geom, radius_deg))
    near = covered > 0.5
    return Residuals(geom, np.where(near, counts, np.nan), np.where(near, npred, np.nan), near, radius_deg)


def cash_significance(counts: FloatArray, npred: FloatArray) -> FloatArray:
    """Return s = sign(C - P) sqrt(2 [C ln(C / P) - (C - P)]), NaN where either is NaN or nothing is predicted.

    The likelihood ratio of a free against a known expectation (Cash 1979, ApJ 228, 939); 0 ln 0 is 0. Not Li & Ma: the
    prediction is taken as known.

    Parameters
    ----------
    counts, npred : array
        Observed, and predicted counts.

    Examples
    --------
    >>> cash_significance(np.array([10.0, 0.0]), np.array([10.0, 2.0]))
    array([ 0., -2.])
    """
    predicted = np.where(npred > 0, npred, np.nan)
    excess = counts - predicted
    log_ratio = np.log(np.maximum(counts, 1e-99) / predicted)  # finite without counts, which multiply it
    return np.asarray(np.sign(excess) * np.sqrt(2 * np.maximum(counts * log_ratio - excess, 0)))


def disc(geom: WcsGeom, radius_deg: float, factor: int = 1) -> FloatArray:
    """Return a disc of ones around the middle of an array with odd sides.

    Parameters
    ----------
    geom : WcsGeom
        Its pixels give the scale, at the map's centre.
    radius_deg : float
        The disc holds the pixels whose centres lie within it.
    factor : int
        So many times larger pixels.

    Examples
    --------
    >>> disc(WcsGeom.create(npix=9, binsz=0.1), 0.1)
    array([[0., 1., 0.],
           [1., 1., 1.],
           [0., 1., 0.]])
    """
    height = float(geom.pixel_scales[1].to_value("deg"))
    area = float(geom.to_image().solid_angle()[tuple(n // 2 for n in geom.data_shape[-2:])].to_value("deg2"))
    sides = factor * np.array([height, area / height])
    y, x = (side * np.arange(-(radius_deg // side), radius_deg // side + 1) for side in sides)
    return np.where(x**2 + y[:, None] ** 2 <= radius_deg**2 * (1 + 1e-9), 1.0, 0.0)


def positive_deg(angle: Any, name: str = "radius") -> float:
    """Return an angle in degrees.

    Raises
    ------
    InvalidInputError
        If it is no angle between 0 and 180 degrees.

    Examples
    --------
    >>> positive_deg("6 arcmin")
    0.1
    """
    try:
        value = float(Angle(angle).deg)
    except (u.UnitsError, TypeError, ValueError) as error:
        msg = f"the {name} is {angle!r}; expected an angle such as '0.1 deg'"
        raise InvalidInputError(msg) from error
    if not 0 < value < 180:
        msg = f"the {name} is {angle}; expected an angle above 0 and below 180 deg"
        raise InvalidInputError(msg)
    return value


def _images(dataset: MapDataset, geom: WcsGeom, mask: Any) -> FloatArray:
    """Return counts, prediction and number of used bins of each pixel, shape (3, ny, nx)."""
    if dataset.counts is None or dataset.background is None:
        msg = f"dataset {dataset.name!r} lacks counts or background, which residuals need; use MapDatasetMaker"
        raise InvalidInputError(msg)
    if dataset.geom.to_image() != geom:
        msg = (
            f"dataset {dataset.name!r} has other pixels {dataset.geom.to_image().data_shape} than the first "
            f"{geom.data_shape}; make all runs on one geometry, or stack them"
        )
        raise GeometryError(msg)
    npred = dataset.npred_background().data
    used = _used(dataset, npred, _as_map(mask, dataset.geom))
    check_counts(dataset.name, dataset.counts.data[used])
    return np.array([np.sum(cube, axis=0, where=used, dtype=float) for cube in (dataset.counts.data, npred, used)])


def _as_map(mask: Any, geom: WcsGeom) -> Map | None:
    """Return a mask as a map; one that is no map makes it with its ``to_map``."""
    found = mask.to_map(geom) if hasattr(mask, "to_map") else mask
    if not isinstance(found, Map | None):
        msg = f"the mask is a {type(mask).__name__}; expected an ExclusionMask, or a Map on the dataset's geometry"
        raise InvalidInputError(msg)
    return found


def _used(dataset: MapDataset, npred: AnyArray, mask: Map | None) -> BoolArray:
    """Return M, shape (energy, ny, nx)."""
    used = np.isfinite(npred) & (npred > 0)
    for other in (dataset.mask_safe, mask):
        if other is None:
            continue
        if other.geom not in (dataset.geom, dataset.geom.to_image()):
            found, expected = other.geom.data_shape, dataset.geom.data_shape
            msg = f"the mask has another geometry (shape {found}) than the dataset ({expected}); make them equal"
            raise GeometryError(msg)
        used &= other.data.astype(bool)
    return used


def _correlate(images: FloatArray, kernel: FloatArray) -> FloatArray:
    """Return sums of each image over the disc around each pixel; never below 0, where rounding may leave -1e-13."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    (ny, nx), (ky, kx) = images[0].shape, kernel.shape
    shape = next_fast_len(ny + ky - 1, real=True), next_fast_len(nx + kx - 1, real=True)
    sums = irfft2(rfft2(images, shape) * rfft2(kernel, shape), shape)
    return np.asarray(np.maximum(sums[:, ky // 2 : ky // 2 + ny, kx // 2 : kx // 2 + nx], 0))
