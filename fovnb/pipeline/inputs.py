"""The data of a recipe: which files it names, whether they changed, and the runs in them."""

import hashlib
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISLNK
from typing import Any, TypeAlias

from astropy.table import Table

from fovnb.data import DataStore, Observation
from fovnb.demo import demo_dir, make_demo
from fovnb.errors import DataError
from fovnb.files import read_whole
from fovnb.maps import Map
from fovnb.recipe import Data, Exclusion, Selection
from fovnb.recipe.paths import expand, resolve
from fovnb.steps import data_statements, exclusion_statements, execute

__all__ = [
    "Roots",
    "Stamps",
    "content_hashes",
    "exclusion_stamps",
    "find_runs",
    "index_stamps",
    "make_mask",
    "open_store",
    "run_key",
    "run_stamps",
    "stamps",
]

Roots: TypeAlias = Iterable[str | os.PathLike[str]] | None
Stamps: TypeAlias = tuple[tuple[str, int, int], ...]

_INDEX = tuple(f"{name}{suffix}" for name in ("hdu-index.fits", "obs-index.fits") for suffix in (".gz", ""))


def stamps(paths: Iterable[Path]) -> Stamps:
    """Return name, time of change [ns] and size of each file; -1 where there is none."""
    return tuple(_stamp(path) for path in paths)


def index_stamps(data: Data, roots: Roots = None) -> Stamps:
    """Return the stamps of the index files; simulated runs are written if they are not there.

    Raises
    ------
    RecipeError
        If the folder, or an index file that is a link, leads out of the roots.
    """
    if data.folder is None:
        folder = _demo_folder(data)
        return stamps(folder / name for name in _INDEX)
    folder = resolve(data.folder, roots)
    found = []
    for name in _INDEX:
        place = f"{folder}/{name}"
        stamp, is_link = _own_stamp(place)
        found.append(_stamp(resolve(f"{data.folder}/{name}", roots)) if is_link else stamp)
    return tuple(found)


def open_store(data: Data, roots: Roots = None) -> DataStore:
    """Return the data of a recipe, from their absolute folder on: they stay the same wherever the process goes.

    Raises
    ------
    DataError
        If the folder or an index is missing or broken; the message has the folder as the recipe has it.
    RecipeError
        If the folder lies outside of the roots.
    """
    if data.folder is None:
        store: DataStore = execute(data_statements(data)[:1])["data_store"]
        return store
    with _as_written([data.folder], roots):
        return DataStore.from_dir(resolve(data.folder, roots))


def find_runs(data: Data, store: DataStore) -> list[Observation]:
    """Return the runs of a recipe, in the order of their OBS_IDs.

    Raises
    ------
    DataError
        If there is no observation index to select by, or it lacks a column; if an OBS_ID is not there.
    """
    if data.selection is not None:
        _check_selectable(data.selection, store.obs_table)
    _, *statements = data_statements(data)
    return list(execute(statements, {"data_store": store})["observations"])


def run_stamps(observation: Observation) -> Stamps:
    """Return the stamps of the files of a run; of an index row that leads nowhere the reason, so that it stays one."""
    try:
        return stamps(observation.paths)
    except DataError as error:
        return ((str(error), -1, -1),)


def run_key(observation: Observation) -> Hashable:
    """Return all that a run is read from: its OBS_ID, what the index says of it, and the stamps of its files."""
    return observation.obs_id, observation.rows, run_stamps(observation)


def content_hashes(observation: Observation) -> list[str]:
    """Return the SHA-256 of what is in each file of a run, unzipped.

    Raises
    ------
    DataError
        If one cannot be read.
    """
    return [hashlib.sha256(read_whole(path)).hexdigest() for path in observation.paths]


def exclusion_stamps(exclusion: Exclusion, roots: Roots = None) -> Stamps:
    """Return the stamps of the files that the exclusion mask is made from."""
    return stamps(resolve(path, roots) for path in _named(exclusion))


def make_mask(exclusion: Exclusion, names: Mapping[str, Any], roots: Roots = None) -> Map:
    """Return the exclusion mask on ``geom``, one of the names, of an exclusion that excludes anything.

    Raises
    ------
    DataError
        If a file cannot be used; the message has it as the recipe has it.
    """
    with _as_written(_named(exclusion), roots):
        mask: Map = execute(exclusion_statements(exclusion), names)["exclusion_mask"]
    return mask


def _named(exclusion: Exclusion) -> list[str]:
    """Return the files that an exclusion names."""
    named = [exclusion.file, None if exclusion.catalogue is None else exclusion.catalogue.file]
    return [path for path in named if path is not None]


def _demo_folder(data: Data) -> Path:
    """Return where the simulated runs are; asking `make_demo` each time would read more."""
    folder = demo_dir(data.demo_runs)
    return folder if folder.is_dir() else make_demo(runs=data.demo_runs)


def _stamp(path: Path) -> tuple[str, int, int]:
    return _own_stamp(str(path), os.stat)[0]


def _own_stamp(path: str, look: Callable[[str], os.stat_result] = os.lstat) -> tuple[tuple[str, int, int], bool]:
    """Return the stamp of a path as it is, and whether it is a link: both from one question."""
    try:
        found = look(path)
    except (OSError, ValueError):
        return (path, -1, -1), False
    return (path, found.st_mtime_ns, found.st_size), S_ISLNK(found.st_mode)


@contextmanager
def _as_written(paths: Iterable[str], roots: Roots) -> Iterator[None]:
    """Show paths in the messages of errors as the recipe has them: they say nothing of the machine."""
    shown = [(str(place), path) for path in paths for place in (resolve(path, roots), expand(path))]
    try:
        yield
    except DataError as error:
        msg = str(error)
        for place, path in sorted(shown, key=lambda pair: len(pair[0]), reverse=True):
            msg = msg.replace(place, path)
        raise type(error)(msg) from error


def _check_selectable(asked: Selection, table: Table | None) -> None:
    """Refuse a selection by columns that are not there."""
    if table is None:
        msg = "data.selection needs an observation index, obs-index.fits.gz, and there is none; give data.obs_ids"
        raise DataError(msg)
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
