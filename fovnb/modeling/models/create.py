"""Norm models by name."""

from typing import Any

from fovnb.errors import ModelError
from fovnb.modeling.models.compound import CompoundNormSpectralModel
from fovnb.modeling.models.norm_base import NormSpectralModel
from fovnb.modeling.models.norms import (
    ExpCutoffPowerLawNormSpectralModel,
    LogParabolaNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)
from fovnb.modeling.models.piecewise import PiecewiseNormSpectralModel, PiecewisePowerLawNormSpectralModel
from fovnb.modeling.sums import BackgroundSums
from fovnb.text import did_you_mean

__all__ = ["NORM_MODELS", "create_norm", "find_class", "needs_dataset"]

NORM_MODELS: tuple[type[NormSpectralModel], ...] = (
    PowerLawNormSpectralModel,
    PiecewiseNormSpectralModel,
    PiecewisePowerLawNormSpectralModel,
    LogParabolaNormSpectralModel,
    ExpCutoffPowerLawNormSpectralModel,
    TemplateNormSpectralModel,
    CompoundNormSpectralModel,
)
_FROM_DATA = (PiecewiseNormSpectralModel, PiecewisePowerLawNormSpectralModel)
_FROM_ARGUMENTS = (TemplateNormSpectralModel, CompoundNormSpectralModel)


def create_norm(
    model: NormSpectralModel | str, dataset: Any = None, exclusion_mask: Any = None, **kwargs: Any
) -> NormSpectralModel:
    """Return a norm model: the given one itself, or a new one by name.

    Parameters
    ----------
    model : norm spectral model or str
        A model; or a class name or tag such as "pl-norm"; or a product of them such as "pl-norm * piecewise-norm".
    dataset : `~fovnb.datasets.MapDataset` or `~fovnb.modeling.sums.BackgroundSums`, optional
        Where "piecewise-norm" and "piecewise-pl-norm" find their nodes; see
        `PiecewiseNormSpectralModel.from_dataset`.
    exclusion_mask : Map, optional
        For the same, with a dataset; by default the dataset's own.
    **kwargs
        For the same, such as ``min_counts``.

    Raises
    ------
    ModelError
        If there is no such model, or it cannot be made from its name (and the dataset).

    Examples
    --------
    >>> create_norm("pl-norm")
    PowerLawNormSpectralModel(tilt=0, norm=1, reference=1 TeV)
    >>> create_norm("pl-norm * lp-norm").labels
    ('tilt', 'norm', 'reference', 'norm_2', 'reference_2', 'alpha', 'beta')
    """
    if isinstance(model, NormSpectralModel):
        return model
    factors = [_create(cls, dataset, exclusion_mask, kwargs) for cls in _classes(model)]
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


def needs_dataset(model: NormSpectralModel | str) -> bool:
    """Return whether `create_norm` needs a dataset for this name.

    Raises
    ------
    ModelError
        If there is no such model.

    Examples
    --------
    >>> needs_dataset("pl-norm"), needs_dataset("piecewise-norm")
    (False, True)
    """
    return not isinstance(model, NormSpectralModel) and any(cls in _FROM_DATA for cls in _classes(model))


def find_class(tag: Any, classes: tuple[Any, ...] = NORM_MODELS) -> Any:
    """Return the class with a name or tag.

    Raises
    ------
    ModelError
        If there is none; the message names the nearest.
    """
    known = {known_tag: cls for cls in classes for known_tag in cls.tag}
    if tag not in known:
        msg = f"no model {tag!r}{did_you_mean(str(tag), known)}; known are {', '.join(known)}"
        raise ModelError(msg)
    return known[tag]


def _classes(name: Any) -> list[Any]:
    if not isinstance(name, str):
        msg = (
            f"{name!r} is no norm model; pass a name such as 'pl-norm', or a model such as PowerLawNormSpectralModel()"
        )
        raise ModelError(msg)
    return [find_class(tag.strip()) for tag in name.split("*")]


def _create(cls: Any, dataset: Any, exclusion_mask: Any, kwargs: dict[str, Any]) -> NormSpectralModel:
    if cls in _FROM_ARGUMENTS:
        msg = f"{cls.tag[-1]!r} cannot be made from its name alone; pass a {cls.__name__} object"
        raise ModelError(msg)
    if cls not in _FROM_DATA:
        model: NormSpectralModel = cls()
    elif dataset is None:
        msg = f"{cls.tag[-1]!r} takes its nodes from data; give a dataset, or {cls.__name__}(energy=...)"
        raise ModelError(msg)
    elif isinstance(dataset, BackgroundSums):
        model = cls.from_sums(dataset, **kwargs)
    else:
        model = cls.from_dataset(dataset, exclusion_mask=exclusion_mask, **kwargs)
    return model
