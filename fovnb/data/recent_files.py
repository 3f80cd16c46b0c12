"""The DL3 files that were read last.

A file is read once for all its parts, and what was made of them is kept, while it is among the last few. So memory does
not grow with the number of runs that are held; a run that is long past is read again when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from fovnb.data.fits_table import BinTable, read_tables
from fovnb.data.hdu_index import HduLocation
from fovnb.errors import DataError, FovnbError
from fovnb.text import did_you_mean

__all__ = ["RecentFiles"]

T = TypeVar("T")


class RecentFiles:
    """Reads parts of files and remembers the last files.

    Parameters
    ----------
    keep : int
        How many files are remembered, with the parts that were asked for: 2 - 3 MB each for a H.E.S.S. run.
    """

    def __init__(self, keep: int = 4) -> None:
        self._keep = keep
        self._open = lru_cache(maxsize=keep)(_File)

    def part(self, location: HduLocation, make: Callable[[BinTable], T]) -> T:
        """Return what ``make`` makes of a table; the same object while the file is remembered and unchanged.

        Raises
        ------
        FovnbError
            If the file or the table cannot be read, with the run and the file in the message.
        """
        path = location.path
        try:
            # The time of change is a part of the key, so that a file that was written anew is read anew.
            file = self._open(path, _changed_ns(path))
            return file.part(location.hdu_name.upper(), make)
        except FovnbError as error:
            msg = f"OBS_ID {location.obs_id}, {location.hdu_type} in {path.name}: {error}"
            raise type(error)(msg) from error

    def __reduce__(self) -> tuple[type[RecentFiles], tuple[int]]:
        return RecentFiles, (self._keep,)

    def __repr__(self) -> str:
        return f"RecentFiles(keep={self._keep})"


class _File:
    """The tables of one file, and the parts made of them."""

    def __init__(self, path: Path, _changed_ns: int) -> None:
        self._tables = read_tables(path)
        self._parts: dict[tuple[str, Callable[[BinTable], Any]], Any] = {}

    def part(self, name: str, make: Callable[[BinTable], T]) -> T:
        """Return what ``make`` makes of a table, made once."""
        if name not in self._tables:
            found = ", ".join(self._tables) or "none"
            near = did_you_mean(name, self._tables)
            msg = f"no table {name}{near}, only {found}; correct the index, or fetch the file again if it is damaged"
            raise DataError(msg)
        key = (name, make)
        if key not in self._parts:
            self._parts[key] = make(self._tables[name])
        part: T = self._parts[key]
        return part


def _changed_ns(path: Path) -> int:
    """Return when a file was changed; 0 if that cannot be told, since reading it will say why."""
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0
