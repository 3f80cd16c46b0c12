"""Areas on the sky that the background fit leaves out, each with a name and an origin."""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from fovnb.recipe.fields import field
from fovnb.recipe.sky import Frame, angle, frame, latitude, longitude, size
from fovnb.recipe.step import Step

__all__ = ["Annulus", "Circle", "Ellipse", "Polygon", "Rectangle", "Region"]


def _name() -> Any:
    return field("", label="name", help="shown beside the area")


def _origin() -> Any:
    return field("user", label="origin", help="who drew it, or where it comes from")


def _active() -> Any:
    return field(True, label="in use", help="an area that is not in use is kept, and excludes nothing")


@dataclass(frozen=True, repr=False)
class Circle(Step):
    """A circle."""

    kind: ClassVar[str] = "circle"

    lon_deg: float = longitude()
    lat_deg: float = latitude()
    radius_deg: float = size("radius")
    frame: Frame = frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()


@dataclass(frozen=True, repr=False)
class Annulus(Step):
    """The ring between two circles."""

    kind: ClassVar[str] = "annulus"

    lon_deg: float = longitude()
    lat_deg: float = latitude()
    inner_radius_deg: float = size("inner radius")
    outer_radius_deg: float = size("outer radius")
    frame: Frame = frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()

    def _check(self) -> None:
        if not self.inner_radius_deg < self.outer_radius_deg:
            self._refuse("inner_radius_deg", f"expected less than outer_radius_deg, {self.outer_radius_deg!r} deg")


@dataclass(frozen=True, repr=False)
class Ellipse(Step):
    """An ellipse, by its full axes."""

    kind: ClassVar[str] = "ellipse"

    lon_deg: float = longitude()
    lat_deg: float = latitude()
    width_deg: float = size("width", help="full axis")
    height_deg: float = size("height", help="full axis")
    angle_deg: float = angle()
    frame: Frame = frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()


@dataclass(frozen=True, repr=False)
class Rectangle(Step):
    """A rectangle."""

    kind: ClassVar[str] = "rectangle"

    lon_deg: float = longitude()
    lat_deg: float = latitude()
    width_deg: float = size("width")
    height_deg: float = size("height")
    angle_deg: float = angle()
    frame: Frame = frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()


@dataclass(frozen=True, repr=False)
class Polygon(Step):
    """A polygon, by the longitudes and latitudes of at least 3 different corners."""

    kind: ClassVar[str] = "polygon"

    lon_deg: tuple[float, ...] = field(label="longitudes", unit="deg", low=-360, high=360, least=3, help="of corners")
    lat_deg: tuple[float, ...] = field(label="latitudes", unit="deg", low=-90, high=90, least=3, help="of corners")
    frame: Frame = frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()

    def _check(self) -> None:
        self._expect_as_many("lat_deg", "lon_deg")
        corners = set(zip(self.lon_deg, self.lat_deg, strict=True))
        if len(corners) < 3:
            self._refuse("lon_deg", f"expected at least 3 different corners, not {len(corners)}")


Region: TypeAlias = Circle | Annulus | Ellipse | Rectangle | Polygon
