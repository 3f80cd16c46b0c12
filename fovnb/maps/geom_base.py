"""What a geometry is: a sky grid and axes, and the way between coordinates and pixels.

Tuples of coordinates or pixels are in the order longitude, latitude, axes.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Self

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from fovnb.errors import InvalidInputError
from fovnb.maps import window
from fovnb.maps.axes import MapAxes
from fovnb.maps.axis import MapAxis
from fovnb.maps.checks import check_choice, quantity
from fovnb.maps.coord import MapCoord
from fovnb.maps.create import check_size, sky_grid_from_wcs
from fovnb.maps.scale import nearest_idx
from fovnb.maps.sky import SkyGrid
from fovnb.text import html_summary, text_summary
from fovnb.types import BoolArray, FloatArray, IntArray

__all__ = ["GeomBase"]


class GeomBase:
    """Sky grid and axes of a geometry, and its coordinates; see `~fovnb.maps.WcsGeom`."""

    def __init__(self, wcs: WCS | SkyGrid, npix: Any = None, axes: Iterable[MapAxis] | None = None) -> None:
        self._sky = wcs if isinstance(wcs, SkyGrid) else sky_grid_from_wcs(wcs, npix)
        self._axes = axes if isinstance(axes, MapAxes) else MapAxes(axes or ())
        check_size(self.data_shape)

    @property
    def sky(self) -> SkyGrid:
        """The sky pixels and what was computed for them, shared between geometries."""
        return self._sky

    @property
    def axes(self) -> MapAxes:
        """Axes beyond the sky."""
        return self._axes

    @property
    def wcs(self) -> WCS:
        """Projection of the sky; not to be changed."""
        return self._sky.wcs

    @property
    def frame(self) -> str:
        """Frame of longitude and latitude."""
        return self._sky.frame

    @property
    def projection(self) -> str:
        """FITS code of the projection."""
        return str(self.wcs.wcs.ctype[0][5:])

    @property
    def axes_names(self) -> list[str]:
        """Names of all dimensions, "lon" and "lat" first."""
        return ["lon", "lat", *self._axes.names]

    @cached_property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of the data, (last axis, ..., first axis, ny, nx)."""
        return (*self._axes.shape[::-1], *self._sky.shape)

    @property
    def data_shape_axes(self) -> tuple[int, ...]:
        """`data_shape` with ones for latitude and longitude."""
        return (*self._axes.shape[::-1], 1, 1)

    @property
    def data_shape_image(self) -> tuple[int, ...]:
        """`data_shape` with ones for the axes."""
        return (*(1,) * len(self._axes), *self._sky.shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.data_shape)

    @property
    def npix(self) -> tuple[IntArray, IntArray]:
        """Number of pixels in longitude and latitude, each an array of one number, as in Gammapy."""
        ny, nx = self._sky.shape
        return np.array([nx]), np.array([ny])

    @property
    def pixel_scales(self) -> Angle:
        """Pixel size in longitude and latitude at the reference pixel, shape (2,)."""
        return Angle(proj_plane_pixel_scales(self.wcs), "deg")

    @property
    def width(self) -> u.Quantity:
        """Number times size of the pixels in longitude and latitude, shape (2, 1), as in Gammapy."""
        return u.Quantity((np.abs(self.wcs.wcs.cdelt) * self._sky.shape[::-1])[:, np.newaxis], "deg")

    @property
    def center_pix(self) -> tuple[float, ...]:
        """Pixel coordinates of the centre: longitude, latitude, axes."""
        return tuple((n - 1) / 2 for n in self.data_shape[::-1])

    @property
    def center_coord(self) -> tuple[u.Quantity, ...]:
        """Coordinates of the centre: longitude, latitude, axes."""
        return self.pix_to_coord(self.center_pix)

    @cached_property
    def center_skydir(self) -> SkyCoord:
        """Sky position of the centre."""
        return SkyCoord.from_pixel(*self.center_pix[:2], self.wcs)

    @property
    def footprint(self) -> SkyCoord:
        """Sky positions of the four corner pixels."""
        return SkyCoord(self.wcs.calc_footprint(), frame=self.frame, unit="deg")

    @property
    def is_image(self) -> bool:
        """Whether there are no axes beyond the sky."""
        return len(self._axes) == 0

    @property
    def is_flat(self) -> bool:
        """Whether all axes beyond the sky have one bin."""
        return self._axes.is_flat

    @property
    def is_allsky(self) -> bool:
        """Whether the grid is 360 by 180 degrees wide."""
        return bool(np.allclose(self.width.to_value("deg").ravel(), (360, 180)))

    @property
    def has_energy_axis(self) -> bool:
        """Whether exactly one of "energy" and "energy_true" is an axis."""
        return ("energy" in self._axes) != ("energy_true" in self._axes)

    def coord_to_pix(self, coords: Any) -> tuple[FloatArray, ...]:
        """Return the pixel coordinates (longitude, latitude, axes) of points, given as `MapCoord.create` takes them."""
        coords = MapCoord.create(coords, frame=self.frame, axis_names=self._axes.names)
        lon, lat = (quantity(c, "deg", "longitude and latitude").value for c in (coords.lon, coords.lat))
        # wcslib takes no empty arrays.
        on_sky = self.wcs.wcs_world2pix(lon, lat, 0) if coords.size else np.zeros((2, 0))
        return (*on_sky, *self._axes.coord_to_pix(coords))

    def pix_to_coord(self, pix: Any) -> tuple[u.Quantity, ...]:
        """Return the coordinates of pixel coordinates, both as (longitude, latitude, axes)."""
        if len(pix) != self.ndim:
            msg = f"{len(pix)} pixel coordinates are given for {self.axes_names}; give one of each"
            raise InvalidInputError(msg)
        lon, lat = self.wcs.wcs_pix2world(pix[0], pix[1], 0)
        further = (axis.pix_to_coord(p) for axis, p in zip(self._axes, pix[2:], strict=True))
        return (lon * u.deg, lat * u.deg, *further)

    def pix_to_idx(self, pix: Any, clip: bool = False) -> tuple[IntArray, ...]:
        """Return pixel coordinates rounded to pixels: -1 outside, or the nearest pixel with ``clip``."""
        return tuple(nearest_idx(p, n, clip) for p, n in zip(pix, self.data_shape[::-1], strict=True))

    def coord_to_idx(self, coords: Any, clip: bool = False) -> tuple[IntArray, ...]:
        """Return the pixels (longitude, latitude, axes) that hold points: -1 outside, or the nearest with ``clip``.

        Examples
        --------
        >>> from fovnb.maps import WcsGeom
        >>> geom = WcsGeom.create(npix=(4, 3), binsz=1)
        >>> geom.coord_to_idx({"lon": [0.5, 9.0], "lat": 0.0})
        (array([ 1, -1]), array([1, 1]))
        """
        return self.pix_to_idx(self.coord_to_pix(coords), clip)

    def contains(self, coords: Any) -> BoolArray:
        """Return which points lie in the geometry."""
        inside = np.broadcast_arrays(*(i >= 0 for i in self.coord_to_idx(coords)))
        return np.asarray(np.all(inside, axis=0))

    def get_idx(self) -> tuple[IntArray, ...]:
        """Return the index of every pixel as (longitude, latitude, axes), each of `data_shape`, -1 off the sky."""
        on_sky = np.isfinite(self._sky.lonlat_deg[0])
        return tuple(np.where(on_sky, i, -1) for i in np.indices(self.data_shape)[::-1])

    def get_coord(
        self,
        idx: tuple[int, ...] | None = None,
        mode: str = "center",
        frame: str | None = None,
        sparse: bool = False,
        axis_name: str | tuple[str, ...] | None = None,
    ) -> MapCoord:
        """Return the coordinates of every pixel, NaN off the sky.

        Parameters
        ----------
        idx : tuple of int, optional
            Bin of each axis, for the coordinates of one image.
        mode : {"center", "edges"}
            Whether to give the edges of the dimensions in ``axis_name``, longitude and latitude by default.
        frame : str, optional
            Frame of longitude and latitude; that of the geometry by default.
        sparse : bool
            Keep length 1 where a coordinate does not depend on a dimension.
        axis_name : str or tuple of str, optional
            Dimensions of which ``mode="edges"`` gives the edges.

        Examples
        --------
        >>> from fovnb.maps import WcsGeom
        >>> axis = MapAxis.from_edges([1, 2], name="energy", unit="TeV")
        >>> geom = WcsGeom.create(npix=(4, 3), binsz=1, axes=[axis])
        >>> geom.get_coord(sparse=True)["energy"].shape, geom.get_coord().lon.shape
        ((1, 1, 1), (1, 3, 4))
        """
        check_choice("mode", mode, ("center", "edges"))
        names = {axis_name} if isinstance(axis_name, str) else set(axis_name or ("lon", "lat"))
        edges = names if mode == "edges" else set()
        lonlat = self._sky.corner_lonlat_deg if edges & {"lon", "lat"} else self._sky.lonlat_deg
        lonlat = u.Quantity(lonlat.reshape(2, *(1,) * len(self._axes), *lonlat.shape[1:]), "deg", copy=False)
        data = {"lon": lonlat[0], "lat": lonlat[1]}
        for i, axis in enumerate(self._axes):
            values = axis.edges if axis.name in edges else axis.center
            values = values if idx is None else values[idx[i]]
            data[axis.name] = values.reshape(-1, *(1,) * (i + 2))
        coords = MapCoord(data, self.frame).to_frame(frame or self.frame)
        return coords if sparse else coords.broadcasted

    def is_aligned(self, other: "GeomBase", tolerance: float = 1e-6) -> bool:
        """Return whether both have equal axes, and the same sky pixels where they overlap."""
        return self._axes == other._axes and window.is_tiled(self._sky, other._sky, tolerance)

    def is_allclose(
        self, other: "GeomBase", rtol_axes: float = 1e-6, atol_axes: float = 1e-6, rtol_wcs: float = 1e-6
    ) -> bool:
        """Return whether both have close axes and the same sky pixels."""
        return self._axes.is_allclose(other._axes, rtol=rtol_axes, atol=atol_axes) and window.is_same(
            self._sky, other._sky, rtol_wcs
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, GeomBase) and self.is_allclose(other))

    def __hash__(self) -> int:
        return hash((self._sky.shape, self._axes))

    def __repr__(self) -> str:
        return text_summary("WcsGeom", self._summary())

    def _repr_html_(self) -> str:
        return html_summary("WcsGeom", self._summary())

    def _summary(self) -> dict[str, object]:
        center = self.center_skydir.data
        lon, lat = self.width.to_value("deg").ravel()
        return {
            "axes": self.axes_names,
            "data shape": self.data_shape,
            "frame": self.frame,
            "projection": self.projection,
            "center": f"{center.lon.deg:.3f} deg, {center.lat.deg:.3f} deg",
            "width": f"{lon:.6g} deg x {lat:.6g} deg",
        }
