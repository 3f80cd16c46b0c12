"""``python -m fovnb report``: from a folder of DL3 data to a ledger and a page of diagnostics."""

import argparse
from pathlib import Path
from typing import Any

from fovnb.commands.common import EXIT_CODES, progress_bar, say, warnings_said_once

__all__ = ["add_report"]


def add_report(commands: Any) -> None:
    """Add the command to the subparsers of a parser."""
    summary = "reduce runs, write their ledger and a page of diagnostics"
    parser = commands.add_parser("report", help=summary, description=f"{summary.capitalize()}.", epilog=EXIT_CODES)
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


def _report(options: argparse.Namespace) -> int:
    """Reduce runs, write report and ledger, and print what is to be read first."""
    from fovnb.report.command import report_folder
    from fovnb.report.folder import Reduction

    reduction = Reduction(
        emin_tev=options.emin,
        emax_tev=options.emax,
        nbin=options.nbin,
        offset_max_deg=options.offset_max,
        binsz_deg=options.binsz,
        spectral_model=options.spectral_model,
    )
    files = options.output, options.ledger
    with warnings_said_once():
        done, origin = report_folder(
            options.folder, *files, options.obs_ids, options.exclude, reduction, options.overwrite, progress_bar()
        )
    written = "\n".join(f"wrote {path}" for path in files if path is not None)
    say("\n\n".join([origin, done.ledger.title, "\n".join(done.lines), written]))
    return 0 if done.usable else 1
