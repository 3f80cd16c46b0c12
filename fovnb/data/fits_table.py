"""The binary tables of a FITS file, read from its bytes.

``BinTable`` offers what the readers of this package use of astropy's ``BinTableHDU``: ``name``, ``header``,
``data[column]``, and ``columns`` with ``name`` and ``unit``. Building astropy's column descriptions takes 3 - 5 ms a
table; here a column is a view of the bytes, in the file's byte order. Columns that need more than a view (scaled,
variable length, logical, bits) are read by astropy.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from types import MappingProxyType

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.units import Unit

from fovnb.data.header import Header, padded, read_header
from fovnb.errors import DataError
from fovnb.files import read_whole
from fovnb.types import AnyArray, FloatArray

__all__ = ["BinTable", "Column", "as_floats", "read_tables", "require_columns"]

_FORMATS = MappingProxyType({"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"})


@dataclass(frozen=True)
class Column:
    """Name and unit of a table column; the unit is an empty string if the file gives none."""

    name: str
    unit: str


@dataclass(frozen=True, eq=False, repr=False)
class BinTable:
    """One binary table.

    Parameters
    ----------
    header : mapping
        Keywords and values.
    content : bytes
        The whole file.
    start : int
        Where the rows begin.
    index : int
        Number of the HDU in the file.
    """

    header: Header
    content: bytes
    start: int
    index: int

    @property
    def name(self) -> str:
        """The EXTNAME in capitals."""
        return str(self.header.get("EXTNAME", "")).upper()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Names and units, in the file's order."""
        with self._readable():
            numbers = range(1, int(self.header["TFIELDS"]) + 1)
            return tuple(Column(str(self.header[f"TTYPE{i}"]), str(self.header.get(f"TUNIT{i}", ""))) for i in numbers)

    @cached_property
    def data(self) -> AnyArray:
        """The rows as a structured array: ``data[column]`` has shape (rows, ...), in the file's byte order."""
        names = [column.name for column in self.columns]
        with self._readable():
            formats = [self._format(i) for i in range(1, len(names) + 1)]
            row = np.dtype([(name, *form) for name, form in zip(names, formats, strict=True) if form is not None])
            if None in formats or row.itemsize != self.header["NAXIS1"]:
                return self._read_with_astropy()
            return np.frombuffer(self.content, row, count=int(self.header["NAXIS2"]), offset=self.start)

    def native(self, name: str) -> AnyArray:
        """Return a copy of a column in the machine's byte order; bytes become text without trailing blanks."""
        column = np.asarray(self.data[name])
        if column.dtype.kind == "S":
            return np.asarray(np.char.rstrip(np.char.decode(column, "utf-8", "replace")))
        return column.astype(column.dtype.newbyteorder("="))

    def to_table(self) -> Table:
        """Return an astropy table with native byte order, text, units and the header as ``meta``."""
        table = Table({column.name: self.native(column.name) for column in self.columns}, meta=dict(self.header))
        for column in self.columns:
            if column.unit:
                table[column.name].unit = Unit(column.unit, parse_strict="silent")
        return table

    def __repr__(self) -> str:
        return (
            f"BinTable({self.name!r}, {self.header['NAXIS2']} rows, columns {[column.name for column in self.columns]})"
        )

    def _format(self, i: int) -> tuple[str, tuple[int, ...]] | None:
        """Return numpy's type and shape of column i, or None if a view of the bytes is not its value."""
        match = re.fullmatch(r"(\d*)([A-Z])\d*", str(self.header[f"TFORM{i}"]))
        if match is None or f"TSCAL{i}" in self.header or f"TZERO{i}" in self.header:
            return None
        repeat, code = int(match[1] or 1), match[2]
        if code == "A" and f"TDIM{i}" not in self.header:
            return f"S{repeat}", ()
        if code not in _FORMATS:
            return None
        return _FORMATS[code], self._cell_shape(i, repeat)

    def _cell_shape(self, i: int, repeat: int) -> tuple[int, ...]:
        """Return the shape of one cell of column i: TDIM reversed, as FITS counts from the fastest axis."""
        if f"TDIM{i}" in self.header:
            return tuple(int(size) for size in reversed(re.findall(r"\d+", str(self.header[f"TDIM{i}"]))))
        return () if repeat == 1 else (repeat,)

    def _read_with_astropy(self) -> AnyArray:
        with fits.open(io.BytesIO(self.content)) as hdus:
            for column in self.columns:
                hdus[self.index].data.field(column.name)  # converts it now, not when it is used
            rows: AnyArray = hdus[self.index].data
            return rows

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn what goes wrong with a table that does not fit its header into one sentence."""
        try:
            yield
        except (KeyError, TypeError, ValueError, IndexError, OSError, fits.VerifyError) as error:
            msg = f"the table {self.name} does not fit its header ({error}); the file is damaged, fetch it again"
            raise DataError(msg) from error


def read_tables(path: Path) -> dict[str, BinTable]:
    """Return the binary tables of a FITS file, gzipped or not, by their names in capitals; the first of a name counts.

    Raises
    ------
    DataError
        If the file is missing, cannot be unzipped, is no FITS file or ends too early.
    """
    content = read_whole(path)
    if not content.startswith(b"SIMPLE  ="):
        msg = f"{path} does not begin as a FITS file (SIMPLE  =); give a FITS file, or fetch this one again"
        raise DataError(msg)
    tables: dict[str, BinTable] = {}
    start = index = 0
    while start < len(content) and (index == 0 or content.startswith(b"XTENSION", start)):
        header, begin, end = _read_hdu(path, content, start)
        if header.get("XTENSION") in ("BINTABLE", "A3DTABLE"):
            table = BinTable(header, content, begin, index)
            tables.setdefault(table.name, table)
        start, index = end, index + 1
    return tables


def require_columns(hdu: BinTable | fits.BinTableHDU, *names: str) -> None:
    """Raise a DataError unless the table holds all these columns."""
    found = [column.name for column in hdu.columns]
    missing = [name for name in names if name not in found]
    if missing:
        msg = f"the table {hdu.name} has no column {', '.join(missing)}, only {', '.join(found)}; repair the file"
        raise DataError(msg)


def as_floats(values: AnyArray, found: str, unit: str, what: str) -> FloatArray:
    """Return a table column, in the unit that was found, as floats in another; one without a unit is taken to be in it.

    Raises
    ------
    DataError
        If the column does not hold one real number a row, or its unit is of another kind.

    Examples
    --------
    >>> as_floats(np.array([1, 2]), "min", "s", "START")
    array([ 60., 120.])
    """
    if values.ndim != 1 or values.dtype.kind not in "fiu":
        msg = (
            f"the column {what} has type {values.dtype}, shape {values.shape}; expected a number a row, repair the file"
        )
        raise DataError(msg)
    try:
        return values.astype(np.float64) * (1.0 if found in ("", unit) else float(Unit(found).to(unit)))
    except (ValueError, TypeError) as error:
        msg = f"the column {what} is in {found!r}; expected a unit like {unit}, repair the file"
        raise DataError(msg) from error


def _read_hdu(path: Path, content: bytes, start: int) -> tuple[Header, int, int]:
    """Return the header at a byte, where its data begin, and where the next HDU begins."""
    found = read_header(content, start)
    if found is None:
        msg = f"{path} ends after {len(content)} bytes inside a header; the file is cut off, fetch it again"
        raise DataError(msg)
    header, begin = found
    try:
        sizes = [
            abs(int(header["BITPIX"])) // 8,
            *(int(header[f"NAXIS{i}"]) for i in range(1, int(header["NAXIS"]) + 1)),
        ]
        extra = int(header.get("PCOUNT", 0))
        size = (prod(sizes) if len(sizes) > 1 else 0) + extra
        if min(*sizes, extra) < 0:
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        msg = f"{path}: the header at byte {start} has no valid BITPIX and NAXIS; the file is broken, fetch it again"
        raise DataError(msg) from error
    if begin + size > len(content):
        msg = f"{path} ends after {len(content)} bytes, expected {begin + size}; the file is cut off, fetch it again"
        raise DataError(msg)
    return header, begin, begin + padded(size)
