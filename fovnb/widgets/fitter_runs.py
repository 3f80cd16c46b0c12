"""The tab of the runs: the ledger, norm and tilt run by run, and runs that are left out with a reason."""

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from fovnb.datasets import Ledger
from fovnb.errors import RecipeError
from fovnb.modeling.background_record import GOOD_STATUSES
from fovnb.plots.live import NormsView, RunNorms
from fovnb.recipe.left_out import leave_out, take_back
from fovnb.widgets.fitter_look import Look, draw
from fovnb.widgets.form import Entry, Form
from fovnb.widgets.note import Note
from fovnb.widgets.plot import Plot
from fovnb.widgets.state import State
from fovnb.widgets.status import problem_of
from fovnb.widgets.table import Column, Table

__all__ = ["RunsTab", "ledger_columns", "ledger_is_whole", "ledger_rows"]

_REASON, _SAID, _BUTTON = "reason", "leave_out.reason", "leave_out"
_PLAIN = (
    Column("OBS_ID", "Run", "number"),
    Column("OBJECT", "Object"),
    Column("status", "Status"),
    Column("ZEN_PNT", "Zenith", "number", "deg", digits=3),
    Column("livetime", "Livetime", "number", "s"),
    Column("counts", "Counts", "number"),
)
_QUALITY = (
    Column("deviance", "Deviance", "number", digits=3),
    Column("dof", "dof", "number", help="degrees of freedom"),
    Column("p_value", "p", "number", digits=2, help="probability of a larger deviance"),
)
_OUT = (Column("OBS_ID", "Run", "number"), Column(_REASON, "Why it is left out", editable=True))


class RunsTab:
    """The ledger, whose rows are the runs to look at.

    Parameters
    ----------
    state : State
        Whose runs.
    look_at : callable
        Called with the OBS_ID of a run to look at.
    """

    title = "Runs"

    def __init__(self, state: State, look_at: Callable[[int], None]) -> None:
        self._state = state
        self._reasons: dict[int, str] = {}
        self._every: tuple[int, ...] = ()
        self._obs_id: int | None = None
        self.note = Note()
        self.table = Table(_PLAIN, "Run ledger", searchable=True)
        reason = Entry(_SAID, "text", "reason", help="why the run that is looked at is to be left out")
        self.form = Form([reason, Entry(_BUTTON, "action", "Leave this run out")], {_SAID: ""})
        self.left_out = Table(_OUT, "Runs left out", actions=[("take_back", "Take back")])
        self._plot = Plot(NormsView(), 900, 320, "Norm and tilt of each run")
        self.table.on_current(lambda obs_id: look_at(int(obs_id)))
        self.form.on_click(lambda _: self._leave_out())
        self.left_out.on_edit(lambda obs_id, _, reason: self._say(int(obs_id), str(reason)))
        self.left_out.on_action(lambda obs_id, _: self._take_back(int(obs_id)))
        self.plots = (self._plot,)
        self.box = w.VBox([self.note, self.table, self.form, self.left_out, self._plot.picture])
        self._list()

    @property
    def reasons(self) -> dict[int, str]:
        """Why runs were left out here, by OBS_ID."""
        return dict(self._reasons)

    def draw(self, look: Look) -> None:
        """Show results."""
        ledger = look.results.ledger
        self.table.columns = [vars(one) | {"choices": []} for one in ledger_columns(ledger)]
        self._obs_id = look.obs_id
        self.note.say(ledger.title.partition(": ")[2], "plain" if ledger_is_whole(ledger) else "warning")
        self.table.show(ledger_rows(ledger))
        self.table.current = look.obs_id
        self._reasons = {one: why for one, why in self._reasons.items() if one not in self.table.ids}
        self._list()
        draw(self._plot, look, lambda: RunNorms(ledger, look.obs_id))

    def close(self) -> None:
        """Let go of everything."""
        for part in (self.note, self.table, self.form, self.left_out, self._plot):
            part.close()

    def _leave_out(self) -> None:
        reason, obs_id = str(self.form.values[_SAID]).strip(), self._obs_id
        with self._state.lock:
            data, known = self._state.recipe.data, [int(one) for one in self.table.ids]
            try:
                if obs_id is None or not reason:
                    msg = "go to the row of a run, say here why it is to be left out, then press the button"
                    raise RecipeError(msg)
                without = leave_out(data, obs_id, known)
            except RecipeError as error:
                self.form.errors = {_SAID: vars(problem_of(error))}
                return
            self._every = tuple(known) if data.obs_ids is None else self._every
            self.form.errors = {}
            self.form.show({_SAID: ""})
            self._reasons[obs_id] = reason
            self._edit(without)

    def _take_back(self, obs_id: int) -> None:
        with self._state.lock:
            del self._reasons[obs_id]
            self._edit(take_back(self._state.recipe.data, obs_id, self._every))

    def _edit(self, data: Any) -> None:
        """Compute without being asked: what is left of the runs is remembered."""
        self._state.edit("data", data)
        self._list()
        if not self._state.fresh:
            self._state.update()

    def _say(self, obs_id: int, reason: str) -> None:
        self._reasons[obs_id] = reason
        self._list()

    def _list(self) -> None:
        self.left_out.show({"id": one, "OBS_ID": one, _REASON: why} for one, why in sorted(self._reasons.items()))
        self.left_out.layout.display = None if self._reasons else "none"


def ledger_is_whole(ledger: Ledger) -> bool:
    """Return whether every run of a ledger is usable, and none is odd."""
    return set(ledger["status"].tolist()) <= GOOD_STATUSES and not ledger.odd()


def ledger_columns(ledger: Ledger) -> list[Column]:
    """Return the columns of a ledger, each parameter with its error."""
    names = [name for name in ledger.colnames if f"{name}_err" in ledger.colnames]
    pairs = [
        (
            Column(name, name, "number", digits=4),
            Column(f"{name}_err", "±", "number", digits=2, help=f"error of {name}"),
        )
        for name in names
    ]
    return [*_PLAIN, *(one for pair in pairs for one in pair), *_QUALITY]


def ledger_rows(ledger: Ledger) -> list[dict[str, Any]]:
    """Return the rows of a ledger; the note of one says what is wrong with it, or odd."""
    names = [one.name for one in ledger_columns(ledger)]
    values = zip(*(getattr(ledger[name], "value", ledger[name]).tolist() for name in names), strict=True)
    odd, reasons = ledger.odd(), ledger["reason"].tolist()
    return [_row(dict(zip(names, row, strict=True)), reasons[i], odd.get(i, "")) for i, row in enumerate(values)]


def _row(row: dict[str, Any], reason: str, odd: str) -> dict[str, Any]:
    failed = row["status"] not in GOOD_STATUSES
    status = f"{row['status']} ({odd})" if odd else row["status"]
    return row | {"id": row["OBS_ID"], "status": status, "class": "failed" if failed else "", "note": odd or reason}
