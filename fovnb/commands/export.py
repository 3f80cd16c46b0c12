"""What was computed, as files in a folder: the stack, the ledger, the report, the code and the recipe."""

import os
from dataclasses import dataclass
from pathlib import Path

from fovnb.commands.folder import OUTPUTS, RunFolder
from fovnb.commands.outputs import write_outputs
from fovnb.errors import DataError, InvalidInputError
from fovnb.files import make_path
from fovnb.pipeline import Results
from fovnb.pipeline.inputs import Roots
from fovnb.report.survey import Survey

__all__ = ["Exported", "existing_outputs", "export", "fill"]


@dataclass(frozen=True)
class Exported:
    """What became of a folder.

    Parameters
    ----------
    written, removed : tuple of Path
        The files that were written, and those of an older run that were removed.
    notes : tuple of str
        A sentence about each file that is not what it should be.
    """

    written: tuple[Path, ...]
    removed: tuple[Path, ...]
    notes: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it in words, a line each."""
        removed = (f"removed {path}, of an older run" for path in self.removed)
        return (*self.notes, *removed, *(f"wrote {path}" for path in self.written))


def export(
    results: Results,
    folder: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    with_report: bool = True,
    roots: Roots = None,
) -> Exported:
    """Write all outputs of a recipe into a folder, as ``fovnb run`` does: all of them, or none.

    Parameters
    ----------
    results : Results
        What `fovnb.pipeline.run` returned.
    folder : path
        The folder; it is made if need be. Other files in it are left alone.
    overwrite : bool
        Whether outputs that exist are replaced.
    with_report : bool
        Whether to make the report.
    roots : list of path, optional
        Folders that are open to the paths of the recipe.

    Raises
    ------
    InvalidInputError
        If there is no run, or no name of a folder.
    DataError
        If outputs exist and are not to be replaced, or the folder cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from fovnb.pipeline import run
    >>> from fovnb.recipe import Recipe
    >>> with TemporaryDirectory() as name:
    ...     exported = export(run(Recipe()), name, with_report=False)
    >>> [path.name for path in exported.written]
    ['stacked.fits', 'ledger.ecsv', 'analysis.py', 'analysis_gammapy.py', 'recipe.yaml']
    """
    if not len(results.datasets):
        msg = "there is no run, so there is nothing to write; widen the selection of the data"
        raise InvalidInputError(msg)
    found = existing_outputs(folder)
    if found and not overwrite:
        msg = f"{found[0]} exists; pass overwrite=True to replace it"
        raise DataError(msg)
    target = RunFolder(make_path(folder), results.recipe)
    with target.opened(overwrite, resume=False) as (replace, _):
        return fill(target, results, Survey(tuple(results.datasets)), with_report, replace, roots)


def existing_outputs(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the outputs of a run that a folder holds.

    Raises
    ------
    InvalidInputError
        If there is no name of a folder.
    """
    if not os.fspath(folder):
        msg = "the folder is an empty text; give its name, . for the present one"
        raise InvalidInputError(msg)
    return [path for name in OUTPUTS if (path := make_path(folder) / name).exists()]


def fill(
    target: RunFolder, results: Results, survey: Survey, with_report: bool, replace: bool, roots: Roots = None
) -> Exported:
    """Write all outputs into a folder that is open, and give them their names when all are there.

    Raises
    ------
    DataError
        If a file cannot be written.
    """
    notes = tuple(write_outputs(target.staged, results, survey, with_report, roots))
    written, removed = target.publish(replace)
    return Exported(tuple(written), tuple(removed), notes)
