"""Datasets as one block of bytes, exact to the last bit, and back: a tree of plain values, and arrays beside it.

The block is an .npz file, and reading it never runs anything that is in it. FITS would not do: its headers round the
projection, and the edges of energy bins are computed from what a file holds, not kept.
"""

import json
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Column, Table
from astropy.time import Time
from astropy.wcs import WCS

from fovnb.data import GTI, RunInfo
from fovnb.datasets import MapDataset
from fovnb.datasets.dataset import PARTS
from fovnb.errors import DataError, InvalidInputError
from fovnb.irf import EDispKernelMap, PSFMap
from fovnb.irf.maps import IRFMap
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.maps.sky import SkyGrid
from fovnb.types import AnyArray

__all__ = ["packed", "unpacked"]

_PLAIN = (type(None), bool, int, float, str)
_OTHERS = ("gti", "meta_table", "name", "meta", "run_info")
_EXACT = ("crpix", "crval", "cdelt", "lonpole", "latpole", "dateref")


def packed(dataset: MapDataset, label: str = "") -> bytes:
    """Return a dataset as bytes; models and their fits are no part of it.

    Parameters
    ----------
    dataset : MapDataset
        What `MapDatasetMaker` made.
    label : str
        What `unpacked` asks for.

    Raises
    ------
    InvalidInputError
        If the dataset holds what has no plain form.

    Examples
    --------
    >>> axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3)
    >>> dataset = MapDataset.create(WcsGeom.create(npix=4, binsz=0.1, axes=[axis]))
    >>> unpacked(packed(dataset, "cube"), "cube", {}).counts.geom.axes["energy"].edges == axis.edges
    array([ True,  True,  True,  True])
    """
    arrays: list[AnyArray] = []
    tree = json.dumps({"label": label, "dataset": _plain(dataset, arrays)})
    buffer = BytesIO()
    np.savez(buffer, np.array(tree), *arrays)
    return buffer.getvalue()


def unpacked(content: bytes | memoryview, label: str, grids: MutableMapping[str, SkyGrid]) -> MapDataset:
    """Return the dataset of `packed`.

    Parameters
    ----------
    content : bytes-like
        What `packed` returned.
    label : str
        What it was given.
    grids : dict
        Sky grids that are known, the last used at the end; datasets share them, and with them what is computed for
        their pixels.

    Raises
    ------
    DataError
        If the label is another.
    """
    with np.load(BytesIO(content), allow_pickle=False) as file:
        tree, *arrays = (file[f"arr_{i}"] for i in range(len(file.files)))
    top = json.loads(str(tree))
    if top["label"] != label:
        msg = f"expected the label {label!r}, found {top['label']!r}; make the dataset anew"
        raise DataError(msg)
    made = _made(top["dataset"], arrays, grids)
    assert isinstance(made, MapDataset)
    return made


@dataclass(frozen=True)
class _Kind:
    """A class, how its values are taken apart into named parts, and what puts them together again."""

    of: type
    apart: Callable[[Any], dict[str, Any]]
    together: Callable[..., Any]


def _plain(value: Any, arrays: list[AnyArray]) -> Any:
    """Return a value as JSON can hold it; arrays go to the list, and their numbers stand for them."""
    if type(value) in _PLAIN:
        return value
    if type(value) is list:
        return [_plain(one, arrays) for one in value]
    if type(value) is np.ndarray or isinstance(value, np.generic):
        arrays.append(np.asarray(value))
        return {"array" if type(value) is np.ndarray else "scalar": len(arrays) - 1}
    if type(value) is dict:
        return {"dict": {name: _plain(one, arrays) for name, one in value.items()}}
    for name, kind in _KINDS.items():
        if type(value) is kind.of:
            return {name: {key: _plain(one, arrays) for key, one in kind.apart(value).items()}}
    msg = f"a dataset with a {type(value).__name__} in it cannot be kept on disk; remove it from the meta"
    raise InvalidInputError(msg)


def _made(tree: Any, arrays: list[AnyArray], grids: MutableMapping[str, SkyGrid]) -> Any:
    """Return the value of `_plain`."""
    if isinstance(tree, list):
        return [_made(one, arrays, grids) for one in tree]
    if not isinstance(tree, dict):
        return tree
    ((name, inner),) = tree.items()
    if name in ("array", "scalar"):
        return arrays[inner] if name == "array" else arrays[inner][()]
    if name == "grid":
        known = json.dumps(inner)
        grids[known] = grids.pop(known) if known in grids else _grid(**inner)
        return grids[known]
    parts = {key: _made(one, arrays, grids) for key, one in inner.items()}
    return parts if name == "dict" else _KINDS[name].together(**parts)


def _dataset_parts(dataset: MapDataset) -> dict[str, Any]:
    parts = ((name, getattr(dataset, name)) for name in (*PARTS, *_OTHERS))
    return {name: part for name, part in parts if part is not None}


def _grid_parts(sky: SkyGrid) -> dict[str, Any]:
    """Return a projection as a FITS header, whose numbers are rounded, and the numbers themselves."""
    wcs = sky.wcs.wcs
    exact = {name: np.asarray(getattr(wcs, name)).tolist() for name in _EXACT}
    header = sky.wcs.to_header_string()
    return {"header": header, "npix": list(sky.shape[::-1]), "pc": wcs.get_pc().tolist(), **exact}


def _grid(header: str, npix: list[int], **exact: Any) -> SkyGrid:
    wcs = WCS(fits.Header.fromstring(header), fix=False)
    for name, value in exact.items():
        setattr(wcs.wcs, name, value)
    wcs.wcs.set()
    return WcsGeom(wcs, npix=tuple(npix)).sky


def _columns(table: Table) -> dict[str, Any]:
    columns = {name: {"data": np.asarray(column), "unit": _unit(column.unit)} for name, column in table.columns.items()}
    return {"columns": columns, "meta": dict(table.meta)}


def _table(columns: Mapping[str, Mapping[str, Any]], meta: dict[str, Any]) -> Table:
    return Table({name: Column(**column) for name, column in columns.items()}, meta=meta)


def _time_parts(time: Time) -> dict[str, Any]:
    return {"jd1": float(time.jd1), "jd2": float(time.jd2), "scale": time.scale, "form": time.format}


def _time(jd1: float, jd2: float, scale: str, form: str) -> Time:
    time = Time(jd1, jd2, format="jd", scale=scale)
    time.format = form
    return time


def _unit(unit: u.UnitBase | None) -> str | None:
    return None if unit is None else str(unit.to_string())


def _response(irf: IRFMap) -> dict[str, Any]:
    return dict(zip(("irf_map", "exposure_map"), irf.maps, strict=True))


def _intervals(gti: GTI) -> dict[str, Any]:
    return {"start_s": gti.start_s, "stop_s": gti.stop_s, "time_ref": gti.time_ref}


# The edges of an axis are computed from its nodes, and rounded: only the nodes give the same axis again.
_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "axis": _Kind(
            MapAxis,
            lambda axis: {
                "nodes": axis._nodes,
                "interp": axis.interp,
                "name": axis.name,
                "node_type": axis.node_type,
                "unit": _unit(axis.unit),
            },
            MapAxis,
        ),
        "dataset": _Kind(MapDataset, _dataset_parts, MapDataset),
        "edisp": _Kind(EDispKernelMap, _response, EDispKernelMap),
        "geom": _Kind(WcsGeom, lambda geom: {"wcs": geom.sky, "axes": list(geom.axes)}, WcsGeom),
        "grid": _Kind(SkyGrid, _grid_parts, _grid),
        "gti": _Kind(GTI, _intervals, GTI),
        "info": _Kind(RunInfo, RunInfo.to_dict, RunInfo),
        "map": _Kind(Map, lambda m: {"geom": m.geom, "data": m.data, "meta": m.meta, "unit": _unit(m.unit)}, Map),
        "psf": _Kind(PSFMap, _response, PSFMap),
        "quantity": _Kind(u.Quantity, lambda q: {"value": q.value, "unit": _unit(q.unit)}, u.Quantity),
        "table": _Kind(Table, _columns, _table),
        "time": _Kind(Time, _time_parts, _time),
    }
)
