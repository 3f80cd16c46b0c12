"""The panel of what else a fit may do: a gradient, runs together, requirements, and how runs are stacked."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fovnb.recipe import Background, Gradient, Group, Recipe, Stack
from fovnb.recipe.fields import field_info
from fovnb.recipe.norms import parameters_of
from fovnb.recipe.places import value_at
from fovnb.widgets.fitter_panel import Rule, Sheet
from fovnb.widgets.fitter_text import groups, lines
from fovnb.widgets.form import Entry, entry

__all__ = ["more_rule", "more_sheet"]

_GRADIENT, _GROUP = "background.gradient", "background.group"
_ALIGNMENT = f"{_GRADIENT}.alignment"
_PARTS = ("by", "shared", "zenith_edges_deg", "table")
_BY = (
    ("night", "night"),
    ("pointing", "pointing"),
    ("zenith", "band of zenith angle"),
    ("table", "groups given for each run"),
)


def more_sheet(recipe: Recipe) -> Sheet:
    """Return the fields of a recipe."""
    background = recipe.background
    group, gradient = background.group or Group(), background.gradient
    values: dict[str, Any] = {path: value_at(recipe, path) for path in _plain()}
    values |= {_GRADIENT: gradient is not None, _ALIGNMENT: (gradient or Gradient()).alignment}
    values |= {_GROUP: background.group is not None, **{f"{_GROUP}.{part}": getattr(group, part) for part in _PARTS}}
    values[f"{_GROUP}.table"] = lines(group.table)
    hidden = set() if gradient else {_ALIGNMENT}
    shown = {"by", "shared"} | {"zenith": {"zenith_edges_deg"}, "table": {"table"}}.get(group.by, set())
    hidden |= {f"{_GROUP}.{part}" for part in _PARTS if background.group is None or part not in shown}
    return Sheet(tuple(_fields(recipe)), values, hidden)


def more_rule(obs_ids: Callable[[], Sequence[int]]) -> Rule:
    """Return which edits of a recipe are meant; ``obs_ids`` returns the runs that there are."""

    def rule(recipe: Recipe, path: str, value: Any) -> tuple[str, Any]:
        group = recipe.background.group or Group()
        if path == _GRADIENT:
            return path, Gradient() if value else None
        if path == _GROUP:
            return path, group if value else None
        if path == f"{_GROUP}.by":
            table = tuple((obs_id, "1") for obs_id in obs_ids()) if value == "table" else ()
            return _GROUP, group.edit(by=value, table=table)
        return path, groups(value) if path == f"{_GROUP}.table" else value

    return rule


def _plain() -> tuple[str, ...]:
    return "background.min_counts", "background.min_npred_background", "stack.block"


def _fields(recipe: Recipe) -> list[Entry]:
    gradient = [
        Entry(_GRADIENT, "flag", "fit a gradient", help="over the field of view, with the norm"),
        entry(field_info(Gradient, "alignment"), _ALIGNMENT),
    ]
    table = Entry(f"{_GROUP}.table", "text", "group of each run", help="an OBS_ID and its group a line", rows=4)
    group = [
        Entry(_GROUP, "flag", "fit runs together", help="those of a group share parameters"),
        entry(field_info(Group, "by"), f"{_GROUP}.by", choices=_BY),
        Entry(f"{_GROUP}.shared", "choices", "shared", help="one value in a group", choices=_shared(recipe)),
        entry(field_info(Group, "zenith_edges_deg"), f"{_GROUP}.zenith_edges_deg"),
        table,
    ]
    first, second, block = _plain()
    needs = [
        entry(field_info(Background, "min_counts"), first),
        entry(field_info(Background, "min_npred_background"), second),
    ]
    stack = [entry(field_info(Stack, "block"), block)]
    titled = {"Gradient": gradient, "Runs together": group, "Requirements of a run": needs, "Stack": stack}
    return [replace(one, group=title) for title, fields in titled.items() for one in fields]


def _shared(recipe: Recipe) -> tuple[tuple[str, str], ...]:
    """Return the parameters that runs can share, those that the recipe names among them."""
    background = recipe.background
    named = () if background.group is None else background.group.shared
    names = dict.fromkeys([*parameters_of(background.norm), *named])
    return (*((name, name) for name in names if name != "all"), ("all", "all of them"))
