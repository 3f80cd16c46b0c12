"""RunInfo: the plain numbers of a run that its dataset, its ledger row and the diagnostics need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, TypeVar

from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time

from fovnb.data.header import Header, number
from fovnb.errors import FovnbError
from fovnb.text import Record

if TYPE_CHECKING:
    from fovnb.data.observation import Observation

__all__ = ["RunInfo"]

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class RunInfo(Record):
    """What a run is, where and when it pointed, and how long; NaN where the files do not say.

    Parameters
    ----------
    obs_id : int
        Number of the run.
    target : str
        OBJECT of the header, "" if there is none.
    ra_deg, dec_deg : float
        Pointing, ICRS.
    zenith_deg, azimuth_deg : float
        Pointing on the local sky: of the header, else at the middle of the run.
    mid_mjd, start_mjd : float
        Middle and start of the first good time interval, MJD (TT).
    livetime_s, ontime_s : float
        Sum of the good time intervals, with and without DEADC.
    header_livetime_s, header_ontime_s, deadc : float
        LIVETIME, ONTIME and DEADC as the header states them.
    geolon_deg, geolat_deg, height_m : float
        The observatory.

    Examples
    --------
    >>> RunInfo(obs_id=23592, target="Crab Nebula", ra_deg=82.01, dec_deg=22.01).zenith_deg
    nan
    """

    obs_id: int
    target: str = ""
    ra_deg: float = nan
    dec_deg: float = nan
    zenith_deg: float = nan
    azimuth_deg: float = nan
    mid_mjd: float = nan
    start_mjd: float = nan
    livetime_s: float = nan
    ontime_s: float = nan
    header_livetime_s: float = nan
    header_ontime_s: float = nan
    deadc: float = nan
    geolon_deg: float = nan
    geolat_deg: float = nan
    height_m: float = nan

    @classmethod
    def from_observation(cls, observation: Observation) -> RunInfo:
        """Return what the header and the good time intervals of a run say; what is missing or broken is NaN."""
        header: Header = _readable(lambda: observation.meta.header, {})
        tmid = _readable(lambda: observation.tmid, None)
        place = _readable(lambda: observation.observatory_earth_location, None)
        pointing = _readable(lambda: observation.pointing.get_icrs(tmid, place), None)
        ontime = _readable(lambda: float(observation.observation_time_duration.to_value("s")), nan)
        deadc = _number(header, "DEADC")
        return cls(
            obs_id=int(observation.obs_id),
            target=str(header.get("OBJECT", "")),
            ra_deg=nan if pointing is None else float(pointing.ra.deg),
            dec_deg=nan if pointing is None else float(pointing.dec.deg),
            zenith_deg=90 - _number(header, "ALT_PNT"),
            azimuth_deg=_number(header, "AZ_PNT"),
            mid_mjd=nan if tmid is None else float(tmid.tt.mjd),
            start_mjd=_readable(lambda: float(observation.tstart.tt.mjd), nan),
            livetime_s=ontime * deadc,
            ontime_s=ontime,
            header_livetime_s=_number(header, "LIVETIME"),
            header_ontime_s=_number(header, "ONTIME"),
            deadc=deadc,
            geolon_deg=_number(header, "GEOLON"),
            geolat_deg=_number(header, "GEOLAT"),
            height_m=_number(header, "ALTITUDE", "GEOALT"),
        )._on_local_sky()

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> RunInfo:
        """Return the record of what `to_dict` gave, whatever number types a file made of it."""
        kinds: dict[str, Callable[[Any], Any]] = {"obs_id": int, "target": str}
        return cls(**{f.name: kinds.get(f.name, float)(row[f.name]) for f in fields(cls)})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @cached_property
    def rotation_deg(self) -> float:
        """Position angle of the zenith seen from the pointing at mid run, north through east [deg]; NaN if unknown."""
        frame = self._local_frame()
        if frame is None:
            return nan
        zenith = SkyCoord(az=0, alt=90, unit="deg", frame=frame).icrs
        return float(self._pointing.position_angle(zenith).deg)

    @property
    def _pointing(self) -> SkyCoord:
        return SkyCoord(self.ra_deg, self.dec_deg, unit="deg", frame="icrs")

    def _local_frame(self) -> AltAz | None:
        """Return the local sky at mid run, None unless pointing, time and place are known."""
        known = (self.ra_deg, self.dec_deg, self.mid_mjd, self.geolon_deg, self.geolat_deg, self.height_m)
        if not all(map(isfinite, known)):
            return None
        place = EarthLocation.from_geodetic(self.geolon_deg * u.deg, self.geolat_deg * u.deg, self.height_m * u.m)
        return AltAz(obstime=Time(self.mid_mjd, format="mjd", scale="tt"), location=place)

    def _on_local_sky(self) -> RunInfo:
        """Return the record with zenith and azimuth angle at mid run where the header gave none."""
        frame = None if isfinite(self.zenith_deg) else self._local_frame()
        if frame is None:
            return self
        local = self._pointing.transform_to(frame)
        return replace(self, zenith_deg=90 - float(local.alt.deg), azimuth_deg=float(local.az.deg))

    def _rows(self) -> dict[str, object]:
        return {
            "run": self.obs_id,
            "target": self.target,
            "pointing": f"{self.ra_deg:.4f}, {self.dec_deg:.4f} deg",
            "zenith": f"{self.zenith_deg:.1f} deg",
            "livetime": f"{self.livetime_s:.1f} s",
        }


def _number(header: Header, *keys: str) -> float:
    return _readable(lambda: number(header, *keys), nan)


def _readable(get: Callable[[], T], otherwise: T) -> T:
    """Return what can be read; what cannot is an error only where it is needed."""
    try:
        return get()
    except FovnbError:
        return otherwise
