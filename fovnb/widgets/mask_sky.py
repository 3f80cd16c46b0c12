"""The sky of the mask editor: regions over our own maps, in Aladin or as our own picture, drawn and clicked there."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import ipywidgets as w
from astropy.coordinates import SkyCoord

from fovnb.datasets.residuals import residuals
from fovnb.maps import Map
from fovnb.pipeline import Results
from fovnb.plots.live.images import Image, ImageView
from fovnb.recipe import Exclusion
from fovnb.recipe.regions import Region
from fovnb.steps.areas import shape_of_region
from fovnb.steps.reshape import found_at
from fovnb.widgets.form import Entry, Form
from fovnb.widgets.mask_data import data_of, has_data
from fovnb.widgets.mask_regions import Regions
from fovnb.widgets.note import Note
from fovnb.widgets.plot import Plot
from fovnb.widgets.sky import SkyView
from fovnb.widgets.state import State

__all__ = ["Sky", "SkyPanel"]

Sky = Literal["aladin", "plain", "picture"]

_WIDTH, _HEIGHT = 560, 500
_DIGITS = 4  # of degrees that were clicked: 0.4 arcsec
_IMAGES: Mapping[str, Callable[[Results], Map]] = MappingProxyType(
    {
        "counts": lambda results: results.stacked.required("counts").sum_over_axes(keepdims=False),
        "significance": lambda results: residuals(results.stacked).significance,
        "excess": lambda results: residuals(results.stacked).difference,
    }
)
_SURVEYS: Mapping[str, dict[str, Any]] = MappingProxyType({"aladin": {}, "plain": {"survey": "plain"}})
_COLORS = {"counts": ("viridis", None), "significance": ("rdbu_r", 5.0), "excess": ("rdbu_r", None)}
_FORM = (
    Entry("map", "choice", "Map", choices=tuple((name, name) for name in _IMAGES), help="of the stack", row="sky"),
    Entry(
        "click",
        "choice",
        "A click",
        choices=(("choose", "chooses a region"), ("add", "adds a circle"), ("move", "moves the chosen region")),
        help="in the picture also by arrow keys and Enter",
        row="sky",
    ),
)
_NONE_THERE = "There is no region at that place; let a click add a circle to put one there."
_NONE_CHOSEN = "There is no region to move; choose one in the table, or let a click add a circle."


class SkyPanel(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """A map of the stack with the regions on it, what a click does, and a sentence.

    Parameters
    ----------
    state : State
        Holds recipe and results.
    regions : Regions
        What is shown and edited.
    sky : {"aladin", "plain", "picture"}
        What shows it first: Aladin over a survey, or over nothing, or our own picture; this takes over where Aladin
        cannot be loaded.
    """

    def __init__(self, state: State, regions: Regions, sky: Sky) -> None:
        self._state, self._regions = state, regions
        self._views = {name: ImageView(name) for name in _IMAGES}
        self.plot = Plot(self._views["counts"], _WIDTH, _HEIGHT, "Map with the excluded regions")
        self.form, self.note = Form(_FORM, {"map": "counts", "click": "choose"}), Note()
        self.sky = None if sky == "picture" else self._sky_view(**_SURVEYS[sky])
        self._laid: tuple[Any, ...] = ()
        self._known: dict[Region, Any] = {}  # each region as it is drawn, the same object while it stays
        super().__init__([self.form, self.plot.picture if self.sky is None else self.sky, self.note])
        self.form.on_edit(self._choose)
        self.plot.on_place(self._click)
        regions.observe(self._follow, "current")

    @property
    def shows_picture(self) -> bool:
        """Whether our own picture is what is seen."""
        return self.sky is None or self.sky.tier == "picture"

    def draw(self) -> None:
        """Show the present results."""
        if has_data(self._state):
            self._lay()
            if self.shows_picture:
                self._draw()
        self._outline()

    def mark(self, stale: bool) -> None:
        """Say whether the picture belongs to an older recipe."""
        self.plot.picture.stale = stale and bool(self.plot.picture.png)
        self._outline()

    def png(self) -> bytes | None:
        """Return our own picture of the present results."""
        if not has_data(self._state):
            return None
        if not self.shows_picture:
            self._draw()
        png: bytes = self.plot.picture.png
        return png

    def place(self, lon_deg: float, lat_deg: float, frame: str = "icrs") -> None:
        """Do at a position what a click is said to do."""
        regions, what = self._regions, self.form.values["click"]
        lon, lat = round(lon_deg, _DIGITS), round(lat_deg, _DIGITS)
        with self._state.lock:
            self.note.say("")
            if what == "add":
                regions.add_new("circle", lon, lat, frame)
            elif what == "choose":
                self._go(found_at(regions.all, SkyCoord(lon, lat, unit="deg", frame=frame)))
            elif regions.looked_at is None:
                self.note.say(_NONE_CHOSEN, "warning")
            else:
                regions.place(regions.current, lon, lat, frame)

    def close(self) -> None:
        """Let go of the regions; our own picture may not be among the children."""
        if self.comm is not None:
            self._regions.unobserve(self._follow, "current")
            self.plot.close()
        super().close()

    def _sky_view(self, **survey: Any) -> SkyView:
        where = self._state.recipe.cube.geometry
        center = SkyCoord(where.lon_deg, where.lat_deg, unit="deg", frame=where.frame)
        view = SkyView(center, 1.1 * max(where.width_deg), _HEIGHT, fallback=self.plot.picture, **survey)
        view.on_drawn(lambda region: self._regions.add([region]))
        view.on_click(self.place)
        view.observe(self._follow, "tier")
        return view

    def _choose(self, path: str, _: Any) -> None:
        if path == "map":
            self._follow(None)

    def _follow(self, _: Any) -> None:
        with self._state.lock:
            self.draw()

    def _click(self, x: float, y: float) -> None:
        """Turn a pixel of the picture into a position on the sky."""
        with self._state.lock:
            geom = self._image().geom
            lon, lat = (float(angle.to_value("deg")) for angle in geom.pix_to_coord((x, y))[:2])
            self.place(lon, lat, geom.frame)

    def _go(self, index: int | None) -> None:
        if index is None:
            self.note.say(_NONE_THERE, "warning")
        else:
            self._regions.go(index)

    def _image(self) -> Map:
        """Return the map of the present results."""
        name, state = self.form.values["map"], self._state
        image: Map = state.look(f"mask {name}", lambda: _IMAGES[name](data_of(state)))
        return image

    def _draw(self) -> None:
        """Draw our own picture: the regions of the results, which may be older than those of the recipe."""
        results, chosen = data_of(self._state), self._regions.looked_at
        used = [one for one in results.recipe.exclusion.regions if one.active]
        self._known = {one: self._known.get(one) or shape_of_region(one).to_region() for one in used}
        title = f"chosen: {chosen.name}" if chosen is not None else ""
        mask = _flat(results.exclusion_mask) if _is_more(results.recipe.exclusion) else None
        image = Image(self._image(), None, tuple(self._known.values()), mask, title)
        self.plot.view = self._views[self.form.values["map"]]
        self.plot.draw(image, self._state.shown_digest)

    def _lay(self) -> None:
        """Lay the map below the regions in Aladin, if it is another than before."""
        if self.sky is None:
            return
        name, image = self.form.values["map"], self._image()
        key = (name, image.data.tobytes())
        if key != self._laid:
            self._laid = key
            colors, limit = _COLORS[name]
            self.sky.show_map(image, name, None if limit is None else -limit, limit, colors)

    def _outline(self) -> None:
        """Outline the regions of the recipe in Aladin."""
        if self.sky is not None:
            self.sky.show_regions(self._regions.all, self._regions.current)


def _is_more(exclusion: Exclusion) -> bool:
    """Return whether more is left out than the regions."""
    return any((exclusion.catalogue, exclusion.file, exclusion.suggestion))


def _flat(mask: Map | None) -> Map | None:
    """Return where all energies are used."""
    return None if mask is None else Map.from_geom(mask.geom.to_image(), data=mask.data.all(axis=0))
