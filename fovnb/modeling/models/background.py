"""The model that corrects one dataset's instrumental background."""

from typing import Any, ClassVar

from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.covariance import Covariance, JointCovariance
from fovnb.modeling.models.norm_base import NormSpectralModel, checked_norm, relink
from fovnb.modeling.models.norms import PowerLawNormSpectralModel
from fovnb.modeling.models.spatial import FoVGradientSpatialModel
from fovnb.modeling.parameter import Parameters
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray

__all__ = ["FoVBackgroundModel"]


class FoVBackgroundModel:
    """Correction of one dataset's instrumental background, ``background * n(E) * w(x, y)``.

    Parameters
    ----------
    dataset_name : str
        Name of the dataset that it corrects.
    spectral_model : norm spectral model, optional
        n(E), by default `PowerLawNormSpectralModel`. It is held, not copied.
    spatial_model : `FoVGradientSpatialModel`, optional
        w(x, y), by default 1. It is held, not copied.
    covariance_data : array, shape (n, n), optional
        Covariance of the parameters; it sets their errors.
    name : str, optional
        By default ``"<dataset_name>-bkg"``.

    Raises
    ------
    ModelError
        If the spectral model is no norm, the spatial model no gradient, or a name is no text.

    Examples
    --------
    >>> model = FoVBackgroundModel(dataset_name="obs-1")
    >>> model.name, model.parameters.names
    ('obs-1-bkg', ['tilt', 'norm', 'reference'])
    """

    tag: ClassVar[list[str]] = ["FoVBackgroundModel", "fov-bkg"]

    def __init__(
        self,
        dataset_name: str,
        spectral_model: NormSpectralModel | None = None,
        spatial_model: FoVGradientSpatialModel | None = None,
        covariance_data: AnyArray | None = None,
        name: str | None = None,
    ) -> None:
        self.datasets_names = [_checked_name(dataset_name)]
        self._name = f"{dataset_name}-bkg" if name is None else _checked_name(name)
        self._spectral_model = PowerLawNormSpectralModel() if spectral_model is None else checked_norm(spectral_model)
        self._spatial_model = _checked_gradient(spatial_model)
        self._joint = JointCovariance()
        if covariance_data is not None:
            self.covariance = covariance_data

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._name

    @property
    def spectral_model(self) -> NormSpectralModel:
        """The norm as a function of energy."""
        return self._spectral_model

    @property
    def spatial_model(self) -> FoVGradientSpatialModel | None:
        """The norm over the field of view; None for none."""
        return self._spatial_model

    @property
    def parts(self) -> "list[NormSpectralModel | FoVGradientSpatialModel]":
        """The spectral and, if there is one, the spatial model."""
        return [self._spectral_model, *([] if self._spatial_model is None else [self._spatial_model])]

    @property
    def parameters(self) -> Parameters:
        """Parameters of the spectral, then of the spatial model."""
        spectral = self._spectral_model.parameters
        return spectral if self._spatial_model is None else spectral + self._spatial_model.parameters

    @property
    def parameters_unique_names(self) -> list[str]:
        """Names as ``spectral.<label>`` and ``spatial.<name>``."""
        return [f"{part.type}.{label}" for part in self.parts for label in part.labels]

    @property
    def covariance(self) -> Covariance:
        """Covariance of the parameters; its diagonal is always the squared errors."""
        return self._joint.of(self.parts)

    @covariance.setter
    def covariance(self, covariance: Covariance | AnyArray) -> None:
        self._joint.set(self.parts, covariance)

    @property
    def frozen(self) -> bool:
        """Whether every parameter is frozen."""
        return all(part.frozen for part in self.parts)

    def freeze(self, model_type: str | None = None) -> None:
        """Freeze the parameters, or those of the "spectral" or "spatial" part."""
        for part in self._selected(model_type):
            part.freeze()

    def unfreeze(self, model_type: str | None = None) -> None:
        """Give the parameters, or those of one part, the frozen flags that the model starts with."""
        for part in self._selected(model_type):
            part.unfreeze()

    def evaluate(self, energy: u.Quantity, lon: Any = None, lat: Any = None) -> u.Quantity:  # noqa: ARG002
        """Return n(E), without unit, with the shape of ``energy``; the position does not matter.

        Raises
        ------
        ModelError
            If there is a spatial model: its field of view belongs to a geometry.
        """
        if self.spatial_model is not None:
            msg = "the norm varies over the field of view; use evaluate_geom(geom), or spectral_model(energy) for n(E)"
            raise ModelError(msg)
        return self.spectral_model(energy)

    def evaluate_geom(self, geom: Any) -> u.Quantity:
        """Return n(E) w(x, y) at the bin centres of a geometry with an axis "energy".

        The shape is (n energies, 1, 1), or (n energies, ny, nx) with a spatial model.
        """
        norm = self.spectral_model(geom.axes["energy"].center[:, None, None])
        return norm if self.spatial_model is None else norm * self.spatial_model.evaluate_geom(geom)

    def reset_to_default(self) -> None:
        """Give the norm the values that it starts with, and no errors."""
        for part in self.parts:
            part.reset_to_default()

    def copy(self, name: str | None = None, **kwargs: Any) -> "FoVBackgroundModel":
        """Return an independent copy; other arguments of the class replace what they name."""
        kwargs.setdefault("dataset_name", self.datasets_names[0])
        same_dataset = kwargs["dataset_name"] == self.datasets_names[0]
        own = {f"{part.type}_model": part.copy() for part in self.parts}
        if len(own) > 1:
            relink(self.parts, list(own.values()))
        new = FoVBackgroundModel(name=name or (self.name if same_dataset else None), **(own | kwargs))
        if len(own) > 1 and kwargs.keys().isdisjoint({*own, "covariance_data"}):
            new.covariance = self.covariance
        return new

    def to_dict(self, full_output: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """Return the model as plain values, as in Gammapy's YAML."""
        named = {} if self.name == f"{self.datasets_names[0]}-bkg" else {"name": self.name}
        data = {"type": self.tag[0], **named, "datasets_names": self.datasets_names}
        for part in self.parts:
            data |= part.to_dict()
        return data

    def __repr__(self) -> str:
        return f"FoVBackgroundModel(name={self.name!r}, {', '.join(f'{p.type}_model={p!r}' for p in self.parts)})"

    def __str__(self) -> str:
        return text_summary("FoVBackgroundModel", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("FoVBackgroundModel", self._rows())

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {"name": self.name, "dataset": self.datasets_names[0]}
        for part in self.parts:
            rows |= {part.type: type(part).__name__} | part.rows()
        return rows

    def _selected(self, model_type: str | None) -> "list[NormSpectralModel | FoVGradientSpatialModel]":
        return [part for part in self.parts if model_type in (None, part.type)]


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        msg = f"a name is {name!r}; expected text such as 'obs-23592'"
        raise ModelError(msg)
    return name


def _checked_gradient(model: Any) -> FoVGradientSpatialModel | None:
    if not isinstance(model, FoVGradientSpatialModel | None):
        msg = f"spatial_model={model!r} is not known; pass FoVGradientSpatialModel() or None"
        raise ModelError(msg)
    return model
