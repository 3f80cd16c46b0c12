"""ipyaladin's view of the sky, and what fovnb adds: state instead of messages, shapes that come back, nothing shared.

The only module that imports ipyaladin; import it late, it takes a while.
"""

from collections.abc import Callable
from typing import Any

from ipyaladin import Aladin
from ipyaladin.utils.call_store import CallStore
from traitlets import Dict, Int, List, Unicode

from fovnb.widgets.assets import css, js
from fovnb.widgets.sky_file import ipyaladin_js

__all__ = ["PLAIN", "AladinView"]

PLAIN = "plain"


class AladinView(Aladin):  # type: ignore[misc]  # ipyaladin has no types
    """Aladin Lite in one tier: from its own address, or from a text.

    Parameters
    ----------
    height_px : int
        Height of the view.
    survey : str
        What lies below everything: `PLAIN` for a black sky that asks no server, or an image survey (HiPS).
    text : str
        Aladin Lite itself, for where there is no network and so no survey; empty to load it from the address that
        ipyaladin uses.
    patience_s : float
        How long to wait for it in the browser.
    heard : callable
        Takes ``drawn`` or ``click`` and what came with it.
    """

    _esm = js("sky")
    _css = css("button") + css("sky")
    _base = Unicode().tag(sync=True)
    _aladin_text = Unicode().tag(sync=True)
    _patience_ms = Int().tag(sync=True)
    _failed = Unicode().tag(sync=True)
    _note = Unicode().tag(sync=True)
    _view = Dict().tag(sync=True)
    _map = Dict().tag(sync=True)
    _regions: List[Any] = List().tag(sync=True)
    _drawing = Unicode().tag(sync=True)

    def __init__(
        self, height_px: int, survey: str, text: str, patience_s: float, heard: Callable[[str, Any], None]
    ) -> None:
        # ipyaladin keeps these in the class: views would answer for one another, and never be freed.
        self.listener_callback: dict[str, Any] = {}
        self._call_store = CallStore()
        self._heard = heard
        super().__init__(
            height=height_px,
            survey=PLAIN if text else survey,
            log=False,
            show_simbad_pointer_control=False,
            show_context_menu=False,
            show_share_control=False,
            show_settings_control=False,
        )
        with self.hold_sync():
            self._base, self._aladin_text = ipyaladin_js(), text
            self._patience_ms = round(1000 * patience_s)
        self.on_msg(self._hear)

    @property
    def loaded(self) -> bool:
        """Whether a browser shows it."""
        return bool(self._is_loaded)

    def _hear(self, _: Any, message: dict[str, Any], __: Any) -> None:
        match message:
            case {"event_type": "drawn", "shape": shape, "points": points}:
                self._heard("drawn", (shape, points))
            case {"event_type": "click", "content": {"ra": lon, "dec": lat}}:
                self._heard("click", (lon, lat))

    def close(self) -> None:
        """Let go of everything."""
        self.on_msg(self._hear, remove=True)
        self._heard = lambda *_: None
        self.layout.close()
        super().close()
