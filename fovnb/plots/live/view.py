"""What a live view is: a plot in two parts, one that stays and one that follows the record."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

__all__ = ["LiveView"]

R = TypeVar("R", contravariant=True)


class LiveView(Protocol[R]):
    """A plot of records of one kind, on one figure that is drawn again and again.

    Whoever draws asks for the key first. Where it is another than last time the figure is begun anew; then the record
    is shown, by artists that are drawn after everything else. Limits of axes are part of the key, and a view may keep
    them where new ones would hardly differ, see `Sticky`.
    """

    def key(self, record: R) -> Hashable:
        """Return what the part that stays depends on."""

    def start(self, figure: "Figure", record: R) -> None:
        """Draw on an empty figure all that stays, and make the artists that follow."""

    def update(self, record: R) -> "Sequence[Artist]":
        """Show the record, and return the artists that follow, in the order in which they are to be drawn."""

    def alt(self, record: R) -> str:
        """Return what the picture says, with its numbers, in a sentence."""
