"""The tabs of the fitter with one picture: residual map, significance histogram, and the field of view."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import ipywidgets as w
import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import positive_deg, residuals
from fovnb.diagnostics import fov_residuals, gradient, significance_histogram
from fovnb.diagnostics.pixels import runs
from fovnb.diagnostics.significance import SignificanceHistogram
from fovnb.errors import FovnbError
from fovnb.maps import Map
from fovnb.plots.live import Field, FieldView, Histogram, HistogramView, Image, ImageView
from fovnb.recipe import Gradient
from fovnb.recipe.fields import field_info
from fovnb.widgets.fitter_look import Look, draw
from fovnb.widgets.form import Entry, Form, entry
from fovnb.widgets.plot import Plot
from fovnb.widgets.status import problem_of

__all__ = ["FieldTab", "HistogramTab", "MapTab"]

_TOYS = 100
_RADIUS, _BAND, _ALIGNMENT = "radius_deg", "band", "alignment"


class MapTab:
    """Significance of the counts above the corrected background, summed over energies and a disc around each pixel."""

    title = "Map"

    def __init__(self) -> None:
        self._plot = Plot(ImageView("significance"), 520, 460, "Residual significance")
        self._form = Form(
            [Entry(_RADIUS, "number", "radius", "deg", "of the disc", 0.02, 1, step=0.02)], {_RADIUS: 0.1}
        )
        self._form.on_edit(self._edit)
        self._look: Look | None = None
        self._radius_deg = 0.1
        self.plots = (self._plot,)
        self.box = w.VBox([self._form, self._plot.picture])

    def draw(self, look: Look) -> None:
        """Show results."""
        self._look = look
        draw(self._plot, look, lambda: self._image(look))

    def close(self) -> None:
        """Let go of everything."""
        self._look = None
        self._form.close()
        self._plot.close()

    def _edit(self, path: str, value: Any) -> None:
        try:
            self._radius_deg = positive_deg(f"{value} deg", "radius")
        except FovnbError as error:
            self._form.errors = {path: vars(problem_of(error))}
            return
        self._form.errors = {}
        if self._look is not None:
            with self._look.state.lock:
                self.draw(self._look)

    def _image(self, look: Look) -> Image:
        radius = f"{self._radius_deg} deg"
        found = look.find(f"residuals {radius}", lambda datasets: residuals(runs(datasets), radius))
        return Image(found.significance, mask=_image_of(look.results.exclusion_mask), title=look.words)


class HistogramTab:
    """Distribution of the significance outside the mask, beside that of toys, which follow a moment later."""

    title = "Significance"

    def __init__(self) -> None:
        self._plot = Plot(HistogramView(), 700, 400, "Significance outside the mask")
        self._form = Form([_band_entry(())], {_BAND: 0})
        self._form.on_edit(lambda _, __: self._show())
        self._shown: tuple[Look, SignificanceHistogram] | None = None
        self.plots = (self._plot,)
        self.box = w.VBox([self._form, self._plot.picture])

    def draw(self, look: Look) -> None:
        """Show results; toys follow."""
        try:
            found = look.find("histogram", lambda datasets: significance_histogram(datasets, toys=2))
        except FovnbError as error:
            self._shown = None
            self._plot.say(str(error), look.state.shown_digest)
            return
        self._keep(look, found)
        look.state.slowly(
            "toys", lambda: significance_histogram(look.datasets, toys=_TOYS), partial(self._finish, look)
        )

    def close(self) -> None:
        """Let go of everything."""
        self._shown = None
        self._form.close()
        self._plot.close()

    def _keep(self, look: Look, found: SignificanceHistogram) -> None:
        self._shown = look, found
        bands = _band_entry(found.band_edges.tolist())
        if self._form.fields != [bands.as_dict()]:
            self._form.replace([bands], {_BAND: min(self._form.values[_BAND], len(found.band_edges) - 1)})
        self._show()

    def _finish(self, look: Look, found: SignificanceHistogram) -> None:
        if self._shown is not None and self._shown[0] == look:
            self._keep(look, found)

    def _show(self) -> None:
        if self._shown is not None:
            look, found = self._shown
            with look.state.lock:
                draw(self._plot, look, lambda: Histogram(found, self._form.values[_BAND]))


class FieldTab:
    """Counts against corrected background in the field of view, and the gradient over it."""

    title = "Field of view"

    def __init__(self) -> None:
        self._plot = Plot(FieldView("pull"), 520, 460, "Field of view")
        self._form = Form(
            [entry(field_info(Gradient, "alignment"), _ALIGNMENT, help="what the axes follow")], {_ALIGNMENT: "RADEC"}
        )
        self._form.on_edit(lambda _, __: self._again())
        self._look: Look | None = None
        self.plots = (self._plot,)
        self.box = w.VBox([self._form, self._plot.picture])

    def draw(self, look: Look) -> None:
        """Show results."""
        self._look = look
        draw(self._plot, look, lambda: look.find(f"field {self._alignment}", self._field))

    def close(self) -> None:
        """Let go of everything."""
        self._look = None
        self._form.close()
        self._plot.close()

    @property
    def _alignment(self) -> str:
        return str(self._form.values[_ALIGNMENT])

    def _field(self, datasets: list[MapDataset]) -> Field:
        return Field(fov_residuals(datasets, self._alignment), gradient(datasets, self._alignment))

    def _again(self) -> None:
        if self._look is not None:
            with self._look.state.lock:
                self.draw(self._look)


def _band_entry(edges: Sequence[Sequence[float]]) -> Entry:
    """Return the choice of an energy band; the first is that of all energies."""
    names = [f"{low:.3g} to {high:.3g} TeV" for low, high in edges] or ["all"]
    return Entry(_BAND, "choice", "energies", choices=tuple(enumerate(names)))


def _image_of(mask: Map | None) -> Map | None:
    """Return where a mask leaves out nothing at any energy."""
    return None if mask is None or mask.geom.is_image else mask.reduce_over_axes(func=np.logical_and)
