"""Maps in FITS files, in the layout of gamma-astro-data-formats that Gammapy reads and writes.

An image HDU holds the data (or a table HDU the pixels that are not zero). Its header has the sky projection, the unit
(BUNIT), the meta as JSON (META) and the name of the BANDS table (BANDSHDU), which describes the axes: a row for every
bin of their product, and for axis n the header keys AXCOLSn, the columns with its edges or centres, and INTERPn, its
scale. Masks are written as 0 and 1. They are read as masks if the name of the HDU says "mask", Gammapy's rule, or the
key MASK does.
"""

import json
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

from fovnb.errors import DataError, FovnbError, FovnbWarning, InvalidInputError
from fovnb.files import make_path, read_whole, replace_whole
from fovnb.maps.axes import MapAxes
from fovnb.maps.axis import MapAxis
from fovnb.maps.core import MapBase
from fovnb.maps.geom import WcsGeom
from fovnb.types import AnyArray

__all__ = ["from_hdulist", "open_hdulist", "read_map", "to_hdulist", "write_hdulist"]


def read_map(
    filename: str | os.PathLike[str],
    hdu: str | int | None = None,
    hdu_bands: str | int | None = None,
    format: str | None = None,  # noqa: A002
    checksum: bool = False,
) -> dict[str, Any]:
    """Return the arguments of the `Map` in a file, gzipped or not; see `from_hdulist`."""
    with open_hdulist(filename, checksum) as hdulist:
        return from_hdulist(hdulist, hdu, hdu_bands, format)


@contextmanager
def open_hdulist(filename: str | os.PathLike[str], checksum: bool = False) -> Iterator[fits.HDUList]:
    """Open a FITS file from memory, unzipped in one go; what breaks while it is read becomes a `DataError`.

    Raises
    ------
    DataError
        If the file is missing, truncated, corrupted or not FITS.
    """
    path = make_path(filename)
    content = BytesIO(read_whole(path))
    try:
        with fits.open(content, memmap=False, checksum=checksum) as hdulist:
            yield hdulist
    except FovnbError as error:
        msg = f"{path}: {error}"
        raise DataError(msg) from error
    except Exception as error:  # whatever astropy meets in a damaged file
        msg = f"{path} cannot be read as FITS: {_first_line(error)}; check that the file is there and complete"
        raise DataError(msg) from error


def write_hdulist(
    hdulist: fits.HDUList, filename: str | os.PathLike[str], overwrite: bool = False, checksum: bool = False
) -> None:
    """Write an HDU list to a file that appears whole or not at all.

    Raises
    ------
    DataError
        If the file exists and ``overwrite`` is False, or cannot be written.
    """
    with replace_whole(make_path(filename), overwrite) as temporary:
        try:
            hdulist.writeto(temporary, overwrite=True, checksum=checksum)
        except (ValueError, TypeError, KeyError, fits.VerifyError) as error:
            msg = f"{filename} cannot be written as FITS: {_first_line(error)}; correct the header or the meta"
            raise InvalidInputError(msg) from error


def to_hdulist(m: MapBase, hdu: str | None = None, hdu_bands: str | None = None, sparse: bool = False) -> fits.HDUList:
    """Return a map as an HDU list: the data, and the BANDS table if there are axes.

    Parameters
    ----------
    m : `Map`
    hdu, hdu_bands : str, optional
        Names of the two; "PRIMARY" ("SKYMAP" if sparse) and the same with "_BANDS" by default.
    sparse : bool
        Write a table of the pixels that are not zero, as 32-bit floats.

    Raises
    ------
    InvalidInputError
        If the unit or the meta cannot be written, or a sparse map is to be the primary HDU.

    Examples
    --------
    >>> from fovnb.maps import Map, MapAxis
    >>> axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    >>> [hdu.name for hdu in to_hdulist(Map.create(npix=3, axes=[axis]), hdu="counts")]
    ['PRIMARY', 'COUNTS', 'COUNTS_BANDS']
    """
    name = (hdu or ("SKYMAP" if sparse else "PRIMARY")).upper()
    if sparse and name == "PRIMARY":
        msg = "a sparse map is a table and cannot be the PRIMARY HDU; give it another name"
        raise InvalidInputError(msg)
    header, bands = _header(m), []
    if len(m.geom.axes):
        bands = [_bands_hdu(m.geom.axes, (hdu_bands or f"{name}_BANDS").upper())]
        header["BANDSHDU"] = bands[0].name
    data = m.data.astype(np.uint8) if m.is_mask else m.data
    if sparse:
        image = fits.BinTableHDU.from_columns(_sparse_columns(data), header=header, name=name)
    elif name == "PRIMARY":
        return fits.HDUList([fits.PrimaryHDU(data, header=header), *bands])
    else:
        image = fits.ImageHDU(data, header=header, name=name)
    return fits.HDUList([fits.PrimaryHDU(), image, *bands])


def from_hdulist(
    hdulist: fits.HDUList,
    hdu: str | int | None = None,
    hdu_bands: str | int | None = None,
    format: str | None = None,  # noqa: A002
) -> dict[str, Any]:
    """Return the arguments of the `Map` in an HDU list.

    Parameters
    ----------
    hdulist : `~astropy.io.fits.HDUList`
    hdu : str or int, optional
        The HDU with the data; by default the first that holds any.
    hdu_bands : str or int, optional
        The BANDS table; by default the one that the header of the data names.
    format : {"gadf"}, optional
        The only layout that is known.

    Raises
    ------
    DataError
        If an HDU is missing, or the data, the projection and the axes do not make a map.
    """
    if format not in (None, "gadf"):
        msg = f"no FITS layout {format!r} here; only 'gadf' is read and written"
        raise InvalidInputError(msg)
    image = _find_image(hdulist, hdu)
    name = hdu_bands if hdu_bands is not None else image.header.get("BANDSHDU")
    try:
        axes = MapAxes([]) if name is None else _read_axes(_find(hdulist, name))
        return _read_image(image, axes)
    except DataError:
        raise
    except Exception as error:  # whatever astropy meets in a damaged file
        msg = f"HDU {image.name!r} is not a map that can be read: {_first_line(error)}; make or fetch the file again"
        raise DataError(msg) from error


def _first_line(error: Exception) -> str:
    """Return the message of an error, of which astropy makes tables, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _header(m: MapBase) -> fits.Header:
    """Return projection, shape, axes, unit and meta of a map."""
    geom = m.geom
    header = geom.wcs.to_header()
    header.update(_axes_header(geom.axes))
    header["WCSSHAPE"] = f"({','.join(map(str, geom.data_shape[::-1]))})"
    try:
        header["META"] = json.dumps(m.meta, default=_quantity_as_text)
        header["BUNIT"] = m.unit.to_string("fits")
    except (TypeError, ValueError) as error:
        msg = f"the meta or the unit '{m.unit}' of the map cannot be written to FITS: {error}; convert or remove it"
        raise InvalidInputError(msg) from error
    if m.is_mask:
        header["MASK"] = (True, "0 and 1 mean False and True")
    return header


def _axes_header(axes: MapAxes) -> fits.Header:
    """Return the names of the columns and the scale of every axis."""
    header = fits.Header()
    for number, axis in enumerate(axes, start=1):
        edges, center = _column_names(axis)
        header[f"AXCOLS{number}"] = ",".join(edges) if axis.node_type == "edges" else center
        header[f"INTERP{number}"] = axis.interp
    return header


def _column_names(axis: MapAxis) -> tuple[list[str], str]:
    """Return the names of the columns with edges and centres."""
    name = axis.name.upper()
    prefix = "E" if axis.name == "energy" else name
    return [f"{prefix}_MIN", f"{prefix}_MAX"], name


def _bands_hdu(axes: MapAxes, name: str) -> fits.BinTableHDU:
    """Return the BANDS table: a row for every bin, the first axis varying fastest as in the data."""
    shape = axes.shape[::-1]
    bins = np.indices(shape).reshape(len(shape), -1)[::-1]
    columns = [fits.Column("CHANNEL", "K", array=np.arange(bins.shape[1]))]
    for axis, index in zip(axes, bins, strict=True):
        edges, center = _column_names(axis)
        for column, values in zip([center, *edges], [axis.center, axis.edges_min, axis.edges_max], strict=True):
            columns.append(fits.Column(column, "D", unit=axis.unit.to_string("fits"), array=values.value[index]))
    return fits.BinTableHDU.from_columns(columns, header=_axes_header(axes), name=name)


def _sparse_columns(data: AnyArray) -> list[fits.Column]:
    """Return pixel, channel and value of what is not zero."""
    planes = data.reshape(-1, data.shape[-2] * data.shape[-1])
    channel, pixel = np.nonzero(planes)
    columns = [fits.Column("PIX", "J", array=pixel), fits.Column("VALUE", "E", array=planes[channel, pixel])]
    return columns if data.ndim == 2 else [*columns, fits.Column("CHANNEL", "J", array=channel)]


def _quantity_as_text(value: object) -> str:
    """Write a quantity in meta as "1.0 TeV", as Gammapy does."""
    if isinstance(value, u.Quantity):
        return str(value.to_string())
    msg = f"a {type(value).__name__} in the meta"
    raise TypeError(msg)


def _text_as_quantity(values: dict[str, Any]) -> dict[str, Any]:
    """Read what looks like a quantity in meta as one."""
    return {name: _quantity_or_same(value) for name, value in values.items()}


def _quantity_or_same(value: Any) -> Any:
    if not (isinstance(value, str) and re.match(r"\s*[-+.]?\d", value)):
        return value
    try:
        return u.Quantity(value)
    except (TypeError, ValueError):
        return value


def _find(hdulist: fits.HDUList, name: str | int) -> Any:
    """Return an HDU by name or number."""
    try:
        return hdulist[name]
    except (KeyError, IndexError) as error:
        msg = f"there is no HDU {name!r}; the HDUs are {[hdu.name for hdu in hdulist]}"
        raise DataError(msg) from error


def _find_image(hdulist: fits.HDUList, name: str | int | None) -> Any:
    """Return the HDU with the data of a map."""
    found = _find(hdulist, name) if name is not None else next((hdu for hdu in hdulist if hdu.header["NAXIS"]), None)
    if found is None:
        msg = "no HDU holds any data; give a file with a map"
        raise DataError(msg)
    if "CTYPE1" not in found.header:
        kind = (
            "a HEALPix map" if found.header.get("PIXTYPE") == "HEALPIX" else f"a {type(found).__name__} without CTYPE1"
        )
        msg = f"HDU {found.name!r} is {kind}; only maps with a FITS sky projection can be read"
        raise DataError(msg)
    return found


def _read_axes(hdu: Any) -> MapAxes:
    """Return the axes that a BANDS table describes."""
    axes: list[MapAxis] = []
    while (number := len(axes) + 1) and (columns := hdu.header.get(f"AXCOLS{number}")):
        axes.append(_read_axis(hdu, columns.split(","), hdu.header.get(f"INTERP{number}", "lin")))
    if not axes:
        msg = f"the table {hdu.name!r} describes no axis: it has no key AXCOLS1"
        raise DataError(msg)
    return MapAxes(axes)


def _read_axis(hdu: Any, columns: list[str], interp: str) -> MapAxis:
    """Return an axis from its one column of centres or two of edges."""
    missing = [column for column in columns if column not in hdu.columns.names]
    if missing:
        msg = f"the table {hdu.name!r} has no column {missing}; its columns are {hdu.columns.names}"
        raise DataError(msg)
    nodes = np.unique(hdu.data[columns[0]]).astype(float)
    if len(columns) == 2:
        nodes = np.append(nodes, np.max(hdu.data[columns[1]]))
    name = columns[0].removesuffix("_MIN").lower()
    name = {"e": "energy", "theta": "rad"}.get(name, name)
    unit = u.Unit(hdu.columns[columns[0]].unit or "")
    return MapAxis(nodes, interp=interp, name=name, node_type="edges" if len(columns) == 2 else "center", unit=unit)


def _read_image(hdu: Any, axes: MapAxes) -> dict[str, Any]:
    """Return geometry, data, unit and meta of an HDU."""
    header, is_table = hdu.header, isinstance(hdu, fits.BinTableHDU)
    shape = _table_shape(header) if is_table else (header["NAXIS1"], header["NAXIS2"])
    geom = WcsGeom(WCS(header, naxis=2).sub(2), npix=shape, axes=axes)
    data = _read_sparse(hdu, geom.data_shape) if is_table else hdu.data.astype(hdu.data.dtype.newbyteorder("="))
    if data.shape != geom.data_shape:
        msg = f"HDU {hdu.name!r} has data of shape {data.shape}, but its axes {axes.names} make it {geom.data_shape}"
        raise DataError(msg)
    if header.get("MASK") is True or any(word in hdu.name.lower() for word in ("mask", "is_ul", "success")):
        data = data.astype(bool)
    meta = json.loads(header["META"], object_hook=_text_as_quantity) if "META" in header else {}
    return {"geom": geom, "data": data, "unit": _read_unit(str(header.get("BUNIT", ""))), "meta": meta}


def _table_shape(header: fits.Header) -> tuple[int, int]:
    """Return the number of pixels (lon, lat) of a sparse map."""
    numbers = re.findall(r"\d+", str(header["WCSSHAPE"]))
    return int(numbers[0]), int(numbers[1])


def _read_sparse(hdu: Any, shape: tuple[int, ...]) -> AnyArray:
    """Return the whole array of a sparse map."""
    planes = np.zeros((int(np.prod(shape[:-2])), shape[-2] * shape[-1]), dtype="float32")
    channel = hdu.data["CHANNEL"] if "CHANNEL" in hdu.columns.names else 0
    planes[channel, hdu.data["PIX"]] = hdu.data["VALUE"]
    return planes.reshape(shape)


def _read_unit(text: str) -> u.UnitBase:
    """Return a unit without counts and photons in it, which the data formats treat as plain numbers."""
    try:
        unit = u.Unit(text)
    except ValueError:
        warnings.warn(f"{text!r} is not a unit (BUNIT); the map gets none, set it yourself", FovnbWarning, stacklevel=2)
        return u.dimensionless_unscaled
    for base, power in zip(unit.bases, unit.powers, strict=True):
        if base in (u.ct, u.ph):
            unit = unit / base**power
    return unit
