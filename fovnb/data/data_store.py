"""A folder of DL3 data, found through its two index files."""

from __future__ import annotations

import operator
import os
import warnings
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy.table import Table, unique

from fovnb.data.fits_table import read_tables, require_columns
from fovnb.data.hdu_index import HDU_TYPES, IRFS, HduLocation, locations
from fovnb.data.observation import Observation
from fovnb.data.observations import Observations
from fovnb.data.recent_files import RecentFiles
from fovnb.errors import DataError, FovnbWarning, InvalidInputError, UnknownObservationError
from fovnb.files import make_path
from fovnb.text import did_you_mean, html_summary, text_summary
from fovnb.types import IntArray

__all__ = ["DataStore"]

REQUIRED_IRFS = MappingProxyType({"full-enclosure": IRFS, "point-like": ("aeff", "edisp"), "all-optional": ()})


class DataStore:
    """A folder of DL3 data.

    Parameters
    ----------
    hdu_table : `~astropy.table.Table`
        The HDU index, with the data's folder as ``meta["BASE_DIR"]``.
    obs_table : `~astropy.table.Table`, optional
        The observation index.

    Examples
    --------
    >>> from fovnb.demo import make_demo
    >>> data_store = DataStore.from_dir(make_demo())
    >>> for observation in data_store.get_observations([1, 2]):
    ...     print(observation.obs_id, observation.observation_time_duration)
    1 1680.0 s
    2 1680.0 s
    """

    DEFAULT_HDU_TABLE = "hdu-index.fits.gz"
    DEFAULT_OBS_TABLE = "obs-index.fits.gz"

    def __init__(self, hdu_table: Table, obs_table: Table | None = None) -> None:
        self.hdu_table = hdu_table
        self.obs_table = None if obs_table is None else _one_row_a_run(obs_table)
        self._files = RecentFiles()

    @classmethod
    def from_dir(
        cls,
        base_dir: str | os.PathLike[str],
        hdu_table_filename: str | os.PathLike[str] | None = None,
        obs_table_filename: str | os.PathLike[str] | None = None,
    ) -> DataStore:
        """Open a folder; ``~`` and environment variables such as ``$GAMMAPY_DATA`` are filled in.

        Parameters
        ----------
        base_dir : str or Path
            The folder. No row of the index may lead out of it.
        hdu_table_filename, obs_table_filename : str or Path, optional
            The index files, from the folder on or absolute. By default hdu-index.fits.gz and obs-index.fits.gz, or the
            same without .gz; the default observation index may be missing.

        Raises
        ------
        DataError
            If the folder or an index is missing, broken, or lacks a column.
        """
        folder = make_path(base_dir)
        if not folder.is_dir():
            msg = f"{folder} is no folder; give the folder that holds {cls.DEFAULT_HDU_TABLE}"
            raise DataError(msg)
        hdu_path = _index_path(folder, hdu_table_filename, cls.DEFAULT_HDU_TABLE)
        hdu_table = _read_index(hdu_path, "OBS_ID", "HDU_TYPE", "HDU_CLASS", "FILE_DIR", "FILE_NAME", "HDU_NAME")
        hdu_table.meta["BASE_DIR"] = str(folder)
        obs_path = _index_path(folder, obs_table_filename, cls.DEFAULT_OBS_TABLE)
        given = obs_table_filename is not None or obs_path.exists()
        return cls(hdu_table, _read_index(obs_path, "OBS_ID") if given else None)

    @property
    def obs_ids(self) -> IntArray:
        """The OBS_IDs of the HDU index, sorted."""
        return np.array(sorted(self._locations), dtype=np.intp)

    def info(self, show: bool = True) -> str | None:
        """Print a summary, or return it if ``show`` is False."""
        text = text_summary("DataStore", self._summary())
        if not show:
            return text
        print(text)
        return None

    def obs(self, obs_id: int | str, required_irf: str | Iterable[str] = "full-enclosure") -> Observation:
        """Return one run; nothing is read yet.

        Parameters
        ----------
        obs_id : int or str
            Number of the run.
        required_irf : str or list of str
            What the index must list besides events and gti: some of "aeff", "edisp", "psf", "bkg", or "full-enclosure"
            for all of them, "point-like" for aeff and edisp, "all-optional" for none.

        Raises
        ------
        UnknownObservationError
            If the index holds no such run.
        DataError
            If the index lacks a required part of it.
        """
        hdus = self._hdus(_as_int(obs_id))
        missing = _missing(hdus, required_irf)
        if missing:
            msg = f"the index lists no {', '.join(missing)} of OBS_ID {obs_id}; leave it out, or relax required_irf="
            raise DataError(msg)
        return Observation(_as_int(obs_id), hdus, self._files)

    def get_observations(
        self,
        obs_id: Iterable[int | str] | int | str | None = None,
        skip_missing: bool = False,
        required_irf: str | Iterable[str] = "full-enclosure",
    ) -> Observations:
        """Return runs; nothing is read yet.

        Runs of which the index lacks a required part are left out with a `FovnbWarning`.

        Parameters
        ----------
        obs_id : list of int, optional
            Numbers of the runs; by default all, sorted.
        skip_missing : bool
            Whether unknown runs are left out with a warning, too, instead of raising an error.
        required_irf : str or list of str
            See `obs`.

        Raises
        ------
        UnknownObservationError
            If the index holds no such run and ``skip_missing`` is False.
        """
        wanted = self.obs_ids.tolist() if obs_id is None else _as_ints(obs_id)
        required = required_irf if isinstance(required_irf, str) else tuple(required_irf)
        unknown = [number for number in wanted if number not in self._locations]
        if unknown and not skip_missing:
            self._hdus(unknown[0])
        known = [number for number in wanted if number in self._locations]
        lacking = {number for number in known if _missing(self._locations[number], required)}
        found = [number for number in known if number not in lacking]
        _warn("are not in the index and are left out", unknown)
        _warn(f"lack a part that {required!r} requires and are left out", sorted(lacking))
        _warn("are asked for more than once and count more than once", [n for n, k in Counter(wanted).items() if k > 1])
        return Observations(Observation(number, self._locations[number], self._files) for number in found)

    def __repr__(self) -> str:
        return text_summary("DataStore", self._summary())

    def _repr_html_(self) -> str:
        return html_summary("DataStore", self._summary())

    @cached_property
    def _locations(self) -> dict[int, dict[str, HduLocation]]:
        return locations(self.hdu_table, Path(self.hdu_table.meta.get("BASE_DIR", ".")))

    def _hdus(self, obs_id: int) -> dict[str, HduLocation]:
        """Return where the parts of a run lie."""
        if obs_id in self._locations:
            return self._locations[obs_id]
        near = ", ".join(_near(obs_id, list(self._locations))) or "none"
        msg = f"OBS_ID {obs_id} is not among the {len(self._locations)} of the index; near are {near}; see .obs_ids"
        raise UnknownObservationError(msg)

    def _summary(self) -> dict[str, object]:
        ids = self.obs_ids
        return {
            "folder": self.hdu_table.meta.get("BASE_DIR", "."),
            "observations": f"{len(ids)}, OBS_ID {ids[0]} to {ids[-1]}" if len(ids) else "none",
            "HDU_TYPE": _names(self.hdu_table["HDU_TYPE"]),
            "HDU_CLASS": _names(self.hdu_table["HDU_CLASS"]),
            "observation index": "none" if self.obs_table is None else f"{len(self.obs_table)} rows",
        }


def _index_path(folder: Path, name: str | os.PathLike[str] | None, default: str) -> Path:
    """Return the path of an index file; the default one may lack its .gz."""
    if name is not None:
        return folder / make_path(name)
    unzipped = folder / default.removesuffix(".gz")
    return unzipped if unzipped.exists() and not (folder / default).exists() else folder / default


def _read_index(path: Path, *required: str) -> Table:
    """Return the first table of an index file."""
    tables = list(read_tables(path).values())
    if not tables:
        msg = f"{path} holds no table; expected an index with the columns {', '.join(required)}"
        raise DataError(msg)
    try:
        require_columns(tables[0], *required)
        table = tables[0].to_table()
    except DataError as error:
        msg = f"{path}: {error}"
        raise DataError(msg) from error
    if table["OBS_ID"].dtype.kind not in "iu" or table["OBS_ID"].ndim != 1:
        msg = f"{path} holds OBS_ID as {table['OBS_ID'].dtype}; expected whole numbers, one a row; repair the index"
        raise DataError(msg)
    return table


def _names(column: Any) -> str:
    """Return the different values of a column, as text."""
    return ", ".join(sorted({str(value) for value in column.tolist()}))


def _one_row_a_run(obs_table: Table) -> Table:
    """Return the table sorted by OBS_ID, the first row of each."""
    in_order = bool(np.all(np.diff(obs_table["OBS_ID"]) > 0))
    return obs_table if in_order else unique(obs_table, keys="OBS_ID")


def _missing(hdus: dict[str, HduLocation], required_irf: str | Iterable[str]) -> list[str]:
    """Return which required parts a run lacks."""
    if isinstance(required_irf, str) and required_irf not in REQUIRED_IRFS:
        near = did_you_mean(required_irf, REQUIRED_IRFS)
        msg = f"required_irf = {required_irf!r}{near}; give a list, or one of {', '.join(REQUIRED_IRFS)}"
        raise InvalidInputError(msg)
    irfs = REQUIRED_IRFS[required_irf] if isinstance(required_irf, str) else tuple(required_irf)
    unknown = sorted(set(irfs).difference(HDU_TYPES))
    if unknown:
        msg = f"required_irf holds {', '.join(unknown)}{did_you_mean(unknown[0], IRFS)}; give some of {list(IRFS)}"
        raise InvalidInputError(msg)
    return [name for name in ("events", "gti", *irfs) if name not in hdus]


def _near(obs_id: int, known: list[int]) -> list[str]:
    """Return the three OBS_IDs that look most like a mistyped one, or else are nearest as numbers."""
    alike = get_close_matches(str(obs_id), map(str, known), n=3, cutoff=0.75)
    return alike or [str(number) for number in sorted(known, key=lambda number: abs(number - obs_id))[:3]]


def _as_int(obs_id: int | str) -> int:
    try:
        return int(obs_id) if isinstance(obs_id, str) else operator.index(obs_id)
    except (TypeError, ValueError) as error:
        msg = f"{obs_id!r} is no OBS_ID; give a whole number such as 23592"
        raise InvalidInputError(msg) from error


def _as_ints(obs_id: Any) -> list[int]:
    """Return OBS_IDs as a list, also if there is only one."""
    return [_as_int(number) for number in np.ravel(obs_id).tolist()]


def _warn(what: str, obs_ids: Iterable[int]) -> None:
    names = ", ".join(map(str, obs_ids))
    if names:
        msg = f"OBS_ID {names} {what}"
        warnings.warn(msg, FovnbWarning, stacklevel=3)
