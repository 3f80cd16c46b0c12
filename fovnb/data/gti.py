"""Good time intervals.

Seconds since a reference time are stored as floats, and astropy's Time appears only where it is asked for: one Time
operation costs as much as everything else done here.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

from fovnb.data.fits_table import as_floats, require_columns
from fovnb.data.header import Header, number
from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray, FloatArray

__all__ = ["FARTHEST_S", "GTI", "time_ref_from_header"]

FARTHEST_S = 1e10
"""Seconds, 317 years: what lies farther from the reference time is no time of an observation."""


class GTI:
    """Good time intervals of one or more runs.

    Make them with `create` or `from_table_hdu`. Seconds are good to 3e-8 s, the spacing of float64 there.

    Parameters
    ----------
    start_s, stop_s : array, shape (n,)
        Seconds since the reference time.
    time_ref : `~astropy.time.Time`
        The reference time.

    Examples
    --------
    >>> gti = GTI.create([0, 20] * u.s, [10, 25] * u.s, reference_time="2010-01-01")
    >>> gti.time_sum
    <Quantity 15. s>
    >>> gti.time_start[1].isot
    '2010-01-01T00:00:20.000'
    """

    def __init__(self, start_s: AnyArray, stop_s: AnyArray, time_ref: Time) -> None:
        self.start_s: FloatArray = np.array(start_s, dtype=np.float64, ndmin=1)
        self.stop_s: FloatArray = np.array(stop_s, dtype=np.float64, ndmin=1)
        self.time_ref = time_ref
        if self.start_s.ndim != 1 or self.start_s.shape != self.stop_s.shape:
            msg = f"{self.start_s.shape} start times and {self.stop_s.shape} stop times; give two lists of one length"
            raise InvalidInputError(msg)

    @classmethod
    def create(cls, start: Any, stop: Any, reference_time: Time | str | None = None) -> GTI:
        """Return the intervals between times, or between durations since the reference time (2000-01-01 TT if None).

        Raises
        ------
        InvalidInputError
            If a value is neither a time nor a duration, or the two lists differ in length.
        """
        try:
            time_ref = Time("2000-01-01", scale="tt") if reference_time is None else Time(reference_time)
            start_s, stop_s = _seconds(start, time_ref), _seconds(stop, time_ref)
        except (u.UnitsError, TypeError, ValueError) as error:
            msg = f"start {start!r} or stop {stop!r} is no time ({error}); give a Time, or a Quantity such as 10 * u.s"
            raise InvalidInputError(msg) from error
        return cls(start_s, stop_s, time_ref)

    @classmethod
    def from_table_hdu(cls, table_hdu: Any) -> GTI:
        """Read from a table HDU, astropy's or ours; intervals that overlap are joined, with a warning.

        Raises
        ------
        DataError
            If START, STOP or the reference time is missing or no number, or an interval ends before it starts.
        """
        require_columns(table_hdu, "START", "STOP")
        start, stop = (_column_seconds(table_hdu, name) for name in ("START", "STOP"))
        return _disjoint(cls(start, stop, time_ref_from_header(table_hdu.header)))

    def to_table_hdu(self) -> fits.BinTableHDU:
        """Return a FITS table: START and STOP in s since the reference time in the header."""
        columns = [fits.Column(n, "D", unit="s", array=a) for n, a in (("START", self.start_s), ("STOP", self.stop_s))]
        hdu = fits.BinTableHDU.from_columns(columns, name="GTI")
        hdu.header.update(_time_ref_header(self.time_ref))
        return hdu

    def copy(self) -> GTI:
        """Return an independent copy."""
        return GTI(self.start_s, self.stop_s, self.time_ref.copy())

    def stack(self, other: GTI) -> None:
        """Append the intervals of another list, in place; the reference time stays."""
        shift = _seconds(other.time_ref, self.time_ref)
        self.start_s = np.concatenate([self.start_s, other.start_s + shift])
        self.stop_s = np.concatenate([self.stop_s, other.stop_s + shift])

    def union(self, overlap_ok: bool = True, merge_equal: bool = True) -> GTI:
        """Return the intervals in time order, with overlapping ones joined.

        Parameters
        ----------
        overlap_ok : bool
            If False, overlapping intervals are an error.
        merge_equal : bool
            Whether intervals that only touch are joined too.

        Raises
        ------
        InvalidInputError
            If intervals overlap and ``overlap_ok`` is False.

        Examples
        --------
        >>> GTI.create([0, 5, 20] * u.s, [10, 12, 25] * u.s).union().time_delta
        <Quantity [12.,  5.] s>
        """
        order = np.argsort(self.start_s, kind="stable")
        start, reach = self.start_s[order], np.maximum.accumulate(self.stop_s[order])
        apart = start[1:] > reach[:-1] if merge_equal else start[1:] >= reach[:-1]
        if not (overlap_ok or apart.all()):
            msg = (
                f"{np.count_nonzero(~apart)} of {len(start)} time intervals overlap; pass overlap_ok=True to join them"
            )
            raise InvalidInputError(msg)
        edges = np.ones(1 if len(start) else 0, dtype=bool)
        first, last = np.concatenate([edges, apart]), np.concatenate([apart, edges])
        return GTI(start[first], reach[last], self.time_ref)

    @property
    def time_start(self) -> Time:
        """Start times."""
        return self.time_ref + self.start_s * u.s

    @property
    def time_stop(self) -> Time:
        """Stop times."""
        return self.time_ref + self.stop_s * u.s

    @property
    def time_delta(self) -> u.Quantity:
        """Lengths, in s."""
        return (self.stop_s - self.start_s) * u.s

    @property
    def time_sum(self) -> u.Quantity:
        """Sum of the lengths, in s."""
        return self.time_delta.sum()

    @property
    def table(self) -> Table:
        """The intervals as a table of times, START and STOP."""
        return Table({"START": self.time_start, "STOP": self.time_stop})

    def __len__(self) -> int:
        return len(self.start_s)

    def __repr__(self) -> str:
        return text_summary("GTI", self._summary())

    def _repr_html_(self) -> str:
        return html_summary("GTI", self._summary())

    def _summary(self) -> dict[str, object]:
        rows: dict[str, object] = {"intervals": len(self), "duration": f"{self.time_sum:.1f}"}
        if len(self):
            scale = self.time_ref.scale.upper()
            rows["start"] = f"{self.time_start.min().isot} {scale}"
            rows["stop"] = f"{self.time_stop.max().isot} {scale}"
        return rows


def time_ref_from_header(header: Header) -> Time:
    """Return the reference time of a FITS header, MJDREFI + MJDREFF in the scale TIMESYS (TT if not given).

    Raises
    ------
    DataError
        If a keyword is missing or wrong.

    Examples
    --------
    >>> time_ref_from_header({"MJDREFI": 51544, "MJDREFF": 0.5}).isot
    '2000-01-01T12:00:00.000'
    """
    scale = str(header.get("TIMESYS", "tt")).lower()
    if scale not in Time.SCALES:
        msg = (
            f"TIMESYS = {header['TIMESYS']!r} in the header; expected one of {', '.join(Time.SCALES)}, repair the file"
        )
        raise DataError(msg)
    day, fraction = number(header, "MJDREFI"), number(header, "MJDREFF")
    if not 0 <= day + fraction <= 100_000:
        msg = f"MJDREFI + MJDREFF = {day + fraction:g} in the header; expected 0 to 100000 days, repair the file"
        raise DataError(msg)
    return Time(day, fraction, format="mjd", scale=scale)


def _column_seconds(table_hdu: Any, name: str) -> AnyArray:
    """Return a column in s; its own unit counts, else TIMEUNIT, else it is in s."""
    own = next(column.unit for column in table_hdu.columns if column.name == name)
    unit = str(own or table_hdu.header.get("TIMEUNIT", "s"))
    return as_floats(np.asarray(table_hdu.data[name]), unit, "s", f"{name} of the GTI")


def _disjoint(gti: GTI) -> GTI:
    """Return the intervals of a file, joined if they overlap by more than 1 ms; refuse those that are none."""
    good = (gti.start_s > -FARTHEST_S) & (gti.stop_s >= gti.start_s) & (gti.stop_s < FARTHEST_S)
    if not good.all():
        msg = (
            f"{np.count_nonzero(~good)} of the {len(gti)} good time intervals are no times or end before they start; "
            "repair the file or leave the run out"
        )
        raise DataError(msg)
    joined = gti.union()
    twice = (gti.time_sum - joined.time_sum).to_value("s")
    if twice <= 1e-3:
        return gti
    msg = f"the good time intervals overlap by {twice:.1f} s and are joined; repair the file if they should not"
    warnings.warn(msg, FovnbWarning, stacklevel=2)
    return joined


def _time_ref_header(time_ref: Time) -> dict[str, object]:
    """Return the keywords of a reference time; the day's fraction from the time's two parts, exact to 1e-16 d."""
    mjd = Time(time_ref, format="mjd", scale=time_ref.scale)
    day = int(np.floor(mjd.mjd))
    fraction = (mjd.jd1 - 2400000.5 - day) + mjd.jd2
    return {"MJDREFI": day, "MJDREFF": float(fraction), "TIMESYS": time_ref.scale, "TIMEUNIT": "s"}


def _seconds(value: Any, time_ref: Time) -> AnyArray:
    """Return times, or durations, as seconds since the reference time."""
    duration = value - time_ref if isinstance(value, Time) else u.Quantity(value)
    return np.asarray(duration.to_value("s"), dtype=np.float64)
