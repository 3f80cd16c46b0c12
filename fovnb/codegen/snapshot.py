"""Results as plain arrays with names: all that an analysis found, in a form that two processes can compare.

Names are paths, ``stacked/counts`` or ``23592/parameters/tilt/value``. Datasets of Gammapy have a part of them.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fovnb.datasets.ledger import ledger_rows
from fovnb.types import AnyArray

__all__ = ["read_snapshot", "run_label", "snapshot", "write_snapshot"]

_Pairs: TypeAlias = Iterator[tuple[str, Any]]

_MAPS = ("counts", "exposure", "background", "mask_safe", "mask_fit", "mask_exclusion")
_RESPONSES = ("psf", "edisp")
_FACTS = ("value", "error", "min", "max", "frozen")
_NOT_SHOWN = ("problem", "fit")  # what was solved, and a record that is shown already
_PLACE = ("alignment", "pointing_deg", "rotation_deg")


def snapshot(datasets: Iterable[Any], stacked: Any) -> dict[str, AnyArray]:
    """Return every array and parameter of the runs and their stack, by name; no array holds objects.

    Maps come with unit, pixels and axes, runs with their models, background fit, run info and ledger row, the stack
    with its ledger. What a dataset does not have has no name.

    Parameters
    ----------
    datasets : iterable of MapDataset
        The runs, of fovnb or Gammapy.
    stacked : MapDataset
        Their stack.

    Examples
    --------
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3)])
    >>> found = snapshot([MapDataset.create(geom, name="obs-7")], MapDataset.create(geom))
    >>> found["runs"].tolist(), found["7/counts"].shape, found["stacked/exposure/unit"].item()
    (['7'], (3, 2, 2), 'm2 s')
    """
    first_owners: dict[int, str] = {}
    runs = list(datasets)
    labels = [run_label(run) for run in runs]
    found: dict[str, Any] = {"runs": labels}
    for label, dataset in [*zip(labels, runs, strict=True), ("stacked", stacked)]:
        found |= _under(label, _dataset(dataset, first_owners))
    found |= _table("stacked/ledger", getattr(stacked, "ledger", None))
    return {name: _array(value) for name, value in found.items()}


def write_snapshot(path: Path, arrays: Mapping[str, AnyArray]) -> None:
    """Write arrays to an .npz file that `read_snapshot` reads: all their bytes one after the other, and a list of them.

    A file with one entry an array takes twenty times as long.
    """
    listed = json.dumps([(name, array.dtype.str, array.shape) for name, array in arrays.items()])
    joined = b"".join(array.tobytes() for array in arrays.values())
    np.savez(path, listed=np.array(listed), joined=np.frombuffer(joined, dtype=np.uint8))


def read_snapshot(path: Path) -> dict[str, AnyArray]:
    """Return the arrays of `write_snapshot`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_snapshot(Path(folder) / "a.npz", {"counts": np.array([[1.5, 2]]), "runs": np.array(["7", "23592"])})
    ...     read_snapshot(Path(folder) / "a.npz")
    {'counts': array([[1.5, 2. ]]), 'runs': array(['7', '23592'], dtype='<U5')}
    """
    with np.load(path, allow_pickle=False) as file:
        listed, joined = json.loads(file["listed"].item()), file["joined"]
    arrays, start = {}, 0
    for name, kind, shape in listed:
        stop = start + np.dtype(kind).itemsize * math.prod(shape)
        arrays[name], start = joined[start:stop].view(kind).reshape(shape), stop
    return arrays


def run_label(dataset: Any) -> str:
    """Return the OBS_ID of a run as text, or its name where it does not know it."""
    info, table = getattr(dataset, "run_info", None), dataset.meta_table
    if info is not None:
        return str(info.obs_id)
    if table is not None and "OBS_ID" in table.colnames:
        return str(np.ravel(table["OBS_ID"])[0])
    return str(dataset.name).removeprefix("obs-")


def _dataset(dataset: Any, first_owners: dict[int, str]) -> _Pairs:
    """Yield all parts of a dataset; ``first_owners`` holds who had a parameter first."""
    yield "name", dataset.name
    for name in _MAPS:
        yield from _under(name, _map(getattr(dataset, name, None)))
    for name in _RESPONSES:
        response = getattr(dataset, name)
        if response is not None:
            yield from _under(name, _map(getattr(response, f"{name}_map")))
            yield from _under(f"{name}/exposure", _map(response.exposure_map))
    yield from _gti(dataset.gti)
    yield from _table("meta_table", dataset.meta_table)
    yield from _plain("meta", dataset.meta)
    for model in dataset.models or ():
        yield from _model(model, dataset, first_owners)
    yield from _record("background_fit", getattr(dataset, "background_fit", None))
    yield from _record("run_info", getattr(dataset, "run_info", None))
    if hasattr(dataset, "stacked_rows"):
        yield from (pair for row in ledger_rows(dataset) for pair in _record(f"ledger/{row.OBS_ID}", row))


def _map(found: Any) -> _Pairs:
    """Yield values, unit, pixels and axes of a map; none without it."""
    if found is None:
        return
    geom, wcs = found.geom, found.geom.wcs.wcs
    yield "", found.data
    yield "unit", str(found.unit)
    yield "axes", geom.axes.names
    yield from ((f"axes/{axis.name}", axis.edges) for axis in geom.axes)
    yield "wcs/frame", geom.frame
    yield "wcs/ctype", list(wcs.ctype)
    yield "wcs/numbers", [*wcs.crpix, *wcs.crval, *wcs.cdelt, *np.ravel(wcs.get_pc()), wcs.lonpole, wcs.latpole]
    yield from _plain("meta", found.meta)


def _gti(gti: Any) -> _Pairs:
    """Yield start and stop times, TT, as the two parts of Julian dates; shape (2, n)."""
    if gti is not None:
        for name in ("start", "stop"):
            time = getattr(gti, f"time_{name}").tt
            yield f"gti/{name}", [time.jd1, time.jd2]


def _model(model: Any, dataset: Any, first_owners: dict[int, str]) -> _Pairs:
    """Yield the parameters of a background model, its covariance, and the norm at the centres of the energy bins."""
    yield "model", model.name
    yield "covariance", model.covariance.data
    spectral, spatial = model.spectral_model, getattr(model, "spatial_model", None)
    yield "norm", spectral(dataset.counts.geom.axes["energy"].center)
    for part in (spectral, spatial):
        if part is not None:
            yield f"model/{part.type}", type(part).__name__
            for label, parameter in zip(getattr(part, "labels", part.parameters.names), part.parameters, strict=True):
                yield from _under(f"parameters/{label}", _parameter(parameter, dataset.name, first_owners))
    yield from _plain("model/place", {name: getattr(spatial, name, None) for name in _PLACE})


def _parameter(parameter: Any, owner: str, first_owners: dict[int, str]) -> _Pairs:
    """Yield what is known of a parameter, and which run had it first: runs fitted together share some."""
    yield from ((name, getattr(parameter, name)) for name in _FACTS)
    yield "unit", str(parameter.unit)
    yield "shared_with", first_owners.setdefault(id(parameter), owner)
    prior = parameter.prior
    if prior is not None:
        yield "prior", [prior.mu.value, prior.sigma.value, prior.weight]


def _record(name: str, record: Any) -> _Pairs:
    """Yield the fields of a record that are numbers, words, or collections of them."""
    if record is not None:
        yield from _plain(
            name, {one.name: getattr(record, one.name) for one in fields(record) if one.name != "problem"}
        )


def _plain(name: str, values: Any) -> _Pairs:
    """Yield the values of a mapping, and of the mappings in it; None, and what is no mapping, is left out."""
    for key, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, Mapping):
            yield from _plain(f"{name}/{key}", value)
        elif value is not None:
            yield f"{name}/{key}", value


def _table(name: str, table: Any) -> _Pairs:
    """Yield the names of a table's columns, and the columns."""
    if table is not None:
        yield name, list(table.colnames)
        yield from ((f"{name}/{column}", table[column]) for column in table.colnames)


def _under(prefix: str, pairs: _Pairs) -> _Pairs:
    """Yield the same values with names one level deeper."""
    yield from ((f"{prefix}/{name}" if name else prefix, value) for name, value in pairs)


def _array(value: Any) -> AnyArray:
    """Return numbers, booleans or text as an array without its unit; whatever else there is as text."""
    array = np.asarray(getattr(value, "value", value))
    return array if array.dtype.kind in "biufU" else array.astype(str)
