"""What a safe mask is decided by, and what it leaves: exposure, energy bias, spectra, and each method bin by bin."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fovnb.diagnostics.safe_spectra import SafeSpectra
from fovnb.plots.live.marks import GRID, caption, energies, legend_above, log_counts, outlined_steps, place_axes
from fovnb.plots.live.sticky import Sticky
from fovnb.plots.style import BLUE, DATA, FLAG, LOST, ORANGE, reference_line
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import StepPatch
    from matplotlib.text import Text

__all__ = ["SafeView"]

_LARGEST_BIAS = 0.5
_FEWEST = 0.3  # counts a bin at which the logarithmic axis ends at the latest
_BAR = 0.8  # height of a method's bar that lets everything through


class SafeView:
    """Exposure and bias on the left, spectra on the right and below them, a line a method, what passes.

    What the mask leaves is drawn in full, all else faint; a method that is not in use is hatched.
    """

    def __init__(self) -> None:
        self._decades = Sticky(least=1)

    def key(self, record: SafeSpectra) -> Hashable:
        """Return the responses, energies, limits and which methods are in use."""
        arrays = (record.energy_edges, record.energy_true, record.exposure, record.bias)
        fixed = record.threshold_tev, record.chosen, tuple(record.passed), self._limits(record)
        return *(array.tobytes() for array in arrays), repr(fixed)

    def start(self, figure: "Figure", record: SafeSpectra) -> None:
        """Draw the responses, and the axes of all else."""
        half, third = figure.bbox.width / 2, (figure.bbox.height - 72) / 3
        exposure = place_axes(figure, right=half + 36, bottom=third + 86)
        bias = place_axes(figure, right=half + 36, top=2 * third + 14, sharex=exposure)
        spectra = place_axes(figure, left=half + 44, bottom=third + 86)
        methods = place_axes(figure, left=half + 44, top=2 * third + 14, sharex=spectra)
        caption(exposure, s="middle of the field; dotted: threshold of the file")
        caption(spectra, s="bold: safe, thin: all")
        _draw_responses(exposure, bias, record)
        self._start_spectra(spectra, record)
        self._bars = [_bar(methods, record, row) for row in range(len(record.passed))]
        names = [name if name in record.chosen else f"({name})" for name in record.passed]
        methods.set(ylim=(len(names) - 0.5, -0.5), yticks=range(len(names)))
        methods.set_yticklabels([])
        self._names = [_name(methods, row, name) for row, name in enumerate(names)]
        energies(methods, record.energy_edges[0], record.energy_edges[-1])
        for ax in (spectra, methods):
            _mark_thresholds(ax, record)
        spectra.tick_params(labelbottom=False)
        self._caption = caption(methods)

    def update(self, record: SafeSpectra) -> "Sequence[Artist]":
        """Show the spectra, and what passes."""
        edges = record.energy_edges
        for patch, values in zip(self._steps, _spectra(record), strict=True):
            patch.set_data(np.where(values > 0, values, np.nan), edges)
        for row, (bar, share) in enumerate(zip(self._bars, record.passed.values(), strict=True)):
            bottom = row + _BAR / 2
            bar.set_data(bottom - _BAR * np.nan_to_num(share), edges, bottom)
        kept, whole = record.counts_safe.sum(), record.counts.sum()
        self._caption.set_text(f"passed, offset below {record.offset_max_deg:g}°: {kept:.0f} of {whole:.0f} counts")
        return [*self._bars, *self._names, *self._steps, self._caption]

    def alt(self, record: SafeSpectra) -> str:
        """Return what each method lets through."""
        kept = f"{record.counts_safe.sum():.0f} of {record.counts.sum():.0f} counts are safe"
        low, high = (f"{energy:.3g} TeV" if np.isfinite(energy) else "none" for energy in record.threshold_tev)
        known = {name: share[np.isfinite(share)] for name, share in record.passed.items()}
        shares = [
            f"{name} passes {100 * one.min():.0f} % to {100 * one.max():.0f} %"
            for name, one in known.items()
            if one.size
        ]
        return (
            f"{record.name}: {kept}; thresholds of the file {low} and {high}; {', '.join(shares) or 'nothing passes'}."
        )

    def _start_spectra(self, ax: "Axes", record: SafeSpectra) -> None:
        low, high = self._limits(record)
        log_counts(ax, 10**low, 10**high)
        ax.set_ylabel("Per bin")
        ax.grid(**GRID)
        styles = (
            (DATA, {"linewidth": 1, "alpha": 0.5}, ""),
            (ORANGE, {"linewidth": 1, "alpha": 0.7, "linestyle": "--"}, ""),
            (DATA, {"linewidth": 2.2}, "counts"),
            (ORANGE, {"linewidth": 2.2, "linestyle": "--"}, "background"),
        )
        self._steps = [outlined_steps(ax, record.energy_edges, color, name, **style) for color, style, name in styles]
        legend_above(ax)

    def _limits(self, record: SafeSpectra) -> tuple[float, float]:
        """Return the limits of the logarithm of the spectra."""
        values = np.concatenate(_spectra(record))
        return self._decades.around(np.log10(np.maximum(values[values > 0], _FEWEST)))


def _spectra(record: SafeSpectra) -> tuple[FloatArray, ...]:
    return record.counts, record.background, record.counts_safe, record.background_safe


def _draw_responses(exposure: "Axes", bias: "Axes", record: SafeSpectra) -> None:
    """Draw exposure and bias against true energy."""
    good = record.exposure > 0
    exposure.plot(record.energy_true[good], record.exposure[good], color=BLUE, linewidth=1.8)
    exposure.set(yscale="log", ylabel="Exposure [m² s]")
    if good.any():
        exposure.set_ylim(record.exposure.max() / 1e4, 2 * record.exposure.max())
    exposure.yaxis.set_major_formatter(_powers)
    exposure.minorticks_off()
    bias.plot(record.energy_true, record.bias, color=BLUE, linewidth=1.8)
    bias.set(ylim=(-_LARGEST_BIAS, _LARGEST_BIAS), ylabel="Bias")
    reference_line(bias, 0)
    for ax in (exposure, bias):
        _mark_thresholds(ax, record)
        ax.grid(**GRID)
    energies(bias, record.energy_edges[0] / 3, 3 * record.energy_edges[-1])
    bias.set_xlabel("True energy [TeV]")
    exposure.tick_params(labelbottom=False)


def _mark_thresholds(ax: "Axes", record: SafeSpectra) -> None:
    """Draw lines at the energies that the file calls safe, and shade what is beyond."""
    low, high = record.threshold_tev
    for energy, beyond in ((low, 1e-9), (high, 1e9)):
        if np.isfinite(energy):
            ax.axvline(energy, color=FLAG, linestyle=":", linewidth=1.5)
            ax.axvspan(*sorted((energy, beyond)), color=LOST, alpha=0.35, zorder=0)


def _bar(ax: "Axes", record: SafeSpectra, row: int) -> "StepPatch":
    """Return an empty bar of a method."""
    edges, used = record.energy_edges, list(record.passed)[row] in record.chosen
    style = {"facecolor": BLUE, "alpha": 0.5} if used else {"facecolor": "none", "edgecolor": "0.5", "hatch": "///"}
    base = np.full(len(edges) - 1, row + _BAR / 2)
    return ax.stairs(base, edges, baseline=base, fill=True, **style)


def _name(ax: "Axes", row: int, name: str) -> "Text":
    """Write the name of a method inside of the axes, where there is room for long ones."""
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    return ax.text(0.01, row, name, transform=ax.get_yaxis_transform(), va="center", fontsize=9, bbox=behind)


def _powers(value: float, _: object) -> str:
    """Return a power of ten without mathematical typesetting, which is slow and not made for threads."""
    return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
