"""The files of a session: its recipe, to load and save, and a folder that everything is exported to."""

from typing import Any

import anywidget
from traitlets import Bool, Dict, Unicode

from fovnb.files import make_path
from fovnb.recipe import Recipe
from fovnb.widgets.assets import css, js
from fovnb.widgets.chores import Chores, Said
from fovnb.widgets.state import State

__all__ = ["Files"]


class Files(anywidget.AnyWidget):
    """Loads and saves the recipe of a state, and exports what it came to.

    Parameters
    ----------
    state : State
        Whose recipe and results.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> state = State(Recipe())
    >>> files = Files(state)
    >>> with TemporaryDirectory() as folder:
    ...     files.recipe = f"{folder}/recipe.yaml"
    ...     files.click("save")
    ...     files.wait(), files.said["kind"], Recipe.read(files.recipe) == state.recipe
    (True, 'good', True)
    >>> files.close()
    >>> state.close()
    """

    _esm = js("said") + js("files")
    _css = css("button") + css("said") + css("files")
    recipe = Unicode("recipe.yaml").tag(sync=True)
    folder = Unicode("fovnb-export").tag(sync=True)
    with_report = Bool(True).tag(sync=True)
    said = Dict({}).tag(sync=True)
    clicked = Dict({}).tag(sync=True)

    def __init__(self, state: State) -> None:
        self._state = state
        self._chores = Chores(self, state.lock)
        super().__init__()
        self._acts = {
            "load": lambda: self._chores.start("reading the recipe", self._load),
            "save": lambda: self._chores.start("writing the recipe", self._save),
            "export": lambda: self._chores.start("computing and writing all files", self._export),
            "replace": self._chores.replace,
            "keep": self._chores.hush,
        }
        self.observe(self._act, "clicked")
        self.observe(self._forget, ["recipe", "folder"])

    def click(self, name: str) -> None:
        """Press a button, as a user does: "load", "save", "export", "replace" or "keep"."""
        self.clicked = {"name": name, "n": self.clicked.get("n", 0) + 1}

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the buttons have done their work; return whether it is so."""
        return self._chores.wait(timeout)

    def close(self) -> None:
        """Free everything."""
        self._chores.close()
        self._acts = {}
        self.layout.close()
        super().close()

    def _act(self, change: Any) -> None:
        act = self._acts.get(change["new"].get("name"))
        if act is not None:
            act()

    def _forget(self, _: Any) -> None:
        self._chores.hush()

    def _load(self, overwrite: bool = False) -> Said:  # noqa: ARG002 - it writes no file
        path = make_path(self.recipe.strip())
        recipe = Recipe.read(path)
        n = len(self._state.recipe.diff(recipe).splitlines())
        self._state.take(recipe)
        return Said("good", f"read {path.absolute()}: {n} value{'s' * (n != 1)} changed; Undo takes it back")

    def _save(self, overwrite: bool = False) -> Said:
        path = make_path(self.recipe.strip())
        if path.exists() and not overwrite:
            return Said("ask", f"{path.name} exists; replace it?")
        self._state.recipe.write(path, overwrite)
        return Said("good", f"wrote {path.absolute()}")

    def _export(self, overwrite: bool = False) -> Said:
        from fovnb.commands.export import existing_outputs, export

        folder, with_report = self.folder.strip(), self.with_report
        if (found := existing_outputs(folder)) and not overwrite:
            names = ", ".join(path.name for path in found)
            return Said("ask", f"{make_path(folder).absolute()} holds {names}; replace what is there?")
        self._state.update()
        exported = export(self._state.finish(), folder, overwrite=overwrite, with_report=with_report)
        names = ", ".join(path.name for path in exported.written)
        notes = "".join(f"; {note}" for note in exported.notes)
        return Said("good", f"wrote {names} into {make_path(folder).absolute()}{notes}")
