"""The sky of the mask editor: Aladin Lite from the network, else from this computer, else our own picture.

One view at a time, and each gives way to the next by itself with a sentence, so that there is always something to work
on. It only shows and reports: what counts are the regions that it is given.
"""

import io
from collections.abc import Callable, Sequence
from itertools import count
from threading import RLock
from typing import Any, Literal

import ipywidgets as w
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from traitlets import Unicode

from fovnb.errors import InvalidInputError
from fovnb.maps import Map
from fovnb.recipe.regions import Region
from fovnb.types import AnyArray
from fovnb.widgets.sky_file import aladin_file
from fovnb.widgets.sky_shapes import drawn_region, outlines

__all__ = ["SkyView"]

Shape = Literal["circle", "rectangle", "polygon"]

_SURVEY = "https://alaskybis.unistra.fr/DSS/DSSColor"
_CURRENT, _ACTIVE, _IDLE = ("#E69F00", 5), ("#56B4E9", 2), ("#BBBBBB", 1)
_FROM_FILE = "Aladin Lite could not be loaded from the network: this is the copy on this computer, without sky surveys."
_NO_ALADIN = (
    "Aladin Lite could not be loaded, {instead}; with a network, fovnb.widgets.sky_file.fetch_aladin() keeps a copy on "
    "this computer for next time."
)
_NOTHING = "That shape has no size, or reaches beside the sky; draw it again."
_NO_DRAWING = "There is no Aladin Lite to draw in; edit the regions in their table."


class SkyView(w.VBox):  # type: ignore[misc]  # ipywidgets' base has no types
    """Shows a map and regions on the sky, and reports what is drawn and clicked there.

    Parameters
    ----------
    center : SkyCoord
        Middle of the view.
    width_deg : float
        Width of a square of sky that fits into the view.
    height_px : int
        Height of the view on the screen.
    survey : str
        What lies below the map: an image survey (HiPS), or ``"plain"`` for a black sky that asks no server.
    fallback : Widget, optional
        Our own picture, shown where there is no Aladin Lite. It is the caller's, who also closes it.
    patience_s : float
        How long the browser waits for Aladin Lite before the next view takes over.

    Attributes
    ----------
    tier : str
        ``"network"``, ``"file"`` or ``"picture"``: where the present view comes from.
    message : str
        A sentence for the user, or nothing.

    Raises
    ------
    DataError
        If ``$FOVNB_ALADIN`` names no file.

    Examples
    --------
    >>> from fovnb.recipe import Circle
    >>> sky = SkyView(SkyCoord(83.6, 22, unit="deg"), width_deg=5)
    >>> sky.show_regions([Circle(83.6, 22, radius_deg=0.3)], current=0)
    >>> sky.tier
    'network'
    >>> sky.close()
    """

    tier = Unicode("network")
    message = Unicode()

    def __init__(
        self,
        center: SkyCoord,
        width_deg: float,
        height_px: int = 420,
        survey: str = _SURVEY,
        fallback: w.Widget | None = None,
        patience_s: float = 8,
    ) -> None:
        self._lock = RLock()  # of what is shown; never held while a callback runs
        self._view: Any = None  # the AladinView; None in the tier "picture"
        self._notice: w.HTML | None = None
        self._height_px, self._survey, self._patience_s = height_px, survey, patience_s
        self._file, self._fallback = aladin_file(), fallback
        self._shown: dict[str, Any] = {}
        self._orders = count()
        self._drawn, self._clicked = w.CallbackDispatcher(), w.CallbackDispatcher()
        super().__init__()
        self.go_to(center, width_deg)
        self._start("", "")

    def go_to(self, center: SkyCoord, width_deg: float) -> None:
        """Look at a place; the button "Centre" leads back there."""
        icrs, order = center.icrs, next(self._orders)  # an order given twice is not the same
        view = {"lon": float(icrs.ra.deg), "lat": float(icrs.dec.deg), "width": float(width_deg), "order": order}
        self._show("_view", view)

    def show_map(
        self, image: Map, name: str, vmin: float | None = None, vmax: float | None = None, colormap: str = "viridis"
    ) -> None:
        """Lay an image below the regions, in place of the one before; the view stays where it is.

        Parameters
        ----------
        image : Map
            An image, or a cube with one energy bin.
        name : str
            What Aladin Lite calls it.
        vmin, vmax : float, optional
            Values of the first and the last colour; by default the smallest and the largest there is. What is NaN is
            not drawn.
        colormap : str
            One of Aladin Lite's, such as ``"viridis"``; with ``_r`` at its end, from the last colour to the first.

        Raises
        ------
        InvalidInputError
            If the map holds more than one image.
        """
        content = io.BytesIO()
        fits.PrimaryHDU(_image(image), image.geom.to_image().wcs.to_header()).writeto(content)
        seen = image.data[np.isfinite(image.data)]
        least, most = (seen.min(), seen.max()) if seen.size else (0, 1)
        low, high = float(least if vmin is None else vmin), float(most if vmax is None else vmax)
        cuts = {"low": low, "high": high if high > low else low + 1}
        self._show("_map", {"fits": content.getvalue(), "name": name, "colormap": colormap, **cuts})

    def show_regions(self, regions: Sequence[Region], current: int | None = None) -> None:
        """Outline regions, in place of those before: the current one bold, those not in use thin, in other colours."""
        shown = []
        for number, region in enumerate(regions):
            color, width = _CURRENT if number == current else _ACTIVE if region.active else _IDLE
            shown += [{"points": outline, "color": color, "width": width} for outline in outlines(region)]
        self._show("_regions", shown)

    def draw(self, shape: Shape | None) -> None:
        """Let the user draw a shape with the mouse, as the buttons do; None ends drawing."""
        with self._lock:
            view = self._view
            if view is not None:
                view._drawing = shape or ""
        if view is None and shape:
            self._say(_NO_DRAWING)

    def on_drawn(self, callback: Callable[[Region], None], remove: bool = False) -> None:
        """Call back with what was drawn, as a region of the recipe in ICRS, rounded to 1e-5 deg."""
        self._drawn.register_callback(callback, remove)

    def on_click(self, callback: Callable[[float, float], None], remove: bool = False) -> None:
        """Call back with the ICRS longitude and latitude, deg, of a click that drew and dragged nothing."""
        self._clicked.register_callback(callback, remove)

    def close(self) -> None:
        """Free everything but the fallback."""
        self._drawn, self._clicked = w.CallbackDispatcher(), w.CallbackDispatcher()
        with self._lock:
            self._end()
        self.layout.close()
        super().close()

    def _show(self, name: str, value: Any) -> None:
        """Keep what is shown for the views to come, and give it to the present one."""
        with self._lock:
            self._shown[name] = value
            if self._view is not None:
                setattr(self._view, name, value)

    def _start(self, text: str, note: str) -> None:
        """Begin with a new view: Aladin Lite from its text, or from the network."""
        from fovnb.widgets.sky_aladin import AladinView

        view = AladinView(self._height_px, self._survey, text, self._patience_s, self._hear)
        with view.hold_sync():
            for name, value in {**self._shown, "_note": note}.items():
                setattr(view, name, value)
        view.observe(self._fall_back, "_failed")
        self._view, self.children = view, [view]

    def _end(self) -> None:
        """Close the present view."""
        self.children = []
        view, self._view, notice, self._notice = self._view, None, self._notice, None
        if view is not None:
            view.unobserve(self._fall_back, "_failed")
            view.close()
        if notice is not None:
            for part in (notice.layout, notice.style, notice):
                part.close()

    def _fall_back(self, change: Any) -> None:
        """Go on to the next view, since the browser could not load the present one."""
        with self._lock:
            if change["owner"] is not self._view:
                return
            text = self._own_text() if self.tier == "network" else ""
            self._end()
            if text:
                self._start(text, _FROM_FILE)
            else:
                self._notice = w.HTML(self._no_aladin)
                self.children = [self._notice, *filter(None, [self._fallback])]
        # Outside the lock, since others may listen.
        self.tier, self.message = ("file", _FROM_FILE) if text else ("picture", self._no_aladin)

    @property
    def _no_aladin(self) -> str:
        instead = "so edit the regions in their table" if self._fallback is None else "so our own map stands in for it"
        return _NO_ALADIN.format(instead=instead)

    def _own_text(self) -> str:
        """Return the text of the copy on this computer; empty if there is none any more."""
        try:
            return "" if self._file is None else self._file.read_text(encoding="utf-8")
        except OSError:
            return ""

    def _hear(self, kind: str, what: Any) -> None:
        """Call back with what happened in the browser."""
        if kind == "click":
            lon, lat = what
            self._clicked(round(lon % 360, 5), round(lat, 5))
            return
        region = drawn_region(*what)
        standing = _FROM_FILE if self.tier == "file" else ""
        self._say(_NOTHING if region is None else standing)
        if region is not None:
            self._drawn(region)

    def _say(self, message: str) -> None:
        """Tell the user something."""
        with self._lock:
            if self._view is not None:
                self._view._note = message
        self.message = message


def _image(image: Map) -> AnyArray:
    """Return the pixels of an image, or of a cube with one bin."""
    shape = image.geom.data_shape
    if np.prod(shape[:-2]) != 1:
        msg = f"the map has shape {shape}; give an image, such as its sum over the energy axis"
        raise InvalidInputError(msg)
    return np.asarray(image.data, dtype=np.float32).reshape(shape[-2:])
