"""Where the data can be trusted, and what that leaves of a run: exposure, bias, spectra, thresholds."""

from typing import Any

import ipywidgets as w

from fovnb.data import Observation
from fovnb.errors import FovnbError
from fovnb.pipeline import Results
from fovnb.pipeline.safe_preview import open_run, safe_preview
from fovnb.plots.live import SafeView
from fovnb.recipe import Data, Recipe, SafeMask, field_info
from fovnb.widgets.builder_list import RunList
from fovnb.widgets.form import Form, entry
from fovnb.widgets.plot import Plot
from fovnb.widgets.state import State

__all__ = ["SafePanel"]


class SafePanel:
    """Edits the safe mask of a recipe.

    Parameters
    ----------
    state : State
        Holds the recipe.
    runs : RunList
        Says which run is looked at.
    """

    def __init__(self, state: State, runs: RunList) -> None:
        self._state, self._runs = state, runs
        methods, offset = (field_info(SafeMask, name) for name in ("methods", "offset_max_deg"))
        self.form = Form(
            [entry(methods, "safe_mask.methods"), entry(offset, "safe_mask.offset_max_deg", slider=(0.5, 4.0))]
        )
        self.form.bind(state)
        self.plot = Plot(SafeView(), 900, 480, "What the safe mask leaves of a run")
        self.box = w.VBox([self.form, self.plot.picture])
        self._opened: tuple[tuple[Data, int], Observation] | None = None
        self._drawn: tuple[Any, ...] | None = None  # what the picture was drawn from

    def draw(self) -> None:
        """Draw what the safe mask leaves of the run that is looked at, unless that is there already."""
        results, current = self._state.results, self._runs.current
        key = None if results is None else (*_steps(results.recipe), current)
        if key is not None and key == self._drawn:
            self.plot.picture.recipe = self._state.shown_digest
        elif results is None or current is None:
            self.plot.say("no run was computed yet" if results is None else "no run is chosen")
        else:
            self._preview(results, current)
        self._drawn = key
        self.mark()

    def mark(self) -> None:
        """Mark a picture of another recipe as stale."""
        drawn = self._drawn
        self.plot.picture.stale = drawn is not None and drawn[:-1] != _steps(self._state.recipe)

    def close(self) -> None:
        """Let go of the run."""
        self._opened = self._drawn = None

    def _preview(self, results: Results, obs_id: int) -> None:
        try:
            record = safe_preview(results, self._observation(results.recipe.data, obs_id))
        except FovnbError as error:
            self.plot.say(str(error), self._state.shown_digest)
        else:
            self.plot.draw(record, self._state.shown_digest)

    def _observation(self, data: Data, obs_id: int) -> Observation:
        """Return a run, the one that was opened last time if it is the same."""
        key = data, obs_id
        if self._opened is None or self._opened[0] != key:
            self._opened = key, open_run(data, obs_id)
        return self._opened[1]


def _steps(recipe: Recipe) -> tuple[Any, ...]:
    """Return what the picture depends on."""
    return recipe.data, recipe.cube, recipe.safe_mask
