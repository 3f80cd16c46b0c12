"""The tabs of the fitter: only the one that is seen is drawn, the others when they are shown."""

from collections.abc import Sequence

import ipywidgets as w

from fovnb.widgets.fitter_look import Look, View

__all__ = ["Tabs"]


class Tabs:
    """Views of results, one of which is seen.

    Parameters
    ----------
    views : sequence of View
        From left to right.
    """

    def __init__(self, views: Sequence[View]) -> None:
        self.views = tuple(views)
        self._look: Look | None = None
        self._drawn: dict[int, Look] = {}
        self.box = w.Tab([view.box for view in views], titles=[view.title for view in views], selected_index=0)
        self.box.observe(self._switch, "selected_index")

    def go(self, title: str) -> None:
        """Show the tab with a title."""
        self.box.selected_index = [view.title for view in self.views].index(title)

    def draw(self, look: Look) -> None:
        """Show results."""
        self._look = look
        index = self.box.selected_index
        if index is not None and self._drawn.get(index) != look:
            self._drawn = {number: one for number, one in self._drawn.items() if one == look} | {index: look}
            self.views[index].draw(look)

    def mark(self, stale: bool) -> None:
        """Say whether what was drawn belongs to another recipe."""
        for index in self._drawn:
            for plot in self.views[index].plots:
                plot.picture.stale = stale

    def close(self) -> None:
        """Let go of everything."""
        self._look, self._drawn = None, {}
        self.box.unobserve(self._switch, "selected_index")
        for view in self.views:
            view.close()

    def _switch(self, _: object) -> None:
        if self._look is not None:
            with self._look.state.lock:
                self.draw(self._look)
