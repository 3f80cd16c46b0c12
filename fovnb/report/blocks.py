"""What a section of a report consists of: paragraphs, lists, tables and pictures, as records that any page can show."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from fovnb.datasets import Ledger

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Block",
    "Items",
    "Kind",
    "LedgerTable",
    "Paragraph",
    "Picture",
    "Table",
    "items",
    "paragraph",
    "picture",
    "table",
]

Kind: TypeAlias = Literal["", "bad", "doubt", "what"]

_DPI = 90


class Block(Protocol):
    """A part of a section."""

    def html(self) -> str:
        """Return it as HTML, with all texts escaped."""


@dataclass(frozen=True)
class Paragraph:
    """A sentence or several; its kind says whether it is bad news, a doubt, or what a section is about."""

    text: str
    kind: Kind = ""

    def html(self) -> str:
        """Return it as HTML."""
        return f"<p{_class(self.kind)}>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Items:
    """A list, all of one kind."""

    texts: tuple[str, ...]
    kind: Kind = ""

    def html(self) -> str:
        """Return it as HTML, nothing for no texts."""
        lines = "".join(f"<li{_class(self.kind)}>{escape(text)}</li>" for text in self.texts)
        return f"<ul>{lines}</ul>" if lines else ""


@dataclass(frozen=True)
class Table:
    """Rows of texts below their heads; each row has its kind."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kinds: tuple[Kind, ...]

    def html(self) -> str:
        """Return it as HTML."""
        lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in self.rows]
        body = "".join(f"<tr{_class(kind)}>{line}</tr>" for line, kind in zip(lines, self.kinds, strict=True))
        names = "".join(f"<th>{escape(name)}</th>" for name in self.head)
        return f'<div class="wide"><table><tr>{names}</tr>{body}</table></div>'


@dataclass(frozen=True)
class Picture:
    """An image file, and what it shows, in words."""

    content: bytes
    alt: str
    format: Literal["png", "webp"]

    def html(self) -> str:
        """Return it as HTML that needs no other file."""
        source = f"data:image/{self.format};base64,{b64encode(self.content).decode()}"
        return f'<img alt="{escape(self.alt)}" src="{source}">'


@dataclass(frozen=True)
class LedgerTable:
    """A ledger, which marks its odd rows itself."""

    ledger: Ledger

    def html(self) -> str:
        """Return it as HTML."""
        return f'<div class="wide">{self.ledger._repr_html_()}</div>'


def paragraph(text: str, kind: Kind = "") -> Paragraph:
    """Return a paragraph.

    Examples
    --------
    >>> paragraph("a < b", "bad").html()
    '<p class="bad">a &lt; b</p>'
    """
    return Paragraph(text, kind)


def items(texts: Iterable[str], kind: Kind = "") -> Items:
    """Return a list.

    Examples
    --------
    >>> items(["<1>"]).html(), items([]).html()
    ('<ul><li>&lt;1&gt;</li></ul>', '')
    """
    return Items(tuple(texts), kind)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], kinds: Sequence[Kind] = ()) -> Table:
    """Return a table; ``kinds`` are those of the rows.

    Examples
    --------
    >>> table(["run"], [["<1>"]]).html()
    '<div class="wide"><table><tr><th>run</th></tr><tr><td>&lt;1&gt;</td></tr></table></div>'
    """
    texts = tuple(tuple(map(str, row)) for row in rows)
    plain: Kind = ""
    return Table(tuple(head), texts, tuple(kinds) or (plain,) * len(texts))


def picture(fig: "Figure", alt: str, kind: Literal["png", "webp"] = "png") -> Picture:
    """Return a figure as an image.

    Parameters
    ----------
    fig : Figure
        What to show.
    alt : str
        What it shows, in words.
    kind : {"png", "webp"}
        The second is much smaller where the picture is a map of noise.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> picture(Figure(figsize=(1, 1)), "an <empty> figure").html()[:57]
    '<img alt="an &lt;empty&gt; figure" src="data:image/png;ba'
    """
    buffer = BytesIO()
    fig.savefig(buffer, format=kind, dpi=_DPI, pil_kwargs={"quality": 80} if kind == "webp" else {})
    return Picture(buffer.getvalue(), alt, kind)


def _class(kind: Kind) -> str:
    return f' class="{kind}"' if kind else ""
