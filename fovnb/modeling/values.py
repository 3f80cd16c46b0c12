"""Numbers and units as users give them: plain numbers, strings such as "1 TeV", or quantities."""

from math import isnan
from typing import Any

from astropy import units as u

from fovnb.errors import ModelError

__all__ = ["number", "split", "words"]


def split(name: str, value: Any) -> tuple[float, u.UnitBase]:
    """Return number and unit of a string, a quantity or a plain number.

    Raises
    ------
    ModelError
        If it is not one number.

    Examples
    --------
    >>> split("reference", "2 TeV")
    (2.0, Unit("TeV"))
    """
    try:
        quantity = u.Quantity(value)
        return float(quantity.value), quantity.unit
    except (TypeError, ValueError) as error:
        msg = f"parameter {name!r} cannot be {value!r}; give one number, or a number with a unit such as '1 TeV'"
        raise ModelError(msg) from error


def number(name: str, value: Any, or_nan: bool = False) -> float:
    """Return a plain number.

    Raises
    ------
    ModelError
        If it is none, or NaN where that means nothing.

    Examples
    --------
    >>> number("tilt", 1)
    1.0
    """
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        msg = f"parameter {name!r} cannot be {value!r}; give one number"
        raise ModelError(msg) from error
    if isnan(found) and not or_nan:
        msg = f"parameter {name!r} cannot be NaN; give a number"
        raise ModelError(msg)
    return found


def words(unit: u.UnitBase) -> str:
    """Return a unit's name, "no unit" for none.

    Examples
    --------
    >>> words(u.TeV), words(u.dimensionless_unscaled)
    ('TeV', 'no unit')
    """
    return str(unit) or "no unit"
