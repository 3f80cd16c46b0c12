"""Areas on the sky that the background fit leaves out, each with a name and an origin."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from fovnb.recipe.data import Frame
from fovnb.recipe.fields import field
from fovnb.recipe.step import Step

__all__ = ["Annulus", "Circle", "Ellipse", "Polygon", "Rectangle", "Region"]


def _lon() -> float:
    found: float = field(label="longitude", unit="deg", low=-360, high=360, help="of the centre")
    return found


def _lat() -> float:
    found: float = field(label="latitude", unit="deg", low=-90, high=90, help="of the centre")
    return found


def _size(label: str, **info: object) -> float:
    found: float = field(label=label, unit="deg", low=0, high=180, open_low=True, scale="log", step=0.02, **info)
    return found


def _angle() -> float:
    found: float = field(0.0, label="angle", unit="deg", low=-360, high=360, step=1, help="of the width to longitude")
    return found


def _frame() -> Frame:
    found: Frame = field("icrs", label="frame")
    return found


def _name() -> str:
    found: str = field("", label="name")
    return found


def _origin() -> str:
    found: str = field("user", label="origin", help="who drew it, or where it comes from")
    return found


def _active() -> bool:
    found: bool = field(True, label="in use", help="an area that is not in use is kept, and excludes nothing")
    return found


@dataclass(frozen=True)
class Circle(Step):
    """A circle."""

    kind: ClassVar[str] = "circle"

    lon_deg: float = _lon()
    lat_deg: float = _lat()
    radius_deg: float = _size("radius")
    frame: Frame = _frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()


@dataclass(frozen=True)
class Annulus(Step):
    """The ring between two circles."""

    kind: ClassVar[str] = "annulus"

    lon_deg: float = _lon()
    lat_deg: float = _lat()
    inner_radius_deg: float = _size("inner radius")
    outer_radius_deg: float = _size("outer radius")
    frame: Frame = _frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()

    def _check(self) -> None:
        if not self.inner_radius_deg < self.outer_radius_deg:
            self._refuse("inner_radius_deg", f"expected less than outer_radius_deg, {self.outer_radius_deg!r} deg")


@dataclass(frozen=True)
class Ellipse(Step):
    """An ellipse of full axes."""

    kind: ClassVar[str] = "ellipse"

    lon_deg: float = _lon()
    lat_deg: float = _lat()
    width_deg: float = _size("width")
    height_deg: float = _size("height")
    angle_deg: float = _angle()
    frame: Frame = _frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()


@dataclass(frozen=True)
class Rectangle(Step):
    """A rectangle."""

    kind: ClassVar[str] = "rectangle"

    lon_deg: float = _lon()
    lat_deg: float = _lat()
    width_deg: float = _size("width")
    height_deg: float = _size("height")
    angle_deg: float = _angle()
    frame: Frame = _frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()


@dataclass(frozen=True)
class Polygon(Step):
    """A polygon, by its corners' longitudes and latitudes."""

    kind: ClassVar[str] = "polygon"

    lon_deg: tuple[float, ...] = field(label="longitudes", unit="deg", low=-360, high=360, least=3)
    lat_deg: tuple[float, ...] = field(label="latitudes", unit="deg", low=-90, high=90, least=3)
    frame: Frame = _frame()
    name: str = _name()
    origin: str = _origin()
    active: bool = _active()

    def _check(self) -> None:
        if len(self.lon_deg) != len(self.lat_deg):
            self._refuse("lat_deg", f"expected one for each of the {len(self.lon_deg)} longitudes")


Region: TypeAlias = Circle | Annulus | Ellipse | Rectangle | Polygon
