"""Regions that the data, a catalogue or its bright stars suggest, as rows to tick."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import ipywidgets as w

from fovnb.errors import FovnbError, RecipeError
from fovnb.makers import ExclusionMask
from fovnb.pipeline import Results
from fovnb.recipe import Catalogue, Suggestion, field_info
from fovnb.recipe.regions import Region
from fovnb.recipe.values import checked
from fovnb.steps.areas import regions_of
from fovnb.widgets.form import Entry, Form, entry
from fovnb.widgets.heard import heard
from fovnb.widgets.mask_data import data_of
from fovnb.widgets.mask_regions import Regions
from fovnb.widgets.note import Note
from fovnb.widgets.state import State
from fovnb.widgets.status import problem_of
from fovnb.widgets.table import Column, Table

__all__ = ["SuggestPanel"]

_SOURCES = (
    ("significance", "the significance of the data"),
    ("catalogue", "sources of a catalogue"),
    ("stars", "bright stars of a catalogue"),
)
_ASKED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "significance": ("high", "low", "dilate_deg", "smooth_deg"),
        "catalogue": ("file", "radius_deg", "extension", "factor"),
        "stars": ("file", "radius_deg", "mag_max"),
    }
)
_INFOS = MappingProxyType(
    {name: field_info(Catalogue, name) for name in ("file", "radius_deg", "extension", "factor")}
    | {name: field_info(Suggestion, name) for name in ("high", "low", "dilate_deg")}
    | {"smooth_deg": field_info(Suggestion, "radius_deg")}
)
_FORM = (
    Entry("source", "choice", "Suggest regions by", choices=_SOURCES),
    *(entry(info, name) for name, info in _INFOS.items()),
    Entry("mag_max", "number", "faintest magnitude", "mag", low=-30, high=30, step=0.1),
    Entry("find", "action", "Look for regions"),
)
_BEGIN = MappingProxyType(
    {"source": "significance", "file": "", "radius_deg": 0.3, "extension": None, "factor": 2.0, "mag_max": 5.0}
    | {"high": 5.0, "low": 3.0, "dilate_deg": 0.1, "smooth_deg": 0.1}
)
_COLUMNS = (
    Column("name", "Name"),
    Column("lon_deg", "Longitude", "number", "deg", digits=7),
    Column("lat_deg", "Latitude", "number", "deg", digits=7),
    Column("radius_deg", "Radius", "number", "deg"),
    Column("origin", "Origin"),
)
_TOOLS = (
    Entry("all", "action", "Tick all", row="ticked rows"),
    Entry("add", "action", "Add ticked regions", help="to the table of regions; can be undone", row="ticked rows"),
)


class SuggestPanel(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """What to look by, what was found, and a button that makes regions of the ticked rows.

    Parameters
    ----------
    state : State
        Holds the results.
    regions : Regions
        Gets the ticked ones.
    """

    def __init__(self, state: State, regions: Regions) -> None:
        self._state, self._regions = state, regions
        self._found: tuple[Region, ...] = ()
        self.form, self.note = Form(_FORM, dict(_BEGIN)), Note()
        self.table = Table(_COLUMNS, "Suggested regions", mode="many", searchable=True, height_px=220)
        self.tools = Form(_TOOLS)
        super().__init__([self.form, self.note, self.table, self.tools])
        self.form.on_edit(self._edit)
        self.form.on_click(lambda _: self.find())
        self.tools.on_click(self._use)
        self._hide()

    def draw(self) -> None:
        """Show nothing by itself: what was found stays until somebody looks again."""

    def mark(self, stale: bool) -> None:
        """Close the search in results that are out of date."""
        self.form.disabled = {"find": True} if stale and self.form.values["source"] == "significance" else {}

    def find(self) -> None:
        """Look for regions, and show them as rows."""
        if self.form.errors:
            self.note.say("Correct the marked values first.", "error")
            return
        with self._state.lock:
            try:
                (self._found, lost), said = heard(self._look)
            except FovnbError as error:
                self.note.refuse(error)
                return
            self.table.show([_row(i, one) for i, one in enumerate(self._found)])
        number = len(self._found)
        text = f"{number} region{'' if number == 1 else 's'} found; tick those to add." if number else "Nothing found."
        self.note.say(" ".join([text, lost, *said]).strip(), "warning" if lost or said else "plain")

    def _look(self) -> tuple[tuple[Region, ...], str]:
        values, results = self.form.values, data_of(self._state)
        found = _FINDERS[values["source"]](values, results)
        return regions_of(found.within(results.datasets[0].geom))

    def _edit(self, name: str, value: Any) -> None:
        """Check a value as the recipe does."""
        errors = {path: one for path, one in self.form.errors.items() if path != name}
        if name in _INFOS and name != "file":
            try:
                checked(_INFOS[name], value, "Suggestion")
            except RecipeError as error:
                errors[name] = asdict(problem_of(error))
        self.form.errors = errors
        self._hide()

    def _hide(self) -> None:
        asked = _ASKED[self.form.values["source"]]
        self.form.hidden = {name: name not in asked for names in _ASKED.values() for name in names}
        self.mark(not self._state.fresh)

    def _use(self, tool: str) -> None:
        if tool == "all":
            self.table.selected = self.table.visible_ids
            return
        ticked = [self._found[int(i)] for i in self.table.selected]
        if not ticked:
            self.note.say("Tick the regions to add.", "warning")
            return
        self._regions.add(ticked)
        self.table.selected = []
        self.note.say(f"{len(ticked)} region{'' if len(ticked) == 1 else 's'} added.", "good")


def _by_significance(values: Mapping[str, Any], results: Results) -> ExclusionMask:
    limits = {"high": values["high"], "low": values["low"]}
    sizes = {"dilate": values["dilate_deg"], "radius": f"{values['smooth_deg']!r} deg"}
    return ExclusionMask.suggest(results.stacked, **limits, **sizes, circles=True)


def _by_catalogue(values: Mapping[str, Any], _: Results) -> ExclusionMask:
    extension = {"extension": values["extension"] or None, "factor": values["factor"]}
    return ExclusionMask.from_catalog(values["file"], values["radius_deg"], **extension)


def _by_stars(values: Mapping[str, Any], _: Results) -> ExclusionMask:
    return ExclusionMask.from_stars(values["file"], values["mag_max"], values["radius_deg"])


def _row(index: int, region: Any) -> dict[str, Any]:
    place = {"lon_deg": region.lon_deg, "lat_deg": region.lat_deg, "radius_deg": region.radius_deg}
    return {"id": index, "name": region.name, "origin": region.origin, **place}


_FINDERS: Mapping[str, Callable[[Mapping[str, Any], Results], ExclusionMask]] = MappingProxyType(
    {"significance": _by_significance, "catalogue": _by_catalogue, "stars": _by_stars}
)
