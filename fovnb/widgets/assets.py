"""The JavaScript and CSS of our own components, as they lie beside this file."""

from functools import cache
from pathlib import Path

__all__ = ["css", "js"]


@cache
def js(name: str) -> str:
    """Return the text of an ES module of `fovnb.widgets`.

    Examples
    --------
    >>> "export default" in js("bar")
    True
    """
    return (Path(__file__).parent / "js" / f"{name}.js").read_text(encoding="utf-8")


@cache
def css(name: str) -> str:
    """Return the text of a style sheet of `fovnb.widgets`."""
    return (Path(__file__).parent / "css" / f"{name}.css").read_text(encoding="utf-8")
