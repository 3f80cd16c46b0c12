"""What a run leaves in its folder: the stack, the ledger, the report, the code in both roots, and the recipe.

The same recipe and data give the same bytes: no file but the code, which says when it was saved, holds a date.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fovnb.codegen import save_code
from fovnb.datasets import MapDataset
from fovnb.errors import RecipeError
from fovnb.maps.fits import write_hdulist
from fovnb.pipeline import Results
from fovnb.recipe import Recipe
from fovnb.report.command import write_ledger
from fovnb.report.core import report_on
from fovnb.report.survey import Survey

__all__ = ["write_outputs"]


def write_outputs(
    folder: Path, results: Results, survey: Survey, with_report: bool, roots: Any = None
) -> Iterator[str]:
    """Write all outputs into a folder, and yield a sentence about each that could not be what it should.

    Parameters
    ----------
    folder : Path
        Where nothing is yet.
    results : Results
        What the recipe came to.
    survey : Survey
        Its runs.
    with_report : bool
        Whether to make the report.
    roots : list of path, optional
        Folders that are open to the paths of the recipe.

    Raises
    ------
    DataError
        If a file cannot be written.
    """
    recipe = results.recipe
    _write_stack(results.stacked, folder / "stacked.fits")
    write_ledger(results.ledger, folder / "ledger.ecsv")
    if with_report:
        report_on(survey, notes=_notes(recipe)).write(folder / "report.html")
    save_code(recipe, folder / "analysis.py", results=results, roots=roots)
    yield from _save_gammapy(folder / "analysis_gammapy.py", results, roots)
    recipe.write(folder / "recipe.yaml")


def _write_stack(stacked: MapDataset, path: Path) -> None:
    hdulist = stacked.to_hdulist()
    del hdulist[0].header["CREATED"]
    write_hdulist(hdulist, path)


def _save_gammapy(path: Path, results: Results, roots: Any) -> Iterator[str]:
    """Write the code for Gammapy; what it has no words for as the values that it came to, or not at all."""
    problem = ""
    for as_values in (False, True):
        try:
            save_code(results.recipe, path, root="gammapy", as_values=as_values, results=results, roots=roots)
        except RecipeError as error:
            problem = problem or str(error).partition("; ")[0]
        else:
            if as_values:
                yield f"{path.name} holds the fitted norms as values: {problem}"
            return
    yield f"no {path.name}: {problem}"


def _notes(recipe: Recipe) -> Iterable[str]:
    """Return what the report says of the recipe: its data, and what it changes of the default analysis."""
    data = recipe.data
    changes = Recipe(data=data).diff(recipe).splitlines()
    yield f"Data: {f'{data.demo_runs} simulated runs' if data.folder is None else data.folder}"
    yield f"Recipe: {'' if changes else 'the reference analysis'}{'; '.join(changes)}"
