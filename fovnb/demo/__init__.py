"""A small simulated data set with known truth, written on demand.

Two runs on a bright point source with a faint neighbour, whose background differs from the response by a norm and a
tilt that differ from run to run: enough to try every step, and to see whether the result is right.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from fovnb.demo.simulate import SOURCES, PointSource
from fovnb.demo.write import RunTruth, write_survey
from fovnb.errors import DataError, InvalidInputError
from fovnb.files import make_path

__all__ = ["SOURCES", "PointSource", "RunTruth", "demo_dir", "demo_truth", "make_demo"]

SEED = 138


def demo_dir(runs: int = 2, seed: int = SEED) -> Path:
    """Return the folder of the per-user cache where `make_demo` writes, whether it is there or not.

    Its name holds a hash of the code that makes the data, so that data of another version is never taken for it.

    Examples
    --------
    >>> demo_dir(runs=3).name
    'demo-3-runs-seed-138-...'
    """
    from platformdirs import user_cache_path

    return Path(user_cache_path("fovnb")) / _label(runs, seed).replace(" ", "-")


def make_demo(path: str | os.PathLike[str] | None = None, runs: int = 2, seed: int = SEED) -> Path:
    """Write the simulated data set unless it is there already, and return its folder, ready for ``DataStore.from_dir``.

    The folder appears whole or not at all, also when two processes write it at the same time.

    Parameters
    ----------
    path : path, optional
        Where to write: a new or empty folder, or one that holds an older demo data set, which is replaced.
        By default `demo_dir`.
    runs : int
        How many runs; from three on they spread out as a survey.
    seed : int
        The seed of the random numbers; the same seed and version give the same data.

    Raises
    ------
    InvalidInputError
        If ``runs`` is below 1 or ``seed`` negative.
    DataError
        If the folder holds other files, or cannot be written.

    Examples
    --------
    >>> sorted(file.name for file in make_demo().iterdir())
    ['data', 'hdu-index.fits.gz', 'obs-index.fits.gz', 'truth.ecsv']
    """
    label = _label(runs, seed)
    folder = demo_dir(runs, seed) if path is None else make_path(path).absolute()
    if _holds(folder, label):
        return folder
    if folder.exists() and not (folder.is_dir() and (_holds(folder, "demo") or not any(folder.iterdir()))):
        msg = f"{folder} holds other files; choose a new or empty folder for the demo data"
        raise DataError(msg)
    with _errors_of(folder), _replaced(folder, label) as temporary:
        write_survey(temporary, runs, seed, label)
    return folder


def demo_truth(path: str | os.PathLike[str] | None = None) -> tuple[RunTruth, ...]:
    """Return what was put into each run of a demo data set, by default the one that `make_demo` writes by default.

    Raises
    ------
    DataError
        If the folder holds no demo data set.

    Examples
    --------
    >>> [truth.obs_id for truth in demo_truth(make_demo())]
    [1, 2]
    """
    from astropy.table import Table

    folder = demo_dir() if path is None else make_path(path)
    if not _holds(folder, "demo"):
        msg = f"{folder} holds no demo data set (no truth.ecsv of one); write it with fovnb.demo.make_demo"
        raise DataError(msg)
    table = Table.read(folder / "truth.ecsv", format="ascii.ecsv")
    return tuple(RunTruth(*row) for row in zip(*(table[name].tolist() for name in table.colnames), strict=True))


def _label(runs: int, seed: int) -> str:
    if runs < 1 or seed < 0:
        msg = f"demo data of {runs} runs with seed {seed}; expected at least 1 run and a seed of 0 or more"
        raise InvalidInputError(msg)
    return f"demo {runs} runs seed {seed} {_version()}"


@cache
def _version() -> str:
    """Return a hash of the code that makes the data."""
    sources = (Path(__file__).with_name(f"{name}.py") for name in ("instrument", "simulate", "write"))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def _holds(folder: Path, label: str) -> bool:
    """Say whether the folder holds a demo data set whose label starts with ``label``."""
    truth = folder / "truth.ecsv"
    return truth.is_file() and f"label: {label}" in truth.read_text(encoding="utf-8", errors="replace")


@contextmanager
def _replaced(folder: Path, label: str) -> Iterator[Path]:
    """Give a temporary folder to fill, and rename it to ``folder``; whoever comes second takes the first one's data."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{uuid4().hex}")
    old = temporary.with_suffix(".old")
    temporary.mkdir()
    try:
        yield temporary
        if folder.exists() and not _holds(folder, label):
            folder.rename(old)
        if not _holds(folder, label):
            temporary.rename(folder)
    except OSError:
        if not _holds(folder, label):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _errors_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"cannot write the demo data to {folder}: {error.strerror or error}; choose a folder that can be written"
        raise DataError(msg) from error
