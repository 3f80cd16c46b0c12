"""The command line: ``python -m fovnb demo | report``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fovnb import __version__
from fovnb.errors import FovnbError

__all__ = ["main"]

_CODES = "Exit code: 0; 1 if no run was usable, which report and ledger explain; 2 after an error."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or 2 after an error, which is said in one sentence.

    A report on runs none of which was usable ends with 1; report and ledger say why.
    Ctrl-C and a reader that goes away end it quietly, with the codes 130 and 141 that a shell expects.
    """
    try:
        return _run(arguments)
    except FovnbError as error:
        print(f"fovnb: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print("fovnb: the memory is too small; ask for larger pixels, fewer energy bins or fewer runs", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # What is left in the buffer must not raise again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        return int(options.command(options))
    finally:
        sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fovnb", description="The field-of-view background of gamma-ray data.")
    parser.add_argument("--version", action="version", version=f"fovnb {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="analyse simulated runs, whose true background is known")
    demo.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where to write (default: here)")
    demo.add_argument("--runs", type=int, default=2, metavar="N", help="how many runs (default: 2)")
    demo.set_defaults(command=_demo)
    summary = "reduce runs, write their ledger and a page of diagnostics"
    _add_report(commands.add_parser("report", help=summary, description=f"{summary.capitalize()}.", epilog=_CODES))
    return parser


def _add_report(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folder", metavar="DIR", help="folder of DL3 data, with its index files")
    add("--obs-ids", nargs="+", metavar="ID", help="which runs (default: all)")
    add("--output", type=Path, default=Path("report.html"), metavar="FILE", help="the report (default: report.html)")
    add("--ledger", type=Path, metavar="FILE", help="write the ledger, too, as ECSV: ledger.ecsv")
    add("--overwrite", action="store_true", help="replace files that exist")
    add("--exclude", metavar="FILE", help="regions, a mask or a catalogue (default: gamma-cat under $GAMMAPY_DATA)")
    add("--emin", type=float, default=0.5, metavar="TEV", help="lowest energy (default: 0.5)")
    add("--emax", type=float, default=30.0, metavar="TEV", help="highest energy (default: 30)")
    add("--nbin", type=int, default=9, metavar="N", help="number of energy bins (default: 9)")
    add("--offset-max", type=float, default=2.0, metavar="DEG", help="largest offset (default: 2)")
    add("--binsz", type=float, default=0.04, metavar="DEG", help="size of the pixels (default: 0.04)")
    add("--spectral-model", default="pl-norm", metavar="TAG", help="norm model (default: pl-norm, with a free tilt)")
    parser.set_defaults(command=_report)


def _demo(options: argparse.Namespace) -> int:
    """Analyse the demo data; print norms beside the truth and the stack, write the stack and a picture of it."""
    from tqdm import tqdm

    from fovnb.demo import make_demo
    from fovnb.demo.analysis import analyse_demo, plot_demo
    from fovnb.files import replace_whole

    path = make_demo(runs=options.runs)
    result = analyse_demo(path, lambda runs: tqdm(runs, unit="run", leave=False, disable=None))
    stack_path, image_path = (options.output / f"fovnb-demo.{suffix}" for suffix in ("fits", "png"))
    result.stacked.write(stack_path, overwrite=True)
    with replace_whole(image_path, overwrite=True) as temporary:
        plot_demo(result).savefig(temporary, dpi=150)
    print(f"data: {path}\n\n{result.table()}\n\n{result.stacked}\n\nwrote {stack_path}\nwrote {image_path}")
    return 0


def _report(options: argparse.Namespace) -> int:
    """Reduce runs, write report and ledger, and print what is to be read first."""
    from tqdm import tqdm

    from fovnb.report.command import report_folder
    from fovnb.report.folder import Reduction

    done, origin = report_folder(
        options.folder,
        options.output,
        options.ledger,
        options.obs_ids,
        options.exclude,
        Reduction(
            emin_tev=options.emin,
            emax_tev=options.emax,
            nbin=options.nbin,
            offset_max_deg=options.offset_max,
            binsz_deg=options.binsz,
            spectral_model=options.spectral_model,
        ),
        options.overwrite,
        lambda runs: tqdm(runs, unit="run", leave=False, disable=None),
    )
    written = "\n".join(f"wrote {path}" for path in (options.output, options.ledger) if path is not None)
    print("\n\n".join([origin, done.ledger.title, "\n".join(done.lines), written]))
    return 0 if done.usable else 1


if __name__ == "__main__":
    sys.exit(main())
