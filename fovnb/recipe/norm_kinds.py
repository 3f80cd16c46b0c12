"""Norm models as a person changes them: another kind that keeps what it can, other nodes, and where parameters are."""

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

from fovnb.errors import RecipeError
from fovnb.recipe.fields import fields_of, kinds_of
from fovnb.recipe.norms import (
    Factor,
    Norm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    ProductNorm,
    TemplateNorm,
    has_nodes,
    parameters_of,
)
from fovnb.text import did_you_mean

__all__ = ["KINDS", "candidates", "change_kind", "parameter_paths", "spelled_out", "with_nodes"]

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "pl-norm": "power law",
        "lp-norm": "log parabola",
        "ecpl-norm": "power law with cutoff",
        "piecewise-norm": "piecewise",
        "piecewise-pl-norm": "piecewise, then power law",
        "template-norm": "template",
        "product": "product",
    }
)
"""The kinds of norm models, in words."""

_NODES = (PiecewiseNorm, PiecewisePowerLawNorm)
_SLOPES = MappingProxyType({"pl-norm": "tilt", "lp-norm": "alpha", "ecpl-norm": "index", "piecewise-pl-norm": "tilt"})
_SAME = frozenset({"norm", "reference_tev", "energy_tev", "norms", "interp", "smoothness", "min_counts"})
_FLAT = TemplateNorm((0.1, 1.0, 10.0, 100.0), (1.0, 1.0, 1.0, 1.0))


def change_kind(norm: Norm, kind: str) -> Norm:
    """Return a norm of another kind with what both have: the norm, the slope, the reference energy, nodes.

    A product begins with the norm as it was and a flat template, and ends as its first factor. A template begins flat.

    Raises
    ------
    RecipeError
        If there is no such kind.

    Examples
    --------
    >>> change_kind(PowerLawNorm(tilt=Parameter(0.2, frozen=True), reference_tev=2), "lp-norm")
    LogParabolaNorm(alpha=Parameter(value=0.2, frozen=True), reference_tev=2.0)
    """
    known = kinds_of(Norm)
    if kind not in known:
        msg = f"there is no norm model {kind!r}{did_you_mean(kind, known)}; there are {', '.join(known)}"
        raise RecipeError(msg)
    if kind == norm.kind:
        return norm
    if kind == ProductNorm.kind:
        first = norm if not isinstance(norm, ProductNorm) and has_nodes(norm) else PowerLawNorm()
        return ProductNorm((first, _FLAT))
    old = norm.factors[0] if isinstance(norm, ProductNorm) else norm
    if old.kind == kind:
        return old
    made: Norm = known[kind](**_kept(old, known[kind]))
    return made


def with_nodes(norm: PiecewiseNorm | PiecewisePowerLawNorm, energy_tev: Sequence[float] | None) -> Norm:
    """Return a norm with other nodes; parameters of nodes that stay are kept, new ones are 1 and free.

    None takes the nodes from the counts.

    Raises
    ------
    RecipeError
        If there are too few energies, or they do not increase.

    Examples
    --------
    >>> norm = PiecewiseNorm((1, 10), (Parameter(0.9), Parameter(0.8)))
    >>> [one.value for one in with_nodes(norm, [1, 3, 10]).norms]
    [0.9, 1.0, 0.8]
    """
    if energy_tev is None:
        return norm.edit(
            energy_tev=None, norms=(), **({"tilt": Parameter(0.0)} if "tilt" in fields_of(type(norm)) else {})
        )
    known = dict(zip(norm.energy_tev or (), _norms(norm), strict=True))
    checked = norm.edit(energy_tev=energy_tev, norms=()).energy_tev or ()
    return norm.edit(energy_tev=checked, norms=tuple(known.get(energy, Parameter(1.0)) for energy in checked))


def spelled_out(norm: Norm) -> Norm:
    """Return the same norm with a parameter for each node, so that each has a place.

    Examples
    --------
    >>> spelled_out(PiecewiseNorm((1, 10))).norms
    (Parameter(value=1.0), Parameter(value=1.0))
    """
    if isinstance(norm, ProductNorm):
        return norm.edit(factors=tuple(map(spelled_out, norm.factors)))
    return norm.edit(norms=_norms(norm)) if isinstance(norm, _NODES) else norm


def parameter_paths(norm: Norm) -> dict[str, str]:
    """Return where each parameter of a norm is, by the name that its model gives it; nodes as `spelled_out` has them.

    Examples
    --------
    >>> parameter_paths(ProductNorm([PowerLawNorm(), PiecewiseNorm([1, 10])]))["norm_1"]
    'factors.1.norms.1'
    """
    pairs = (
        [(f"factors.{i}.", one) for i, one in enumerate(norm.factors)]
        if isinstance(norm, ProductNorm)
        else [("", norm)]
    )
    paths = chain.from_iterable(_paths(before, factor) for before, factor in pairs)
    return dict(zip(parameters_of(norm), paths, strict=True))


def candidates(norm: Norm) -> dict[str, Norm]:
    """Return norms to compare one with: the kinds that need no input, and a norm without slope; its own settings kept.

    Examples
    --------
    >>> list(candidates(PowerLawNorm()))
    ['norm only', 'power law', 'log parabola', 'power law with cutoff', 'piecewise', 'piecewise, then power law']
    """
    kinds = [kind for kind in KINDS if kind not in (TemplateNorm.kind, ProductNorm.kind)]
    stiff = PowerLawNorm(tilt=Parameter(0.0, frozen=True))
    own = {} if norm.kind in kinds else {KINDS[norm.kind]: norm}
    return {"norm only": stiff} | {KINDS[kind]: change_kind(norm, kind) for kind in kinds} | own


def _kept(old: Factor, cls: type) -> dict[str, Any]:
    """Return the fields of a kind that another norm has."""
    shared = _SAME & set(fields_of(cls)) & set(fields_of(type(old)))
    if TemplateNorm in (cls, type(old)):
        shared -= {"energy_tev"}  # a curve's points are no nodes
    kept = {name: getattr(old, name) for name in shared}
    if len(kept.get("energy_tev") or (0.0, 0.0)) < 2 and cls is PiecewiseNorm:
        kept |= {"energy_tev": None, "norms": ()}
    slopes = _SLOPES.get(old.kind), _SLOPES.get(getattr(cls, "kind", ""))
    if all(slopes) and (cls is not PiecewisePowerLawNorm or kept.get("energy_tev")):
        kept[str(slopes[1])] = getattr(old, str(slopes[0]))
    if cls is TemplateNorm:
        kept |= {"energy_tev": _FLAT.energy_tev, "values": _FLAT.values}
    return kept


def _norms(norm: PiecewiseNorm | PiecewisePowerLawNorm) -> tuple[Parameter, ...]:
    return norm.norms or (Parameter(1.0),) * len(norm.energy_tev or ())


def _paths(before: str, factor: Factor) -> list[str]:
    own = [f"{before}{name}" for name in fields_of(type(factor)) if isinstance(getattr(factor, name), Parameter)]
    n_nodes = len(_norms(factor)) if isinstance(factor, _NODES) else 0
    return own + [f"{before}norms.{i}" for i in range(n_nodes)]
