"""Fields of places on the sky, which several steps have."""

from typing import Any, Literal

from fovnb.recipe.fields import field

__all__ = ["Frame", "angle", "frame", "latitude", "longitude", "size"]

Frame = Literal["icrs", "galactic", "fk5"]


def longitude(*default: float) -> Any:
    """Return the field of a centre's longitude."""
    return field(*default, label="longitude", unit="deg", low=-360, high=360, step=0.01, help="of the centre")


def latitude(*default: float) -> Any:
    """Return the field of a centre's latitude."""
    return field(*default, label="latitude", unit="deg", low=-90, high=90, step=0.01, help="of the centre")


def frame() -> Any:
    """Return the field of a frame."""
    return field("icrs", label="frame", help="of longitude and latitude")


def size(label: str, *default: float, **info: Any) -> Any:
    """Return the field of a size on the sky, above 0."""
    return field(*default, label=label, unit="deg", low=0, high=180, open_low=True, scale="log", step=0.02, **info)


def angle() -> Any:
    """Return the field of an angle of rotation."""
    return field(0.0, label="angle", unit="deg", low=-360, high=360, step=1, help="of the width to longitude")
