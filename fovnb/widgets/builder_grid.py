"""The grids of the maps: energies, centre, frame, projection, size and pixels, and the memory that they take."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import ipywidgets as w

from fovnb.errors import FovnbError
from fovnb.pipeline.cube_size import cube_size
from fovnb.recipe import Cube, EnergyBounds, EnergyEdges, Geometry, field_info
from fovnb.recipe.axes import as_bounds, as_edges
from fovnb.recipe.centre import centred, in_frame, mean_pointing, position_of
from fovnb.widgets.builder_list import RunList
from fovnb.widgets.form import Entry, Form, entries, entry
from fovnb.widgets.note import Note
from fovnb.widgets.state import State
from fovnb.widgets.status import problem_of
from fovnb.widgets.worker import Worker

__all__ = ["GridPanel"]

_ENERGY, _TRUE, _GEOMETRY = "cube.energy", "cube.energy_true", "cube.geometry"
_WAYS = {
    "bounds": (EnergyBounds, as_bounds, "equal bins in log E"),
    "edges": (EnergyEdges, as_edges, "own edges"),
}


class GridPanel:
    """Edits the cube of a recipe.

    Parameters
    ----------
    state : State
        Holds the recipe.
    runs : RunList
        The runs of its folder.
    look_up : callable, optional
        Returns the position of an object by its name, by default `fovnb.recipe.centre.position_of`.
    """

    def __init__(self, state: State, runs: RunList, look_up: Callable[[str], Any] = position_of) -> None:
        self._state, self._runs, self._look_up = state, runs, look_up
        self._worker = Worker()
        self._closed = False
        self.ways = Form(_way_fields())
        self.energy = Form([*_axis_fields(_ENERGY, "energy"), *_axis_fields(_TRUE, "true energy")])
        self.centre = Form(_centre_fields())
        self.geometry = Form(_geometry_fields())
        self.note = Note()
        for form in (self.energy, self.geometry):
            form.bind(state)
        halves = [w.VBox([self.ways, self.energy], layout=_HALF), w.VBox([self.centre, self.geometry], layout=_HALF)]
        self.box = w.VBox([w.HBox(halves, layout={"flex_flow": "row wrap", "grid_gap": "0 28px"}), self.note])
        self.ways.on_edit(self._choose)
        self.centre.on_edit(self._choose)
        self.centre.on_click(self._press)
        state.observe(self._show, "recipe")
        runs.observe(self._show, "table")
        self._show()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no name is being looked up, at most ``timeout`` seconds; return whether it is so."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """Let go of the state."""
        self._closed = True
        self._state.unobserve(self._show, "recipe")
        self._runs.unobserve(self._show, "table")

    def _choose(self, path: str, value: Any) -> None:
        """Say an axis in another way, or the centre in another frame: what they are stays."""
        state = self._state
        with state.lock:
            cube = state.recipe.cube
            if path == "frame":
                self._try(path, lambda: state.edit(_GEOMETRY, in_frame(cube.geometry, value)))
            elif path == _ENERGY:
                self._try(path, lambda: state.edit(path, _WAYS[value][1](cube.energy)))
            elif path == _TRUE:
                axis = cube.energy_true or cube.energy
                self._try(path, lambda: state.edit(path, None if value == "same" else _WAYS[value][1](axis)))

    def _press(self, path: str) -> None:
        state = self._state
        with state.lock:
            if path == "pointing":
                places = [(run.ra_deg, run.dec_deg) for run in self._runs.used]
                self._try(path, lambda: self._move(mean_pointing(places)))
            elif path == "look_up":
                name = self.centre.values.get("name") or ""
                self._fail({})
                self.centre.disabled = {"look_up": True}
                self._worker.start(lambda _: self._find(name))

    def _find(self, name: str) -> None:
        """Look a name up and move there; this may take a while and is done without the lock."""
        try:
            position, problem = self._look_up(name), None
        except FovnbError as error:
            position, problem = None, problem_of(error)
        with self._state.lock:
            if self._closed:
                return
            self.centre.disabled = {}
            if problem is not None:
                self._fail({"name": asdict(problem)})
            else:
                self._move(position)

    def _move(self, position: Any) -> None:
        self._state.edit(_GEOMETRY, centred(self._state.recipe.cube.geometry, position))

    def _try(self, path: str, edit: Callable[[], None]) -> None:
        """Make an edit; what is wrong is said under the field."""
        try:
            edit()
        except FovnbError as error:
            self._fail({path: asdict(problem_of(error))})
        else:
            self._fail({})

    def _fail(self, errors: dict[str, Any]) -> None:
        self.ways.errors = self.centre.errors = errors

    def _show(self, _: object = None) -> None:
        cube: Cube = self._state.recipe.cube
        self.ways.show({_ENERGY: cube.energy.kind, _TRUE: cube.energy_true.kind if cube.energy_true else "same"})
        self.centre.show({"frame": cube.geometry.frame})
        self.note.say(cube_size(cube).sentence(len(self._runs.used)))


_HALF = {"flex": "1 1 24em", "min_width": "0"}


def _way_fields() -> list[Entry]:
    ways = tuple((kind, label) for kind, (_, _, label) in _WAYS.items())
    return [
        Entry(_ENERGY, "choice", "energy bins", help="of the reconstructed energy", choices=ways),
        Entry(
            _TRUE,
            "choice",
            "true energy bins",
            help="of exposure, PSF and dispersion",
            choices=(*ways, ("same", "as energy")),
        ),
    ]


def _axis_fields(path: str, group: str) -> list[Entry]:
    """Return the fields of an axis said in either way; those of the other are hidden."""
    sliders = {"nbin": (1, 40)}
    named = [
        entry(field_info(EnergyBounds, name), f"{path}.{name}", group=group, slider=sliders.get(name))
        for name in ("min_tev", "max_tev", "nbin")
    ]
    return [*named, entry(field_info(EnergyEdges, "edges_tev"), f"{path}.edges_tev", group=group)]


def _centre_fields() -> list[Entry]:
    return [
        Entry("name", "text", "centre by name", group="centre", help="is looked up once and stored as coordinates"),
        Entry("look_up", "action", "Look up", group="centre", help="ask the name servers where this object is"),
        Entry("pointing", "action", "Mean pointing", group="centre", help="centre the maps on where the runs point"),
        entry(field_info(Geometry, "frame"), "frame", group="centre", help="the centre stays where it is"),
    ]


def _geometry_fields() -> list[Entry]:
    sliders = {"binsz_deg": (0.01, 0.5)}
    names = ("lon_deg", "lat_deg", "width_deg", "binsz_deg", "proj")
    fields = [entry(field_info(Geometry, name), f"{_GEOMETRY}.{name}", slider=sliders.get(name)) for name in names]
    return [*fields, *entries(Cube, "cube", ["binsz_irf_deg"])]
