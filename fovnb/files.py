"""Paths as users write them, files that are read whole, and files that appear whole or not at all."""

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fovnb.errors import DataError, InvalidInputError

__all__ = ["make_path", "read_whole", "replace_whole"]


def make_path(path: str | os.PathLike[str]) -> Path:
    """Return the path with ``~`` and environment variables such as ``$GAMMAPY_DATA`` filled in.

    Raises
    ------
    DataError
        If the path names an environment variable that is not set, or a user whose home is not known.
    InvalidInputError
        If it is no path.

    Examples
    --------
    >>> make_path("data/run.fits").name
    'run.fits'
    """
    try:
        expanded = os.path.expandvars(os.fspath(path))
    except TypeError as error:
        msg = f"{path!r} is no path; give a str or a Path"
        raise InvalidInputError(msg) from error
    whole = Path(expanded)
    too_long = len(os.fsencode(expanded)) > 255 and any(len(os.fsencode(part)) > 255 for part in whole.parts)
    if "\0" in expanded or too_long:
        msg = f"{expanded[:80]!r} is no path: a name in it is longer than 255 bytes or holds a zero byte; give another"
        raise InvalidInputError(msg)
    if "$" in expanded:
        name = expanded[expanded.index("$") :].lstrip("${").split("/")[0].rstrip("}")
        if name and name not in os.environ:
            msg = f"{os.fspath(path)} names the variable {name}, which is not set; set it or write the path out"
            raise DataError(msg)
    try:
        return whole.expanduser()
    except RuntimeError as error:
        msg = f"{expanded} begins with a home folder that is not known; write the path out"
        raise DataError(msg) from error


def read_whole(path: Path) -> bytes:
    """Return the bytes of a file, unzipped if they are zipped.

    Raises
    ------
    DataError
        If the file is missing, is none (a folder or a pipe), cannot be read or cannot be unzipped.
    """
    try:
        if path.exists() and not path.is_file():
            msg = f"{path} is no file; give a file that can be read as a whole"
            raise DataError(msg)
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except DataError:
        raise
    except FileNotFoundError as error:
        msg = f"{path} does not exist; fetch the file, or check the path and the index"
        raise DataError(msg) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path} cannot be unzipped ({error}); the file is cut off or damaged, fetch it again"
        raise DataError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read ({_reason(error)}); expected a file that you may read"
        raise DataError(msg) from error


@contextmanager
def replace_whole(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to, and rename it to ``path`` when all went well.

    Whatever fails, ``path`` holds what it held before and no temporary file is left.

    Raises
    ------
    DataError
        If the file exists and ``overwrite`` is False, or the folder cannot be written.
    """
    try:
        if path.exists() and not overwrite:
            msg = f"{path} exists; pass overwrite=True to replace it"
            raise DataError(msg)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix="".join(path.suffixes[-2:]), dir=path.parent)
    except DataError:
        raise
    except (OSError, ValueError) as error:
        msg = f"cannot write {path}: {_reason(error)}; choose a folder that exists and can be written"
        raise DataError(msg) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except DataError:
        raise
    except OSError as error:
        msg = f"could not write {path}: {_reason(error)}; nothing was changed"
        raise DataError(msg) from error
    finally:
        temporary.unlink(missing_ok=True)


def _reason(error: OSError | ValueError) -> str:
    """Return what went wrong, without number and path."""
    return str(getattr(error, "strerror", None) or error)


def _umask() -> int:
    """Return the process's file mode mask; the only portable way to read it is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
