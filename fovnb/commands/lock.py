"""A folder that one process at a time works in; it is free as soon as that process ends, however it ends."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fovnb.errors import DataError

__all__ = ["LOCK", "locked"]

LOCK = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder and hold it.

    Raises
    ------
    DataError
        If another process holds it, or it cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name, locked(Path(name)):
    ...     print("alone")
    alone
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = _held(folder / LOCK)
    except BlockingIOError as error:
        msg = f"another run is at work in {folder.parent}; wait until it has finished or choose another folder"
        raise DataError(msg) from error
    except OSError as error:
        msg = f"cannot write into {folder}: {error.strerror}; choose a folder that can be written"
        raise DataError(msg) from error
    with held:
        yield


def _held(path: Path) -> AbstractContextManager[Any]:
    """Return a file that is open and locked; where there are no locks, on Windows and some network disks, it is not."""
    try:
        import fcntl
    except ImportError:
        return nullcontext()
    # No link is followed, and no reader of a pipe waited for.
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666), "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
            raise BlockingIOError  # who held it has removed it since
    except BlockingIOError:
        file.close()
        raise
    except OSError:
        pass
    return file
