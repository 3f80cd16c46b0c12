"""What live views are put together from: axes placed by pixels, and artists that are quick to change."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fovnb.plots.style import DATA, energy_axis
from fovnb.types import AnyArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import StepPatch
    from matplotlib.text import Text

__all__ = [
    "GRID",
    "SIGMA",
    "Points",
    "caption",
    "energies",
    "few_ticks",
    "legend_above",
    "log_counts",
    "outlined_steps",
    "place_axes",
    "rows",
]

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"  # no mathematical typesetting: it is slow, and not made for threads
GRID: Mapping[str, Any] = {"color": "0.9", "linewidth": 0.8}


def place_axes(
    figure: "Figure", left: float = 70, right: float = 14, bottom: float = 46, top: float = 28, **kwargs: Any
) -> "Axes":
    """Return new axes at distances from the sides of the figure, in pixels."""
    width, height = figure.bbox.width, figure.bbox.height
    box = left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height
    ax = figure.add_axes(box, **kwargs)
    ax.set_axisbelow(True)
    ax.yaxis.set_label_coords(-52 / ax.bbox.width, 0.5)  # those below each other in one line
    return ax


def rows(figure: "Figure", shares: Sequence[float], gap: float = 8, **sides: float) -> "list[Axes]":
    """Return axes below each other with one x axis, whose heights have these shares; a gap in pixels between them."""
    sides = {"bottom": 46, "top": 28} | sides
    whole = figure.bbox.height - sides["bottom"] - sides["top"] - gap * (len(shares) - 1)
    axes: list[Axes] = []
    above = sides["top"]
    for share in shares:
        height = whole * share / sum(shares)
        place = sides | {"top": above, "bottom": figure.bbox.height - above - height}
        axes.append(place_axes(figure, **place, sharex=axes[0] if axes else None))
        above += height + gap
    for ax in axes[:-1]:
        ax.tick_params(labelbottom=False)
    return axes


def caption(ax: "Axes", **kwargs: Any) -> "Text":
    """Return an empty line of text above the axes, which follows the record."""
    place: dict[str, Any] = {
        "x": 0,
        "y": 1.015,
        "s": "",
        "va": "bottom",
        "ha": "left",
        "transform": ax.transAxes,
        "parse_math": False,
    }
    return ax.text(**place | {"fontsize": 9.5} | kwargs)


def outlined_steps(ax: "Axes", edges: AnyArray, color: str, label: str = "", **kwargs: Any) -> "StepPatch":
    """Return the outline of a histogram without content, for ``set_data``."""
    style: dict[str, Any] = {"color": color, "linewidth": 1.8, "label": label, "baseline": None} | kwargs
    return ax.stairs(np.full(len(edges) - 1, np.nan), edges, **style)


def legend_above(ax: "Axes") -> None:
    """Draw the legend in one line at the right, above the axes, where it hides nothing."""
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.1, "ncols": 9}
    ax.legend(frameon=False, fontsize=9.5, columnspacing=1.4, handletextpad=0.5, **place)


def log_counts(ax: "Axes", low: float, high: float) -> None:
    """Make y logarithmic from low to high, with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    ax.set(yscale="log", ylim=(low, high))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 3) if high / low < 1e3 else (1,)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def energies(ax: "Axes", low: float, high: float) -> None:
    """Make x an energy axis from low to high [TeV]; without small ticks, most of the time goes into these."""
    from matplotlib.ticker import NullLocator

    energy_axis(ax)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlim(low, high)


def few_ticks(ax: "Axes", number: int) -> None:
    """Leave few ticks at y, none at the ends, where those of the axes above and below are."""
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(number, prune="both", steps=[1, 2, 5, 10]))


class Points:
    """Points with vertical bars, both quick to move; what is NaN is not drawn."""

    def __init__(self, ax: "Axes", color: str = DATA, marker: str = "o", label: str = "", size: float = 5) -> None:
        from matplotlib.collections import LineCollection

        self._bars = LineCollection([], colors=color, linewidths=1.4)
        ax.add_collection(self._bars, autolim=False)
        (self._points,) = ax.plot([], [], marker, color=color, markersize=size, label=label)

    @property
    def artists(self) -> "list[Artist]":
        """What is to be drawn."""
        return [self._bars, self._points]

    def set(self, x: AnyArray, y: AnyArray, low: AnyArray, high: AnyArray) -> None:
        """Move the points, with bars from low to high."""
        self._points.set_data(x, y)
        ends = np.array([[x, low], [x, high]], dtype=float).transpose(2, 0, 1)
        self._bars.set_segments(list(ends[np.isfinite(ends).all(axis=(1, 2))]))
