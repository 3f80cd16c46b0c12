"""Lists of models, and making a model from its tag."""

from collections.abc import Iterable, Iterator, MutableSequence
from os import PathLike
from typing import Any, TypeAlias, overload

import numpy as np

from fovnb.errors import ModelError
from fovnb.modeling.covariance import Covariance, JointCovariance
from fovnb.modeling.models import serialise
from fovnb.modeling.models.background import FoVBackgroundModel
from fovnb.modeling.models.create import create_norm
from fovnb.modeling.models.norm_base import NormSpectralModel, relink
from fovnb.modeling.models.spatial import FoVGradientSpatialModel
from fovnb.modeling.parameter import Parameters
from fovnb.text import did_you_mean, html_summary, text_summary
from fovnb.types import AnyArray, BoolArray

__all__ = ["DatasetModels", "Model", "Models"]


class Model:
    """Make any known model from its tag."""

    @staticmethod
    def create(
        tag: str, model_type: str | None = None, *args: Any, **kwargs: Any
    ) -> NormSpectralModel | FoVGradientSpatialModel | FoVBackgroundModel:
        """Return a model; other arguments are the model's own.

        Parameters
        ----------
        tag : str
            Class name or short tag, such as "pl-norm"; or a product of norms such as "pl-norm * ecpl-norm".
        model_type : {"spectral", "spatial", None}
            "spectral" for a norm spectral model, "spatial" for "fov-gradient", None for "fov-bkg".

        Raises
        ------
        ModelError
            If there is no such model.

        Examples
        --------
        >>> Model.create("pl-norm", model_type="spectral", tilt=0.1)
        PowerLawNormSpectralModel(tilt=0.1, norm=1, reference=1 TeV)
        """
        if model_type == "spectral" and "*" in str(tag):
            return create_norm(tag)
        model: NormSpectralModel | FoVGradientSpatialModel | FoVBackgroundModel
        model = serialise.model_class(tag, model_type)(*args, **kwargs)
        return model


class Models(MutableSequence[FoVBackgroundModel]):
    """A list of models, found by name or position.

    Parameters
    ----------
    models : model, list of models or `Models`, optional
        The models; they are shared, not copied.
    covariance_data : array, shape (n, n), optional
        Covariance of all their parameters; it sets the errors.

    Raises
    ------
    ModelError
        If two models have one name or correct the same dataset, or something is no model.

    Examples
    --------
    >>> models = Models([FoVBackgroundModel(dataset_name="obs-1"), FoVBackgroundModel(dataset_name="obs-2")])
    >>> models.names, models["obs-2-bkg"].datasets_names
    (['obs-1-bkg', 'obs-2-bkg'], ['obs-2'])
    """

    def __init__(
        self,
        models: "FoVBackgroundModel | Iterable[FoVBackgroundModel] | None" = None,
        covariance_data: AnyArray | None = None,
    ) -> None:
        self._models = _checked(_as_list(models))
        self._joint = JointCovariance()
        if covariance_data is None and isinstance(models, Models):
            covariance_data = models.covariance.data
        if covariance_data is not None:
            self.covariance = covariance_data

    @property
    def names(self) -> list[str]:
        """Names of the models."""
        return [model.name for model in self._models]

    @property
    def parameters(self) -> Parameters:
        """Parameters of all models, in order; a linked one appears once a model."""
        return Parameters.from_stack(model.parameters for model in self._models)

    @property
    def parameters_unique_names(self) -> list[str]:
        """Names as ``<model>.spectral.<label>`` and ``<model>.spatial.<name>``."""
        return [f"{model.name}.{name}" for model in self._models for name in model.parameters_unique_names]

    @property
    def background_models(self) -> dict[str, str]:
        """Name of the background model of each dataset."""
        return {name: model.name for model in self._models for name in model.datasets_names}

    @property
    def covariance(self) -> Covariance:
        """Covariance of all parameters.

        A model's own block is always its own covariance; terms between models are those last set, and 0 for a model
        whose covariance has changed since.
        """
        return self._joint.of(self._models)

    @covariance.setter
    def covariance(self, covariance: Covariance | AnyArray) -> None:
        self._joint.set(self._models, covariance)

    @property
    def frozen(self) -> bool:
        """Whether every parameter of every model is frozen."""
        return all(model.frozen for model in self._models)

    def freeze(self, model_type: str | None = None) -> None:
        """Freeze the parameters of all models."""
        for model in self._models:
            model.freeze(model_type)

    def unfreeze(self, model_type: str | None = None) -> None:
        """Give the parameters of all models the frozen flags that they start with."""
        for model in self._models:
            model.unfreeze(model_type)

    def select(
        self,
        name_substring: str | None = None,
        datasets_names: str | list[str] | None = None,
        tag: str | list[str] | None = None,
        model_type: str | None = None,
        frozen: bool | None = None,
    ) -> "Models":
        """Return the models that meet every given condition.

        Parameters
        ----------
        name_substring : str
            Text in the model's name.
        datasets_names, tag : str or list of str
            Dataset, and class name or short tag; one of a list is enough.
        model_type : {None, "spectral", "spatial"}
            Which part the tag is about.
        frozen : bool
            Whether all parameters are frozen.
        """
        names, tags = _as_set(datasets_names), _as_set(tag)

        def wanted(model: FoVBackgroundModel) -> bool:
            part = model if model_type is None else getattr(model, f"{model_type}_model", None)
            return (
                (name_substring or "") in model.name
                and (not names or not names.isdisjoint(model.datasets_names))
                and (not tags or not tags.isdisjoint(getattr(part, "tag", [])))
                and frozen in (None, model.frozen)
            )

        return Models([model for model in self._models if wanted(model)])

    def copy(self, copy_data: bool = False) -> "Models":  # noqa: ARG002
        """Return independent copies; links between models stay."""
        models = [model.copy() for model in self._models]
        relink(*([part for model in some for part in model.parts] for some in (self._models, models)))
        return Models(models, covariance_data=self.covariance.data)

    def to_parameters_table(self) -> Any:
        """Return a table of all parameters with the model's name in its first column."""
        table = self.parameters.to_table()
        table.add_column([model.name for model in self._models for _ in model.parameters], name="model", index=0)
        return table

    def to_dict(self, full_output: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """Return the models as plain values, as in Gammapy's YAML."""
        return serialise.to_dict(self._models)

    def to_yaml(self, full_output: bool = False) -> str:  # noqa: ARG002
        """Return the models as YAML that Gammapy reads."""
        return serialise.to_yaml(self.to_dict())

    def write(
        self,
        path: str | PathLike[str],
        overwrite: bool = False,
        full_output: bool = False,  # noqa: ARG002
        write_covariance: bool = True,
    ) -> None:
        """Write YAML, and the covariance beside it as ``<stem>_covariance.dat``, as Gammapy does.

        Raises
        ------
        DataError
            If a file exists and ``overwrite`` is False, or cannot be written.
        """
        matrix = self.covariance.data if write_covariance and len(self.parameters) else None
        serialise.write(path, self.to_dict(), self.parameters_unique_names, matrix, overwrite)

    @classmethod
    def from_dict(cls, data: dict[str, Any], path: str | PathLike[str] = "") -> "Models":
        """Return models from plain values; a covariance file is looked for in the folder ``path``."""
        models = cls(serialise.from_dict(data))
        if isinstance(data.get("covariance"), str):
            models.covariance = serialise.read_covariance(path, data["covariance"], models.parameters_unique_names)
        return models

    @classmethod
    def from_yaml(cls, yaml_str: str, path: str | PathLike[str] = "") -> "Models":
        """Return models from YAML, ours or Gammapy's.

        Raises
        ------
        ModelError
            If the text is no such YAML, or holds a model that fovnb does not know.
        """
        return cls.from_dict(serialise.from_yaml(yaml_str), path=path)

    @classmethod
    def read(cls, filename: str | PathLike[str]) -> "Models":
        """Return models from a YAML file and the covariance beside it, ours or Gammapy's.

        Raises
        ------
        DataError
            If a file is missing or broken.
        ModelError
            If the file holds a model that fovnb does not know.
        """
        text, folder = serialise.read_text(filename)
        return cls.from_yaml(text, path=folder)

    def index(self, key: "str | int | FoVBackgroundModel", *_: Any) -> int:
        """Return the position of a name, a model or a position."""
        if isinstance(key, str):
            if key not in self.names:
                msg = f"no model {key!r}{did_you_mean(key, self.names)}; there are {', '.join(self.names) or 'none'}"
                raise ModelError(msg)
            return self.names.index(key)
        return range(len(self))[key] if isinstance(key, (int, np.integer)) else self._models.index(key)

    def insert(self, index: int, value: FoVBackgroundModel) -> None:
        """Insert a model before a position."""
        models = list(self._models)
        models.insert(index, value)
        self._models = _checked(models)

    @overload
    def __getitem__(self, key: "str | int | FoVBackgroundModel") -> FoVBackgroundModel: ...
    @overload
    def __getitem__(self, key: "slice | BoolArray") -> "Models": ...
    def __getitem__(self, key: "str | int | FoVBackgroundModel | slice | BoolArray") -> "FoVBackgroundModel | Models":
        if isinstance(key, slice):
            return Models(self._models[key])
        if isinstance(key, np.ndarray):
            return Models([model for model, wanted in zip(self._models, key, strict=True) if wanted])
        return self._models[self.index(key)]

    def __setitem__(self, key: Any, model: Any) -> None:
        models = list(self._models)
        models[self.index(key)] = model
        self._models = _checked(models)

    def __delitem__(self, key: Any) -> None:
        del self._models[self.index(key)]

    def __len__(self) -> int:
        return len(self._models)

    def __iter__(self) -> Iterator[FoVBackgroundModel]:
        return iter(self._models)

    def __contains__(self, key: object) -> bool:
        return key in self.names if isinstance(key, str) else key in self._models

    def __add__(self, other: "FoVBackgroundModel | Iterable[FoVBackgroundModel]") -> "Models":
        return Models([*self, *([other] if isinstance(other, FoVBackgroundModel) else other)])

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

    def __repr__(self) -> str:
        return f"Models({', '.join(self.names)})"

    def __str__(self) -> str:
        return "\n\n".join([text_summary("Models", {"number": len(self)}), *map(str, self._models)])

    def _repr_html_(self) -> str:
        return html_summary("Models", {model.name: repr(model.spectral_model) for model in self._models})


DatasetModels: TypeAlias = Models  # Gammapy's name for the list on a dataset


def _as_list(models: Any) -> list[Any]:
    if isinstance(models, Iterable) and not isinstance(models, str):
        return list(models)
    return [] if models is None else [models]


def _checked(models: list[Any]) -> list[FoVBackgroundModel]:
    """Return the list if all are models, no name appears twice and no dataset is corrected twice."""
    for model in models:
        if not isinstance(model, FoVBackgroundModel):
            msg = f"{model!r} is no model of a dataset; pass FoVBackgroundModel(dataset_name=..., spectral_model=...)"
            raise ModelError(msg)
    _check_unique("the name", [model.name for model in models])
    _check_unique("the dataset", [name for model in models for name in model.datasets_names])
    return models


def _check_unique(what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        msg = f"{what} {', '.join(map(repr, twice))} belongs to more than one background model; use each only once"
        raise ModelError(msg)


def _as_set(names: str | list[str] | None) -> set[str]:
    return set() if names is None else {names} if isinstance(names, str) else set(names)
