"""A figure that is drawn again and again: what does not change is drawn once, the rest on top of a copy of it."""

from collections.abc import Hashable
from functools import cache
from threading import RLock
from typing import Any, TypeVar

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fovnb.plots.live import LiveView
from fovnb.widgets.png import encode_png

__all__ = ["Canvas"]

R = TypeVar("R")

_DPI = 100


class Canvas:
    r"""Draws live views of one size.

    Parameters
    ----------
    width, height : int
        In pixels.

    Examples
    --------
    >>> from fovnb.plots.live import SentenceView
    >>> png = Canvas(200, 100).draw(SentenceView(), "no run is left", recipe="0123456789ab")
    >>> png[:4], b"0123456789ab" in png
    (b'\x89PNG', True)
    """

    def __init__(self, width: int, height: int) -> None:
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white")
        self._agg: Any = FigureCanvasAgg(self._figure)  # its methods have no types
        self._static: Any = None
        self._drawn: tuple[Any, Hashable] | None = None

    def draw(self, view: LiveView[R], record: R, recipe: str = "") -> bytes:
        """Return the view of a record as a PNG that names the recipe.

        One canvas at a time is drawn in the whole process: matplotlib shares fonts and caches between figures.
        """
        with _drawing():
            key = view.key(record)
            if self._drawn is None or self._drawn[0] is not view or self._drawn[1] != key:
                self._start(view, record, key)
            else:
                self._agg.restore_region(self._static)
            for artist in view.update(record):
                self._figure.draw_artist(artist)
            return encode_png(np.asarray(self._agg.buffer_rgba()), {"Recipe": recipe})

    def place(self, x: float, y: float) -> tuple[float, float] | None:
        """Return the data coordinates, in the first axes, of fractions of the picture from its upper left corner.

        None outside of these axes.
        """
        with _drawing():
            if not self._figure.axes:
                return None
            axes, box = self._figure.axes[0], self._figure.bbox
            pixel = x * box.width, (1 - y) * box.height
            if not axes.bbox.contains(*pixel):
                return None
            found = axes.transData.inverted().transform(pixel)
            return float(found[0]), float(found[1])

    def _start(self, view: LiveView[R], record: R, key: Hashable) -> None:
        """Draw what stays, in matplotlib's own style whatever the user's is, and keep a copy."""
        self._drawn = None
        self._figure.clear()
        with style.context("default"):
            view.start(self._figure, record)
            for artist in view.update(record):
                artist.set_animated(True)
            self._agg.draw()
        self._static = self._agg.copy_from_bbox(self._figure.bbox)
        self._drawn = view, key


@cache
def _drawing() -> RLock:
    return RLock()
