"""Datasets: a list of datasets with unique names, read and written with their models."""

import os
from collections.abc import Iterable, MutableSequence
from pathlib import Path
from typing import Any, overload

from astropy.table import Table, vstack

from fovnb.datasets.dataset import MapDataset
from fovnb.errors import DataError, InvalidInputError
from fovnb.files import make_path, replace_whole
from fovnb.modeling import Parameters
from fovnb.modeling.models import Models
from fovnb.text import did_you_mean, html_summary, text_summary

__all__ = ["Datasets"]


class Datasets(MutableSequence[MapDataset]):
    """A list of datasets with unique names.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Datasets.

    Raises
    ------
    InvalidInputError
        If two have the same name, or one is no dataset.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> datasets = Datasets([MapDataset.create(geom, name="obs-1"), MapDataset.create(geom, name="obs-2")])
    >>> datasets.names
    ['obs-1', 'obs-2']
    """

    def __init__(self, datasets: MapDataset | Iterable[MapDataset] = ()) -> None:
        self._datasets: list[MapDataset] = []
        for dataset in [datasets] if isinstance(datasets, MapDataset) else datasets:
            self.append(dataset)

    def insert(self, index: int, value: MapDataset) -> None:
        """Put a dataset before a position."""
        self._datasets.insert(index, _fitting(value, self.names))

    @property
    def names(self) -> list[str]:
        """Names of the datasets, in order."""
        return [dataset.name for dataset in self._datasets]

    @property
    def models(self) -> Models:
        """Models of all datasets, each once."""
        return Models([model for dataset in self for model in dataset.models or ()])

    @models.setter
    def models(self, models: Models | None) -> None:
        for dataset in self:
            dataset.models = models

    @property
    def parameters(self) -> Parameters:
        """Parameters of all models, each once."""
        return self.models.parameters.unique_parameters

    @property
    def meta_table(self) -> Table:
        """One row a dataset: name, and what its own meta table says."""
        tables = [dataset.meta_table or Table([{}]) for dataset in self]
        table = vstack(tables) if tables else Table()
        table.add_column(self.names, index=0, name="NAME")
        return table

    def stat_sum(self) -> float:
        """Return the joint Cash statistic."""
        return sum(dataset.stat_sum() for dataset in self)

    def info_table(self, cumulative: bool = False) -> Table:
        """Return one row a dataset, see `MapDataset.info_dict`; with `cumulative`, of the stack up to it."""
        if not cumulative:
            return Table([dataset.info_dict() for dataset in self])
        stacked, rows = None, []
        for dataset in self:
            if stacked is None:
                stacked = dataset.to_masked()
            else:
                stacked.stack(dataset)
            rows.append(stacked.info_dict())
        return Table(rows)

    def stack_reduce(self, name: str = "stacked", nan_to_num: bool = True) -> MapDataset:
        """Return the sum of all datasets.

        Raises
        ------
        InvalidInputError
            If there are none.
        """
        if not self._datasets:
            msg = "there are no datasets to stack; append some first"
            raise InvalidInputError(msg)
        stacked = self._datasets[0].to_masked(name, nan_to_num)
        for dataset in self._datasets[1:]:
            stacked.stack(dataset, nan_to_num)
        return stacked

    def copy(self) -> "Datasets":
        """Return deep copies."""
        return Datasets(dataset.copy() for dataset in self)

    def write(
        self,
        filename: str | os.PathLike[str],
        filename_models: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        write_covariance: bool = True,
        checksum: bool = False,
    ) -> None:
        """Write a YAML list, one FITS file a dataset beside it, and the models; Gammapy reads all of them.

        The list is written last: it never names a file that is not there.

        Raises
        ------
        DataError
            If a file exists and `overwrite` is False, or cannot be written; nothing is written then.
        """
        import yaml

        path = make_path(filename)
        entries = [dataset.to_dict() for dataset in self]
        targets = [path.parent / entry["filename"] for entry in entries]
        models = [] if filename_models is None else [make_path(filename_models)]
        _check_targets([path, *models, *targets], overwrite)
        for dataset, target in zip(self, targets, strict=True):
            dataset.write(target, overwrite=overwrite, checksum=checksum)
        if filename_models is not None:
            self.models.write(filename_models, overwrite=overwrite, write_covariance=write_covariance)
        with replace_whole(path, overwrite) as temporary:
            temporary.write_text(yaml.safe_dump({"datasets": entries}, sort_keys=False), encoding="utf-8")

    @classmethod
    def read(
        cls, filename: str | os.PathLike[str], filename_models: str | os.PathLike[str] | None = None
    ) -> "Datasets":
        """Read what `write`, or Gammapy, wrote.

        Raises
        ------
        DataError
            If a file is missing or broken, or the list is not one of map datasets.
        """
        path = make_path(filename)
        datasets = cls(MapDataset.read(path.parent / entry["filename"], name=entry["name"]) for entry in _entries(path))
        if filename_models is not None:
            datasets.models = Models.read(filename_models)
        return datasets

    @overload
    def __getitem__(self, key: int | str) -> MapDataset: ...
    @overload
    def __getitem__(self, key: slice) -> "Datasets": ...
    def __getitem__(self, key: int | str | slice) -> "MapDataset | Datasets":
        found = self._datasets[self._index(key)]
        return found if isinstance(found, MapDataset) else Datasets(found)

    def __setitem__(self, key: Any, value: Any) -> None:
        replaced = self[key]
        others = [name for name in self.names if name != replaced.name]
        self._datasets[self._index(key)] = _fitting(value, others)

    def __delitem__(self, key: Any) -> None:
        del self._datasets[self._index(key)]

    def __len__(self) -> int:
        return len(self._datasets)

    def __add__(self, other: "MapDataset | Iterable[MapDataset]") -> "Datasets":
        return Datasets([*self, *Datasets(other)])

    def __repr__(self) -> str:
        return text_summary("Datasets", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("Datasets", self._rows())

    def _index(self, key: Any) -> Any:
        """Return the position of a name; positions and slices as they are."""
        if not isinstance(key, str):
            return key
        if key not in self.names:
            hint = did_you_mean(key, self.names)
            msg = f"no dataset is named {key!r}{hint}; there are {', '.join(self.names) or 'none'}"
            raise InvalidInputError(msg)
        return self.names.index(key)

    def _rows(self) -> dict[str, object]:
        return {d.name: ", ".join(model.name for model in d.models or ()) or "no models" for d in self}


def _check_targets(paths: list[Path], overwrite: bool) -> None:
    """Refuse to write two things to one file, or to a file that exists."""
    for i, path in enumerate(paths):
        if path in paths[:i]:
            msg = f"two things would be written to {path}; rename a dataset with copy(name=...) or choose other files"
            raise DataError(msg)
        if path.exists() and not overwrite:
            msg = f"{path} exists; pass overwrite=True to replace it"
            raise DataError(msg)


def _fitting(dataset: object, names: list[str]) -> MapDataset:
    """Return the dataset if it may join those with the names."""
    if not isinstance(dataset, MapDataset):
        msg = f"expected a MapDataset, found {type(dataset).__name__}"
        raise InvalidInputError(msg)
    if dataset.name in names:
        msg = f"there is a dataset named {dataset.name!r} already; names must be unique: use dataset.copy(name=...)"
        raise InvalidInputError(msg)
    return dataset


def _entries(path: "os.PathLike[str]") -> list[dict[str, str]]:
    """Return the entries of a YAML list of datasets, checked."""
    import yaml

    try:
        with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - path-like objects are welcome
            content = yaml.safe_load(stream)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        msg = f"cannot read the list of datasets {os.fspath(path)}: {reason}; expected a YAML file of Datasets.write"
        raise DataError(msg) from error
    entries = content.get("datasets") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        msg = f"{os.fspath(path)} is no list of map datasets; expected 'datasets:', each with name, type and filename"
        raise DataError(msg)
    return entries


def _is_entry(entry: object) -> bool:
    """Whether a YAML entry names a map dataset and a file beside the list."""
    return (
        isinstance(entry, dict)
        and entry.get("type") == "MapDataset"
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("filename"), str)
        and entry["filename"] == Path(entry["filename"]).name
    )
