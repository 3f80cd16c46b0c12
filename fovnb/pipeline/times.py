"""How long each step took, and how much of it was remembered."""

from collections.abc import Mapping
from dataclasses import dataclass

from fovnb.text import Record

__all__ = ["StepTime", "Timings"]


@dataclass(frozen=True)
class StepTime:
    """How long a step took [s], how often it was computed, and how often remembered."""

    seconds: float = 0.0
    computed: int = 0
    remembered: int = 0

    def __str__(self) -> str:
        return f"{1000 * self.seconds:.1f} ms, {self.computed} computed, {self.remembered} remembered"


@dataclass(frozen=True, eq=False, repr=False)
class Timings(Record):
    """The time of each step by name, and that of the whole [s]."""

    steps: Mapping[str, StepTime]
    total: float

    def __getitem__(self, step: str) -> StepTime:
        return self.steps.get(step, StepTime())

    def _rows(self) -> dict[str, object]:
        return {**self.steps, "total": f"{1000 * self.total:.1f} ms"}
