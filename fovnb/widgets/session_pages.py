"""The pages of a session that are views on its results: diagnostics, stack, ledger, code."""

from functools import partial
from typing import Any

import ipywidgets as w

from fovnb.pipeline import Results
from fovnb.report.blocks import Block
from fovnb.report.sections import SECTIONS
from fovnb.report.survey import Survey
from fovnb.widgets.builder_maps import MapPanel
from fovnb.widgets.closing import close_all
from fovnb.widgets.code_panel import CodePanel
from fovnb.widgets.fitter_runs import ledger_columns, ledger_rows
from fovnb.widgets.note import Note
from fovnb.widgets.section import SectionView
from fovnb.widgets.state import State
from fovnb.widgets.table import Table

__all__ = ["CodePage", "DiagnosticsPage", "LedgerPage", "StackPage"]

_UNFOLDED = ("Verdict", "Trends", "Field of view", "Radial profile", "Wobble consistency", "Alignment")


class DiagnosticsPage:
    """The sections of the report; those that are unfolded are made in the background, one after the other.

    Parameters
    ----------
    state : State
        Whose results.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen = False
        self._sections = {one.title: one for one in SECTIONS if one.title != "Run ledger"}  # it has its own page
        self.views = {title: SectionView(one, title in _UNFOLDED) for title, one in self._sections.items()}
        self.box = w.VBox(list(self.views.values()))
        state.observe(self._renew, ["recipe", "results"])
        for view in self.views.values():
            view.observe(self._renew, "looked_at")

    def turn(self, seen: bool) -> None:
        """Say whether the page is seen; only then it is made."""
        self._seen = seen
        self._renew()

    def close(self) -> None:
        """Let go of the state."""
        self._state.unobserve(self._renew, ["recipe", "results"])
        close_all(self.box)

    def _renew(self, _: Any = None) -> None:
        """Mark what belongs to another recipe, and let it be made if it is seen."""
        state = self._state
        with state.lock:
            results, digest = state.results, state.shown_digest
            for title, view in self.views.items():
                view.stale = view.recipe != state.digest
                if results is not None and self._seen and view.looked_at and view.recipe != digest:
                    state.slowly(title, partial(self._make, title, results), partial(self._take, title, digest))

    def _make(self, title: str, results: Results) -> list[Block] | None:
        """Return the content of a section, None if it was folded meanwhile."""
        survey: Survey = self._state.look("survey", lambda: Survey(tuple(results.datasets)))
        return self._sections[title].blocks(survey) if self.views[title].looked_at else None

    def _take(self, title: str, digest: str, blocks: list[Block] | None) -> None:
        if blocks is not None:
            self.views[title].show(blocks, digest)
            self.views[title].stale = digest != self._state.digest


class StackPage:
    """Maps of the stack, or of a run."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._maps = MapPanel(state)
        self.box = self._maps.box
        state.observe(self._mark, ["recipe", "results", "status"])

    def turn(self, seen: bool) -> None:
        """Say whether the page is seen."""

    def picture(self) -> bytes | None:
        """Return the significance map."""
        png: bytes = self._maps.pictures["significance"].png
        return png or None

    def close(self) -> None:
        """Let go of the state."""
        self._state.unobserve(self._mark, ["recipe", "results", "status"])
        self._maps.close()
        close_all(self.box)

    def _mark(self, _: Any) -> None:
        self._maps.mark()


class LedgerPage:
    """What became of each run."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen = False
        self.note = Note()
        self.table = Table([], "Runs", searchable=True, height_px=420)
        self.box = w.VBox([self.note, self.table])
        state.observe(self._show, "results")

    def turn(self, seen: bool) -> None:
        """Say whether the page is seen; only then it follows."""
        self._seen = seen
        self._show()

    def close(self) -> None:
        """Let go of the state."""
        self._state.unobserve(self._show, "results")
        close_all(self.box)

    def _show(self, _: Any = None) -> None:
        with self._state.lock:
            results = self._state.results
            if results is not None and self._seen:
                ledger = results.ledger
                self.note.say(ledger.title)
                with self.table.hold_sync():
                    self.table.columns = [vars(one) for one in ledger_columns(ledger)]
                    self.table.show(ledger_rows(ledger))


class CodePage:
    """The code, written while it is seen."""

    def __init__(self, state: State) -> None:
        self.panel = CodePanel(state, collapsed=False)
        self.box = w.VBox([self.panel])

    def turn(self, seen: bool) -> None:
        """Say whether the page is seen."""
        self.panel.looked_at = seen

    def close(self) -> None:
        """Let go of the state."""
        close_all(self.box)
