"""Where runs point, with the outline of the field that is mapped."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fovnb.diagnostics.pointings import Pointings
from fovnb.plots.live.marks import GRID, caption, legend_above, place_axes
from fovnb.plots.live.sticky import Sticky
from fovnb.plots.style import BLUE, DATA, GREY

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["PointingsView"]

_NEAR = 0.04  # of the width of the axes: a click so near to a pointing means it
_MARGIN = 1.15


class PointingsView:
    """Draws chosen runs as dots, others as open circles, around the field's outline; east is left.

    The picture holds the field and the chosen runs; how many others are outside of it is said.
    """

    def __init__(self) -> None:
        self._sticky = Sticky(least=0.2)

    def key(self, record: Pointings) -> Hashable:
        """Return the limit, and the centre, whose coordinates are named."""
        return self._limit(record), record.frame, record.center_deg

    def start(self, figure: "Figure", record: Pointings) -> None:
        """Draw the axes."""
        ax = place_axes(figure, left=58, top=44)
        limit, (lon, lat) = self._limit(record), record.center_deg
        ax.set(xlim=(limit, -limit), ylim=(-limit, limit), aspect="equal")
        axis = {"galactic": ("l", "b")}.get(record.frame, ("R.A.", "Dec."))
        ax.set_xlabel(f"Offset along {axis[0]} from {lon:.2f}° [deg]")
        ax.set_ylabel(f"Offset along {axis[1]} from {lat:.2f}° [deg]")
        ax.grid(**GRID)
        (self._outline,) = ax.plot([], [], color=GREY, linewidth=1.5, label="field")
        (self._others,) = ax.plot([], [], "o", color=DATA, fillstyle="none", markersize=7, label="other runs")
        (self._chosen,) = ax.plot([], [], "o", color=BLUE, markersize=8, markeredgecolor="white", label="chosen")
        legend_above(ax)
        self._caption = caption(ax, y=1.0 + 20 / ax.bbox.height)

    def update(self, record: Pointings) -> "Sequence[Artist]":
        """Show the record."""
        self._outline.set_data(*record.outline)
        for points, some in ((self._chosen, record.chosen), (self._others, ~record.chosen)):
            points.set_data(record.x[some], record.y[some])
        outside = self._outside(record)
        self._caption.set_text(_summary(record) + (f", {outside} outside of the picture" if outside else ""))
        return [self._outline, self._others, self._chosen, self._caption]

    def alt(self, record: Pointings) -> str:
        """Return how many runs there are, and how far they point from the field's centre."""
        offsets = record.offset_deg[record.chosen & np.isfinite(record.x)]
        far = f", {offsets.min():.2f} to {offsets.max():.2f} deg from the centre of the field" if offsets.size else ""
        return f"{_summary(record)}{far}."

    def nearest(self, record: Pointings, x: float, y: float) -> int | None:
        """Return the OBS_ID of the run that a place in the axes means, None if there is none near.

        Examples
        --------
        >>> one = np.ones(2)
        >>> record = Pointings((7, 8), 0 * one, one * [0, 0.5], one > 0, np.array([one, -one]), "icrs", (83.6, 22.0))
        >>> PointingsView().nearest(record, 0.01, 0.49)
        8
        """
        distance = np.hypot(record.x - x, record.y - y)
        if not np.isfinite(distance).any():
            return None
        nearest = int(np.nanargmin(distance))
        return record.obs_ids[nearest] if distance[nearest] < 2 * _NEAR * self._limit(record) else None

    def _limit(self, record: Pointings) -> float:
        """Return half the width of the axes."""
        chosen = np.abs([record.x[record.chosen], record.y[record.chosen]])
        far = np.append(chosen.ravel(), np.abs(record.outline).ravel())
        reach = min(_MARGIN * float(np.max(far[np.isfinite(far)], initial=0)), 180.0)
        return self._sticky.around([-reach, reach])[1]

    def _outside(self, record: Pointings) -> int:
        limit = self._limit(record)
        return int(np.count_nonzero((np.abs(record.x) > limit) | (np.abs(record.y) > limit)))


def _summary(record: Pointings) -> str:
    return f"{record.chosen.sum()} of {len(record.obs_ids)} runs chosen"
