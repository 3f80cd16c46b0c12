"""One run: events, good times, instrument responses and pointing, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from astropy import units as u
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time

from fovnb.data.event_list import EventList
from fovnb.data.fits_table import BinTable
from fovnb.data.gti import GTI
from fovnb.data.hdu_index import HDU_TYPES, IRFS, HduLocation
from fovnb.data.header import Header, number
from fovnb.data.meta import ObservationMetaData
from fovnb.data.pointing import FixedPointingInfo
from fovnb.data.recent_files import RecentFiles
from fovnb.data.run_info import RunInfo
from fovnb.errors import DataError, FovnbError
from fovnb.irf import IRF, FoVAlignment, read_irf
from fovnb.text import html_summary, text_summary

__all__ = ["Observation"]

T = TypeVar("T")


class Observation:
    """One run, as `~fovnb.data.DataStore.obs` gives it.

    Nothing is read before it is asked for. Header, good times, pointing and `info` stay; events and responses (1 MB of
    a H.E.S.S. run) are remembered with the last few files only, and read again after that.

    Parameters
    ----------
    obs_id : int
        Number of the run.
    hdus : mapping
        Where each part lies, by "events", "gti", "aeff", "edisp", "psf", "bkg".
    files : RecentFiles
        Reads and remembers files; runs of one data set share it.
    """

    def __init__(self, obs_id: int, hdus: Mapping[str, HduLocation], files: RecentFiles) -> None:
        self.obs_id = obs_id
        self._hdus = hdus
        self._files = files

    @property
    def available_hdus(self) -> list[str]:
        """What the index lists of this run."""
        return [name for name in HDU_TYPES if name in self._hdus]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of this run, each once."""
        return tuple(hdu.path for hdu in self._one_a_file)

    @cached_property
    def _one_a_file(self) -> tuple[HduLocation, ...]:
        """A part in each file."""
        first: dict[tuple[str, str], HduLocation] = {}
        for hdu in self._hdus.values():
            first.setdefault((hdu.file_dir, hdu.file_name), hdu)
        return tuple(first.values())

    @cached_property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """What the index says of each part: HDU_TYPE, file from the data set's folder on, and HDU_NAME."""
        hdus = self._hdus.values()
        return tuple((hdu.hdu_type, f"{hdu.file_dir}/{hdu.file_name}", hdu.hdu_name) for hdu in hdus)

    def alone(self) -> Observation:
        """Return the run with a memory of its own, which keeps all its files however many runs there are."""
        return Observation(self.obs_id, self._hdus, RecentFiles(keep=max(len(self.paths), 1)))

    @property
    def available_irfs(self) -> list[str]:
        """Which instrument responses the index lists of this run."""
        return [name for name in IRFS if name in self._hdus]

    @property
    def events(self) -> EventList:
        """The events, possibly none."""
        return self._part("events", EventList.from_table_hdu)

    @cached_property
    def gti(self) -> GTI:
        """The good time intervals."""
        return self._part("gti", GTI.from_table_hdu)

    @property
    def aeff(self) -> IRF | None:
        """Effective area, None if the index lists none."""
        return self._irf("aeff")

    @property
    def edisp(self) -> IRF | None:
        """Energy dispersion, None if the index lists none."""
        return self._irf("edisp")

    @property
    def psf(self) -> IRF | None:
        """Point spread function, None if the index lists none."""
        return self._irf("psf")

    @property
    def bkg(self) -> IRF | None:
        """Background, None if the index lists none.

        Files that H.E.S.S. wrote in GADF 0.2 hold it with the longitude reversed, although their header says RADEC.
        """
        if "bkg" not in self._hdus:
            return None
        header = self.meta.header
        reverse = (header.get("CREATOR"), header.get("HDUVERS")) == ("SASH FITS::EventListWriter", "0.2")
        return self._part("bkg", _read_reversed if reverse else read_irf)

    @cached_property
    def meta(self) -> ObservationMetaData:
        """What the EVENTS header says of the run."""
        return ObservationMetaData(self._part("events", _header))

    @cached_property
    def pointing(self) -> FixedPointingInfo:
        """The fixed pointing."""
        return self._of_header(lambda meta: FixedPointingInfo.from_fits_header(meta.header))

    def get_pointing_icrs(self, time: Time) -> SkyCoord:
        """Return the pointing in ICRS at a time."""
        return self.pointing.get_icrs(time, self.observatory_earth_location)

    def get_pointing_altaz(self, time: Time) -> SkyCoord:
        """Return the pointing in altitude and azimuth at a time."""
        return self.pointing.get_altaz(time, self.observatory_earth_location)

    @property
    def observatory_earth_location(self) -> EarthLocation | None:
        """The observatory on Earth, None if the header gives no place."""
        return self._of_header(lambda meta: meta.location)

    @property
    def target_name(self) -> str | None:
        """Name of the target."""
        return self.meta.target.name

    @property
    def target_radec(self) -> SkyCoord | None:
        """ICRS position of the target."""
        return self.meta.target.position

    @property
    def muoneff(self) -> float | None:
        """Muon efficiency, None if the header gives none."""
        return self._of_header(lambda meta: number(meta.header, "MUONEFF") if "MUONEFF" in meta.header else None)

    @cached_property
    def info(self) -> RunInfo:
        """The plain numbers of the run, NaN where the files do not say; worked out once."""
        return RunInfo.from_observation(self)

    @property
    def tstart(self) -> Time:
        """Start of the first good time interval."""
        return self._first_interval().time_start[0]

    @property
    def tstop(self) -> Time:
        """End of the first good time interval."""
        return self._first_interval().time_stop[0]

    @property
    def tmid(self) -> Time:
        """Middle of the first good time interval."""
        first = self._first_interval()
        return first.time_ref + 0.5 * (first.start_s[0] + first.stop_s[0]) * u.s

    @property
    def observation_time_duration(self) -> u.Quantity:
        """Sum of the good time intervals, with dead time."""
        return self.gti.time_sum

    @property
    def observation_dead_time_fraction(self) -> float:
        """Dead time over observation time, 1 - DEADC."""
        return self._of_header(lambda meta: meta.deadtime_fraction)

    @property
    def observation_live_time_duration(self) -> u.Quantity:
        """Sum of the good time intervals times DEADC.

        Raises
        ------
        DataError
            If it is not above zero.
        """
        live = self.observation_time_duration * (1 - self.observation_dead_time_fraction)
        if not (np.isfinite(live.value) and live.value > 0):
            msg = f"OBS_ID {self.obs_id} has a live time of {live}; expected more than 0 s, leave the run out"
            raise DataError(msg)
        return live

    def __repr__(self) -> str:
        return f"Observation({self.obs_id}, {' '.join(self.available_hdus)})"

    def __str__(self) -> str:
        return text_summary(f"Observation {self.obs_id}", self._summary())

    def _repr_html_(self) -> str:
        return html_summary(f"Observation {self.obs_id}", self._summary())

    def _summary(self) -> dict[str, object]:
        return {
            "target": self.target_name,
            "pointing": self.pointing,
            "start": f"{self.tstart.isot} {self.tstart.scale.upper()}",
            "duration": f"{self.observation_time_duration:.1f}",
            "dead time": f"{self.observation_dead_time_fraction:.1%}",
            "parts": ", ".join(self.available_hdus),
        }

    def _first_interval(self) -> GTI:
        if not len(self.gti):
            msg = f"OBS_ID {self.obs_id} has no good time interval; expected at least one, leave the run out"
            raise DataError(msg)
        return self.gti

    def _of_header(self, make: Callable[[ObservationMetaData], T]) -> T:
        """Return what the header says, or name the run in the message."""
        meta = self.meta
        try:
            return make(meta)
        except FovnbError as error:
            msg = f"OBS_ID {self.obs_id}: {error}"
            raise type(error)(msg) from error

    def _irf(self, name: str) -> IRF | None:
        return self._part(name, read_irf) if name in self._hdus else None

    def _part(self, name: str, make: Callable[[BinTable], T]) -> T:
        if name not in self._hdus:
            msg = f"the index lists no {name} of OBS_ID {self.obs_id}, only {self.available_hdus}; leave the run out"
            raise DataError(msg)
        return self._files.part(self._hdus[name], make)


def _header(hdu: BinTable) -> Header:
    return hdu.header


def _read_reversed(hdu: BinTable) -> IRF:
    """Read a background whose longitude runs towards larger right ascension, whatever its header says."""
    return replace(read_irf(hdu), fov_alignment=FoVAlignment.REVERSE_LON_RADEC)
