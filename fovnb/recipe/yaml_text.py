r"""Plain values as YAML and back, without anything that runs, refers or surprises.

Only what a recipe needs is read: mappings, lists, text, null, true, false and decimal numbers. Where YAML 1.1, PyYAML's
own, reads ``1e-3`` as text, ``023523`` as octal, ``1:30`` as 90 and ``no`` as false, these are 0.001, 23523 and texts.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import yaml

from fovnb.recipe.words import short

__all__ = ["dump", "load"]

# What text without quotes is, and the tag of YAML for it.
_RULES: tuple[tuple[str, re.Pattern[str], Callable[[str], Any]], ...] = (
    ("null", re.compile(r"(~|null|Null|NULL|)\Z"), lambda _: None),
    ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)\Z"), lambda text: text.lower() == "true"),
    ("int", re.compile(r"[-+]?[0-9]+\Z"), int),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z"), float),
)


def _written(dumper: Any, text: str) -> Any:
    """Return the node of a text; line breaks and the like are escaped, since PyYAML does not read all that it folds."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


# Writes quotes around every text that these rules, or those of YAML 1.1, read as something else.
_DUMPER = type(
    "_Dumper",
    (yaml.SafeDumper,),
    {
        "yaml_implicit_resolvers": yaml.SafeDumper.yaml_implicit_resolvers
        | {None: [(f"tag:yaml.org,2002:{name}", pattern) for name, pattern, _ in _RULES]},
        "yaml_representers": yaml.SafeDumper.yaml_representers | {str: _written},
    },
)


def load(text: str) -> Any:
    """Return the plain values of a YAML text.

    Raises
    ------
    ValueError, OverflowError
        If it is no YAML, holds more than plain values, or gives a key twice.
    RecursionError
        If it is nested too deeply.

    Examples
    --------
    >>> load("{a: [1e-3, 010], b: no}")
    {'a': [0.001, 10], 'b': 'no'}
    """
    try:
        return _document(iter(yaml.parse(text, yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        _refuse(str(error.problem), error.problem_mark)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def dump(content: Any) -> str:
    r"""Return plain values as YAML; floats are exact.

    Examples
    --------
    >>> dump({"target": "1e-3", "nodes": [0.001]})
    "target: '1e-3'\nnodes: [0.001]\n"
    """
    text = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    return str(text)


def _document(events: Iterator[Any]) -> Any:
    """Return what is in the one document of a text."""
    next(events)  # the text begins
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    found = _value(next(events), events)
    next(events)  # the document ends
    if not isinstance(event := next(events), yaml.StreamEndEvent):
        _refuse("found a second document", event.start_mark)
    return found


def _value(event: Any, events: Iterator[Any]) -> Any:
    """Return the value that begins with an event; an alias could make a few lines as large as the memory."""
    if isinstance(event, yaml.AliasEvent) or event.tag not in (None, "!"):
        _refuse(f"found {'an alias (*)' if isinstance(event, yaml.AliasEvent) else 'a tag (!)'}", event.start_mark)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events)
    if isinstance(event, yaml.SequenceStartEvent):
        return _list(events)
    return _scalar(event.value) if event.implicit[0] else event.value


def _list(events: Iterator[Any]) -> list[Any]:
    found: list[Any] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        found.append(_value(event, events))
    return found


def _mapping(events: Iterator[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent) or event.tag not in (None, "!"):
            _refuse("found a key that is no text", event.start_mark)
        if event.value in found:
            _refuse(f"found the key {short(event.value)} twice", event.start_mark)
        found[event.value] = _value(next(events), events)
    return found


def _scalar(text: str) -> Any:
    """Return what text without quotes stands for."""
    return next((convert(text) for _, pattern, convert in _RULES if pattern.match(text)), text)


def _refuse(problem: str, mark: Any) -> NoReturn:
    msg = problem if mark is None else f"{problem} in line {mark.line + 1}"
    raise ValueError(msg)
