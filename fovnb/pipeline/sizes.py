"""What a remembered value holds: how much memory, array by array, and arrays that nobody is to change."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, TypeVar

from fovnb.data import Observation
from fovnb.datasets import MapDataset
from fovnb.datasets.frozen import array_sizes, freeze
from fovnb.maps import Map
from fovnb.pipeline.inputs import run_stamps

__all__ = ["frozen", "sizes"]

T = TypeVar("T")

_SMALL = 10_000  # what anything without maps is taken for
_A_PIXEL = 64  # bytes of the coordinates that a sky grid remembers
_UNZIPPED = 4  # bytes in memory, tables and what is made of them, for a byte of a zipped file


def sizes(value: Any) -> dict[int, int]:
    """Return the bytes of each distinct array of a value, by its id, and a little for the value itself.

    Examples
    --------
    >>> from fovnb.maps import Map
    >>> sorted(sizes(Map.create(npix=10, binsz=1)).values())
    [400, 6400, 10000]
    """
    datasets = list(_datasets(value))
    skies = {id(sky): _A_PIXEL * prod(sky.shape) for sky in (dataset.geom.sky for dataset in datasets)}
    found = {id(value): _SMALL} | skies | (array_sizes(*datasets) if datasets else {})
    if isinstance(value, Observation):
        found[id(value)] += _UNZIPPED * sum(max(size, 0) for _, _, size in run_stamps(value))
    return found


def frozen(value: T) -> T:
    """Return a value that was just made, the arrays of its datasets and maps read-only."""
    for dataset in _datasets(value):
        freeze(dataset)
    return value


def _datasets(value: Any) -> Iterator[MapDataset]:
    """Yield the datasets of a value, and each of its maps as one."""
    if isinstance(value, MapDataset):
        yield value
    elif isinstance(value, Map):
        yield MapDataset(counts=value)
    elif isinstance(value, Mapping):
        yield from _datasets(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _datasets(one)
