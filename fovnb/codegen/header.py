"""What the comments at the beginning of a text say: versions, the recipe's digest, and the files it was made from."""

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from fovnb import __version__
from fovnb.codegen.comments import comment_lines
from fovnb.data import DataStore, Observation
from fovnb.demo import demo_dir
from fovnb.errors import DataError, FovnbWarning, UnknownObservationError
from fovnb.pipeline.inputs import Roots, find_runs, open_store
from fovnb.recipe import Data, Exclusion, Recipe
from fovnb.recipe.paths import resolve
from fovnb.text import printable

if TYPE_CHECKING:
    from fovnb.pipeline import Given

__all__ = ["header_lines"]

_DIGITS = 16
_GAMMAPY = "2.1"  # the version that the code is written for, and compared with
_MISSING = "not there when this was written"
_PACKAGES = ("numpy", "astropy", "regions", "iminuit")
_INDICES = ("hdu-index.fits.gz", "hdu-index.fits", "obs-index.fits.gz", "obs-index.fits")


def header_lines(recipe: Recipe, root: str = "fovnb", roots: Roots = None, given: "Given | None" = None) -> list[str]:
    r"""Return the comments at the beginning of a text; no name of a file, user or machine is in them.

    Parameters
    ----------
    recipe : Recipe
        What is done.
    root : {"fovnb", "gammapy"}
        The package that the code uses.
    roots : list of path, optional
        Folders that are open to the paths of the recipe.
    given : Given, optional
        Datasets in place of the recipe's data.

    Raises
    ------
    RecipeError
        If a path lies outside of the roots.

    Examples
    --------
    >>> print(*header_lines(Recipe()), sep="\n")
    # Field-of-view background analysis, written by fovnb ...
    # with numpy ..., astropy ..., regions ..., iminuit ...
    # Recipe: sha256 ...
    # Input: simulated runs 1, 2 of demo-2-runs-seed-138-...
    """
    package = f" for Gammapy {_GAMMAPY}" if root == "gammapy" else ""
    return [
        f"# Field-of-view background analysis{package}, written by fovnb {__version__}",
        f"# with {', '.join(f'{name} {version(name)}' for name in _PACKAGES)}",
        f"# Recipe: sha256 {_short(recipe.to_json().encode())}",
        *_input(recipe.data, roots, given),
        *(f"#   {name}: {_mask_file(path, roots)}" for name, path in _mask_files(recipe.exclusion)),
    ]


def _input(data: Data, roots: Roots, given: "Given | None") -> Iterator[str]:
    if given is not None:
        names = ", ".join(printable(run.name) for run in given.datasets)
        yield from comment_lines(f"Input: {len(given.datasets)} datasets that were made before, {names}")
    elif data.folder is None:
        yield from _simulated(data)
    else:
        yield from _runs(data, roots)


def _simulated(data: Data) -> Iterator[str]:
    """Yield what is known of simulated runs, which the code makes: the folder's name holds a digest of how."""
    wanted = range(1, data.demo_runs + 1) if data.obs_ids is None else data.obs_ids
    unknown = [number for number in wanted if not 1 <= number <= data.demo_runs]
    there = [number for number in wanted if number not in unknown]
    if data.selection is not None:
        there = list(_found(replace(data, obs_ids=tuple(there)), open_store(data)))
    runs = f"runs {', '.join(map(str, there))}" if there else "runs, but none"
    yield from comment_lines(f"Input: simulated {runs} of {demo_dir(data.demo_runs).name}")
    yield from (f"#   OBS_ID {number}: {_MISSING}" for number in unknown)


def _runs(data: Data, roots: Roots) -> Iterator[str]:
    """Yield a line for each index and each run with the digests of its files."""
    assert data.folder is not None
    yield f"# Input: sha256 of the files, first {_DIGITS} digits"
    try:
        folder = resolve(data.folder, roots)
        store = DataStore.from_dir(folder)
    except DataError:
        yield f"#   the data are {_MISSING}"
        yield from (f"#   OBS_ID {number}: {_MISSING}" for number in data.obs_ids or ())
        return
    yield from (f"#   {name}: {_file(folder / name)}" for name in _INDICES if (folder / name).exists())
    try:
        yield from (f"#   OBS_ID {number}: {_run(run)}" for number, run in _found(data, store).items())
    except DataError:
        yield "#   the index does not say which runs these are"


def _found(data: Data, store: DataStore) -> dict[int, Observation | None]:
    """Return the runs that are read, by OBS_ID, each looked up on its own; None for one that is not there."""
    found: dict[int, Observation | None] = {}
    for wanted in [None] if data.obs_ids is None else [(number,) for number in data.obs_ids]:
        try:
            with warnings.catch_warnings():  # the code says it when it runs
                warnings.simplefilter("ignore", FovnbWarning)
                found |= {run.obs_id: run for run in find_runs(replace(data, obs_ids=wanted), store)}
        except UnknownObservationError:
            if wanted is None:
                raise
            found |= dict.fromkeys(wanted)
    return found


def _mask_files(exclusion: Exclusion) -> Iterator[tuple[str, str]]:
    if exclusion.catalogue is not None:
        yield "catalogue", exclusion.catalogue.file
    if exclusion.file is not None:
        yield "areas", exclusion.file


def _mask_file(path: str, roots: Roots) -> str:
    try:
        return _file(resolve(path, roots))
    except DataError:  # its variable is not set
        return _MISSING


def _run(run: Observation | None) -> str:
    if run is None:
        return _MISSING
    try:
        return " ".join(map(_file, run.paths))
    except DataError:  # the index leads out of its folder
        return _MISSING


def _file(path: Path) -> str:
    """Return the first digits of a file's SHA-256, as ``sha256sum`` prints them."""
    try:
        return _short(path.read_bytes())
    except OSError:
        return _MISSING


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
