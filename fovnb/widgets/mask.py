"""MaskEditor: what the background fit leaves out, and what that does to the norm of every run while it moves."""

from typing import Any, ClassVar, get_args

import ipywidgets as w

from fovnb.maps.checks import check_choice
from fovnb.widgets.base import StateWidget
from fovnb.widgets.code_panel import CodePanel
from fovnb.widgets.mask_files import FilesPanel
from fovnb.widgets.mask_iterate import IteratePanel
from fovnb.widgets.mask_numbers import NumbersPanel
from fovnb.widgets.mask_regions import Regions
from fovnb.widgets.mask_scan import ScanPanel
from fovnb.widgets.mask_sky import Sky, SkyPanel
from fovnb.widgets.mask_suggest import SuggestPanel
from fovnb.widgets.mask_table import RegionsPanel
from fovnb.widgets.upstream import state_of

__all__ = ["MaskEditor"]

_TITLES = ("Effect on the fit", "Suggestions", "Repetition", "Size of the mask", "Files")


class MaskEditor(StateWidget):
    """Edits the regions that the background fit leaves out, in a table, by a form, and on the sky.

    Parameters
    ----------
    upstream : widget, Recipe, path or object of the engine, optional
        Where the data come from, such as a `CubeBuilder`; simulated runs by default.
    sky : {"aladin", "plain", "picture"}
        What shows the sky: Aladin over a survey, over nothing (it asks no server for images), or our own picture, which
        also takes over where Aladin cannot be loaded.
    **fields
        Values of the recipe's exclusion, such as ``regions`` or ``file``.

    Raises
    ------
    InvalidInputError
        If ``upstream`` or ``sky`` is none of these.
    RecipeError
        If there is no such field, or a value is impossible.

    Examples
    --------
    >>> from fovnb.recipe import Circle
    >>> mask = MaskEditor(sky="picture", regions=(Circle(83.6333, 22.0145, 0.3, name="source"),))
    >>> mask.table.edit(0, "size_0", 0.4)
    >>> mask.recipe.exclusion.regions
    (Circle(lon_deg=83.6333, lat_deg=22.0145, radius_deg=0.4, name='source'),)
    >>> int((~mask.result.exclusion_mask.data[0]).sum())
    1264
    >>> mask.close()
    """

    steps: ClassVar[tuple[str, ...]] = ("exclusion",)

    def __init__(self, upstream: Any = None, sky: Sky = "aladin", **fields: Any) -> None:
        check_choice("sky", sky, get_args(Sky))
        state = state_of(upstream, self.steps, fields)
        self.regions = Regions(state)
        self.sky, self.list = SkyPanel(state, self.regions, sky), RegionsPanel(state, self.regions)
        self.numbers, self.scan = NumbersPanel(state), ScanPanel(state)
        self.suggestions, self.iteration = SuggestPanel(state, self.regions), IteratePanel(state, self.regions)
        self.files = FilesPanel(state, self.regions)
        self._pages = (self.numbers, self.suggestions, self.iteration, self.scan, self.files)
        self.tabs = w.Tab(self._pages, titles=_TITLES)
        self.sky.layout.flex, self.list.layout.flex = "1 1 420px", "1.4 1 540px"
        above = w.Box([self.sky, self.list], layout={"flex_flow": "row wrap", "grid_gap": "0 16px"})
        super().__init__(state, [above, self.tabs, CodePanel(state, self.steps)], [self.regions])
        self.add_class("fovnb-mask")
        state.observe(self._draw, "results")
        state.observe(self._mark, ["recipe", "status"])
        self.tabs.observe(self._draw_page, "selected_index")
        self._draw(None)

    @property
    def table(self) -> Any:
        """The table of regions, the truth of this widget."""
        return self.list.table

    @property
    def form(self) -> Any:
        """The fields of the region that is looked at."""
        return self.list.form

    def picture(self) -> bytes | None:
        """Return our own picture of the map with its regions, whatever shows the sky."""
        with self.state.lock:
            return self.sky.png()

    def close(self) -> None:
        """Free everything; the other widgets of the chain live on."""
        if getattr(self, "_parts", ()):
            self.state.unobserve(self._draw, "results")
            self.state.unobserve(self._mark, ["recipe", "status"])
            self.tabs.unobserve(self._draw_page, "selected_index")
            super().close()

    def _draw(self, _: Any) -> None:
        """Show the results, what is visible only."""
        with self.state.lock:
            self.sky.draw()
            self._draw_page(None)

    def _draw_page(self, _: Any) -> None:
        with self.state.lock:
            self._page.draw()
            self._mark(None)

    def _mark(self, _: Any) -> None:
        """Say what belongs to an older recipe."""
        with self.state.lock:
            for part in (self.sky, self._page):
                part.mark(not self.state.fresh)

    @property
    def _page(self) -> Any:
        return self._pages[self.tabs.selected_index or 0]
