"""The base of all steps: values are checked where they are set, and what a step holds is plain."""

from dataclasses import dataclass, replace
from typing import Any, Self

from fovnb.errors import RecipeError
from fovnb.recipe.fields import fields_of
from fovnb.recipe.values import checked
from fovnb.text import did_you_mean

__all__ = ["Step", "check_names"]


@dataclass(frozen=True)
class Step:
    """A part of a recipe: frozen, hashable, comparable, with plain values only."""

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

    def _refuse(self, name: str, problem: str) -> None:
        """Raise `RecipeError` for the value of a field."""
        msg = f"{type(self).__name__}.{name} is {getattr(self, name)!r}; {problem}"
        raise RecipeError(msg)


def check_names(cls: type, names: Any) -> None:
    """Raise `RecipeError` if one is no field of a step; the message names the nearest."""
    known = fields_of(cls)
    for name in names:
        if name not in known:
            msg = f"{cls.__name__} has no field {name!r}{did_you_mean(str(name), known)}; there are {', '.join(known)}"
            raise RecipeError(msg)
