"""Exclusion masks in files: DS9 and CRTF region files, and FITS masks, with the names and origins of their areas.

A DS9 line carries both as tags, ``tag={name=...} tag={origin=...}``, beside the text that DS9 shows. A CRTF line has
room for a label only; a comment at the top of the file says what each label stands for. A FITS file begins with the
mask as a map, as Gammapy reads it; the table ENTRIES after it holds the regions as DS9 lines, and the HDUs ENTRY_n the
masks among the entries. Numbers are written so that they are read back exactly; in all three, characters that a format
gives a meaning are written as in an URL.
"""

import json
import os
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyUserWarning

from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.files import make_path, read_whole, replace_whole
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.makers.exclusion_image import as_boolean
from fovnb.makers.exclusion_input import parse_areas
from fovnb.makers.exclusion_shapes import SkyShape
from fovnb.maps import Map, WcsGeom
from fovnb.maps.fits import open_hdulist, write_hdulist

if TYPE_CHECKING:
    from fovnb.makers.exclusion_mask import ExclusionMask

__all__ = ["read_entries", "write_entries"]

_PLAIN = " !$&*+-./:<=>?@^_~"
_CRTF_COMMENT = "# names and origins: "


def read_entries(path: str | os.PathLike[str], origin: str | None = None) -> list[ExclusionEntry]:
    """Return the areas in a file; its content tells whether it is FITS, CRTF or DS9.

    Parameters
    ----------
    path : str or Path
        The file, gzipped or not.
    origin : str, optional
        Origin of the areas that the file does not say it of; "file <name>" by default.

    Raises
    ------
    DataError
        If the file is missing or broken, holds no area, or a mask that excludes everything.
    InvalidInputError
        If its regions lie in pixels.

    Warns
    -----
    FovnbWarning
        If lines of the file are left out, a mask excludes nothing, or all regions are marked as excluded
        (``-circle(...)``), which is then read as: to be left out.
    """
    file = make_path(path)
    content, fallback = read_whole(file), origin or f"file {file.name}"
    if content.startswith(b"SIMPLE  ="):
        return _read_fits(file, fallback)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = (
            f"{file} is neither a FITS file nor text in UTF-8 ({error.reason} at byte {error.start}); save it in UTF-8"
        )
        raise DataError(msg) from error
    form = "crtf" if text.startswith("#CRTF") else "ds9"
    entries = [_described(region, text, fallback) for region in parse_areas(text, str(file), form, DataError)]
    return _without_lone_cuts(entries, file)


def write_entries(
    mask: "ExclusionMask", path: str | os.PathLike[str], geom: WcsGeom | None = None, overwrite: bool = False
) -> None:
    """Write a region file or a FITS mask, by the ending of its name; it appears whole or not at all.

    Parameters
    ----------
    mask : ExclusionMask
    path : str or Path
        ``.reg`` or ``.ds9``, ``.crtf``, or ``.fits``, ``.fits.gz``.
    geom : WcsGeom, optional
        Geometry of the map in a FITS file; other files have none.
    overwrite : bool
        Whether to replace a file.

    Raises
    ------
    DataError
        If the file exists and ``overwrite`` is False, or cannot be written.
    InvalidInputError
        If the mask is empty, the name has another ending, a FITS file lacks the geometry, or the format has no such
        area.
    """
    file = make_path(path)
    if not len(mask):
        msg = f"the mask has no areas, and {file.name} would hold nothing to exclude; add an area or write no file"
        raise InvalidInputError(msg)
    suffix = file.suffix.lower()
    if file.name.lower().endswith((".fits", ".fit", ".fits.gz")):
        write_hdulist(_to_hdulist(mask, geom, file), file, overwrite)
        return
    writers = {".reg": _to_ds9, ".ds9": _to_ds9, ".crtf": _to_crtf}
    if suffix not in writers:
        msg = f"{file.name} has the ending {suffix!r}; choose .reg, .crtf or .fits"
        raise InvalidInputError(msg)
    text = writers[suffix](mask)
    with replace_whole(file, overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _described(region: Any, text: str, origin: str) -> ExclusionEntry:
    """Return the entry with name and origin from the tags of DS9, or the comment of CRTF."""
    meta = region.meta
    tags = dict(tag.split("=", 1) for tag in meta.get("tag", ()) if "=" in tag)
    label = meta.get("text", meta.get("label", ""))
    known = {key: unquote(tags[key]) for key in ("name", "origin") if key in tags}
    known = known or _crtf_known(text).get(label, {})
    name = known.get("name") or str(label).strip() or type(region).__name__.removesuffix("SkyRegion")
    return ExclusionEntry(region, name, known.get("origin") or origin, cut=not meta.get("include", True))


def _crtf_known(text: str) -> dict[str, dict[str, str]]:
    """Return name and origin of each label, from the comment."""
    line = next((line for line in text.splitlines() if line.startswith(_CRTF_COMMENT)), None)
    try:
        known = {} if line is None else json.loads(line.removeprefix(_CRTF_COMMENT))
        return {label: {"name": words["name"], "origin": words["origin"]} for label, words in known.items()}
    except (ValueError, KeyError, TypeError, AttributeError):  # someone else's comment
        return {}


def _without_lone_cuts(entries: list[ExclusionEntry], file: Path) -> list[ExclusionEntry]:
    """Return the entries; cuts with nothing to cut are what the author of the file wants left out."""
    if not all(entry.cut for entry in entries):
        return entries
    msg = f"all regions of {file} are marked as excluded (-); they are read as what the fit leaves out"
    warnings.warn(msg, FovnbWarning, stacklevel=4)
    return [replace(entry, cut=False) for entry in entries]


def _to_ds9(mask: Iterable[ExclusionEntry]) -> str:
    """Return the text of a DS9 file."""
    lines = (
        f"{_ds9_region(entry, 'DS9')} # text={{{_quoted(entry.name)}}} "
        f"tag={{name={_quoted(entry.name)}}} tag={{origin={_quoted(entry.origin)}}}"
        for entry in mask
    )
    return "\n".join(["# Region file format: DS9", *lines, ""])


def _ds9_region(entry: ExclusionEntry, what: str) -> str:
    """Return ``frame; shape(...)``, with a minus for a cut."""
    shape = _writable(entry, what)
    points = [x for pair in zip(shape.lon_deg, shape.lat_deg, strict=True) for x in pair]
    sizes = list(shape.sizes_deg)
    if len(sizes) == 4:  # DS9 wants both inner widths first
        sizes = [sizes[0], sizes[2], sizes[1], sizes[3]]
    if "Ellipse" in shape.kind:
        sizes = [size / 2 for size in sizes]
    turn = [shape.angle_deg] if shape.is_turned else []
    name = _DS9_NAMES.get(shape.kind, shape.kind.lower())
    return f"{shape.frame}; {'-' if entry.cut else ''}{name}({','.join(map(_number, [*points, *sizes, *turn]))})"


def _to_crtf(mask: Iterable[ExclusionEntry]) -> str:
    """Return the text of a CRTF file."""
    entries = list(mask)
    known = {_quoted(entry.name): {"name": entry.name, "origin": entry.origin} for entry in entries}
    lines = (f'{_crtf_region(entry)}, label="{_quoted(entry.name)}"' for entry in entries)
    return "\n".join(["#CRTFv0", _CRTF_COMMENT + json.dumps(known), *lines, ""])


def _crtf_region(entry: ExclusionEntry) -> str:
    """Return ``shape[[...], ...], coord=...``, with a minus for a cut."""
    shape = _writable(entry, "CRTF")
    points = ", ".join(_pair(lon, lat) for lon, lat in zip(shape.lon_deg, shape.lat_deg, strict=True))
    sizes, angle = shape.sizes_deg, f"{_number(shape.angle_deg)}deg"
    match shape.kind:
        case "Circle":
            text = f"circle[{points}, {_number(sizes[0])}deg]"
        case "CircleAnnulus":
            text = f"annulus[{points}, {_pair(*sizes)}]"
        case "Ellipse":  # half the height first, as `regions` reads it
            text = f"ellipse[{points}, {_pair(sizes[1] / 2, sizes[0] / 2)}, {angle}]"
        case "Rectangle":
            text = f"rotbox[{points}, {_pair(*sizes)}, {angle}]"
        case "Polygon":
            text = f"poly[{points}]"
        case _:
            msg = f"{entry.name!r} is a {shape.kind}, which CRTF does not know; write a .reg or .fits file"
            raise InvalidInputError(msg)
    frame = {"fk5": "J2000"}.get(shape.frame, shape.frame.upper())
    return f"{'-' if entry.cut else ''}{text}, coord={frame}"


def _writable(entry: ExclusionEntry, what: str) -> SkyShape:
    """Return the shape of an entry that a region file can hold."""
    if entry.shape is None or entry.margin_deg:
        grown = ", grown by a margin" if entry.margin_deg else ""
        hint = "write a .fits file" if entry.shape or entry.mask else "turn it into a mask with to_map"
        msg = f"{entry.name!r} is a {entry.kind}{grown}, which {what} cannot hold; {hint}"
        raise InvalidInputError(msg)
    return entry.shape


def _to_hdulist(mask: "ExclusionMask", geom: WcsGeom | None, file: Path) -> fits.HDUList:
    """Return the map, the table and the masks among the entries."""
    if geom is None:
        msg = f"{file.name} begins with the mask as a map; pass geom, the geometry of the dataset"
        raise InvalidInputError(msg)
    images = {f"ENTRY_{i}": entry.mask for i, entry in enumerate(mask) if entry.mask is not None}
    hdus = mask.project(geom)[0].to_hdulist()
    hdus.append(_table([(entry, f"ENTRY_{i}" if f"ENTRY_{i}" in images else "") for i, entry in enumerate(mask)]))
    for name, image in images.items():
        hdus.extend(image.to_hdulist(hdu=name)[1:])
    return hdus


def _table(rows: list[tuple[ExclusionEntry, str]]) -> fits.BinTableHDU:
    """Return the table of entries; FITS tables hold ASCII only."""
    texts = {
        "NAME": [_quoted(entry.name) for entry, _ in rows],
        "ORIGIN": [_quoted(entry.origin) for entry, _ in rows],
        "REGION": [
            "" if image else _ds9_region(replace(entry, cut=False, margin_deg=0.0), "FITS") for entry, image in rows
        ],
        "IMAGE": [image for _, image in rows],
    }
    columns = [
        fits.Column(name, f"{max(map(len, values), default=0) or 1}A", array=np.array(values, dtype=str))
        for name, values in texts.items()
    ]
    columns.append(fits.Column("CUT", "B", array=np.array([entry.cut for entry, _ in rows], dtype=np.uint8)))
    columns.append(fits.Column("MARGIN", "D", unit="deg", array=np.array([entry.margin_deg for entry, _ in rows])))
    return fits.BinTableHDU.from_columns(columns, name="ENTRIES")


def _read_fits(file: Path, origin: str) -> list[ExclusionEntry]:
    """Return the entries of a FITS file, or its map as the only one."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "File may have been truncated|Error validating header", AstropyUserWarning)
        with open_hdulist(file) as hdus:
            if "ENTRIES" in hdus:
                return [_entry_of_row(row, hdus, file) for row in hdus["ENTRIES"].data]
            mask = as_boolean(Map.from_hdulist(hdus))
            if not mask.data.any():
                msg = "the mask is 0 everywhere and would exclude everything; give one that is 1 where data are used"
                raise DataError(msg)
    name = file.name.removesuffix(".gz").removesuffix(".fits")
    if mask.data.all():
        msg = f"the mask in {file} is 1 everywhere and excludes nothing; give one that is 0 where data are left out"
        warnings.warn(msg, FovnbWarning, stacklevel=4)
    return [ExclusionEntry(mask, name, origin)]


def _entry_of_row(row: Any, hdus: fits.HDUList, file: Path) -> ExclusionEntry:
    image = str(row["IMAGE"]).strip()
    area = (
        Map.from_hdulist(hdus, hdu=image) if image else parse_areas(str(row["REGION"]), str(file), refusal=DataError)[0]
    )
    name, origin = unquote(str(row["NAME"])), unquote(str(row["ORIGIN"]))
    return ExclusionEntry(area, name, origin, bool(row["CUT"]), float(row["MARGIN"]))


_DS9_NAMES = {
    "CircleAnnulus": "annulus",
    "EllipseAnnulus": "ellipse",
    "Rectangle": "box",
    "RectangleAnnulus": "box",
}


def _quoted(text: str) -> str:
    return quote(text, safe=_PLAIN)


def _number(value: float) -> str:
    """Return the shortest decimal number that is read back exactly, without an exponent."""
    return str(np.format_float_positional(value, trim="0"))


def _pair(first: float, second: float) -> str:
    return f"[{_number(first)}deg, {_number(second)}deg]"
