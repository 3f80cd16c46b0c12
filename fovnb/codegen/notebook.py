"""A recipe as a notebook: for each step what it does and why, the code, and a picture."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fovnb.codegen.core import Root, now, program_of, results_of, write_text
from fovnb.codegen.header import header_lines
from fovnb.codegen.imports import import_lines
from fovnb.codegen.literals import one_line
from fovnb.codegen.part import made_names
from fovnb.codegen.plots import step_plots
from fovnb.codegen.program import is_failed
from fovnb.codegen.render import Section, code_lines, sections
from fovnb.codegen.script import Program, Statement
from fovnb.codegen.words import step_words
from fovnb.errors import DataError
from fovnb.pipeline.inputs import Roots, find_runs, open_store
from fovnb.recipe import Data, Recipe

if TYPE_CHECKING:
    from fovnb.pipeline import Results

__all__ = ["to_notebook"]

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def to_notebook(
    recipe: Recipe,
    path: Path | str | None = None,
    root: Root = "fovnb",
    full: bool = False,
    as_values: bool = False,
    *,
    overwrite: bool = False,
    roots: Roots = None,
    results: "Results | None" = None,
) -> dict[str, Any]:
    """Return a recipe as a notebook, and write it if a path is given; its code is that of `to_code`, and pictures.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    path : Path, optional
        The file, which says when it was written; it appears whole or not at all.
    root, full, as_values, roots, results
        See `to_code`.
    overwrite : bool
        Whether a file that exists is replaced.

    Returns
    -------
    dict
        The notebook in Jupyter's format 4.5.

    Raises
    ------
    RecipeError
        See `to_code`.
    DataError
        If the file exists already, or cannot be written.

    Examples
    --------
    >>> notebook = to_notebook(Recipe())
    >>> print("".join(notebook["cells"][2]["source"]))
    ## Data
    <BLANKLINE>
    2 simulated runs with known truth. They are taken in the order of their OBS_IDs, ...
    """
    if root == "gammapy" and results is None:
        results = results_of(recipe, roots)
    program = program_of(recipe, root, None, as_values, results, roots)
    plots = step_plots(recipe, program, _usable(recipe, root, results, roots))
    title = _title(header_lines(recipe, root, roots), None if path is None else now())
    imports = import_lines([*program, *(one for made in plots.values() for one in made)], root, full)
    words = step_words(recipe, root, fitted="fov_bkg_maker" in made_names(program))
    pairs = [("markdown", title), ("code", imports), *_cells(program, words, plots, full)]
    cells = [_cell(number, kind, lines) for number, (kind, lines) in enumerate(pairs, start=1)]
    notebook = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    if path is not None:
        write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", overwrite)
    return notebook


def _title(header: Iterable[str], date: str | None) -> list[str]:
    """Return the title, and what the comments at the beginning of a script say."""
    facts = [line.removeprefix("# ") for line in header]
    saved = [] if date is None else [f"Saved {date}"]
    return ["# Field-of-view background analysis", "", "```text", *saved, *facts, "```"]


def _cells(
    program: Program, words: dict[str, list[str]], plots: dict[str, list[Statement]], full: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yield kind and lines of the cells of each section: words, code and, below the last one of a step, its picture."""
    found = sections(program)
    shown_below = _places(found)
    texts = {step: iter(said) for step, said in words.items()}
    for i, (title, step, statements) in enumerate(found):
        text = next(texts[step], "")
        yield "markdown", [f"## {one_line(title)}", *(["", text] if text else [])]
        yield "code", code_lines(statements, full)
        for shown in shown_below.get(i, []):
            if shown in plots:
                yield "code", code_lines(plots[shown], full)


def _places(found: list[Section]) -> dict[int, list[str]]:
    """Return below which section the picture of each step belongs: the norms below the last one before the stack."""
    last = {step: i for i, (_, step, _) in enumerate(found)}
    last["background"] = max(i for step, i in last.items() if step != "stack")
    places: dict[int, list[str]] = {}
    for step, i in last.items():
        places.setdefault(i, []).append(step)
    return places


def _usable(recipe: Recipe, root: Root, results: "Results | None", roots: Roots) -> list[int] | None:
    """Return the positions of the runs that can be drawn; None where the code's ``observations`` hold no other."""
    if results is None:
        return [] if _selects_nothing(recipe.data, roots) else None
    if root == "gammapy":  # the code reads only the runs that could be used
        fits = [run.background_fit for run in results.datasets]
        return None if any(fit is not None and fit.enters_stack for fit in fits) else []
    made = [i for i, run in enumerate(results.datasets) if not is_failed(run)]
    return None if made and len(made) == len(results.datasets) else made


def _selects_nothing(data: Data, roots: Roots) -> bool:
    """Return whether the data are there, and none of them are selected."""
    try:
        return data.selection is not None and not find_runs(data, open_store(data, roots))
    except DataError:
        return False


def _cell(number: int, kind: str, lines: Iterable[str]) -> dict[str, Any]:
    *most, last = lines
    source = [*(f"{line}\n" for line in most), last]
    cell = {"cell_type": kind, "id": f"cell-{number:02d}", "metadata": {}, "source": source}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}
