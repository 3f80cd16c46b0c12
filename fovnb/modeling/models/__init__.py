"""Models of the background norm, and lists of them."""

from fovnb.modeling.models.background import FoVBackgroundModel
from fovnb.modeling.models.core import DatasetModels, Model, Models
from fovnb.modeling.models.norm_base import NormSpectralModel
from fovnb.modeling.models.norms import (
    ExpCutoffPowerLawNormSpectralModel,
    LogParabolaNormSpectralModel,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)

__all__ = [
    "DatasetModels",
    "ExpCutoffPowerLawNormSpectralModel",
    "FoVBackgroundModel",
    "LogParabolaNormSpectralModel",
    "Model",
    "Models",
    "NormSpectralModel",
    "PiecewiseNormSpectralModel",
    "PowerLawNormSpectralModel",
    "TemplateNormSpectralModel",
]
