"""A recipe as a notebook: for each step what it does and why, the code, and a picture."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fovnb.codegen.core import Root, now, program_of
from fovnb.codegen.header import header_lines
from fovnb.codegen.imports import import_lines
from fovnb.codegen.literals import one_line
from fovnb.codegen.plots import step_plots
from fovnb.codegen.program import is_failed
from fovnb.codegen.render import Section, code_lines, sections
from fovnb.codegen.script import Program, Statement
from fovnb.codegen.words import step_words
from fovnb.files import make_path, replace_whole
from fovnb.pipeline.inputs import Roots
from fovnb.recipe import Recipe

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
    program = program_of(recipe, root, None, as_values, results, roots)
    usable = None if results is None or root == "gammapy" else _usable(results)
    plots = step_plots(recipe, program, usable)
    title = _title(header_lines(recipe, root, roots), None if path is None else now())
    imports = import_lines([*program, *(one for made in plots.values() for one in made)], root, full)
    words = step_words(recipe)
    if root == "gammapy":  # suggested areas are there from the start, and the fits come at once
        words = {step: [" ".join(texts) if step == "exclusion" else texts[0]] for step, texts in words.items()}
    pairs = [("markdown", title), ("code", imports), *_cells(program, words, plots, full)]
    cells = [_cell(number, kind, lines) for number, (kind, lines) in enumerate(pairs, start=1)]
    notebook = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    if path is not None:
        with replace_whole(make_path(path), overwrite) as temporary:
            text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
            temporary.write_text(text, encoding="utf-8", newline="\n")
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


def _usable(results: "Results") -> list[int] | None:
    """Return the positions of the runs that could be made, if some could not."""
    made = [i for i, run in enumerate(results.datasets) if not is_failed(run)]
    return None if len(made) == len(results.datasets) else made


def _cell(number: int, kind: str, lines: Iterable[str]) -> dict[str, Any]:
    *most, last = lines
    source = [*(f"{line}\n" for line in most), last]
    cell = {"cell_type": kind, "id": f"cell-{number:02d}", "metadata": {}, "source": source}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}
