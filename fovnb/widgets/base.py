"""What all widgets of the chain have in common: one state, its recipe, its results and its code."""

import base64
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import ipywidgets as w

from fovnb.codegen.core import Root
from fovnb.pipeline import Results
from fovnb.recipe import Recipe
from fovnb.widgets.bar import Bar
from fovnb.widgets.closing import close_all
from fovnb.widgets.state import State

__all__ = ["Part", "StateWidget"]

_PATIENCE_S = 1.5  # for the picture of a cell that is shown before its results are there


class Part(Protocol):
    """A part of a widget, which holds on to the state until it is closed."""

    def close(self) -> None:
        """Let go of everything."""


class StateWidget(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """A view on a state, which it shares with the widgets that it was made from and those made from it.

    Parameters
    ----------
    state : State
        What it shows and edits.
    children : sequence of widget
        What lies below the line with the status.
    parts : sequence of Part
        What is to be closed with it, beside the children.
    """

    steps: ClassVar[tuple[str, ...]] = ()
    _parts: tuple[Part, ...] = ()  # ipywidgets closes again what it deletes, be it half made

    def __init__(self, state: State, children: Sequence[w.Widget], parts: Sequence[Part] = ()) -> None:
        self._state = state.join()
        self._bar = Bar(state, type(self).__name__, self.steps)
        self._parts = (self._bar, *children, *parts)
        super().__init__([self._bar, *children])
        self.add_class("fovnb")
        state.update()

    @property
    def state(self) -> State:
        """What it shares with the other widgets of its chain."""
        return self._state

    @property
    def recipe(self) -> Recipe:
        """What is to be done; setting it changes all widgets of the chain."""
        recipe: Recipe = self._state.recipe
        return recipe

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        self._state.take(recipe)

    @property
    def result(self) -> Results:
        """What the present recipe comes to, as plain objects of the engine; computed if need be.

        Raises
        ------
        FovnbError
            If there is something wrong with the data.
        """
        return self._state.finish()

    def code(self, root: Root = "fovnb", **options: Any) -> str:
        """Return the present recipe as a script; see `fovnb.codegen.to_code` for the options."""
        return self._state.code(root, **options)

    def undo(self) -> None:
        """Take the last change of this widget back."""
        self._state.undo(self.steps)

    def redo(self) -> None:
        """Make the last change that was taken back again."""
        self._state.redo(self.steps)

    def reset(self) -> None:
        """Lead the widget back to how it began; this can be undone."""
        self._state.reset(self.steps)

    def picture(self) -> bytes | None:
        """Return what the widget shows as a PNG, None if there is nothing to show yet."""
        return None

    def close(self) -> None:
        """Free everything; the other widgets of the chain live on."""
        parts, self._parts = self._parts, ()
        if not parts:
            return
        for part in parts:
            close_all(part)
        self.children = ()
        self.layout.close()
        super().close()
        self._state.leave()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(recipe {self._state.digest})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Return the live widget, and a picture for where nothing is live: GitHub, a PDF."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        self._state.wait(_PATIENCE_S)
        png = self.picture()
        return bundle if png is None else bundle | {"image/png": base64.b64encode(png).decode()}
