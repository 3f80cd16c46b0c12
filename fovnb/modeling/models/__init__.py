"""Models of the background norm, and lists of them."""

from fovnb.modeling.models.background import FoVBackgroundModel
from fovnb.modeling.models.compound import CompoundNormSpectralModel
from fovnb.modeling.models.core import DatasetModels, Model, Models
from fovnb.modeling.models.create import NormLike, create_norm, is_factory, needs_dataset
from fovnb.modeling.models.norm_base import NormSpectralModel
from fovnb.modeling.models.norms import (
    ExpCutoffPowerLawNormSpectralModel,
    LogParabolaNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)
from fovnb.modeling.models.piecewise import PiecewiseNormSpectralModel, PiecewisePowerLawNormSpectralModel
from fovnb.modeling.models.spatial import FoVGradientSpatialModel, towards_zenith
from fovnb.modeling.prior import GaussianPrior

__all__ = [
    "CompoundNormSpectralModel",
    "DatasetModels",
    "ExpCutoffPowerLawNormSpectralModel",
    "FoVBackgroundModel",
    "FoVGradientSpatialModel",
    "GaussianPrior",
    "LogParabolaNormSpectralModel",
    "Model",
    "Models",
    "NormLike",
    "NormSpectralModel",
    "PiecewiseNormSpectralModel",
    "PiecewisePowerLawNormSpectralModel",
    "PowerLawNormSpectralModel",
    "TemplateNormSpectralModel",
    "create_norm",
    "is_factory",
    "needs_dataset",
    "towards_zenith",
]
