"""What the caller of a pipeline sees and may do while it works: progress, and stopping it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Event
from typing import Any, TypeAlias

from fovnb.data import Observation
from fovnb.errors import CancelledError, InvalidInputError
from fovnb.recipe import Recipe

__all__ = ["Cancel", "Progress", "as_check", "as_recipe", "followed"]

Cancel: TypeAlias = Event | Callable[[], bool] | None
Progress: TypeAlias = Callable[[Iterable[int]], Iterable[object]] | None


def as_recipe(recipe: object) -> Recipe:
    """Return a recipe, or refuse what is none."""
    if not isinstance(recipe, Recipe):
        msg = f"{type(recipe).__name__} is no recipe; expected a Recipe, such as Recipe.read makes of a file"
        raise InvalidInputError(msg)
    return recipe


def followed(runs: Sequence[Observation], progress: Any) -> Iterator[Observation]:
    """Yield the runs in their order, while a progress bar, see `Progress`, goes through their OBS_IDs.

    Raises
    ------
    InvalidInputError
        If it is none, or does not go on to the last run.
    """
    if progress is not None and not callable(progress):
        msg = f"progress is {progress!r}; expected a function such as tqdm.auto.tqdm, or None"
        raise InvalidInputError(msg)
    obs_ids = tuple(run.obs_id for run in runs)
    bar: object = obs_ids if progress is None else progress(obs_ids)
    if not isinstance(bar, Iterable):
        msg = f"progress returned {bar!r}; expected what it was given, wrapped, as tqdm.auto.tqdm does"
        raise InvalidInputError(msg)
    given = 0
    for run, _ in zip(runs, bar, strict=False):
        given += 1
        yield run
    if given < len(runs):
        msg = f"progress ended after {given} of {len(runs)} runs; expected all of what it was given"
        raise InvalidInputError(msg)


def as_check(cancel: Any) -> Callable[[], None]:
    """Return what raises `CancelledError` once the caller has asked to stop.

    Parameters
    ----------
    cancel : threading.Event or callable
        Set, or returning True, when the work is to stop; None never stops it.
    """
    asked: Any = cancel.is_set if isinstance(cancel, Event) else cancel
    if asked is not None and not callable(asked):
        msg = f"cancel is {cancel!r}; expected a threading.Event, a function that returns True to stop, or None"
        raise InvalidInputError(msg)

    def check() -> None:
        if asked is not None and asked():
            msg = "the work was cancelled; what was finished is kept"
            raise CancelledError(msg)

    return check
