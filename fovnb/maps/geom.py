"""The geometry of a map: a grid of sky pixels and the axes over it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord

from fovnb.errors import GeometryError
from fovnb.maps import window
from fovnb.maps.axes import MapAxes
from fovnb.maps.axis import MapAxis
from fovnb.maps.checks import positive_int, quantity
from fovnb.maps.create import make_sky_grid
from fovnb.maps.geom_base import GeomBase
from fovnb.maps.masks import parse_regions, regions_image
from fovnb.types import BoolArray

if TYPE_CHECKING:
    from fovnb.maps.map import Map

__all__ = ["WcsGeom"]


class WcsGeom(GeomBase):
    """A grid of sky pixels and the axes over it; it never changes once it is made.

    Geometries made from one another that keep the sky pixels (`to_image`, `to_cube`, `squash`, `drop`, `replace_axis`)
    share the same `sky`, and with it all that was computed for the pixels. Two geometries are equal if shape, axes and
    projection agree within 1e-6.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS` or `~fovnb.maps.SkyGrid`
        Celestial projection, of which a copy is kept; or the sky grid itself, which is shared.
    npix : tuple of int, optional
        Number of pixels (nx, ny); that of the projection by default.
    axes : iterable of `MapAxis`
        Axes beyond the sky; the data have them in reverse order: shape (last axis, ..., first axis, ny, nx).

    Raises
    ------
    GeometryError
        If the projection is not celestial or has no size, axes share a name, or the map would have over 2e9 pixels.

    Examples
    --------
    >>> energy = MapAxis.from_energy_bounds("0.5 TeV", "10 TeV", nbin=5)
    >>> geom = WcsGeom.create(skydir=(83.63, 22.01), width=(5, 3), binsz=0.02, axes=[energy])
    >>> geom
    WcsGeom
    -------
      axes       : ['lon', 'lat', 'energy']
      data shape : (5, 150, 250)
      frame      : icrs
      projection : CAR
      center     : 83.630 deg, 22.010 deg
      width      : 5 deg x 3 deg
    """

    @classmethod
    def create(
        cls,
        npix: Any = None,
        binsz: Any = 0.5,
        proj: str = "CAR",
        frame: str = "icrs",
        refpix: Any = None,
        axes: Iterable[MapAxis] | None = None,
        skydir: Any = None,
        width: Any = None,
    ) -> Self:
        """Make a geometry around a position.

        Parameters
        ----------
        npix : int or tuple of int, optional
            Number of pixels, or (in longitude, in latitude); goes before ``width``.
        binsz : float, str, `~astropy.units.Quantity` or tuple
            Pixel size, plain numbers in degrees.
        proj : str
            FITS projection code, such as CAR, TAN, SIN, AIT.
        frame : {"icrs", "galactic"}
            Frame of longitude and latitude.
        refpix : tuple of float, optional
            FITS pixel (1 is the first centre) at which ``skydir`` lies; the middle of the grid by default.
        axes : iterable of `MapAxis`, optional
            Axes beyond the sky.
        skydir : `~astropy.coordinates.SkyCoord` or tuple, optional
            Centre; a tuple is longitude and latitude in degrees in ``frame``. (0, 0) by default.
        width : float, str, `~astropy.units.Quantity` or tuple, optional
            Width of the grid, plain numbers in degrees; without ``npix`` and ``width`` it covers the whole sky.

        Raises
        ------
        InvalidInputError
            If an argument is not positive, not an angle, or not known.
        GeometryError
            If the map would have over 2e9 pixels or axes share a name.

        Examples
        --------
        >>> WcsGeom.create(skydir=(0, 0), width="3 deg", binsz=(0.1, 0.2), frame="galactic", proj="TAN").data_shape
        (15, 30)
        """
        return cls(make_sky_grid(npix, binsz, proj, frame, refpix, skydir, width), axes=axes)

    @property
    def as_energy_true(self) -> "WcsGeom":
        """The same with the axis "energy" named "energy_true"."""
        return self.rename_axes("energy", "energy_true")

    def to_image(self) -> "WcsGeom":
        """Return the geometry without axes."""
        return WcsGeom(self._sky)

    def to_cube(self, axes: Iterable[MapAxis]) -> "WcsGeom":
        """Return the geometry with further axes after its own.

        Examples
        --------
        >>> image = WcsGeom.create(npix=(4, 3), binsz=1)
        >>> cube = image.to_cube([MapAxis.from_edges([1, 2, 3], name="energy", unit="TeV")])
        >>> cube.data_shape, cube.sky is image.sky
        ((2, 3, 4), True)
        """
        return self._over(self._axes + axes)

    def squash(self, axis_name: str) -> "WcsGeom":
        """Return the geometry with the bins of one axis merged."""
        return self._over(self._axes.squash(axis_name))

    def drop(self, axis_name: str) -> "WcsGeom":
        """Return the geometry without one axis."""
        return self._over(self._axes.drop(axis_name))

    def replace_axis(self, axis: MapAxis) -> "WcsGeom":
        """Return the geometry with the axis of the same name replaced."""
        return self._over(self._axes.replace(axis))

    def rename_axes(self, names: Any, new_names: Any) -> "WcsGeom":
        """Return the geometry with axes renamed."""
        return self._over(self._axes.rename_axes(names, new_names))

    def slice_by_idx(self, slices: dict[str, int | slice]) -> "WcsGeom":
        """Return the geometry with axes cut by slices given by name; an axis given an integer is dropped."""
        return self._over(self._axes.slice_by_idx(slices))

    def pad(self, pad_width: int | tuple[int, int], axis_name: str | None = None) -> "WcsGeom":
        """Return the geometry with pixels added on all sides, as many in (longitude, latitude); or with bins added.

        Examples
        --------
        >>> WcsGeom.create(npix=(4, 3), binsz=1).pad((1, 0)).data_shape
        (3, 6)
        """
        if axis_name is not None:
            return self._over(self._axes.pad(axis_name, pad_width))
        x, y = pad_width if isinstance(pad_width, tuple) else (pad_width, pad_width)
        ny, nx = self._sky.shape
        return WcsGeom(self._sky.cutout((-y, -x), (ny + 2 * y, nx + 2 * x)), axes=self._axes)

    def crop(self, crop_width: int | tuple[int, int]) -> "WcsGeom":
        """Return the geometry without its outermost pixels, as many in (longitude, latitude) on each side."""
        x, y = crop_width if isinstance(crop_width, tuple) else (crop_width, crop_width)
        return self.pad((-x, -y))

    def to_binsz(self, binsz: Any) -> "WcsGeom":
        """Return a geometry of the same centre, width and axes with other pixels."""
        return WcsGeom.create(
            skydir=self.center_skydir,
            binsz=binsz,
            width=self.width,
            proj=self.projection,
            frame=self.frame,
            axes=self._axes,
        )

    def upsample(self, factor: int, axis_name: str | None = None) -> "WcsGeom":
        """Return the geometry with every sky pixel divided into ``factor**2``, or the bins of one axis divided."""
        if axis_name is not None:
            return self._over(self._axes.upsample(factor, axis_name))
        return WcsGeom(self._sky.resample(1 / positive_int(factor, "factor")), axes=self._axes)

    def downsample(self, factor: int, axis_name: str | None = None) -> "WcsGeom":
        """Return the geometry with ``factor**2`` sky pixels merged into one, or the bins of one axis merged.

        Raises
        ------
        GeometryError
            If the number of pixels is no multiple of the factor.
        """
        if axis_name is not None:
            return self._over(self._axes.downsample(factor, axis_name))
        if any(n % positive_int(factor, "factor") for n in self._sky.shape):
            msg = f"{self._sky.shape} pixels (lat, lon) are no multiples of {factor}; give a divisor of both"
            raise GeometryError(msg)
        return WcsGeom(self._sky.resample(factor), axes=self._axes)

    def cutout(
        self, position: SkyCoord, width: Any, mode: str = "trim", odd_npix: bool = False, min_npix: int = 1
    ) -> "WcsGeom":
        """Return the part around a position, on the same pixels.

        Parameters
        ----------
        position : `~astropy.coordinates.SkyCoord`
            Centre.
        width : angle or tuple of angles
            Width, or (in longitude, in latitude), plain numbers in degrees.
        mode : {"trim", "partial", "strict"}
            What to do where it reaches beyond: cut it there, keep its full size, or refuse.
        odd_npix : bool
            Round the number of pixels up to an odd one.
        min_npix : int
            Least number of pixels.

        Raises
        ------
        GeometryError
            If it does not overlap, or with "strict" reaches beyond.

        Examples
        --------
        >>> geom = WcsGeom.create(skydir=(83.63, 22.01), width=5, binsz=0.02)
        >>> geom.cutout(geom.center_skydir, width="1 deg").data_shape
        (50, 50)
        """
        return WcsGeom(window.window(self._sky, position, width, mode, min_npix, odd_npix), axes=self._axes)

    def cutout_slices(self, geom: "WcsGeom", mode: str = "partial") -> dict[str, tuple[slice, slice]]:
        """Return where this cutout lies in ``geom``: the (lat, lon) slices "parent-slices" and "cutout-slices".

        Raises
        ------
        GeometryError
            If the pixels of the two do not coincide or do not overlap, or with "strict" this one reaches beyond.

        Examples
        --------
        >>> geom = WcsGeom.create(npix=10, binsz=1)
        >>> geom.cutout(geom.center_skydir, width=4).cutout_slices(geom)["parent-slices"]
        (slice(3, 7, None), slice(3, 7, None))
        """
        return window.overlap(self._sky, geom.sky, mode)

    def solid_angle(self) -> u.Quantity:
        """Return the solid angle of each pixel, sr, shape `data_shape_image`; see `SkyGrid.solid_angle_sr`."""
        return u.Quantity(self._sky.solid_angle_sr.reshape(self.data_shape_image), "sr", copy=False)

    def bin_volume(self) -> u.Quantity:
        """Return solid angle times bin widths, shape `data_shape`."""
        volume = self.solid_angle()
        for i, axis in enumerate(self._axes):
            volume = volume * axis.bin_width.reshape((-1,) + (1,) * (i + 2))
        return volume

    def separation(self, center: SkyCoord) -> Angle:
        """Return the angular distance of each sky pixel from a position, shape (ny, nx)."""
        icrs = center.icrs
        return Angle(self._sky.offset_deg(float(icrs.ra.deg), float(icrs.dec.deg)), "deg")

    def region_mask(self, regions: Any, inside: bool = True) -> "Map":
        """Return a boolean map of the pixels whose centre is inside any of the regions.

        Parameters
        ----------
        regions : region or list of regions, str, or `~astropy.coordinates.SkyCoord`
            Regions of any frame, or text in DS9's format. No region holds no pixel.
        inside : bool
            False gives True *outside* all regions: the way to make an exclusion mask.

        Examples
        --------
        >>> geom = WcsGeom.create(npix=5, binsz=1)
        >>> geom.region_mask("icrs; circle(0, 0, 1.1)").data.sum(), geom.region_mask([], inside=False).data.all()
        (np.int64(5), np.True_)
        """
        image = regions_image(self._sky, parse_regions(regions))
        return self._mask(image if inside else ~image)

    def energy_mask(self, energy_min: Any = None, energy_max: Any = None, round_to_edge: bool = False) -> "Map":
        """Return a boolean map of the energy bins that lie wholly between two energies.

        Parameters
        ----------
        energy_min, energy_max : `~astropy.units.Quantity` or str, optional
            Limits, included; none by default.
        round_to_edge : bool
            Move the limits to the nearest bin edges first.

        Examples
        --------
        >>> axis = MapAxis.from_energy_edges([1, 2, 4, 8], unit="TeV")
        >>> geom = WcsGeom.create(npix=1, binsz=1, axes=[axis])
        >>> geom.energy_mask(energy_min="1.5 TeV").data.ravel()
        array([False,  True,  True])
        """
        axis = self._axes["energy"]
        limits = (
            axis.edges[0] if energy_min is None else energy_min,
            axis.edges[-1] if energy_max is None else energy_max,
        )
        low, high = (quantity(limit, axis.unit, "the energy limits") for limit in limits)
        low, high = axis.round(u.Quantity([low, high])) if round_to_edge else (low, high)
        used = (axis.edges_min >= low) & (axis.edges_max <= high)
        return self._mask(used.reshape((-1,) + (1,) * (2 + self._axes.index("energy"))))

    def copy(self, **kwargs: Any) -> "WcsGeom":
        """Return a geometry with some of the arguments of `WcsGeom` replaced."""
        same: dict[str, Any] = {"wcs": self._sky, "axes": self._axes}
        return WcsGeom(**(same | kwargs))

    def _over(self, axes: MapAxes) -> "WcsGeom":
        return WcsGeom(self._sky, axes=axes)

    def _mask(self, mask: BoolArray) -> "Map":
        from fovnb.maps.map import Map

        return Map(self, data=np.broadcast_to(mask, self.data_shape).copy())
