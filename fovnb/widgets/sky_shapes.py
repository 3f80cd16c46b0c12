"""Regions of the recipe as outlines on the sky, and shapes that were drawn on the sky as regions of the recipe."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.recipe import Annulus, Circle, Ellipse, Polygon, Rectangle
from fovnb.recipe.regions import Region
from fovnb.types import FloatArray

__all__ = ["Outline", "Points", "drawn_region", "outlines"]

Points: TypeAlias = Sequence[Sequence[float]]
Outline: TypeAlias = tuple[tuple[float, float], ...]

_TURN = np.linspace(0, 2 * np.pi, 90, endpoint=False)
_DIGITS = 5  # of degrees that were drawn by hand: 0.04 arcsec


@lru_cache(maxsize=4096)
def outlines(region: Region) -> tuple[Outline, ...]:
    """Return the corners, ICRS in deg, of the polygons that outline a region: two for an annulus, otherwise one.

    A round outline has 90 corners, which lie at most 0.06 % of the radius inside it.

    Examples
    --------
    >>> from fovnb.recipe import Polygon
    >>> outlines(Polygon((10, 11, 11), (0, 0, 1)))
    (((10.0, 0.0), (11.0, 0.0), (11.0, 1.0)),)
    """
    match region:
        case Polygon():
            corners = SkyCoord(list(region.lon_deg), list(region.lat_deg), unit="deg", frame=region.frame)
            return (_icrs(corners),)
        case Circle():
            return (_around(region, *_ring(region.radius_deg, region.radius_deg)),)
        case Annulus():
            radii = (region.inner_radius_deg, region.outer_radius_deg)
            return tuple(_around(region, *_ring(radius, radius)) for radius in radii)
        case Ellipse():
            return (_around(region, *_ring(region.width_deg / 2, region.height_deg / 2), region.angle_deg),)
    x, y = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]).T / 2
    return (_around(region, region.width_deg * x, region.height_deg * y, region.angle_deg),)


def _ring(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    return a * np.cos(_TURN), b * np.sin(_TURN)


def _around(region: Region, x: FloatArray, y: FloatArray, angle_deg: float = 0) -> Outline:
    """Return points at offsets from the centre, deg: x to the west, y to the north, both turned from west to north."""
    angle = np.deg2rad(angle_deg)
    west, north = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    centre = SkyCoord(region.lon_deg, region.lat_deg, unit="deg", frame=region.frame)
    return _icrs(centre.directional_offset_by(np.arctan2(-west, north) * u.rad, np.hypot(west, north) * u.deg))


def _icrs(corners: SkyCoord) -> Outline:
    icrs = corners.icrs
    return tuple(zip(icrs.ra.deg.tolist(), icrs.dec.deg.tolist(), strict=True))


def drawn_region(shape: str, points: Points) -> Region | None:
    """Return what was drawn, in ICRS and rounded to 1e-5 deg; None if it has no size or reaches beside the sky.

    Parameters
    ----------
    shape : {"circle", "rectangle", "polygon"}
        What was drawn.
    points : sequence of (lon, lat)
        ICRS, deg; a point beside the sky is empty. The corners of a polygon; otherwise the centre, then the rim's
        right, upper, left and lower point as seen on the screen.

    Examples
    --------
    >>> drawn_region("circle", [(10, 0), (9.5, 0), (10, 0.5), (10.5, 0), (10, -0.5)])
    Circle(lon_deg=10.0, lat_deg=0.0, radius_deg=0.5)
    """
    if not points or any(len(point) != 2 for point in points):
        return None
    sky = SkyCoord(points, unit="deg")
    lon, lat = _rounded(sky.ra.deg) % 360, _rounded(sky.dec.deg)
    if shape == "polygon":
        corners = list(dict.fromkeys(zip(lon.tolist(), lat.tolist(), strict=True)))
        return Polygon(tuple(x for x, _ in corners), tuple(y for _, y in corners)) if len(corners) > 2 else None
    radii = sky[0].separation(sky[1:]).deg
    width, height = _rounded(radii[:2] + radii[2:]).tolist()
    if not min(width, height) > 0:
        return None
    if shape == "circle":
        return Circle(float(lon[0]), float(lat[0]), round(float(radii.mean()), _DIGITS))
    return Rectangle(float(lon[0]), float(lat[0]), width, height, angle_deg=_turned(sky))


def _turned(sky: SkyCoord) -> float:
    """Return the angle, deg, from west to north, by which the line from the left to the right point is turned."""
    right, left = (sky[0].position_angle(sky[side]).deg for side in (1, 3))
    across = np.exp(1j * np.deg2rad([right - 270, left - 90])).sum()
    return float(_rounded((np.angle(across, deg=True) + 90) % 180 - 90))


def _rounded(degrees: FloatArray) -> FloatArray:
    """Return what a user may have meant; never -0.0."""
    return np.round(degrees, _DIGITS) + 0.0
