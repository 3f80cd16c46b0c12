"""The recipe of an analysis: what is to be done, in six steps of plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from fovnb.recipe.background import Background, Stack
from fovnb.recipe.cube import Cube, SafeMask
from fovnb.recipe.data import Data
from fovnb.recipe.exclusion import Exclusion
from fovnb.recipe.fields import field, fields_of
from fovnb.recipe.step import Step, check_names

__all__ = ["STEPS", "Recipe"]


@dataclass(frozen=True, repr=False)
class Recipe(Step):
    """Data, cube, safe mask, exclusion, background and stack; by default the reference analysis of simulated runs.

    Examples
    --------
    >>> recipe = Recipe().edit_step("safe_mask", offset_max_deg=2)
    >>> print(Recipe().diff(recipe))
    safe_mask.offset_max_deg: 2.5 -> 2.0
    >>> Recipe.from_yaml(recipe.to_yaml()) == recipe
    True
    """

    data: Data = field(Data(), label="data")
    cube: Cube = field(Cube(), label="cube")
    safe_mask: SafeMask = field(SafeMask(), label="safe mask")
    exclusion: Exclusion = field(Exclusion(), label="exclusion mask")
    background: Background = field(Background(), label="background")
    stack: Stack = field(Stack(), label="stack")

    def edit_step(self, step: str, **values: Any) -> "Recipe":
        """Return the recipe with other values in one step.

        Raises
        ------
        RecipeError
            If there is no such step or field, or a value is impossible.
        """
        check_names(Recipe, [step])
        return self.edit(**{step: getattr(self, step).edit(**values)})

    def diff(self, other: "Recipe") -> str:
        """Return what differs in another recipe, one line a field; it prints as it is, and is empty if nothing does.

        Raises
        ------
        RecipeError
            If the other is no recipe.

        Examples
        --------
        >>> Recipe().diff(Recipe().edit_step("data", obs_ids=[2]))
        data.obs_ids: None -> (2,)
        """
        from fovnb.recipe.diff import diff

        return diff(self, other)

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain lists and mappings, with the version of its schema."""
        from fovnb.recipe.serialise import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Recipe":
        """Return the recipe of `to_dict`; what is not there has its default, older versions are upgraded.

        Raises
        ------
        RecipeError
            If a key is unknown, a value impossible, or the version newer than this package knows.
        """
        from fovnb.recipe.serialise import from_dict

        return from_dict(content)

    def to_json(self) -> str:
        """Return the recipe as JSON."""
        from fovnb.recipe.serialise import to_json

        return to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Recipe":
        """Return the recipe of `to_json`, of text or UTF-8 bytes; a key that is there twice is refused.

        See `from_dict` for what is raised.
        """
        from fovnb.recipe.serialise import from_json

        return from_json(text)

    def to_yaml(self) -> str:
        """Return the recipe as YAML."""
        from fovnb.recipe.serialise import to_yaml

        return to_yaml(self)

    @classmethod
    def from_yaml(cls, text: str | bytes) -> "Recipe":
        """Return the recipe of `to_yaml`, of text or UTF-8 bytes; nothing in it is ever executed.

        Numbers are those of YAML 1.2: ``1e-3`` is one, and ``023523`` is 23523. Aliases, tags and keys that are there
        twice are refused. See `from_dict` for what is raised.
        """
        from fovnb.recipe.serialise import from_yaml

        return from_yaml(text)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "Recipe":
        """Return the recipe in a file of at most 10 MB that ends in .yaml, .yml or .json.

        Raises
        ------
        RecipeError
            If the name ends in something else, or the file does not hold a recipe.
        DataError
            If it is missing, no file, too large, or cannot be read.
        """
        from fovnb.recipe.serialise import read

        return read(path)

    def write(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write the recipe to a file that ends in .yaml, .yml or .json; it appears whole or not at all.

        Raises
        ------
        RecipeError
            If the name ends in something else.
        DataError
            If the file exists and ``overwrite`` is False, or the folder cannot be written.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     Recipe().write(f"{folder}/recipe.yaml")
        ...     Recipe.read(f"{folder}/recipe.yaml") == Recipe()
        True
        """
        from fovnb.recipe.serialise import write

        write(self, path, overwrite)


STEPS = tuple(fields_of(Recipe))
