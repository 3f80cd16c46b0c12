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

from fovnb.errors import DataError
from fovnb.maps import MapAxes, MapAxis
from fovnb.text import did_you_mean
from fovnb.types import AnyArray

__all__ = ["TableHDU", "TableSpec", "find_hdu", "pick", "read_axis", "read_columns", "to_table_hdu"]

# Axis name: column prefixes, and the scale on which the axis is interpolated.
AXES = MappingProxyType(
    {
        "energy": (("ENERG",), "log"),
        "energy_true": (("ENERG", "ETRUE"), "log"),
        "offset": (("THETA",), "lin"),
        "rad": (("RAD",), "lin"),
        "migra": (("MIGRA",), "lin"),
        "fov_lon": (("DETX",), "lin"),
        "fov_lat": (("DETY",), "lin"),
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
    """Return the cells of the first row with their units, and the keywords that do not describe the table itself.

    Raises
    ------
    DataError
        If the extension is no table, or is cut off.
    """
    try:
        row = hdu.data[0]
        units = {column.name: u.Unit(column.unit or "", parse_strict="silent") for column in hdu.columns}
        columns = {name: u.Quantity(row[name], unit, copy=True) for name, unit in units.items()}
    except (TypeError, ValueError, IndexError, OSError) as error:
        msg = f"extension {hdu.name!r} holds no whole table of a response ({error}); download its file again"
        raise DataError(msg) from error
    return columns, {key: value for key, value in hdu.header.items() if _describes_content(key)}


def read_axis(columns: Mapping[str, u.Quantity], name: str) -> MapAxis:
    """Return an axis: from edges, or from nodes where lower and upper edges are the same."""
    prefixes, interp = AXES[name]
    low, high = (pick(columns, [f"{prefix}_{end}" for prefix in prefixes]) for end in ("LO", "HI"))
    lower, upper = (np.atleast_1d(values.to_value(low.unit)).astype(float) for values in (low, high))
    if np.allclose(lower, upper):
        return MapAxis.from_nodes(upper, interp=interp, name=name, unit=low.unit)
    return MapAxis.from_edges(np.append(lower, upper[-1]), interp=interp, name=name, unit=low.unit)


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
    msg = f"no column {' or '.join(names)}; the table holds {list(columns)}; read it as the kind of response that it is"
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
