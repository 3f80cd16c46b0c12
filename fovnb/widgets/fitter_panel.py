"""A form that shows a part of a recipe in its own words, and turns what the user does into edits of the state."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from fovnb.errors import FovnbError
from fovnb.recipe import Recipe
from fovnb.widgets.form import Entry, Form
from fovnb.widgets.state import State
from fovnb.widgets.status import Problem, problem_of

__all__ = ["Panel", "Rule", "Sheet"]

Rule: TypeAlias = Callable[[Recipe, str, Any], tuple[str, Any]]
"""Which place of the recipe gets which value when the user gives a field one."""

_PICKED = ("choice", "choices", "flag")  # kinds of fields whose refused values are not worth keeping


@dataclass(frozen=True)
class Sheet:
    """The fields of a panel for a recipe, their values by path, and those that are hidden."""

    fields: tuple[Entry, ...]
    values: Mapping[str, Any]
    hidden: Collection[str] = field(default=frozenset())


class Panel:
    """A form and what it means.

    Parameters
    ----------
    state : State
        What it edits.
    sheet : callable
        Returns the `Sheet` of a recipe.
    rule : callable
        See `Rule`; a button has the value None. A `FovnbError` that it raises is said under the field.
    """

    def __init__(self, state: State, sheet: Callable[[Recipe], Sheet], rule: Rule) -> None:
        self._state, self._sheet, self._rule = state, sheet, rule
        self._fields: tuple[Entry, ...] = ()
        self.form = Form([])
        self.form.on_edit(self.edit)
        self.form.on_click(lambda path: self.edit(path, None))
        self._show()
        state.observe(self._show, ["recipe", "errors"])

    def edit(self, path: str, value: Any) -> None:
        """Give a field a value; what is wrong with it is said under the field."""
        with self._state.lock:
            picked = {one.path for one in self._fields if one.kind in _PICKED}
            self._forget({path, *picked})
            try:
                place, new = self._rule(self._state.recipe, path, value)
            except FovnbError as error:
                self._complain(path, problem_of(error))
                return
            self._state.edit(place, new)
            if place != path and place in self._state.errors:
                problem = self._state.errors[place]
                self._forget({place})
                self._complain(path, problem)

    def close(self) -> None:
        """Let go of the state and the form."""
        self._state.unobserve(self._show, ["recipe", "errors"])
        self.form.close()

    def _forget(self, paths: Collection[str]) -> None:
        self._state.errors = {path: one for path, one in self._state.errors.items() if path not in paths}

    def _complain(self, path: str, problem: Problem) -> None:
        self._state.errors = {**self._state.errors, path: problem}

    def _show(self, _: object = None) -> None:
        with self._state.lock:
            sheet, errors = self._sheet(self._state.recipe), self._state.errors
            if sheet.fields != self._fields:
                self._fields = sheet.fields
                self.form.replace(sheet.fields, sheet.values)
            typed = {one.path for one in sheet.fields if one.path in errors and one.kind not in _PICKED}
            self.form.show({path: value for path, value in sheet.values.items() if path not in typed})
            self.form.hidden = dict.fromkeys(sheet.hidden, True)
            self.form.errors = {path: asdict(errors[path]) for path in self.form.paths if path in errors}
