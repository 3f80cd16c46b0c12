"""The maps of the stack or of a run: an energy slice of each, smoothed."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import ipywidgets as w

from fovnb.diagnostics.energy_slice import KINDS, Kind
from fovnb.pipeline import Results
from fovnb.recipe import Recipe
from fovnb.widgets.builder_pages import SIZE, STACK, Page, PageKey, Printer
from fovnb.widgets.form import Entry, Form
from fovnb.widgets.note import Note
from fovnb.widgets.picture import Picture
from fovnb.widgets.state import State
from fovnb.widgets.worker import Worker

__all__ = ["MapPanel"]

_QUIET_S = 0.3  # without a change, before pages are made that nobody asked for yet
_COLUMNS = "repeat(auto-fill, minmax(min(100%, 330px), 1fr))"
_AHEAD = 12  # pages that are kept at hand


class MapPanel:
    """Shows maps of a state's results; nothing here is part of the recipe.

    A slice that was looked at, or lies near it, is at hand at once. What a later step changes, such as a fit, is drawn
    after a quiet moment: it is for the widgets of those steps to follow each key.

    Parameters
    ----------
    state : State
        Holds the results.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._printer, self._worker = Printer(), Worker()
        self._pages: dict[PageKey, Page] = {}
        self._results: Results | None = None  # those of the pages
        self._shown: Results | None = None  # those of the pictures
        values = {"dataset": STACK, "slice": 0, "width_deg": 0.1, "kinds": list(KINDS)}
        self.form = Form(_fields(1, ()), values)
        self.note = Note()
        self.pictures = {kind: Picture(*SIZE, f"{kind} map".capitalize()) for kind in KINDS}
        self._row = w.GridBox(layout={"grid_template_columns": _COLUMNS, "grid_gap": "8px"})
        self.box = w.VBox([self.form, self.note, self._row])
        self.form.on_edit(self._edit)
        state.observe(self._follow, "results")
        self._lay_out()
        self._follow()

    @property
    def kinds(self) -> list[Kind]:
        """The maps that are shown, in their order."""
        return [kind for kind in KINDS if kind in self.form.values["kinds"]]

    @property
    def key(self) -> PageKey:
        """What is asked for."""
        values = self.form.values
        return PageKey(values["dataset"], values["slice"] - 1 if values["slice"] else None, values["width_deg"])

    def mark(self) -> None:
        """Mark pictures of other results than those of the present recipe as stale."""
        state = self._state
        stale = self._shown is not None and not (state.fresh and self._shown is state.results)
        for picture in self.pictures.values():
            picture.stale = stale

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all pages that may be asked for next are there; return whether they are."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """Let go of the state, and free the pictures that are not shown."""
        self._worker.cancel()
        self._state.unobserve(self._follow, "results")
        for picture in self.pictures.values():
            picture.close()
        self._results = self._shown = None
        self._pages = {}

    def _edit(self, path: str, _: Any) -> None:
        with self._state.lock:
            if path == "kinds":
                self._lay_out()
                self._pages = {}
            self._draw()

    def _follow(self, _: object = None) -> None:
        """Offer the runs and energies that there are, and draw what this widget's steps changed."""
        results, before = self._state.results, self._results
        self._results, self._pages = results, {}
        if results is not None:
            self._offer(results)
        if results is None or before is None or _upstream(results.recipe) != _upstream(before.recipe):
            self._draw()
        else:
            self._worker.start(self._prepare)

    def _offer(self, results: Results) -> None:
        values, bins = self.form.values, results.recipe.cube.energy.n_bins
        names = tuple(run.name for run in results.datasets)
        dataset = values["dataset"] if values["dataset"] in names else STACK
        fields = _fields(bins, names)
        if [one.as_dict() for one in fields] != self.form.fields:
            self.form.replace(fields, {**values, "dataset": dataset, "slice": min(values["slice"], bins)})

    def _draw(self) -> None:
        """Show what is asked for, and prepare what may be asked for next."""
        results, key = self._results, self.key
        if results is None:
            self._show(self._printer.blank("nothing was computed yet", self.kinds), None)
            return
        self._pages = {one: page for one, page in self._pages.items() if replace(one, index=key.index) == key}
        page = self._pages.get(key) or self._printer.page(results, key, self.kinds, self._state.shown_digest)
        self._pages[key] = page
        self._show(page, results)
        self._worker.start(self._prepare)

    def _prepare(self, stop: Event) -> None:
        """Make the pages around the present one."""
        if stop.wait(_QUIET_S):
            return
        with self._state.lock:
            results, kinds, recipe = self._results, self.kinds, self._state.shown_digest
            keys = [] if results is None else list(_around(self.key, results.recipe.cube.energy.n_bins))
        for key in keys:
            if results is None or stop.is_set():
                return
            page = self._pages.get(key) or self._printer.page(results, key, kinds, recipe)
            with self._state.lock:
                if stop.is_set() or results is not self._results:
                    return
                self._pages[key] = page
                if key == self.key and self._shown is not results:
                    self._show(page, results)

    def _show(self, page: Page, results: Results | None) -> None:
        self.note.say(page.sentence, "warning" if page.failed else "plain")
        for kind, (png, alt) in page.pictures.items():
            self.pictures[kind].show(png, alt, "" if results is None else self._state.shown_digest)
        self._shown = results
        self.mark()

    def _lay_out(self) -> None:
        self._row.children = [self.pictures[kind] for kind in self.kinds]


def _upstream(recipe: Recipe) -> tuple[object, ...]:
    return recipe.data, recipe.cube, recipe.safe_mask


def _around(key: PageKey, bins: int) -> Iterator[PageKey]:
    """Yield a page, and those of the energies around it, the nearest first."""
    here = -1 if key.index is None else key.index
    near = sorted(range(-1, bins), key=lambda index: abs(index - here))
    yield from (replace(key, index=None if index < 0 else index) for index in near[:_AHEAD])


def _fields(bins: int, names: tuple[str, ...]) -> list[Entry]:
    datasets = ((STACK, "the stack"), *((name, name) for name in names))
    return [
        Entry("slice", "integer", "energy bin", help="0 for all energies", low=0, high=bins, slider=(0, bins)),
        Entry("width_deg", "number", "smoothing", "deg", "sigma; radius of significance", 0, 2, slider=(0, 0.5)),
        Entry("dataset", "choice", "maps of", choices=datasets),
        Entry("kinds", "choices", "show", choices=tuple((kind, kind) for kind in KINDS)),
    ]
