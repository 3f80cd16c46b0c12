"""Parameters, energy nodes and plain values as the constructors of norm models need them."""

from math import isnan
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.models.norm_base import tev
from fovnb.modeling.parameter import Parameter, ParameterLike
from fovnb.types import FloatArray

__all__ = ["columns", "in_tev", "make_norm", "make_parameter", "make_reference", "nodes_tev", "plain"]


def make_parameter(
    name: str,
    given: ParameterLike | None,
    default: float,
    unit: u.UnitBase = u.dimensionless_unscaled,
    frozen: bool = False,
) -> Parameter:
    """Return the given parameter itself, or a new one with the given or the default value.

    Examples
    --------
    >>> make_parameter("tilt", 0.2, default=0).value
    0.2
    """
    if isinstance(given, Parameter):
        return given
    if isinstance(given, float) and not isnan(given):
        return Parameter(name, given, unit=unit, frozen=frozen)
    parameter = Parameter(name, default, unit=unit, frozen=frozen)
    if given is not None:
        parameter.quantity = given if isinstance(given, (str, u.Quantity)) else u.Quantity(given, unit)
    return parameter


def make_norm(given: ParameterLike | None) -> Parameter:
    """Return the parameter ``norm``, 1 by default."""
    return make_parameter("norm", given, 1)


def make_reference(given: ParameterLike | None, default: float) -> Parameter:
    """Return the frozen parameter ``reference`` [TeV]."""
    return make_parameter("reference", given, default, u.TeV, frozen=True)


def nodes_tev(energy: u.Quantity, at_least: int = 2) -> FloatArray:
    """Return increasing energies in TeV.

    Raises
    ------
    ModelError
        If they are too few, not positive or do not increase.

    Examples
    --------
    >>> nodes_tev([500, 2000] * u.GeV).tolist()
    [0.5, 2.0]
    """
    nodes = tev(energy)
    increase = nodes.ndim == 1 and np.all(np.diff(nodes) > 0) and np.all((nodes > 0) & (nodes < np.inf))
    if not increase or len(nodes) < at_least:
        msg = f"the energies are {energy}; expected a list of at least {at_least} that are positive and increase"
        raise ModelError(msg)
    return nodes


def columns(*parts: FloatArray) -> FloatArray:
    """Return arrays as the columns of a matrix, as `numpy.stack` does, but quicker.

    Examples
    --------
    >>> columns(np.array([1.0, 2.0]), np.zeros(2)).tolist()
    [[1.0, 0.0], [2.0, 0.0]]
    """
    return np.array(parts).T.copy()


def in_tev(parameter: Parameter) -> float:
    """Return the value of an energy parameter in TeV."""
    return parameter.value if parameter.unit == u.TeV else float(parameter.quantity.to_value(u.TeV))


def plain(quantity: u.Quantity) -> dict[str, Any]:
    """Return a quantity as Gammapy's YAML holds it.

    Examples
    --------
    >>> plain([1, 2] * u.TeV)
    {'data': [1.0, 2.0], 'unit': 'TeV'}
    """
    return {"data": quantity.value.tolist(), "unit": str(quantity.unit)}
