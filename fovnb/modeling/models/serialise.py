"""Models as plain values, YAML and files, in Gammapy's layout both ways.

A file holds ``components``, one dictionary a model, and the name of a table beside it with the covariance of all
parameters.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.errors import DataError, InvalidInputError, ModelError
from fovnb.files import make_path, replace_whole
from fovnb.modeling.models.background import FoVBackgroundModel
from fovnb.modeling.models.compound import CompoundNormSpectralModel
from fovnb.modeling.models.create import NORM_MODELS, find_class
from fovnb.modeling.models.norm_base import NormSpectralModel
from fovnb.modeling.models.spatial import FoVGradientSpatialModel
from fovnb.modeling.parameter import Parameter, Parameters
from fovnb.types import FloatArray

__all__ = ["from_dict", "from_yaml", "model_class", "read_covariance", "read_text", "to_dict", "to_yaml", "write"]

_CLASSES: dict[str | None, tuple[Any, ...]] = {
    "spectral": NORM_MODELS,
    "spatial": (FoVGradientSpatialModel,),
    None: (FoVBackgroundModel,),
}
_UNITS = {"reference": "TeV", "lambda_": "TeV-1", "gx": "deg-1", "gy": "deg-1"}  # where a file says none
_FACTORS = ("model1", "model2")
_OPTIONS = ("interp", "smoothness", "alignment", "pointing_deg", "rotation_deg")
_IGNORED = {"interp", "scale_method", "scale_transform", "is_norm", "scale"}  # of Gammapy's minimiser and scans


def model_class(tag: str, model_type: str | None = None) -> Any:
    """Return the class with a name or tag.

    Raises
    ------
    ModelError
        If there is none, the message names the nearest; or if the type is unknown.
    """
    if model_type not in _CLASSES:
        msg = f"model_type is {model_type!r}; there are 'spectral' (norms), 'spatial' and None (the background model)"
        raise ModelError(msg)
    return find_class(tag, _CLASSES[model_type])


def to_dict(models: Sequence[FoVBackgroundModel]) -> dict[str, Any]:
    """Return the models as plain values; parameters that appear twice get a common ``link`` label."""
    parameters = [par for model in models for par in model.parameters]
    times = Counter(map(id, parameters))
    label = {id(par): f"{par.name}@{i}" for i, par in enumerate(parameters) if times[id(par)] > 1}
    components = [model.to_dict() for model in models]
    for model, component in zip(models, components, strict=True):
        for par, entry in zip(model.parameters, _parameter_entries(component), strict=True):
            if id(par) in label:
                entry["link"] = label[id(par)]
    return {"components": components}


def from_dict(data: Mapping[str, Any]) -> list[FoVBackgroundModel]:
    """Return the models of ``data["components"]``.

    Raises
    ------
    ModelError
        If a component is of an unknown type or incomplete.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("components"), list):
        msg = "no list of 'components' was found; expected the YAML of models, as Models.write makes it"
        raise ModelError(msg)
    shared: dict[str, Parameter] = {}
    return [_model(component, f"component {i}", shared) for i, component in enumerate(data["components"])]


def _model(data: Any, where: str, shared: dict[str, Parameter]) -> FoVBackgroundModel:
    cls = model_class(_entry(data, "type", where))
    names = _entry(data, "datasets_names", where)
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or len(names) != 1:
        msg = (
            f"{where} names the datasets {names}; a background model corrects exactly one: make one component a dataset"
        )
        raise ModelError(msg)
    spectral = _spectral(data["spectral"], where, shared) if "spectral" in data else None
    spatial = None if data.get("spatial") is None else _part(data["spatial"], "spatial", where, shared)
    model: FoVBackgroundModel = cls(names[0], spectral, spatial, name=data.get("name"))
    return model


def _spectral(data: Any, where: str, shared: dict[str, Parameter]) -> NormSpectralModel:
    if _entry(data, "type", where) not in CompoundNormSpectralModel.tag:
        norm: NormSpectralModel = _part(data, "spectral", where, shared)
        return norm
    if data.get("operator") != "mul":
        msg = f"{where} joins two norms by {data.get('operator')!r}; the only operator known is 'mul'"
        raise ModelError(msg)
    return CompoundNormSpectralModel(*(_spectral(_entry(data, key, where), where, shared) for key in _FACTORS))


def _part(data: Any, model_type: str, where: str, shared: dict[str, Parameter]) -> Any:
    """Return the spectral or spatial model of a component."""
    cls = model_class(_entry(data, "type", where), model_type)
    entries = _entry(data, "parameters", where)
    if not isinstance(entries, list):
        msg = f"{where}: the parameters of {cls.__name__} are {entries!r}; expected a list, as Models.write makes it"
        raise ModelError(msg)
    frozen: Iterable[str] = getattr(cls, "frozen_by_default", ())
    parameters = Parameters(_parameter(entry, where, frozen, shared) for entry in entries)
    extra: dict[str, Any] = {key: _quantity(data[key], where) for key in ("energy", "values") if key in data}
    extra |= {key: data[key] for key in _OPTIONS if key in data}
    try:
        return cls.from_parameters(parameters, **extra)
    except TypeError as error:
        msg = f"{where}: {cls.__name__} cannot be made from {', '.join([*parameters.names, *extra])} ({error})"
        raise ModelError(msg) from error


def _parameter_entries(component: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of all parameters, in the model's order."""
    parts = [component[key] for key in ("spectral", "spatial", *_FACTORS) if key in component]
    return [entry for part in parts for entry in part.get("parameters", ()) or _parameter_entries(part)]


def _parameter(entry: Any, where: str, frozen: Iterable[str], shared: dict[str, Parameter]) -> Parameter:
    name = _entry(entry, "name", where)
    fields: dict[str, Any] = {"unit": _UNITS.get(name, ""), "frozen": name in frozen} | dict(entry)
    link = fields.pop("link", None)
    if link in shared:
        return shared[link]
    try:
        parameter = Parameter(**{key: value for key, value in fields.items() if key not in _IGNORED})
    except (TypeError, ValueError) as error:
        msg = f"{where}: the parameter {name!r} cannot be read ({error}); expected name, value, unit, error, min, max"
        raise ModelError(msg) from error
    return parameter if link is None else shared.setdefault(link, parameter)


def to_yaml(data: Mapping[str, Any]) -> str:
    """Return plain values as YAML."""
    import yaml

    return str(yaml.safe_dump(dict(data), sort_keys=False, indent=4, width=80, default_flow_style=False))


def from_yaml(text: str) -> dict[str, Any]:
    """Return the plain values of YAML, read by the safe loader.

    Raises
    ------
    ModelError
        If the text is no YAML of a dictionary.
    """
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        msg = f"the text is no YAML ({' '.join(str(error).split())}); expected what Models.write makes"
        raise ModelError(msg) from error
    if not isinstance(data, dict):
        msg = f"the YAML holds a {type(data).__name__}; expected a dictionary with 'components', as Models.write makes"
        raise ModelError(msg)
    return data


def write(
    path: str | PathLike[str], data: dict[str, Any], names: list[str], matrix: FloatArray | None, overwrite: bool
) -> None:
    """Write the YAML and, if there is a matrix, the covariance table beside it."""
    path = make_path(path)
    if not path.name:
        msg = f"{str(path)!r} names no file to write models to; give one such as 'models.yaml'"
        raise InvalidInputError(msg)
    beside = path.with_name(f"{path.stem}_covariance.dat")
    with replace_whole(path, overwrite) as temporary:
        if matrix is not None:
            data = data | {"covariance": beside.name}
            with replace_whole(beside, overwrite) as table:
                _covariance_table(names, matrix).write(table, format="ascii.fixed_width", delimiter="|", overwrite=True)
        temporary.write_text(to_yaml(data), encoding="utf-8")


def read_text(filename: str | PathLike[str]) -> tuple[str, Path]:
    """Return the text of a file and its folder."""
    path = make_path(filename)
    try:
        return path.read_text(encoding="utf-8"), path.parent
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read the models in {path}: {error}; expected a YAML file that Models.write made"
        raise DataError(msg) from error


def read_covariance(folder: str | PathLike[str], filename: str, names: list[str]) -> FloatArray:
    """Return the covariance in a table beside a YAML file, shape (n, n), rows as ``names``.

    Raises
    ------
    DataError
        If the file is missing or broken, or is about other parameters.
    """
    from astropy.table import Table

    path = make_path(folder) / filename
    try:
        table = Table.read(path, format="ascii.fixed_width")
        found = [str(name) for name in table["Parameters"]]
        matrix = np.array([table[name] for name in table.colnames if name != "Parameters"], dtype=float).T
    except (OSError, KeyError, ValueError) as error:
        msg = (
            f"cannot read the covariance {path}: {error}; write the models again, or remove 'covariance' from the YAML"
        )
        raise DataError(msg) from error
    if matrix.shape != (len(names), len(names)):
        msg = f"{path} holds {matrix.shape} numbers for {', '.join(found)}; the models have {', '.join(names)}"
        raise DataError(msg + ": write the models again, or remove 'covariance' from the YAML")
    return matrix


def _covariance_table(names: list[str], matrix: FloatArray) -> Any:
    from astropy.table import Table

    return Table([names, *matrix.T], names=["Parameters", *map(str, range(len(names)))])


def _entry(data: Any, key: str, where: str) -> Any:
    if not isinstance(data, Mapping) or key not in data:
        msg = f"{where} has no {key!r}; expected the YAML of models, as Models.write makes it"
        raise ModelError(msg)
    return data[key]


def _quantity(data: Any, where: str) -> u.Quantity:
    try:
        return u.Quantity(data["data"], data["unit"])
    except (TypeError, ValueError, KeyError) as error:
        msg = f"{where}: {data!r} is no quantity; expected 'data', a list of numbers, and 'unit'"
        raise ModelError(msg) from error
