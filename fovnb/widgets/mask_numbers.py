"""What the mask leaves out, and what that does to the norm of every run: numbers and pictures."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ipywidgets as w
import numpy as np

from fovnb.datasets import Ledger
from fovnb.makers import BackgroundFraction, background_fraction
from fovnb.plots.live.fraction import FractionView
from fovnb.plots.live.norms import NormsView, RunNorms
from fovnb.widgets.mask_data import data_of, has_data
from fovnb.widgets.note import Note
from fovnb.widgets.plot import Plot
from fovnb.widgets.state import State
from fovnb.widgets.table import Column, Table

__all__ = ["NumbersPanel"]

_LEAST = 0.3  # of the background of a bin; a bin with less is warned about
_COLUMNS = (
    Column("OBS_ID", "Run", "number"),
    Column("norm", "Norm", help="of the background, with its error"),
    Column("tilt", "Tilt", help="of the background, with its error"),
    Column("counts", "Counts outside", "number", help="that the mask leaves"),
    Column("counts_excluded", "Counts inside", "number", help="that the mask leaves out"),
    Column("status", "Status"),
)


class NumbersPanel(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """A sentence, norm and tilt of each run, and the background that is left in each energy bin.

    Parameters
    ----------
    state : State
        Holds the results.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.note = Note()
        self.norms = Plot(NormsView(), 900, 320, "Norm and tilt of each run")
        self.fraction = Plot(FractionView(), 450, 320, "Background left in each energy bin")
        self.table = Table(_COLUMNS, "Background of each run outside of the mask", height_px=240)
        for part, width in ((self.fraction.picture, "0 1 450px"), (self.table, "1 1 320px")):
            part.layout.flex, part.layout.min_width = width, "0"
        below = w.Box([self.fraction.picture, self.table], layout={"flex_flow": "row wrap", "grid_gap": "8px 24px"})
        super().__init__([self.note, self.norms.picture, below])

    def draw(self) -> None:
        """Show the present results: the numbers first."""
        if not has_data(self._state):
            return
        results, digest = data_of(self._state), self._state.shown_digest
        left = self._state.look("mask left", lambda: _left(results.datasets))
        warning = left.warning
        self.note.say(f"{_share(results.exclusion_mask)} {warning or _least(left)}", "warning" if warning else "plain")
        self.table.show(_rows(results.ledger))
        self.norms.draw(RunNorms(results.ledger), digest)
        self.fraction.draw(left, digest)

    def mark(self, stale: bool) -> None:
        """Say whether the pictures belong to an older recipe."""
        for plot in (self.norms, self.fraction):
            plot.picture.stale = stale and bool(plot.picture.png)


def _left(datasets: Any) -> BackgroundFraction:
    """Return the background that is left, which says itself where it is too little."""
    return replace(background_fraction(datasets, min_fraction=0), min_fraction=_LEAST)


def _share(mask: Any) -> str:
    if mask is None:
        return "Nothing is left out of the background fit."
    out = ~mask.data.all(axis=0)
    return f"The mask leaves out {out.mean():.2%} of the map ({np.count_nonzero(out)} of {out.size} pixels)."


def _least(left: BackgroundFraction) -> str:
    known = np.isfinite(left.fraction)
    if not known.any():
        return "There is no background to fit."
    k = int(np.nanargmin(left.fraction))
    low, high = left.energy_edges[k], left.energy_edges[k + 1]
    return f"It leaves at least {left.fraction[k]:.1%} of the background, the least from {low:.3g} to {high:.3g} TeV."


def _rows(ledger: Ledger) -> Iterator[dict[str, Any]]:
    for i, obs_id in enumerate(ledger["OBS_ID"].tolist()):
        yield {
            "id": i,
            "OBS_ID": obs_id,
            "norm": _with_error(ledger, "norm", i),
            "tilt": _with_error(ledger, "tilt", i),
            "counts": ledger["counts"][i],
            "counts_excluded": ledger["counts_excluded"][i],
            "status": str(ledger["status"][i]),
            "class": "failed" if ledger["livetime_used"][i] == 0 else "",
            "note": str(ledger["reason"][i]),
        }


def _with_error(ledger: Ledger, name: str, row: int) -> str:
    """Return a parameter with its error, "" where the norm has none of that name or the fit failed."""
    if name not in ledger.colnames or not np.isfinite(ledger[name][row]):
        return ""
    return f"{ledger[name][row]:.3f} ± {ledger[f'{name}_err'][row]:.3f}"
