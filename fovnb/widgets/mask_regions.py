"""The list of regions that the parts of the mask editor share: which is looked at, and how the list changes."""

from collections.abc import Callable, Sequence
from typing import Any

from traitlets import HasTraits, Int

from fovnb.errors import FovnbError
from fovnb.recipe import Circle
from fovnb.recipe.regions import Region
from fovnb.steps.areas import SIZES, free_name
from fovnb.steps.reshape import placed, reshaped
from fovnb.widgets.state import State
from fovnb.widgets.status import problem_of

__all__ = ["PATH", "Regions"]

PATH = "exclusion.regions"
_RADIUS_DEG = 0.3


class Regions(HasTraits):
    """The regions of a state's recipe, which are edited through it.

    Parameters
    ----------
    state : State
        Holds the recipe.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> regions = Regions(State(Recipe()))
    >>> regions.add([Circle(83.63, 22.01, 0.3, name="Crab")])
    >>> regions.set_kind(0, "ellipse")
    >>> regions.all
    (Ellipse(lon_deg=83.63, lat_deg=22.01, width_deg=0.6, height_deg=0.6, name='Crab'),)
    """

    current = Int(-1)  # the one that is looked at, -1 for none

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        state.observe(self._follow, "recipe")
        self._follow(None)

    @property
    def all(self) -> tuple[Region, ...]:
        """The regions."""
        regions: tuple[Region, ...] = self._state.recipe.exclusion.regions
        return regions

    @property
    def looked_at(self) -> Region | None:
        """The region that is looked at."""
        return self.all[self.current] if 0 <= self.current < len(self.all) else None

    def path(self, index: int, name: str = "") -> str:
        """Return the place of a region in the recipe, or of one of its fields."""
        return f"{PATH}.{index}.{name}" if name else f"{PATH}.{index}"

    def go(self, index: int) -> None:
        """Look at a region."""
        with self._state.lock:
            self.current = index

    def add(self, regions: Sequence[Region]) -> None:
        """Add regions, each under a name of its own, and look at the first of them."""
        with self._state.lock:
            before, found = self.all, list(self.all)
            for one in regions:
                name = free_name(one.name.strip() or one.kind, (other.name for other in found))
                found.append(one.edit(name=name))
            self._replace(tuple(found))
            if len(self.all) > len(before):
                self.current = len(before)

    def add_new(self, kind: str, lon_deg: float, lat_deg: float, frame: Any) -> None:
        """Add a region of a kind at a position."""
        self.add([reshaped(Circle(lon_deg, lat_deg, _RADIUS_DEG, frame=frame), kind)])

    def copy(self, index: int) -> None:
        """Add the same region once more."""
        self.add([self.all[index].edit(origin="user")])

    def remove(self, index: int) -> None:
        """Remove a region, and look at the one after it."""
        self._replace(self.all[:index] + self.all[index + 1 :])

    def clear(self) -> None:
        """Remove all regions."""
        self._replace(())

    def set(self, index: int, name: str, value: Any) -> None:
        """Put another value into a field of a region."""
        self._state.edit(self.path(index, name), value)

    def set_kind(self, index: int, kind: str) -> None:
        """Make another kind of region of one."""
        self._change(index, "kind", lambda region: reshaped(region, kind))

    def set_size(self, index: int, which: int, value: Any) -> None:
        """Change the first or the second size of a region; some kinds have fewer."""
        names = SIZES[type(self.all[index])]
        if which < len(names):
            self.set(index, names[which], value)

    def place(
        self, index: int, lon_deg: float, lat_deg: float, frame: str | None = None, name: str = "lon_deg"
    ) -> None:
        """Move a region's centre to a position, in its own frame by default; ``name`` is the field that changed."""
        self._change(index, name, lambda region: placed(region, lon_deg, lat_deg, frame))

    def close(self) -> None:
        """Let go of the state."""
        self._state.unobserve(self._follow, "recipe")
        self.unobserve_all()

    def _replace(self, regions: tuple[Region, ...]) -> None:
        """Have other regions; each such change is taken back by itself, however fast they follow one another."""
        state = self._state
        with state.lock:
            state.take(state.recipe.edit_step("exclusion", regions=regions))

    def _change(self, index: int, name: str, make: Callable[[Region], Region]) -> None:
        """Replace a region; what is impossible is said at the place of a field."""
        state = self._state
        with state.lock:
            try:
                region = make(self.all[index])
            except FovnbError as error:
                state.errors = {**state.errors, self.path(index, name): problem_of(error)}
                return
            state.edit(self.path(index), region)

    def _follow(self, _: Any) -> None:
        """Look at a region that is there; at the first of new ones."""
        n = len(self.all)
        self.current = min(max(self.current, 0), n - 1)
