"""What is asked of datasets before their pixels are summed, and refused in one sentence otherwise."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fovnb.datasets.dataset import MapDataset
from fovnb.errors import InvalidInputError, PredictionError
from fovnb.types import AnyArray, FloatArray

__all__ = ["as_datasets", "check_counts", "common_energy_edges"]


def as_datasets(datasets: Any) -> tuple[MapDataset, ...]:
    """Return one dataset, or several, as a tuple.

    Raises
    ------
    InvalidInputError
        If one is no dataset.

    Examples
    --------
    >>> as_datasets(MapDataset(name="obs-1"))[0].name
    'obs-1'
    """
    several = isinstance(datasets, Iterable) and not isinstance(datasets, MapDataset | str)
    given: tuple[Any, ...] = tuple(datasets) if several else (datasets,)
    for dataset in given:
        if not isinstance(dataset, MapDataset):
            msg = f"expected datasets, found a {type(dataset).__name__}; give a run, a stack, or a list of runs"
            raise InvalidInputError(msg)
    return given


def check_counts(name: str, counts: AnyArray) -> None:
    """Refuse counts of used pixels that are negative or not finite.

    Raises
    ------
    PredictionError
        If there are some, with the dataset's name.

    Examples
    --------
    >>> check_counts("obs-1", np.array([0.0, 3.0]))
    """
    wrong = counts[~((counts >= 0) & (counts < np.inf))]
    if wrong.size:
        msg = f"dataset {name!r} has counts of {wrong[0]:g} in pixels that are used; mask these pixels"
        raise PredictionError(msg)


def common_energy_edges(datasets: Iterable[MapDataset]) -> FloatArray:
    """Return the edges of the energy bins [TeV], which must be the same of all datasets.

    Raises
    ------
    InvalidInputError
        If they differ.
    """
    first, *others = datasets
    axis = first.geom.axes["energy"]
    for other in others:
        if other.geom.axes["energy"] != axis:
            found, expected = other.geom.axes["energy"].nbin, axis.nbin
            msg = (
                f"{other.name} has another energy axis ({found} bins) than {first.name} ({expected} bins); "
                "give datasets with the same one"
            )
            raise InvalidInputError(msg)
    return np.asarray(axis.edges.to_value("TeV"), dtype=float)
