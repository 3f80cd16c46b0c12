"""A recipe as a table for the notebook, by the labels and units of its fields."""

from collections.abc import Iterator
from html import escape

from fovnb.recipe.fields import FieldInfo, fields_of
from fovnb.recipe.step import Step

__all__ = ["to_html"]


def to_html(step: Step) -> str:
    """Return a step as a table with a row a field; a recipe's has a heading a step. Every text is escaped.

    Examples
    --------
    >>> from fovnb.recipe import Stack
    >>> to_html(Stack(block=5))
    '<table><caption>Stack</caption><tr><th>runs a block</th><td>5</td></tr></table>'
    """
    return f"<table><caption>{type(step).__name__}</caption>{''.join(_rows(step, ''))}</table>"


def _rows(step: Step, before: str) -> Iterator[str]:
    """Yield the rows of a step; those of a step in it have its label before theirs."""
    for name, info in fields_of(type(step)).items():
        value, label = getattr(step, name), before + info.label
        if isinstance(value, Step):
            yield f'<tr><th colspan="2">{escape(label)}: {type(value).__name__}</th></tr>'
            yield from _rows(value, f"{label}, ")
        else:
            yield f"<tr><th>{escape(label)}</th><td>{escape(_text(info, value))}</td></tr>"


def _text(info: FieldInfo, value: object) -> str:
    """Return a value with its unit; texts as they are, a list item by item."""
    if isinstance(value, tuple):
        text = ", ".join(map(str, value)) or "none"
    else:
        text = "not set" if value is None else str(value)
    return f"{text} {info.unit}" if info.unit and value not in (None, ()) else text
