"""What the commands share: printing, the progress bar, and warnings that are said once each."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from fovnb.errors import DataError, FovnbWarning
from fovnb.text import printable

__all__ = ["EXIT_CODES", "complain", "printing", "progress_bar", "say", "warnings_said_once"]

EXIT_CODES = "Exit code: 0; 1 if no run was usable, which report and ledger explain; 2 after an error."


def say(text: str) -> None:
    r"""Print lines to stdout; what else terminals obey in them, which may come from files, is escaped.

    Raises
    ------
    DataError, BrokenPipeError
        See `printing`.

    Examples
    --------
    >>> say("a\x1b[31m")
    a\x1b[31m
    """
    with printing():
        print("\n".join(map(printable, text.split("\n"))))


def complain(text: str) -> None:
    """Print a sentence to stderr, on one line; what cannot be said there is not said."""
    with suppress(OSError):
        print(f"fovnb: {printable(text)}", file=sys.stderr, flush=True)


@contextmanager
def printing() -> Iterator[None]:
    """Print at once what is printed inside.

    Raises
    ------
    DataError
        If it cannot be printed, as on a full disk.
    BrokenPipeError
        If the reader has gone away.
    """
    try:
        try:
            yield
        finally:
            print(end="", flush=True)
    except OSError as error:
        # What is left in the buffer must not raise again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        msg = f"cannot print: {error.strerror}; files that were to be written are there, send the text elsewhere"
        raise DataError(msg) from error


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
                complain(f"warning: {text}")
