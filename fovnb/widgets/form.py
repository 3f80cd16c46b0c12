"""A panel of fields in one model: boxes, sliders, check boxes and buttons, made from the fields of a recipe.

What a user does comes as a queue of numbered events, so that no click is lost, none overtakes the value typed before
it, and a value from Python never falls back behind a newer one of the user.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from threading import Lock
from types import NoneType
from typing import Any, Literal, TypeAlias, get_args, get_origin

import anywidget
from traitlets import Dict, Int, List

from fovnb.errors import InvalidInputError
from fovnb.recipe import STEPS, FieldInfo, fields_of
from fovnb.recipe.fields import members_of
from fovnb.recipe.places import has_place, value_at
from fovnb.text import did_you_mean
from fovnb.widgets.assets import css, js
from fovnb.widgets.state import State

__all__ = ["Binding", "Entry", "Form", "bind", "entries", "entry"]

Kind: TypeAlias = Literal["number", "integer", "choice", "choices", "flag", "text", "numbers", "action"]

_KINDS: Mapping[Any, Kind] = {float: "number", int: "integer", bool: "flag", str: "text"}


@dataclass(frozen=True)
class Entry:
    """A field of a form.

    Parameters
    ----------
    path : str
        Its name, different from all others; the place in the recipe where the form is bound to a state.
    kind : str
        ``number``, ``integer``, ``choice`` (one of a list), ``choices`` (several check boxes), ``flag``, ``text``,
        ``numbers`` (a list in a text box) or ``action`` (a button).
    label, unit, help : str
        What a person reads.
    low, high : float
        Where arrow keys stop; what is beyond is refused by the recipe, not by the form.
    open_low : bool
        Whether the lower bound itself is impossible.
    scale : {"lin", "log"}
        Scale on which slider and arrow keys move.
    step : float
        Step of both, of the logarithm to base 10 on a "log" scale; 0 for one that fits.
    choices : tuple of (value, label)
        What there is to choose from.
    optional : bool
        Whether an empty box is a value, None.
    slider : (low, high), optional
        Ends of a slider beside the box; it needs no more than the box to be used.
    group : str
        Title of a frame around neighbours that have the same.
    row : str
        Neighbours with the same share a line, behind this name.
    rows : int
        Lines of a text box.
    disabled : bool
        Whether it begins closed to the user.
    """

    path: str
    kind: Kind
    label: str = ""
    unit: str = ""
    help: str = ""
    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    scale: Literal["lin", "log"] = "lin"
    step: float = 0.0
    choices: tuple[tuple[Any, str], ...] = ()
    optional: bool = False
    slider: tuple[float, float] | None = None
    group: str = ""
    row: str = ""
    rows: int = 1
    disabled: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can say it: an infinite bound is None."""
        bounds = {name: _finite(getattr(self, name)) for name in ("low", "high")}
        return {name: _plain(value) for name, value in (asdict(self) | bounds).items()}


def entry(info: FieldInfo, path: str, **changes: Any) -> Entry:
    """Return a field of a form for a field of a recipe; ``changes`` are other values of `Entry`, such as ``slider``.

    Raises
    ------
    InvalidInputError
        If the field holds what no kind of entry can show, and ``changes`` names none.

    Examples
    --------
    >>> from fovnb.recipe import SafeMask, field_info
    >>> found = entry(field_info(SafeMask, "offset_max_deg"), "safe_mask.offset_max_deg", slider=(0.5, 5))
    >>> found.kind, found.label, found.unit
    ('number', 'largest offset', 'deg')
    """
    kind = changes.pop("kind", None) or _kind_of(info)
    if kind is None:
        msg = f"{path!r} is neither a number, a text, a choice nor a list of these; give its kind, or its own fields"
        raise InvalidInputError(msg)
    made = Entry(
        path,
        kind,
        info.label,
        info.unit,
        info.help,
        info.low,
        info.high,
        info.open_low,
        info.scale,
        info.step,
        tuple((value, str(value)) for value in info.choices),
        info.optional,
    )
    return replace(made, **changes)


def entries(cls: type, prefix: str, only: Collection[str] | None = None) -> list[Entry]:
    """Return the entries of all plain fields of a step, or of some; steps within it are left out.

    Examples
    --------
    >>> from fovnb.recipe import SafeMask
    >>> [one.path for one in entries(SafeMask, "safe_mask")]
    ['safe_mask.methods', 'safe_mask.offset_max_deg']
    """
    known = fields_of(cls)
    names = [name for name, info in known.items() if _kind_of(info)] if only is None else only
    return [entry(known[name], f"{prefix}.{name}") for name in names]


class Form(anywidget.AnyWidget):
    """Fields, their values, and what is wrong with them.

    Parameters
    ----------
    fields : sequence of Entry
        The fields, from top to bottom.
    values : dict, optional
        Where they begin, by path.

    Examples
    --------
    >>> form = Form([Entry("radius", "number", "radius", "deg")], {"radius": 0.2})
    >>> form.on_edit(lambda path, value: print(path, "is", value))
    >>> form.set("radius", 0.3)
    radius is 0.3
    >>> form.close()
    """

    _esm = "\n".join(map(js, ("dom", "form")))
    _css = "\n".join(map(css, ("button", "form")))
    fields: List[dict[str, Any]] = List().tag(sync=True)
    values = Dict().tag(sync=True)
    errors = Dict().tag(sync=True)
    disabled = Dict().tag(sync=True)
    hidden = Dict().tag(sync=True)
    events: List[Any] = List().tag(sync=True)  # of the user, not answered yet: [number, path, value]
    answered = Int().tag(sync=True)  # number of the last event that was dealt with

    def __init__(self, fields: Sequence[Entry], values: Mapping[str, Any] | None = None) -> None:
        self._lock = Lock()  # only while traits are put together, never during a callback
        self._taken = 0
        self._on_edit: list[Callable[[str, Any], None]] = []
        self._on_click: list[Callable[[str], None]] = []
        self._bindings: list[Binding] = []
        super().__init__(fields=_checked(fields))
        self.disabled = {one.path: True for one in fields if one.disabled}
        self.show(values or {})

    @property
    def paths(self) -> list[str]:
        """The paths of all fields, buttons included."""
        return [one["path"] for one in self.fields]

    def replace(self, fields: Sequence[Entry], values: Mapping[str, Any]) -> None:
        """Show other fields."""
        new = _checked(fields)
        with self._lock:
            self.values = {one.path: _plain(values.get(one.path)) for one in fields if one.kind != "action"}
        self.disabled = {one.path: True for one in fields if one.disabled}
        self.errors, self.hidden, self.fields = {}, {}, new

    def show(self, values: Mapping[str, Any]) -> None:
        """Set values by path without calling back.

        Raises
        ------
        InvalidInputError
            If there is no such field.
        """
        for path in values:
            self._field(path)
        with self._lock:
            self.values = {**self.values, **_plain(values)}

    def set(self, path: str, value: Any) -> None:
        """Set a value, or press a button, in the way of a user.

        Raises
        ------
        InvalidInputError
            If there is no such field, or a user could not reach it.
        """
        self._field(path)
        if self.hidden.get(path) or self.disabled.get(path):
            msg = f"the field {path!r} is {'hidden' if self.hidden.get(path) else 'disabled'}; a user could not edit it"
            raise InvalidInputError(msg)
        self.set_state({"events": [[self._taken + 1, path, _plain(value)]]})

    def click(self, path: str) -> None:
        """Press a button, in the way of a user; see `set`."""
        self.set(path, None)

    def on_edit(self, callback: Callable[[str, Any], None], remove: bool = False) -> None:
        """Call ``callback(path, value)`` for each value that the user changes, or do so no more."""
        (self._on_edit.remove if remove else self._on_edit.append)(callback)

    def on_click(self, callback: Callable[[str], None], remove: bool = False) -> None:
        """Call ``callback(path)`` when the user presses a button, or do so no more."""
        (self._on_click.remove if remove else self._on_click.append)(callback)

    def bind(self, state: State) -> "Binding":
        """Show and edit the recipe of a state; see `Binding`."""
        self._bindings.append(Binding(self, state))
        return self._bindings[-1]

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what comes from the browser."""
        super().set_state(sync_data)
        for number, path, value in self._take(sync_data.get("events", ())):
            try:
                if path in self.paths:  # else it went away while the event was on its way
                    self._react(path, value)
            finally:
                self.answered = max(self.answered, number)

    def close(self) -> None:
        """Free everything, the bindings too."""
        for binding in self._bindings:
            binding.close()
        self._bindings, self._on_edit, self._on_click = [], [], []
        self.layout.close()
        super().close()

    def _take(self, events: Sequence[tuple[int, str, Any]]) -> list[tuple[int, str, Any]]:
        with self._lock:
            new = [event for event in events if event[0] > self._taken]
            self._taken = max([self._taken, *(event[0] for event in new)])
        return new

    def _react(self, path: str, value: Any) -> None:
        if self._field(path)["kind"] == "action":
            for click in tuple(self._on_click):
                click(path)
            return
        self.show({path: value})
        for edit in tuple(self._on_edit):
            edit(path, value)

    def _field(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] | None = next((one for one in self.fields if one["path"] == path), None)
        if found is None:
            msg = f"the form has no field {path!r}{did_you_mean(path, self.paths)}; there are {', '.join(self.paths)}"
            raise InvalidInputError(msg)
        return found

    def __repr__(self) -> str:
        return f"Form({len(self.fields)} fields)"


class Binding:
    """A form and the state that it edits: the recipe's values and errors are shown, edits go to the recipe.

    A place that the present recipe does not have, such as a parameter of another norm, is hidden, and so is a button
    named as a part of such a place. What the user typed stays in its box while it is wrong. Fields whose path begins
    with no step of a recipe are left to others.
    """

    def __init__(self, form: Form, state: State) -> None:
        self._form, self._state = form, state
        self._open = True
        form.on_edit(self._edit)
        form.observe(self._show, "fields")
        state.observe(self._show, ["recipe", "errors"])
        self._show()

    def close(self) -> None:
        """Let go of both; closing twice does nothing."""
        if not self._open:
            return
        self._open = False
        self._form.on_edit(self._edit, remove=True)
        self._form.unobserve(self._show, "fields")
        self._state.unobserve(self._show, ["recipe", "errors"])

    def _edit(self, path: str, value: Any) -> None:
        if path in self._places():
            self._state.edit(path, value)

    def _show(self, _: object = None) -> None:
        form, state = self._form, self._state
        with state.lock:
            places = self._places()
            there = {path: has_place(state.recipe, place) for path, place in places.items()}
            values = [path for path, place in places.items() if there[path] and path == place]
            form.hidden = {**form.hidden, **{path: not found for path, found in there.items()}}
            form.errors = {path: asdict(state.errors[path]) for path in values if path in state.errors}
            form.show({path: value_at(state.recipe, path) for path in values if path not in state.errors})

    def _places(self) -> dict[str, str]:
        """Return the places of the fields that are about the recipe: of a button, the one that it acts on."""
        ours = [one for one in self._form.fields if one["path"].partition(".")[0] in STEPS]
        return {one["path"]: _place_of(one) for one in ours}


def bind(form: Form, state: State) -> Binding:
    """Return what binds a form to a state until it, or the form, is closed."""
    return form.bind(state)


def _place_of(field: Mapping[str, Any]) -> str:
    path = str(field["path"])
    return path.rpartition(".")[0] if field["kind"] == "action" else path


def _checked(fields: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return fields as JSON, after a look at their paths."""
    paths = [one.path for one in fields]
    if twice := {path for path in paths if paths.count(path) > 1}:
        msg = f"the fields {', '.join(sorted(twice))} are there twice; give each its own path"
        raise InvalidInputError(msg)
    return [one.as_dict() for one in fields]


def _kind_of(info: FieldInfo) -> Kind | None:
    """Return the kind of entry that can show a field, None if there is none."""
    one = next(one for one in members_of(info.annotation) if one is not NoneType)
    if get_origin(one) is Literal:
        return "choice"
    if get_origin(one) is not tuple:
        return _KINDS.get(one)
    inner = get_args(one)[0]
    if get_origin(inner) is Literal:
        return "choices"
    return "numbers" if inner in (int, float) else None


def _finite(bound: float) -> float | None:
    return bound if isfinite(bound) else None


def _plain(value: Any) -> Any:
    """Return a value as the browser would send it: tuples are lists."""
    return json.loads(json.dumps(value))
