"""Norm models as plain values: how the norm of the background depends on energy, parameter by parameter."""

from dataclasses import dataclass
from itertools import chain, count
from typing import Any, ClassVar, Literal, TypeAlias

from fovnb.recipe.fields import field, fields_of
from fovnb.recipe.step import Step

__all__ = [
    "ExpCutoffNorm",
    "Factor",
    "LogParabolaNorm",
    "Norm",
    "Parameter",
    "PiecewiseNorm",
    "PiecewisePowerLawNorm",
    "PowerLawNorm",
    "Prior",
    "ProductNorm",
    "TemplateNorm",
    "has_nodes",
    "parameters_of",
]


@dataclass(frozen=True, repr=False)
class Prior(Step):
    """A Gaussian prior, in the parameter's own unit."""

    mu: float = field(label="mean", low=-1e6, high=1e6, step=0.01)
    sigma: float = field(label="standard deviation", low=1e-9, high=1e6, scale="log", step=0.05)
    weight: float = field(1.0, label="weight", low=1e-9, high=1e6, scale="log", step=0.05, help="factor on -2 ln L")


@dataclass(frozen=True, repr=False)
class Parameter(Step):
    """Value, limits, frozen flag and prior of a parameter, in the unit of the field that holds it."""

    value: float = field(label="value", low=-1e6, high=1e6, step=0.01, help="where a fit starts")
    min: float | None = field(None, label="lower limit", low=-1e6, high=1e6, step=0.01)
    max: float | None = field(None, label="upper limit", low=-1e6, high=1e6, step=0.01)
    frozen: bool = field(False, label="frozen", help="a frozen parameter keeps its value")
    prior: Prior | None = field(None, label="prior", help="what is known before the fit")

    def _check(self) -> None:
        low, high = (float("-inf") if self.min is None else self.min), (float("inf") if self.max is None else self.max)
        if not low < high:
            self._refuse("min", f"expected less than max, {self.max!r}")
        if not low <= self.value <= high:
            self._refuse("value", f"expected one between its limits, {self.min!r} and {self.max!r}")


_NORM = Parameter(1.0)
_SLOPE = Parameter(0.0)
_ENERGY_TEV: dict[str, Any] = {"unit": "TeV", "low": 1e-6, "high": 1e6, "scale": "log", "step": 0.05}


def _norm() -> Any:
    return field(_NORM, label="norm", help="factor on the background; 1 is the model as shipped")


def _slope(label: str, help: str) -> Any:  # noqa: A002 - the metadata's name
    return field(_SLOPE, label=label, help=help)


def _reference(tev: float) -> Any:
    return field(tev, label="reference energy", **_ENERGY_TEV)


def _nodes(least: int) -> Any:
    return field(
        None, label="nodes", form="increasing", least=least, help="energies; by default from the counts", **_ENERGY_TEV
    )


def _node_norms() -> Any:
    return field((), label="norms", help="one for each node; by default 1 and free")


def _smoothness() -> Any:
    return field(
        None,
        label="smoothness",
        low=0,
        high=1e3,
        open_low=True,
        scale="log",
        step=0.05,
        help="expected change of ln norm from node to node",
    )


def _min_counts() -> Any:
    return field(100.0, label="counts a node", low=1, high=1e9, scale="log", step=0.05, help="of nodes from the counts")


@dataclass(frozen=True, repr=False)
class PowerLawNorm(Step):
    """``norm * (E / reference) ** -tilt``."""

    kind: ClassVar[str] = "pl-norm"

    norm: Parameter = _norm()
    tilt: Parameter = _slope("tilt", "positive: the norm falls with energy")
    reference_tev: float = _reference(1.0)


@dataclass(frozen=True, repr=False)
class LogParabolaNorm(Step):
    """``norm * (E / reference) ** (-alpha - beta * ln(E / reference))``."""

    kind: ClassVar[str] = "lp-norm"

    norm: Parameter = _norm()
    alpha: Parameter = _slope("alpha", "slope at the reference energy")
    beta: Parameter = _slope("beta", "curvature")
    reference_tev: float = _reference(10.0)


@dataclass(frozen=True, repr=False)
class ExpCutoffNorm(Step):
    """``norm * (E / reference) ** -index * exp(-(lambda_ * E) ** alpha)``."""

    kind: ClassVar[str] = "ecpl-norm"

    norm: Parameter = _norm()
    index: Parameter = _slope("index", "slope below the cutoff")
    lambda_: Parameter = field(Parameter(0.1), label="inverse cutoff", unit="TeV-1", help="0 is no cutoff")
    alpha: Parameter = field(Parameter(1.0, frozen=True), label="alpha", help="how sharp the cutoff is")
    reference_tev: float = _reference(1.0)


@dataclass(frozen=True, repr=False)
class PiecewiseNorm(Step):
    """A norm at each node, interpolated between them; without ``norms`` all are 1 and free."""

    kind: ClassVar[str] = "piecewise-norm"

    energy_tev: tuple[float, ...] | None = _nodes(2)
    norms: tuple[Parameter, ...] = _node_norms()
    interp: Literal["log", "lin"] = field("log", label="interpolation")
    smoothness: float | None = _smoothness()
    min_counts: float = _min_counts()

    def _check(self) -> None:
        if self.norms:
            self._expect_as_many("norms", "energy_tev")


@dataclass(frozen=True, repr=False)
class PiecewisePowerLawNorm(Step):
    """A norm at each node, and a power law above the last one."""

    kind: ClassVar[str] = "piecewise-pl-norm"

    energy_tev: tuple[float, ...] | None = _nodes(1)
    norms: tuple[Parameter, ...] = _node_norms()
    tilt: Parameter = _slope("tilt", "of the power law above the last node")
    smoothness: float | None = _smoothness()
    min_counts: float = _min_counts()

    def _check(self) -> None:
        if self.norms:
            self._expect_as_many("norms", "energy_tev")
        if self.energy_tev is None and self.tilt != _SLOPE:
            self._refuse("tilt", "it can be set only where energy_tev is given, too")


@dataclass(frozen=True, repr=False)
class TemplateNorm(Step):
    """A tabulated curve times a norm."""

    kind: ClassVar[str] = "template-norm"

    energy_tev: tuple[float, ...] = field(label="energies", form="increasing", least=2, **_ENERGY_TEV)
    values: tuple[float, ...] = field(label="values", low=0, high=1e6, open_low=True, least=2, help="one an energy")
    norm: Parameter = _norm()

    def _check(self) -> None:
        self._expect_as_many("values", "energy_tev")


Factor: TypeAlias = (
    PowerLawNorm | LogParabolaNorm | ExpCutoffNorm | PiecewiseNorm | PiecewisePowerLawNorm | TemplateNorm
)


@dataclass(frozen=True, repr=False)
class ProductNorm(Step):
    """A product of norms.

    Of several overall norms only their product is ever determined: that of the first factor stays free, and the product
    freezes the others, whatever their flags say.
    """

    kind: ClassVar[str] = "product"

    factors: tuple[Factor, ...] = field(label="factors", least=2, help="at least two norms")

    def _check(self) -> None:
        if not all(has_nodes(factor) for factor in self.factors):
            self._refuse("factors", "a piecewise factor needs its nodes, energy_tev")


Norm: TypeAlias = Factor | ProductNorm


def has_nodes(norm: Norm) -> bool:
    """Return whether all parameters of a norm are known: it does not wait for the counts to take its nodes from.

    Examples
    --------
    >>> has_nodes(PiecewiseNorm()), has_nodes(PowerLawNorm())
    (False, True)
    """
    return not isinstance(norm, PiecewiseNorm | PiecewisePowerLawNorm) or norm.energy_tev is not None


def parameters_of(norm: Norm) -> dict[str, Parameter]:
    """Return the parameters of a norm by the names that its model gives them.

    Nodes that are taken from the counts are not among them. Names that an earlier factor of a product has are numbered.

    Examples
    --------
    >>> list(parameters_of(ProductNorm([PowerLawNorm(), PiecewiseNorm([1, 10]), PowerLawNorm()])))
    ['norm', 'tilt', 'norm_0', 'norm_1', 'norm_2', 'tilt_2']
    """
    found: dict[str, Parameter] = {}
    for factor in norm.factors if isinstance(norm, ProductNorm) else (norm,):
        for name, parameter in _named(factor).items():
            found[next(new for new in chain([name], (f"{name}_{i}" for i in count(2))) if new not in found)] = parameter
    return found


def _named(norm: Factor) -> dict[str, Parameter]:
    own = {name: value for name in fields_of(type(norm)) if isinstance(value := getattr(norm, name), Parameter)}
    if isinstance(norm, PiecewiseNorm | PiecewisePowerLawNorm):
        nodes = norm.norms or (_NORM,) * len(norm.energy_tev or ())
        return own | {f"norm_{i}": one for i, one in enumerate(nodes)}
    return own
