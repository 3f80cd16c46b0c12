"""FITS headers as plain dictionaries.

A look-up in an astropy header costs 30 µs and the six tables of a run need some 350 of them; here a header is read in
one pass. Kept: string (with CONTINUE), logical and number cards. Left out: comments, HIERARCH and undefined values.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeAlias

from fovnb.errors import DataError

__all__ = ["Header", "latitude", "number", "padded", "read_header"]

Header: TypeAlias = Mapping[str, Any]

_BLOCK = 2880
_CARD = 80
_PRINTABLE = bytes(byte if 32 <= byte < 127 else ord("?") for byte in range(256))
_PATTERN = re.compile(
    r"(?:([A-Z0-9_-]+) *= |(CONTINUE)  ) *(?:'((?:[^']|'')*)'|([TF])(?= |/|$)|([+-]?[0-9.][0-9.EDed+-]*))"
)


def read_header(data: bytes, start: int) -> tuple[dict[str, Any], int] | None:
    """Return the header at byte ``start`` and the byte after it; None if the bytes end before its END card.

    Examples
    --------
    >>> cards = ["SIMPLE  =                    T / a comment", "OBJECT  = 'Barnard''s star'", "END"]
    >>> header, stop = read_header("".join(f"{card:80}" for card in cards).ljust(2880).encode(), 0)
    >>> header, stop
    ({'SIMPLE': True, 'OBJECT': "Barnard's star"}, 2880)
    """
    header: dict[str, Any] = {}
    last = ""
    for offset in range(start, len(data) - _CARD + 1, _CARD):
        card = data[offset : offset + _CARD].translate(_PRINTABLE).decode("ascii")
        if card.rstrip() == "END":
            return header, start + padded(offset + _CARD - start)
        if match := _PATTERN.match(card):
            last = _store(header, last, match)
    return None


def number(header: Header, *keys: str) -> float:
    """Return the value of the first of the keys that is there as a finite float; some files write numbers as strings.

    Raises
    ------
    DataError
        If none of the keys is there, or the value is not a finite number.

    Examples
    --------
    >>> number({"MJDREFF": "0.5"}, "MJDREFF")
    0.5
    """
    for key in keys:
        if key in header:
            break
    else:
        msg = f"the header holds no {' or '.join(keys)}; expected a number, repair the file or leave the run out"
        raise DataError(msg)
    try:
        value = float(header[key])
    except (TypeError, ValueError):
        value = float("nan")
    if not isfinite(value):
        msg = f"{key} = {header[key]!r} in the header; expected a finite number, repair the file or leave the run out"
        raise DataError(msg)
    return value


def latitude(header: Header, key: str) -> float:
    """Return a latitude in deg.

    Raises
    ------
    DataError
        If the key is missing, or its value is no number from -90 to 90.
    """
    value = number(header, key)
    if abs(value) > 90:
        msg = f"{key} = {value} deg in the header; expected -90 to 90, repair the file or leave the run out"
        raise DataError(msg)
    return value


def padded(size: int) -> int:
    """Return the size rounded up to whole FITS blocks of 2880 bytes."""
    return -(-size // _BLOCK) * _BLOCK


def _store(header: dict[str, Any], last: str, match: re.Match[str]) -> str:
    """Put one card into the header and return its keyword."""
    key, continued, string, logical, digits = match.groups()
    if continued:
        if str(header.get(last, "")).endswith("&") and string is not None:
            header[last] = header[last][:-1] + _unquoted(string)
        return last
    if string is not None:
        header[key] = _unquoted(string)
    else:
        header[key] = logical == "T" if logical else _parsed(digits)
    return str(key)


def _unquoted(string: str) -> str:
    return string.replace("''", "'").rstrip()


def _parsed(digits: str) -> int | float | str:
    try:
        return int(digits)
    except ValueError:
        pass
    try:
        return float(digits.upper().replace("D", "E"))
    except ValueError:
        return digits
