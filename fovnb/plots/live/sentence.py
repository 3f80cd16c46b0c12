"""A sentence in place of a plot: why there is nothing to see."""

from collections.abc import Hashable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["SentenceView"]

_PX_PER_LETTER = 7.5


class SentenceView:
    """Draws text in the middle of the figure.

    Examples
    --------
    >>> SentenceView().alt("no run is left")
    'no run is left'
    """

    def key(self, record: str) -> Hashable:  # noqa: ARG002 - every sentence has the same empty figure
        """Return the same for all."""
        return ()

    def start(self, figure: "Figure", record: str) -> None:  # noqa: ARG002
        """Make an empty text."""
        self._letters = max(int(figure.bbox.width / _PX_PER_LETTER) - 4, 10)
        self._text = figure.text(0.5, 0.5, "", ha="center", va="center", fontsize=10.5, color="0.25", parse_math=False)

    def update(self, record: str) -> "Sequence[Artist]":
        """Show the sentence, broken into lines."""
        self._text.set_text(fill(record, self._letters))
        return [self._text]

    def alt(self, record: str) -> str:
        """Return the sentence."""
        return record
