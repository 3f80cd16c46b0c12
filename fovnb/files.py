"""Paths as users write them, and files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fovnb.errors import DataError

__all__ = ["make_path", "replace_whole"]


def make_path(path: str | os.PathLike[str]) -> Path:
    """Return the path with ``~`` and environment variables such as ``$GAMMAPY_DATA`` filled in.

    Raises
    ------
    DataError
        If the path names an environment variable that is not set.

    Examples
    --------
    >>> make_path("data/run.fits").name
    'run.fits'
    """
    expanded = os.path.expandvars(os.fspath(path))
    if "$" in expanded:
        name = expanded[expanded.index("$") :].lstrip("${").split("/")[0].rstrip("}")
        if name and name not in os.environ:
            msg = f"{os.fspath(path)} names the variable {name}, which is not set; set it or write the path out"
            raise DataError(msg)
    return Path(expanded).expanduser()


@contextmanager
def replace_whole(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to, and rename it to ``path`` when all went well.

    Whatever fails, ``path`` holds what it held before and no temporary file is left.

    Raises
    ------
    DataError
        If the file exists and ``overwrite`` is False, or the folder cannot be written.
    """
    if path.exists() and not overwrite:
        msg = f"{path} exists; pass overwrite=True to replace it"
        raise DataError(msg)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix="".join(path.suffixes[-2:]), dir=path.parent)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}; choose a folder that exists and can be written"
        raise DataError(msg) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if isinstance(error, DataError):
            raise
        msg = f"could not write {path}: {error.strerror or error}; nothing was changed"
        raise DataError(msg) from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Return the process's file mode mask; the only portable way to read it is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
