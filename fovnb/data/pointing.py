"""Where the telescopes pointed: one fixed position a run, in ICRS or, for drift scans, in altitude and azimuth."""

from __future__ import annotations

from enum import Enum, auto
from types import MappingProxyType

import numpy as np
from astropy import units as u
from astropy.coordinates import ICRS, AltAz, EarthLocation, SkyCoord
from astropy.io import fits
from astropy.time import Time

from fovnb.data.header import Header, latitude, number
from fovnb.errors import DataError, InvalidInputError

__all__ = ["FixedPointingInfo", "PointingMode"]


class PointingMode(Enum):
    """How the telescopes moved during a run.

    All but DRIFT counts as POINTING: GADF 0.2 does not define OBS_MODE well, and H.E.S.S. writes WOBBLE.
    """

    POINTING = auto()
    DRIFT = auto()


_COORDINATES = MappingProxyType({PointingMode.POINTING: ("ra", "dec"), PointingMode.DRIFT: ("az", "alt")})


class FixedPointingInfo:
    """The fixed pointing of a run.

    Parameters
    ----------
    fixed_icrs : `~astropy.coordinates.SkyCoord`, optional
        The position that was tracked.
    fixed_altaz : `~astropy.coordinates.SkyCoord` or `~astropy.coordinates.AltAz`, optional
        The position that was held, of a drift scan. Give one of the two.

    Raises
    ------
    InvalidInputError
        If none or both are given, or a position is in the wrong frame, not a single one, or not finite.

    Examples
    --------
    >>> pointing = FixedPointingInfo(fixed_icrs=SkyCoord(83.63, 22.01, unit="deg"))
    >>> pointing
    FixedPointingInfo(POINTING, ra=83.6300 deg, dec=22.0100 deg)
    >>> pointing.to_fits_header()["RA_PNT"]
    83.63
    """

    def __init__(self, fixed_icrs: SkyCoord | None = None, fixed_altaz: SkyCoord | AltAz | None = None) -> None:
        if (fixed_icrs is None) == (fixed_altaz is None):
            msg = "a pointing needs fixed_icrs or fixed_altaz, and not both; give one of them"
            raise InvalidInputError(msg)
        self.fixed_icrs = fixed_icrs
        self.fixed_altaz = fixed_altaz
        self.mode = PointingMode.DRIFT if fixed_icrs is None else PointingMode.POINTING
        self._position = _single_position(fixed_altaz or fixed_icrs, self.mode)

    @classmethod
    def from_fits_header(cls, header: Header) -> FixedPointingInfo:
        """Read RA_PNT and DEC_PNT, or ALT_PNT and AZ_PNT of a drift scan (deg), from an EVENTS header.

        Raises
        ------
        DataError
            If a keyword is missing, not finite, or no latitude.
        """
        drift = str(header.get("OBS_MODE", "")).upper() == "DRIFT"
        mode = PointingMode.DRIFT if drift else PointingMode.POINTING
        lon_key, lat_key = (f"{name.upper()}_PNT" for name in _COORDINATES[mode])
        lon, lat = number(header, lon_key), latitude(header, lat_key)
        if drift:
            return cls(fixed_altaz=AltAz(az=lon * u.deg, alt=lat * u.deg))
        return cls(fixed_icrs=SkyCoord(lon, lat, unit="deg", frame="icrs"))

    def to_fits_header(self) -> fits.Header:
        """Return the GADF keywords: OBS_MODE with RA_PNT and DEC_PNT, or with AZ_PNT and ALT_PNT, in deg."""
        header = fits.Header()
        header["OBS_MODE"] = self.mode.name
        for key, value in self._position.items():
            header[f"{key.upper()}_PNT"] = (value, "deg")
        return header

    def get_icrs(self, obstime: Time | None = None, location: EarthLocation | None = None) -> SkyCoord:
        """Return the ICRS position, with time and place attached; a drift scan needs both.

        Raises
        ------
        InvalidInputError
            If the run is a drift scan and the time or the place is missing.
        """
        if self.fixed_icrs is None:
            return _transformed(self.get_altaz(obstime, location), ICRS())
        return SkyCoord(self.fixed_icrs.ra, self.fixed_icrs.dec, frame="icrs", obstime=obstime, location=location)

    def get_altaz(self, obstime: Time | None = None, location: EarthLocation | None = None) -> SkyCoord:
        """Return altitude and azimuth at a time and place.

        Raises
        ------
        InvalidInputError
            If the time or the place is missing.
        DataError
            If astropy does not know how the Earth turned at that time.
        """
        if obstime is None or location is None:
            missing = "the time" if obstime is None else "the observatory's location"
            msg = f"altitude and azimuth need a time and a place; {missing} is missing, pass obstime= and location="
            raise InvalidInputError(msg)
        frame = AltAz(obstime=obstime, location=location)
        if self.mode is PointingMode.DRIFT:
            return SkyCoord(**{key: value * u.deg for key, value in self._position.items()}, frame=frame)
        return _transformed(self.get_icrs(), frame)

    def __repr__(self) -> str:
        position = ", ".join(f"{key}={value:.4f} deg" for key, value in self._position.items())
        return f"FixedPointingInfo({self.mode.name}, {position})"

    def _repr_html_(self) -> str:
        return f"<code>{self!r}</code>"


def _transformed(position: SkyCoord, frame: ICRS | AltAz) -> SkyCoord:
    """Return the position in another frame."""
    try:
        return position.transform_to(frame)
    except ValueError as error:
        reason = str(error).split(". ")[0].replace("\n", " ").strip()
        msg = (
            f"the pointing cannot be converted to {type(frame).__name__} ({reason}); check the time of the run, and "
            "install the latest astropy-iers-data for a recent one"
        )
        raise DataError(msg) from error


def _single_position(position: SkyCoord | AltAz, mode: PointingMode) -> dict[str, float]:
    """Return the two coordinates in deg; raise unless they are one finite position in the right frame."""
    frame = "icrs" if mode is PointingMode.POINTING else "altaz"
    values = [np.asarray(getattr(getattr(position, name, None), "deg", np.nan)) for name in _COORDINATES[mode]]
    if getattr(position, "name", "") != frame or any(value.ndim or not np.isfinite(value) for value in values):
        msg = f"found the pointing {position!r}; expected one finite position in the frame {frame!r}"
        raise InvalidInputError(msg)
    return {name: float(value) for name, value in zip(_COORDINATES[mode], values, strict=True)}
