"""The command line: ``python -m fovnb demo | report | run``."""

import argparse
import sys
from collections.abc import Sequence

from fovnb import __version__
from fovnb.commands.common import complain, printing
from fovnb.commands.demo import add_demo
from fovnb.commands.report import add_report
from fovnb.commands.run import add_run
from fovnb.errors import FovnbError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or 2 after an error, which is said in one sentence.

    A report on runs, or a recipe, of which no run was usable ends with 1; report and ledger say why.
    Ctrl-C and a reader that goes away end it quietly, with the codes 130 and 141 that a shell expects.
    """
    try:
        with printing():
            options = _parser().parse_args(arguments)
        return int(options.command(options))
    except FovnbError as error:
        complain(str(error))
        return 2
    except MemoryError:
        complain("the memory is too small; ask for larger pixels, fewer energy bins or fewer runs")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fovnb", description="The field-of-view background of gamma-ray data.")
    parser.add_argument("--version", action="version", version=f"fovnb {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (add_demo, add_report, add_run):
        add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
