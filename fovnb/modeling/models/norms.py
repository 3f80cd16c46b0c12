"""Norm spectral models with a fixed shape: how the background's norm depends on energy.

Each is called with an energy and returns a quantity without unit. ``evaluate_tev`` is the same on floats in TeV.
"""

from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.models.fields import columns, in_tev, make_norm, make_parameter, make_reference, nodes_tev, plain
from fovnb.modeling.models.norm_base import NormSpectralModel
from fovnb.modeling.parameter import Parameter, ParameterLike
from fovnb.types import AnyArray, FloatArray

__all__ = [
    "ExpCutoffPowerLawNormSpectralModel",
    "LogParabolaNormSpectralModel",
    "PowerLawNormSpectralModel",
    "TemplateNormSpectralModel",
]


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
        parameters = [make_parameter("tilt", tilt, 0, frozen=True), make_norm(norm), make_reference(reference, 1)]
        super().__init__(parameters, start={"tilt": 0, "norm": 1})

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        return np.asarray(self.norm.value * (energy / in_tev(self.reference)) ** -self.tilt.value)

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the columns -ln(E/E0), 1, 0; None if the reference is free."""
        if not self.reference.frozen:
            return None
        x, zero = np.log(energy / in_tev(self.reference)), np.zeros(len(energy))
        return zero, columns(-x, zero + 1, zero)


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
        slopes = [make_parameter("alpha", alpha, 0), make_parameter("beta", beta, 0)]
        super().__init__(
            [make_norm(norm), make_reference(reference, 10), *slopes], start={"norm": 1, "alpha": 0, "beta": 0}
        )

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        x = np.log(energy / in_tev(self.reference))
        return np.asarray(self.norm.value * np.exp(-self.alpha.value * x - self.beta.value * x**2))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the columns 1, 0, -x, -x² with x = ln(E/E0); None if the reference is free."""
        if not self.reference.frozen:
            return None
        x, zero = np.log(energy / in_tev(self.reference)), np.zeros(len(energy))
        return zero, columns(zero + 1, zero, -x, -(x**2))


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
        cutoff = [make_parameter("lambda_", lambda_, 0.1, u.TeV**-1), make_parameter("alpha", alpha, 1, frozen=True)]
        parameters = [make_parameter("index", index, 0), make_norm(norm), make_reference(reference, 1), *cutoff]
        super().__init__(parameters, start={"index": 0, "norm": 1, "lambda_": 0.1})

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        power_law = self.norm.value * (energy / in_tev(self.reference)) ** -self.index.value
        return np.asarray(power_law * np.exp(-((energy * _per_tev(self.lambda_)) ** self.alpha.value)))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c = 0 and the columns -ln(E/E0), 1, 0, -E, 0; None unless the reference and alpha = 1 are frozen."""
        if not (self.reference.frozen and self.alpha.frozen and self.alpha.value == 1):
            return None
        x, zero = np.log(energy / in_tev(self.reference)), np.zeros(len(energy))
        unit = float(self.lambda_.unit.to(u.TeV**-1))
        return zero, columns(-x, zero + 1, zero, -energy * unit, zero)


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
        self._nodes, self._energy = nodes_tev(energy), u.Quantity(energy)
        self._values = np.asarray(u.Quantity(values).value, dtype=float)
        if self._values.shape != self._nodes.shape or not np.all((self._values > 0) & (self._values < np.inf)):
            msg = (
                f"the template's values are {self._values}; expected {len(self._nodes)} positive numbers, one an energy"
            )
            raise ModelError(msg)
        super().__init__([make_norm(norm)], start={"norm": 1})

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
        return {"energy": plain(self.energy), "values": plain(self.values)}


def _per_tev(parameter: Parameter) -> float:
    return float(parameter.quantity.to_value(u.TeV**-1))
