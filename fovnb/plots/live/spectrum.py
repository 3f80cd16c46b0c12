"""Counts, background and corrected background per energy bin, with ratio and pulls."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fovnb.diagnostics.fitted_spectrum import FittedSpectrum
from fovnb.plots.live.marks import (
    GRID,
    SIGMA,
    Points,
    caption,
    energies,
    legend_above,
    log_counts,
    outlined_steps,
    rows,
)
from fovnb.plots.live.sticky import Sticky, rounded_up
from fovnb.plots.style import BLUE, DATA, FLAG, ORANGE, reference_line
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["SpectrumView"]

_FEWEST = 0.3  # counts a bin at which the logarithmic axis ends at the latest
_FARTHEST = 1.0  # of the ratio from 1


class SpectrumView:
    """Spectra above, counts over corrected background below, and the pulls of the bins at the bottom.

    A ratio beyond its axis is a triangle at the edge.

    Examples
    --------
    >>> from fovnb.diagnostics.fitted_spectrum import fitted_spectrum
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.makers import FoVBackgroundMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.counts.data[0], run.counts.data[1], run.background.data[...], run.mask_safe.data[...] = 4, 2, 1, True
    >>> SpectrumView().alt(fitted_spectrum(FoVBackgroundMaker("scale").run(run)))
    'obs-1: 600 counts, background 200 before and 600 after the correction; deviance 68.0 for 1 degree of freedom, \
largest pull -6.1 at 5.62 TeV.'
    """

    def __init__(self) -> None:
        self._decades, self._reach, self._pulls = Sticky(least=1), Sticky(least=0.2), Sticky(least=7)

    def key(self, record: FittedSpectrum) -> Hashable:
        """Return energies and limits."""
        return tuple(record.energy_edges.tolist()), *self._limits(record)

    def start(self, figure: "Figure", record: FittedSpectrum) -> None:
        """Draw axes and legend."""
        edges = record.energy_edges
        spectra, ratio, pulls = rows(figure, (5, 2.4, 1.8))
        decades, reach, limits = self._limits(record)
        log_counts(spectra, *decades)
        spectra.set_ylabel("Counts")
        ratio.set(ylim=reach, ylabel="Ratio")
        step = rounded_up(0.3 * (reach[1] - 1))
        ratio.set_yticks([1 - step, 1, 1 + step])
        pulls.set(ylim=limits, ylabel=f"Pull [{SIGMA}]", yticks=(-3, 0, 3))
        self._background = outlined_steps(spectra, edges, ORANGE, "background", linestyle="--")
        self._npred = outlined_steps(spectra, edges, BLUE, "background, corrected")
        self._counts = Points(spectra, label="counts")
        reference_line(ratio, 1)
        self._ratio = Points(ratio)
        (self._above,) = ratio.plot([], [], linestyle="", marker="^", color=FLAG, markersize=7)
        (self._below,) = ratio.plot([], [], linestyle="", marker="v", color=FLAG, markersize=7)
        self._pull = pulls.stairs(np.zeros(len(edges) - 1), edges, fill=True, color=DATA, alpha=0.6)
        reference_line(pulls, 0)
        for ax in (spectra, ratio, pulls):
            ax.grid(**GRID)
        energies(pulls, edges[0], edges[-1])
        legend_above(spectra)
        self._caption = caption(spectra)

    def update(self, record: FittedSpectrum) -> "Sequence[Artist]":
        """Show the record."""
        edges, centers = record.energy_edges, _centers(record)
        self._background.set_data(_seen(record.background), edges)
        self._npred.set_data(_seen(record.npred), edges)
        self._counts.set(centers, _seen(record.counts), *_interval(record))
        self._ratio.set(centers, record.ratio, record.ratio_lo, record.ratio_hi)
        low, high = self._reach.around(_reaches(record))
        inside = 0.06 * (high - low)
        self._above.set_data(centers, np.where(record.ratio > high, high - inside, np.nan))
        self._below.set_data(centers, np.where(record.ratio < low, low + inside, np.nan))
        self._pull.set_data(np.nan_to_num(record.pull), edges, 0)
        self._caption.set_text(f"{_who(record)}:  deviance {record.deviance:.1f} for {record.dof}")
        artists = [self._background, self._npred, *self._counts.artists, *self._ratio.artists]
        return [*artists, self._above, self._below, self._pull, self._caption]

    def alt(self, record: FittedSpectrum) -> str:
        """Return counts, background and how well they agree."""
        counts, before, after = (values.sum() for values in (record.counts, record.background, record.npred))
        sums = f"{counts:.0f} counts, background {before:.4g} before and {after:.4g} after the correction"
        degrees = f"degree{'s' * (record.dof != 1)} of freedom"
        pull = np.nan_to_num(record.pull)
        worst = int(np.argmax(np.abs(pull)))
        found = f"largest pull {pull[worst]:+.1f} at {_centers(record)[worst]:.3g} TeV"
        return f"{_who(record)}: {sums}; deviance {record.deviance:.1f} for {record.dof} {degrees}, {found}."

    def _limits(self, record: FittedSpectrum) -> tuple[tuple[float, float], ...]:
        """Return the limits of spectra, ratio and pulls."""
        seen = np.concatenate([record.background, record.npred, *_interval(record)])
        decades = self._decades.around(np.log10(np.maximum(seen[seen > 0], _FEWEST)))
        pulls = np.append(np.abs(np.nan_to_num(record.pull)), 3.5)
        return (
            (10 ** decades[0], 10 ** decades[1]),
            self._reach.around(_reaches(record)),
            self._pulls.around([-pulls.max(), pulls.max()]),
        )


def _interval(record: FittedSpectrum) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the counts' intervals, NaN in bins without background."""
    used = record.npred > 0
    low, high = (np.where(used, ends, np.nan) for ends in (record.counts_lo, record.counts_hi))
    return np.maximum(low, _FEWEST), high


def _reaches(record: FittedSpectrum) -> FloatArray:
    """Return what the axis of the ratio is to hold: the intervals that say something, as far on both sides of 1."""
    sure = record.ratio_hi - record.ratio_lo < _FARTHEST
    ends = np.concatenate([record.ratio_lo[sure], record.ratio_hi[sure]])
    reach = np.clip(np.abs(ends - 1).max(initial=0.2), 0.2, _FARTHEST)
    return np.array([1 - reach, 1 + reach])


def _centers(record: FittedSpectrum) -> FloatArray:
    return np.asarray(np.sqrt(record.energy_edges[1:] * record.energy_edges[:-1]))


def _seen(values: FloatArray) -> FloatArray:
    """Return values, NaN where a logarithmic axis has no place for them."""
    return np.where(values > 0, values, np.nan)


def _who(record: FittedSpectrum) -> str:
    return record.names[0] if len(record.names) == 1 else f"{len(record.names)} runs"
