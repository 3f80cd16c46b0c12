"""The runs of the recipe's folder, which the parts of the cube builder share, and the one that is looked at."""

from traitlets import HasTraits, Instance, Int

from fovnb.errors import FovnbError
from fovnb.pipeline.run_table import IndexedRun, RunTable, run_table
from fovnb.recipe import Data
from fovnb.widgets.state import State
from fovnb.widgets.status import problem_of

__all__ = ["RunList"]

FOLDER = "data.folder"


class RunList(HasTraits):
    """Follows the data of a state's recipe; a folder that cannot be read is said at its field.

    Parameters
    ----------
    state : State
        Holds the recipe.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> state = State(Recipe())
    >>> runs = RunList(state)
    >>> runs.table.used[0].target, runs.current
    ('Demo Crab', 1)
    >>> runs.close()
    >>> state.close()
    """

    table = Instance(RunTable, allow_none=True)
    current = Int(allow_none=True, default_value=None)  # OBS_ID of the run that is looked at

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        self._data: Data | None = None
        state.observe(self._follow, ["recipe", "results"])
        self._follow()

    @property
    def used(self) -> tuple[IndexedRun, ...]:
        """The runs that the recipe uses."""
        return () if self.table is None else self.table.used

    def close(self) -> None:
        """Let go of the state."""
        self._state.unobserve(self._follow, ["recipe", "results"])
        self.unobserve_all()

    def _follow(self, _: object = None) -> None:
        data = self._state.recipe.data
        if data == self._data and self.table is not None:
            return
        self._data, self.table = data, self._read(data)
        used = [run.obs_id for run in self.used]
        if self.current not in used:
            self.current = used[0] if used else None

    def _read(self, data: Data) -> RunTable | None:
        state = self._state
        try:
            return run_table(data)
        except FovnbError as error:
            state.errors = {**state.errors, FOLDER: problem_of(error)}
            return None
