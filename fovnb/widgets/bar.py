"""The line on top of each widget: what is going on, and Update, Cancel, Undo, Redo, Reset."""

from collections.abc import Callable
from typing import Any

import anywidget
from traitlets import Dict, List, Unicode

from fovnb.widgets.assets import css, js
from fovnb.widgets.state import State

__all__ = ["Bar"]

_BUTTONS = [
    ["update", "Update", "compute what changed"],
    ["cancel", "Cancel", "stop the work; the last results stay"],
    ["undo", "Undo", "take the last change of this widget back"],
    ["redo", "Redo", "make it again"],
    ["reset", "Reset", "back to how this widget began; can be undone"],
]


class Bar(anywidget.AnyWidget):
    """Shows the status of a state, and acts on some of its steps.

    Parameters
    ----------
    state : State
        What it shows.
    title : str
        Name of the widget.
    steps : tuple of str
        The steps of the recipe that Undo, Redo and Reset are about.
    """

    _esm = js("bar")
    _css = css("button") + css("bar")
    title = Unicode().tag(sync=True)
    buttons = List(_BUTTONS).tag(sync=True)
    status = Dict().tag(sync=True)
    clicked = Dict({}).tag(sync=True)

    def __init__(self, state: State, title: str, steps: tuple[str, ...]) -> None:
        self._state, self._steps = state, steps
        self._acts: dict[str, Callable[[], None]] = {}
        super().__init__(title=title, status=self._present())
        self._acts = {
            "update": state.update,
            "cancel": state.cancel,
            "undo": lambda: state.undo(steps),
            "redo": lambda: state.redo(steps),
            "reset": lambda: state.reset(steps),
        }
        state.observe(self._show, ["status", "recipe", "results"])
        self.observe(self._act, "clicked")

    def click(self, name: str) -> None:
        """Press a button, as a user does."""
        self.clicked = {"name": name, "n": self.clicked.get("n", 0) + 1}

    def close(self) -> None:
        """Let go of the state."""
        if self._acts:
            self._state.unobserve(self._show, ["status", "recipe", "results"])
            self._acts = {}
        super().close()

    def _act(self, change: Any) -> None:
        act = self._acts.get(change["new"].get("name"))
        if act is not None:
            act()

    def _show(self, _: Any) -> None:
        self.status = self._present()

    def _present(self) -> dict[str, Any]:
        state, status = self._state, self._state.status
        can = {
            "update": status.phase != "running" and not state.fresh,
            "cancel": status.phase == "running",
            "undo": state.can_undo(self._steps),
            "redo": state.can_redo(self._steps),
            "reset": state.differs(self._steps),
        }
        enabled = [name for name, possible in can.items() if possible]
        shown = {"phase": status.phase, "text": status.text, "detail": status.detail, "fraction": status.fraction}
        return {**shown, "enabled": enabled, "recipe": state.digest}
