"""Datasets as FITS extensions in Gammapy's layout: one image and one table of bands a map, then GTI and META_TABLE.

What Gammapy does not know comes last, and it reads the file all the same: MASK_EXCLUSION, and the tables LEDGER and
RUN_INFO.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from astropy.io import fits
from astropy.table import Table

from fovnb import __version__
from fovnb.data import GTI, RunInfo
from fovnb.datasets.ledger import ledger_of, ledger_rows, rows_of_table
from fovnb.errors import DataError, InvalidInputError
from fovnb.irf import EDispKernelMap, PSFMap
from fovnb.maps import Map

if TYPE_CHECKING:
    from fovnb.datasets.dataset import MapDataset

__all__ = ["dataset_parts", "dataset_to_hdulist"]

_MAPS = ("counts", "exposure", "background")
_MASKS = ("mask_safe", "mask_fit", "mask_exclusion")
# Keywords of the primary header that describe the file, not the data.
_OWN_KEYWORDS = {
    "SIMPLE",
    "BITPIX",
    "NAXIS",
    "EXTEND",
    "NAME",
    "CREATOR",
    "CREATED",
    "CHECKSUM",
    "DATASUM",
    "COMMENT",
    "",
}


def dataset_to_hdulist(dataset: "MapDataset") -> fits.HDUList:
    """Return the FITS extensions of a dataset; models go into a file of their own."""
    hdulist = fits.HDUList([_primary(dataset)])
    for name in _MAPS:
        hdulist += _map_hdus(getattr(dataset, name), name)
    for response in (dataset.edisp, dataset.psf):
        if response is not None:
            hdulist += response.to_hdulist()[1:]
    for name in _MASKS:
        hdulist += _map_hdus(getattr(dataset, name), name)
    if dataset.gti is not None:
        hdulist.append(dataset.gti.to_table_hdu())
    if dataset.meta_table is not None:
        hdulist.append(fits.BinTableHDU(dataset.meta_table, name="META_TABLE"))
    if rows := ledger_rows(dataset):
        hdulist.append(_table_hdu(Table(ledger_of(rows)), "LEDGER"))
    if dataset.run_info is not None:
        hdulist.append(_table_hdu(Table([dataset.run_info.to_dict()]), "RUN_INFO"))
    return hdulist


def dataset_parts(hdulist: fits.HDUList) -> dict[str, Any]:
    """Return what FITS extensions hold, by the argument names of `MapDataset`.

    Raises
    ------
    DataError
        If there is no dataset in the file.
    """
    header = hdulist[0].header
    parts: dict[str, Any] = {key: Map.from_hdulist(hdulist, hdu=key) for key in _MAPS if key in hdulist}
    for key in _MASKS:
        if key in hdulist:
            mask = Map.from_hdulist(hdulist, hdu=key)
            parts[key] = Map.from_geom(mask.geom, data=mask.data.astype(bool))
    if not parts.keys() & {"counts", "background", *_MASKS}:
        found = ", ".join(hdu.name for hdu in hdulist)
        msg = f"expected a dataset with COUNTS, BACKGROUND or MASK_SAFE, found {found}; use Map.read for a map"
        raise DataError(msg)
    readers = {"edisp": EDispKernelMap.from_hdulist, "psf": PSFMap.from_hdulist}
    parts |= {key: read(hdulist) for key, read in readers.items() if key in hdulist}
    if "GTI" in hdulist:
        parts["gti"] = GTI.from_table_hdu(hdulist["GTI"])
    if "META_TABLE" in hdulist:
        parts["meta_table"] = _table(hdulist["META_TABLE"])
    if "LEDGER" in hdulist:
        parts["stacked_rows"] = rows_of_table(_decoded(hdulist["LEDGER"]))
    if "RUN_INFO" in hdulist:
        parts["run_info"] = RunInfo.from_dict(dict(_decoded(hdulist["RUN_INFO"])[0]))
    meta = {key: value for key, value in header.items() if key not in _OWN_KEYWORDS}
    return parts | {"name": str(header.get("NAME", "stacked")), "meta": meta}


def _table(hdu: Any, mask_invalid: bool = True) -> Table:
    """Return the table in an extension."""
    if not isinstance(hdu, fits.BinTableHDU):
        msg = f"the extension {hdu.name} is no table; write the dataset anew"
        raise DataError(msg)
    return Table.read(hdu, mask_invalid=mask_invalid)


def _table_hdu(table: Table, name: str) -> fits.BinTableHDU:
    """Return a table as an extension; FITS knows ASCII only, so that other letters are written as escapes."""
    for column in table.columns.values():
        if column.dtype.kind == "U":
            table[column.name] = [text.encode("unicode_escape").decode("ascii") for text in column]
    return fits.BinTableHDU(table, name=name)


def _decoded(hdu: Any) -> Table:
    """Return the table of `_table_hdu` with its letters restored; NaN stays NaN."""
    table = _table(hdu, mask_invalid=False)
    for column in table.columns.values():
        if column.dtype.kind in "SU":
            table[column.name] = [str(text).encode("ascii", "replace").decode("unicode_escape") for text in column]
    return table


def _primary(dataset: "MapDataset") -> fits.PrimaryHDU:
    """Return the primary extension with name, creator and the dataset's own keywords."""
    hdu = fits.PrimaryHDU()
    hdu.header["NAME"] = dataset.name
    hdu.header["CREATOR"] = f"fovnb {__version__}"
    hdu.header["CREATED"] = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    try:
        hdu.header.update(dataset.meta)
    except (ValueError, TypeError) as error:
        msg = f"the meta of dataset {dataset.name!r} cannot be written to FITS: {error}; remove or convert it"
        raise InvalidInputError(msg) from error
    return hdu


def _map_hdus(part: Map | None, name: str) -> list[Any]:
    """Return the image and bands extensions of a map."""
    return [] if part is None else list(part.to_hdulist(hdu=name)[1:])
