"""The centre of the maps: from runs, from the name of an object, in another frame."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from fovnb.errors import DataError, InvalidInputError
from fovnb.recipe.cube import Geometry
from fovnb.recipe.sky import Frame
from fovnb.text import printable

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord

__all__ = ["centred", "in_frame", "mean_pointing", "position_of"]

_DIGITS = 5  # of degrees: 0.04 arcsec
_PATIENCE_S = 5.0  # with each name server


def in_frame(geometry: Geometry, frame: Frame) -> Geometry:
    """Return maps with the same centre in another frame.

    Examples
    --------
    >>> galactic = in_frame(Geometry(), "galactic")
    >>> galactic.lon_deg, galactic.lat_deg, galactic.frame
    (184.55757, -5.78419, 'galactic')
    """
    if frame == geometry.frame:
        return geometry
    return centred(geometry.edit(frame=frame), _centre(geometry))


def centred(geometry: Geometry, position: "SkyCoord") -> Geometry:
    """Return maps around another position, which is rounded to 0.00001 deg.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> centred(Geometry(), SkyCoord(10, -20, unit="deg")).lon_deg
    10.0
    """
    sky = position.transform_to(geometry.frame).spherical
    lon, lat = (round(float(angle.deg), _DIGITS) for angle in (sky.lon, sky.lat))
    return geometry.edit(lon_deg=lon, lat_deg=lat)


def mean_pointing(pointings: Iterable[tuple[float, float]]) -> "SkyCoord":
    """Return the mean direction of pointings, ICRS (right ascension, declination) in deg; NaN are left out.

    Raises
    ------
    InvalidInputError
        If there is none, or they point all over the sky so that no direction is the mean.

    Examples
    --------
    >>> mean_pointing([(359, 0), (3, 0)]).ra.deg.round(9)
    np.float64(1.0)
    """
    from astropy.coordinates import SkyCoord, UnitSphericalRepresentation

    found = np.array(list(pointings), dtype=float).reshape(-1, 2)
    found = found[np.isfinite(found).all(axis=1)]
    mean = SkyCoord(found[:, 0], found[:, 1], unit="deg").cartesian.mean() if len(found) else None
    if mean is None or mean.norm() < 1e-9:
        msg = f"{len(found)} runs have no mean pointing; choose runs that point to one field, or type the centre"
        raise InvalidInputError(msg)
    return SkyCoord(mean.represent_as(UnitSphericalRepresentation), frame="icrs")


def position_of(name: str) -> "SkyCoord":
    """Return the position that the name servers (Sesame) know for the name of an object.

    Raises
    ------
    InvalidInputError
        If there is no such object, or the name is empty.
    DataError
        If no server can be reached.
    """
    from astropy.coordinates import SkyCoord
    from astropy.coordinates.name_resolve import NameResolveError
    from astropy.utils.data import conf

    if not name.strip():
        msg = "there is no name to look up; type one such as Crab Nebula, or the coordinates"
        raise InvalidInputError(msg)
    try:
        with conf.set_temp("remote_timeout", _PATIENCE_S):
            return SkyCoord.from_name(name.strip()).icrs
    except (NameResolveError, OSError) as error:
        text = f"the name {printable(name.strip())!r}"
        if "unable to find" in str(error).lower():
            msg = f"{text} is not known to the name servers; check how it is written, or type the coordinates"
            raise InvalidInputError(msg) from error
        msg = f"{text} cannot be looked up without a network; type the coordinates"
        raise DataError(msg) from error


def _centre(geometry: Geometry) -> "SkyCoord":
    from astropy.coordinates import SkyCoord

    return SkyCoord(geometry.lon_deg, geometry.lat_deg, unit="deg", frame=geometry.frame)
