"""Exclusion regions from a catalogue: circles around the positions of a table."""

import os
import re
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.files import make_path, read_whole
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.makers.exclusion_shapes import SkyShape
from fovnb.maps.checks import quantity
from fovnb.text import did_you_mean
from fovnb.types import BoolArray, FloatArray

__all__ = ["catalog_entries", "star_entries"]

# Names of columns in capitals, the usual ones first; longitude, latitude, frame.
_POSITIONS = (
    ("RA", "DEC", "icrs"),
    ("RA_ICRS", "DE_ICRS", "icrs"),
    ("RAICRS", "DEICRS", "icrs"),
    ("RAJ2000", "DEJ2000", "fk5"),
    ("RAJ2000", "DECJ2000", "fk5"),
    ("RA_J2000", "DEC_J2000", "fk5"),
    ("_RAJ2000", "_DEJ2000", "fk5"),
    ("_RA", "_DE", "icrs"),
    ("GLON", "GLAT", "galactic"),
    ("_GLON", "_GLAT", "galactic"),
    ("L", "B", "galactic"),
)
# What makes a reader of VOTables open another address: a stream's attribute, which an entity could spell in pieces.
_ELSEWHERE = re.compile(rb"""<!ENTITY|STREAM(?:[^<>"']|"[^"]*"|'[^']*')*?href\s*=""")
_NAMES = ("COMMON_NAME", "SOURCE_NAME", "NAME", "SOURCE", "MAIN_ID", "STAR", "HD", "HIP", "HR", "ID", "OBJECT")
_NO_VALUE = frozenset({"", "-", "--", "n/a", "na", "nan", "none", "null"})
_MAGNITUDES = ("VMAG", "V", "MAG_V", "VTMAG", "HPMAG", "PHOT_G_MEAN_MAG", "GMAG", "BTMAG", "BMAG", "MAG", "MAGNITUDE")


def catalog_entries(
    table: Table | str | os.PathLike[str],
    radius: Any = "0.3 deg",
    extension: str | None = None,
    factor: float = 2.0,
    names: str | None = None,
    origin: str | None = None,
    center: SkyCoord | None = None,
    max_separation: Any = None,
) -> list[ExclusionEntry]:
    """Return a circle around each position of a table, of radius max(radius, factor x extension).

    Parameters
    ----------
    table : Table, or path of one
        Positions in columns of the usual names, such as ra and dec or GLON and GLAT, or of sky coordinates; in degrees,
        unless the column has a unit. Text with separators is sexagesimal, right ascensions in hours ("05:34:31.9").
    radius : number, Quantity, str or callable
        Least radius, plain numbers in degrees; a callable gets each row.
    extension : str, optional
        Column with the size of extended sources [deg unless it has a unit], such as the width of a Gaussian; a row
        without a number is a point.
    factor : float
        Extensions in a radius. A circle of 2 widths holds 86 % of a Gaussian.
    names : str, optional
        Column with the names; a usual one by default.
    origin : str, optional
        Origin of the regions; by default what the table says it is, "file <name>" or "catalogue".
    center, max_separation : SkyCoord and angle, optional
        Take only circles that reach into this one; all by default.

    Raises
    ------
    InvalidInputError
        If the table has no positions or impossible ones, no such column, the radius is no positive angle, the extension
        or another number is negative or NaN.
    DataError
        If the file is missing or no table.

    Warns
    -----
    FovnbWarning
        If rows have no position; they are left out.
    """
    rows, fallback = _read(table)
    positions = _positions(rows)
    radii = _radii(rows, radius, extension, factor)
    known = np.isfinite(positions.spherical.lon.deg) & np.isfinite(positions.spherical.lat.deg)
    if len(rows) and not known.any():
        msg = f"none of the {len(rows)} rows has a position, which excludes nothing; give positions in degrees"
        raise InvalidInputError(msg)
    if not known.all():
        msg = f"{np.count_nonzero(~known)} of {len(rows)} rows have no position and are left out"
        warnings.warn(msg, FovnbWarning, stacklevel=4)
    wanted = known & _near(positions, radii, center, max_separation)
    labels = _labels(rows, names)
    lon, lat = positions.spherical.lon.deg, positions.spherical.lat.deg
    return [
        ExclusionEntry(
            SkyShape("Circle", positions.frame.name, (float(lon[i]),), (float(lat[i]),), (radii[i],)).to_region(),
            labels[i],
            origin or fallback,
        )
        for i in np.flatnonzero(wanted)
    ]


def star_entries(
    table: Table | str | os.PathLike[str],
    mag_max: float = 5.0,
    radius: Any = "0.2 deg",
    magnitude: str | None = None,
    names: str | None = None,
    center: SkyCoord | None = None,
    max_separation: Any = None,
) -> list[ExclusionEntry]:
    """Return a circle around each star of a table of at most this magnitude, origin "stars".

    Parameters
    ----------
    table, radius, names, center, max_separation
        As in `catalog_entries`.
    mag_max : float
        Faintest magnitude.
    magnitude : str, optional
        Column with the magnitudes; a usual one, such as Vmag, by default. A star without a magnitude is left out.
    """
    rows, _ = _read(table)
    column = _column(rows, magnitude, _MAGNITUDES, "magnitudes")
    bright = _floats(rows, column, "") <= _number(mag_max, "", "mag_max")
    return catalog_entries(
        rows[bright], radius, names=names, origin="stars", center=center, max_separation=max_separation
    )


def _read(table: Any) -> tuple[Table, str]:
    """Return the table and what it is called."""
    if isinstance(table, Table):
        said = table.meta.get("catalog", table.meta.get("EXTNAME", ""))
        return table, str(said).strip() or "catalogue"
    path = make_path(table)
    try:
        return _parsed(read_whole(path), path), f"file {path.name}"
    except DataError:
        raise
    except Exception as error:  # whatever the readers of all formats meet
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        msg = f"{path} cannot be read as a table: {reason}; give a FITS, ECSV, VOTable or CSV file, or a Table"
        raise DataError(msg) from error


def _parsed(content: bytes, path: Path) -> Table:
    """Return the table in the bytes of a file; nothing else is opened, whatever the file refers to."""
    form = _form(content, path)
    if form == "votable" and _ELSEWHERE.search(content.replace(b"\0", b"")):  # also in UTF-16
        msg = f"{path} refers to data elsewhere (href or ENTITY), which are not fetched; give one that holds its data"
        raise DataError(msg)
    rows = Table.read(BytesIO(content), format=form)
    assert isinstance(rows, Table)
    return rows


def _form(content: bytes, path: Path) -> str:
    """Return astropy's name of a format, by the first bytes, for plain text by the file's name."""
    start = content[:1000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").lower()
    if start.startswith(b"simple  ="):
        return "fits"
    if start.startswith((b"<?xml", b"<!", b"<votable")):
        return "votable"
    if start.startswith(b"# %ecsv"):
        return "ascii.ecsv"
    if path.suffix.lower() == ".csv" or path.name.lower().endswith(".csv.gz"):
        return "ascii.csv"
    msg = f"{path} cannot be read as a table: its format is unknown; give a FITS, ECSV, VOTable or CSV file, or a Table"
    raise DataError(msg)


def _positions(rows: Table) -> SkyCoord:
    """Return the positions, NaN where a row has none."""
    ready = next((name for name in rows.colnames if isinstance(rows[name], SkyCoord)), None)
    if ready is not None:
        return _one_per_row(rows, ready)
    columns = {name.upper(): name for name in rows.colnames}
    for lon, lat, frame in _POSITIONS:
        if lon in columns and lat in columns:
            sexagesimal = "deg" if frame == "galactic" else "hourangle"
            angles = _angles(rows, columns[lon], sexagesimal), _angles(rows, columns[lat], "deg")
            _check_position(*angles)
            return SkyCoord(*angles, unit="deg", frame=frame)
    found = ", ".join(rows.colnames) or "no columns"
    msg = f"the table has no positions ({found}); name the columns ra and dec, or GLON and GLAT"
    raise InvalidInputError(msg)


def _check_position(lon: FloatArray, lat: FloatArray) -> None:
    """Refuse what is nowhere on the sky; NaN is no position and passes."""
    bad = np.isinf(lon) | (abs(lat) > 90)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        msg = (
            f"the position of row {row} is ({lon[row]:g}, {lat[row]:g}) deg; "
            "give finite angles, the latitude between -90 and 90 deg"
        )
        raise InvalidInputError(msg)


def _one_per_row(rows: Table, name: str) -> Any:
    """Return a column that holds one value a row."""
    column = rows[name]
    if column.ndim != 1:
        msg = f"the column {name!r} holds values of shape {column.shape[1:]} in row 0; give one value a row"
        raise InvalidInputError(msg)
    return column


def _angles(rows: Table, name: str, sexagesimal: str) -> FloatArray:
    """Return a column in degrees; text with separators is in the sexagesimal unit, other text like numbers."""
    column = _one_per_row(rows, name)
    if column.dtype.kind not in "SUO":
        return _floats(rows, name, "deg")
    return np.array(
        [_from_text(value, column.unit or "deg", sexagesimal, f"{name!r} of row {i}") for i, value in enumerate(column)]
    )


def _from_text(value: Any, plain: Any, sexagesimal: str, what: str) -> float:
    """Return an angle in degrees, NaN if there is none."""
    from astropy.coordinates import Angle

    text = (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()
    if text.lower() in _NO_VALUE:
        return np.nan
    try:
        angle = u.Quantity(float(text), plain) if _is_number(text) else Angle(text, sexagesimal)
        return float(angle.to_value("deg"))
    except (ValueError, TypeError) as error:
        msg = f"{what} is {text!r}, a position that cannot be read ({error}); give degrees, or text as 05:34:31.9"
        raise InvalidInputError(msg) from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _floats(rows: Table, name: str, unit: str) -> FloatArray:
    """Return a column as floats in a unit, its own if it has none, NaN where it is masked."""
    column = _one_per_row(rows, name)
    try:
        values = np.ma.filled(np.ma.asarray(getattr(column, "value", column)).astype(float), np.nan)
        given = u.Unit(column.unit) if column.unit and unit else u.Unit(unit)
        return np.array((values * given).to_value(unit))
    except (TypeError, ValueError, u.UnitsError) as error:
        msg = f"the column {name!r} cannot be read as numbers in {unit or 'no unit'} ({error}); give such numbers"
        raise InvalidInputError(msg) from error


def _column(rows: Table, given: str | None, usual: Sequence[str], what: str) -> str:
    """Return the column that was given, or the first with a usual name."""
    columns = {name.upper(): name for name in rows.colnames}
    found = given if given in rows.colnames else None
    if given is None:
        found = next((columns[name] for name in usual if name in columns), None)
    if found is None:
        missed = f"column {given!r}{did_you_mean(given, rows.colnames)}" if given else f"usual column of {what}"
        msg = f"the table has no {missed}; name one of its columns: {', '.join(rows.colnames)}"
        raise InvalidInputError(msg)
    return found


def _labels(rows: Table, given: str | None) -> list[str]:
    """Return the names, "source" where a row has none."""
    columns = {name.upper() for name in rows.colnames}
    if given is None and not columns & set(_NAMES):
        return ["source"] * len(rows)
    column = _column(rows, given, _NAMES, "names")
    texts = (value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in rows[column])
    return [text.strip() if text.strip() not in ("", "--") else "source" for text in texts]


def _radii(rows: Table, radius: Any, extension: str | None, factor: float) -> list[float]:
    """Return the radius of each circle, deg."""
    if callable(radius):
        radii = np.array([_ruled(radius, row, i) for i, row in enumerate(rows)])
    else:
        radii = np.full(len(rows), _number(radius, "deg", "the radius", 0))
    if extension is not None:
        sizes = _floats(rows, _column(rows, extension, (), "extensions"), "deg")
        _check_rows("extension", sizes, (sizes < 0) | np.isinf(sizes), "at least 0 deg, or none")
        radii = np.fmax(radii, _number(factor, "", "factor", 0) * sizes)
    _check_rows("radius", radii, ~((radii > 0) & (radii < 180)), "between 0 and 180 deg")
    return [float(value) for value in radii]


def _ruled(rule: Callable[[Any], Any], row: Any, i: int) -> float:
    """Return the radius that a function gives for a row, deg."""
    try:
        value = rule(row)
    except Exception as error:  # a user's function raises whatever it meets
        reason = f"{type(error).__name__}: {error}"
        msg = f"the function for the radius fails for row {i} ({reason}); give one that returns an angle for each row"
        raise InvalidInputError(msg) from error
    return _number(value, "deg", f"the radius of row {i}", 0)


def _check_rows(what: str, values: FloatArray, bad: BoolArray, expected: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        msg = f"the {what} of row {row} is {values[row]:g} deg; give one {expected}"
        raise InvalidInputError(msg)


def _number(value: Any, unit: str, what: str, low: float = -np.inf) -> float:
    """Return one finite number, at least ``low``."""
    number = quantity(value, unit, what)
    if number.ndim or not (np.isfinite(number.value) and number.value >= low):
        least = f" of at least {low:g}" if np.isfinite(low) else ""
        msg = f"{what} is {value!r}; give one finite number{least}{' in deg or an angle' if unit else ''}"
        raise InvalidInputError(msg)
    return float(number.value)


def _near(positions: SkyCoord, radii: list[float], center: SkyCoord | None, max_separation: Any) -> Any:
    """Return which circles reach into the circle around a position."""
    if (center is None) != (max_separation is None):
        msg = "center and max_separation belong together; give both or none"
        raise InvalidInputError(msg)
    if center is None:
        return True
    if not (isinstance(center, SkyCoord) and center.isscalar and np.isfinite(center.cartesian.xyz.value).all()):
        msg = f"center is {center!r}; give one SkyCoord"
        raise InvalidInputError(msg)
    limit = _number(max_separation, "deg", "max_separation", 0)
    return center.separation(positions).deg - radii <= limit
