"""How much worse a fit becomes when one parameter is moved."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fovnb.diagnostics.deviance_profile import DevianceProfile
from fovnb.plots.live.marks import GRID, SIGMA, caption, legend_above, place_axes
from fovnb.plots.live.sticky import Sticky
from fovnb.plots.style import BLUE, FLAG, GREY, ORANGE
from fovnb.text import Record

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["Profile", "ProfileView"]

_TOP = 17.0  # of the rise: a little over 4 standard deviations
_LEVELS = (1, 4, 9)


@dataclass(frozen=True, eq=False, repr=False)
class Profile(Record):
    """What a `ProfileView` shows: a profile, and a value that is tried with the rise that it brings, or none."""

    profile: DevianceProfile
    value: float | None = None
    change: float | None = None

    def _rows(self) -> dict[str, object]:
        return {"parameter": self.profile.name, "value": self.value, "change": self.change}


class ProfileView:
    """Draws the rise with all other parameters refitted and, dashed, held; lines are at 1, 2 and 3 sigma.

    Examples
    --------
    >>> values = np.array([0.9, 1.0, 1.1])
    >>> record = DevianceProfile("norm", values, np.array([4.0, 0, 4]), np.array([9.0, 0, 9]), 1.0, 0.05)
    >>> ProfileView().alt(Profile(record, value=1.1, change=4.0))
    'norm = 1 ± 0.05; at 1.1 the deviance is higher by 4.'
    """

    def __init__(self) -> None:
        self._sticky = Sticky()

    def key(self, record: Profile) -> Hashable:
        """Return the parameter and the limits."""
        return record.profile.name, self._span(record)

    def start(self, figure: "Figure", record: Profile) -> None:
        """Draw axes and levels."""
        ax = place_axes(figure, top=44)
        ax.set(xlim=self._span(record), ylim=(0, _TOP), xlabel=record.profile.name, ylabel="Rise of -2 ln L")
        ax.grid(**GRID)
        for number, level in enumerate(_LEVELS, start=1):
            ax.axhline(level, color=GREY, linestyle=":", linewidth=1)
            style = {"ha": "right", "va": "bottom", "fontsize": 9, "transform": ax.get_yaxis_transform()}
            ax.text(0.995, level, f"{number} {SIGMA}", **style)  # type: ignore[arg-type]  # a dictionary of mixed values
        (self._held,) = ax.plot([], [], color=ORANGE, linestyle="--", linewidth=1.6, label="others held")
        (self._rise,) = ax.plot([], [], color=BLUE, linewidth=2, label="others refitted")
        (self._best,) = ax.plot([], [], "o", color=BLUE, markersize=7)
        (self._tried,) = ax.plot([], [], "D", color=FLAG, markersize=8, markeredgecolor="black", label="tried")
        legend_above(ax)
        self._caption = caption(ax, y=1.0 + 20 / ax.bbox.height)

    def update(self, record: Profile) -> "Sequence[Artist]":
        """Show the record; a value beyond the axes is at their edge."""
        profile = record.profile
        self._rise.set_data(profile.values, profile.rise)
        self._held.set_data(profile.values, profile.rise_held)
        self._best.set_data([profile.best], [0])
        self._caption.set_text(_caption(record))
        if record.value is None or record.change is None:
            return [self._held, self._rise, self._best, self._caption]
        self._tried.set_data([np.clip(record.value, *self._span(record))], [np.clip(record.change, 0, 0.97 * _TOP)])
        return [self._held, self._rise, self._best, self._tried, self._caption]

    def alt(self, record: Profile) -> str:
        """Return what was fitted, and what the value that is tried costs."""
        return f"{_summary(record)}."

    def _span(self, record: Profile) -> tuple[float, float]:
        return self._sticky.around(record.profile.values)


def _caption(record: Profile) -> str:
    tried = "" if record.value is None else f"; tried: {record.value:.4g}, deviance {record.change or 0:+.3g}"
    return f"fitted: {record.profile.best:.4g} ± {record.profile.error:.2g}{tried}"


def _summary(record: Profile) -> str:
    profile = record.profile
    fitted = f"{profile.name} = {profile.best:.4g} ± {profile.error:.2g}"
    if record.value is None or record.change is None:
        return fitted
    return f"{fitted}; at {record.value:.4g} the deviance is higher by {record.change:.3g}"
