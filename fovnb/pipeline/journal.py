"""One pass through the steps: each value is remembered or computed, timed, and the caller may stop in between."""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from fovnb.pipeline.memory import Memory
from fovnb.pipeline.sizes import frozen
from fovnb.pipeline.times import StepTime, Timings

__all__ = ["Journal"]

T = TypeVar("T")


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
        self._steps: dict[str, list[Any]] = {}  # the fields of a `StepTime` by step
        self._inner = 0.0  # seconds of the values that were computed inside of the one that is being computed

    def value(self, step: str, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` makes, or made before for the same step and key; its arrays are read-only.

        Values that it takes from other steps count as the time of these alone.
        """
        found: T | None = self._memory.get((step, key))
        if found is not None:
            self._note(step, remembered=1)
            return found
        self.check()
        outer, self._inner, start = self._inner, 0.0, time.perf_counter()
        made = frozen(make())
        self._memory.put((step, key), made)
        elapsed = time.perf_counter() - start
        self._note(step, elapsed - self._inner, computed=1)
        self._inner = outer + elapsed
        return made

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` makes, or made before for the same key: what is too little to be a step of its own."""
        found: T | None = self._memory.get(key)
        if found is None:
            found = make()
            self._memory.put(key, found)
        return found

    def timings(self) -> Timings:
        """Return how long each step has taken up to now."""
        steps = {step: StepTime(*noted) for step, noted in self._steps.items()}
        return Timings(steps, time.perf_counter() - self._start)

    def _note(self, step: str, seconds: float = 0.0, computed: int = 0, remembered: int = 0) -> None:
        noted = self._steps.setdefault(step, [0.0, 0, 0])
        noted[0] += seconds
        noted[1] += computed
        noted[2] += remembered
