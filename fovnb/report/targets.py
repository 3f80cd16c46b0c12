"""The files that a command is to write, checked before the work begins."""

import tempfile
from pathlib import Path

from fovnb.errors import DataError, InvalidInputError

__all__ = ["check_targets"]


def check_targets(output: Path, ledger: Path | None, overwrite: bool) -> None:
    """Raise an error if a report and a ledger cannot be written to these paths; missing folders will be made.

    Raises
    ------
    InvalidInputError
        If the two are the same file, or the ledger's name does not end in .ecsv.
    DataError
        If a path is a folder, exists and is not to be replaced, or its folder cannot be written.

    Examples
    --------
    >>> check_targets(Path("report.html"), Path("ledger.ecsv"), overwrite=True)
    """
    if ledger is not None and output.resolve() == ledger.resolve():
        msg = f"report and ledger are the same file, {output}; give the ledger another name"
        raise InvalidInputError(msg)
    if ledger is not None and ledger.suffix.lower() != ".ecsv":
        msg = f"{ledger} does not end in .ecsv, the format that a ledger is written in; give it this ending"
        raise InvalidInputError(msg)
    for path in (output, ledger):
        if path is not None:
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
