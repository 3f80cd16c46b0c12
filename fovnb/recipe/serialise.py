"""Recipes as JSON, YAML and files: plain values in, plain values out, every key checked."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NoReturn

from fovnb.errors import DataError, RecipeError
from fovnb.files import make_path, replace_whole
from fovnb.recipe.fields import fields_of, kinds_of
from fovnb.recipe.recipe import Recipe
from fovnb.recipe.upgrade import SCHEMA, upgraded
from fovnb.recipe.words import short
from fovnb.text import did_you_mean

__all__ = ["from_dict", "from_json", "from_yaml", "plain", "read", "to_dict", "to_json", "to_yaml", "write"]

_MAX_BYTES = 10_000_000


def to_dict(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as plain lists and mappings.

    Examples
    --------
    >>> to_dict(Recipe())["safe_mask"]
    {'methods': ['aeff-default', 'offset-max'], 'offset_max_deg': 2.5}
    """
    return {"schema": SCHEMA, **plain(recipe)}


def from_dict(content: Any) -> Recipe:
    """Return the recipe of `to_dict`; see `Recipe.from_dict`.

    Examples
    --------
    >>> from_dict({"schema": 2, "safe_mask": {"offset_max_degg": 2}})
    Traceback (most recent call last):
    fovnb.errors.RecipeError: the recipe's safe_mask has no key 'offset_max_degg' (did you mean 'offset_max_deg'?); ...
    """
    if not isinstance(content, Mapping):
        msg = f"the recipe is {short(content)}; expected a mapping with the key 'schema' and steps such as 'data'"
        raise RecipeError(msg)
    made: Recipe = _step(Recipe, upgraded(content), "")
    return made


def to_json(recipe: Recipe) -> str:
    """Return a recipe as JSON."""
    return json.dumps(to_dict(recipe), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str | bytes) -> Recipe:
    """Return the recipe of `to_json`."""
    return from_dict(_parsed(text, lambda decoded: json.loads(decoded, object_pairs_hook=_once), "JSON"))


def to_yaml(recipe: Recipe) -> str:
    """Return a recipe as YAML."""
    from fovnb.recipe import yaml_text

    return yaml_text.dump(to_dict(recipe))


def from_yaml(text: str | bytes) -> Recipe:
    """Return the recipe of `to_yaml`; nothing in the text is ever executed."""
    from fovnb.recipe import yaml_text

    return from_dict(_parsed(text, yaml_text.load, "YAML"))


def read(path: str | PathLike[str]) -> Recipe:
    """Return the recipe in a file; see `Recipe.read`."""
    from_text = from_json if _suffix(path) == ".json" else from_yaml
    try:
        return from_text(_content(make_path(path), fspath(path)))
    except RecipeError as error:
        msg = f"{fspath(path)}: {error}"
        raise RecipeError(msg) from error


def write(recipe: Recipe, path: str | PathLike[str], overwrite: bool = False) -> None:
    """Write a recipe to a file; see `Recipe.write`."""
    text = to_json(recipe) if _suffix(path) == ".json" else to_yaml(recipe)
    with replace_whole(make_path(path), overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _suffix(path: str | PathLike[str]) -> str:
    """Return the kind of file that a recipe is read from or written to."""
    found = make_path(path).suffix.lower()
    if found not in (".json", ".yaml", ".yml"):
        msg = f"{fspath(path)} is no file of a recipe by its name; expected one that ends in .yaml, .yml or .json"
        raise RecipeError(msg)
    return found


def _content(path: Path, shown: str) -> bytes:
    """Return what is in a file that a recipe can be in; ``shown`` is the path as the user wrote it."""
    try:
        if path.exists() and not path.is_file():
            msg = f"{shown} is no file; give the file of a recipe"
            raise DataError(msg)
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except DataError:
        raise
    except OSError as error:
        msg = f"{shown} cannot be read ({error.strerror}); give the file of a recipe"
        raise DataError(msg) from error
    if len(content) > _MAX_BYTES:
        msg = f"{shown} is larger than {_MAX_BYTES // 1_000_000} MB; expected the file of a recipe"
        raise DataError(msg)
    return content


def _parsed(text: Any, parse: Callable[[str], Any], kind: str) -> Any:
    """Return the plain values that a text holds."""
    if not isinstance(text, str | bytes):
        msg = f"the {kind} of a recipe is {short(text)}; expected text"
        raise RecipeError(msg)
    try:
        return parse(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except (ValueError, OverflowError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else error
        msg = f"the recipe is no {kind}: {problem}; expected what Recipe.to_{kind.lower()} writes"
        raise RecipeError(msg) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping whose keys are all different."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            msg = f"the key {short(key)} is there twice"
            raise ValueError(msg)
        found[key] = value
    return found


def plain(value: Any) -> Any:
    """Return steps as mappings, with their kind where there are several, and tuples as lists."""
    if is_dataclass(value):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return kind | {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def _step(cls: type, content: Mapping[Any, Any], where: str) -> Any:
    """Return the step that a mapping describes; ``where`` is its path in the recipe."""
    known = fields_of(cls)
    for key in content:
        if key not in known:
            hint = did_you_mean(key, known) if isinstance(key, str) else ""
            _refuse(where, f"has no key {short(key)}{hint}; there are {', '.join(known)}")
    missing = [name for name, info in known.items() if info.required and name not in content]
    if missing:
        _refuse(where, f"lacks {', '.join(missing)}; give a value for each")
    values = {name: _value(known[name].annotation, item, f"{where}.{name}") for name, item in content.items()}
    try:
        return cls(**values)
    except RecipeError as error:
        _refuse(where, f"is wrong: {error}")


def _value(annotation: Any, value: Any, where: str) -> Any:
    """Return a value with the steps in it made from their mappings; all else is checked by the step that holds it."""
    kinds = kinds_of(annotation)
    if kinds and isinstance(value, list | tuple):
        return [_made(kinds, one, f"{where}[{i}]") for i, one in enumerate(value)]
    return _made(kinds, value, where)


def _made(kinds: Mapping[str, type], value: Any, where: str) -> Any:
    """Return the step of a mapping, where there are kinds of steps to choose from; other values as they are."""
    if not (kinds and isinstance(value, Mapping)):
        return value
    if "" in kinds:
        return _step(kinds[""], value, where)
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        hint = did_you_mean(kind, kinds) if isinstance(kind, str) else ""
        _refuse(where, f"is of the kind {short(kind)}{hint}; expected one of {', '.join(kinds)}")
    return _step(kinds[kind], {key: item for key, item in value.items() if key != "kind"}, where)


def _refuse(where: str, problem: str) -> NoReturn:
    owner = f"the recipe's {where.removeprefix('.')}" if where else "the recipe"
    msg = f"{owner} {problem}"
    raise RecipeError(msg)
