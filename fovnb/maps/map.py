"""A map: values on the pixels of a sky geometry, by Gammapy's names and meanings."""

import os
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import fits, resize
from fovnb.maps.adding import add
from fovnb.maps.core import MapBase, require_same_geom
from fovnb.maps.geom import WcsGeom
from fovnb.maps.interpolate import interpolate
from fovnb.maps.lookup import event_coords, fill, inside, overlap, pixels_of, rounded
from fovnb.maps.operators import Operators
from fovnb.maps.smooth import convolve, dilate, erode, odd_pixels, smooth
from fovnb.maps.units import unit_factor
from fovnb.types import AnyArray

__all__ = ["Map", "WcsNDMap"]


class Map(MapBase, Operators):
    """Values on the pixels of a geometry, with a unit; masks are maps of booleans, True = used.

    Maps support ``+ - * /``, comparisons and, as masks, ``& | ^ ~``; the result is a new map. Only `stack`, the
    ``fill_`` and ``set_`` methods and the setters change a map, and only the one they are called on.

    Parameters
    ----------
    geom : `WcsGeom`
        The pixels and axes.
    data : array of shape ``geom.data_shape`` or broadcastable to it, number or `~astropy.units.Quantity`, optional
        The values; zeros by default (NaN where an all-sky projection has no sky). An array is kept, not copied.
    dtype : data type
        Of the zeros; data that are given keep their own.
    meta : dict, optional
        Anything that JSON can hold.
    unit : str or `~astropy.units.Unit`
        The unit, unless ``data`` has its own.

    Raises
    ------
    GeometryError
        If the shape of the data does not fit.
    InvalidInputError
        If the data are not numbers, or the unit or the geometry is none.

    Examples
    --------
    >>> exposure = Map.create(npix=(4, 2), binsz=1, unit="m2 s")
    >>> exposure.data.shape
    (2, 4)
    >>> ((exposure + "2 cm2 h") / "1 s").quantity[0, 0]
    <Quantity 0.72 m2>
    """

    @classmethod
    def create(cls, map_type: str = "wcs", **kwargs: Any) -> Self:
        """Make a map and its geometry: ``dtype``, ``meta`` and ``unit`` go to the map, the rest to `WcsGeom.create`.

        Pixels measure 0.1 deg by default.

        Examples
        --------
        >>> Map.create(skydir=(83.63, 22.01), width=1, dtype=bool).data.shape
        (10, 10)
        """
        if map_type != "wcs":
            msg = f"no maps of type {map_type!r} here; only 'wcs' is supported"
            raise InvalidInputError(msg)
        own = {name: kwargs.pop(name) for name in ("dtype", "meta", "unit") if name in kwargs}
        return cls(WcsGeom.create(**{"binsz": 0.1, **kwargs}), **own)

    @classmethod
    def from_geom(
        cls,
        geom: WcsGeom,
        meta: dict[str, Any] | None = None,
        data: Any = None,
        unit: str | u.UnitBase = "",
        dtype: Any = "float32",
    ) -> Self:
        """Make a map on a geometry; the arguments are those of `Map`."""
        return cls(geom, data=data, dtype=dtype, meta=meta, unit=unit)

    @classmethod
    def read(
        cls,
        filename: str | os.PathLike[str],
        hdu: str | int | None = None,
        hdu_bands: str | int | None = None,
        map_type: str = "auto",
        format: str | None = None,  # noqa: A002
        checksum: bool = False,
    ) -> Self:
        """Read a map from a FITS file, gzipped or not; see `fovnb.maps.fits.read_map`."""
        if map_type not in ("auto", "wcs"):
            msg = f"no maps of type {map_type!r} here; only 'wcs' is supported"
            raise InvalidInputError(msg)
        return cls(**fits.read_map(filename, hdu, hdu_bands, format, checksum))

    @classmethod
    def from_hdulist(
        cls,
        hdulist: Any,
        hdu: str | int | None = None,
        hdu_bands: str | int | None = None,
        format: str | None = None,  # noqa: A002
    ) -> Self:
        """Make a map from an open FITS file; see `fovnb.maps.fits.from_hdulist`."""
        return cls(**fits.from_hdulist(hdulist, hdu, hdu_bands, format))

    def to_hdulist(self, hdu: str | None = None, hdu_bands: str | None = None, sparse: bool = False) -> Any:
        """Return the map as a FITS HDU list; see `fovnb.maps.fits.to_hdulist`."""
        return fits.to_hdulist(self, hdu, hdu_bands, sparse)

    def write(
        self, filename: str | os.PathLike[str], overwrite: bool = False, checksum: bool = False, **kwargs: Any
    ) -> None:
        """Write the map to a FITS file that appears whole or not at all; keywords as in `to_hdulist`.

        Raises
        ------
        DataError
            If the file exists and ``overwrite`` is False, or cannot be written.
        """
        fits.write_hdulist(self.to_hdulist(**kwargs), filename, overwrite, checksum)

    def get_by_idx(self, idx: Sequence[Any]) -> AnyArray:
        """Return the values at pixel indices, in the order lon, lat, axes; floats are rounded."""
        try:
            return np.asarray(self.data[rounded(idx, self.data.ndim)[::-1]])
        except IndexError as error:
            msg = f"indices {tuple(idx)} do not fit a map of shape {self.geom.data_shape[::-1]} (lon, lat, axes)"
            raise InvalidInputError(msg) from error

    def get_by_pix(self, pix: Sequence[Any], fill_value: Any = np.nan) -> AnyArray:
        """Return the values of the pixels that hold the pixel coordinates, ``fill_value`` outside."""
        idx = self.geom.pix_to_idx(tuple(pix))
        values = self.get_by_idx(idx)
        used = np.broadcast_to(inside(idx), values.shape)
        return values if used.all() else np.where(used, values, fill_value)

    def get_by_coord(self, coords: Any, fill_value: Any = np.nan) -> AnyArray:
        """Return the values of the pixels that hold the coordinates, ``fill_value`` outside.

        Examples
        --------
        >>> from astropy.coordinates import SkyCoord
        >>> m = Map.create(npix=3, binsz=1, skydir=(83, 22))
        >>> m.get_by_coord({"skycoord": SkyCoord([83, 80], [22, 22], unit="deg")})
        array([ 0., nan], dtype=float32)
        """
        return self.get_by_pix(self.geom.coord_to_pix(coords), fill_value)

    def set_by_idx(self, idx: Sequence[Any], vals: Any) -> None:
        """Set the values at pixel indices, in the order lon, lat, axes."""
        try:
            self._writable()[rounded(idx, self.data.ndim)[::-1]] = self._plain(vals)
        except (IndexError, ValueError) as error:
            shape = self.geom.data_shape[::-1]
            msg = f"values {vals!r} at indices {tuple(idx)} do not fit a map of shape {shape} (lon, lat, axes)"
            raise InvalidInputError(msg) from error

    def set_by_coord(self, coords: Any, vals: Any) -> None:
        """Set the values of the pixels that hold the coordinates; those outside the map are left out."""
        idx = np.broadcast_arrays(*self.geom.coord_to_idx(coords))
        used = inside(idx)
        self.set_by_idx([i[used] for i in idx], np.broadcast_to(self._plain(vals), used.shape)[used])

    def fill_by_idx(self, idx: Sequence[Any], weights: Any = None) -> None:
        """Add 1, or the weights, to the pixels at the indices, once for each; -1 adds nothing."""
        plain = None if weights is None else self._plain(weights)
        fill(self._writable(), rounded(idx, self.data.ndim), plain)

    def fill_by_coord(self, coords: Any, weights: Any = None) -> None:
        """Add 1, or the weights, to the pixels that hold the coordinates; those outside the map are left out."""
        self.fill_by_idx(self.geom.coord_to_idx(coords), weights)

    def fill_events(self, events: Any, weights: Any = None) -> None:
        """Add 1, or the weights, for each event of an event list to the pixel that holds it.

        Axes other than "energy" are looked up as columns of ``events.table``.

        Raises
        ------
        GeometryError
            If the map has an axis that the events do not.
        """
        self.fill_by_coord(event_coords(events, self.geom), weights)

    def interp_by_pix(
        self, pix: Sequence[Any], method: str = "linear", fill_value: float | None = None, values_scale: str = "lin"
    ) -> AnyArray:
        """Return the values between the pixel centres, see `fovnb.maps.interpolate.interpolate`.

        ``fill_value`` stands outside the map; by default the last slope goes on.
        """
        values = interpolate(self.data, tuple(pix)[::-1], method, values_scale)
        if fill_value is None:
            return values
        return np.where(inside(self.geom.pix_to_idx(tuple(pix))) & np.isfinite(values), values, fill_value)

    def interp_by_coord(
        self, coords: Any, method: str = "linear", fill_value: float | None = None, values_scale: str = "lin"
    ) -> AnyArray:
        """Return the values at coordinates between the pixel centres, as `interp_by_pix` does.

        Examples
        --------
        >>> m = Map.create(npix=(3, 1), binsz=1, skydir=(0, 0))
        >>> m.data = m.data + [1, 2, 4]
        >>> m.interp_by_coord({"lon": [-0.5], "lat": [0]})
        array([3.])
        """
        return self.interp_by_pix(self.geom.coord_to_pix(coords), method, fill_value, values_scale)

    def interp_to_geom(
        self, geom: WcsGeom, preserve_counts: bool = False, fill_value: float | None = 0, **kwargs: Any
    ) -> Self:
        """Return the map on another geometry: interpolated, or for a mask the nearest pixel.

        An image fills every bin of a cube. Axes are matched by name; the cube must have all axes of this map.

        Parameters
        ----------
        geom : `WcsGeom`
            The wanted geometry.
        preserve_counts : bool
            Interpolate the values divided by the solid angle of their pixels, and multiply by that of the new ones.
        fill_value : float or None
            The value outside this map; None continues the last slope.
        **kwargs
            ``method`` and ``values_scale`` of `interp_by_coord`.

        Raises
        ------
        GeometryError
            If an axis of this map is missing, or differs where counts are to be preserved.
        """
        if geom == self.geom:
            return type(self)(geom, data=self.data.copy(), unit=self.unit)
        pix = pixels_of(geom, self.geom)
        source = self
        if preserve_counts:
            if len(geom.axes) and geom.axes[0] != self.geom.axes[0]:
                msg = f"counts cannot be moved from {self.geom.axes[0]} to {geom.axes[0]}; give the same first axis"
                raise GeometryError(msg)
            source = self._replace(self.data / self.geom.sky.solid_angle_sr)
        if self.is_mask and fill_value is not None:
            data = source.get_by_pix(pix, bool(fill_value))
        else:
            data = source.interp_by_pix(pix, fill_value=fill_value, **kwargs)
        data = data.astype(bool) if self.is_mask else data
        return type(self)(geom, data=data * geom.sky.solid_angle_sr if preserve_counts else data, unit=self.unit)

    def get_spectrum(self, region: Any = None, func: Any = np.nansum, weights: "Map | None" = None) -> Self:
        """Return ``func`` (the sum) of the pixels inside a sky region, for every bin of the axes: a map of one pixel.

        The pixel is centred on this map and as wide as it.
        """
        image = self.geom.to_image()
        used = np.ones(image.data_shape, bool) if region is None else image.region_mask(region).data
        width = tuple(self.geom.width.to_value("deg").ravel())
        pixel = WcsGeom.create(npix=1, binsz=width, skydir=image.center_skydir, frame=image.frame, axes=self.geom.axes)
        return self._replace(func(self._weighted(weights)[..., used], axis=-1)[..., None, None], pixel)

    def cutout(
        self, position: SkyCoord, width: Any, mode: str = "trim", odd_npix: bool = False, min_npix: int = 1
    ) -> Self:
        """Return a copy of the part around a position; parameters and errors as in `WcsGeom.cutout`."""
        geom = self.geom.cutout(position, width, mode=mode, odd_npix=odd_npix, min_npix=min_npix)
        parent, part = overlap(geom, self.geom, mode)
        data = np.zeros(geom.data_shape, dtype=self.data.dtype)
        data[part] = self.data[parent]
        return self._replace(data, geom)

    def stack(
        self, other: "Map", weights: "Map | None" = None, nan_to_num: bool = True, *, norms: AnyArray | None = None
    ) -> None:
        """Add another map, or a cutout of this geometry, to this one in place.

        Parameters
        ----------
        other : `Map`
            What is added; masks are joined by "or".
        weights : `Map`, optional
            Factors on the sky grid of ``other``, or a mask: where it is False nothing is added. Axes broadcast.
        nan_to_num : bool
            Add 0 in place of values that are not finite.
        norms : array, shape (n, 1, 1), optional
            What each bin of the axis of ``other`` is multiplied by first.

        Raises
        ------
        GeometryError
            If ``other`` is neither on this geometry nor on a cutout of it, or the weights are on another sky grid.
        """
        parent: tuple[Any, ...] = (...,)
        part: tuple[Any, ...] = (...,)
        if not (self.geom is other.geom or self.geom == other.geom):
            if not self.geom.is_aligned(other.geom):
                require_same_geom(self.geom, other.geom)
            parent, part = overlap(other.geom, self.geom, "partial")
        factors = [factor for factor in (norms, unit_factor(other.unit, self.unit)) if factor is not None]
        if weights is not None:
            require_same_geom(other.geom.to_image(), weights.geom.to_image())
        data, weight = other.data[part], True if weights is None else weights.data[part]
        try:
            add(self._writable()[parent], data, weight, factors, nan_to_num)
        except (TypeError, ValueError) as error:
            msg = f"{data.dtype} values with weights of shape {np.shape(weight)} cannot be added in place: {error}"
            raise InvalidInputError(msg) from error

    def smooth(self, width: Any, kernel: str = "gauss", **kwargs: Any) -> Self:
        """Return the map averaged over the surroundings of each pixel; see `fovnb.maps.smooth.smooth`.

        ``width`` is in pixels or an angle.
        """
        pixels = resize.in_pixels(width, self.geom.pixel_scales.mean())
        return self._replace(smooth(self.data, float(pixels), kernel, **kwargs))

    def convolve(self, kernel: Any, method: str = "fft") -> Self:
        """Return the map convolved with a kernel, an array or a map; see `fovnb.maps.smooth.convolve`."""
        return self._replace(
            convolve(self.data, kernel.data if isinstance(kernel, MapBase) else np.asarray(kernel), method)
        )

    def binary_erode(self, width: Any, kernel: str = "disk", use_fft: bool = True) -> Self:  # noqa: ARG002
        """Return the mask without its margin; see `fovnb.maps.smooth.erode`.

        ``width`` is in pixels or an angle, rounded up to an odd number of pixels: radius of "disk", side of "box".
        The method is exact and fast; ``use_fft`` changes nothing.
        """
        return self._replace(erode(self._mask(), self._odd_width(width), kernel))

    def binary_dilate(self, width: Any, kernel: str = "disk", use_fft: bool = True) -> Self:  # noqa: ARG002
        """Return the mask with a margin added; the arguments are those of `binary_erode`."""
        return self._replace(dilate(self._mask(), self._odd_width(width), kernel))

    def downsample(
        self, factor: int, preserve_counts: bool = True, axis_name: str | None = None, weights: Any = None
    ) -> Self:
        """Return the map with ``factor`` pixels (or bins of an axis) in one: their sum, or their (weighted) mean."""
        geom = self.geom.downsample(factor, axis_name=axis_name)
        weights = weights.data if isinstance(weights, MapBase) else weights
        return self._replace(resize.downsample(self.data, geom.data_shape, preserve_counts, weights), geom)

    def upsample(self, factor: int, order: int = 0, preserve_counts: bool = True, axis_name: str | None = None) -> Self:
        """Return the map with ``factor`` pixels (or bins of an axis) for one, interpolated with splines of an order."""
        geom = self.geom.upsample(factor, axis_name=axis_name)
        data = self.data / self.geom.bin_volume().value if preserve_counts else self.data
        data = resize.upsample(data, geom.data_shape, factor, order)
        data = data * geom.bin_volume().value if preserve_counts else data
        return self._replace(data.astype(self.data.dtype), geom)

    def pad(self, pad_width: Any, axis_name: str | None = None, mode: str = "constant", cval: float = 0) -> Self:
        """Return the map with more pixels (lon, lat) or bins of an axis (before, after), ``cval`` or as at the edge."""
        first, second = np.broadcast_to(pad_width, 2).tolist()
        if axis_name is None:
            return self._replace(
                resize.pad(self.data, [(second, second), (first, first)], mode, cval),
                resize.grown(self.geom, first, second),
            )
        geom = WcsGeom(self.geom.sky, axes=self.geom.axes.pad(axis_name, (first, second)))
        width = [(first, second)] + [(0, 0)] * (self.data.ndim - 1 - self.geom.axes.index_data(axis_name))
        return self._replace(resize.pad(self.data, width, mode, cval), geom)

    def crop(self, crop_width: Any) -> Self:
        """Return the map without its outermost pixels: a number, or an angle, or (lon, lat) of them."""
        x, y = np.broadcast_to(np.round(resize.in_pixels(crop_width, self.geom.pixel_scales)), 2).astype(int).tolist()
        geom = resize.grown(self.geom, -x, -y)
        (ny, nx), data = geom.sky.shape, self.data
        return self._replace(data[..., y : y + ny, x : x + nx].copy(), geom)

    def plot(
        self, ax: Any = None, fig: Any = None, add_cbar: bool = False, stretch: str = "linear", **kwargs: Any
    ) -> Any:
        """Draw the image on sky axes and return these; see `fovnb.plots.plot_map`."""
        from fovnb.plots import plot_map

        return plot_map(self, ax=ax, fig=fig, add_cbar=add_cbar, stretch=stretch, **kwargs)

    def _mask(self) -> AnyArray:
        """Return the data, or say that they are no mask."""
        if not self.is_mask:
            msg = f"only a mask of booleans can grow or shrink, this map holds {self.data.dtype}; make one with map > 0"
            raise InvalidInputError(msg)
        return self.data

    def _odd_width(self, width: Any) -> AnyArray:
        """Return a width along lon and lat in odd numbers of pixels."""
        return np.broadcast_to(odd_pixels(resize.in_pixels(width, self.geom.pixel_scales)), 2)


WcsNDMap = Map
