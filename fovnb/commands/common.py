"""What the commands share: the progress bar, and warnings that are said once each."""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from fovnb.errors import FovnbWarning

__all__ = ["EXIT_CODES", "progress_bar", "warnings_said_once"]

EXIT_CODES = "Exit code: 0; 1 if no run was usable, which report and ledger explain; 2 after an error."


def progress_bar(quiet: bool = False) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return what wraps runs in a bar on stderr, where somebody watches and it is not to be quiet."""
    from tqdm import tqdm

    return lambda runs: tqdm(runs, unit="run", leave=False, disable=True if quiet else None)


@contextmanager
def warnings_said_once() -> Iterator[None]:
    """Print our warnings to stderr when the work is over, also when it failed, each once.

    Examples
    --------
    >>> with warnings_said_once():
    ...     warnings.warn("said on stderr", FovnbWarning)
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FovnbWarning)
        try:
            yield
        finally:
            for text in dict.fromkeys(str(one.message) for one in caught):
                print(f"fovnb: warning: {text}", file=sys.stderr)
