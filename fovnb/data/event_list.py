"""The events of a run: plain arrays for the engine, units, sky coordinates and times where they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

from fovnb.data.fits_table import BinTable, as_floats, require_columns
from fovnb.data.gti import FARTHEST_S, time_ref_from_header
from fovnb.data.header import Header
from fovnb.data.pointing import FixedPointingInfo
from fovnb.errors import FovnbWarning
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray, FloatArray

__all__ = ["EventList"]

_UNITS = MappingProxyType({"RA": "deg", "DEC": "deg", "ENERGY": "TeV", "TIME": "s"})


@dataclass(frozen=True, eq=False, repr=False)
class EventList:
    """The events of a run, any number of them, also none.

    Parameters
    ----------
    columns : mapping
        Arrays by name, one value an event; at least RA, DEC, ENERGY and TIME.
    units : mapping
        Units by name, as in the file.
    meta : mapping
        The header.

    Examples
    --------
    >>> columns = {"RA": [83.6, 83.7], "DEC": [22.0, 22.1], "ENERGY": [900.0, 2500.0], "TIME": [10.0, 11.0]}
    >>> units = {"RA": "deg", "DEC": "deg", "ENERGY": "GeV", "TIME": "s"}
    >>> events = EventList({name: np.array(values) for name, values in columns.items()}, units, {})
    >>> events.select_energy([1, 10] * u.TeV).energy
    <Quantity [2.5] TeV>
    """

    columns: Mapping[str, AnyArray]
    units: Mapping[str, str]
    meta: Header

    @classmethod
    def from_table_hdu(cls, hdu: BinTable) -> EventList:
        """Read from an EVENTS table; events without a finite position, energy or time are left out, with a warning.

        Raises
        ------
        DataError
            If RA, DEC, ENERGY or TIME is missing, holds no numbers or has an impossible unit.
        """
        require_columns(hdu, *_UNITS)
        columns = {column.name: hdu.native(column.name) for column in hdu.columns}
        return cls(columns, {column.name: column.unit for column in hdu.columns}, hdu.header)._sound()

    @cached_property
    def lon_deg(self) -> FloatArray:
        """Right ascension, ICRS, in deg."""
        return self._floats("RA")

    @cached_property
    def lat_deg(self) -> FloatArray:
        """Declination, ICRS, in deg."""
        return self._floats("DEC")

    @cached_property
    def energy_tev(self) -> FloatArray:
        """Reconstructed energy in TeV."""
        return self._floats("ENERGY")

    @property
    def energy(self) -> u.Quantity:
        """Reconstructed energy in TeV."""
        return u.Quantity(self.energy_tev, "TeV")

    @property
    def radec(self) -> SkyCoord:
        """Positions, ICRS, in the file's precision, mostly 32 bits: a change of frame is then good to 0.03 arcsec."""
        units = (self.units.get("RA") or "deg", self.units.get("DEC") or "deg")
        return SkyCoord(self.columns["RA"], self.columns["DEC"], unit=units, frame="icrs")

    @property
    def galactic(self) -> SkyCoord:
        """Positions, galactic."""
        return self.radec.galactic

    @property
    def time_ref(self) -> Time:
        """The reference time of the file."""
        return time_ref_from_header(self.meta)

    @property
    def time(self) -> Time:
        """Arrival times."""
        return self.time_ref + self._floats("TIME") * u.s

    @property
    def pointing_radec(self) -> SkyCoord:
        """The pointing that the header names, ICRS."""
        return FixedPointingInfo.from_fits_header(self.meta).get_icrs()

    @property
    def offset(self) -> u.Quantity:
        """Angular distances from the pointing."""
        return self.radec.separation(self.pointing_radec)

    @cached_property
    def table(self) -> Table:
        """All columns with their units, TIME as times, the header as ``meta``."""
        table = Table(dict(self.columns), meta=dict(self.meta))
        for name, unit in self.units.items():
            if unit and name != "TIME":
                table[name].unit = u.Unit(unit, parse_strict="silent")
        table["TIME"] = self.time
        return table

    def select_row_subset(self, row_specifier: Any) -> EventList:
        """Return the events that a boolean mask, a slice or an array of numbers picks."""
        return replace(self, columns={name: column[row_specifier] for name, column in self.columns.items()})

    def select_energy(self, energy_range: u.Quantity) -> EventList:
        """Return the events with an energy in [low, high)."""
        low, high = u.Quantity(energy_range).to_value("TeV")
        return self.select_row_subset((self.energy_tev >= low) & (self.energy_tev < high))

    def select_time(self, time_interval: Time) -> EventList:
        """Return the events with a time in [start, stop)."""
        time = self.time
        return self.select_row_subset((time >= time_interval[0]) & (time < time_interval[1]))

    def __len__(self) -> int:
        return len(self.columns["RA"])

    def __repr__(self) -> str:
        return text_summary("EventList", self._summary())

    def _repr_html_(self) -> str:
        return html_summary("EventList", self._summary())

    def _summary(self) -> dict[str, object]:
        rows: dict[str, object] = {
            "OBS_ID": self.meta.get("OBS_ID", "-"),
            "telescope": self.meta.get("TELESCOP", "-"),
            "events": len(self),
        }
        if len(self):
            low, middle, high = np.quantile(self.energy_tev, [0, 0.5, 1])
            rows["energy"] = f"{low:.3g} to {high:.3g} TeV, median {middle:.3g} TeV"
        return rows

    def _sound(self) -> EventList:
        """Return the events that have a position, an energy and a time; warn if others are left out."""
        sound = np.isfinite(self.lon_deg) & (np.abs(self.lat_deg) <= 90)
        sound &= np.isfinite(self.energy_tev) & (np.abs(self._floats("TIME")) < FARTHEST_S)
        if sound.all():
            return self
        msg = (
            f"OBS_ID {self.meta.get('OBS_ID', '-')}: {np.count_nonzero(~sound)} of {len(self)} events are left out, "
            f"since their {', '.join(_UNITS)} are not finite, or no position or time; repair the file"
        )
        warnings.warn(msg, FovnbWarning, stacklevel=2)
        return self.select_row_subset(sound)

    def _floats(self, name: str) -> FloatArray:
        """Return a column as floats in the unit it should have; a column without one is taken to be in it."""
        return as_floats(
            np.asarray(self.columns[name]), self.units.get(name) or "", _UNITS[name], f"{name} of the events"
        )
