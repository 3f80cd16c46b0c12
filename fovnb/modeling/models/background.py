"""The model that corrects one dataset's instrumental background."""

from typing import Any, ClassVar

from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling.covariance import Covariance
from fovnb.modeling.models.norm_base import NormSpectralModel
from fovnb.modeling.models.norms import PowerLawNormSpectralModel
from fovnb.modeling.parameter import Parameters
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray

__all__ = ["FoVBackgroundModel"]


class FoVBackgroundModel:
    """Correction of one dataset's instrumental background, ``background * n(E)``.

    Parameters
    ----------
    dataset_name : str
        Name of the dataset that it corrects.
    spectral_model : norm spectral model, optional
        n(E), by default `PowerLawNormSpectralModel`. It is held, not copied.
    spatial_model : None
        Norms that vary over the field of view are not supported yet.
    covariance_data : array, shape (n, n), optional
        Covariance of the parameters; it sets their errors.
    name : str, optional
        By default ``"<dataset_name>-bkg"``.

    Raises
    ------
    ModelError
        If the spectral model is no norm, a spatial model is given, or a name is no text.

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
        spatial_model: Any = None,
        covariance_data: AnyArray | None = None,
        name: str | None = None,
    ) -> None:
        if spatial_model is not None:
            msg = f"spatial_model={spatial_model!r}: only norms that depend on energy are supported; pass None"
            raise ModelError(msg)
        self.datasets_names = [_checked_name(dataset_name)]
        self._name = f"{dataset_name}-bkg" if name is None else _checked_name(name)
        self._spectral_model = PowerLawNormSpectralModel() if spectral_model is None else _checked_norm(spectral_model)
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
    def spatial_model(self) -> None:
        """Always None."""
        return

    @property
    def parameters(self) -> Parameters:
        """Parameters of the norm."""
        return self.spectral_model.parameters

    @property
    def parameters_unique_names(self) -> list[str]:
        """Names as ``spectral.<parameter>``."""
        return [f"spectral.{name}" for name in self.parameters.names]

    @property
    def covariance(self) -> Covariance:
        """Covariance of the parameters; its diagonal is always the squared errors."""
        return self.spectral_model.covariance

    @covariance.setter
    def covariance(self, covariance: Covariance | AnyArray) -> None:
        self.spectral_model.covariance = covariance

    @property
    def frozen(self) -> bool:
        """Whether every parameter is frozen."""
        return self.spectral_model.frozen

    def freeze(self, model_type: str | None = None) -> None:
        """Freeze the parameters; ``model_type="spatial"`` finds none."""
        if model_type in (None, "spectral"):
            self.spectral_model.freeze()

    def unfreeze(self, model_type: str | None = None) -> None:
        """Give the parameters the frozen flags that the model starts with."""
        if model_type in (None, "spectral"):
            self.spectral_model.unfreeze()

    def evaluate(self, energy: u.Quantity, lon: Any = None, lat: Any = None) -> u.Quantity:  # noqa: ARG002
        """Return n(E), without unit, with the shape of ``energy``; the position does not matter."""
        return self.spectral_model(energy)

    def evaluate_geom(self, geom: Any) -> u.Quantity:
        """Return n(E) at the bin centres of a geometry with an axis "energy", shape (n energies, 1, 1)."""
        return self.evaluate(geom.axes["energy"].center[:, None, None])

    def reset_to_default(self) -> None:
        """Give the norm the values that it starts with, and no errors."""
        self.spectral_model.reset_to_default()

    def copy(self, name: str | None = None, **kwargs: Any) -> "FoVBackgroundModel":
        """Return an independent copy; other arguments of the class replace what they name."""
        kwargs.setdefault("dataset_name", self.datasets_names[0])
        same_dataset = kwargs["dataset_name"] == self.datasets_names[0]
        kwargs.setdefault("spectral_model", self.spectral_model.copy())
        return FoVBackgroundModel(name=name or (self.name if same_dataset else None), **kwargs)

    def to_dict(self, full_output: bool = False) -> dict[str, Any]:  # noqa: ARG002
        """Return the model as plain values, as in Gammapy's YAML."""
        named = {} if self.name == f"{self.datasets_names[0]}-bkg" else {"name": self.name}
        return {"type": self.tag[0], **named, "datasets_names": self.datasets_names, **self.spectral_model.to_dict()}

    def __repr__(self) -> str:
        return f"FoVBackgroundModel(name={self.name!r}, spectral_model={self.spectral_model!r})"

    def __str__(self) -> str:
        return text_summary("FoVBackgroundModel", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("FoVBackgroundModel", self._rows())

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {"name": self.name, "dataset": self.datasets_names[0]}
        return rows | {"norm": type(self.spectral_model).__name__} | self.spectral_model.rows()


def _checked_name(name: Any) -> str:
    if not isinstance(name, str):
        msg = f"a name is {name!r}; expected text such as 'obs-23592'"
        raise ModelError(msg)
    return name


def _checked_norm(model: Any) -> NormSpectralModel:
    if not isinstance(model, NormSpectralModel):
        msg = f"spectral_model={model!r} is no norm spectral model; pass, say, PowerLawNormSpectralModel()"
        raise ModelError(msg)
    return model
