"""Datasets that are given away: read-only views of their arrays, and the memory that they hold together."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from fovnb.datasets.dataset import PARTS, MapDataset
from fovnb.datasets.lent import Lent
from fovnb.irf.maps import IRFMap
from fovnb.maps import Map
from fovnb.types import AnyArray

__all__ = ["array_sizes", "freeze", "read_only", "read_only_map"]


def read_only(dataset: MapDataset) -> MapDataset:
    """Return a dataset on the same memory through which nothing of the original can be changed.

    Its arrays are read-only views, and those of the original stay as they are; its models, good time intervals and
    table are copies. Stacking onto it copies it first; `MapDataset.copy` gives arrays that can be written to.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    >>> dataset = MapDataset.create(WcsGeom.create(width=2, binsz=0.1, axes=[energy]))
    >>> given = read_only(dataset)
    >>> given.counts.data.flags.writeable, dataset.counts.data.flags.writeable
    (False, True)
    """
    parts: dict[str, Any] = {name: _frozen(part) for name, part in _parts(dataset)}
    if dataset.gti is not None:
        parts["gti"] = dataset.gti.copy()
    if dataset.meta_table is not None:
        parts["meta_table"] = Lent(dataset.meta_table)
    if dataset.models is not None:
        parts["models"] = [model.copy() for model in dataset.models]
    return dataset.replace(**parts)


def read_only_map(part: Map) -> Map:
    """Return a map on the same memory through which nothing of the original can be changed."""
    view = part.data.view()
    view.flags.writeable = False
    return Map(part.geom, data=view, unit=part.unit, meta=deepcopy(part.meta))


def freeze(dataset: MapDataset) -> None:
    """Make the arrays of a dataset read-only, in place: for one that was just made, and is to be kept as it is."""
    for _, part in _parts(dataset):
        for each in part.maps if isinstance(part, IRFMap) else (part,):
            if each is not None:
                _owner(each.data).flags.writeable = each.data.flags.writeable = False


def array_sizes(*datasets: MapDataset) -> dict[int, int]:
    """Return the bytes of each array that datasets hold, by the identity of the array that owns the memory.

    Arrays that are shared, also with read-only views of them, are counted once.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    >>> geom = WcsGeom.create(npix=10, binsz=0.1, axes=[energy])
    >>> dataset = MapDataset(counts=Map.from_geom(geom), mask_safe=Map.from_geom(geom, dtype=bool))
    >>> sorted(array_sizes(dataset, read_only(dataset)).values())
    [200, 800]
    """
    held = [part for dataset in datasets for _, part in _parts(dataset)]
    maps = [each for part in held for each in (part.maps if isinstance(part, IRFMap) else (part,))]
    owners = [_owner(each.data) for each in maps if each is not None]
    return {id(owner): owner.nbytes for owner in owners}


def _parts(dataset: MapDataset) -> Iterator[tuple[str, Map | IRFMap]]:
    """Give name and value of the maps that a dataset has."""
    return ((name, part) for name in PARTS if (part := getattr(dataset, name)) is not None)


def _frozen(part: Map | IRFMap) -> Map | IRFMap:
    """Return a map, or a response, of read-only views."""
    if isinstance(part, IRFMap):
        irf_map, exposure_map = part.maps
        return type(part)(read_only_map(irf_map), None if exposure_map is None else read_only_map(exposure_map))
    return read_only_map(part)


def _owner(array: AnyArray) -> AnyArray:
    """Return the array whose memory an array is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
