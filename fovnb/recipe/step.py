"""The base of all steps: values are checked where they are set, and what a step holds is plain."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Self

from fovnb.errors import RecipeError
from fovnb.recipe.fields import fields_of
from fovnb.recipe.values import checked
from fovnb.recipe.words import short
from fovnb.text import did_you_mean

__all__ = ["Step", "check_names"]


@dataclass(frozen=True, repr=False)
class Step:
    """A part of a recipe: frozen, hashable, comparable, with plain values only.

    It prints as the call that makes it, without what is as by default.

    Examples
    --------
    >>> from fovnb.recipe import Circle
    >>> Circle(83.6, 22, radius_deg=0.3)
    Circle(lon_deg=83.6, lat_deg=22.0, radius_deg=0.3)
    """

    def __post_init__(self) -> None:
        for name, info in fields_of(type(self)).items():
            object.__setattr__(self, name, checked(info, getattr(self, name), type(self).__name__))
        self._check()

    def _check(self) -> None:
        """Raise `RecipeError` if values do not go together."""

    def edit(self, **values: Any) -> Self:
        """Return the step with other values.

        Raises
        ------
        RecipeError
            If there is no such field, or a value is impossible.

        Examples
        --------
        >>> from fovnb.recipe import SafeMask
        >>> SafeMask().edit(offset_max_deg=2).offset_max_deg
        2.0
        """
        check_names(type(self), values)
        return replace(self, **values)

    def _refuse(self, name: str, problem: str) -> NoReturn:
        """Raise `RecipeError` for the value of a field."""
        msg = f"{type(self).__name__}.{name} is {short(getattr(self, name))}; {problem}"
        raise RecipeError(msg)

    def _expect_different(self, name: str, values: Collection[object]) -> None:
        """Raise `RecipeError` if a field names something twice."""
        if len(set(values)) < len(values):
            self._refuse(name, "expected each once")

    def _expect_as_many(self, name: str, other: str) -> None:
        """Raise `RecipeError` unless a field has one value for each of another field's."""
        n_values = len(getattr(self, other) or ())
        if len(getattr(self, name)) != n_values:
            self._refuse(name, f"expected one value for each of the {n_values} in {other}")

    def __repr__(self) -> str:
        values = {name: (getattr(self, name), info.default) for name, info in fields_of(type(self)).items()}
        shown = (f"{name}={value!r}" for name, (value, default) in values.items() if value != default)
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        from fovnb.recipe.html import to_html

        return to_html(self)


def check_names(cls: type, names: Iterable[str]) -> None:
    """Raise `RecipeError` if one is no field of a step; the message names the nearest."""
    known = fields_of(cls)
    for name in names:
        if name not in known:
            msg = f"{cls.__name__} has no field {name!r}{did_you_mean(str(name), known)}; there are {', '.join(known)}"
            raise RecipeError(msg)
