"""What the size of the mask does to the fits: a picture that is drawn at once and stays."""

from collections.abc import Hashable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from fovnb.diagnostics.mask_scan import MaskScan
from fovnb.plots.live.marks import GRID, caption, place_axes
from fovnb.plots.runs import plot_mask_scan

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["ScanView"]

_LETTERS = 60  # of a line above the axes


class ScanView:
    """Draws a line for each run; sizes at which all runs together differ are marked by dotted lines.

    Parameters
    ----------
    kind : {"difference", "norm", "tilt"}
        See `~fovnb.plots.plot_mask_scan`.
    """

    def __init__(self, kind: str = "difference") -> None:
        self._kind = kind

    def key(self, record: MaskScan) -> Hashable:
        """Return the record itself: nothing of it is drawn again."""
        return record

    def start(self, figure: "Figure", record: MaskScan) -> None:
        """Draw the record."""
        ax = place_axes(figure, left=72, top=44)
        plot_mask_scan(record, ax, self._kind)
        ax.grid(**GRID)
        caption(ax, s=fill(record.verdict, _LETTERS))

    def update(self, record: MaskScan) -> "Sequence[Artist]":  # noqa: ARG002 - all of it stays
        """Return nothing: all is drawn."""
        return []

    def alt(self, record: MaskScan) -> str:
        """Return the verdict."""
        sizes = f"{record.rho[0]:g} to {record.rho[-1]:g} deg"
        return f"Mask scan of {len(record.obs_ids)} runs from {sizes}: {record.verdict}."
