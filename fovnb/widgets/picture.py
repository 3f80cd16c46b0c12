"""A picture in a box of fixed shape, with what it says as text, and places in it to be clicked."""

from collections.abc import Callable
from typing import Any

import anywidget
from traitlets import Bool, Bytes, Dict, Int, Unicode

from fovnb.errors import InvalidInputError
from fovnb.widgets.assets import css, js

__all__ = ["Picture"]


class Picture(anywidget.AnyWidget):
    """A PNG that can be replaced without a flicker.

    Parameters
    ----------
    width, height : int
        Of the box in pixels; on a narrow page it is narrower, and as high as its shape asks for.
    label : str
        What it is, for who cannot see it.

    Examples
    --------
    >>> picture = Picture(450, 400, "Counts")
    >>> picture.on_click(lambda x, y: print("placed at", x, y))
    >>> picture.click(0.5, 0.25)
    placed at 0.5 0.25
    >>> picture.close()
    """

    _esm = js("picture")
    _css = css("picture")
    width = Int().tag(sync=True)
    height = Int().tag(sync=True)
    label = Unicode().tag(sync=True)
    png = Bytes().tag(sync=True)
    alt = Unicode().tag(sync=True)  # the numbers of the picture in a sentence
    recipe = Unicode().tag(sync=True)  # digest of the recipe that it shows
    stale = Bool().tag(sync=True)
    places = Bool().tag(sync=True)  # whether a click means something
    clicked = Dict().tag(sync=True)

    def __init__(self, width: int, height: int, label: str) -> None:
        super().__init__(width=width, height=height, label=label)
        self._callbacks: list[Callable[[float, float], None]] = []
        self.observe(self._react, "clicked")

    def show(self, png: bytes, alt: str = "", recipe: str = "") -> None:
        """Show another picture, which is not stale, with its text and recipe: one message to the browser."""
        with self.hold_sync():
            self.png, self.alt, self.recipe, self.stale = png, alt, recipe, False

    def on_click(self, callback: Callable[[float, float], None]) -> None:
        """Call ``callback(x, y)`` for each place clicked, or chosen by arrow keys and Enter.

        x and y are fractions of the picture from its upper left corner.
        """
        self._callbacks.append(callback)
        self.places = True

    def click(self, x: float, y: float) -> None:
        """Click a place as a user does.

        Raises
        ------
        InvalidInputError
            If it is not in the picture, or a user could not click there.
        """
        if not (0 <= x <= 1 and 0 <= y <= 1 and self.places):
            msg = f"({x:g}, {y:g}) cannot be clicked; expected fractions from 0 to 1 of a picture with places to click"
            raise InvalidInputError(msg)
        self.clicked = {"x": x, "y": y, "n": self.clicked.get("n", 0) + 1}

    def close(self) -> None:
        """Free everything."""
        self._callbacks = []
        self.layout.close()
        super().close()

    def _react(self, change: Any) -> None:
        for callback in tuple(self._callbacks):
            callback(change["new"]["x"], change["new"]["y"])

    def __repr__(self) -> str:
        return f"Picture({self.label!r}, {self.width} x {self.height})"
