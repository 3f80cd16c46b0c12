"""PSFMap and EDispKernelMap: a response on sky pixels, with the exposure that weighs it when runs are stacked."""

from copy import deepcopy
from typing import Any, ClassVar, Self

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from fovnb.errors import DataError, GeometryError, InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.maps.adding import blocks, scratch
from fovnb.maps.core import finite_or_zero
from fovnb.maps.lookup import overlap
from fovnb.maps.units import converted, unit_factor
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray, FloatArray

__all__ = ["EDispKernelMap", "IRFMap", "PSFMap"]


class IRFMap:
    """Base of the response maps.

    Parameters
    ----------
    irf_map : Map
        The response, with the axes `required_axes`, data of shape (energy_true, energy or rad, lat, lon).
    exposure_map : Map, optional
        Exposure on the same pixels, data of shape (energy_true, 1, lat, lon).

    Raises
    ------
    GeometryError
        If the axes are others.
    """

    tag: ClassVar[str]
    hdu: ClassVar[str]
    required_axes: ClassVar[tuple[str, str]]

    def __init__(self, irf_map: Map, exposure_map: Map | None = None) -> None:
        check_axis_names(irf_map.geom, self.required_axes, type(self).__name__)
        self._irf_map = irf_map
        self.exposure_map = exposure_map

    @property
    def maps(self) -> tuple[Map, Map | None]:
        """The response, and its exposure or None."""
        return self._irf_map, self.exposure_map

    def stack(self, other: Self, weights: Map | None = None, nan_to_num: bool = True) -> None:
        """Take the exposure-weighted mean with another map, in place; 0 where there is no exposure.

        ``R = (R1 X1 + w R2 X2) / (X1 + w X2)``, exposures ``X``, weights ``w``, pixel by pixel.

        Parameters
        ----------
        other : same class
            On the grid of this map, or on a cutout of it.
        weights : Map, optional
            Weights (a mask) on the pixels of `other`. Any along reconstructed energy lets the exposure through.
        nan_to_num : bool
            Whether values that are not finite count as zero.

        Raises
        ------
        InvalidInputError
            If one of the two has no exposure map.
        """
        if self.exposure_map is None or other.exposure_map is None:
            msg = f"{type(self).__name__} without exposure_map cannot be stacked; make both with an exposure map"
            raise InvalidInputError(msg)
        if not self.exposure_map.data.any():
            self._irf_map.data[...] = 0
        parent, part = self._slices(other)
        exposure = self.exposure_map.data[parent]
        added = finite_or_zero(
            converted(other.exposure_map.data[part], other.exposure_map.unit, self.exposure_map.unit)
        )
        let_in = np.ones((1, 1, 1, 1)) if weights is None else weights.data[part]
        total = exposure + added * let_in.max(axis=1, keepdims=True)
        share = np.divide(1.0, total, out=np.zeros(total.shape), where=total > 0)
        data = self._irf_map.data[parent]
        factor = unit_factor(other._irf_map.unit, self._irf_map.unit)
        # The mean as a sum of two shares, whose factors have no second axis.
        ours, theirs = ((each * share).astype(data.dtype) for each in (exposure, added * let_in))
        _mean(data, other._irf_map.data[part], ours, theirs, factor, nan_to_num)
        exposure[...] = total

    def copy(self) -> Self:
        """Return a deep copy."""
        return deepcopy(self)

    def cutout(self, position: SkyCoord, width: Any, mode: str = "trim", min_npix: int = 3) -> Self:
        """Return the part around a position, at least `min_npix` pixels wide; see `Map.cutout`."""
        irf_map = self._irf_map.cutout(position, width, mode=mode, min_npix=min_npix)
        if self.exposure_map is None:
            return type(self)(irf_map)
        return type(self)(irf_map, self.exposure_map.cutout(position, width, mode=mode, min_npix=min_npix))

    def to_hdulist(self) -> fits.HDUList:
        """Return the FITS extensions ``<name>`` and ``<name>_exposure`` with their axes, in Gammapy's layout."""
        hdulist = self._irf_map.to_hdulist(hdu=self.hdu)
        if self.exposure_map is not None:
            hdulist.extend(self.exposure_map.to_hdulist(hdu=f"{self.hdu}_exposure")[1:])
        return hdulist

    @classmethod
    def from_hdulist(cls, hdulist: fits.HDUList, hdu: str | None = None, exposure_hdu: str | None = None) -> Self:
        """Return the map in the extensions of an open file, by default those that `to_hdulist` writes.

        Raises
        ------
        DataError
            If the extension is missing.
        """
        hdu = hdu or cls.hdu
        exposure_hdu = exposure_hdu or f"{cls.hdu}_exposure"
        if hdu not in hdulist:
            names = [extension.name for extension in hdulist]
            msg = f"no extension {hdu!r}; the file holds {names}; name one with hdu="
            raise DataError(msg)
        exposure_map = Map.from_hdulist(hdulist, hdu=exposure_hdu) if exposure_hdu in hdulist else None
        return cls(Map.from_hdulist(hdulist, hdu=hdu), exposure_map)

    def __repr__(self) -> str:
        return text_summary(type(self).__name__, self._rows())

    def _repr_html_(self) -> str:
        return html_summary(type(self).__name__, self._rows())

    def _slices(self, other: Self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return where `other` lies in this map, and what part of it does."""
        if self._irf_map.geom == other._irf_map.geom:
            return (...,), (...,)
        return overlap(other._irf_map.geom, self._irf_map.geom, "partial")

    def _rows(self) -> dict[str, object]:
        """Return the lines of the text and HTML form."""
        return {
            "axes": ["lon", "lat", *self._irf_map.geom.axes.names],
            "shape": self._irf_map.data.shape[::-1],
            "unit": str(self._irf_map.unit),
            "exposure": "yes" if self.exposure_map is not None else "no",
        }


class EDispKernelMap(IRFMap):
    """Probability to reconstruct a true energy in each bin of reconstructed energy, pixel by pixel.

    Examples
    --------
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2)
    >>> geom = WcsGeom.create(npix=(2, 1), binsz=1, axes=[energy, energy.copy(name="energy_true")])
    >>> EDispKernelMap.from_geom(geom).get_edisp_kernel()
    array([[1., 0.],
           [0., 1.]])
    """

    tag = "edisp_kernel_map"
    hdu = "edisp"
    required_axes = ("energy", "energy_true")

    @property
    def edisp_map(self) -> Map:
        """The kernels, data of shape (energy_true, energy, lat, lon)."""
        return self._irf_map

    @classmethod
    def from_geom(cls, geom: WcsGeom) -> Self:
        """Return perfect energy resolution: the fraction of each true bin that lies in each reconstructed bin.

        The exposure is 0, so that the first run that is stacked replaces it.
        """
        check_axis_names(geom, cls.required_axes, cls.__name__)
        fraction = _overlap_fraction(geom.axes["energy_true"], geom.axes["energy"])
        data = np.broadcast_to(fraction[:, :, np.newaxis, np.newaxis], geom.data_shape).astype(np.float32)
        return cls(Map(geom, data=data), Map.from_geom(geom.squash(axis_name="energy"), unit="m2 s"))

    def get_edisp_kernel(self, position: SkyCoord | None = None) -> FloatArray:
        """Return the kernel of the pixel that holds a position, by default the centre; shape (energy_true, energy).

        Raises
        ------
        GeometryError
            If the position lies outside the map.
        """
        geom = self._irf_map.geom.to_image()
        lon, lat = geom.coord_to_idx(geom.center_skydir if position is None else position)
        if np.any(np.asarray(lon) < 0) or np.any(np.asarray(lat) < 0):
            msg = f"position {position} lies outside the map, centred on {geom.center_skydir}; ask for one inside"
            raise GeometryError(msg)
        return np.asarray(self._irf_map.data[:, :, np.ravel(lat)[0], np.ravel(lon)[0]], dtype=float)


class PSFMap(IRFMap):
    """Probability density per solid angle of the distance to the true direction, pixel by pixel.

    Examples
    --------
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")
    >>> rad = MapAxis.from_edges([0, 0.1, 0.2], unit="deg", name="rad")
    >>> psf = PSFMap.from_geom(WcsGeom.create(npix=(2, 1), binsz=1, axes=[rad, energy]))
    >>> psf.psf_map.data.shape, psf.exposure_map.data.shape
    ((2, 2, 1, 2), (2, 1, 1, 2))
    """

    tag = "psf_map"
    hdu = "psf"
    required_axes = ("rad", "energy_true")

    @property
    def psf_map(self) -> Map:
        """The densities, data of shape (energy_true, rad, lat, lon)."""
        return self._irf_map

    @classmethod
    def from_geom(cls, geom: WcsGeom) -> Self:
        """Return a map of zeros without exposure, to stack runs into."""
        check_axis_names(geom, cls.required_axes, cls.__name__)
        return cls(Map.from_geom(geom, unit="sr-1"), Map.from_geom(geom.squash(axis_name="rad"), unit="m2 s"))


def check_axis_names(geom: WcsGeom, names: tuple[str, ...], what: str) -> None:
    """Refuse a geometry whose axes are not the given ones, in this order.

    Raises
    ------
    GeometryError
        If they are others.
    """
    if tuple(geom.axes.names) != names:
        msg = f"{what} needs a geometry with the axes {list(names)}, found {geom.axes.names}; give these, in this order"
        raise GeometryError(msg)


def _mean(
    data: AnyArray, values: AnyArray, ours: AnyArray, theirs: AnyArray, factor: float | None, nan_to_num: bool
) -> None:
    """Set data to ``ours * data + theirs * factor * values``, in place."""
    scaled, product = scratch(values, values.dtype), scratch(values, data.dtype)
    for block in blocks(values):
        value, part = values[block], data[block]
        if factor is not None:
            value = np.multiply(value, factor, out=scaled[: len(value)])
        value = finite_or_zero(value) if nan_to_num else value
        part *= ours[block]
        part += np.multiply(value, theirs[block], out=product[: len(value)], dtype=data.dtype, casting="same_kind")


def _overlap_fraction(true: MapAxis, reco: MapAxis) -> FloatArray:
    """Return the fraction of each true bin that lies in each reconstructed bin, shape (true, reco)."""
    unit: u.UnitBase = true.unit
    low, high = (edges[:, np.newaxis] for edges in (true.edges.value[:-1], true.edges.value[1:]))
    edges = reco.edges.to_value(unit)
    return np.asarray(np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) / (high - low))
