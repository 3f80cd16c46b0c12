"""The panel of the norm's parameters: a line each, with what the runs that are looked at say of it."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

from fovnb.diagnostics.held import Held
from fovnb.recipe import Parameter, Prior, Recipe
from fovnb.recipe.fields import FieldInfo, field_info
from fovnb.recipe.norm_kinds import parameter_paths, spelled_out
from fovnb.recipe.places import edit_at, has_place, info_at, value_at
from fovnb.widgets.fitter_norm import NORM
from fovnb.widgets.fitter_panel import Sheet
from fovnb.widgets.form import Entry, entry

__all__ = ["fitted_texts", "parameter_rule", "parameter_sheet", "parameters_at", "values_at"]

_GRADIENT = "background.gradient"
_PRIOR_SIGMA = 0.1
_WAYS = {"norm": (0.2, 3.0), "gx": (-0.5, 0.5), "gy": (-0.5, 0.5), "lambda_": (0.0, 1.0)}
_WAY = (-2.0, 2.0)
_UNKNOWN = "not known"
_LIMITS, _PRIOR = ("min", "max"), ("mu", "sigma", "weight")
_RISE = "of -2 ln L if it is held at its value, with the others at their best"


def parameters_at(recipe: Recipe) -> dict[str, str]:
    """Return where each parameter of the background is, by the name that its model gives it.

    Examples
    --------
    >>> parameters_at(Recipe())
    {'norm': 'background.norm.norm', 'tilt': 'background.norm.tilt'}
    """
    found = {name: f"{NORM}.{path}" for name, path in parameter_paths(recipe.background.norm).items()}
    return found | ({name: f"{_GRADIENT}.{name}" for name in ("gx", "gy")} if recipe.background.gradient else {})


def values_at(recipe: Recipe) -> dict[str, float]:
    """Return where each parameter of the background stands, by the name that its model gives it.

    Examples
    --------
    >>> values_at(Recipe())
    {'norm': 1.0, 'tilt': 0.0}
    """
    shown = _spelled(recipe)
    return {name: value_at(shown, f"{path}.value") for name, path in parameters_at(recipe).items()}


def parameter_sheet(recipe: Recipe) -> Sheet:
    """Return the fields of all parameters of a recipe."""
    shown = _spelled(recipe)
    fields: list[Entry] = []
    values: dict[str, Any] = {}
    hidden: set[str] = set()
    for name, path in parameters_at(recipe).items():
        fields += _lines(shown, name, path)
        parameter: Parameter = value_at(shown, path)
        prior = parameter.prior or Prior(0.0, _PRIOR_SIGMA)
        values |= {f"{path}.{part}": getattr(parameter, part) for part in ("value", "frozen", *_LIMITS)}
        values |= {f"{path}.limits": _is_limited(parameter), f"{path}.prior": parameter.prior is not None}
        values |= {f"{path}.prior.{part}": getattr(prior, part) for part in _PRIOR}
        hidden |= set() if _is_limited(parameter) else {f"{path}.{part}" for part in _LIMITS}
        hidden |= set() if parameter.prior else {f"{path}.prior.{part}" for part in _PRIOR}
    return Sheet(tuple(fields), values, hidden)


def parameter_rule(recipe: Recipe, path: str, value: Any) -> tuple[str, Any]:
    """Return which edit of the recipe is meant; see `fovnb.widgets.fitter_panel.Rule`."""
    owner, _, name = path.rpartition(".")
    if name in ("limits", "prior", "reset"):
        path, value = owner, _ticked(_spelled(recipe), owner, name, bool(value))
    if has_place(recipe, path):
        return path, value
    return NORM, edit_at(_spelled(recipe), path, value).background.norm


def fitted_texts(recipe: Recipe, found: Mapping[str, Held]) -> dict[str, str]:
    """Return what is said beside each parameter, by path: the fitted value, and what holding it there costs."""
    texts = {}
    for name, path in parameters_at(recipe).items():
        held = found.get(name)
        known = held is not None and held.n_runs > 0
        texts[f"{path}.fitted"] = f"{held.value:.4g} ± {held.error:.2g}" if held and known else _UNKNOWN
        texts[f"{path}.rise"] = f"+{max(held.rise, 0):.2f}" if held and isfinite(held.rise) else _UNKNOWN
    return texts


def _spelled(recipe: Recipe) -> Recipe:
    return recipe.edit_step("background", norm=spelled_out(recipe.background.norm))


def _is_limited(parameter: Parameter) -> bool:
    return parameter.min is not None or parameter.max is not None


def _ticked(recipe: Recipe, path: str, name: str, on: bool) -> Parameter:
    """Return a parameter with limits or a prior to begin with, without them, or as by default."""
    parameter: Parameter = value_at(recipe, path)
    if name == "prior":
        return parameter.edit(prior=Prior(parameter.value, _PRIOR_SIGMA) if on else None)
    if name == "limits":
        low, high = _way(path)
        ends = (min(low, parameter.value), max(high, parameter.value)) if on else (None, None)
        return parameter.edit(min=ends[0], max=ends[1])
    default = info_at(recipe, path).default  # that of a node is of all norms, none
    return default if isinstance(default, Parameter) else Parameter(1.0)


def _lines(recipe: Recipe, name: str, path: str) -> list[Entry]:
    """Return the fields of a parameter: a line, and below it one for its limits and one for its prior."""
    info = info_at(recipe, path)
    row = _words(recipe, path, info)
    parts = {part: entry(field_info(Parameter, part), f"{path}.{part}") for part in ("value", "frozen", *_LIMITS)}
    line = [
        replace(parts["value"], unit=info.unit, slider=_way(path)),
        Entry(f"{path}.fitted", "text", "fitted", help=f"{name} of the runs that are looked at", disabled=True),
        Entry(f"{path}.rise", "text", "rise", help=_RISE, disabled=True),
        parts["frozen"],
        Entry(f"{path}.limits", "flag", "limits", help="of the fit"),
        Entry(f"{path}.prior", "flag", "prior", help=field_info(Parameter, "prior").help),
        Entry(f"{path}.reset", "action", "Reset", help=f"{row} as by default"),
    ]
    limits = [parts[part] for part in _LIMITS]
    prior = [entry(field_info(Prior, part), f"{path}.prior.{part}") for part in _PRIOR]
    rows = {row: line, f"{row}, limits": limits, f"{row}, prior": prior}
    return [replace(one, row=words, group="Parameters") for words, fields in rows.items() for one in fields]


def _way(path: str) -> tuple[float, float]:
    """Return the ends of a parameter's slider."""
    owner, _, last = path.rpartition(".")
    return _WAYS.get("norm" if owner.endswith(".norms") else last, _WAY)


def _words(recipe: Recipe, path: str, info: FieldInfo) -> str:
    """Return what a person calls a parameter."""
    owner, _, last = path.rpartition(".")
    if last.isdecimal():
        energy = value_at(recipe, f"{owner.rpartition('.')[0]}.energy_tev")[int(last)]
        return f"norm at {energy:.4g} TeV"
    factor = owner.rpartition(".")[2]
    return f"{info.label} of factor {int(factor) + 1}" if factor.isdecimal() else info.label
