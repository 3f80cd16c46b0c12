"""What a run's EVENTS header says of it, under Gammapy's names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from astropy import units as u
from astropy.coordinates import EarthLocation, SkyCoord

from fovnb.data.header import Header, latitude, number
from fovnb.errors import DataError
from fovnb.text import html_summary, text_summary

__all__ = ["ObsInfoMetaData", "ObservationMetaData", "TargetMetaData"]


@dataclass(frozen=True)
class ObsInfoMetaData:
    """Who observed: number of the run, telescope, instrument and mode; None where the header is silent."""

    obs_id: int | None
    telescope: str | None
    instrument: str | None
    observation_mode: str | None


@dataclass(frozen=True)
class TargetMetaData:
    """What was observed; None where the header is silent."""

    name: str | None
    position: SkyCoord | None


@dataclass(frozen=True, eq=False, repr=False)
class ObservationMetaData:
    """The EVENTS header of a run, its parts made when they are asked for.

    Parameters
    ----------
    header : mapping
        Keywords and values.

    Examples
    --------
    >>> meta = ObservationMetaData({"TELESCOP": "HESS", "DEADC": 0.94, "OBJECT": "Crab Nebula"})
    >>> meta.obs_info.telescope, meta.target.name, round(meta.deadtime_fraction, 2)
    ('HESS', 'Crab Nebula', 0.06)
    """

    header: Header

    @property
    def obs_info(self) -> ObsInfoMetaData:
        """Number of the run, telescope, instrument, mode."""
        return ObsInfoMetaData(*(self.header.get(key) for key in ("OBS_ID", "TELESCOP", "INSTRUME", "OBS_MODE")))

    @cached_property
    def target(self) -> TargetMetaData:
        """Name and ICRS position of the target."""
        return TargetMetaData(self.header.get("OBJECT"), self._position("RA_OBJ", "DEC_OBJ"))

    @cached_property
    def location(self) -> EarthLocation | None:
        """The observatory on Earth, None if the header gives no place."""
        if "GEOLON" not in self.header:
            return None
        lon, lat = number(self.header, "GEOLON"), latitude(self.header, "GEOLAT")
        return EarthLocation.from_geodetic(lon * u.deg, lat * u.deg, number(self.header, "ALTITUDE", "GEOALT") * u.m)

    @property
    def deadtime_fraction(self) -> float:
        """1 - DEADC.

        Raises
        ------
        DataError
            If DEADC is missing or not above 0 and at most 1.
        """
        deadc = number(self.header, "DEADC")
        if not 0 < deadc <= 1:
            msg = f"DEADC = {deadc} in the header; expected above 0 and at most 1, repair the file or leave the run out"
            raise DataError(msg)
        return 1 - deadc

    @property
    def optional(self) -> Header:
        """All keywords, among them MUONEFF, CREATOR, HDUVERS, N_TELS, ALT_PNT."""
        return self.header

    def __repr__(self) -> str:
        return text_summary("ObservationMetaData", self.header)

    def _repr_html_(self) -> str:
        return html_summary("ObservationMetaData", self.header)

    def _position(self, lon_key: str, lat_key: str) -> SkyCoord | None:
        """Return the ICRS position that two keywords hold, None if they hold none."""
        try:
            return SkyCoord(number(self.header, lon_key), latitude(self.header, lat_key), unit="deg", frame="icrs")
        except DataError:
            return None
