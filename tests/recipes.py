"""Recipes for hypothesis, drawn over the whole schema from what its fields say of themselves.

``recipes()`` draws any valid recipe. ``recipes({(Geometry, "width_deg"): st.just((1.0, 1.0))})`` takes the values of
some fields from elsewhere, for tests that run what they draw.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, TypeAlias, get_args, get_origin

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from fovnb.errors import RecipeError
from fovnb.recipe import (
    Annulus,
    Background,
    Cube,
    EnergyBounds,
    FieldInfo,
    Geometry,
    Group,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    Polygon,
    ProductNorm,
    Recipe,
    Suggestion,
    TemplateNorm,
    field_info,
    fields_of,
)
from fovnb.recipe.fields import members_of
from fovnb.recipe.norms import has_nodes, parameters_of
from fovnb.recipe.paths import path_problem

__all__ = ["Overrides", "recipes", "steps", "values"]

Overrides: TypeAlias = Mapping[tuple[type, str], SearchStrategy[Any]]
Values: TypeAlias = dict[str, Any]

_MOST = 5  # items of a list
_PIXELS = 500  # along a side of a map
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["1e-3", "007", "0x1F", "1:30", "no", "null", "~", ".inf", "2020-01-01", "'\"\n", "</script>", "{}", "# a", "é"]
)
_PATHS = st.builds(
    "/".join, st.tuples(st.sampled_from(["~", "$GAMMAPY_DATA", "${FOVNB_DATA}", "."]), _TEXT.filter(bool))
).filter(lambda path: not path_problem(path))


def recipes(overrides: Overrides | None = None) -> SearchStrategy[Recipe]:
    """Return the strategy for recipes; ``overrides`` are strategies for the values of fields, by class and name."""
    return steps(Recipe, overrides or {})


def steps(cls: type, overrides: Overrides) -> SearchStrategy[Any]:
    """Return the strategy for a step: fields are drawn one by one, then made to go together, or drawn again."""
    drawn = st.fixed_dictionaries({name: values(cls, name, overrides) for name in fields_of(cls)})
    return _arranged(cls, drawn).filter(lambda found: _is_valid(cls, found)).map(lambda found: cls(**found))


def values(cls: type, name: str, overrides: Overrides) -> SearchStrategy[Any]:
    """Return the strategy for the values of a field."""
    if (cls, name) in overrides:
        return overrides[cls, name]
    info = field_info(cls, name)
    return _values(info, info.annotation, {**_narrowed(cls, name), **overrides})


def _narrowed(cls: type, name: str) -> Overrides:
    """Return what the parts of a field need beyond their own bounds."""
    if name == "factors":
        owners = (PiecewiseNorm, PiecewisePowerLawNorm)
        return {(one, "energy_tev"): values(one, "energy_tev", {}).filter(bool) for one in owners}
    if name in ("norm", "norms") and cls is not Background:
        return {(Parameter, "value"): st.floats(1e-3, 1e3)}
    return {}


def _values(info: FieldInfo, annotation: Any, overrides: Overrides) -> SearchStrategy[Any]:
    return st.one_of([_of_kind(info, one, overrides) for one in members_of(annotation)])


def _of_kind(info: FieldInfo, kind: Any, overrides: Overrides) -> SearchStrategy[Any]:
    if is_dataclass(kind):
        return steps(kind, overrides)
    if get_origin(kind) is tuple:
        return _tuples(info, get_args(kind), overrides)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    return {
        type(None): st.none,
        bool: st.booleans,
        int: lambda: st.integers(int(info.low), int(info.high)),
        float: lambda: st.floats(info.low, info.high, exclude_min=info.open_low),
        str: lambda: _PATHS if info.form == "path" else _TEXT,
    }[kind]()


def _tuples(info: FieldInfo, inner: tuple[Any, ...], overrides: Overrides) -> SearchStrategy[Any]:
    if inner[-1] is not Ellipsis:
        return st.tuples(*(_values(info, one, overrides) for one in inner))
    found = st.lists(_values(info, inner[0], overrides), min_size=info.least, max_size=_MOST, unique=_is_set(info))
    return found.map(lambda items: tuple(sorted(items) if info.form == "increasing" else items))


def _is_set(info: FieldInfo) -> bool:
    return bool(info.choices) or info.form == "increasing" or info.name == "obs_ids"


@st.composite
def _arranged(draw: DrawFn, cls: type, drawn: SearchStrategy[Values]) -> Values:
    found = draw(drawn)
    return found | _together(draw, cls, found)


def _is_valid(cls: type, found: Values) -> bool:
    try:
        cls(**found)
    except RecipeError:
        return False
    return True


def _together(draw: DrawFn, cls: type, found: Values) -> Values:
    """Return other values for the fields of a step that would not go together."""
    if cls is EnergyBounds:
        return _ordered(found, "min_tev", "max_tev")
    if cls is Annulus:
        return _ordered(found, "inner_radius_deg", "outer_radius_deg")
    if cls is Suggestion:
        return _ordered(found, "low", "high")
    if cls is Polygon:
        return _cut(found, "lon_deg", "lat_deg")
    if cls is TemplateNorm:
        return _cut(found, "energy_tev", "values")
    if cls in _ARRANGE:
        return _ARRANGE[cls](draw, found)
    return {}


def _ordered(found: Values, low: str, high: str) -> Values:
    return dict(zip((low, high), sorted([found[low], found[high]]), strict=True))


def _cut(found: Values, *names: str) -> Values:
    length = min(len(found[name]) for name in names)
    return {name: found[name][:length] for name in names}


def _geometry(draw: DrawFn, found: Values) -> Values:  # noqa: ARG001 - all of them draw
    size = found["binsz_deg"]
    return {"width_deg": tuple(min(max(width, size), _PIXELS * size, 360.0) for width in found["width_deg"])}


def _cube(draw: DrawFn, found: Values) -> Values:  # noqa: ARG001
    return {"binsz_irf_deg": max(found["binsz_irf_deg"], max(found["geometry"].width_deg) / 60)}


def _parameter(draw: DrawFn, found: Values) -> Values:  # noqa: ARG001
    low, value, high = found["min"], found["value"], found["max"]
    low, high = None if low is None else min(low, value), None if high is None else max(high, value)
    return {"min": low, "max": None if low == high else high}


def _nodes(draw: DrawFn, found: Values) -> Values:  # noqa: ARG001
    n_nodes = len(found["energy_tev"] or ())
    default = {"tilt": Parameter(0.0)} if "tilt" in found and not n_nodes else {}
    return default | {"norms": found["norms"][:n_nodes] if len(found["norms"]) >= n_nodes else ()}


def _group(draw: DrawFn, found: Values) -> Values:  # noqa: ARG001
    rows = dict(found["table"]) or {1: "a"}
    return {"table": tuple(rows.items()) if found["by"] == "table" else (), "shared": ("all",)}


def _background(draw: DrawFn, found: Values) -> Values:
    if isinstance(found["norm"], ProductNorm | PiecewiseNorm | PiecewisePowerLawNorm):
        found = found | {"method": "fit"}
    if found["method"] == "scale":
        return {"gradient": None, "group": None}
    if found["group"] is None:
        return {"method": "fit"}
    names = list(parameters_of(found["norm"])) if has_nodes(found["norm"]) else ["norm_0", "norm_1"]
    shared = draw(st.just(["all"]) | st.lists(st.sampled_from(names), min_size=1, unique=True))
    none = {"gradient": None, "min_counts": 0.0, "min_npred_background": 0.0}
    return {"method": "fit", "group": found["group"].edit(shared=shared)} | none


_ARRANGE = {
    Background: _background,
    Cube: _cube,
    Geometry: _geometry,
    Group: _group,
    Parameter: _parameter,
    PiecewiseNorm: _nodes,
    PiecewisePowerLawNorm: _nodes,
}
