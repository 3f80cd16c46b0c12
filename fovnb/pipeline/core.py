"""The pipeline: a recipe becomes results, and what did not change since the last time is not computed again."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import RLock
from typing import Any

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.makers import ExclusionHistory
from fovnb.maps import Map
from fovnb.pipeline.caller import Cancel, Progress, as_check, as_recipe, followed
from fovnb.pipeline.given import Given
from fovnb.pipeline.inputs import Roots, exclusion_stamps, find_runs, index_stamps, make_mask, open_store
from fovnb.pipeline.journal import Journal
from fovnb.pipeline.memory import Key, Memory, default_limit
from fovnb.pipeline.results import Results
from fovnb.pipeline.runs import Run, Store, fit_run, make_run
from fovnb.pipeline.sizes import sizes
from fovnb.pipeline.stack import stack_runs
from fovnb.recipe import Background, Recipe
from fovnb.recipe.paths import as_roots
from fovnb.steps import (
    background_statements,
    cube_statements,
    execute,
    group_statement,
    has_mask,
    norm_statements,
    safe_mask_statements,
    suggestion_statements,
)
from fovnb.steps.expressions import Arg, Name
from fovnb.text import Record

__all__ = ["Pipeline", "run"]

# What the pipeline adds to what the code says: the caller may stop in between.
_CHECK = Arg("check", Name("check"))


class Pipeline(Record):
    """Runs recipes, and remembers each step by its own values and by all those before it.

    It may be used by several threads: one recipe runs at a time.

    Parameters
    ----------
    limit_bytes : int, optional
        Most memory for what is remembered; by default a quarter of what this process may use, 1 GB at most.
    roots : list of path, optional
        Folders that are open to the paths of recipes; see `fovnb.recipe.paths.resolve`.
    store : Store, optional
        Cubes of runs on disk.

    Examples
    --------
    >>> from fovnb.recipe import Circle, Recipe
    >>> recipe = Recipe().edit_step("exclusion", regions=[Circle(83.6333, 22.0145, 0.3, name="source")])
    >>> pipeline = Pipeline()
    >>> pipeline.run(recipe)
    Results
    -------
      runs   : 2 of 2 in the stack
      ledger : 2 of 2 runs, ...
    >>> wider = recipe.edit_step("exclusion", regions=[Circle(83.6333, 22.0145, 0.4, name="source")])
    >>> pipeline.run(wider).timings["cube"].computed
    0
    """

    def __init__(self, limit_bytes: int | None = None, roots: Roots = None, store: Store | None = None) -> None:
        self._memory = Memory(default_limit() if limit_bytes is None else limit_bytes, sizes)
        self._roots = as_roots(roots)
        self._store = store
        self._lock = RLock()

    def run(
        self,
        recipe: Recipe,
        progress: Progress = None,
        cancel: Cancel = None,
        roots: Roots = None,
        given: Given | None = None,
    ) -> Results:
        """Return what a recipe comes to.

        Parameters
        ----------
        recipe : Recipe
            What to do.
        progress : callable, optional
            Wraps the OBS_IDs of the runs, as ``tqdm.auto.tqdm`` does.
        cancel : threading.Event or callable, optional
            Stops the work, between runs and inside of them, when it is set or returns True.
        roots : list of path, optional
            Folders that are open to the paths of this recipe, instead of the pipeline's.
        given : Given, optional
            Datasets in place of the recipe's data, cube and safe mask.

        Raises
        ------
        CancelledError
            If the caller stopped it.
        RecipeError, DataError, InvalidInputError
            If the recipe names what is not there, or what it may not; if an argument is none of these.
        """
        known, check, asked = as_recipe(recipe), as_check(cancel), as_roots(roots)
        check()
        with self._held(check):
            journal = Journal(self._memory, check)
            one = _Pass(known, journal, self._roots if asked is None else asked, self._store)
            return one.analysed(*(one.made(progress) if given is None else one.taken(given)))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._memory.clear()

    def _rows(self) -> dict[str, object]:
        return {"remembered": f"{len(self._memory)} values", "memory": self._memory.used}

    @contextmanager
    def _held(self, check: Callable[[], None]) -> Iterator[None]:
        """Wait until no other thread runs a recipe, unless the caller stops waiting."""
        while not self._lock.acquire(timeout=0.05):
            check()
        try:
            yield
        finally:
            self._lock.release()


def run(
    recipe: Recipe,
    progress: Progress = None,
    cancel: Cancel = None,
    *,
    roots: Roots = None,
    given: Given | None = None,
) -> Results:
    """Return what a recipe comes to, with the memory that all calls of this process share; see `Pipeline.run`.

    Examples
    --------
    >>> run(Recipe()).ledger["status"].tolist()
    ['ok', 'ok']
    """
    return _shared().run(recipe, progress, cancel, roots, given)


@cache
def _shared() -> Pipeline:
    return Pipeline()


@dataclass(frozen=True)
class _Pass:
    """One recipe on its way through the steps."""

    recipe: Recipe
    journal: Journal
    roots: Roots
    store: Store | None

    def made(self, progress: Progress) -> tuple[list[Run], Mapping[str, Any], Key]:
        """Return the runs after their safe masks, what is known of their grid, and the key of that."""
        recipe = self.recipe
        observations = self.observations()
        names = self.grids()
        found = followed(observations, progress)
        runs = [make_run(one, recipe, names, self.journal, self.store) for one in found]
        return runs, names, Key(recipe.cube.energy, recipe.cube.geometry)

    def taken(self, given: Given) -> tuple[list[Run], Mapping[str, Any], Key]:
        """Return the same of runs that are there already."""
        key = Key(given)
        names = self.journal.value("grid", key, given.names)
        runs = [Run(None, dataset, Key(given, i)) for i, dataset in enumerate(given.datasets)]
        return runs, {**names, "exclusion_mask": given.exclusion_mask}, key

    def analysed(self, runs: list[Run], names: Mapping[str, Any], grid_key: Key) -> Results:
        """Return what the recipe comes to, with these runs."""
        recipe = self.recipe
        mask_key, mask = self.mask(names, grid_key)
        history = None
        if recipe.exclusion.suggestion is not None:
            mask_key, (mask, history) = self.suggested(runs, names, mask_key, mask)
        fitted = self.fitted(runs, mask_key, mask)
        safe_key = Key(grid_key, recipe.cube, *(one.key for one in runs))
        keys = (safe_key, Key(safe_key, mask_key))
        stack = stack_runs(fitted, keys, names["stacked"], recipe.stack.block, self.journal)
        return Results(recipe, self.journal.timings(), stack, mask, history)

    def observations(self) -> list[Any]:
        data = self.recipe.data
        known = index_stamps(data, self.roots)
        store: DataStore = self.journal.value(
            "data", Key(data.folder, data.demo_runs, known), lambda: open_store(data, self.roots)
        )
        return self.journal.value("data", Key(data, known), lambda: find_runs(data, store))

    def grids(self) -> Mapping[str, Any]:
        """Return the axes, the geometry, the makers of cubes and safe masks, and an empty dataset."""
        cube, safe = self.recipe.cube, self.recipe.safe_mask
        made = self.journal.value("grid", Key(cube), lambda: execute(cube_statements(cube)))
        return made | self.journal.kept(Key(safe), lambda: execute(safe_mask_statements(safe)))

    def mask(self, names: Mapping[str, Any], grid_key: Key) -> tuple[Hashable, Map | None]:
        exclusion, known_mask = self.recipe.exclusion, names.get("exclusion_mask")
        if not has_mask(exclusion):
            return (None, None) if known_mask is None else (grid_key, known_mask)
        known = exclusion_stamps(exclusion, self.roots)
        asked = exclusion if exclusion.suggestion is None else exclusion.edit(suggestion=None)
        key = Key(known, asked, grid_key)

        def make() -> Map:
            mask = make_mask(exclusion, names, self.roots)
            return mask if known_mask is None else known_mask & mask

        return key, self.journal.value("exclusion", key, make)

    def maker(self, mask: Map | None = None) -> Any:
        background: Background = self.recipe.background
        return execute(background_statements(background, mask is not None), {"exclusion_mask": mask})["fov_bkg_maker"]

    def suggested(
        self, runs: list[Run], names: Mapping[str, Any], mask_key: Hashable, mask: Map | None
    ) -> tuple[Hashable, tuple[Map | None, ExclusionHistory | None]]:
        """Return the mask with the areas that the data suggest, and how they were found."""
        usable = [one.dataset for one in runs if not one.failed]
        suggestion = self.recipe.exclusion.suggestion
        if suggestion is None or not usable:
            return mask_key, (mask, None)
        key = Key(tuple(one.key for one in runs), mask_key, self.recipe.background, suggestion)

        def make() -> tuple[Map, ExclusionHistory]:
            maker = self.maker(mask)
            known = {**names, "datasets": usable, "fov_bkg_maker": maker, "check": self.journal.check}
            made = execute(suggestion_statements(suggestion, _CHECK), known)
            return made["exclusion_mask"], made["history"]

        return key, self.journal.value("exclusion", key, make)

    def fitted(self, runs: list[Run], mask_key: Hashable, mask: Map | None) -> list[MapDataset]:
        background = self.recipe.background
        if background.group is not None:
            return self.together(runs, mask_key, mask)
        key = Key(background)
        maker = self.journal.kept(key, self.maker)
        return [fit_run(one, maker, mask, (mask_key, key), self.journal) for one in runs]

    def together(self, runs: list[Run], mask_key: Hashable, mask: Map | None) -> list[MapDataset]:
        background = self.recipe.background
        usable = [one.dataset for one in runs if not one.failed]
        if background.group is None or not usable:
            return [one.dataset for one in runs]
        statements = [*norm_statements(background.norm), group_statement(background.group, mask is not None, _CHECK)]
        known = {"datasets": usable, "exclusion_mask": mask, "check": self.journal.check}
        key = Key(tuple(one.key for one in runs), mask_key, background)
        fitted = iter(self.journal.value("background", key, lambda: execute(statements, known)["datasets"]))
        return [one.dataset if one.failed else next(fitted) for one in runs]
