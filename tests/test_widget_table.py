"""A table says what its user did, and which rows are seen in which order."""

import gc
import json
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fovnb.errors import InvalidInputError
from fovnb.widgets.table import Column, Table

COLUMNS = [
    Column("obs_id", "OBS_ID", "number"),
    Column("target", "target"),
    Column("offset", "offset", "number", "deg", editable=True),
    Column("frame", "frame", "choice", choices=(("icrs", "ICRS"), ("galactic", "Galactic"))),
    Column("used", "used", "tick", editable=True),
]
ROWS = [
    {"id": 3, "obs_id": 20003, "target": "crab", "offset": 0.5, "frame": "icrs", "used": True},
    {"id": 1, "obs_id": 20001, "target": "Vela X", "offset": None, "frame": "galactic", "used": False},
    {"id": 2, "obs_id": 20002, "target": "Crab", "offset": 1.5, "frame": "galactic", "used": True},
    {"id": 4, "obs_id": 20004, "target": None, "offset": float("inf"), "frame": "icrs", "used": False},
]


@pytest.fixture
def table() -> Table:
    return Table(COLUMNS, "Runs", ROWS, mode="many", actions=[("delete", "Delete")], searchable=True)


def listen(table: Table) -> list[tuple[Any, ...]]:
    """Return the list to which everything is added that the table calls back."""
    seen: list[tuple[Any, ...]] = []
    table.on_edit(lambda *what: seen.append(("edit", *what)))
    table.on_select(lambda ids: seen.append(("select", ids)))
    table.on_current(lambda row: seen.append(("current", row)))
    table.on_action(lambda *what: seen.append(("action", *what)))
    return seen


def test_a_user_edits_selects_looks_and_acts_and_each_is_told(table: Table) -> None:
    seen = listen(table)
    table.edit(1, "offset", 0.7)
    table.select([3, 2])
    table.go(2)
    table.act(3, "delete")
    table.select([])
    told = [("edit", 1, "offset", 0.7), ("select", [3, 2]), ("current", 2), ("action", 3, "delete"), ("select", [])]
    assert seen == told
    assert (table.selected, table.current, table.answered) == ([], 2, 1)


def test_what_python_sets_is_not_told(table: Table) -> None:
    seen = listen(table)
    table.selected, table.current, table.filter = [1], 1, "crab"
    table.sort = ["target", True]
    table.show(ROWS[:2])
    assert seen == []


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ([], [3, 1, 2, 4]),
        (["obs_id", False], [1, 2, 3, 4]),
        (["obs_id", True], [4, 3, 2, 1]),
        (["target", False], [3, 2, 1, 4]),  # upper case makes no difference, what is equal keeps its order
        (["target", True], [1, 3, 2, 4]),  # what is unknown is last, either way
        (["offset", False], [3, 2, 4, 1]),
        (["offset", True], [4, 2, 3, 1]),
        (["used", False], [1, 4, 3, 2]),
    ],
)
def test_rows_are_sorted(table: Table, sort: list[Any], ids: list[int]) -> None:
    table.sort = sort
    assert table.visible_ids == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [3, 1, 2, 4]),
        ("CRAB", [3, 2]),
        ("crab 20002", [2]),
        ("galac", [1, 2]),  # the label of a choice
        ("x vela", [1]),
        ("1.5", []),  # a number that is not whole is not searched
        ("crab vela", []),
    ],
)
def test_a_search_leaves_the_rows_that_hold_all_words(table: Table, text: str, ids: list[int]) -> None:
    table.filter = text
    assert table.visible_ids == ids


def test_a_search_and_an_order_go_together(table: Table) -> None:
    table.filter, table.sort = "crab", ["obs_id", False]
    assert table.visible_ids == [2, 3]


def test_values_are_such_as_json_can_say() -> None:
    values = {"a": np.float64("nan"), "b": np.int16(3), "c": np.bool_(True), "d": -np.inf, "e": np.float32(0.5)}
    table = Table([Column(name, name, "number") for name in values], "Numbers", [{"id": 1, **values}])
    assert table.rows == [{"id": 1, "a": None, "b": 3, "c": True, "d": "-inf", "e": 0.5}]
    assert json.loads(json.dumps(table.rows, allow_nan=False)) == table.rows


def test_what_is_gone_is_neither_selected_nor_looked_at(table: Table) -> None:
    table.selected, table.current = [1, 2], 2
    table.show(ROWS[:2])
    assert (table.ids, table.selected, table.current) == ([3, 1], [1], None)


def test_a_message_of_a_row_that_is_gone_is_passed_over(table: Table) -> None:
    seen = listen(table)
    table.show(ROWS[1:])
    table._receive(table, {"kind": "action", "id": 3, "action": "delete"})
    table._receive(table, {"kind": "action", "id": 1, "action": "delete"})
    assert seen == [("action", 1, "delete")]


def test_an_edit_is_answered_even_if_what_it_calls_fails(table: Table) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError

    table.on_edit(fail)
    with pytest.raises(RuntimeError):
        table.edit(3, "offset", 1)
    assert table.answered == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda table: table.edit(9, "offset", 1), "the table has no row 9; there are 3, 1, 2, 4"),
        (lambda table: table.edit(1, "target", "x"), "no editable column 'target'; there are offset, used"),
        (lambda table: table.select([1, 7]), "no row 7"),
        (lambda table: table.go("x"), "no row 'x'"),
        (lambda table: table.act(1, "delet"), r"no action 'delet' \(did you mean 'delete'\?\)"),
        (lambda table: table.show([ROWS[0], ROWS[0]]), "2 rows have 1 different ids"),
    ],
)
def test_what_a_user_could_not_do_is_refused(table: Table, call: Callable[[Table], None], said: str) -> None:
    seen = listen(table)
    with pytest.raises(InvalidInputError, match=said):
        call(table)
    assert seen == []
    assert len(table.rows) == 4


@pytest.mark.parametrize(("mode", "most"), [("none", 0), ("one", 1)])
def test_no_more_rows_are_selected_than_the_mode_allows(mode: Any, most: int) -> None:
    table = Table(COLUMNS, "Runs", ROWS, mode=mode)
    table.select([row["id"] for row in ROWS[:most]])
    with pytest.raises(InvalidInputError, match=f"{most + 1} rows cannot be selected in a table of mode '{mode}'"):
        table.select([row["id"] for row in ROWS[: most + 1]])
    assert len(table.selected) == most


def test_a_closed_table_is_freed() -> None:
    def make() -> list[weakref.ref[Any]]:
        table = Table(COLUMNS, "Runs", ROWS)
        table.on_current(lambda _: table.go(1))  # a circle through the table itself
        parts = [weakref.ref(table), weakref.ref(table.layout)]
        table.close()
        return parts

    parts = [part for _ in range(5) for part in make()]
    gc.collect()
    assert [part() for part in parts] == [None] * 10


def test_repr_is_short_and_stable(table: Table) -> None:
    assert repr(table) == "Table(4 rows, 5 columns)"
