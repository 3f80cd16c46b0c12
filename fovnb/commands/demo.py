"""``python -m fovnb demo``: simulated runs, whose true background is known."""

import argparse
from pathlib import Path
from typing import Any

from fovnb.commands.common import progress_bar, say

__all__ = ["add_demo"]


def add_demo(commands: Any) -> None:
    """Add the command to the subparsers of a parser."""
    demo = commands.add_parser("demo", help="analyse simulated runs, whose true background is known")
    demo.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where to write (default: here)")
    demo.add_argument("--runs", type=int, default=2, metavar="N", help="how many runs (default: 2)")
    demo.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    """Analyse the demo data; print norms beside the truth and the stack, write the stack and a picture of it."""
    from fovnb.demo import make_demo
    from fovnb.demo.analysis import analyse_demo, plot_demo
    from fovnb.files import replace_whole

    path = make_demo(runs=options.runs)
    result = analyse_demo(path, progress_bar())
    stack_path, image_path = (options.output / f"fovnb-demo.{suffix}" for suffix in ("fits", "png"))
    result.stacked.write(stack_path, overwrite=True)
    with replace_whole(image_path, overwrite=True) as temporary:
        plot_demo(result).savefig(temporary, dpi=150)
    say(f"data: {path}\n\n{result.table()}\n\n{result.stacked}\n\nwrote {stack_path}\nwrote {image_path}")
    return 0
