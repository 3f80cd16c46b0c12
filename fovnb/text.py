"""Objects as text: plain for the terminal, HTML for the notebook; what can be printed, and the nearest name."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from html import escape

__all__ = ["Record", "did_you_mean", "escaped", "html_summary", "printable", "text_summary"]


class Record(ABC):
    """What prints as its class's name and a line for each of its ``_rows``."""

    @abstractmethod
    def _rows(self) -> Mapping[str, object]:
        """Return what is shown, by name."""

    def __repr__(self) -> str:
        return text_summary(type(self).__name__, self._rows())

    def _repr_html_(self) -> str:
        return html_summary(type(self).__name__, self._rows())


def text_summary(title: str, rows: Mapping[str, object]) -> str:
    """Return an underlined title and one aligned ``name : value`` line a row.

    Examples
    --------
    >>> print(text_summary("Map", {"unit": "m2 s", "shape": (2, 3)}))
    Map
    ---
      unit  : m2 s
      shape : (2, 3)
    """
    width = max(map(len, rows), default=0)
    lines = [f"  {name:<{width}} : {value}" for name, value in rows.items()]
    return "\n".join([title, "-" * len(title), *lines])


def html_summary(title: str, rows: Mapping[str, object]) -> str:
    """Return the same as an HTML table; every string is escaped, since names and units come from files.

    Examples
    --------
    >>> html_summary("Map", {"unit": "<b>"})
    '<table><caption>Map</caption><tr><th>unit</th><td>&lt;b&gt;</td></tr></table>'
    """
    body = "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items())
    return f"<table><caption>{escape(title)}</caption>{body}</table>"


def printable(text: str) -> str:
    r"""Return a text on one line; what cannot be printed, or turns the direction of writing, is escaped.

    Examples
    --------
    >>> printable("\x1b[31mé 蟹\n") == r"\x1b[31mé 蟹\n"
    True
    """
    return "".join(char if char.isprintable() else escaped(char) for char in text)


def escaped(char: str) -> str:
    r"""Return a character as Python escapes it.

    Examples
    --------
    >>> escaped("\n") == r"\n"
    True
    """
    return char.encode("unicode_escape").decode("ascii")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the nearest known name, or an empty string.

    Examples
    --------
    >>> did_you_mean("ofset_max", ["offset_max", "methods"])
    " (did you mean 'offset_max'?)"
    """
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
