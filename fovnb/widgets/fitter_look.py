"""What the pictures of the fitter are about: the last results, of one run or of all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import ipywidgets as w

from fovnb.datasets import MapDataset
from fovnb.errors import FovnbError
from fovnb.pipeline import Results
from fovnb.widgets.plot import Plot
from fovnb.widgets.state import State

__all__ = ["Look", "View", "draw"]


@dataclass(frozen=True)
class Look:
    """Results, and the OBS_ID of the run that is looked at, None for all runs."""

    state: State
    results: Results
    obs_id: int | None

    @property
    def datasets(self) -> list[MapDataset]:
        """The runs that are looked at, those that failed too."""
        pairs = zip(self.results.ledger["OBS_ID"].tolist(), self.results.datasets, strict=True)
        return [run for obs_id, run in pairs if self.obs_id in (None, obs_id)]

    @property
    def words(self) -> str:
        """What is looked at."""
        return "all runs" if self.obs_id is None else f"run {self.obs_id}"

    def find(self, name: str, make: Callable[[list[MapDataset]], Any]) -> Any:
        """Return what is made of the runs, once for these results."""
        return self.state.look(f"{name} of {self.words}", lambda: make(self.datasets))


class View(Protocol):
    """A tab of the fitter."""

    @property
    def title(self) -> str:
        """What stands on the tab."""

    @property
    def box(self) -> w.Widget:
        """What lies under it."""

    @property
    def plots(self) -> tuple[Plot[Any], ...]:
        """Its pictures."""

    def draw(self, look: Look) -> None:
        """Show results."""

    def close(self) -> None:
        """Let go of everything."""


def draw(plot: Plot[Any], look: Look, make: Callable[[], Any]) -> None:
    """Draw a record, or say why there is none."""
    try:
        record = make()
    except FovnbError as error:
        plot.say(str(error), look.state.shown_digest)
    else:
        plot.draw(record, look.state.shown_digest)
