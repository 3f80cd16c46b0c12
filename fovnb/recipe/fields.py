"""What a field of a recipe is: its label, unit, bounds, scale and help; widgets, messages and docs read them here."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from fovnb.text import Record

__all__ = ["FieldInfo", "field", "field_info", "fields_of", "kinds_of", "members_of"]


@dataclass(frozen=True, repr=False)
class FieldInfo(Record):
    """What is known of a field.

    Parameters
    ----------
    name : str
        Name, with the unit at its end.
    label, unit, help : str
        What a person reads.
    annotation : type
        Type of the value.
    default : object
        Default value; ``dataclasses.MISSING`` where there is none.
    low, high : float
        Bounds of a number, or of each number of a tuple; infinite for none.
    open_low : bool
        Whether the lower bound itself is impossible.
    scale : {"lin", "log"}
        Scale on which a slider moves.
    step : float
        Step of a slider, of the logarithm to base 10 on a "log" scale; 0 for none.
    form : {"", "path", "increasing"}
        What else the value must be: a path of data, or a tuple of numbers that increase by more than 1e-9 of each.
    least : int
        Fewest items of a tuple.
    """

    name: str
    label: str
    annotation: Any
    default: Any
    unit: str = ""
    help: str = ""
    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    scale: Literal["lin", "log"] = "lin"
    step: float = 0.0
    form: Literal["", "path", "increasing"] = ""
    least: int = 0

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values to choose from, where there are only some; also of the items of a tuple."""
        return next((get_args(one) for one in _parts(self.annotation) if _is_literal(one)), ())

    @property
    def optional(self) -> bool:
        """Whether it may be None."""
        return type(None) in members_of(self.annotation)

    @property
    def required(self) -> bool:
        """Whether it must be given, since there is no default."""
        return self.default is dataclasses.MISSING

    def _rows(self) -> dict[str, object]:
        shown = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        hidden = {"annotation", *(["default"] if self.required else [])}
        return {name: value for name, value in shown.items() if name not in hidden}


def field(default: Any = dataclasses.MISSING, *, label: str, **info: Any) -> Any:
    """Return a dataclass field with metadata; the keywords are those of `FieldInfo`.

    Examples
    --------
    >>> field(2.5, label="largest offset", unit="deg", low=0).metadata["unit"]
    'deg'
    """
    return dataclasses.field(default=default, metadata={"label": label, **info})


def fields_of(cls: type) -> Mapping[str, FieldInfo]:
    """Return what is known of each field of a step, by name.

    Examples
    --------
    >>> from fovnb.recipe import SafeMask
    >>> fields_of(SafeMask)["offset_max_deg"].label
    'largest offset'
    """
    return _fields_of(cls)


def field_info(cls: type, name: str) -> FieldInfo:
    """Return what is known of one field of a step."""
    return fields_of(cls)[name]


def kinds_of(annotation: Any) -> dict[str, type]:
    """Return the dataclasses that an annotation allows, by their ``kind``; "" for the only one without."""
    found = [one for one in _parts(annotation) if dataclasses.is_dataclass(one)]
    return {getattr(one, "kind", ""): one for one in found if isinstance(one, type)}


def members_of(annotation: Any) -> tuple[Any, ...]:
    """Return what a union is made of, or the annotation itself.

    Examples
    --------
    >>> members_of(int | None)
    (<class 'int'>, <class 'NoneType'>)
    """
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


@cache
def _fields_of(cls: Any) -> Mapping[str, FieldInfo]:
    types = get_type_hints(cls)
    found = (
        FieldInfo(one.name, annotation=types[one.name], default=one.default, **one.metadata)
        for one in dataclasses.fields(cls)
    )
    return MappingProxyType({info.name: info for info in found})


def _parts(annotation: Any) -> list[Any]:
    """Return an annotation and all those in it."""
    inner = [] if _is_literal(annotation) else get_args(annotation)
    return [annotation, *(part for one in inner for part in _parts(one))]


def _is_literal(annotation: Any) -> bool:
    return get_origin(annotation) is Literal
