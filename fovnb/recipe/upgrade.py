"""The version of the recipe's schema, and how older recipes become ones of today."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from fovnb.errors import RecipeError
from fovnb.recipe.words import short

__all__ = ["SCHEMA", "upgraded"]

SCHEMA = 2


def upgraded(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe's mapping as today's schema has it, without the key "schema".

    Raises
    ------
    RecipeError
        If the version is missing, no whole number, or newer than this package knows.

    Examples
    --------
    >>> upgraded({"schema": 1, "exclusion": {"circles": [[83.6, 22.0, 0.3]]}})
    {'exclusion': {'regions': [{'kind': 'circle', 'lon_deg': 83.6, 'lat_deg': 22.0, 'radius_deg': 0.3}]}}
    """
    version = content.get("schema")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        msg = f"the recipe's schema is {short(version)}; expected a whole number such as schema: {SCHEMA}"
        raise RecipeError(msg)
    if version > SCHEMA:
        msg = f"the recipe's schema is {short(version)}, newer than the {SCHEMA} known here; upgrade fovnb"
        raise RecipeError(msg)
    found = {key: value for key, value in content.items() if key != "schema"}
    for number in range(version, SCHEMA):
        found = _UPGRADES[number](found)
    return found


def _from_1(content: dict[str, Any]) -> dict[str, Any]:
    """Turn the circles of schema 1, lists of ICRS longitude, latitude and radius, into regions."""
    exclusion = content.get("exclusion")
    if not isinstance(exclusion, Mapping) or "circles" not in exclusion:
        return content
    names = ("lon_deg", "lat_deg", "radius_deg")
    try:
        circles = [{"kind": "circle", **dict(zip(names, one, strict=True))} for one in exclusion["circles"]]
    except (TypeError, ValueError) as error:
        found = short(exclusion["circles"])
        msg = f"the recipe's exclusion.circles are {found}; expected [longitude, latitude, radius] each"
        raise RecipeError(msg) from error
    if "regions" in exclusion:
        msg = "the recipe's exclusion has regions beside the circles of schema 1; give all areas as regions, schema: 2"
        raise RecipeError(msg)
    others = {key: value for key, value in exclusion.items() if key != "circles"}
    return {**content, "exclusion": {**others, "regions": circles}}


_UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = MappingProxyType({1: _from_1})
