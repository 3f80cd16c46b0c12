"""Norm models as statements: a call with the values, then what differs from the model's own limits and flags."""

from collections.abc import Iterator, Mapping
from functools import reduce
from types import MappingProxyType
from typing import Any

from fovnb.recipe import (
    ExpCutoffNorm,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    ProductNorm,
    TemplateNorm,
)
from fovnb.recipe.norms import Norm, parameters_of
from fovnb.steps.expressions import Arg, Assign, Call, Name, Operation, Public, Quantity

__all__ = ["norm_statements", "parameter_statements"]

_MODELS = ".modeling.models"
_CLASSES = MappingProxyType(
    {
        "pl-norm": "PowerLawNormSpectralModel",
        "lp-norm": "LogParabolaNormSpectralModel",
        "ecpl-norm": "ExpCutoffPowerLawNormSpectralModel",
        "piecewise-norm": "PiecewiseNormSpectralModel",
        "piecewise-pl-norm": "PiecewisePowerLawNormSpectralModel",
        "template-norm": "TemplateNormSpectralModel",
    }
)
_FACTORS = MappingProxyType(
    {
        "pl-norm": "power_law",
        "lp-norm": "log_parabola",
        "ecpl-norm": "cutoff",
        "piecewise-norm": "piecewise",
        "piecewise-pl-norm": "piecewise_power_law",
        "template-norm": "template",
    }
)
# Parameters of a model in the order of its constructor, with their default values, those that it freezes, and units.
_VALUES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "pl-norm": {"tilt": 0.0, "norm": 1.0},
        "lp-norm": {"norm": 1.0, "alpha": 0.0, "beta": 0.0},
        "ecpl-norm": {"index": 0.0, "norm": 1.0, "lambda_": 0.1, "alpha": 1.0},
        "piecewise-pl-norm": {"tilt": 0.0},
        "template-norm": {"norm": 1.0},
    }
)
_FROZEN = MappingProxyType({"pl-norm": {"tilt"}, "ecpl-norm": {"alpha"}})
_REFERENCE_TEV = MappingProxyType({"pl-norm": 1.0, "lp-norm": 10.0, "ecpl-norm": 1.0})


def norm_statements(norm: Norm, target: str = "spectral_model") -> list[Assign]:
    """Return the statements that make a norm model, or what makes one from a dataset, under a name."""
    if isinstance(norm, ProductNorm):
        names = list(_factor_names(norm))
        factors = [
            one for name, factor in zip(names, norm.factors, strict=True) for one in norm_statements(factor, name)
        ]
        parts: list[Any] = [Name(name) for name in names]
        product = reduce(lambda a, b: Operation("*", a, b), parts)
        return [*factors, Assign(target, product, "background")]
    if isinstance(norm, PiecewiseNorm | PiecewisePowerLawNorm) and norm.energy_tev is None:
        return [Assign(target, _from_dataset(norm), "background")]
    made = Assign(target, Call(Public(_MODELS, _CLASSES[norm.kind]), (), tuple(_arguments(norm))), "background")
    frozen = _FROZEN.get(norm.kind, set())
    settings = (
        one
        for name, parameter in parameters_of(norm).items()
        for one in parameter_statements(f"{target}.{name}", parameter, name in frozen)
    )
    return [made, *settings]


def parameter_statements(target: str, parameter: Parameter, frozen: bool, step: str = "background") -> Iterator[Assign]:
    """Yield what differs from a parameter without limits and prior, whose model freezes it or not."""
    if parameter.frozen != frozen:
        yield Assign(f"{target}.frozen", parameter.frozen, step)
    for name in ("min", "max"):
        if (limit := getattr(parameter, name)) is not None:
            yield Assign(f"{target}.{name}", limit, step)
    if parameter.prior is not None:
        prior = parameter.prior
        args = (Arg("mu", prior.mu), Arg("sigma", prior.sigma), Arg("weight", prior.weight, 1.0))
        yield Assign(f"{target}.prior", Call(Public(_MODELS, "GaussianPrior"), (), args), step)


def _arguments(norm: Norm) -> Iterator[Arg]:
    """Yield the arguments of a model's constructor."""
    if isinstance(norm, PiecewiseNorm | PiecewisePowerLawNorm | TemplateNorm):
        assert norm.energy_tev is not None
        yield Arg("energy", Quantity(norm.energy_tev, "TeV"))
    if isinstance(norm, TemplateNorm):
        yield Arg("values", list(norm.values))
    if isinstance(norm, PiecewiseNorm | PiecewisePowerLawNorm):
        yield Arg("norms", [one.value for one in norm.norms] or None, None)
        yield from _options(norm)
    for name, default in _VALUES.get(norm.kind, {}).items():
        value, unit = getattr(norm, name).value, "TeV-1" if name == "lambda_" else ""
        yield Arg(name, Quantity(value, unit) if unit else value, Quantity(default, unit) if unit else default)
    if isinstance(norm, PowerLawNorm | LogParabolaNorm | ExpCutoffNorm):
        yield Arg("reference", Quantity(norm.reference_tev, "TeV"), Quantity(_REFERENCE_TEV[norm.kind], "TeV"))


def _options(norm: PiecewiseNorm | PiecewisePowerLawNorm) -> Iterator[Arg]:
    if isinstance(norm, PiecewiseNorm):
        yield Arg("interp", norm.interp, "log")
    if norm.smoothness is not None:
        yield Arg("smoothness", norm.smoothness)


def _from_dataset(norm: PiecewiseNorm | PiecewisePowerLawNorm) -> Any:
    """Return what makes the norm from a dataset: its class's method, with options if there are any."""
    method = Public(_MODELS, f"{_CLASSES[norm.kind]}.from_dataset")
    args = tuple(
        arg for arg in (Arg("min_counts", norm.min_counts, 100.0), *_options(norm)) if arg.value != arg.default
    )
    return Call(Public("functools", "partial"), (method,), args) if args else method


def _factor_names(norm: ProductNorm) -> Iterator[str]:
    """Yield a name for each factor; those of a kind are numbered from the second on."""
    kinds = [factor.kind for factor in norm.factors]
    for i, kind in enumerate(kinds):
        number = kinds[:i].count(kind) + 1
        yield _FACTORS[kind] if number == 1 else f"{_FACTORS[kind]}_{number}"
