"""From runs to datasets and to one stack, in one call; a run that fails becomes its row of the ledger."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from fovnb.data import Observation, RunInfo
from fovnb.datasets import MapDataset
from fovnb.errors import DataError, FovnbWarning, GeometryError, InvalidInputError
from fovnb.makers.observed import check_dataset
from fovnb.maps import Map
from fovnb.modeling.background_record import BackgroundFit, Status
from fovnb.text import printable

__all__ = ["failed_dataset", "reduce_observations", "stack_observations"]


class Maker(Protocol):
    """What a chain of makers is made of: `SafeMaskMaker`, `FoVBackgroundMaker` or your own."""

    def run(self, dataset: MapDataset, observation: Observation) -> MapDataset:
        """Return a new dataset."""


def reduce_observations(
    observations: Iterable[Observation],
    reference: MapDataset,
    makers: Iterable[Maker],
    progress: Callable[[Iterable[Observation]], Iterable[Observation]] | None = None,
) -> Iterator[MapDataset]:
    """Yield the dataset of each run; a run never raises.

    A run that cannot be made comes as a dataset without data, whose ``background_fit`` says why: status ``outside``
    where it does not touch the grid, else ``unreadable``. A warning says it too.

    Parameters
    ----------
    observations : iterable of Observation
        The runs.
    reference : MapDataset
        Its grids are used, not its content.
    makers : iterable of makers
        Applied in order, each to what the one before returned: ``[MapDatasetMaker(), SafeMaskMaker(...), ...]``.
    progress : callable, optional
        Wraps the runs, as ``tqdm.auto.tqdm`` does.

    Raises
    ------
    InvalidInputError
        If a maker is none, before the first run is read.

    Examples
    --------
    >>> from fovnb.makers import MapDatasetMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> list(reduce_observations([], MapDataset.create(geom), [MapDatasetMaker()]))
    []
    """
    makers = _checked(makers)
    return (_reduced(one, reference, makers) for one in (progress or iter)(observations))


def stack_observations(
    observations: Iterable[Observation],
    reference: MapDataset,
    makers: Iterable[Maker],
    progress: Callable[[Iterable[Observation]], Iterable[Observation]] | None = None,
    name: str = "stacked",
) -> MapDataset:
    """Return the stack of all runs, with its ledger; one run at a time is in memory.

    Parameters
    ----------
    observations, reference, makers, progress
        See `reduce_observations`.
    name : str
        Name of the stack.

    Examples
    --------
    >>> from fovnb.makers import MapDatasetMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> stack_observations([], MapDataset.create(geom), [MapDatasetMaker()]).ledger.title
    'Run ledger: 0 of 0 runs, 0.00 of 0.00 h in the stack, 0.00 h lost'
    """
    stacked = MapDataset.from_geoms(name=name, **reference.geoms)  # type: ignore[arg-type]  # keys are argument names
    makers = _checked(makers)
    for observation in (progress or iter)(observations):
        dataset = _reduced(observation, reference, makers)
        try:
            stacked.stack(dataset)
        except GeometryError as error:
            stacked.stack(failed_dataset(observation, reference, error))
    return stacked


def _checked(makers: Iterable[Maker]) -> list[Maker]:
    """Return the makers, or refuse what is none."""
    makers = list(makers)
    for maker in makers:
        if isinstance(maker, type) or not callable(getattr(maker, "run", None)):
            msg = f"{maker!r} is no maker; expected objects with run(dataset, observation) such as MapDatasetMaker()"
            raise InvalidInputError(msg)
    return makers


def _reduced(observation: Observation, reference: MapDataset, makers: list[Maker]) -> MapDataset:
    """Return what the makers make of a run, or a dataset that says why they could not."""
    dataset = reference
    try:
        for maker in makers:
            dataset = maker.run(dataset, observation)
        check_dataset(dataset)
    except (MemoryError, Warning):  # no fault of the run; a warning that was made an error is meant for the caller
        raise
    except Exception as error:  # whatever is wrong with one run, the others go on
        return failed_dataset(observation, reference, error)
    return dataset


def failed_dataset(observation: Observation, reference: MapDataset, error: Exception) -> MapDataset:
    """Return a dataset without data that says why a run could not be made, on one printable line without folders.

    Parameters
    ----------
    observation : Observation
        The run.
    reference : MapDataset
        Its grids are used, not its content.
    error : Exception
        What was raised.

    Warns
    -----
    FovnbWarning
        With the run and the reason.
    """
    status: Status = "outside" if isinstance(error, GeometryError) else "unreadable"
    reason = str(error) if type(error).__module__.startswith("fovnb.") else f"{type(error).__name__}: {error}"
    reason = printable(_without_folders(reason, observation))
    name = f"obs-{observation.obs_id}"
    warnings.warn(f"{name}: {status}: {reason}; the run adds nothing to a stack", FovnbWarning, stacklevel=3)
    return MapDataset(
        mask_safe=Map.from_geom(reference.geom, dtype=bool),
        background_fit=BackgroundFit(name, "none", status, reason),
        run_info=RunInfo.from_observation(observation),
        name=name,
    )


def _without_folders(reason: str, observation: Observation) -> str:
    """Return a reason with the names of the run's files alone: a ledger says nothing of the machine."""
    try:
        folders = {path.parent for path in observation.paths} | {path.parent.resolve() for path in observation.paths}
    except DataError:  # the index leads out of its folder, which is the reason
        return reason
    for folder in sorted(map(str, folders), key=len, reverse=True):
        reason = reason.replace(f"{folder}/", "")
    return reason
