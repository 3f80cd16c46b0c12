"""Norm spectral models: how the background's norm depends on energy.

Each is called with an energy and returns a quantity without unit. ``evaluate_tev`` is the same on floats in TeV.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.models.norm_base import NormSpectralModel, tev
from fovnb.modeling.parameter import Parameter, ParameterLike, Parameters
from fovnb.types import AnyArray, FloatArray

__all__ = [
    "NORM_MODELS",
    "ExpCutoffPowerLawNormSpectralModel",
    "LogParabolaNormSpectralModel",
    "PiecewiseNormSpectralModel",
    "PowerLawNormSpectralModel",
    "TemplateNormSpectralModel",
]

_TINY = np.finfo(float).tiny


class PowerLawNormSpectralModel(NormSpectralModel):
    """A power law, ``n(E) = norm * (E / reference) ** -tilt``.

    The tilt is frozen at first, as in Gammapy: free it with ``model.tilt.frozen = False``.

    Examples
    --------
    >>> model = PowerLawNormSpectralModel(norm=2, tilt=1)
    >>> float(model("4 TeV"))
    0.5
    """

    tag = ["PowerLawNormSpectralModel", "pl-norm"]  # noqa: RUF012
    frozen_by_default = frozenset({"tilt", "reference"})

    def __init__(
        self,
        tilt: ParameterLike | None = None,
        norm: ParameterLike | None = None,
        reference: ParameterLike | None = None,
    ) -> None:
        parameters = [_parameter("tilt", tilt, 0, frozen=True), _norm(norm), _reference(reference, 1)]
        super().__init__(parameters, start={"tilt": 0, "norm": 1})

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        return np.asarray(self.norm.value * (energy / _in_tev(self.reference)) ** -self.tilt.value)

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the columns -ln(E/E0), 1, 0; None if the reference is free."""
        if not self.reference.frozen:
            return None
        x, zero = np.log(energy / _in_tev(self.reference)), np.zeros(len(energy))
        return zero, np.stack([-x, zero + 1, zero], axis=1)


class PiecewiseNormSpectralModel(NormSpectralModel):
    """A norm at each energy node, interpolated between them, constant outside.

    With ``interp="log"``, ln n is linear in ln E. Put the nodes at the centres of bins that hold enough counts: with
    the N + 1 edges of N bins as nodes, the alternating combination of norms changes no bin.

    Parameters
    ----------
    energy : `~astropy.units.Quantity`, shape (n,)
        Node energies, at least 2, increasing.
    norms : array or list of `Parameter`, shape (n,), optional
        Norms at the nodes, by default 1. Numbers are meant: an energy unit, which ``np.ones_like(edges)`` brings along,
        is dropped.
    interp : {"log", "lin"}
        Interpolate on logarithmic or linear scales.

    Raises
    ------
    ModelError
        If lengths differ, there are fewer than 2 nodes, or they do not increase.

    Examples
    --------
    >>> model = PiecewiseNormSpectralModel(energy=[1, 4] * u.TeV, norms=[1, 4])
    >>> round(float(model("2 TeV")), 6)
    2.0
    """

    tag = ["PiecewiseNormSpectralModel", "piecewise-norm"]  # noqa: RUF012
    frozen_by_default = frozenset()

    def __init__(
        self,
        energy: u.Quantity,
        norms: Sequence[ParameterLike] | AnyArray | Parameters | None = None,
        interp: str = "log",
    ) -> None:
        nodes = _nodes(energy)
        if interp not in ("log", "lin"):
            msg = f"interp is {interp!r}; expected 'log' or 'lin'"
            raise ModelError(msg)
        norms = [1.0] * len(nodes) if norms is None else norms
        if len(norms) != len(nodes):
            msg = f"{len(norms)} norms were given for {len(nodes)} energies; give one norm at each"
            raise ModelError(msg)
        self._energy, self._nodes, self._interp = u.Quantity(energy), nodes, interp
        super().__init__([_node_norm(k, norm) for k, norm in enumerate(norms)])

    @property
    def energy(self) -> u.Quantity:
        """Node energies."""
        return self._energy

    @property
    def norms(self) -> u.Quantity:
        """Norms at the nodes, without unit."""
        return u.Quantity(self.parameters.value)

    @property
    def interp(self) -> str:
        """Scale of the interpolation."""
        return self._interp

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        values = self.parameters.value
        if self._interp == "lin":
            return np.asarray(np.interp(energy, self._nodes, values))
        return np.exp(np.interp(np.log(energy), np.log(self._nodes), np.log(np.maximum(values, _TINY))))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the weight of each node in each bin; None on linear scales."""
        if self._interp == "lin":
            return None
        x, nodes = np.log(energy), np.log(self._nodes)
        columns = np.stack([np.interp(x, nodes, unit) for unit in np.eye(len(nodes))], axis=1)
        # A node at a bin's centre is not to reach into the next bin by rounding.
        return np.zeros(len(x)), np.where(columns < 1e-12, 0, columns)

    @classmethod
    def from_parameters(cls, parameters: Parameters, **kwargs: Any) -> "PiecewiseNormSpectralModel":
        """Return a model that holds these parameters as its norms."""
        return cls(norms=parameters, **kwargs)

    def _extra_dict(self) -> dict[str, Any]:
        return {"energy": _plain(self.energy), "interp": self._interp}


class LogParabolaNormSpectralModel(NormSpectralModel):
    """A log parabola, ``n(E) = norm * (E / reference) ** (-alpha - beta * ln(E / reference))``.

    Examples
    --------
    >>> float(LogParabolaNormSpectralModel(norm=2, reference="1 TeV", alpha=1)("4 TeV"))
    0.5
    """

    tag = ["LogParabolaNormSpectralModel", "lp-norm"]  # noqa: RUF012

    def __init__(
        self,
        norm: ParameterLike | None = None,
        reference: ParameterLike | None = None,
        alpha: ParameterLike | None = None,
        beta: ParameterLike | None = None,
    ) -> None:
        slopes = [_parameter("alpha", alpha, 0), _parameter("beta", beta, 0)]
        super().__init__([_norm(norm), _reference(reference, 10), *slopes], start={"norm": 1, "alpha": 0, "beta": 0})

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        x = np.log(energy / _in_tev(self.reference))
        return np.asarray(self.norm.value * np.exp(-self.alpha.value * x - self.beta.value * x**2))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the columns 1, 0, -x, -x² with x = ln(E/E0); None if the reference is free."""
        if not self.reference.frozen:
            return None
        x, zero = np.log(energy / _in_tev(self.reference)), np.zeros(len(energy))
        return zero, np.stack([zero + 1, zero, -x, -(x**2)], axis=1)


class ExpCutoffPowerLawNormSpectralModel(NormSpectralModel):
    """A power law with cutoff, ``n(E) = norm * (E / reference) ** -index * exp(-(lambda_ * E) ** alpha)``.

    Examples
    --------
    >>> float(ExpCutoffPowerLawNormSpectralModel(norm=2, index=1, lambda_="0 TeV-1")("4 TeV"))
    0.5
    """

    tag = ["ExpCutoffPowerLawNormSpectralModel", "ecpl-norm"]  # noqa: RUF012
    frozen_by_default = frozenset({"reference", "alpha"})

    def __init__(
        self,
        index: ParameterLike | None = None,
        norm: ParameterLike | None = None,
        reference: ParameterLike | None = None,
        lambda_: ParameterLike | None = None,
        alpha: ParameterLike | None = None,
    ) -> None:
        cutoff = [_parameter("lambda_", lambda_, 0.1, u.TeV**-1), _parameter("alpha", alpha, 1, frozen=True)]
        parameters = [_parameter("index", index, 0), _norm(norm), _reference(reference, 1), *cutoff]
        super().__init__(parameters, start={"index": 0, "norm": 1, "lambda_": 0.1})

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        power_law = self.norm.value * (energy / _in_tev(self.reference)) ** -self.index.value
        return np.asarray(power_law * np.exp(-((energy * _per_tev(self.lambda_)) ** self.alpha.value)))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the columns -ln(E/E0), 1, 0, -E, 0; None unless the reference and alpha = 1 are frozen."""
        if not (self.reference.frozen and self.alpha.frozen and self.alpha.value == 1):
            return None
        x, zero = np.log(energy / _in_tev(self.reference)), np.zeros(len(energy))
        unit = float(self.lambda_.unit.to(u.TeV**-1))
        return zero, np.stack([-x, zero + 1, zero, -energy * unit, zero], axis=1)


class TemplateNormSpectralModel(NormSpectralModel):
    """A tabulated curve times a norm, ``n(E) = norm * f(E)``.

    ln f is interpolated linearly in ln E and constant outside the table. Gammapy 2.1 has no such model: a file that
    holds one is for fovnb alone.

    Parameters
    ----------
    energy : `~astropy.units.Quantity`, shape (n,)
        Energies of the table, at least 2, increasing.
    values : array, shape (n,)
        Positive values without unit.
    norm : float or `Parameter`
        Factor on the table.

    Examples
    --------
    >>> model = TemplateNormSpectralModel([1, 4] * u.TeV, [1, 4], norm=3)
    >>> round(float(model("2 TeV")), 6)
    6.0
    """

    tag = ["TemplateNormSpectralModel", "template-norm"]  # noqa: RUF012
    frozen_by_default = frozenset()

    def __init__(self, energy: u.Quantity, values: AnyArray, norm: ParameterLike | None = None) -> None:
        self._nodes, self._energy = _nodes(energy), u.Quantity(energy)
        self._values = np.asarray(u.Quantity(values).value, dtype=float)
        if self._values.shape != self._nodes.shape or not np.all((self._values > 0) & (self._values < np.inf)):
            msg = (
                f"the template's values are {self._values}; expected {len(self._nodes)} positive numbers, one an energy"
            )
            raise ModelError(msg)
        super().__init__([_norm(norm)], start={"norm": 1})

    @property
    def energy(self) -> u.Quantity:
        """Energies of the table."""
        return self._energy

    @property
    def values(self) -> u.Quantity:
        """Values of the table, without unit."""
        return u.Quantity(self._values)

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        return np.asarray(self.norm.value * np.exp(self._log_table(energy)))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return c = ln f(E) and a column of ones."""
        return self._log_table(energy), np.ones((len(energy), 1))

    def _log_table(self, energy: FloatArray) -> FloatArray:
        return np.asarray(np.interp(np.log(energy), np.log(self._nodes), np.log(self._values)))

    def _extra_dict(self) -> dict[str, Any]:
        return {"energy": _plain(self.energy), "values": _plain(self.values)}


NORM_MODELS: tuple[type[NormSpectralModel], ...] = (
    PowerLawNormSpectralModel,
    PiecewiseNormSpectralModel,
    LogParabolaNormSpectralModel,
    ExpCutoffPowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)


def _parameter(
    name: str,
    given: ParameterLike | None,
    default: float,
    unit: u.UnitBase = u.dimensionless_unscaled,
    frozen: bool = False,
) -> Parameter:
    """Return the given parameter itself, or a new one with the given or the default value."""
    if isinstance(given, Parameter):
        return given
    parameter = Parameter(name, default, unit=unit, frozen=frozen)
    if given is not None:
        parameter.quantity = given if isinstance(given, (str, u.Quantity)) else u.Quantity(given, unit)
    return parameter


def _norm(given: ParameterLike | None) -> Parameter:
    return _parameter("norm", given, 1)


def _reference(given: ParameterLike | None, default: float) -> Parameter:
    return _parameter("reference", given, default, u.TeV, frozen=True)


def _node_norm(k: int, norm: ParameterLike) -> Parameter:
    if isinstance(norm, Parameter):
        return norm
    return Parameter(f"norm_{k}", norm.value if isinstance(norm, u.Quantity) else norm)


def _nodes(energy: u.Quantity) -> FloatArray:
    nodes = tev(energy)
    if nodes.ndim != 1 or len(nodes) < 2 or not (np.all(np.diff(nodes) > 0) and nodes[0] > 0):
        msg = f"the energies are {energy}; expected a list of at least 2 that are positive and increase"
        raise ModelError(msg)
    return nodes


def _in_tev(parameter: Parameter) -> float:
    return parameter.value if parameter.unit == u.TeV else float(parameter.quantity.to_value(u.TeV))


def _per_tev(parameter: Parameter) -> float:
    return float(parameter.quantity.to_value(u.TeV**-1))


def _plain(quantity: u.Quantity) -> dict[str, Any]:
    return {"data": quantity.value.tolist(), "unit": str(quantity.unit)}
