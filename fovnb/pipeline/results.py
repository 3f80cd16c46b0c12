"""What a recipe came to."""

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

from fovnb.datasets import Datasets, Ledger, MapDataset
from fovnb.datasets.frozen import read_only, read_only_map
from fovnb.datasets.ledger import ledger_of
from fovnb.makers import ExclusionHistory
from fovnb.maps import Map
from fovnb.modeling.models import Models
from fovnb.pipeline.stack import Stack
from fovnb.pipeline.times import Timings
from fovnb.recipe import Recipe
from fovnb.text import Record

__all__ = ["Results"]


@dataclass(frozen=True, eq=False, repr=False)
class Results(Record):
    """What a recipe came to; all arrays are read-only.

    Datasets are given away, and the backgrounds of the stack are added, when they are first looked at.

    Parameters
    ----------
    recipe : Recipe
        What was done.
    timings : Timings
        How long each step took.
    """

    recipe: Recipe
    timings: Timings
    _stack: Stack
    _mask: Map | None = None
    _history: ExclusionHistory | None = None

    @cached_property
    def exclusion_mask(self) -> Map | None:
        """What the background fits left out, True = used, on the grid of the datasets; None if nothing was."""
        return None if self._mask is None else read_only_map(self._mask)

    @cached_property
    def history(self) -> ExclusionHistory | None:
        """How areas that the data suggest were found."""
        return deepcopy(self._history)

    @cached_property
    def datasets(self) -> Datasets:
        """One for each run, in the order of their OBS_IDs; those that failed say why."""
        given = [read_only(run) for run in self._stack.runs]
        if self.recipe.background.group is not None:
            # Copied together, the models of a group still hold the same parameters where they share them.
            models = Models([model for run in self._stack.runs for model in run.models or ()]).copy()
            for run in given:
                run.models = models
        return Datasets(given)

    @cached_property
    def stacked(self) -> MapDataset:
        """The stack, with its ledger."""
        return read_only(self._stack.whole())

    @cached_property
    def ledger(self) -> Ledger:
        """What became of each run."""
        return ledger_of(self._stack.rows)

    def _rows(self) -> dict[str, object]:
        used = f"{sum(self._stack.enter)} of {len(self._stack.enter)} in the stack"
        return {"runs": used, "ledger": self.ledger.title.partition(": ")[2]}
