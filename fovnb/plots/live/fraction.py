"""How much of the background a mask leaves, per energy bin."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fovnb.makers import BackgroundFraction
from fovnb.plots.live.marks import GRID, caption, energies, place_axes
from fovnb.plots.style import BLUE, FLAG

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["FractionView"]


class FractionView:
    """Draws a column for each bin; hatched where too little is left.

    Examples
    --------
    >>> record = BackgroundFraction("obs-1", np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.2]), *np.ones((2, 2)), 0.3, 0)
    >>> FractionView().alt(record)
    'obs-1: the mask leaves 20 % to 50 % of the background; too little in 1 of 2 energy bins, from 2 to 4 TeV.'
    """

    def key(self, record: BackgroundFraction) -> Hashable:
        """Return energies and threshold."""
        return tuple(record.energy_edges.tolist()), record.min_fraction

    def start(self, figure: "Figure", record: BackgroundFraction) -> None:
        """Draw the axes and the threshold."""
        ax = place_axes(figure)
        edges = record.energy_edges
        empty = np.zeros(len(edges) - 1)
        self._enough = ax.stairs(empty, edges, fill=True, color=BLUE, alpha=0.55)
        self._low = ax.stairs(empty, edges, fill=True, facecolor="white", edgecolor=FLAG, hatch="///", linewidth=1.5)
        ax.axhline(record.min_fraction, color=FLAG, linestyle=":", linewidth=1.5)
        ax.set(ylim=(0, 1.05), ylabel="Background left by the mask")
        ax.grid(axis="y", **GRID)
        energies(ax, edges[0], edges[-1])
        self._caption = caption(ax)

    def update(self, record: BackgroundFraction) -> "Sequence[Artist]":
        """Show the record."""
        self._enough.set_data(np.where(record.low, 0, np.nan_to_num(record.fraction)), record.energy_edges, 0)
        self._low.set_data(np.where(record.low, record.fraction, np.nan), record.energy_edges, 0)
        few = f", too little in {record.low.sum()} of {record.low.size} bins" if record.low.any() else ""
        self._caption.set_text(f"{record.name}: {_range(record)}{few}")
        return [self._enough, self._low, self._caption]

    def alt(self, record: BackgroundFraction) -> str:
        """Return what is left, and where that is too little."""
        text = f"{record.name}: the mask leaves {_range(record)} of the background"
        if not record.low.any():
            return f"{text}, enough in every energy bin."
        bins, edges = np.flatnonzero(record.low), record.energy_edges
        where = ", ".join(f"from {edges[k]:.3g} to {edges[k + 1]:.3g} TeV" for k in bins)
        return f"{text}; too little in {bins.size} of {record.low.size} energy bins, {where}."


def _range(record: BackgroundFraction) -> str:
    known = record.fraction[np.isfinite(record.fraction)]
    return f"{100 * known.min():.0f} % to {100 * known.max():.0f} %" if known.size else "nothing known"
