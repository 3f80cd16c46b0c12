"""Does the norm still change when the mask grows? The mask-size scan, made in the background."""

from types import MappingProxyType
from typing import Any

import ipywidgets as w

from fovnb.diagnostics import MaskScan, mask_scan
from fovnb.errors import FovnbError
from fovnb.plots.live.scan import ScanView
from fovnb.widgets.form import Entry, Form
from fovnb.widgets.mask_data import data_of, has_data
from fovnb.widgets.note import Note
from fovnb.widgets.plot import Plot
from fovnb.widgets.state import State

__all__ = ["ScanPanel"]

_KINDS = MappingProxyType({"difference": "difference to the largest mask", "norm": "norm", "tilt": "tilt"})


class ScanPanel(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """The verdict in a sentence, and the scan as a picture.

    Parameters
    ----------
    state : State
        Holds the results.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._views = {kind: ScanView(kind) for kind in _KINDS}
        self._scan: MaskScan | FovnbError | None = None
        self._of = ""
        self.form = Form([Entry("kind", "choice", "Shown", choices=tuple(_KINDS.items()))], {"kind": "difference"})
        self.note = Note()
        self.plot = Plot(self._views["difference"], 620, 360, "Scan of the size of the mask")
        super().__init__([self.form, self.note, self.plot.picture])
        self.form.on_edit(self._choose)

    def draw(self) -> None:
        """Show the scan of the present results, once it is made."""
        state, digest = self._state, self._state.shown_digest
        if not has_data(state) or digest == self._of:
            return
        datasets = data_of(state).datasets

        def show(scan: MaskScan | FovnbError) -> None:
            self._scan, self._of = scan, digest
            self._show()

        self.note.say("The mask is grown and shrunk, and each run is fitted again ...")
        self.mark(stale=True)
        state.slowly("mask scan", lambda: _scanned(datasets), show)

    def mark(self, stale: bool) -> None:
        """Say whether the picture belongs to an older recipe."""
        old = stale or self._of != self._state.shown_digest
        self.plot.picture.stale = old and bool(self.plot.picture.png)

    def close(self) -> None:
        """Let go of the scan."""
        self._scan = None
        super().close()

    def _choose(self, _: str, kind: str) -> None:
        with self._state.lock:
            self.plot.view = self._views[kind]
            self._show()

    def _show(self) -> None:
        self.note.say("")
        if isinstance(self._scan, MaskScan):
            self.plot.draw(self._scan, self._of)
        elif self._scan is not None:
            self.plot.say(str(self._scan), self._of)


def _scanned(datasets: Any) -> MaskScan | FovnbError:
    """Return the scan, or why there is none."""
    try:
        return mask_scan(datasets)
    except FovnbError as error:
        return error
