"""Plain values as Python writes them, in the form that the formatter leaves alone."""

import unicodedata
from math import isfinite, isnan

from fovnb.text import escaped

__all__ = ["WIDTH", "number", "one_line", "string"]

WIDTH = 88  # of a line
_LETTERS = 0x530  # Latin, Greek and Cyrillic lie below


def number(value: float) -> str:
    """Return a number so that reading it gives the same one: nothing is rounded.

    Examples
    --------
    >>> number(1e-07), number(1e22), number(-0.0)
    ('1e-07', '1e22', '-0.0')
    """
    if isinstance(value, bool | int):
        return repr(value)
    if isfinite(value):
        return repr(float(value)).replace("e+", "e")
    return "np.nan" if isnan(value) else "np.inf" if value > 0 else "-np.inf"


def string(text: str) -> str:
    r"""Return a string literal on one line, as wide as it is long; it may hold anything, and is data all the same.

    Latin, Greek and Cyrillic letters stay as they are. Other characters are escaped: some cannot be printed, turn the
    direction of writing, or are wider or narrower than one letter.

    Examples
    --------
    >>> print(string('the "Crab"'), string("it's"), string("a\nb"))
    'the "Crab"' "it's" "a\nb"
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join("\\" + char if char == quote else _char(char) for char in text) + quote


def one_line(text: str) -> str:
    r"""Return a text as a comment can hold it: nothing in it ends the line or hides.

    Examples
    --------
    >>> one_line("a\nb")
    'a\\nb'
    """
    return "".join(map(_char, text))


def _char(char: str) -> str:
    """Return a character, or its escape."""
    is_letter = ord(char) < _LETTERS and char.isprintable() and unicodedata.category(char)[0] != "M"
    return char if is_letter and char != "\\" else escaped(char)
