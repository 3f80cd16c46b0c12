"""Sky regions as plain values: what a change of size or place, a table and a region file need of them.

A shape holds its positions in degrees in its own frame; the order of the sizes is that of the attributes of the
region's class. ``regions`` imports matplotlib, so functions import it when they run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, UnitSphericalRepresentation

from fovnb.errors import InvalidInputError
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from regions import SkyRegion

__all__ = ["NO_AREA", "SkyShape", "grown", "moved", "scaled", "shape_of"]

NO_AREA = ("LineSkyRegion", "TextSkyRegion")

_ANNULUS = ("inner_width", "outer_width", "inner_height", "outer_height")
_SIZES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Circle": ("radius",),
        "CircleAnnulus": ("inner_radius", "outer_radius"),
        "Ellipse": ("width", "height"),
        "EllipseAnnulus": _ANNULUS,
        "Rectangle": ("width", "height"),
        "RectangleAnnulus": _ANNULUS,
        "Polygon": (),
        "Point": (),
    }
)
_TURNED = frozenset({"Ellipse", "EllipseAnnulus", "Rectangle", "RectangleAnnulus"})


@dataclass(frozen=True)
class SkyShape:
    """A region in plain values.

    Parameters
    ----------
    kind : str
        "Circle", "CircleAnnulus", "Ellipse", "EllipseAnnulus", "Rectangle", "RectangleAnnulus", "Polygon" or "Point".
    frame : str
        Frame of the positions, such as "icrs".
    lon_deg, lat_deg : tuple of float
        The centre, or the corners of a polygon.
    sizes_deg : tuple of float
        Radii or widths, in the order of the region's attributes.
    angle_deg : float
        Rotation of an ellipse or rectangle, counter-clockwise.

    Examples
    --------
    >>> SkyShape("Circle", "icrs", (83.63,), (22.01,), (0.3,)).reach_deg
    0.3
    """

    kind: str
    frame: str
    lon_deg: tuple[float, ...]
    lat_deg: tuple[float, ...]
    sizes_deg: tuple[float, ...] = ()
    angle_deg: float = 0.0

    @property
    def positions(self) -> SkyCoord:
        """The centre, or the corners, shape (n,)."""
        return SkyCoord(list(self.lon_deg), list(self.lat_deg), unit="deg", frame=self.frame)

    @cached_property
    def center(self) -> SkyCoord:
        """The centre; of a polygon the mean direction of its corners."""
        positions = self.positions
        if len(positions) == 1:
            return positions[0]
        mean = positions.cartesian.mean().represent_as(UnitSphericalRepresentation)
        return SkyCoord(mean, frame=self.frame)

    @cached_property
    def center_xyz(self) -> FloatArray:
        """ICRS unit vector of the centre, shape (3,)."""
        return np.asarray(self.center.icrs.cartesian.xyz.value)

    @property
    def is_turned(self) -> bool:
        """Whether the shape has an angle."""
        return self.kind in _TURNED

    @property
    def reach_deg(self) -> float:
        """Radius around the centre beyond which nothing of the shape lies."""
        if self.kind == "Polygon":
            return float(self.center.separation(self.positions).deg.max())
        if self.kind in _TURNED:
            return math.hypot(*(self.sizes_deg[1::2] if "Annulus" in self.kind else self.sizes_deg)) / 2
        return max(self.sizes_deg, default=0.0)

    def to_region(self) -> "SkyRegion":
        """Return the region."""
        import regions

        make: Any = getattr(regions, f"{self.kind}SkyRegion")
        if self.kind == "Polygon":
            return make(self.positions)
        sizes = {name: size * u.deg for name, size in zip(_SIZES[self.kind], self.sizes_deg, strict=True)}
        turn = {"angle": self.angle_deg * u.deg} if self.kind in _TURNED else {}
        return make(self.positions[0], **sizes, **turn)


def shape_of(region: "SkyRegion") -> SkyShape | None:
    """Return the values of a region, None if it is of a kind that has none here, such as a combination of regions.

    Examples
    --------
    >>> from regions import CircleSkyRegion
    >>> shape_of(CircleSkyRegion(SkyCoord(83.63, 22.01, unit="deg"), 18 * u.arcmin)).sizes_deg
    (0.3,)
    """
    kind = type(region).__name__.removesuffix("SkyRegion")
    if kind not in _SIZES:
        return None
    positions = region.vertices if kind == "Polygon" else region.center
    lon, lat = np.atleast_1d(positions.spherical.lon.deg), np.atleast_1d(positions.spherical.lat.deg)
    sizes = tuple(float(getattr(region, name).to_value("deg")) for name in _SIZES[kind])
    angle = float(region.angle.to_value("deg")) if kind in _TURNED else 0.0
    return SkyShape(kind, positions.frame.name, tuple(lon.tolist()), tuple(lat.tolist()), sizes, angle)


def grown(shape: SkyShape, by_deg: float) -> SkyShape | None:
    """Return the shape with its border moved outwards by an angle, None for a polygon, whose border has no formula.

    Rectangles keep their corners, holes become smaller and vanish, a point becomes a circle. A negative angle shrinks.

    Raises
    ------
    InvalidInputError
        If nothing would be left.

    Examples
    --------
    >>> ring = SkyShape("CircleAnnulus", "icrs", (0.0,), (0.0,), (0.5, 1.0))
    >>> grown(ring, 0.25).sizes_deg, grown(ring, 1.0).kind
    ((0.25, 1.25), 'Circle')
    """
    if shape.kind == "Polygon":
        return None
    if shape.kind == "Point":
        shape = replace(shape, kind="Circle", sizes_deg=(0.0,))
    step = 2 * by_deg if shape.kind in _TURNED else by_deg
    is_ring = "Annulus" in shape.kind
    inner = [size - step for size in shape.sizes_deg[::2]] if is_ring else []
    outer = [size + step for size in (shape.sizes_deg[1::2] if is_ring else shape.sizes_deg)]
    if min(outer) <= 0 or any(hole >= edge for hole, edge in zip(inner, outer, strict=False)):
        msg = (
            f"a {shape.kind} of sizes {shape.sizes_deg} deg that shrinks by {-by_deg:g} deg leaves nothing; shrink less"
        )
        raise InvalidInputError(msg)
    if is_ring and min(inner) > 0:
        return replace(shape, sizes_deg=tuple(size for pair in zip(inner, outer, strict=True) for size in pair))
    return replace(shape, kind=shape.kind.removesuffix("Annulus"), sizes_deg=tuple(outer))


def scaled(shape: SkyShape, factor: float) -> SkyShape:
    """Return the shape with all sizes times a factor, a polygon around the mean of its corners.

    Examples
    --------
    >>> scaled(SkyShape("Circle", "icrs", (0.0,), (0.0,), (0.5,)), 2).sizes_deg
    (1.0,)
    """
    larger = replace(shape, sizes_deg=tuple(factor * size for size in shape.sizes_deg))
    if shape.kind != "Polygon":
        return larger
    center = shape.center
    lon, lat = center.spherical_offsets_to(shape.positions)
    return _at(larger, center.spherical_offsets_by(factor * lon, factor * lat))


def moved(shape: SkyShape, lon_deg: float, lat_deg: float, frame: str) -> SkyShape:
    """Return the shape moved by angles on the sky along the longitude and latitude of a frame; it keeps its own frame.

    Examples
    --------
    >>> there = moved(SkyShape("Circle", "icrs", (80.0,), (60.0,), (0.5,)), 1.0, 0.0, "icrs")
    >>> round(there.lon_deg[0], 2), round(there.lat_deg[0], 2)
    (82.0, 59.98)
    """
    center = shape.center
    there = center.transform_to(frame).spherical_offsets_by(lon_deg * u.deg, lat_deg * u.deg)
    there = there.transform_to(center.frame)
    if shape.kind != "Polygon":
        return _at(shape, there.reshape(1))
    return _at(shape, there.spherical_offsets_by(*center.spherical_offsets_to(shape.positions)))


def _at(shape: SkyShape, positions: SkyCoord) -> SkyShape:
    """Return the shape at other positions."""
    sphere = positions.spherical
    return replace(shape, lon_deg=tuple(sphere.lon.deg.tolist()), lat_deg=tuple(sphere.lat.deg.tolist()))
