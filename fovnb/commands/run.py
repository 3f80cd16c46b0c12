"""``python -m fovnb run``: a recipe becomes files, and goes on where it was interrupted."""

import argparse
from typing import TYPE_CHECKING, Any

from fovnb.commands.common import EXIT_CODES, progress_bar, warnings_said_once

if TYPE_CHECKING:
    from fovnb.commands.folder import RunFolder
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
    folder = RunFolder(make_path(options.out), recipe, source)
    folder.check(options.overwrite, options.resume)
    with warnings_said_once(), folder.opened(options.resume) as discarded:
        usable, summary = _outputs(recipe, folder, discarded, options)
    if not options.quiet:
        print(summary)
    return 0 if usable else 1


def _outputs(recipe: "Recipe", folder: "RunFolder", discarded: bool, options: argparse.Namespace) -> tuple[bool, str]:
    """Write all outputs, and return whether a run was usable, and the summary."""
    from fovnb.commands.outputs import write_outputs
    from fovnb.pipeline import Pipeline
    from fovnb.pipeline.store import CubeStore
    from fovnb.report.survey import Survey, any_tested, verdict_lines

    results = Pipeline(roots=options.root, store=CubeStore(folder.cubes)).run(recipe, progress_bar(options.quiet))
    survey = Survey(tuple(results.datasets))
    notes = ["discarded an unfinished run, which --resume goes on with"] * discarded
    notes += write_outputs(folder.staged, results, survey, not options.no_report, options.root)
    written, removed = folder.publish()
    notes += [f"removed {path}, of an older run" for path in removed] + [f"wrote {path}" for path in written]
    lines = [results.ledger.title, "\n".join(verdict_lines(survey.verdicts)), "\n".join(notes)]
    return any_tested(survey.verdicts), "\n\n".join(lines)
