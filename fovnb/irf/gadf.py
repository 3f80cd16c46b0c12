"""GADF: how the responses lie in FITS tables.

One row a table; an axis is a pair of columns (lower and upper edges, or twice the nodes), the values are one more.
See https://gamma-astro-data-formats.readthedocs.io/en/v0.3/irfs/full_enclosure/index.html
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from astropy import units as u
from astropy.io import fits

from fovnb.errors import DataError, FovnbError
from fovnb.maps import MapAxes, MapAxis
from fovnb.text import did_you_mean
from fovnb.types import AnyArray, FloatArray

__all__ = ["TableHDU", "TableSpec", "find_hdu", "pick", "read_axis", "read_columns", "to_table_hdu"]

# Axis name: column prefixes, the scale on which the axis is interpolated, and a unit that it may have.
AXES = MappingProxyType(
    {
        "energy": (("ENERG",), "log", u.TeV),
        "energy_true": (("ENERG", "ETRUE"), "log", u.TeV),
        "offset": (("THETA",), "lin", u.deg),
        "rad": (("RAD",), "lin", u.deg),
        "migra": (("MIGRA",), "lin", u.dimensionless_unscaled),
        "fov_lon": (("DETX",), "lin", u.deg),
        "fov_lat": (("DETY",), "lin", u.deg),
    }
)
# Keywords that describe the table itself.
STRUCTURE = re.compile(
    r"(|XTENSION|BITPIX|NAXIS|[PG]COUNT|TFIELDS|THEAP|T(TYPE|FORM|UNIT|DIM|NULL|SCAL|ZERO|DISP)"
    r"|CHECKSUM|DATASUM|COMMENT|HISTORY)[0-9]*"
)


class TableHDU(Protocol):
    """What is read of a FITS table, astropy's ``BinTableHDU`` or another."""

    @property
    def name(self) -> str:
        """Name of the extension."""

    @property
    def header(self) -> Mapping[str, Any]:
        """Keywords and values."""

    @property
    def columns(self) -> Iterable[Any]:
        """Columns with ``name`` and ``unit``."""

    @property
    def data(self) -> Any:
        """Rows, whose cells go by the names of the columns."""


class TableSpec(NamedTuple):
    """Where a kind of response lies: its extension, the names its column may have, and its class keywords."""

    extname: str
    columns: tuple[str, ...]
    hduclas2: str
    hduclas4: str


def find_hdu(hdulist: fits.HDUList, hdu: str | int) -> TableHDU:
    """Return a table extension.

    Raises
    ------
    DataError
        If there is no such extension.
    """
    try:
        found: TableHDU = hdulist[hdu]
        return found
    except (KeyError, IndexError) as error:
        names = [extension.name for extension in hdulist]
        msg = f"no extension {hdu!r}{did_you_mean(str(hdu), names)}; the file holds {names}; name one of them with hdu="
        raise DataError(msg) from error


def read_columns(hdu: TableHDU) -> tuple[dict[str, u.Quantity], dict[str, Any]]:
    """Return the numbers of the first row with their units, and the keywords that do not describe the table itself.

    Raises
    ------
    DataError
        If the extension is no table, or is cut off.
    """
    try:
        row = hdu.data[0]
        cells = {column.name: (np.asarray(row[column.name]), column.unit or "") for column in hdu.columns}
    except FovnbError:
        raise
    except (TypeError, ValueError, IndexError, OSError) as error:
        msg = f"extension {hdu.name!r} holds no whole table of a response ({error}); fetch its file again"
        raise DataError(msg) from error
    columns = {
        name: u.Quantity(cell, u.Unit(unit, parse_strict="silent"), copy=True)
        for name, (cell, unit) in cells.items()
        if cell.dtype.kind in "fiu"
    }
    return columns, {key: value for key, value in hdu.header.items() if _describes_content(key)}


def read_axis(columns: Mapping[str, u.Quantity], name: str) -> MapAxis:
    """Return an axis: from edges, or from nodes where lower and upper edges are the same.

    Raises
    ------
    DataError
        If a column is missing, or the two do not hold increasing edges that meet.
    """
    prefixes, interp, _ = AXES[name]
    low, high = (pick(columns, [f"{prefix}_{end}" for prefix in prefixes]) for end in ("LO", "HI"))
    try:
        lower, upper = (np.atleast_1d(values.to_value(low.unit)).astype(float) for values in (low, high))
        if np.allclose(lower, upper):
            return MapAxis.from_nodes(upper, interp=interp, name=name, unit=low.unit)
        _check_meeting(lower, upper)
        return MapAxis.from_edges(np.append(lower, upper[-1]), interp=interp, name=name, unit=low.unit)
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        msg = f"the columns {prefixes[0]}_LO and {prefixes[0]}_HI make no axis ({reason}); repair the file"
        raise DataError(msg) from error


def _check_meeting(lower: FloatArray, upper: FloatArray) -> None:
    """Refuse bins that do not begin where the one before ends, within 1 % of their width."""
    gaps = np.abs(lower[1:] - upper[:-1]) > 0.01 * np.abs(upper - lower)[1:]
    if gaps.any():
        at = int(np.argmax(gaps))
        msg = f"bin {at} ends at {upper[at]:.5g} and the next begins at {lower[at + 1]:.5g}"
        raise ValueError(msg)


def pick(columns: Mapping[str, u.Quantity], names: Iterable[str]) -> u.Quantity:
    """Return the first of the columns that is there.

    Raises
    ------
    DataError
        If there is none.
    """
    names = list(names)
    for name in names:
        if name in columns:
            return columns[name]
    msg = (
        f"no column {' or '.join(names)}; the table holds numbers in {list(columns)}; "
        "repair the file, or read it as another kind of response"
    )
    raise DataError(msg)


def to_table_hdu(
    spec: TableSpec, axes: MapAxes, data: AnyArray, unit: u.UnitBase, keywords: Mapping[str, Any]
) -> fits.BinTableHDU:
    """Return a table of one row: lower and upper edges of every axis, then the values with the first axis fastest."""
    columns = [column for axis in axes for column in _axis_columns(axis)]
    columns.append(_column(spec.columns[0], data.T, unit))
    hdu = fits.BinTableHDU.from_columns(columns, name=spec.extname)
    hdu.header.update({key: value for key, value in keywords.items() if _fits_in_header(key, value)})
    hdu.header.update(
        HDUCLASS="GADF",
        HDUVERS="0.2",
        HDUCLAS1="RESPONSE",
        HDUCLAS2=spec.hduclas2,
        HDUCLAS4=spec.hduclas4,
        EXTNAME=spec.extname,
    )
    return hdu


def _axis_columns(axis: MapAxis) -> list[fits.Column]:
    """Return the two columns of an axis."""
    prefix = AXES[axis.name][0][0]
    edges, center = axis.edges.value, axis.center.value
    lower, upper = (edges[:-1], edges[1:]) if axis.node_type == "edges" else (center, center)
    return [_column(f"{prefix}_LO", lower, axis.unit), _column(f"{prefix}_HI", upper, axis.unit)]


def _column(name: str, cell: AnyArray, unit: u.UnitBase) -> fits.Column:
    """Return a column of one row that holds an array."""
    form = f"{cell.size}{'E' if cell.dtype == np.float32 else 'D'}"
    dim = None if cell.ndim == 1 else str(cell.shape[::-1]).replace(" ", "")
    return fits.Column(name=name, format=form, dim=dim, unit=unit.to_string("fits"), array=cell[np.newaxis])


def _describes_content(key: str) -> bool:
    """Return whether a keyword says something about the response, not about the table."""
    return STRUCTURE.fullmatch(key) is None


def _fits_in_header(key: str, value: object) -> bool:
    """Return whether a keyword can be written back."""
    return len(key) <= 8 and isinstance(value, str | int | float | bool) and _describes_content(key.upper())
