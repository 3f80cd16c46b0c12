"""One run through the steps, up to its fitted background; a run that fails says why and spoils no other."""

import hashlib
import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from fovnb import __version__
from fovnb.data import Observation
from fovnb.datasets import MapDataset
from fovnb.errors import CancelledError, FovnbError
from fovnb.makers.normalise import background_sums, deliver, find_flaw
from fovnb.makers.reduce import failed_dataset
from fovnb.maps import Map
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.models import FoVBackgroundModel
from fovnb.modeling.sums import BackgroundSums
from fovnb.pipeline.inputs import content_hashes, run_key
from fovnb.pipeline.journal import Journal
from fovnb.pipeline.memory import Key
from fovnb.recipe import Cube, Recipe
from fovnb.recipe.serialise import plain
from fovnb.text import printable

__all__ = ["Run", "Store", "fit_run", "make_run"]

# A warning that was made an error is meant for the caller.
_NO_FAULT_OF_THE_RUN = (CancelledError, MemoryError, Warning)


class Store(Protocol):
    """Cubes of runs on disk, by a digest of what they are made from."""

    def load(self, key: str) -> MapDataset | None:
        """Return a cube, or None if it is not there."""

    def save(self, key: str, dataset: MapDataset) -> None:
        """Keep a cube."""


@dataclass(frozen=True, eq=False)
class Run:
    """A run after its safe mask: the dataset, and the key of all that it was made from; some have no observation."""

    observation: Observation | None
    dataset: MapDataset
    key: Hashable
    failed: bool = False

    def fail(self, error: Exception) -> MapDataset:
        """Return a dataset without data that says why it could not be fitted."""
        if self.observation is not None:
            return failed_dataset(self.observation, self.dataset, error)
        reason = str(error) if isinstance(error, FovnbError) else f"{type(error).__name__}: {error}"
        outcome = BackgroundFit(self.dataset.name, "none", "unreadable", printable(reason))
        return deliver(self.dataset, FoVBackgroundModel(self.dataset.name), outcome)


def make_run(
    observation: Observation, recipe: Recipe, names: Mapping[str, Any], journal: Journal, store: Store | None
) -> Run:
    """Return a run with its cube and its safe mask; whatever is wrong with it is said in its dataset.

    Parameters
    ----------
    observation : Observation
        The run.
    recipe : Recipe
        What to do.
    names : dict
        ``maker``, ``safe_mask_maker`` and the empty ``stacked``.
    journal : Journal
        Remembers and times.
    store : Store, optional
        Cubes on disk.
    """
    known = Key(run_key(observation))
    cube_key = Key(known, recipe.cube)
    key = Key(cube_key, recipe.safe_mask)
    try:
        run = journal.value("data", known, observation.alone)
        make = partial(_cube, run, recipe.cube, names, journal.check, store)
        cube = journal.value("cube", cube_key, make)
        safe = journal.value("safe mask", key, lambda: names["safe_mask_maker"].run(cube, run))
    except _NO_FAULT_OF_THE_RUN:
        raise
    except Exception as error:  # whatever is wrong with one run, the others go on
        return Run(observation, failed_dataset(observation, names["stacked"], error), Key(key, str(error)), failed=True)
    return Run(run, safe, key)


def fit_run(run: Run, maker: Any, mask: Map | None, keys: tuple[Hashable, Hashable], journal: Journal) -> MapDataset:
    """Return the dataset of a run with its background fitted outside a mask.

    Parameters
    ----------
    run : Run
        The run.
    maker : FoVBackgroundMaker
        Without a mask of its own.
    mask : Map, optional
        On the grid of the run.
    keys : (key of the mask, key of the fit)
        What they were made from.
    journal : Journal
        Remembers and times.
    """
    if run.failed:
        return run.dataset
    mask_key, fit_key = keys
    try:
        return journal.value(
            "background", Key(run.key, mask_key, fit_key), lambda: _fitted(run, maker, mask, mask_key, journal)
        )
    except _NO_FAULT_OF_THE_RUN:
        raise
    except Exception as error:  # whatever is wrong with one run, the others go on
        return run.fail(error)


def _fitted(run: Run, maker: Any, mask: Map | None, mask_key: Hashable, journal: Journal) -> MapDataset:
    masked, sums = journal.value("sums", Key(run.key, mask_key), lambda: _summed(run.dataset, mask))
    fitted: MapDataset = maker.run(masked, sums=sums)
    return fitted


def _summed(dataset: MapDataset, mask: Map | None) -> tuple[MapDataset, BackgroundSums | None]:
    """Return a run with its mask, and its sums unless there is something wrong with it."""
    masked = dataset if mask is None else dataset.replace(mask_exclusion=mask)
    return masked, None if find_flaw(masked) else background_sums(masked)


def _cube(
    run: Observation, cube: Cube, names: Mapping[str, Any], check: Callable[[], None], store: Store | None
) -> MapDataset:
    """Return the maps of a run, from disk if they are there."""
    make: Callable[[], MapDataset] = partial(names["maker"].run, names["stacked"], run, before_part=lambda _: check())
    if store is None:
        return make()
    key = _digest(run, cube)
    found = store.load(key)
    if found is None:
        found = make()
        store.save(key, found)
    return found


def _digest(run: Observation, cube: Cube) -> str:
    """Return a digest of all that a cube is made from: index rows, files' content, the step, version of the code."""
    files = {"rows": run.rows, "files": content_hashes(run)}
    what = {"run": run.obs_id, **files, "cube": plain(cube), "version": __version__}
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
