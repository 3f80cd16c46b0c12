"""Arguments of axes and geometries, turned into plain numbers or into an error that says what to give instead."""

from collections.abc import Collection
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import InvalidInputError
from fovnb.text import did_you_mean
from fovnb.types import FloatArray

__all__ = ["check_choice", "degrees", "positive_int", "quantity", "require_str"]


def check_choice(what: str, value: object, known: Collection[str]) -> None:
    """Raise `InvalidInputError` unless the value is one of the known names.

    Examples
    --------
    >>> check_choice("interp", "logg", ["lin", "log"])
    Traceback (most recent call last):
    ...
    fovnb.errors.InvalidInputError: interp is 'logg', which is none of 'lin', 'log' (did you mean 'log'?)
    """
    if value not in known:
        names = ", ".join(map(repr, known))
        msg = f"{what} is {value!r}, which is none of {names}{did_you_mean(str(value), known)}"
        raise InvalidInputError(msg)


def require_str(what: str, value: object) -> None:
    """Raise `InvalidInputError` unless the value is a string.

    Examples
    --------
    >>> require_str("the name", "energy")
    """
    if not isinstance(value, str):
        msg = f"{what} is {value!r}, a {type(value).__name__}; give a string"
        raise InvalidInputError(msg)


def quantity(value: Any, unit: Any, what: str) -> u.Quantity:
    """Return the value as a float quantity in ``unit``; plain numbers are taken in it, and None keeps the value's own.

    Examples
    --------
    >>> quantity("500 GeV", "TeV", "energy_min")
    <Quantity 0.5 TeV>
    """
    try:
        return u.Quantity(value, None if unit is None else u.Unit(unit), dtype=float)
    except (TypeError, ValueError) as error:
        wanted = "a number or a Quantity" if unit is None else f"numbers or a Quantity in a unit like {str(unit)!r}"
        msg = f"cannot read {what} from {value!r} ({' '.join(str(error).split())}); give {wanted}"
        raise InvalidInputError(msg) from error


def degrees(value: Any, what: str) -> FloatArray:
    """Return angles as a flat array in degrees; plain numbers are degrees.

    Examples
    --------
    >>> degrees(("30 arcmin", 2), "width")
    array([0.5, 2. ])
    """
    values = value if isinstance(value, tuple | list) else (value,)
    return np.concatenate([np.ravel(quantity(v, "deg", what).value) for v in values])


def positive_int(value: Any, what: str) -> int:
    """Return a whole number above zero.

    Examples
    --------
    >>> positive_int(5.0, "nbin")
    5
    """
    try:
        number = float(np.ravel(value)[0]) if np.size(value) == 1 else np.nan
    except (TypeError, ValueError):
        number = np.nan
    if not (number >= 1 and np.isfinite(number)):
        msg = f"{what} is {value!r}; give a whole number of at least 1"
        raise InvalidInputError(msg)
    return int(number)
