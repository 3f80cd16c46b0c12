"""What all plots of records share: colours that every eye tells apart, axes, points with errors, marked runs."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from fovnb.types import AnyArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "BLUE",
    "DATA",
    "FLAG",
    "GREY",
    "LOST",
    "ORANGE",
    "PALETTE",
    "SKY",
    "energy_axis",
    "name_runs",
    "new_axes",
    "note",
    "points",
    "reference_line",
    "steps",
]

# Okabe & Ito 2008, Color Universal Design.
BLUE, FLAG, ORANGE, SKY = "#0072B2", "#D55E00", "#E69F00", "#56B4E9"
PALETTE = (BLUE, ORANGE, "#009E73", "#CC79A7", "black", SKY, FLAG)
DATA, GREY, LOST = "black", "0.45", "0.8"


def new_axes(ax: "Axes | None", rows: int = 1) -> Any:
    """Return the axes, or new ones of pyplot, which a notebook shows; several rows share their x axis."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    heights = [3, *[1] * (rows - 1)]
    return plt.subplots(rows, sharex=True, height_ratios=heights, layout="constrained")[1]


def points(ax: "Axes", x: AnyArray, y: AnyArray, yerr: AnyArray, color: str = DATA, **kwargs: Any) -> Any:
    """Draw points with error bars; what is NaN is not drawn."""
    style = {"fmt": "o", "markersize": 4, "linewidth": 1.2, "color": color} | kwargs
    return ax.errorbar(x, y, yerr=yerr, **style)  # type: ignore[arg-type]  # a dictionary of mixed values


def steps(ax: "Axes", edges: FloatArray, ratio: FloatArray, lo: FloatArray, hi: FloatArray, centers: FloatArray) -> Any:
    """Draw a value a bin: a bar as wide as the bin, at its centre the interval from ``lo`` to ``hi``."""
    xerr = np.array([centers - edges[:-1], edges[1:] - centers])
    return points(ax, centers, ratio, np.array([ratio - lo, hi - ratio]), xerr=xerr)


def reference_line(ax: "Axes", value: float) -> None:
    """Draw where the points should lie, behind them."""
    ax.axhline(value, color=GREY, linestyle="--", linewidth=1, zorder=0)


def energy_axis(ax: "Axes") -> None:
    """Make x a logarithmic energy axis with plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda energy, _: f"{energy:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("Energy [TeV]")


def name_runs(ax: "Axes", x: AnyArray, y: AnyArray, names: Iterable[object]) -> None:
    """Mark runs and write their names beside them."""
    for one, other, name in zip(x, y, names, strict=True):
        ax.plot(one, other, "D", markersize=8, color=FLAG, fillstyle="none", markeredgewidth=1.8)
        where = {"xytext": (0, 9), "textcoords": "offset points", "horizontalalignment": "center"}
        ax.annotate(str(name), (one, other), color=FLAG, weight="bold", annotation_clip=False, **where)  # type: ignore[arg-type]


def note(ax: "Axes", text: str) -> None:
    """Write a line or two above the axes, where they hide nothing."""
    ax.set_title(text, fontsize="small")
