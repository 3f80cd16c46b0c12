"""What was edited, so that it can be taken back: each widget its own steps, the last edit first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fovnb.recipe import Recipe
from fovnb.recipe.recipe import STEPS
from fovnb.recipe.step import Step

__all__ = ["Change", "History"]

_MOST = 200
_TOGETHER_S = 1.0  # edits of one place that follow each other faster are taken back together


@dataclass(frozen=True)
class Change:
    """Steps of a recipe before and after an edit at a place, and when it was made [s]."""

    before: Mapping[str, Step]
    after: Mapping[str, Step]
    path: str
    time: float

    @classmethod
    def between(cls, old: Recipe, new: Recipe, path: str, time: float) -> "Change":
        """Return the change from one recipe to another."""
        names = [name for name in STEPS if getattr(old, name) != getattr(new, name)]
        return cls({n: getattr(old, n) for n in names}, {n: getattr(new, n) for n in names}, path, time)

    def touches(self, steps: Collection[str]) -> bool:
        """Return whether it changed one of some steps."""
        return any(name in self.before for name in steps)

    def follows(self, other: "Change") -> bool:
        """Return whether it goes on with another: the same place, a moment later."""
        same = bool(self.path) and self.path == other.path and self.before == other.after
        return same and self.time - other.time < _TOGETHER_S


class History:
    """The last 200 changes of a recipe, and those that were taken back.

    Examples
    --------
    >>> history, old = History(), Recipe()
    >>> new = old.edit_step("safe_mask", offset_max_deg=2.0)
    >>> history.add(Change.between(old, new, "safe_mask.offset_max_deg", 0.0))
    >>> history.undo(new, ["safe_mask"]) == old
    True
    """

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._undone: list[Change] = []

    def add(self, change: Change) -> None:
        """Remember a change; what was taken back of the same steps cannot come again."""
        self._undone = [one for one in self._undone if not one.touches(change.before)]
        if self._done and change.follows(self._done[-1]):
            last = self._done.pop()
            change = Change(last.before, change.after, change.path, change.time)
        self._done = [*self._done[1 - _MOST :], change]

    def can_undo(self, steps: Collection[str]) -> bool:
        """Return whether there is a change of some steps to take back."""
        return any(change.touches(steps) for change in self._done)

    def can_redo(self, steps: Collection[str]) -> bool:
        """Return whether there is a change of some steps that was taken back."""
        return any(change.touches(steps) for change in self._undone)

    def undo(self, recipe: Recipe, steps: Collection[str]) -> Recipe:
        """Return the recipe without the last change of some steps."""
        change = _last(self._done, steps)
        if change is None:
            return recipe
        self._undone.append(change)
        return recipe.edit(**change.before)

    def redo(self, recipe: Recipe, steps: Collection[str]) -> Recipe:
        """Return the recipe with the last change of some steps that was taken back."""
        change = _last(self._undone, steps)
        if change is None:
            return recipe
        self._done.append(change)
        return recipe.edit(**change.after)


def _last(changes: list[Change], steps: Collection[str]) -> Change | None:
    """Take the last change of some steps out of a list."""
    found = next((i for i in reversed(range(len(changes))) if changes[i].touches(steps)), None)
    return None if found is None else changes.pop(found)
