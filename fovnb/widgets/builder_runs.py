"""Which runs: the folder, a selection, a table to tick them in, and where they point."""

from dataclasses import asdict
from typing import Any

import ipywidgets as w

from fovnb.diagnostics.pointings import pointings
from fovnb.errors import FovnbError
from fovnb.pipeline.cube_size import grids
from fovnb.pipeline.run_table import IndexedRun, RunTable
from fovnb.plots.live import PointingsView
from fovnb.recipe import Cone, Data, Selection, field_info
from fovnb.recipe.places import edit_at
from fovnb.widgets.builder_list import RunList
from fovnb.widgets.form import Entry, Form, entries, entry
from fovnb.widgets.note import Note
from fovnb.widgets.plot import Plot
from fovnb.widgets.state import State
from fovnb.widgets.status import Problem, problem_of
from fovnb.widgets.table import Column, RowId, Table

__all__ = ["RunPanel"]

_OBS_IDS, _SELECTION = "data.obs_ids", "data.selection"
_CONE = "radius_deg"
_NONE_TICKED = "no run is ticked; the recipe keeps the runs that it had until one is"

_COLUMNS = (
    Column("obs_id", "OBS_ID", "number"),
    Column("target", "target"),
    Column("state", "state", help="what became of the run, or why it is left out"),
    Column("zenith", "zenith", "number", "deg", digits=3),
    Column("livetime", "live time", "number", "min", digits=3),
    Column("quality", "quality", "number", help="-1 unknown, 0 best, 1 fair, 2 bad"),
    Column("ra", "RA", "number", "deg", digits=5, help="right ascension of the pointing, ICRS"),
    Column("dec", "Dec", "number", "deg", digits=5, help="declination of the pointing, ICRS"),
    Column("date", "date"),
)


class RunPanel:
    """Chooses the runs of a recipe.

    Parameters
    ----------
    state : State
        Holds the recipe.
    runs : RunList
        The runs of its folder.
    """

    def __init__(self, state: State, runs: RunList) -> None:
        self._state, self._runs = state, runs
        self.folder = Form(entries(Data, "data", ["folder", "demo_runs"]))
        self.folder.bind(state)
        self.selection = Form(_selection_fields(None, Selection()))
        self.table = Table(_COLUMNS, "Runs", mode="many", searchable=True, height_px=280)
        self.note = Note()
        self._view = PointingsView()
        self.plot = Plot(self._view, 450, 400, "Pointings of the runs and outline of the maps")
        left = w.VBox([self.table, self.note], layout={"flex": "3 1 36em", "min_width": "0"})
        right = w.VBox([self.plot.picture], layout={"flex": "1 1 21em", "min_width": "0", "max_width": "450px"})
        layout = {"flex_flow": "row wrap", "align_items": "flex-start", "grid_gap": "8px"}
        below = w.HBox([left, right], layout=layout)
        self.box = w.VBox([self.folder, self.selection, below])
        self.table.on_select(self._tick)
        self.table.on_current(self._go)
        self.selection.on_edit(self._select)
        self.plot.on_place(self._go_to)
        runs.observe(self._show_runs, "table")
        runs.observe(self._show_current, "current")
        state.observe(self._show_recipe, "recipe")
        state.observe(self._show_rows, "results")
        state.observe(self._show_note, "errors")
        self._drawn: Any = None
        self._show_recipe()
        self._show_runs()

    def draw(self) -> None:
        """Draw where the runs point, unless that is there already."""
        table, recipe = self._runs.table, self._state.recipe
        key = recipe.data, recipe.cube, table is None
        if key == self._drawn:
            self.plot.picture.recipe = self._state.digest
            return
        self._drawn = key
        if table is None:
            self.plot.say("there are no runs to show; see the folder above", self._state.digest)
            return
        used = [run.obs_id for run in table.used]
        self.plot.draw(pointings(table.pointings, grids(recipe.cube)["geom"], chosen=used), self._state.digest)

    def close(self) -> None:
        """Let go of the state."""
        self._runs.unobserve(self._show_runs, "table")
        self._runs.unobserve(self._show_current, "current")
        self._state.unobserve(self._show_recipe, "recipe")
        self._state.unobserve(self._show_rows, "results")
        self._state.unobserve(self._show_note, "errors")

    def _tick(self, ids: list[RowId]) -> None:
        state, table = self._state, self._runs.table
        with state.lock:
            if not ids:
                state.errors = {**state.errors, _OBS_IDS: Problem(_NONE_TICKED)}
            elif table is not None:
                usable = {run.obs_id for run in table.runs if not run.problem}
                state.edit(_OBS_IDS, None if set(ids) == usable else tuple(ids))

    def _go(self, obs_id: RowId) -> None:
        with self._state.lock:
            self._runs.current = int(obs_id)

    def _go_to(self, x: float, y: float) -> None:
        with self._state.lock:
            table, recipe = self._runs.table, self._state.recipe
            if table is not None:
                shown = pointings(table.pointings, grids(recipe.cube)["geom"])
                nearest = self._view.nearest(shown, x, y)
                self._runs.current = self._runs.current if nearest is None else nearest

    def _select(self, path: str, value: Any) -> None:
        """Put a condition into the recipe's selection; one that asks for nothing is none."""
        state = self._state
        with state.lock:
            selection = state.recipe.data.selection or Selection()
            try:
                selection = self._with_cone(selection, value) if path == _CONE else edit_at(selection, path, value)
            except FovnbError as error:
                self.selection.errors = {**self.selection.errors, path: asdict(problem_of(error))}
                return
            self.selection.errors = {name: one for name, one in self.selection.errors.items() if name != path}
            state.edit(_SELECTION, None if selection == Selection() else selection)

    def _with_cone(self, selection: Selection, radius_deg: Any) -> Selection:
        """Return the selection with another cone: around where it was, at first around the centre of the maps."""
        if radius_deg is None:
            return selection.edit(cone=None)
        geometry = self._state.recipe.cube.geometry
        cone = selection.cone or Cone(geometry.lon_deg, geometry.lat_deg, frame=geometry.frame)
        return selection.edit(cone=cone.edit(radius_deg=radius_deg))

    def _show_recipe(self, _: object = None) -> None:
        data = self._state.recipe.data
        self.folder.hidden = {**self.folder.hidden, "data.demo_runs": data.folder is not None}
        self.selection.show(_values(data.selection or Selection()))
        self.selection.errors = {}

    def _show_runs(self, _: object = None) -> None:
        table, selection = self._runs.table, self._state.recipe.data.selection or Selection()
        fields = _selection_fields(table, selection)
        if [one.as_dict() for one in fields] != self.selection.fields:
            self.selection.replace(fields, _values(selection))
        self._show_rows()
        self._show_note()

    def _show_rows(self, _: object = None) -> None:
        table, came_to = self._runs.table, self._came_to()
        runs = () if table is None else table.runs
        self.table.show([_row(run, table, came_to.get(run.obs_id)) for run in runs])
        self.table.selected = [] if table is None else [run.obs_id for run in runs if run.obs_id in table.listed]
        self._show_current()

    def _show_current(self, _: object = None) -> None:
        self.table.current = self._runs.current

    def _show_note(self, _: object = None) -> None:
        problem, table = self._state.errors.get(_OBS_IDS) or self._state.errors.get(_SELECTION), self._runs.table
        if problem is not None:
            self.note.say(problem.text, "error")
        elif table is not None:
            self.note.say(table.sentence, "plain" if table.used else "warning")
        else:
            self.note.say("")

    def _came_to(self) -> dict[int, tuple[bool, str]]:
        """Return, by OBS_ID, whether a run is in the stack, and what became of it."""
        results = self._state.results
        found = [] if results is None else [(one.run_info, one.background_fit) for one in results.datasets]
        return {
            info.obs_id: (fit.enters_stack, fit.status if fit.status == "ok" else f"{fit.status}: {fit.reason}")
            for info, fit in found
            if info is not None and fit is not None
        }


def _selection_fields(table: RunTable | None, selection: Selection) -> list[Entry]:
    """Return the conditions; a target that the folder does not have can still be seen."""
    targets = () if table is None else table.targets
    strange = [selection.target] if selection.target and selection.target not in targets else []
    choices = tuple((name, name) for name in targets) + tuple((name, f"{name} (not here)") for name in strange)
    row = {"row": "only runs with"}
    return [
        entry(field_info(Selection, "target"), "target", kind="choice", choices=choices, **row),
        entry(field_info(Selection, "zenith_max_deg"), "zenith_max_deg", **row),
        entry(field_info(Selection, "quality_max"), "quality_max", **row),
        entry(
            field_info(Cone, _CONE),
            _CONE,
            label="pointing within",
            optional=True,
            help="of the centre that the maps had when this was set; empty for runs that point anywhere",
            **row,
        ),
    ]


def _values(selection: Selection) -> dict[str, Any]:
    cone = None if selection.cone is None else selection.cone.radius_deg
    names = ("target", "zenith_max_deg", "quality_max")
    return {name: getattr(selection, name) for name in names} | {_CONE: cone}


def _row(run: IndexedRun, table: RunTable | None, came_to: tuple[bool, str] | None) -> dict[str, Any]:
    """Return the row of a run: what the index says, and what became of it if it is used."""
    listed = table is not None and run.obs_id in table.listed
    left_out = run.problem or (run.left_out if listed else "")
    good, text = (True, "") if came_to is None or not listed or left_out else came_to
    said = left_out or text.replace(f"OBS_ID {run.obs_id}: ", "")
    row = {"id": run.obs_id, "obs_id": run.obs_id, "target": run.target, "date": run.date, "quality": run.quality}
    row |= {"ra": run.ra_deg, "dec": run.dec_deg, "zenith": run.zenith_deg, "livetime": run.livetime_s / 60}
    look = "failed" if run.problem or not good else "muted" if left_out else ""
    return row | {"state": said, "note": said, "class": look}
