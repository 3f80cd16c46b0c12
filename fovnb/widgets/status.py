"""What widgets say of their work: its phase in a sentence, and what is wrong with a value."""

import traceback
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fovnb.errors import FovnbError

__all__ = ["Phase", "Problem", "Status", "problem_of", "span"]

Phase: TypeAlias = Literal["ready", "running", "waiting", "failed", "cancelled"]


@dataclass(frozen=True)
class Status:
    """What a widget is doing.

    Parameters
    ----------
    phase : str
        ``ready`` (the results belong to the recipe), ``running``, ``waiting`` (for the Update button), ``failed``, or
        ``cancelled``.
    text : str
        The same in a sentence.
    detail : str
        Traceback of what failed.
    fraction : float, optional
        How much of the work is done, where that is known.
    seconds : float, optional
        How long the last run took.
    """

    phase: Phase
    text: str = ""
    detail: str = ""
    fraction: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Problem:
    """What is wrong with a value, in a sentence, and the traceback."""

    text: str
    detail: str = ""


def problem_of(error: BaseException) -> Problem:
    """Return an error as a sentence; one that was not raised on purpose has its kind before it.

    Examples
    --------
    >>> problem_of(FovnbError("the folder is gone; give another")).text
    'the folder is gone; give another'
    >>> problem_of(KeyError("norm")).text
    "KeyError: 'norm'"
    """
    text = str(error) if isinstance(error, FovnbError) else f"{type(error).__name__}: {error}"
    return Problem(text, "".join(traceback.format_exception(error)))


def span(seconds: float) -> str:
    """Return a time as a person says it.

    Examples
    --------
    >>> span(0.0123), span(0.42), span(4.2), span(75)
    ('12 ms', '0.4 s', '4 s', '1 min 15 s')
    """
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 1 else f"{seconds:.0f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
