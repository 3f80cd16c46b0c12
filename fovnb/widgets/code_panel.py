"""The present recipe as code: shown, copied, saved, and proved in a fresh process.

The text is only written while somebody looks, in the background and after a quiet moment: a slider that is dragged does
not pay for it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import Bool, Dict, Enum, List, Unicode

from fovnb.errors import InvalidInputError
from fovnb.files import make_path
from fovnb.pipeline import Results
from fovnb.recipe import Recipe, fields_of
from fovnb.widgets.assets import css, js
from fovnb.widgets.chores import Chores, Said
from fovnb.widgets.state import State, digest
from fovnb.widgets.status import Problem, problem_of
from fovnb.widgets.worker import Worker

if TYPE_CHECKING:
    from fovnb.codegen.verify import Verification

__all__ = ["CodePanel"]

_QUIET_S = 0.15  # without a change, before the text is written
_OPTIONS = ("root", "step", "full", "as_function", "as_values")
_WHOLE = ["", "whole analysis"]
_NEEDS_RESULTS = "the code for Gammapy can hold fitted values: it is written when the results are up to date"


class CodePanel(anywidget.AnyWidget):
    """Shows the code of a state's recipe.

    Parameters
    ----------
    state : State
        Whose recipe it is.
    steps : tuple of str, optional
        Steps that can be shown alone, with what they need.
    collapsed : bool
        Whether it begins folded up; otherwise it cannot be folded.

    Examples
    --------
    >>> state = State(Recipe())
    >>> panel = CodePanel(state, collapsed=False)
    >>> panel.wait()
    True
    >>> panel.text == state.code()
    True
    >>> panel.close()
    >>> state.close()
    """

    _esm = js("said") + js("code")
    _css = css("button") + css("said") + css("code")
    parts: List[list[str]] = List().tag(sync=True)
    collapsible = Bool().tag(sync=True)
    looked_at = Bool().tag(sync=True)
    root = Enum(["fovnb", "gammapy"], "fovnb").tag(sync=True)
    step = Unicode().tag(sync=True)
    full = Bool().tag(sync=True)
    as_function = Bool().tag(sync=True)
    as_values = Bool().tag(sync=True)
    path = Unicode("analysis.py").tag(sync=True)
    text = Unicode().tag(sync=True)
    recipe = Unicode().tag(sync=True)  # digits of the recipe that the text says
    stale = Bool(True).tag(sync=True)
    problem = Dict({}).tag(sync=True)  # why there is no newer text: sentence and traceback
    said = Dict({}).tag(sync=True)
    clicked = Dict({}).tag(sync=True)

    def __init__(self, state: State, steps: Iterable[str] | None = None, collapsed: bool = True) -> None:
        self._state = state
        self._writer = Worker()
        self._chores = Chores(self, state.lock)
        labels = fields_of(Recipe)
        parts = [_WHOLE, *([name, f"{labels[name].label}, and what it needs"] for name in steps or ())]
        super().__init__(parts=parts, collapsible=collapsed, looked_at=not collapsed)
        self._acts = {
            "verify": lambda: self._chores.start("running the code in a fresh process", self._verify),
            "save": lambda: self._chores.start("writing the file", self._save),
            "replace": self._chores.replace,
            "keep": self._chores.hush,
        }
        state.observe(self._change, ["recipe", "results"])
        self.observe(self._change, _OPTIONS)
        self.observe(self._forget, "path")
        self.observe(self._renew, "looked_at")
        self.observe(self._act, "clicked")
        self._renew()

    @property
    def options(self) -> dict[str, Any]:
        """What is asked of `fovnb.codegen.to_code`."""
        return {name: getattr(self, name) for name in _OPTIONS} | {"step": self.step or None}

    def click(self, name: str) -> None:
        """Press a button, as a user does: "verify", "save", "replace" or "keep"."""
        self.clicked = {"name": name, "n": self.clicked.get("n", 0) + 1}

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the text is written and the buttons have done their work; return whether it is so."""
        return self._writer.wait(timeout) and self._chores.wait(timeout)

    def close(self) -> None:
        """Let go of the state; closing twice does nothing."""
        if not self._acts:
            return
        self._state.unobserve(self._change, ["recipe", "results"])
        self._writer.cancel()
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

    def _change(self, _: Any) -> None:
        self._chores.hush()  # what was said was said of another text
        self._renew()

    def _renew(self, _: Any = None) -> None:
        with self._state.lock:
            self.stale = True
            if self.looked_at:
                self._writer.start(self._write)

    def _write(self, stop: Event) -> None:
        """Write the text of the present recipe, unless it changes meanwhile."""
        if stop.wait(_QUIET_S):
            return
        recipe, results = self._source()
        text, problem = self._written(recipe, results, self.options)
        with self._state.lock:
            if stop.is_set():
                return
            with self.hold_sync():
                self.problem = {"text": problem.text, "detail": problem.detail}
                self.stale = bool(problem.text)
                if not self.stale:
                    self.text, self.recipe = text, digest(recipe)

    def _written(self, recipe: Recipe, results: Results | None, options: Mapping[str, Any]) -> tuple[str, Problem]:
        """Return the text, or why there is none."""
        from fovnb.codegen import to_code

        if options["root"] == "gammapy" and results is None:
            return "", Problem(_NEEDS_RESULTS)
        try:
            return to_code(recipe, **options, results=results), Problem("")
        except Exception as error:  # whatever it is, the user is to read it in place of the text
            return "", problem_of(error)

    def _source(self) -> tuple[Recipe, Results | None]:
        """Return the recipe, and its results if they are there."""
        state = self._state
        with state.lock:
            return state.recipe, state.results if state.fresh else None

    def _computed(self) -> Results:
        """Return the results of the recipe, computed in the state's own background if need be."""
        self._state.update()
        return self._state.finish()

    def _verify(self, overwrite: bool = False) -> Said:  # noqa: ARG002 - it writes no file
        from fovnb.codegen import to_code
        from fovnb.codegen.verify import verify_code

        options = self.options
        if options["step"] is not None:
            msg = "only a whole analysis has results to compare; choose the whole analysis"
            raise InvalidInputError(msg)
        results = self._computed()
        found = verify_code(to_code(results.recipe, **options, results=results), results, options["root"])
        if (results.recipe, options) != (self._state.recipe, self.options):
            return Said("bad", "the code has changed meanwhile; verify it again")
        return Said("good", _agreement(found))

    def _save(self, overwrite: bool = False) -> Said:
        from fovnb.codegen import save_code, to_notebook

        options, target = self.options, _target(self.path)
        if target.exists() and not overwrite:
            return Said("ask", f"{target.name} exists; replace it?")
        recipe, results = self._source()
        if results is None and self.root == "gammapy":
            results = self._computed()
            recipe = results.recipe
        given = {**options, "overwrite": overwrite, "results": results}
        if target.suffix == ".py":
            save_code(recipe, target, **given)
        else:
            to_notebook(recipe, target, **_for_notebook(given))
        return Said("good", f"wrote {target.absolute()}")


def _agreement(found: "Verification") -> str:
    compared = f"{found.n_arrays} arrays, {found.n_values} values"
    if found.root == "fovnb":
        return f"reproduced exactly: {compared}, equal to the last bit"
    return f"reproduced: {compared}, the largest deviation is {found.largest_share:.2g} of what is allowed"


def _target(path: str) -> Path:
    """Return the path of a file that code can be saved to."""
    target = make_path(path.strip())
    if target.suffix not in (".py", ".ipynb"):
        msg = f"{path!r} ends in neither .py nor .ipynb; give the name of a script or a notebook"
        raise InvalidInputError(msg)
    return target


def _for_notebook(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a notebook, which always holds the whole analysis, step by step."""
    if options["step"] is not None or options["as_function"]:
        what = "one step" if options["step"] is not None else "a function"
        msg = f"a notebook holds the whole analysis step by step, not {what}; change that, or save as .py"
        raise InvalidInputError(msg)
    return {name: value for name, value in options.items() if name not in ("step", "as_function")}
