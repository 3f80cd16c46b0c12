"""What all norm spectral models share: parameters as attributes, calling, copying, printing.

Every norm is, or can be, linear in its logarithm,

    ln n(E) = c(E) + sum_j A_j(E) theta_j,    theta_j = ln(value) for norms, the value otherwise,

and ``log_design`` gives c and A, which turns the fit of a norm into a small convex problem.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.covariance import Covariance, as_array, with_errors
from fovnb.modeling.parameter import Parameter, Parameters
from fovnb.text import did_you_mean, html_summary, text_summary
from fovnb.types import AnyArray, FloatArray

__all__ = ["NormSpectralModel", "checked_norm", "relink", "row", "short", "tev"]


class NormSpectralModel(ABC):
    """What all norm spectral models share: parameters as attributes, calling, copying, printing.

    Parameters
    ----------
    parameters : list of `Parameter`
        The model's own; ``model.<name>`` finds them, and ``model.<name> = parameter`` links another model's.
    start : dict of float, optional
        Values that `reset_to_default` restores, by default the parameters' own.
    """

    tag: ClassVar[list[str]] = []
    type: ClassVar[str] = "spectral"
    is_norm_spectral_model: ClassVar[bool] = True
    frozen_by_default: ClassVar[frozenset[str]] = frozenset({"reference"})

    _parameters: dict[str, Parameter]
    _start: dict[str, float]
    _covariance: FloatArray

    def __init__(self, parameters: Sequence[Parameter], start: dict[str, float] | None = None) -> None:
        self._parameters = {par.name: par for par in parameters}
        self._start = {par.name: par.value for par in parameters} if start is None else start
        self._covariance = np.zeros((len(parameters),) * 2)  # `covariance` has the squared errors on its diagonal

    @property
    def parameters(self) -> Parameters:
        """The parameters, in order."""
        return Parameters(self._named().values())

    @property
    def labels(self) -> tuple[str, ...]:
        """Unique names of the parameters: their names, numbered where two parts of a product share one."""
        return tuple(self._named())

    @property
    def smoothness(self) -> float | None:
        """Expected standard deviation of ln n between neighbouring nodes; None without nodes or such a prior."""
        return None

    def penalty_rows(self) -> FloatArray:
        """Return rows D, shape (m, n parameters), of priors that add ``|D theta|**2`` to -2 ln L; theta as above."""
        return np.zeros((0, len(self.labels)))

    @property
    def covariance(self) -> Covariance:
        """Covariance of all parameters; its diagonal is always the squared errors, also infinite ones."""
        return with_errors(self._covariance, self.parameters)

    @covariance.setter
    def covariance(self, covariance: "Covariance | AnyArray") -> None:
        parameters = self.parameters
        self._covariance = Covariance(parameters, as_array(covariance)).data
        for par, error in zip(parameters, np.sqrt(self._covariance.diagonal()).tolist(), strict=True):
            par.error = error

    @property
    def frozen(self) -> bool:
        """Whether every parameter is frozen."""
        return not self.parameters.free_parameters

    def freeze(self) -> None:
        """Freeze every parameter."""
        self.parameters.freeze_all()

    def unfreeze(self) -> None:
        """Give every parameter the frozen flag that the model starts with."""
        for par in self.parameters:
            par.frozen = par.name in self.frozen_by_default

    def reset_to_default(self) -> None:
        """Give norms, slopes and cutoff the values that the model starts with, and no errors; references stay."""
        for name, value in self._start.items():
            self._parameters[name].value, self._parameters[name].error = value, 0.0

    def __call__(self, energy: u.Quantity | str) -> u.Quantity:
        """Return the norm at each energy, without unit, with the shape of ``energy``."""
        return u.Quantity(self.evaluate_tev(tev(energy)))

    @abstractmethod
    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""

    @abstractmethod
    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return c (K,) and A (K, n parameters) at energies in TeV, or None where ln n is not linear."""

    def copy(self) -> "NormSpectralModel":
        """Return an independent copy."""
        new = object.__new__(type(self))
        copies = dict(zip(self._parameters, self.parameters.copy(), strict=True))
        vars(new).update(vars(self), _parameters=copies, _covariance=self._covariance.copy())
        return new

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain values, as in Gammapy's YAML."""
        return {"spectral": {"type": self.tag[0], "parameters": self.parameters.to_dict(), **self._extra_dict()}}

    def _extra_dict(self) -> dict[str, Any]:
        """Return what the file holds besides parameters."""
        return {}

    @classmethod
    def from_parameters(cls, parameters: Parameters, **kwargs: Any) -> "NormSpectralModel":
        """Return a model that holds these parameters."""
        fields: dict[str, Any] = {par.name: par for par in parameters}
        return cls(**fields, **kwargs)

    def _named(self) -> dict[str, Parameter]:
        """Return the parameters by label; none before they are set, as while unpickling."""
        named: dict[str, Parameter] = self.__dict__.get("_parameters", {})
        return named

    def _link(self, label: str, parameter: Parameter) -> None:
        """Put another parameter in a parameter's place."""
        self._parameters[label] = parameter

    def __mul__(self, other: "NormSpectralModel") -> "NormSpectralModel":
        """Return the product of copies with one free norm; see `CompoundNormSpectralModel`."""
        from fovnb.modeling.models.compound import multiply

        return multiply(self, other) if isinstance(other, NormSpectralModel) else NotImplemented

    def __getattr__(self, name: str) -> Parameter:
        parameters = self._named()
        if name in parameters:
            return parameters[name]
        if name.startswith("__"):  # a protocol that Python looks for, as copy does
            raise AttributeError(name)
        known = ", ".join(parameters)
        msg = f"{type(self).__name__} has no {name!r}{did_you_mean(name, parameters)}; its parameters are {known}"
        raise AttributeError(msg)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._named():
            super().__setattr__(name, value)
        elif isinstance(value, Parameter):
            self._link(name, value)
        else:
            msg = f"{name} is a parameter and cannot be {value!r}; write model.{name}.value = {value!r}"
            raise ModelError(msg)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.labels]

    def rows(self) -> dict[str, str]:
        """Return one line of text a parameter."""
        return {label: row(par) for label, par in self._named().items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{label}={short(par)}' for label, par in self._named().items())})"

    def __str__(self) -> str:
        return text_summary(type(self).__name__, self.rows())

    def _repr_html_(self) -> str:
        return html_summary(type(self).__name__, self.rows())


def tev(energy: u.Quantity | str) -> FloatArray:
    """Return energies in TeV, as floats."""
    try:
        return np.asarray(u.Quantity(energy).to_value(u.TeV), dtype=float)
    except (TypeError, ValueError, u.UnitConversionError) as error:
        found = " ".join(repr(energy).split())
        msg = f"the energy is {found}; expected energies with a unit, such as [1, 10] * u.TeV or energy_axis.center"
        raise ModelError(msg) from error


def checked_norm(model: Any) -> NormSpectralModel:
    """Return the model if it is a norm spectral model.

    Raises
    ------
    ModelError
        If it is none.
    """
    if not isinstance(model, NormSpectralModel):
        msg = f"{model!r} is no norm spectral model; pass, say, PowerLawNormSpectralModel()"
        raise ModelError(msg)
    return model


def relink(parts: Sequence[Any], copies: Sequence[Any]) -> None:
    """Give copies of models the links that the models have: one parameter object for each that they share."""
    shared: dict[Parameter, Parameter] = {}
    for part, copied in zip(parts, copies, strict=True):
        for label, par, own in zip(part.labels, part.parameters, copied.parameters, strict=True):
            if shared.setdefault(par, own) is not own:
                setattr(copied, label, shared[par])


def row(par: Parameter) -> str:
    """Return value, error, unit and flag of a parameter in a line."""
    prior = "" if par.prior is None else f" (prior {par.prior.mu.value:.6g} ± {par.prior.sigma.value:.3g})"
    return f"{par.value:.6g} ± {par.error:.3g} {par.unit}".strip() + " (frozen)" * par.frozen + prior


def short(par: Parameter) -> str:
    """Return value and unit of a parameter."""
    return f"{par.value:.6g} {par.unit}".strip()
