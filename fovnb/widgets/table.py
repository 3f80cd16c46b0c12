"""A table in one model: searched, sorted, ticked and edited, by mouse or keyboard, quick with thousands of rows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, isnan
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias

import anywidget
from traitlets import Any as Anything
from traitlets import Bool, Enum, Int, List, Unicode

from fovnb.errors import InvalidInputError
from fovnb.text import did_you_mean
from fovnb.widgets.assets import css, js

__all__ = ["Column", "RowId", "Table"]

RowId: TypeAlias = str | int
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        The key of its values in the rows.
    label, unit, help : str
        What a person reads.
    kind : str
        ``text``, ``number``, ``choice`` (one of a list), ``flag`` (yes or no) or ``tick`` (a flag that Space changes
        from everywhere in its row).
    editable : bool
        Whether the user may change its values.
    choices : tuple of (value, label)
        What there is to choose from.
    digits : int
        Digits of a number that are shown; a whole one is shown with all.
    """

    name: str
    label: str
    kind: Literal["text", "number", "flag", "choice", "tick"] = "text"
    unit: str = ""
    editable: bool = False
    choices: tuple[tuple[Any, str], ...] = ()
    help: str = ""
    digits: int = 4


class Table(anywidget.AnyWidget):
    """Rows of values, each with an id of its own.

    Setting a trait from Python never calls back; only what the user does, or one of `edit`, `select`, `go` and `act`.

    Parameters
    ----------
    columns : sequence of Column
        The columns, from left to right.
    caption : str
        What the table holds.
    rows : sequence of dict
        Each with the key ``id``, a value for each column (None for none), and where it says more: ``class``
        (``failed``, ``stale`` or ``muted``) and ``note``, a sentence.
    mode : {"none", "one", "many"}
        How many rows can be selected.
    actions : sequence of (name, label)
        Buttons of each row; ``delete`` is also what the Delete key does.
    searchable : bool
        Whether there is a box to search in.
    height_px : int
        Largest height of the rows; what is more scrolls.

    Examples
    --------
    >>> table = Table([Column("target", "Target")], "Runs", [{"id": 2, "target": "Vela"}, {"id": 1, "target": "Crab"}])
    >>> table.sort = ["target", False]
    >>> table.visible_ids
    [1, 2]
    >>> table.close()
    """

    _esm = "\n".join(map(js, ("dom", "table_rows", "table_grid", "table")))
    _css = css("table")
    columns: List[dict[str, Any]] = List().tag(sync=True)
    caption = Unicode().tag(sync=True)
    rows: List[dict[str, Any]] = List().tag(sync=True)
    mode = Enum(["none", "one", "many"], "none").tag(sync=True)
    actions: List[Any] = List().tag(sync=True)
    selected: List[Any] = List().tag(sync=True)
    current = Anything(None, allow_none=True).tag(sync=True)  # id of the row that is looked at
    sort: List[Any] = List().tag(sync=True)  # [column, descending], or nothing for the order of the rows
    filter = Unicode().tag(sync=True)
    searchable = Bool(False).tag(sync=True)
    height_px = Int(260).tag(sync=True)
    errors: List[dict[str, Any]] = List().tag(sync=True)  # of edits: dicts with id, column, text and detail
    answered = Int().tag(sync=True)  # number of edits that were dealt with

    def __init__(
        self,
        columns: Sequence[Column],
        caption: str,
        rows: Iterable[Row] = (),
        *,
        mode: Literal["none", "one", "many"] = "none",
        actions: Sequence[tuple[str, str]] = (),
        searchable: bool = False,
        height_px: int = 260,
    ) -> None:
        self._calls: dict[str, list[Callable[..., None]]] = {"edit": [], "select": [], "current": [], "action": []}
        super().__init__(
            columns=[asdict(one) for one in columns],
            caption=caption,
            mode=mode,
            actions=[list(one) for one in actions],
            searchable=searchable,
            height_px=height_px,
        )
        self.show(rows)
        self.on_msg(self._receive)

    def show(self, rows: Iterable[Row]) -> None:
        """Show other rows; what was selected, or looked at, and is not among them is so no more.

        Raises
        ------
        InvalidInputError
            If two have the same id.
        """
        new = [{key: _plain(value) for key, value in row.items()} for row in rows]
        ids = {row["id"] for row in new}
        if len(ids) < len(new):
            msg = f"{len(new)} rows have {len(ids)} different ids; give each its own"
            raise InvalidInputError(msg)
        self.rows = new
        self.selected = [one for one in self.selected if one in ids]
        self.current = self.current if self.current in ids else None

    @property
    def ids(self) -> list[RowId]:
        """The ids of all rows."""
        return [row["id"] for row in self.rows]

    @property
    def visible_ids(self) -> list[RowId]:
        """The ids of the rows that the search leaves, as sorted."""
        words = self.filter.lower().split()
        found = [row for row in self.rows if all(word in self._text(row) for word in words)]
        if self.sort:
            name, descending = self.sort
            known = [row for row in found if row.get(name) is not None]
            known.sort(key=lambda row: _sort_key(row[name]), reverse=descending)
            found = known + [row for row in found if row.get(name) is None]
        return [row["id"] for row in found]

    def edit(self, row: RowId, column: str, value: Any) -> None:
        """Change a value, in the way of a user.

        Raises
        ------
        InvalidInputError
            If there is no such row, or a user could not edit the column.
        """
        self._expect([row], self.ids, "row")
        self._expect([column], [one["name"] for one in self.columns if one["editable"]], "editable column")
        self._receive(self, {"kind": "edit", "id": row, "column": column, "value": value, "n": self.answered + 1})

    def select(self, ids: Collection[RowId]) -> None:
        """Select these rows and no others, in the way of a user.

        Raises
        ------
        InvalidInputError
            If there is no such row, or so many cannot be selected.
        """
        self._expect(ids, self.ids, "row")
        if len(ids) > {"none": 0, "one": 1, "many": len(self.rows)}[self.mode]:
            msg = f"{len(ids)} rows cannot be selected in a table of mode {self.mode!r}; make it with another mode"
            raise InvalidInputError(msg)
        self.set_state({"selected": list(ids)})

    def go(self, row: RowId) -> None:
        """Look at a row, in the way of a user.

        Raises
        ------
        InvalidInputError
            If there is no such row.
        """
        self._expect([row], self.ids, "row")
        self.set_state({"current": row})

    def act(self, row: RowId, action: str) -> None:
        """Press a button of a row, in the way of a user.

        Raises
        ------
        InvalidInputError
            If there is no such row or button.
        """
        self._expect([row], self.ids, "row")
        self._expect([action], [name for name, _ in self.actions], "action")
        self._receive(self, {"kind": "action", "id": row, "action": action})

    def on_edit(self, callback: Callable[[RowId, str, Any], None]) -> None:
        """Call ``callback(id, column, value)`` when the user changes a value."""
        self._calls["edit"].append(callback)

    def on_select(self, callback: Callable[[list[RowId]], None]) -> None:
        """Call ``callback(ids)`` when the user selects other rows."""
        self._calls["select"].append(callback)

    def on_current(self, callback: Callable[[RowId], None]) -> None:
        """Call ``callback(id)`` when the user goes to another row."""
        self._calls["current"].append(callback)

    def on_action(self, callback: Callable[[RowId, str], None]) -> None:
        """Call ``callback(id, action)`` when the user presses a button of a row."""
        self._calls["action"].append(callback)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what comes from the browser."""
        super().set_state(sync_data)
        for name, kind in (("selected", "select"), ("current", "current")):
            if sync_data.get(name) is not None:
                self._call(kind, sync_data[name])

    def close(self) -> None:
        """Free everything."""
        self._calls = {kind: [] for kind in self._calls}
        self.on_msg(self._receive, remove=True)
        self.layout.close()
        super().close()

    def _receive(self, _: object, content: Mapping[str, Any], __: object = None) -> None:
        row = content["id"]
        if row not in self.ids:  # it went away while the message was on its way
            return
        if content["kind"] == "action":
            self._call("action", row, content["action"])
            return
        try:
            self._call("edit", row, content["column"], content["value"])
        finally:
            self.answered = content["n"]

    def _call(self, kind: str, *values: Any) -> None:
        for callback in tuple(self._calls[kind]):
            callback(*values)

    def _text(self, row: Row) -> str:
        """Return what the search looks at: texts, choices and whole numbers."""
        return "\n".join(_search_text(column, row.get(column["name"])) for column in self.columns)

    def _expect(self, names: Iterable[Any], known: Collection[Any], what: str) -> None:
        for name in names:
            if name not in known:
                near = did_you_mean(str(name), map(str, known))
                msg = f"the table has no {what} {name!r}{near}; there are {', '.join(map(str, known)) or 'none'}"
                raise InvalidInputError(msg)

    def __repr__(self) -> str:
        return f"Table({len(self.rows)} rows, {len(self.columns)} columns)"


def _search_text(column: Row, value: Any) -> str:
    if column["kind"] == "choice":
        value = next((label for one, label in column["choices"] if one == value), value)
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, bool) or value is None:
        return ""
    return str(int(value)) if value == int(value) else ""


def _sort_key(value: Any) -> tuple[bool, Any]:
    """Return what a value is sorted by: numbers before texts; a text without regard to upper case."""
    if isinstance(value, str) and value not in ("inf", "-inf"):
        return (True, value.lower())
    return (False, float(value))


def _plain(value: Any) -> Any:
    """Return a value as JSON can say it: NaN is None, an infinite number the text "inf"."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if isfinite(number) else None if isnan(number) else f"{number}"
    return bool(value) if hasattr(value, "dtype") else str(value)
