"""``python -m fovnb run``: a recipe becomes files, and goes on where it was interrupted."""

import argparse
from typing import TYPE_CHECKING, Any

from fovnb.commands.common import EXIT_CODES, progress_bar, say, warnings_said_once

if TYPE_CHECKING:
    from pathlib import Path

    from fovnb.commands.folder import RunFolder
    from fovnb.errors import RecipeError
    from fovnb.recipe import Recipe

__all__ = ["add_run"]


def add_run(commands: Any) -> None:
    """Add the command to the subparsers of a parser."""
    summary = "run a recipe: write the stack, its ledger, a report, and the analysis as code"
    parser = commands.add_parser("run", help=summary, description=f"{summary.capitalize()}.", epilog=EXIT_CODES)
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help="the recipe, a .yaml or .json file")
    add("--out", required=True, metavar="DIR", help="folder of the outputs")
    add("--overwrite", action="store_true", help="replace outputs that exist")
    add("--resume", action="store_true", help="go on with a run of the same recipe that was interrupted")
    roots = "folder in which the recipe's paths may lie, again for more (default: here, ~ and the data variables)"
    add("--root", action="append", metavar="DIR", help=roots)
    add("--no-report", action="store_true", help="leave the report out")
    add("--quiet", action="store_true", help="no progress bar and no summary")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    """Run the recipe, write the outputs, and print what is to be read first."""
    from fovnb.commands.folder import RunFolder
    from fovnb.files import make_path
    from fovnb.recipe import Recipe

    source = make_path(options.recipe)
    recipe = Recipe.read(source)
    folder = RunFolder(_folder(options), recipe, source)
    with warnings_said_once(), folder.opened(options.overwrite, options.resume) as (replace, discarded):
        usable, lines, notes = _filled(recipe, folder, replace, options)
    if not options.quiet:
        say("\n\n".join([*lines, "\n".join([*([f"discarded {discarded}"] if discarded else []), *notes])]))
    return 0 if usable else 1


def _folder(options: argparse.Namespace) -> "Path":
    """Return the folder of the outputs, if it and the roots are folders."""
    from fovnb.errors import DataError
    from fovnb.files import make_path

    if not options.out:
        msg = "--out is an empty text; give the folder of the outputs, . for this one"
        raise DataError(msg)
    for root in options.root or ():
        if not root or not make_path(root).is_dir():
            msg = f"--root {root!r} is no folder; give one that is there"
            raise DataError(msg)
    return make_path(options.out)


def _filled(
    recipe: "Recipe", folder: "RunFolder", replace: bool, options: argparse.Namespace
) -> tuple[bool, list[str], tuple[str, ...]]:
    """Run the recipe and write all outputs; return whether a run was usable, the summary, and notes on files."""
    from fovnb.commands.export import fill
    from fovnb.pipeline import Pipeline
    from fovnb.pipeline.store import CubeStore
    from fovnb.report.survey import Survey, any_tested, verdict_lines

    results = Pipeline(roots=options.root, store=CubeStore(folder.cubes)).run(recipe, progress_bar(options.quiet))
    if not len(results.datasets):
        raise _no_runs(recipe, options.root)
    survey = Survey(tuple(results.datasets))
    exported = fill(folder, results, survey, not options.no_report, replace, options.root)
    lines = [results.ledger.title, "\n".join(verdict_lines(survey.verdicts))]
    return any_tested(survey.verdicts), lines, exported.lines


def _no_runs(recipe: "Recipe", roots: list[str] | None) -> "RecipeError":
    """Return the error that says why a recipe has no run."""
    from fovnb.errors import RecipeError
    from fovnb.pipeline.inputs import open_store

    n_runs = f"the {len(open_store(recipe.data, roots).obs_ids)} in the index"
    if recipe.data.selection is not None:
        return RecipeError(f"data.selection leaves no run of {n_runs}; widen it")
    return RecipeError(f"data.obs_ids names no run of {n_runs}; name one, or leave it out for all")
