"""The HDU index: which table of which file holds what of which run."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from astropy.table import Table

from fovnb.errors import DataError, FovnbWarning

__all__ = ["HDU_TYPES", "IRFS", "HduLocation", "locations"]

IRFS = ("aeff", "edisp", "psf", "bkg")
HDU_TYPES = ("events", "gti", *IRFS)


@dataclass(frozen=True)
class HduLocation:
    """One row of the index.

    Parameters
    ----------
    obs_id : int
        Number of the run.
    hdu_type : str
        What the table holds, such as "events".
    base_dir : Path
        The folder of the data set, which no row may leave.
    file_dir, file_name, hdu_name : str
        Folder below the data set's, file, and name of the table.
    """

    obs_id: int
    hdu_type: str
    base_dir: Path
    file_dir: str
    file_name: str
    hdu_name: str

    @property
    def path(self) -> Path:
        """The file; where it leads is looked up each time, since a link may have taken its place.

        Raises
        ------
        DataError
            If the row leads out of the data set's folder.
        """
        if not self._leads_inside():
            # Without the path: reasons end up in ledgers and reports, which say nothing of the machine.
            msg = (
                f"the index row of OBS_ID {self.obs_id}, HDU_TYPE {self.hdu_type} leads outside of the data set's "
                "folder; correct its FILE_DIR and FILE_NAME, or copy the file into that folder"
            )
            raise DataError(msg)
        return self._path

    @cached_property
    def _path(self) -> Path:
        return self.base_dir / self.file_dir / self.file_name

    def _leads_inside(self) -> bool:
        """Return whether the path is a local one below the folder, also after links; a loop of links leads nowhere."""
        try:
            target = _followed(self._path)
            inside = _lies_in(target, str(self.base_dir)) or _lies_in(target, _followed(self.base_dir))
        except (OSError, RuntimeError, ValueError):
            return False
        return inside and "://" not in self.file_dir + self.file_name


def _followed(path: Path) -> str:
    """Return the absolute path, links followed, as text: `Path.resolve`, but quick where the path exists."""
    try:
        return os.path.realpath(path, strict=True)
    except OSError:
        return str(path.resolve())


def _lies_in(path: str, folder: str) -> bool:
    """Return whether a path is a folder's or below it; comparing texts is quicker than comparing paths."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def locations(hdu_table: Table, base_dir: Path) -> dict[int, dict[str, HduLocation]]:
    """Return the rows of the index by OBS_ID and HDU_TYPE; of two for one thing the first counts, with a warning."""
    found: dict[int, dict[str, HduLocation]] = {}
    again: list[str] = []
    columns = ("OBS_ID", "HDU_TYPE", "FILE_DIR", "FILE_NAME", "HDU_NAME")
    for obs_id, *texts in zip(*(hdu_table[name].tolist() for name in columns), strict=True):
        hdu_type, file_dir, file_name, hdu_name = (str(text).strip() for text in texts)
        location = HduLocation(obs_id, hdu_type.lower(), base_dir, file_dir, file_name, hdu_name)
        if found.setdefault(obs_id, {}).setdefault(location.hdu_type, location) is not location:
            again.append(f"{hdu_type} of {obs_id}")
    if again:
        msg = f"the index names more than once, and the first counts: {', '.join(again)}; remove the other rows"
        warnings.warn(msg, FovnbWarning, stacklevel=2)
    return found
