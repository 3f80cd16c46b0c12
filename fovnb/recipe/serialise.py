"""Recipes as JSON and YAML: plain values in, plain values out, every key checked."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from fovnb.errors import RecipeError
from fovnb.recipe.fields import fields_of, kinds_of
from fovnb.recipe.recipe import Recipe
from fovnb.recipe.upgrade import SCHEMA, upgraded
from fovnb.text import did_you_mean

__all__ = ["from_dict", "from_json", "from_yaml", "to_dict", "to_json", "to_yaml"]


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain lists and mappings.

    Examples
    --------
    >>> to_dict(Recipe())["safe_mask"]
    {'methods': ['aeff-default', 'offset-max'], 'offset_max_deg': 2.5}
    """
    return {"schema": SCHEMA, **_plain(recipe)}


def from_dict(content: Any) -> Recipe:
    """Return the recipe of `to_dict`; see `Recipe.from_dict`.

    Examples
    --------
    >>> from_dict({"schema": 2, "safe_mask": {"offset_max_degg": 2}})
    Traceback (most recent call last):
    fovnb.errors.RecipeError: the recipe's safe_mask has no key 'offset_max_degg' (did you mean 'offset_max_deg'?); ...
    """
    if not isinstance(content, Mapping):  # a file may hold anything
        msg = f"a recipe is {type(content).__name__}; expected a mapping with the key 'schema' and steps such as 'data'"
        raise RecipeError(msg)
    made = _step(Recipe, upgraded(content), "recipe")
    assert isinstance(made, Recipe)
    return made


def to_json(recipe: Recipe) -> str:
    """Return a recipe as JSON."""
    return json.dumps(to_dict(recipe), indent=2, allow_nan=False) + "\n"


def from_json(text: str) -> Recipe:
    """Return the recipe of `to_json`."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"the recipe is no JSON: {error}; expected what Recipe.to_json writes"
        raise RecipeError(msg) from error
    return from_dict(content)


def to_yaml(recipe: Recipe) -> str:
    """Return a recipe as YAML."""
    import yaml

    return str(yaml.safe_dump(to_dict(recipe), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120))


def from_yaml(text: str) -> Recipe:
    """Return the recipe of `to_yaml`; nothing in the text is ever executed."""
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        msg = f"the recipe is no YAML: {' '.join(str(error).split())}; expected what Recipe.to_yaml writes"
        raise RecipeError(msg) from error
    return from_dict(content)


def _plain(value: Any) -> Any:
    """Return steps as mappings, with their kind where there are several, and tuples as lists."""
    if is_dataclass(value):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return kind | {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _step(cls: type, content: Any, where: str) -> Any:
    """Return the step that a mapping describes."""
    known = fields_of(cls)
    if not isinstance(content, Mapping):
        msg = f"the recipe's {where} is {content!r}; expected a mapping with the keys {', '.join(known)}"
        raise RecipeError(msg)
    for key in content:
        if key not in known:
            msg = (
                f"the recipe's {where} has no key {key!r}{did_you_mean(str(key), known)}; there are {', '.join(known)}"
            )
            raise RecipeError(msg)
    values = {name: _value(known[name].annotation, item, _inner(where, name)) for name, item in content.items()}
    missing = [name for name, info in known.items() if name not in values and not _has_default(cls, name)]
    if missing:
        msg = f"the recipe's {where} lacks {', '.join(missing)}; give them"
        raise RecipeError(msg)
    return cls(**values)


def _value(annotation: Any, value: Any, where: str) -> Any:
    """Return a value with the steps in it made from their mappings; all else is checked by the step that holds it."""
    kinds = kinds_of(annotation)
    if isinstance(value, list) and kinds:
        return tuple(_value(annotation, one, f"{where}[{i}]") for i, one in enumerate(value))
    if not (isinstance(value, Mapping) and kinds):
        return value
    if "" in kinds:
        return _step(kinds[""], value, where)
    kind = value.get("kind")
    if kind not in kinds:
        hint = did_you_mean(str(kind), kinds)
        msg = f"the recipe's {where} is of the kind {kind!r}{hint}; expected one of {', '.join(kinds)}"
        raise RecipeError(msg)
    return _step(kinds[kind], {key: item for key, item in value.items() if key != "kind"}, where)


def _inner(where: str, name: str) -> str:
    return name if where == "recipe" else f"{where}.{name}"


def _has_default(cls: type, name: str) -> bool:
    from dataclasses import MISSING

    return fields_of(cls)[name].default is not MISSING
