"""A recipe's region at another place, or as another kind of region of about the same extent."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.errors import RecipeError
from fovnb.makers.exclusion_shapes import SkyShape, moved
from fovnb.maps import WcsGeom
from fovnb.recipe import Annulus, Circle, Ellipse, Polygon, Rectangle, field_info
from fovnb.recipe.regions import Region
from fovnb.recipe.values import checked
from fovnb.steps.areas import entry_of, region_of, shape_of_region

__all__ = ["KINDS", "center_of", "found_at", "placed", "reshaped"]

KINDS = tuple(one.kind for one in (Circle, Ellipse, Rectangle, Annulus, Polygon))

_DIGITS = 6  # of degrees: 4 milliarcseconds
_PIXEL_DEG = 0.001
_N_CORNERS = 12  # of a polygon in place of something round

_Extent: TypeAlias = tuple[float, float, float]


def center_of(region: Region) -> tuple[float, float]:
    """Return longitude and latitude of the centre in the region's own frame; of a polygon, the mean of its corners.

    Examples
    --------
    >>> center_of(Circle(83.63, 22.01, 0.3))
    (83.63, 22.01)
    """
    if not isinstance(region, Polygon):
        return region.lon_deg, region.lat_deg
    center = shape_of_region(region).center.spherical
    return round(float(center.lon.deg), _DIGITS), round(float(center.lat.deg), _DIGITS)


def found_at(regions: Sequence[Region], position: SkyCoord) -> int | None:
    """Return the index of the smallest region that holds a position, None if none does.

    Examples
    --------
    >>> regions = [Circle(83.6, 22.0, 1.0), Circle(83.6, 22.0, 0.3), Circle(10, 0, 0.3)]
    >>> found_at(regions, SkyCoord(83.7, 22.1, unit="deg")), found_at(regions, SkyCoord(0, 0, unit="deg"))
    (1, None)
    """
    pixel = WcsGeom.create(skydir=position, npix=1, binsz=_PIXEL_DEG, proj="TAN", frame=position.frame.name)
    there = (i for i, one in enumerate(regions) if entry_of(one).image(pixel)[0].any())
    reaches = {i: shape_of_region(regions[i]).reach_deg for i in there}
    return min(reaches, key=lambda i: reaches[i], default=None)


def placed(region: Region, lon_deg: float, lat_deg: float, frame: str | None = None) -> Region:
    """Return the region with its centre at a position, which is given in a frame, its own by default.

    Raises
    ------
    RecipeError
        If there is no such position.

    Examples
    --------
    >>> placed(Circle(83.63, 22.01, 0.3), 83.0, 22.0)
    Circle(lon_deg=83.0, lat_deg=22.0, radius_deg=0.3)
    """
    if not isinstance(region, Polygon) and frame in (None, region.frame):
        return region.edit(lon_deg=lon_deg, lat_deg=lat_deg)
    lon, lat = (
        checked(field_info(Circle, name), value, type(region).__name__)
        for name, value in (("lon_deg", lon_deg), ("lat_deg", lat_deg))
    )
    there = SkyCoord(lon, lat, unit="deg", frame=frame or region.frame).transform_to(region.frame)
    if isinstance(region, Polygon):
        shape = shape_of_region(region)
        lon, lat = shape.center.spherical_offsets_to(there)
        return _like(region, moved(shape, float(lon.deg), float(lat.deg), region.frame))
    lon, lat = (round(float(angle.deg), _DIGITS) for angle in (there.spherical.lon, there.spherical.lat))
    return region.edit(lon_deg=lon, lat_deg=lat)


def reshaped(region: Region, kind: str) -> Region:
    """Return a region of another kind around the same centre: what is round covers all of the old one.

    Raises
    ------
    RecipeError
        If there is no such kind.

    Examples
    --------
    >>> reshaped(Circle(83.63, 22.01, 0.3, name="Crab"), "ellipse")
    Ellipse(lon_deg=83.63, lat_deg=22.01, width_deg=0.6, height_deg=0.6, name='Crab')
    """
    if kind not in KINDS:
        msg = f"found {kind!r}; expected one of {', '.join(KINDS)}"
        raise RecipeError(msg)
    if kind == region.kind:
        return region
    lon, lat = center_of(region)
    width, height, angle = _extent(region)
    if kind == "polygon":
        return _like(region, _polygon(region, (width, height, angle)))
    reach = math.hypot(width, height) / 2 if isinstance(region, Rectangle) else max(width, height) / 2
    sizes = {"circle": (reach,), "annulus": (reach / 2, reach)}.get(kind, (width, height))
    made = {"circle": "Circle", "annulus": "CircleAnnulus", "ellipse": "Ellipse", "rectangle": "Rectangle"}[kind]
    return _like(region, SkyShape(made, region.frame, (lon,), (lat,), tuple(round(s, _DIGITS) for s in sizes), angle))


def _extent(region: Region) -> _Extent:
    """Return full width, full height and angle [deg]."""
    if isinstance(region, Ellipse | Rectangle):
        return region.width_deg, region.height_deg, region.angle_deg
    across = 2 * shape_of_region(region).reach_deg
    return across, across, 0.0


def _polygon(region: Region, extent: _Extent) -> SkyShape:
    """Return the corners of a rectangle, or points on the border of an ellipse."""
    width, height, turn = extent[0] / 2, extent[1] / 2, np.deg2rad(extent[2])
    if isinstance(region, Rectangle):
        along, across = width * np.array([1, 1, -1, -1]), height * np.array([-1, 1, 1, -1])
    else:
        phase = 2 * np.pi * np.arange(_N_CORNERS) / _N_CORNERS
        along, across = width * np.cos(phase), height * np.sin(phase)
    # Angles turn counter-clockwise in a picture with north up, where longitude grows to the left.
    lon, lat = across * np.sin(turn) - along * np.cos(turn), along * np.sin(turn) + across * np.cos(turn)
    corners = shape_of_region(region).center.spherical_offsets_by(lon * u.deg, lat * u.deg).spherical
    return SkyShape("Polygon", region.frame, tuple(corners.lon.deg.tolist()), tuple(corners.lat.deg.tolist()))


def _like(region: Region, shape: SkyShape) -> Region:
    """Return the region of a shape with the name, origin and use of another; positions are rounded."""
    lon, lat = (tuple(round(one, _DIGITS) for one in angles) for angles in (shape.lon_deg, shape.lat_deg))
    return region_of(replace(shape, lon_deg=lon, lat_deg=lat), region.name, region.origin, region.active)
