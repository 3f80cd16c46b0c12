"""A sentence below or above other parts: numbers in words, or what went wrong."""

from typing import Literal, TypeAlias

import anywidget
from traitlets import Enum, Unicode

from fovnb.errors import FovnbError
from fovnb.widgets.assets import css, js

__all__ = ["Note", "Tone"]

Tone: TypeAlias = Literal["plain", "good", "warning", "error"]


class Note(anywidget.AnyWidget):
    """A sentence, read aloud when it changes; it is data and never HTML.

    Examples
    --------
    >>> note = Note()
    >>> note.say("12 <b> regions were read", "good")
    >>> note.text, note.tone
    ('12 <b> regions were read', 'good')
    >>> note.close()
    """

    _esm = js("note")
    _css = css("note")
    text = Unicode().tag(sync=True)
    tone = Enum(["plain", "good", "warning", "error"], "plain").tag(sync=True)

    def say(self, text: str, tone: Tone = "plain") -> None:
        """Show another sentence, "" for none."""
        with self.hold_sync():
            self.text, self.tone = text, tone

    def refuse(self, error: FovnbError) -> None:
        """Show what is wrong."""
        self.say(str(error), "error")

    def close(self) -> None:
        """Free everything."""
        self.layout.close()
        super().close()

    def __repr__(self) -> str:
        return f"Note({self.text!r})"
