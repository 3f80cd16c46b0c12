"""A live view in a picture: the record goes in, picture, text and recipe come out."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from fovnb.plots.live import LiveView, SentenceView
from fovnb.widgets.canvas import Canvas
from fovnb.widgets.picture import Picture

__all__ = ["Plot"]

R = TypeVar("R")


class Plot(Generic[R]):
    """A view of records of one kind, and the picture that shows it.

    Parameters
    ----------
    view : LiveView
        What it looks like; for this plot alone.
    width, height : int
        In pixels.
    label : str
        What it is.

    Examples
    --------
    >>> plot = Plot(SentenceView(), 300, 100, "Note")
    >>> plot.draw("no run is left", recipe="0123456789ab")
    >>> plot.picture.alt, plot.picture.recipe
    ('no run is left', '0123456789ab')
    >>> plot.close()
    """

    def __init__(self, view: LiveView[R], width: int, height: int, label: str) -> None:
        self.view = view
        self.picture = Picture(width, height, label)
        self._canvas = Canvas(width, height)
        self._sentence = SentenceView()

    def draw(self, record: R, recipe: str = "") -> None:
        """Show a record."""
        self._show(self.view, record, recipe)

    def say(self, sentence: str, recipe: str = "") -> None:
        """Show a sentence in place of the view, such as why there is nothing to see."""
        self._show(self._sentence, sentence, recipe)

    def on_place(self, callback: Callable[[float, float], None]) -> None:
        """Call ``callback(x, y)`` with the data coordinates of each place that is chosen in the first axes."""

        def react(x: float, y: float) -> None:
            place = self._canvas.place(x, y)
            if place is not None:
                callback(*place)

        self.picture.on_click(react)

    def close(self) -> None:
        """Free everything."""
        self.picture.close()

    def _show(self, view: LiveView[Any], record: object, recipe: str) -> None:
        self.picture.show(self._canvas.draw(view, record, recipe), view.alt(record), recipe)
