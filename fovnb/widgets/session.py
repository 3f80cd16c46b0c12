"""FovSession: the whole analysis in one widget, from the runs to the files."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

import ipywidgets as w

from fovnb.errors import InvalidInputError
from fovnb.recipe import STEPS
from fovnb.text import did_you_mean
from fovnb.widgets.base import StateWidget
from fovnb.widgets.builder import CubeBuilder
from fovnb.widgets.files import Files
from fovnb.widgets.fitter import BackgroundFitter
from fovnb.widgets.mask import MaskEditor
from fovnb.widgets.session_pages import CodePage, DiagnosticsPage, LedgerPage, StackPage
from fovnb.widgets.state import State
from fovnb.widgets.upstream import state_of

__all__ = ["FovSession"]


class Page(Protocol):
    """What a tab holds."""

    box: w.Widget

    def turn(self, seen: bool) -> None:
        """Say whether it is seen."""

    def close(self) -> None:
        """Let go of everything."""


class FovSession(StateWidget):
    """CubeBuilder, MaskEditor and BackgroundFitter with diagnostics, stack, ledger, code and files.

    A tab is made when it is first seen.

    Parameters
    ----------
    upstream : Recipe, path, StateWidget or State, optional
        Where to begin: a recipe, a folder of DL3 data, another widget; by default simulated runs.
    **fields
        Values of fields of the recipe, by their names.

    Raises
    ------
    InvalidInputError
        If it cannot begin there.
    RecipeError
        If there is no such field, or a value is impossible.

    Examples
    --------
    >>> session = FovSession(offset_max_deg=2.0)
    >>> session.turn("Ledger").table.ids
    [1, 2]
    >>> session.close()
    """

    steps: ClassVar[tuple[str, ...]] = STEPS

    def __init__(self, upstream: Any = None, **fields: Any) -> None:
        state = state_of(upstream, STEPS, fields)
        self.files = Files(state)
        self.pages: dict[str, Page] = {}
        self.tabs = w.Tab([w.VBox() for _ in _PAGES], titles=tuple(_PAGES), selected_index=0)
        super().__init__(state, [self.files, self.tabs])
        self.add_class("fovnb-session")
        self.tabs.observe(self._show, "selected_index")
        self._show()

    @property
    def seen(self) -> str:
        """The title of the tab that is seen."""
        return list(_PAGES)[self.tabs.selected_index or 0]

    def turn(self, title: str) -> Any:
        """Turn to a tab and return what is in it, as a click on it does.

        Raises
        ------
        InvalidInputError
            If there is no such tab.
        """
        titles = list(_PAGES)
        if title not in titles:
            msg = f"there is no tab {title!r}{did_you_mean(title, titles)}; choose from {', '.join(titles)}"
            raise InvalidInputError(msg)
        self.tabs.selected_index = titles.index(title)
        page = self.pages[title]
        return page.widget if isinstance(page, _WidgetPage) else page

    def picture(self) -> bytes | None:
        """Return the picture of the tab that is seen, if it has one."""
        picture = getattr(self.pages[self.seen], "picture", None)
        return None if picture is None else picture()

    def close(self) -> None:
        """Free everything; closing twice does nothing."""
        if not getattr(self, "pages", None):
            return
        pages, self.pages = self.pages, {}
        self.tabs.unobserve(self._show, "selected_index")
        for page in pages.values():
            page.close()
        for slot in self.tabs.children:
            slot.children = ()  # each page has closed what was in it
        super().close()

    def _show(self, _: Any = None) -> None:
        """Make the tab that is seen if it is new, and tell all which one it is."""
        with self.state.lock:
            seen = self.seen
            if seen not in self.pages:
                page = self.pages[seen] = _PAGES[seen](self.state)
                self.tabs.children[list(_PAGES).index(seen)].children = [page.box]
            for title, page in self.pages.items():
                page.turn(title == seen)


class _WidgetPage:
    """One of the widgets of the chain as a page."""

    def __init__(self, make: Callable[[State], StateWidget], state: State) -> None:
        self.widget = self.box = make(state)

    def turn(self, seen: bool) -> None:
        """Do nothing: the widget draws what it shows by itself."""

    def picture(self) -> bytes | None:
        return self.widget.picture()

    def close(self) -> None:
        self.widget.close()


_PAGES: Mapping[str, Callable[[State], Page]] = MappingProxyType(
    {
        "Cube": lambda state: _WidgetPage(CubeBuilder, state),
        "Mask": lambda state: _WidgetPage(MaskEditor, state),
        "Background": lambda state: _WidgetPage(BackgroundFitter, state),
        "Diagnostics": DiagnosticsPage,
        "Stack": StackPage,
        "Ledger": LedgerPage,
        "Code": CodePage,
    }
)
