"""Counts against prediction across the field of view, and the gradient as an arrow."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fovnb.diagnostics.fov import FovResiduals
from fovnb.diagnostics.gradient import Gradient
from fovnb.plots.fields import plot_fov_residuals
from fovnb.plots.live.marks import SIGMA, caption, place_axes
from fovnb.text import Record

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["Field", "FieldView"]

_FULL_LENGTH = 0.1  # 1 / deg: a gradient whose arrow reaches the edge


@dataclass(frozen=True, eq=False, repr=False)
class Field(Record):
    """What a `FieldView` shows: residuals, and a gradient of the same alignment or none."""

    residuals: FovResiduals
    gradient: Gradient | None = None

    def _rows(self) -> dict[str, object]:
        return {"residuals": self.residuals.npred.shape, "gradient": _words(self.gradient)}


class FieldView:
    """Draws residuals as colours and the gradient as an arrow towards the excess, full length at 0.1 / deg."""

    def __init__(self, kind: Literal["pull", "ratio"] = "pull") -> None:
        self._kind = kind

    def key(self, record: Field) -> Hashable:
        """Return the bins and what their axes follow."""
        residuals = record.residuals
        return tuple(residuals.x_edges.tolist()), tuple(residuals.y_edges.tolist()), residuals.alignment

    def start(self, figure: "Figure", record: Field) -> None:
        """Draw axes and colour bar."""
        width, height = figure.bbox.width, figure.bbox.height
        side = min(width - 158, height - 76)
        ax = place_axes(figure)
        plot_fov_residuals(record.residuals, ax, kind=self._kind)
        ax.set_position((60 / width, 46 / height, side / width, side / height))
        bar = figure.axes[1]
        bar.set(ylabel={"pull": f"Pull [{SIGMA}]", "ratio": "Counts / prediction"}[self._kind], box_aspect=None)
        bar.set_position(((74 + side) / width, 46 / height, 16 / width, side / height))
        self._mesh = ax.collections[0]
        shaft: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.014, "minlength": 1}
        self._arrow = ax.quiver(
            [0.0], [0.0], [0.0], [0.0], facecolor="black", edgecolor="white", linewidth=0.8, **shaft
        )
        self._caption = caption(ax)

    def update(self, record: Field) -> "Sequence[Artist]":
        """Show the record."""
        self._mesh.set_array(np.ma.masked_invalid(getattr(record.residuals, self._kind)))
        self._caption.set_text(_words(record.gradient))
        found = record.gradient
        if found is None or not np.isfinite(found.magnitude):
            return [self._mesh, self._caption]
        scale = 0.95 * float(record.residuals.x_edges[-1]) / max(found.magnitude, _FULL_LENGTH)
        self._arrow.set_UVC(scale * found.gx, scale * found.gy)
        return [self._mesh, self._arrow, self._caption]

    def alt(self, record: Field) -> str:
        """Return the largest pull and the gradient."""
        pulls = record.residuals.pull[np.isfinite(record.residuals.pull)]
        worst = f"largest pull {pulls[np.argmax(np.abs(pulls))]:+.1f}" if pulls.size else "too few counts for any"
        return f"Residuals of {pulls.size} bins of the field of view: {worst}; {_words(record.gradient)}."


def _words(gradient: Gradient | None) -> str:
    if gradient is None:
        return "no gradient was asked for"
    if not np.isfinite(gradient.magnitude):
        return "the counts determine no gradient"
    return f"gradient {gradient.magnitude:.3f} / deg towards {gradient.direction_deg:.0f}°, {gradient.z:.1f} {SIGMA}"
