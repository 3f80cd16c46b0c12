"""The data of a recipe: which files it names, whether they changed, and the runs in them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from fovnb.data import DataStore, Observation
from fovnb.errors import DataError
from fovnb.files import read_whole
from fovnb.recipe import Data, Exclusion
from fovnb.recipe.paths import resolve
from fovnb.steps import data_statements, execute

__all__ = ["Roots", "Stamps", "content_hash", "exclusion_stamps", "find_runs", "index_stamps", "run_stamps", "stamps"]

Roots: TypeAlias = Iterable[str | Path] | None
Stamps: TypeAlias = tuple[tuple[str, int, int], ...]

_INDEX = tuple(f"{name}{suffix}" for name in ("hdu-index.fits", "obs-index.fits") for suffix in (".gz", ""))


def stamps(paths: Iterable[Path]) -> Stamps:
    """Return name, time of change [ns] and size of each file; -1 where there is none."""
    return tuple(_stamp(path) for path in paths)


def index_stamps(data: Data, roots: Roots = None) -> Stamps:
    """Return the stamps of the index files, none for simulated runs, whose folder's name holds what they are.

    Raises
    ------
    RecipeError
        If the folder lies outside of the roots.
    """
    if data.folder is None:
        return ()
    folder = resolve(data.folder, roots)
    return stamps(folder / name for name in _INDEX)


def exclusion_stamps(exclusion: Exclusion, roots: Roots = None) -> Stamps:
    """Return the stamps of the files that the exclusion mask is made from."""
    named = [exclusion.file, None if exclusion.catalogue is None else exclusion.catalogue.file]
    return stamps(resolve(path, roots) for path in named if path is not None)


def run_stamps(observation: Observation) -> Stamps:
    """Return the stamps of the files of a run; of an index row that leads nowhere the reason, so that it stays one."""
    try:
        return stamps(observation.paths)
    except DataError as error:
        return ((str(error), -1, -1),)


def find_runs(data: Data, store: DataStore) -> list[Observation]:
    """Return the runs of a recipe, in the order of their OBS_IDs.

    Raises
    ------
    DataError
        If there is no observation index to select by, or it lacks a column; if an OBS_ID is not there.
    """
    if data.selection is not None:
        _check_selectable(data, store)
    _, *statements = data_statements(data)
    return list(execute(statements, {"data_store": store})["observations"])


def content_hash(observation: Observation) -> str:
    """Return the SHA-256 of what is in the files of a run, unzipped.

    Raises
    ------
    DataError
        If one cannot be read.
    """
    digest = hashlib.sha256()
    for path in observation.paths:
        digest.update(read_whole(path))
    return digest.hexdigest()


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return str(path), -1, -1
    return str(path), found.st_mtime_ns, found.st_size


def _check_selectable(data: Data, store: DataStore) -> None:
    """Refuse a selection by columns that are not there."""
    asked = data.selection
    table = store.obs_table
    if table is None:
        msg = "data.selection needs an observation index, obs-index.fits.gz, and there is none; give data.obs_ids"
        raise DataError(msg)
    if asked is None:
        return
    needed = {
        "OBJECT": asked.target,
        "ZEN_PNT": asked.zenith_max_deg,
        "QUALITY": asked.quality_max,
        "RA_PNT": asked.cone,
        "DEC_PNT": asked.cone,
    }
    missing = [name for name, value in needed.items() if value is not None and name not in table.colnames]
    if missing:
        msg = (
            f"data.selection needs the column {missing[0]}, which the observation index lacks; leave that condition out"
        )
        raise DataError(msg)
