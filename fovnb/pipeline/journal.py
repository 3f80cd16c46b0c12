"""One pass through the steps: each value is remembered or computed, timed, and the caller may stop in between."""

import time
from collections.abc import Callable, Hashable
from threading import Event
from typing import Any, TypeAlias, TypeVar

from fovnb.errors import CancelledError, InvalidInputError
from fovnb.pipeline.memory import Memory
from fovnb.pipeline.times import StepTime, Timings

__all__ = ["Cancel", "Journal", "as_check"]

T = TypeVar("T")
Cancel: TypeAlias = Event | Callable[[], bool] | None


class Journal:
    """One pass through the steps of a recipe.

    Parameters
    ----------
    memory : Memory
        Where values are remembered.
    check : callable
        Raises `CancelledError` if the caller wants to stop; asked before everything that takes time.
    """

    def __init__(self, memory: Memory, check: Callable[[], None]) -> None:
        self._memory = memory
        self.check = check
        self._start = time.perf_counter()
        self._steps: dict[str, StepTime] = {}

    def value(self, step: str, key: Hashable, make: Callable[[], T], keep: bool = True) -> T:
        """Return what ``make`` makes, or made before for the same step and key.

        Values that are not to be kept, such as those of a pass that failed, are made anew each time.
        """
        found: T | None = self._memory.get((step, key)) if keep else None
        before = self._steps.get(step, StepTime())
        if found is not None:
            self._steps[step] = StepTime(before.seconds, before.computed, before.remembered + 1)
            return found
        self.check()
        start = time.perf_counter()
        made = make()
        if keep:
            self._memory.put((step, key), made)
        seconds = before.seconds + time.perf_counter() - start
        self._steps[step] = StepTime(seconds, before.computed + 1, before.remembered)
        return made

    def timings(self) -> Timings:
        """Return how long each step has taken up to now."""
        return Timings(dict(self._steps), time.perf_counter() - self._start)


def as_check(cancel: Any) -> Callable[[], None]:
    """Return what raises `CancelledError` once the caller has asked to stop.

    Parameters
    ----------
    cancel : threading.Event or callable
        Set, or returning True, when the work is to stop; None never stops it.
    """
    asked: Any = cancel.is_set if isinstance(cancel, Event) else cancel
    if asked is not None and not callable(asked):
        msg = f"cancel is {cancel!r}; expected a threading.Event, a function that returns True to stop, or None"
        raise InvalidInputError(msg)

    def check() -> None:
        if asked is not None and asked():
            msg = "the work was cancelled; what was finished is kept"
            raise CancelledError(msg)

    return check
