"""Norm models as plain values: how the norm of the background depends on energy, parameter by parameter."""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from fovnb.recipe.fields import field
from fovnb.recipe.step import Step

__all__ = [
    "ExpCutoffNorm",
    "LogParabolaNorm",
    "Norm",
    "Parameter",
    "PiecewiseNorm",
    "PiecewisePowerLawNorm",
    "PowerLawNorm",
    "Prior",
    "ProductNorm",
    "TemplateNorm",
]


@dataclass(frozen=True)
class Prior(Step):
    """A Gaussian prior."""

    mu: float = field(label="mean", low=-1e6, high=1e6)
    sigma: float = field(label="standard deviation", low=0, high=1e6, open_low=True)
    weight: float = field(1.0, label="weight", low=0, high=1e6, open_low=True)


@dataclass(frozen=True)
class Parameter(Step):
    """Value, limits, frozen flag and prior of a parameter."""

    value: float = field(label="value", low=-1e6, high=1e6, step=0.01)
    min: float | None = field(None, label="lower limit", low=-1e6, high=1e6)
    max: float | None = field(None, label="upper limit", low=-1e6, high=1e6)
    frozen: bool = field(False, label="frozen", help="a frozen parameter keeps its value")
    prior: Prior | None = field(None, label="prior")

    def _check(self) -> None:
        low, high = (float("-inf") if self.min is None else self.min), (float("inf") if self.max is None else self.max)
        if not low < high:
            self._refuse("min", f"expected less than max, {self.max!r}")
        if not low <= self.value <= high:
            self._refuse("value", f"expected one between its limits, {self.min!r} and {self.max!r}")


_NORM = Parameter(1.0)
_SLOPE = Parameter(0.0)


def _norm() -> Parameter:
    found: Parameter = field(_NORM, label="norm", help="factor on the background; 1 is the model as shipped")
    return found


def _reference(tev: float) -> float:
    found: float = field(tev, label="reference energy", unit="TeV", low=1e-6, high=1e6, scale="log", open_low=True)
    return found


def _nodes() -> tuple[float, ...] | None:
    found: tuple[float, ...] | None = field(
        None,
        label="nodes",
        unit="TeV",
        low=1e-6,
        high=1e6,
        form="increasing",
        least=1,
        help="by default from the counts",
    )
    return found


def _min_counts() -> float:
    found: float = field(100.0, label="counts a node", low=1, high=1e9, scale="log", help="of nodes from the counts")
    return found


def _smoothness() -> float | None:
    found: float | None = field(
        None, label="smoothness", low=0, high=1e3, open_low=True, help="expected change of ln norm from node to node"
    )
    return found


@dataclass(frozen=True)
class PowerLawNorm(Step):
    """``norm * (E / reference) ** -tilt``."""

    kind: ClassVar[str] = "pl-norm"

    norm: Parameter = _norm()
    tilt: Parameter = field(_SLOPE, label="tilt", help="positive: the norm falls with energy")
    reference_tev: float = _reference(1.0)


@dataclass(frozen=True)
class LogParabolaNorm(Step):
    """``norm * (E / reference) ** (-alpha - beta * ln(E / reference))``."""

    kind: ClassVar[str] = "lp-norm"

    norm: Parameter = _norm()
    alpha: Parameter = field(_SLOPE, label="alpha")
    beta: Parameter = field(_SLOPE, label="beta")
    reference_tev: float = _reference(10.0)


@dataclass(frozen=True)
class ExpCutoffNorm(Step):
    """``norm * (E / reference) ** -index * exp(-(lambda_ * E) ** alpha)``."""

    kind: ClassVar[str] = "ecpl-norm"

    norm: Parameter = _norm()
    index: Parameter = field(_SLOPE, label="index")
    lambda_: Parameter = field(Parameter(0.1), label="inverse cutoff", unit="TeV-1")
    alpha: Parameter = field(Parameter(1.0, frozen=True), label="alpha")
    reference_tev: float = _reference(1.0)


@dataclass(frozen=True)
class PiecewiseNorm(Step):
    """A norm at each node, interpolated between them; without ``norms`` all are 1 and free."""

    kind: ClassVar[str] = "piecewise-norm"

    energy_tev: tuple[float, ...] | None = _nodes()
    norms: tuple[Parameter, ...] = field((), label="norms")
    interp: Literal["log", "lin"] = field("log", label="interpolation")
    smoothness: float | None = _smoothness()
    min_counts: float = _min_counts()

    def _check(self) -> None:
        if self.energy_tev is not None and len(self.energy_tev) < 2:
            self._refuse("energy_tev", "expected at least 2 nodes")
        if len(self.norms) not in (0, len(self.energy_tev or ())):
            self._refuse("norms", f"expected one for each of the {len(self.energy_tev or ())} nodes, or none")


@dataclass(frozen=True)
class PiecewisePowerLawNorm(Step):
    """A norm at each node, and a power law above the last one."""

    kind: ClassVar[str] = "piecewise-pl-norm"

    energy_tev: tuple[float, ...] | None = _nodes()
    norms: tuple[Parameter, ...] = field((), label="norms")
    tilt: Parameter = field(_SLOPE, label="tilt")
    smoothness: float | None = _smoothness()
    min_counts: float = _min_counts()

    def _check(self) -> None:
        if len(self.norms) not in (0, len(self.energy_tev or ())):
            self._refuse("norms", f"expected one for each of the {len(self.energy_tev or ())} nodes, or none")
        if self.energy_tev is None and self.tilt != _SLOPE:
            self._refuse("tilt", "it can be set where energy_tev is given, too")


@dataclass(frozen=True)
class TemplateNorm(Step):
    """A tabulated curve times a norm."""

    kind: ClassVar[str] = "template-norm"

    energy_tev: tuple[float, ...] = field(label="energies", unit="TeV", low=1e-6, high=1e6, form="increasing", least=2)
    values: tuple[float, ...] = field(label="values", low=0, high=1e6, open_low=True, least=2)
    norm: Parameter = _norm()

    def _check(self) -> None:
        if len(self.values) != len(self.energy_tev):
            self._refuse("values", f"expected one for each of the {len(self.energy_tev)} energies")


@dataclass(frozen=True)
class ProductNorm(Step):
    """A product of norms."""

    kind: ClassVar[str] = "product"

    factors: tuple[
        PowerLawNorm | LogParabolaNorm | ExpCutoffNorm | PiecewiseNorm | PiecewisePowerLawNorm | TemplateNorm, ...
    ] = field(label="factors", least=2)

    def _check(self) -> None:
        for factor in self.factors:
            if isinstance(factor, PiecewiseNorm | PiecewisePowerLawNorm) and factor.energy_tev is None:
                self._refuse("factors", "a piecewise factor needs its nodes, energy_tev")


Norm: TypeAlias = (
    PowerLawNorm | LogParabolaNorm | ExpCutoffNorm | PiecewiseNorm | PiecewisePowerLawNorm | TemplateNorm | ProductNorm
)
