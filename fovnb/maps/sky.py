"""The pixels of a map on the sky, and what depends on them alone, each computed once.

Directions are unit vectors in ICRS: a frame is one 3 x 3 rotation, a pointing another, and angles come from cross and
dot products in floats. No pixel ever becomes a coordinate object.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, TypeVar

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from fovnb.errors import GeometryError
from fovnb.types import AnyArray, FloatArray

__all__ = ["SkyGrid", "unit_vectors"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class SkyGrid:
    """A grid of sky pixels; it never changes and its arrays are read-only.

    Geometries of the same pixels share one grid, so that what is cached here is computed once for all of them.

    Parameters
    ----------
    wcs : `~astropy.wcs.WCS`
        Celestial projection, two axes; not to be changed afterwards.
    shape : tuple of int
        Number of pixels (ny, nx).
    parent : `SkyGrid`, optional
        A grid of which this is a window; its arrays are computed once and shared.
    origin : tuple of int
        First pixel (y, x) of the window in the parent.

    Examples
    --------
    >>> from fovnb.maps import WcsGeom
    >>> sky = WcsGeom.create(skydir=(83.63, 22.01), npix=(5, 3), binsz=0.1).sky
    >>> sky.xyz.shape
    (3, 3, 5)
    >>> sky.offset_deg(83.63, 22.01)[1].round(3)
    array([0.2, 0.1, 0. , 0.1, 0.2])
    """

    wcs: WCS
    shape: tuple[int, int]
    parent: "SkyGrid | None" = None
    origin: tuple[int, int] = (0, 0)

    @cached_property
    def frame(self) -> str:
        """Name of the celestial frame, such as "icrs" or "galactic"."""
        return str(wcs_to_celestial_frame(self.wcs).name)

    @cached_property
    def lonlat_deg(self) -> FloatArray:
        """Longitude and latitude of the pixel centres in the grid's frame, deg, shape (2, ny, nx), NaN off the sky."""
        if self.parent is not None:
            return self._window(self.parent.lonlat_deg)
        ny, nx = self.shape
        return self._pix_to_lonlat(np.arange(nx), np.arange(ny))

    @property
    def corner_lonlat_deg(self) -> FloatArray:
        """Longitude and latitude of the pixel corners, deg, shape (2, ny + 1, nx + 1), NaN off the sky."""
        ny, nx = self.shape
        return self._pix_to_lonlat(np.arange(nx + 1) - 0.5, np.arange(ny + 1) - 0.5)

    @cached_property
    def xyz(self) -> FloatArray:
        """ICRS unit vectors of the pixel centres, shape (3, ny, nx), NaN off the sky."""
        if self.parent is not None:
            return self._window(self.parent.xyz)
        xyz = unit_vectors(*self.lonlat_deg)
        return _frozen(xyz if self.frame == "icrs" else _rotate(_rotation_to_icrs(self.frame), xyz))

    @cached_property
    def solid_angle_sr(self) -> FloatArray:
        """Solid angle of each pixel, sr, shape (ny, nx), NaN where a corner is off the sky.

        Two plane triangles, each half the product of two sides and the sine of the angle between them. As in Gammapy,
        the second triangle takes the bearing of its lower side at that side's other end.
        """
        if self.parent is not None:
            return self._window(self.parent.solid_angle_sr)
        lon, lat = np.deg2rad(self.corner_lonlat_deg)
        sin_lon, cos_lon, sin_lat, cos_lat = np.sin(lon), np.cos(lon), np.sin(lat), np.cos(lat)
        corners = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat, sin_lon, cos_lon, cos_lat])
        here, north = corners[:, :-1, :-1], corners[:, 1:, :-1]
        west, north_west = corners[:, :-1, 1:], corners[:, 1:, 1:]
        first = _cross(_leg(north, here), _leg(north, north_west))
        second = _cross(_leg(here, west), _leg(west, north_west))
        return _frozen(np.abs(0.5 * (first + second)))

    def offset_deg(self, lon_deg: float, lat_deg: float) -> FloatArray:
        """Return the angular distance of each pixel from an ICRS position, deg, shape (ny, nx), NaN off the sky.

        The angle is atan2(|p x v|, p . v), exact for small and large distances alike.
        """
        return self._last("_offset_deg", _offset_deg, lon_deg, lat_deg)

    def fov_lonlat_deg(self, lon_deg: float, lat_deg: float) -> tuple[FloatArray, FloatArray]:
        """Return field-of-view longitude and latitude of each pixel, deg, both (ny, nx), for an ICRS pointing.

        The axes are aligned with ICRS. Longitude grows towards *smaller* right ascension, the convention of
        Gammapy's ``FoVICRSFrame`` and of background models with ``FOVALIGN = "RADEC"``.
        """
        return self._last("_fov_lonlat_deg", _fov_lonlat_deg, lon_deg, lat_deg)

    def cutout(self, origin: tuple[int, int], shape: tuple[int, int]) -> "SkyGrid":
        """Return the grid of ``shape`` pixels that starts at pixel ``origin`` (y, x); it may reach beyond this one.

        The window shares the arrays of this grid, unless it is a small part of it or reaches beyond.
        """
        if min(shape) < 1:
            msg = f"a window of {shape} pixels (lat, lon) is asked of a map of {self.shape}; leave at least one"
            raise GeometryError(msg)
        if origin == (0, 0) and shape == self.shape:
            return self
        wcs = self.wcs.deepcopy()
        wcs.wcs.crpix = wcs.wcs.crpix - origin[::-1]
        wcs.array_shape = shape
        inside = all(o >= 0 and o + n <= full for o, n, full in zip(origin, shape, self.shape, strict=True))
        if inside and np.prod(self.shape) <= _SHARE_BELOW * np.prod(shape):
            return SkyGrid(wcs, shape, self, origin)
        return SkyGrid(wcs, shape)

    def resample(self, factor: float) -> "SkyGrid":
        """Return the grid over the same area with pixels ``factor`` times as large."""
        wcs = self.wcs.deepcopy()
        wcs.wcs.cdelt = wcs.wcs.cdelt * factor
        wcs.wcs.crpix = (wcs.wcs.crpix - 0.5) / factor + 0.5
        ny, nx = self.shape
        wcs.array_shape = (round(ny / factor), round(nx / factor))
        return SkyGrid(wcs, wcs.array_shape)

    def __copy__(self) -> "SkyGrid":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "SkyGrid":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled WCS goes through a header of 14 digits; the exact numbers travel beside it, the caches stay behind.
        exact = {name: np.array(getattr(self.wcs.wcs, name)) for name in _WCS_NUMBERS}
        return _unpickle, (self.wcs, exact, self.shape)

    def __repr__(self) -> str:
        return f"SkyGrid(frame={self.frame!r}, shape={self.shape})"

    def _last(self, name: str, make: Callable[[FloatArray], T], lon_deg: float, lat_deg: float) -> T:
        """Return what depends on the pointing; the last ones' are kept: runs are made again on other energies."""
        kept: dict[tuple[float, float], T] = self.__dict__.setdefault(name, {})
        found = kept.get((lon_deg, lat_deg))
        if found is None:
            found = make(_rotate(_rotation_to_pointing(lon_deg, lat_deg), self.xyz))
            while len(kept) >= max(1, _KEPT_PIXELS // prod(self.shape)):
                kept.pop(next(iter(kept)), None)
            kept[lon_deg, lat_deg] = found
        return found

    def _window(self, array: FloatArray) -> FloatArray:
        (y, x), (ny, nx) = self.origin, self.shape
        return array[..., y : y + ny, x : x + nx]

    def _pix_to_lonlat(self, x: AnyArray, y: AnyArray) -> FloatArray:
        grid = np.meshgrid(x, y)
        return _frozen(np.array(self.wcs.wcs_pix2world(*grid, 0)))


_WCS_NUMBERS = ("crval", "crpix", "cdelt")
_SHARE_BELOW = 4
_KEPT_PIXELS = 500_000


def unit_vectors(lon_deg: Any, lat_deg: Any) -> FloatArray:
    """Return unit vectors, shape (3, ...), of longitudes and latitudes in degrees.

    Examples
    --------
    >>> unit_vectors(90.0, 0.0).round(9)
    array([0., 1., 0.])
    """
    lon, lat = np.deg2rad(lon_deg), np.deg2rad(lat_deg)
    cos_lat = np.cos(lat)
    return np.stack([cos_lat * np.cos(lon), cos_lat * np.sin(lon), np.sin(lat)])


def _unpickle(wcs: WCS, exact: dict[str, FloatArray], shape: tuple[int, int]) -> SkyGrid:
    for name, values in exact.items():
        setattr(wcs.wcs, name, values)
    return SkyGrid(wcs, shape)


def _frozen(array: FloatArray) -> FloatArray:
    array.flags.writeable = False
    return array


def _rotate(matrix: FloatArray, xyz: FloatArray) -> FloatArray:
    return (matrix @ xyz.reshape(3, -1)).reshape(xyz.shape)


def _rotation_to_icrs(frame: str) -> FloatArray:
    """Return the matrix whose columns are the frame's axes in ICRS, as astropy has them."""
    axes = SkyCoord(*np.eye(3), frame=frame, representation_type="cartesian")
    return np.array(axes.icrs.cartesian.xyz.value)


def _rotation_to_pointing(lon_deg: float, lat_deg: float) -> FloatArray:
    """Return the matrix whose rows are the pointing, the direction of growing right ascension, and north."""
    return np.stack(
        [unit_vectors(lon_deg, lat_deg), unit_vectors(lon_deg + 90.0, 0.0), unit_vectors(lon_deg, lat_deg + 90.0)]
    )


def _offset_deg(seen: FloatArray) -> FloatArray:
    """Return the angle to the first axis."""
    x, y, z = seen
    return _frozen(np.asarray(np.rad2deg(np.arctan2(np.hypot(y, z), x))))


def _fov_lonlat_deg(seen: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return longitude, reversed, and latitude around the first axis."""
    x, y, z = seen
    return _frozen(np.rad2deg(np.arctan2(-y, x))), _frozen(np.rad2deg(np.arctan2(z, np.hypot(x, y))))


def _leg(start: FloatArray, end: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the great-circle leg between points as (eastward, northward) parts, rad; length and bearing at its start.

    Points are (x, y, z, sine of longitude, cosine of longitude, cosine of latitude). Differences of vectors keep
    their digits where legs are short.
    """
    x, y, z = end[:3] - start[:3]
    sin_lat, sin_lon, cos_lon, cos_lat = start[2:]
    east = cos_lon * y - sin_lon * x
    north = cos_lat * z - sin_lat * (cos_lon * x + sin_lon * y)
    length = 2 * np.arcsin(np.minimum(np.sqrt(x * x + y * y + z * z) / 2, 1))
    sine = np.sqrt(east * east + north * north)
    stretch = np.divide(length, sine, where=sine > 0, out=np.ones_like(sine))
    return east * stretch, north * stretch


def _cross(a: tuple[FloatArray, FloatArray], b: tuple[FloatArray, FloatArray]) -> FloatArray:
    return b[0] * a[1] - b[1] * a[0]
