"""A section of the report in a notebook: folded or unfolded, old content greyed until the new one is there."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import anywidget
from traitlets import Bool, List, Unicode

from fovnb.report.blocks import Block, Items, Paragraph, Picture, Table
from fovnb.report.sections import Section
from fovnb.widgets.assets import css, js

__all__ = ["SectionView"]

_SHOWN = (Paragraph, Items, Table, Picture)


class SectionView(anywidget.AnyWidget):
    """Shows what a section consists of.

    Parameters
    ----------
    section : Section
        Its title, and what it is about.
    looked_at : bool
        Whether it begins unfolded.

    Examples
    --------
    >>> from fovnb.report.blocks import paragraph
    >>> from fovnb.report.sections import SECTIONS
    >>> view = SectionView(SECTIONS[0], looked_at=True)
    >>> view.show([paragraph("run 1 <odd>", "bad")], "0123456789ab")
    >>> view.blocks
    [{'type': 'Paragraph', 'text': 'run 1 <odd>', 'kind': 'bad'}]
    >>> view.close()
    """

    _esm = js("section")
    _css = css("section")
    title = Unicode().tag(sync=True)
    about = Unicode().tag(sync=True)
    looked_at = Bool().tag(sync=True)
    blocks: List[dict[str, Any]] = List().tag(sync=True)
    recipe = Unicode().tag(sync=True)  # digits of the recipe that it shows
    stale = Bool(True).tag(sync=True)

    def __init__(self, section: Section, looked_at: bool) -> None:
        super().__init__(title=section.title, about=f"{section.shows} Bad: {section.bad}", looked_at=looked_at)

    def show(self, blocks: Iterable[Block], recipe: str) -> None:
        """Show other content, in one message."""
        with self.hold_sync():
            shown = [block for block in blocks if isinstance(block, _SHOWN)]
            self.blocks = [{"type": type(block).__name__, **asdict(block)} for block in shown]
            self.recipe, self.stale = recipe, False

    def close(self) -> None:
        """Free everything."""
        self.layout.close()
        super().close()
