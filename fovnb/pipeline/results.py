"""What a recipe came to, and how long each step took."""

from collections.abc import Mapping
from dataclasses import dataclass

from fovnb.datasets import Datasets, Ledger, MapDataset
from fovnb.makers import ExclusionHistory
from fovnb.maps import Map
from fovnb.recipe import Recipe
from fovnb.text import Record

__all__ = ["Results", "StepTime", "Timings"]


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


@dataclass(frozen=True, eq=False, repr=False)
class Results(Record):
    """What a recipe came to; all arrays are read-only.

    Parameters
    ----------
    recipe : Recipe
        What was done.
    datasets : Datasets
        One for each run, in the order of their OBS_IDs; those that failed say why.
    stacked : MapDataset
        The stack, with its ledger.
    timings : Timings
        How long each step took.
    exclusion_mask : Map, optional
        What the background fits left out, True = used, on the grid of the datasets.
    history : ExclusionHistory, optional
        How areas that the data suggest were found.
    """

    recipe: Recipe
    datasets: Datasets
    stacked: MapDataset
    timings: Timings
    exclusion_mask: Map | None = None
    history: ExclusionHistory | None = None

    @property
    def ledger(self) -> Ledger:
        """What became of each run."""
        return self.stacked.ledger

    def _rows(self) -> dict[str, object]:
        fits = [run.background_fit for run in self.datasets]
        used = sum(fit is not None and fit.enters_stack for fit in fits)
        return {"runs": f"{used} of {len(fits)} in the stack", "ledger": self.ledger.title.partition(": ")[2]}
