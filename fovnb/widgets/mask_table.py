"""The table of regions, which is the truth of the mask editor, and the form of the region that is looked at."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import ipywidgets as w
import numpy as np
from astropy.coordinates import SkyCoord

from fovnb.recipe import Geometry, Polygon, fields_of
from fovnb.recipe.places import info_at
from fovnb.recipe.regions import Region
from fovnb.steps.areas import SIZES, outside
from fovnb.steps.reshape import KINDS, center_of
from fovnb.widgets.form import Entry, Form, entry
from fovnb.widgets.mask_data import data_of, has_data
from fovnb.widgets.mask_regions import PATH, Regions
from fovnb.widgets.state import State
from fovnb.widgets.table import Column, RowId, Table

__all__ = ["RegionsPanel"]

_KIND_CHOICES = tuple((kind, kind) for kind in KINDS)
_COLUMNS = (
    Column("active", "In use", "tick", editable=True, help="an area that is not in use is kept, and excludes nothing"),
    Column("name", "Name", editable=True),
    Column("kind", "Shape", "choice", editable=True, choices=_KIND_CHOICES, help="another one covers about the same"),
    Column("lon_deg", "Lon", "number", "deg", editable=True, help="longitude of the centre", digits=7),
    Column("lat_deg", "Lat", "number", "deg", editable=True, help="latitude of the centre", digits=7),
    Column("size_0", "Size", "number", "deg", editable=True, help="radius, inner radius, or width"),
    Column("size_1", "2nd size", "number", "deg", editable=True, help="outer radius, or height"),
    Column("origin", "Origin", help="who drew it, or where it comes from"),
)
_TOOLS = (
    Entry("kind", "choice", "New region", choices=_KIND_CHOICES, row="regions", help="in the middle of the map"),
    Entry("add", "action", "Add", row="regions"),
    Entry("copy", "action", "Duplicate", help="the region that is looked at", row="regions"),
    Entry("clear", "action", "Delete all", help="can be undone", row="regions"),
)
_ERRORS = {"kind": "kind", "name": "name", "active": "active", "lon_deg": "lon_deg", "lat_deg": "lat_deg"}


class RegionsPanel(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """Tools above the table of regions, and below it the fields of the region that is looked at.

    Parameters
    ----------
    state : State
        Holds the recipe.
    regions : Regions
        Its regions, and which is looked at.
    """

    def __init__(self, state: State, regions: Regions) -> None:
        self._state, self._regions = state, regions
        self.tools = Form(_TOOLS, {"kind": KINDS[0]})
        self.table = Table(_COLUMNS, "Excluded regions", actions=[("delete", "Delete")], height_px=240)
        self.form = Form([])
        self._shown: tuple[Any, ...] | None = ()
        super().__init__([self.tools, self.table, self.form])
        self.form.bind(state)
        self.tools.on_click(self._use)
        self.table.on_edit(self._edit)
        self.table.on_current(lambda row: regions.go(int(row)))
        self.table.on_action(lambda row, _: regions.remove(int(row)))
        state.observe(self._show, ["recipe", "errors", "results"])
        regions.observe(self._show, "current")
        self._show(None)

    def close(self) -> None:
        """Let go of the state."""
        if self.comm is not None:  # a widget is closed once more when it is forgotten
            self._state.unobserve(self._show, ["recipe", "errors", "results"])
        super().close()

    def _use(self, tool: str) -> None:
        regions = self._regions
        if tool == "add":
            where = self._state.recipe.cube.geometry
            regions.add_new(self.tools.values["kind"], where.lon_deg, where.lat_deg, where.frame)
        elif tool == "copy" and regions.looked_at is not None:
            regions.copy(regions.current)
        elif tool == "clear":
            regions.clear()

    def _edit(self, row: RowId, column: str, value: Any) -> None:
        index, regions = int(row), self._regions
        region = regions.all[index]
        if column == "kind":
            regions.set_kind(index, value)
        elif column.startswith("size_"):
            regions.set_size(index, int(column[-1]), value)
        elif column in ("lon_deg", "lat_deg") and isinstance(region, Polygon):
            lon, lat = center_of(region)
            lon, lat = (value, lat) if column == "lon_deg" else (lon, value)
            regions.place(index, lon, lat, name=column)
        else:
            regions.set(index, column, value)

    def _show(self, _: Any) -> None:
        with self._state.lock:
            self._show_rows()
            self._show_form()

    def _show_rows(self) -> None:
        regions, table = self._regions, self.table
        off = self._outside()
        with table.hold_sync():
            table.show([_row(i, one, off[i]) for i, one in enumerate(regions.all)])
            table.current = regions.current if regions.current >= 0 else None
            table.errors = list(self._problems())

    def _outside(self) -> list[bool]:
        """Return which regions hold no pixel of the map, as far as that is known."""
        state, regions = self._state, self._regions.all
        if not state.fresh or not has_data(state):
            return [False] * len(regions)
        found: list[bool] = state.look("outside", lambda: outside(regions, data_of(state).datasets[0].geom))
        return found

    def _problems(self) -> Iterator[dict[str, Any]]:
        """Yield what is wrong with cells."""
        for path, problem in self._state.errors.items():
            if path.startswith(f"{PATH}."):
                number, _, name = path.removeprefix(f"{PATH}.").partition(".")
                column = self._column(int(number), name)
                if column:
                    yield {"id": int(number), "column": column, **asdict(problem)}

    def _column(self, index: int, name: str) -> str:
        """Return the column that shows a field of a region, "" if there is none."""
        if index >= len(self._regions.all):
            return ""
        sizes = SIZES[type(self._regions.all[index])]
        return f"size_{sizes.index(name)}" if name in sizes else _ERRORS.get(name, "")

    def _show_form(self) -> None:
        """Show the fields of the region that is looked at; other ones only if it is another, or of another kind."""
        index, region = self._regions.current, self._regions.looked_at
        where = self._state.recipe.cube.geometry
        key = None if region is None else (index, type(region), region.frame, where)
        if key == self._shown:
            return
        self._shown = key
        fields = [] if region is None else list(_fields(self._state, self._regions.path(index), region, where))
        self.form.replace(fields, {})


def _row(index: int, region: Region, off: bool) -> dict[str, Any]:
    lon, lat = center_of(region)
    sizes = {f"size_{i}": getattr(region, name) for i, name in enumerate(SIZES[type(region)])}
    note = "it lies outside of the map and excludes nothing" if off else "" if region.active else "not in use"
    return {
        "id": index,
        "active": region.active,
        "name": region.name,
        "kind": region.kind,
        "lon_deg": lon,
        "lat_deg": lat,
        "size_0": None,
        "size_1": None,
        "origin": region.origin,
        "class": "muted" if note else "",
        "note": note,
    } | sizes


def _fields(state: State, path: str, region: Region, where: Geometry) -> Iterator[Entry]:
    """Yield the fields of a region, with sliders that span the map."""
    width = max(where.width_deg)
    center = SkyCoord(where.lon_deg, where.lat_deg, unit="deg", frame=where.frame).transform_to(region.frame).spherical
    lon, lat, half = float(center.lon.deg), float(center.lat.deg), width / 2
    sliders = {"lon_deg": _around(lon, half / max(_cos(lat), 0.1), 360), "lat_deg": _around(lat, half, 90)}
    sliders |= dict.fromkeys(SIZES[type(region)], (0.01, round(width, 2)))
    sliders["angle_deg"] = (-90.0, 90.0)
    for name in fields_of(type(region)):
        if name in ("name", "origin", "active"):
            continue
        slider = None if isinstance(region, Polygon) else sliders.get(name)
        yield entry(info_at(state.recipe, f"{path}.{name}"), f"{path}.{name}", slider=slider)


def _around(middle: float, half: float, most: float) -> tuple[float, float]:
    """Return the ends of a slider."""
    return round(max(middle - half, -most), 2), round(min(middle + half, most), 2)


def _cos(angle_deg: float) -> float:
    return float(np.cos(np.deg2rad(angle_deg)))
