"""Areas that the data suggest at every update, found by repetition, and how they were found."""

from dataclasses import asdict
from typing import Any

import ipywidgets as w

from fovnb.errors import FovnbError
from fovnb.makers import ExclusionHistory, ExclusionMask
from fovnb.recipe import Suggestion
from fovnb.steps.areas import regions_of
from fovnb.widgets.form import Entry, Form, entries
from fovnb.widgets.mask_regions import Regions
from fovnb.widgets.note import Note
from fovnb.widgets.state import State
from fovnb.widgets.table import Column, Table

__all__ = ["IteratePanel"]

_PATH = "exclusion.suggestion"
_HELP = "at every update: mask, fit, significance, mask, until it stays"
_SWITCH = Entry("on", "flag", "leave out what the data suggest", help=_HELP)
_ADOPT = (Entry("adopt", "action", "Turn into regions", help="a circle around each area, in place of the repetition"),)


class IteratePanel(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """A switch, the thresholds, the steps that were made, and a button that turns the areas into regions.

    Parameters
    ----------
    state : State
        Holds recipe and results.
    regions : Regions
        Gets the areas as circles.
    """

    def __init__(self, state: State, regions: Regions) -> None:
        self._state, self._regions = state, regions
        self.form = Form([_SWITCH, *entries(Suggestion, _PATH)], {"on": False})
        self.note, self.tools = Note(), Form(_ADOPT)
        self.table = Table([], "Repetitions", height_px=220)
        super().__init__([self.form, self.note, self.table, self.tools])
        self.form.bind(state)
        self.form.on_edit(self._switch)
        self.tools.on_click(lambda _: self.adopt())
        state.observe(self._follow, "recipe")
        self._follow(None)

    @property
    def history(self) -> ExclusionHistory | None:
        """How the areas of the present results were found."""
        results = self._state.results
        return None if results is None else results.history

    def draw(self) -> None:
        """Show the steps of the present results."""
        history = self.history
        self.tools.disabled = {"adopt": history is None}
        if history is None:
            self.note.say("")
            self.table.show([])
            return
        self.note.say(f"{history.status}: {history.reason}", "good" if history.converged else "warning")
        self._show_steps(history)

    def mark(self, stale: bool) -> None:
        """Close the button while the steps belong to an older recipe."""
        self.tools.disabled = {"adopt": stale or self.history is None}

    def adopt(self) -> None:
        """Make a circle of each area that was found, and repeat no more."""
        history, asked = self.history, self._state.recipe.exclusion.suggestion
        if history is None or asked is None:
            return
        limits = {"high": asked.high, "low": asked.low, "dilate": asked.dilate_deg}
        with self._state.lock:
            try:
                found = ExclusionMask.suggest(history.steps[-1].significance, **limits, circles=True)
            except FovnbError as error:
                self.note.refuse(error)
                return
            circles, _ = regions_of(found)
            exclusion = self._state.recipe.exclusion
            self._state.edit("exclusion", exclusion.edit(suggestion=None))
            self._regions.add(circles)
            self.note.say(f"{len(circles)} circles are among the regions now.", "good")

    def close(self) -> None:
        """Let go of the state."""
        if self.comm is not None:
            self._state.unobserve(self._follow, "recipe")
        super().close()

    def _switch(self, path: str, on: Any) -> None:
        if path == "on":
            self._state.edit(_PATH, Suggestion() if on else None)

    def _follow(self, _: Any) -> None:
        self.form.show({"on": self._state.recipe.exclusion.suggestion is not None})

    def _show_steps(self, history: ExclusionHistory) -> None:
        steps = history.table
        runs = [name for name in steps.colnames if name not in ("step", "excluded")]
        known = [Column("step", "Fit", "number"), Column("excluded", "Left out", "number", "%", digits=3)]
        columns = [*known, *(Column(name, f"Norm of {name}", "number") for name in runs)]
        rows = [
            {"id": i, "step": i + 1, "excluded": 100 * row["excluded"], **{name: row[name] for name in runs}}
            for i, row in enumerate(steps)
        ]
        with self.table.hold_sync():
            self.table.columns = [asdict(one) for one in columns]
            self.table.show(rows)
