"""Significances of the discs outside the mask, over those of simulated fields once these are there."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fovnb.diagnostics.significance import SignificanceHistogram
from fovnb.plots.live.marks import GRID, SIGMA, caption, legend_above, log_counts, outlined_steps, place_axes
from fovnb.plots.live.sticky import Sticky
from fovnb.plots.style import BLUE, DATA, FLAG, SKY
from fovnb.text import Record
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["FEWEST_TOYS", "Histogram", "HistogramView"]

FEWEST_TOYS = 20
"""Toys that a band needs; a histogram with fewer is drawn without, as one whose band is still to come."""


@dataclass(frozen=True, eq=False, repr=False)
class Histogram(Record):
    """What a `HistogramView` shows: one energy band of a histogram."""

    record: SignificanceHistogram
    band: int = 0

    @property
    def has_toys(self) -> bool:
        """Whether there are enough toys for a band."""
        return bool(self.record.toy_mean.shape[1] >= FEWEST_TOYS)

    def _rows(self) -> dict[str, object]:
        return {"band": self.band, "toys": self.record.toy_mean.shape[1]}


class HistogramView:
    """Draws the data as a line, the normal distribution dashed, and the toys as two bands behind."""

    def __init__(self) -> None:
        self._span, self._decades = Sticky(least=8), Sticky(least=1)

    def key(self, record: Histogram) -> Hashable:
        """Return the limits, and whether there are toys."""
        return *self._limits(record), record.has_toys

    def start(self, figure: "Figure", record: Histogram) -> None:
        """Draw the axes, and while there are no toys, say so."""
        edges = record.record.edges
        span, top = self._limits(record)
        ax = place_axes(figure, top=44)
        ax.set(xlim=span, xlabel=f"Significance [{SIGMA}]", ylabel="Discs")
        log_counts(ax, 0.5, 10**top)
        ax.grid(**GRID)
        bands = ((SKY, 0.35, "95 % of toys"), (BLUE, 0.45, "68 %")) if record.has_toys else ()
        nothing = np.full(len(edges) - 1, np.nan)
        self._bands = [
            ax.stairs(nothing, edges, baseline=nothing, fill=True, color=color, alpha=alpha, label=label)
            for color, alpha, label in bands
        ]
        (self._normal,) = ax.plot([], [], color=FLAG, linestyle="--", linewidth=1.2, label="normal")
        self._data = outlined_steps(ax, edges, DATA, "data", linewidth=1.5, baseline=0)
        legend_above(ax)
        if not record.has_toys:
            ax.set_facecolor("0.93")
            ax.text(0.98, 0.96, "toys are still\nto come", transform=ax.transAxes, ha="right", va="top", color="0.3")
        self._caption = caption(ax, y=1.0 + 20 / ax.bbox.height)

    def update(self, record: Histogram) -> "Sequence[Artist]":
        """Show the band of the record."""
        found, band = record.record, record.band
        edges, counts, toys = found.edges, found.counts[band], found.toy_bands[band]
        for patch, (low, high) in zip(self._bands, ((0, 3), (1, 2)), strict=False):
            patch.set_data(toys[high], edges, toys[low])
        centers = (edges[1:] + edges[:-1]) / 2
        normal = counts.sum() * np.diff(edges) * np.exp(-(centers**2) / 2) / np.sqrt(2 * np.pi)
        self._normal.set_data(centers, normal)
        self._data.set_data(counts, edges, 0)
        self._caption.set_text(_summary(record))
        return [*self._bands, self._normal, self._data, self._caption]

    def alt(self, record: Histogram) -> str:
        """Return mean and width, and how far the width is off the toys."""
        toys = f"{record.record.toy_mean.shape[1]} toys" if record.has_toys else "toys are still to come"
        return f"Significance of {record.record.counts[record.band].sum():.0f} discs, {_summary(record)}; {toys}."

    def _limits(self, record: Histogram) -> tuple[tuple[float, float], float]:
        """Return the limits of the significance, and the upper one of the logarithm of the discs."""
        edges, counts = record.record.edges, record.record.counts[record.band]
        shown = np.flatnonzero(counts)
        ends: FloatArray = np.append(edges[shown], edges[shown + 1])
        return self._span.around(ends), self._decades.around([0, np.log10(2 * counts.max(initial=1))])[1]


def _summary(record: Histogram) -> str:
    found, band = record.record, record.band
    low, high = found.band_edges[band]
    toys = f", {found.std_z[band]:+.1f} {SIGMA} off the toys" if record.has_toys else ""
    return f"{low:.3g} - {high:.3g} TeV: mean {found.mean[band]:+.2f}, width {found.std[band]:.2f}{toys}"
