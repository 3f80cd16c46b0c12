"""The parts of a page that needs nothing but itself: escaped texts, tables, pictures inside the page, the style."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["document", "empty_figure", "figure", "items", "paragraph", "picture", "table"]

_DPI = 90
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --bad: #fdd; --doubt: #ffd; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; font-size: 0.85rem; }
caption { text-align: left; font-weight: bold; padding: 0.3rem 0; }
th, td { border: 1px solid var(--line); padding: 0.15rem 0.5rem; text-align: left; vertical-align: top; }
.wide { overflow-x: auto; } .wide td { white-space: nowrap; }
.bad { background: var(--bad); color: #000; } .doubt { background: var(--doubt); color: #000; }
.bad, .doubt { padding: 0.3rem 0.6rem; }
img { max-width: 100%; background: #fff; margin: 0.4rem 0; }
nav a { margin-right: 0.8rem; } .what { opacity: 0.8; }
@media print { body { max-width: none; font-size: 11px; } nav { display: none; } .wide { overflow: visible; }
  .wide td { white-space: normal; } section, img, tr { break-inside: avoid; } }
"""


def document(title: str, notes: str, sections: Mapping[str, str]) -> str:
    r"""Return a page of sections, by their titles, with a table of contents; notes and sections are HTML.

    Examples
    --------
    >>> page = document("Crab & more", "", {"Runs": paragraph("none")})
    >>> "<title>Crab &amp; more</title>" in page, '<h2 id="s1">Runs</h2>\n<p>none</p>' in page
    (True, True)
    """
    names = list(enumerate(sections, start=1))
    contents = " ".join(f'<a href="#s{i}">{escape(name)}</a>' for i, name in names)
    body = "\n".join(f'<section><h2 id="s{i}">{escape(name)}</h2>\n{sections[name]}\n</section>' for i, name in names)
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>'
    head += '\n<meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n<h1>{escape(title)}</h1>\n'
        f"{notes}\n<nav>{contents}</nav>\n{body}\n</body>\n</html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return an escaped paragraph, by its kind plain, "bad", "doubt" or "what".

    Examples
    --------
    >>> paragraph("a < b", "bad")
    '<p class="bad">a &lt; b</p>'
    """
    return f"<p{_class(kind)}>{escape(text)}</p>"


def items(texts: Iterable[str], kind: str = "") -> str:
    """Return an escaped list, nothing for no texts."""
    lines = "".join(f"<li{_class(kind)}>{escape(text)}</li>" for text in texts)
    return f"<ul>{lines}</ul>" if lines else ""


def table(head: Sequence[str], rows: Iterable[Sequence[object]], kinds: Sequence[str] = ()) -> str:
    """Return an escaped table; ``kinds`` are those of the rows, as in `paragraph`.

    Examples
    --------
    >>> table(["run"], [["<1>"]])
    '<div class="wide"><table><tr><th>run</th></tr><tr><td>&lt;1&gt;</td></tr></table></div>'
    """
    rows = list(rows)
    kinds = kinds or [""] * len(rows)
    lines = ["".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr{_class(kind)}>{line}</tr>" for line, kind in zip(lines, kinds, strict=True))
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    return f'<div class="wide"><table><tr>{names}</tr>{body}</table></div>'


def picture(fig: "Figure", alt: str, kind: str = "png") -> str:
    """Return a figure as an image inside the page.

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
    >>> picture(Figure(figsize=(1, 1)), "an <empty> figure")[:57]
    '<img alt="an &lt;empty&gt; figure" src="data:image/png;ba'
    """
    buffer = BytesIO()
    fig.savefig(buffer, format=kind, dpi=_DPI, pil_kwargs={"quality": 80} if kind == "webp" else {})
    return f'<img alt="{escape(alt)}" src="data:image/{kind};base64,{b64encode(buffer.getvalue()).decode()}">'


def figure(
    rows: int = 1,
    columns: int = 1,
    width: float = 11,
    height: float = 3.4,
    left: float = 0.75,
    bottom: float = 0.55,
    top: float = 0.35,
    right: float = 0.2,
    apart: float = 0.3,
    **kwargs: Any,
) -> tuple["Figure", Any]:
    """Return a figure and its axes, lengths in inches, ``apart`` in sizes of the axes; other options are for the axes.

    The margins are given, since matplotlib would draw everything twice to find them.

    Examples
    --------
    >>> fig, axes = figure(1, 2, sharey=True)
    >>> len(axes)
    2
    """
    fig = empty_figure(width, height)
    axes = fig.subplots(rows, columns, **kwargs)
    fig.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height, apart, apart)
    return fig, axes


def empty_figure(width: float, height: float) -> "Figure":
    """Return a figure of this size in inches; pyplot does not know of it, so that nothing is shown or kept."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
