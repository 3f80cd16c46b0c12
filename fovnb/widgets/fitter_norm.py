"""The panel of the norm model: method, kind, and what each kind asks for, factor by factor."""

from dataclasses import replace
from typing import Any

from fovnb.recipe import PiecewiseNorm, PiecewisePowerLawNorm, PowerLawNorm, ProductNorm, Recipe, TemplateNorm
from fovnb.recipe.norm_kinds import KINDS, change_kind, with_nodes
from fovnb.recipe.norms import Factor, Norm, has_nodes
from fovnb.recipe.places import info_at, value_at
from fovnb.widgets.fitter_panel import Sheet
from fovnb.widgets.fitter_text import curve, lines
from fovnb.widgets.form import Entry, entries, entry

__all__ = ["NODES", "NORM", "factors_of", "norm_rule", "norm_sheet"]

NORM = "background.norm"
NODES = f"{NORM}.take_nodes"
_METHOD = "background.method"
_METHODS = (("fit", "fit all free parameters"), ("scale", "scale by one factor"))
_GROUP = "Norm model"


def norm_sheet(recipe: Recipe) -> Sheet:
    """Return the fields of the norm model of a recipe."""
    norm = recipe.background.norm
    is_product, factors = isinstance(norm, ProductNorm), factors_of(norm)
    fields = [entry(info_at(recipe, _METHOD), _METHOD, choices=_METHODS, group=_GROUP, help=""), _kind(NORM, "model")]
    for number, (path, factor) in enumerate(factors, start=1):
        fields += [_kind(path, f"factor {number}")] if is_product else []
        fields += _fields(path, factor)
    if is_product:
        fields.append(Entry(f"{NORM}.add", "action", "Add a factor", help="a power law", group=_GROUP))
        fields.append(Entry(f"{NORM}.remove", "action", "Remove the last", group=_GROUP, disabled=len(factors) < 3))
    if isinstance(norm, PiecewiseNorm | PiecewisePowerLawNorm):
        taken = "those of the run that is looked at, to be set one by one"
        fields.append(Entry(NODES, "action", "Take the nodes as fitted", help=taken, group=_GROUP))
    return Sheet(tuple(fields), {one.path: _value(recipe, one.path) for one in fields if one.kind != "action"})


def norm_rule(recipe: Recipe, path: str, value: Any) -> tuple[str, Any]:
    """Return which edit of the recipe is meant; see `fovnb.widgets.fitter_panel.Rule`."""
    owner, _, name = path.rpartition(".")
    old = value_at(recipe, owner)
    match name:
        case "kind":
            return owner, change_kind(old, value)
        case "curve":
            energy_tev, values = curve(value)
            return owner, old.edit(energy_tev=energy_tev, values=values)
        case "energy_tev":
            return owner, with_nodes(old, value)
        case "add":
            return owner, old.edit(factors=(*old.factors, PowerLawNorm()))
        case "remove":
            return owner, old.edit(factors=old.factors[:-1])
    return path, value


def factors_of(norm: Norm) -> list[tuple[str, Factor]]:
    """Return the factors of a norm, itself if it is no product, each with its place in a recipe.

    Examples
    --------
    >>> factors_of(PowerLawNorm())
    [('background.norm', PowerLawNorm())]
    """
    if isinstance(norm, ProductNorm):
        return [(f"{NORM}.factors.{i}", factor) for i, factor in enumerate(norm.factors)]
    return [(NORM, norm)]


def _kind(path: str, label: str) -> Entry:
    known = KINDS if path == NORM else {kind: words for kind, words in KINDS.items() if kind != ProductNorm.kind}
    return Entry(f"{path}.kind", "choice", label, choices=tuple(known.items()), group=_GROUP)


def _fields(path: str, factor: Factor) -> list[Entry]:
    """Return the fields of a factor, without its parameters."""
    if isinstance(factor, TemplateNorm):
        what = "one energy in TeV and one value a line"
        return [Entry(f"{path}.curve", "text", "curve", help=what, rows=5, group=_GROUP)]
    fields = [replace(one, group=_GROUP) for one in entries(type(factor), path)]
    return [one for one in fields if not (has_nodes(factor) and one.path.endswith(".min_counts"))]


def _value(recipe: Recipe, path: str) -> Any:
    owner, _, name = path.rpartition(".")
    if name not in ("kind", "curve"):
        return value_at(recipe, path)
    norm = value_at(recipe, owner)
    return norm.kind if name == "kind" else lines(zip(norm.energy_tev, norm.values, strict=True))
