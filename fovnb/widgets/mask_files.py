"""Regions from files and into files, and files that the recipe uses as they are."""

from dataclasses import asdict
from typing import Any

import ipywidgets as w

from fovnb.errors import FovnbError, InvalidInputError
from fovnb.makers import ExclusionMask
from fovnb.recipe import Catalogue, Exclusion, field_info
from fovnb.steps.areas import as_mask, regions_of
from fovnb.widgets.form import Entry, Form, entry
from fovnb.widgets.heard import heard
from fovnb.widgets.mask_data import data_of
from fovnb.widgets.mask_regions import Regions
from fovnb.widgets.note import Note
from fovnb.widgets.state import State
from fovnb.widgets.status import problem_of

__all__ = ["FilesPanel"]

_CATALOGUE = "exclusion.catalogue"
_GROUP = "Read and write regions"
_TOOLS = (
    Entry("path", "text", "File", help="DS9 (.reg), CRTF (.crtf) or FITS (.fits), by its ending", group=_GROUP),
    Entry("overwrite", "flag", "replace a file that exists", group=_GROUP),
    Entry("read", "action", "Add the regions of the file", group=_GROUP, row="regions"),
    Entry("write", "action", "Write all regions in use", group=_GROUP, row="regions"),
)
_USED_AS = "Files that are used as they are, at every update"
_USED = (
    Entry("catalogue", "text", "Catalogue", help="a circle around each source", group=_USED_AS),
    *(
        entry(field_info(Catalogue, name), f"{_CATALOGUE}.{name}", group=_USED_AS)
        for name in ("radius_deg", "extension", "factor")
    ),
    entry(field_info(Exclusion, "file"), "exclusion.file", group=_USED_AS),
)


class FilesPanel(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """A file to read or write, and the file and catalogue of the recipe.

    Parameters
    ----------
    state : State
        Holds the recipe.
    regions : Regions
        Gets what is read.
    """

    def __init__(self, state: State, regions: Regions) -> None:
        self._state, self._regions = state, regions
        self.tools, self.note = Form(_TOOLS, {"path": "regions.reg", "overwrite": False}), Note()
        self.form = Form(_USED)
        super().__init__([self.tools, self.note, self.form])
        self.form.bind(state)
        self.tools.on_click(self._use)
        self.form.on_edit(self._name_catalogue)
        state.observe(self._follow, ["recipe", "errors"])
        self._follow(None)

    def draw(self) -> None:
        """Show nothing of the results."""

    def mark(self, stale: bool) -> None:
        """Show nothing of the results."""

    def close(self) -> None:
        """Let go of the state."""
        if self.comm is not None:
            self._state.unobserve(self._follow, ["recipe", "errors"])
        super().close()

    def _use(self, tool: str) -> None:
        path = self.tools.values["path"]
        try:
            with self._state.lock:
                text, said = heard(lambda: self._read(path) if tool == "read" else self._write(path))
        except FovnbError as error:
            self.note.refuse(error)
        else:
            self.note.say(" ".join([text, *said]), "warning" if said else "good")

    def _read(self, path: str) -> str:
        found, lost = regions_of(ExclusionMask.from_file(path))
        if not found:
            raise InvalidInputError(lost)
        self._regions.add(found)
        return f"{len(found)} region{'' if len(found) == 1 else 's'} added. {lost}".strip()

    def _write(self, path: str) -> str:
        geom, exclusion = data_of(self._state).datasets[0].geom, self._state.recipe.exclusion
        mask = as_mask(exclusion, geom)
        mask.write(path, geom, overwrite=self.tools.values["overwrite"])
        more = "; what the data suggest is not among them" if exclusion.suggestion else ""
        return f"{len(mask)} area{'' if len(mask) == 1 else 's'} written{more}."

    def _name_catalogue(self, path: str, file: Any) -> None:
        before = self._state.recipe.exclusion.catalogue
        if path != "catalogue":
            return
        if not file:
            self._state.edit(_CATALOGUE, None)
        elif before is None:
            self._begin(file)
        else:
            self._state.edit(f"{_CATALOGUE}.file", file)

    def _begin(self, file: str) -> None:
        """Let the recipe have a catalogue."""
        state = self._state
        try:
            state.edit(_CATALOGUE, Catalogue(file))
        except FovnbError as error:
            state.errors = {**state.errors, _CATALOGUE: problem_of(error)}

    def _follow(self, _: Any) -> None:
        """Show the catalogue's file, and what is wrong with it."""
        state = self._state
        wrong = [state.errors[path] for path in (_CATALOGUE, f"{_CATALOGUE}.file") if path in state.errors]
        others = {path: one for path, one in self.form.errors.items() if path != "catalogue"}
        self.form.errors = others | ({"catalogue": asdict(wrong[0])} if wrong else {})
        known = state.recipe.exclusion.catalogue
        if not wrong:
            self.form.show({"catalogue": "" if known is None else known.file})
