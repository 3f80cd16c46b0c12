"""Units of maps, read and converted once: astropy takes half a millisecond for it, and maps are made by the dozen."""

from functools import lru_cache
from typing import Any

from astropy import units as u

from fovnb.errors import InvalidInputError

__all__ = ["converted", "to_unit", "unit_factor"]


def to_unit(unit: str | u.UnitBase) -> u.UnitBase:
    """Return the unit, or say what was not one.

    Examples
    --------
    >>> to_unit("m2 s")
    Unit("m2 s")
    """
    try:
        return _parse_unit(unit) if isinstance(unit, str) else u.Unit(unit)
    except (TypeError, ValueError) as error:
        msg = f"{unit!r} is not a unit; write it as in 'm2 s' or give an astropy unit"
        raise InvalidInputError(msg) from error


def converted(data: Any, unit: u.UnitBase, wanted: u.UnitBase) -> Any:
    """Return the data in the unit ``wanted``: the same object if nothing changes.

    Raises
    ------
    InvalidInputError
        If the units are not of the same kind.

    Examples
    --------
    >>> import astropy.units as u
    >>> float(converted(2.0, u.TeV, u.GeV))
    2000.0
    """
    factor = unit_factor(unit, wanted)
    return data if factor is None else data * factor


@lru_cache(maxsize=256)
def unit_factor(unit: u.UnitBase, wanted: u.UnitBase) -> float | None:
    """Return what values in a unit are to be multiplied by to be in another, None if nothing changes.

    Raises
    ------
    InvalidInputError
        If the units are not of the same kind.

    Examples
    --------
    >>> import astropy.units as u
    >>> unit_factor(u.TeV, u.GeV), unit_factor(u.TeV, u.TeV)
    (1000.0, None)
    """
    if unit == wanted:
        return None
    try:
        return float(unit.to(wanted))
    except u.UnitConversionError as error:
        msg = f"values in '{unit}' cannot be taken as '{wanted}'; give them a unit of that kind"
        raise InvalidInputError(msg) from error


@lru_cache(maxsize=256)
def _parse_unit(text: str) -> u.UnitBase:
    return u.Unit(text)
