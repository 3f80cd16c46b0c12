"""The product of two norm models."""

from collections.abc import Container
from itertools import chain, count
from typing import Any

import numpy as np

from fovnb.modeling.covariance import Covariance, JointCovariance
from fovnb.modeling.models.norm_base import NormSpectralModel, checked_norm, relink
from fovnb.modeling.parameter import Parameter
from fovnb.types import AnyArray, FloatArray

__all__ = ["CompoundNormSpectralModel", "multiply"]


class CompoundNormSpectralModel(NormSpectralModel):
    """The product of two norm models, ``n(E) = n1(E) * n2(E)``.

    Both are held as they are. Only the product of two overall norms is ever determined, so that one of them should be
    frozen: ``model1 * model2`` takes copies and does that; here nothing is frozen.

    Parameters are found by label: where both models have a ``norm``, the second's is ``norm_2``.

    Its YAML is that of Gammapy's ``CompoundSpectralModel``, which reads it on its own; Gammapy 2.1 has no product of
    norms for its ``FoVBackgroundModel``, and refuses a file with one.

    Parameters
    ----------
    model1, model2 : norm spectral model
        The factors.

    Raises
    ------
    ModelError
        If a factor is no norm spectral model.

    Examples
    --------
    >>> from fovnb.modeling.models import PowerLawNormSpectralModel
    >>> model = PowerLawNormSpectralModel(norm=2) * PowerLawNormSpectralModel(norm=3)
    >>> float(model("4 TeV")), model.norm.frozen, model.norm_2.frozen
    (6.0, False, True)
    """

    tag = ["CompoundSpectralModel", "compound"]  # noqa: RUF012

    def __init__(self, model1: NormSpectralModel, model2: NormSpectralModel) -> None:
        self._parts = (checked_norm(model1), checked_norm(model2))
        self._joint = JointCovariance()

    @property
    def model1(self) -> NormSpectralModel:
        """The first factor."""
        return self._parts[0]

    @property
    def model2(self) -> NormSpectralModel:
        """The second factor."""
        return self._parts[1]

    @property
    def covariance(self) -> Covariance:
        """Covariance of all parameters; its diagonal is always the squared errors."""
        return self._joint.of(self._parts)

    @covariance.setter
    def covariance(self, covariance: Covariance | AnyArray) -> None:
        self._joint.set(self._parts, covariance)

    def unfreeze(self) -> None:
        """Give every parameter the frozen flag that a product starts with."""
        for part in self._parts:
            part.unfreeze()
        _freeze_one_norm(*self._parts)

    def reset_to_default(self) -> None:
        """Give both factors the values that they start with."""
        for part in self._parts:
            part.reset_to_default()

    def penalty_rows(self) -> FloatArray:
        """Return the rows of both factors."""
        first, second = (part.penalty_rows() for part in self._parts)
        n1, n2 = first.shape[1], second.shape[1]
        return np.concatenate([np.pad(first, ((0, 0), (0, n2))), np.pad(second, ((0, 0), (n1, 0)))])

    def evaluate_tev(self, energy: FloatArray) -> FloatArray:
        """Return the norm at energies in TeV."""
        return np.asarray(self.model1.evaluate_tev(energy) * self.model2.evaluate_tev(energy))

    def log_design(self, energy: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return the sum of both c and the columns of both A; None where one ln n is not linear."""
        first, second = (part.log_design(energy) for part in self._parts)
        if first is None or second is None:
            return None
        return first[0] + second[0], np.concatenate([first[1], second[1]], axis=1)

    def copy(self) -> "CompoundNormSpectralModel":
        """Return an independent copy; links between the factors stay."""
        new = CompoundNormSpectralModel(self.model1.copy(), self.model2.copy())
        relink(self._parts, new._parts)
        new.covariance = self.covariance
        return new

    def to_dict(self) -> dict[str, Any]:
        """Return the model as plain values, as in Gammapy's YAML."""
        first, second = (part.to_dict()["spectral"] for part in self._parts)
        return {"spectral": {"type": self.tag[0], "model1": first, "model2": second, "operator": "mul"}}

    def _named(self) -> dict[str, Parameter]:
        named: dict[str, Parameter] = {}
        for part in self.__dict__.get("_parts", ()):
            for label, parameter in part._named().items():
                named[_new_label(label, named)] = parameter
        return named

    def _link(self, label: str, parameter: Parameter) -> None:
        part, i = self._places()[label]
        setattr(part, part.labels[i], parameter)

    def _places(self) -> dict[str, tuple[NormSpectralModel, int]]:
        """Return the factor of each label and the position there."""
        places: dict[str, tuple[NormSpectralModel, int]] = {}
        for part in self.__dict__.get("_parts", ()):
            for i, label in enumerate(part.labels):
                places[_new_label(label, places)] = (part, i)
        return places


def multiply(model1: NormSpectralModel, model2: NormSpectralModel) -> CompoundNormSpectralModel:
    """Return the product of independent copies with one overall norm.

    If both have a free norm, the second's ``norm`` is frozen; if that has norms at nodes instead, the first's.
    """
    new = CompoundNormSpectralModel(model1.copy(), model2.copy())
    _freeze_one_norm(new.model1, new.model2)
    return new


def _freeze_one_norm(model1: NormSpectralModel, model2: NormSpectralModel) -> None:
    """Freeze the plain norm of the second model, else of the first, if each has a free norm of its own."""
    first = _free_norms(model1)
    second = [par for par in _free_norms(model2) if par not in first]
    if first and second:
        plain = [[par for par in norms if par.name == "norm"] for norms in (second, first)]
        for par in plain[0] or plain[1]:
            par.frozen = True


def _free_norms(model: NormSpectralModel) -> list[Parameter]:
    return [par for par in model.parameters.free_parameters if par.name.startswith("norm")]


def _new_label(label: str, taken: Container[str]) -> str:
    """Return the label, numbered from 2 if it is taken."""
    return next(new for new in chain([label], (f"{label}_{i}" for i in count(2))) if new not in taken)
