"""Tiny DL3 data sets (GADF 0.2 layout) for tests, sound or broken on purpose.

``write_dl3(tmp_path, [run(1), run(2, n_events=0)])`` writes two runs and their index files::

    run(1, header={"DEADC": None})        # without this keyword in EVENTS
    run(1, drop=["PSF"])                  # without this table; the index still lists it
    run(1, tables={"AEFF": my_hdu})       # another table in the place of the usual one
    run(1, drop_columns={"GTI": ["STOP"]})
    write_dl3(tmp_path, runs, index_row=lambda row: {**row, "FILE_NAME": "gone.fits"})
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

__all__ = [
    "HDU_CLASSES",
    "Run",
    "aeff_hdu",
    "bkg_hdu",
    "edisp_hdu",
    "events_hdu",
    "gti_hdu",
    "psf_hdu",
    "run",
    "write_dl3",
]

HDU_CLASSES = {
    "events": "events",
    "gti": "gti",
    "aeff": "aeff_2d",
    "edisp": "edisp_2d",
    "psf": "psf_table",
    "bkg": "bkg_3d",
}
TIME = {"MJDREFI": 51910, "MJDREFF": 0.000742870370370241, "TIMEUNIT": "s", "TIMESYS": "TT", "TIMEREF": "local"}
TSTART = 124235636.0
ENERGY = np.geomspace(0.1, 100, 13)
OFFSET = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
INDEX_COLUMNS = ("OBS_ID", "HDU_TYPE", "HDU_CLASS", "FILE_DIR", "FILE_NAME", "HDU_NAME")
Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run: its number and its tables by name."""

    obs_id: int
    tables: Mapping[str, fits.BinTableHDU]


def run(
    obs_id: int = 1,
    *,
    pointing: tuple[float, float] = (83.63, 21.51),
    ontime: float = 1800.0,
    deadc: float = 0.9,
    n_events: int = 50,
    columns: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
    intervals: Sequence[tuple[float, float]] | None = None,
    tables: Mapping[str, fits.BinTableHDU] | None = None,
    drop: Iterable[str] = (),
    drop_columns: Mapping[str, Sequence[str]] | None = None,
) -> Run:
    """Return a run.

    Parameters
    ----------
    obs_id, pointing, ontime, deadc, n_events
        Number, RA and DEC in deg, length in s, live fraction; events lie within about 1 deg of the pointing.
    columns, header
        Replace columns of EVENTS, and its keywords (None deletes one).
    intervals
        Good times in s from the start of the run, by default one of the whole length.
    tables, drop, drop_columns
        Replace, leave out, and thin out tables, by their names in capitals.
    """
    found = {
        "EVENTS": events_hdu(obs_id, pointing, ontime, deadc, n_events, columns or {}, header or {}),
        "GTI": gti_hdu(intervals if intervals is not None else [(0, ontime)]),
        "AEFF": aeff_hdu(),
        "EDISP": edisp_hdu(),
        "PSF": psf_hdu(),
        "BKG": bkg_hdu(),
        **(tables or {}),
    }
    for name, lost in (drop_columns or {}).items():
        kept = [column for column in found[name].columns if column.name not in lost]
        found[name] = fits.BinTableHDU.from_columns(fits.ColDefs(kept), header=_content(found[name].header), name=name)
    return Run(obs_id, {name: hdu for name, hdu in found.items() if name not in drop})


def write_dl3(
    folder: Path,
    runs: Sequence[Run | int] | None = None,
    *,
    zipped: bool = True,
    file_dir: str = "data",
    index_row: Callable[[Row], Row | None] | None = None,
    drop_index_columns: Iterable[str] = (),
    obs_index: bool = True,
) -> Path:
    """Write runs (by default one, OBS_ID 1) and their index files; return the folder.

    Parameters
    ----------
    folder, runs, zipped, file_dir
        Where, what, whether as .fits.gz, and the folder of the runs' files. A bare OBS_ID gets index rows, but no file.
    index_row
        Changes a row of the HDU index, or removes it by returning None.
    drop_index_columns
        Columns left out of the HDU index.
    obs_index
        Whether there is an observation index.
    """
    runs = [run()] if runs is None else runs
    suffix = ".fits.gz" if zipped else ".fits"
    rows: list[Row | None] = []
    (folder / file_dir).mkdir(parents=True, exist_ok=True)
    for one in runs:
        obs_id = one.obs_id if isinstance(one, Run) else one
        name = f"run_{obs_id}{suffix}"
        if isinstance(one, Run):
            fits.HDUList([fits.PrimaryHDU(), *one.tables.values()]).writeto(folder / file_dir / name, overwrite=True)
        new = [index_entry(obs_id, hdu_type, file_dir, name) for hdu_type in HDU_CLASSES]
        rows += [index_row(row) if index_row else row for row in new]
    kept = [{k: v for k, v in row.items() if k not in set(drop_index_columns)} for row in rows if row is not None]
    table_hdu(kept, "HDU_INDEX").writeto(folder / f"hdu-index{suffix}", overwrite=True)
    if obs_index:
        index = [obs_entry(one) for one in runs]
        table_hdu(index, "OBS_INDEX", TIME).writeto(folder / f"obs-index{suffix}", overwrite=True)
    return folder


def index_entry(obs_id: int, hdu_type: str, file_dir: str, file_name: str) -> Row:
    """Return a row of the HDU index."""
    return {
        "OBS_ID": obs_id,
        "HDU_TYPE": hdu_type,
        "HDU_CLASS": HDU_CLASSES[hdu_type],
        "FILE_DIR": file_dir,
        "FILE_NAME": file_name,
        "HDU_NAME": hdu_type.upper(),
    }


def obs_entry(one: Run | int) -> Row:
    """Return a row of the observation index."""
    obs_id, tables = (one.obs_id, one.tables) if isinstance(one, Run) else (one, {})
    header = tables["EVENTS"].header if "EVENTS" in tables else {}
    keys = ("RA_PNT", "DEC_PNT", "TSTART", "TSTOP", "DEADC")
    return {"OBS_ID": obs_id, **{key: _float(header.get(key)) for key in keys}, "OBJECT": "test"}


def _float(value: Any) -> float:
    """Return a number; NaN where a header that is broken on purpose holds none."""
    return float(value) if isinstance(value, int | float) else np.nan


def table_hdu(rows: Sequence[Row], name: str, header: Mapping[str, Any] | None = None) -> fits.BinTableHDU:
    """Return a table of integers, floats and texts."""
    columns = []
    for key in rows[0] if rows else INDEX_COLUMNS:
        values = np.array([row[key] for row in rows], dtype=None if rows else int if key == "OBS_ID" else "U1")
        code = {"i": "K", "f": "D"}.get(values.dtype.kind) or f"{values.itemsize // 4}A"
        columns.append(fits.Column(key, code, array=values))
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    hdu.header.update(header or {})
    return hdu


def events_hdu(
    obs_id: int = 1,
    pointing: tuple[float, float] = (83.63, 21.51),
    ontime: float = 1800.0,
    deadc: float = 0.9,
    n_events: int = 50,
    columns: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
) -> fits.BinTableHDU:
    """Return an event list: Gaussian around the pointing, E^-2 above 0.3 TeV, evenly in time."""
    rng = np.random.default_rng(obs_id)
    values = {
        "EVENT_ID": np.arange(n_events),
        "TIME": TSTART + np.linspace(0, ontime, n_events),
        "RA": pointing[0] + rng.normal(0, 0.7, n_events),
        "DEC": pointing[1] + rng.normal(0, 0.7, n_events),
        "ENERGY": 0.3 / rng.uniform(0.01, 1, n_events),
        **(columns or {}),
    }
    formats = {
        "EVENT_ID": ("K", None),
        "TIME": ("D", "s"),
        "RA": ("E", "deg"),
        "DEC": ("E", "deg"),
        "ENERGY": ("E", "TeV"),
    }
    keys = {
        "HDUCLASS": "GADF",
        "HDUVERS": "0.2",
        "HDUCLAS1": "EVENTS",
        "TELESCOP": "TEST",
        "OBS_ID": obs_id,
        "OBJECT": "Crab <b>Nebula</b>",
        "OBS_MODE": "WOBBLE",
        "RA_OBJ": 83.63,
        "DEC_OBJ": 22.01,
        "RA_PNT": pointing[0],
        "DEC_PNT": pointing[1],
        "ALT_PNT": 41.6,
        "AZ_PNT": 21.8,
        "TSTART": TSTART,
        "TSTOP": TSTART + ontime,
        "ONTIME": ontime,
        "LIVETIME": ontime * deadc,
        "DEADC": deadc,
        "GEOLON": 16.5,
        "GEOLAT": -23.3,
        "ALTITUDE": 1835.0,
        **TIME,
        **(header or {}),
    }
    found = [fits.Column(name, *formats.get(name, ("D", None)), array=array) for name, array in values.items()]
    hdu = fits.BinTableHDU.from_columns(found, name="EVENTS", nrows=n_events)
    hdu.header.update({key: value for key, value in keys.items() if value is not None})
    return hdu


def gti_hdu(intervals: Sequence[tuple[float, float]] = ((0, 1800),)) -> fits.BinTableHDU:
    """Return good times, in s from the start of the run."""
    times = TSTART + np.array(intervals, dtype=float).reshape(-1, 2)
    columns = [fits.Column(name, "D", "s", array=times[:, i]) for i, name in enumerate(("START", "STOP"))]
    hdu = fits.BinTableHDU.from_columns(columns, name="GTI")
    hdu.header.update(TIME)
    return hdu


def aeff_hdu(data: Any = 1e5, energy: Any = ENERGY, offset: Any = OFFSET) -> fits.BinTableHDU:
    """Return an effective area in m2; data broadcast to (offset, energy)."""
    axes = {"ENERG": (energy, "TeV"), "THETA": (offset, "deg")}
    return irf_hdu("AEFF", axes, ("EFFAREA", "m2", data), "EFF_AREA", "AEFF_2D")


def edisp_hdu(data: Any = None, energy: Any = ENERGY, offset: Any = OFFSET) -> fits.BinTableHDU:
    """Return an energy dispersion; data broadcast to (offset, migra, energy), by default a Gaussian of 20 %."""
    migra = np.linspace(0, 4, 81)
    shape = np.exp(-(((_centers(migra) - 1) / 0.2) ** 2) / 2)
    data = (shape / (shape.sum() * 0.05))[:, np.newaxis] if data is None else data
    axes = {"ENERG": (energy, "TeV"), "MIGRA": (migra, ""), "THETA": (offset, "deg")}
    return irf_hdu("EDISP", axes, ("MATRIX", "", data), "EDISP", "EDISP_2D")


def psf_hdu(data: Any = None, energy: Any = ENERGY, offset: Any = OFFSET) -> fits.BinTableHDU:
    """Return a point spread function in sr-1; data broadcast to (rad, offset, energy), Gaussian by default."""
    rad = np.linspace(0, 0.5, 26)
    solid = np.pi * np.diff(np.deg2rad(rad) ** 2)
    shape = np.exp(-((_centers(rad) / 0.07) ** 2) / 2)
    data = (shape / (shape * solid).sum())[:, np.newaxis, np.newaxis] if data is None else data
    axes = {"ENERG": (energy, "TeV"), "THETA": (offset, "deg"), "RAD": (rad, "deg")}
    return irf_hdu("PSF", axes, ("RPSF", "sr-1", data), "RPSF", "PSF_TABLE")


def bkg_hdu(data: Any = None, energy: Any = ENERGY, header: Mapping[str, Any] | None = None) -> fits.BinTableHDU:
    """Return a background in s-1 MeV-1 sr-1; data broadcast to (energy, lat, lon), by default E^-3 and flat."""
    det = np.linspace(-3, 3, 15)
    data = 1e-6 * (_centers(energy) ** -3.0)[:, np.newaxis, np.newaxis] if data is None else data
    axes = {"DETX": (det, "deg"), "DETY": (det, "deg"), "ENERG": (energy, "TeV")}
    return irf_hdu(
        "BKG", axes, ("BKG", "s-1 MeV-1 sr-1", data), "BKG", "BKG_3D", {"FOVALIGN": "RADEC", **(header or {})}
    )


def irf_hdu(
    name: str,
    axes: Mapping[str, tuple[Any, str]],
    values: tuple[str, str, Any],
    hduclas2: str,
    hduclas4: str,
    header: Mapping[str, Any] | None = None,
) -> fits.BinTableHDU:
    """Return a response of one row: lower and upper edges of the axes, the fastest first, then the values."""
    columns = []
    for prefix, (edges, unit) in axes.items():
        for suffix, cell in (("LO", edges[:-1]), ("HI", edges[1:])):
            columns.append(fits.Column(f"{prefix}_{suffix}", f"{len(cell)}E", unit, array=np.array([cell])))
    shape = tuple(len(edges) - 1 for edges, _ in reversed(axes.values()))
    column, unit, data = values
    cell = np.broadcast_to(np.asarray(data, dtype=np.float32), shape)
    columns.append(fits.Column(column, f"{cell.size}E", unit, dim=str(shape[::-1]), array=cell[np.newaxis]))
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    classes = {"HDUCLASS": "GADF", "HDUVERS": "0.2", "HDUCLAS1": "RESPONSE", "HDUCLAS2": hduclas2}
    hdu.header.update({**classes, "HDUCLAS3": "FULL-ENCLOSURE", "HDUCLAS4": hduclas4, **(header or {})})
    return hdu


def _centers(edges: Any) -> Any:
    return (np.asarray(edges)[1:] + np.asarray(edges)[:-1]) / 2


def _content(header: fits.Header) -> fits.Header:
    """Return the header without the cards that describe the columns."""
    return fits.Header(
        [card for card in header.cards if not card.keyword.startswith(("T", "NAXIS")) or card.keyword in TIME]
    )
