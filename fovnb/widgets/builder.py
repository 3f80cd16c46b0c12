"""CubeBuilder: from runs to counts, background and exposure cubes."""

from typing import Any, ClassVar

import ipywidgets as w

from fovnb.widgets.base import StateWidget
from fovnb.widgets.builder_grid import GridPanel
from fovnb.widgets.builder_list import RunList
from fovnb.widgets.builder_maps import MapPanel
from fovnb.widgets.builder_runs import RunPanel
from fovnb.widgets.builder_safe import SafePanel
from fovnb.widgets.state import State
from fovnb.widgets.upstream import state_of

__all__ = ["CubeBuilder"]


class CubeBuilder(StateWidget):
    """Chooses runs, grids and safe mask, and shows the maps.

    Parameters
    ----------
    upstream : path, Recipe, StateWidget or State, optional
        The folder of DL3 data, or where else to begin; by default simulated runs.
    **fields
        Values of fields of the steps data, cube and safe_mask, by their names in the recipe.

    Raises
    ------
    InvalidInputError
        If it cannot begin there.
    RecipeError
        If there is no such field, or a value is impossible.

    Examples
    --------
    >>> builder = CubeBuilder(offset_max_deg=2.0)
    >>> builder.result.stacked.counts.data.shape
    (5, 250, 250)
    >>> builder.close()
    """

    steps: ClassVar[tuple[str, ...]] = ("data", "cube", "safe_mask")

    def __init__(self, upstream: Any = None, **fields: Any) -> None:
        state = state_of(upstream, self.steps, fields)
        self.run_list = RunList(state)
        self.runs, self.grid = RunPanel(state, self.run_list), GridPanel(state, self.run_list)
        self.safe, self.maps = SafePanel(state, self.run_list), MapPanel(state)
        self.tabs = w.Tab([self.runs.box, self.grid.box, self.safe.box], titles=("Runs", "Grid", "Safe mask"))
        pages = _Pages(state, self.run_list, self.tabs, self.runs, self.safe, self.maps)
        panels = (pages, self.runs, self.grid, self.safe, self.maps, self.run_list)
        super().__init__(state, [self.tabs, self.maps.box], panels)

    def picture(self) -> bytes | None:
        """Return the counts map."""
        png: bytes = self.maps.pictures["counts"].png
        return png or None


class _Pages:
    """Draws the picture of the page that is seen, and marks pictures of another recipe as stale."""

    def __init__(
        self, state: State, run_list: RunList, tabs: w.Tab, runs: RunPanel, safe: SafePanel, maps: MapPanel
    ) -> None:
        self._state, self._tabs, self._runs, self._safe, self._maps = state, tabs, runs, safe, maps
        tabs.observe(self._draw, "selected_index")
        run_list.observe(self._draw, ["table", "current"])
        state.observe(self._draw, ["recipe", "results"])
        state.observe(self._mark, ["recipe", "results", "status"])
        self._draw()

    def close(self) -> None:
        """Let go of the state."""
        self._state.unobserve(self._draw, ["recipe", "results"])
        self._state.unobserve(self._mark, ["recipe", "results", "status"])

    def _draw(self, _: object = None) -> None:
        with self._state.lock:
            if self._tabs.selected_index == 0:
                self._runs.draw()
            elif self._tabs.selected_index == 2:
                self._safe.draw()

    def _mark(self, _: object = None) -> None:
        self._safe.mark()
        self._maps.mark()
