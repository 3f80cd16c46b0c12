"""The files that a command is to write, checked before the work begins."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from fovnb.errors import DataError

__all__ = ["check_targets"]


def check_targets(paths: Iterable[Path], overwrite: bool) -> None:
    """Raise an error if files cannot be written; missing folders will be made.

    Raises
    ------
    DataError
        If a path is a folder, exists and is not to be replaced, or its folder cannot be written.

    Examples
    --------
    >>> check_targets([Path("report.html"), Path("ledger.ecsv")], overwrite=True)
    """
    for path in paths:
        _check(path, overwrite)


def _check(path: Path, overwrite: bool) -> None:
    doubt = ""
    try:
        if path.is_dir():
            doubt = "is a folder; give the name of a file in it"
        elif path.exists() and not overwrite:
            doubt = "exists; choose another name, or pass --overwrite to replace it"
        # Only a trial tells: permissions do not know of a disk that is read-only.
        tempfile.TemporaryFile(dir=next(filter(Path.exists, path.absolute().parents), path)).close()
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}; choose a folder that can be written"
        raise DataError(msg) from error
    if doubt:
        msg = f"{path} {doubt}"
        raise DataError(msg)
