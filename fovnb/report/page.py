"""A page that needs nothing but itself, its style, and the figures of its sections."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["document", "empty_figure", "figure"]

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
    >>> page = document("Crab & more", "", {"Runs": "<p>none</p>"})
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
