"""Norm models by name."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeGuard

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

__all__ = ["NORM_MODELS", "NormLike", "create_norm", "find_class", "is_factory", "needs_dataset"]

NORM_MODELS: tuple[type[NormSpectralModel], ...] = (
    PowerLawNormSpectralModel,
    PiecewiseNormSpectralModel,
    PiecewisePowerLawNormSpectralModel,
    LogParabolaNormSpectralModel,
    ExpCutoffPowerLawNormSpectralModel,
    TemplateNormSpectralModel,
    CompoundNormSpectralModel,
)
NormLike: TypeAlias = NormSpectralModel | str | Callable[..., NormSpectralModel]
_FROM_DATA = (PiecewiseNormSpectralModel, PiecewisePowerLawNormSpectralModel)
_FROM_ARGUMENTS = (TemplateNormSpectralModel, CompoundNormSpectralModel)


def create_norm(model: NormLike, dataset: Any = None, exclusion_mask: Any = None, **kwargs: Any) -> NormSpectralModel:
    """Return a norm model: the given one itself, or a new one by name or from a dataset.

    Parameters
    ----------
    model : norm spectral model, str or callable
        A model; or a class name or tag such as "pl-norm"; or a product of them such as "pl-norm * piecewise-norm"; or
        what makes one from a dataset, such as ``PiecewiseNormSpectralModel.from_dataset``, with a ``partial`` around
        it for its options.
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
    if is_factory(model):
        return _made(model, dataset, exclusion_mask, kwargs)
    factors = [_create(cls, dataset, exclusion_mask, kwargs) for cls in _classes(model)]
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    return product


def is_factory(model: object) -> TypeGuard[Callable[..., NormSpectralModel]]:
    """Return whether something makes norm models from datasets; a class is none: it waits for its arguments."""
    return callable(model) and not isinstance(model, NormSpectralModel | type)


def needs_dataset(model: NormLike) -> bool:
    """Return whether `create_norm` needs a dataset for this.

    Raises
    ------
    ModelError
        If there is no such model.

    Examples
    --------
    >>> needs_dataset("pl-norm"), needs_dataset("piecewise-norm")
    (False, True)
    """
    if is_factory(model):
        return True
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


def _made(
    factory: Callable[..., NormSpectralModel], dataset: Any, exclusion_mask: Any, kwargs: dict[str, Any]
) -> NormSpectralModel:
    if dataset is None:
        msg = f"{factory!r} makes a norm from a dataset, and none was given; give one, or a norm model"
        raise ModelError(msg)
    options = kwargs if exclusion_mask is None else {**kwargs, "exclusion_mask": exclusion_mask}
    made: object = factory(dataset, **options)
    if not isinstance(made, NormSpectralModel):
        msg = f"{factory!r} made {made!r} from a dataset; expected a norm model such as PowerLawNormSpectralModel()"
        raise ModelError(msg)
    return made


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
