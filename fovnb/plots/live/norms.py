"""Norm and tilt of every run."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fovnb.datasets import Ledger
from fovnb.modeling.background_record import GOOD_STATUSES
from fovnb.plots.live.marks import GRID, Points, caption, few_ticks, rows
from fovnb.plots.live.sticky import Sticky
from fovnb.plots.style import FLAG, LOST, reference_line
from fovnb.text import Record
from fovnb.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["NormsView", "RunNorms"]

_SHOWN = {"norm": 1.0, "tilt": 0.0}  # what is drawn, and the value that changes nothing
_STAND_IN = "norm_pivot"  # for models without a single norm
_MOST_NAMES = 25


@dataclass(frozen=True, eq=False, repr=False)
class RunNorms(Record):
    """What a `NormsView` shows: a ledger, and the OBS_ID of the run that is looked at, if any."""

    ledger: Ledger
    current: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that are drawn: norm and tilt where any run has them, else the norm at the pivot energy."""
        found = tuple(name for name in _SHOWN if np.isfinite(self.values(name)).any())
        return found if "norm" in found else (_STAND_IN, *found)

    @property
    def used(self) -> BoolArray:
        """Runs that are in the stack."""
        return np.isin(np.asarray(self.ledger["status"], dtype=str), sorted(GOOD_STATUSES))

    def values(self, name: str) -> FloatArray:
        """Return a column, NaN where there is none."""
        if name not in self.ledger.colnames:
            return np.full(len(self.ledger), np.nan)
        return np.asarray(self.ledger[name], dtype=float)

    def _rows(self) -> dict[str, object]:
        return {"runs": len(self.ledger), "parameters": ", ".join(self.names), "looked at": self.current}


class NormsView:
    """Draws a row of points for each parameter, in the order of the ledger; lost runs have a hatched column.

    The run that is looked at has a ring.

    Examples
    --------
    >>> from fovnb.datasets.ledger import LedgerRow, ledger_of
    >>> ledger = ledger_of([LedgerRow(7, parameters={"norm": (0.9, 0.1)}), LedgerRow(8, status="unreadable")])
    >>> NormsView().alt(RunNorms(ledger))
    '1 of 2 runs in the stack: norm from 0.9 to 0.9, mean 0.9.'
    """

    def __init__(self) -> None:
        self._limits = {name: Sticky(least=0.2) for name in (*_SHOWN, _STAND_IN)}

    def key(self, record: RunNorms) -> Hashable:
        """Return runs, which of them are lost, parameters and their limits."""
        runs = tuple(np.asarray(record.ledger["OBS_ID"]).tolist()), tuple(record.used.tolist())
        return *runs, tuple((name, self._span(record, name)) for name in record.names)

    def start(self, figure: "Figure", record: RunNorms) -> None:
        """Draw axes, names of runs and the columns of lost ones."""
        obs_ids, names = np.asarray(record.ledger["OBS_ID"]).tolist(), record.names
        many = len(obs_ids) > _MOST_NAMES // 2
        axes = rows(figure, [1] * len(names), bottom=74 if many else 46)
        every = -(-len(obs_ids) // _MOST_NAMES)
        self._points = {name: Points(ax) for name, ax in zip(names, axes, strict=True)}
        self._rings = {
            name: ax.plot([], [], "o", markersize=11, fillstyle="none", color=FLAG, markeredgewidth=2)[0]
            for name, ax in zip(names, axes, strict=True)
        }
        for name, ax in zip(names, axes, strict=True):
            ax.set(xlim=(-0.6, len(obs_ids) - 0.4), ylim=self._span(record, name))
            ax.set_ylabel(name.replace("norm_pivot", "norm at pivot"))
            ax.grid(axis="y", **GRID)
            few_ticks(ax, 4)
            reference_line(ax, _SHOWN.get(name, 1.0))
            for i in np.flatnonzero(~record.used).tolist():
                ax.axvspan(i - 0.4, i + 0.4, facecolor="0.95", edgecolor=LOST, hatch="///", zorder=0)
        axes[-1].set_xticks(range(0, len(obs_ids), every), obs_ids[::every], rotation=45 if many else 0)
        axes[-1].set_xlabel("Run (hatched: lost)" if not record.used.all() else "Run")
        self._caption = caption(axes[0])

    def update(self, record: RunNorms) -> "Sequence[Artist]":
        """Show the record."""
        runs = np.arange(len(record.ledger))
        looked_at = np.asarray(record.ledger["OBS_ID"]) == record.current
        for name, points in self._points.items():
            values, errors = record.values(name), _errors(record, name)
            points.set(runs, values, values - errors, values + errors)
            self._rings[name].set_data(runs[looked_at], values[looked_at])
        self._caption.set_text(_summary(record))
        return [
            *(artist for one in self._points.values() for artist in one.artists),
            *self._rings.values(),
            self._caption,
        ]

    def alt(self, record: RunNorms) -> str:
        """Return ranges and means."""
        return f"{_summary(record)}."

    def _span(self, record: RunNorms, name: str) -> tuple[float, float]:
        values, errors = record.values(name), _errors(record, name)
        return self._limits[name].around(np.concatenate([values - errors, values + errors]))


def _errors(record: RunNorms, name: str) -> FloatArray:
    """Return the errors, 0 where unknown."""
    return np.nan_to_num(record.values(f"{name}_err"), posinf=0)


def _summary(record: RunNorms) -> str:
    known = {name: values[np.isfinite(values)] for name in record.names for values in [record.values(name)]}
    ranges = [
        f"{name} from {values.min():.3g} to {values.max():.3g}, mean {values.mean():.3g}"
        for name, values in known.items()
        if values.size
    ]
    return f"{record.used.sum()} of {len(record.ledger)} runs in the stack: {'; '.join(ranges) or 'no norm is known'}"
