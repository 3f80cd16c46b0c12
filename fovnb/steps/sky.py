"""Positions and regions on the sky, as expressions."""

from collections.abc import Mapping
from types import MappingProxyType

from fovnb.recipe import Annulus, Circle, Ellipse, Polygon, Rectangle
from fovnb.steps.expressions import Arg, Call, Public, Quantity

__all__ = ["position", "sky_region"]


def position(lon_deg: float | tuple[float, ...], lat_deg: float | tuple[float, ...], frame: str) -> Call:
    """Return the position, or positions, ``SkyCoord(lon, lat, frame=frame)``."""
    angles = (Quantity(lon_deg, "deg"), Quantity(lat_deg, "deg"))
    return Call(Public("astropy.coordinates", "SkyCoord"), angles, (Arg("frame", frame),))


def sky_region(region: Circle | Annulus | Ellipse | Rectangle | Polygon) -> Call:
    """Return the region with its name."""
    name, sizes = _SHAPES[region.kind]
    where = position(region.lon_deg, region.lat_deg, region.frame)
    place = Arg("vertices" if isinstance(region, Polygon) else "center", where)
    named = [Arg(size, Quantity(getattr(region, f"{size}_deg"), "deg")) for size in sizes]
    text = [Arg("meta", Call(Public("regions", "RegionMeta"), ({"text": region.name},)))] if region.name else []
    return Call(Public("regions", name), (), (place, *named, *text))


_SHAPES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "circle": ("CircleSkyRegion", ("radius",)),
        "annulus": ("CircleAnnulusSkyRegion", ("inner_radius", "outer_radius")),
        "ellipse": ("EllipseSkyRegion", ("width", "height", "angle")),
        "rectangle": ("RectangleSkyRegion", ("width", "height", "angle")),
        "polygon": ("PolygonSkyRegion", ()),
    }
)
