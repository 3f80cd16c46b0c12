"""Parameters, models of the background norm, and their fit."""

from fovnb.modeling.covariance import Covariance
from fovnb.modeling.fit import CovarianceResult, Fit, FitResult, OptimizeResult
from fovnb.modeling.parameter import Parameter, Parameters

__all__ = ["Covariance", "CovarianceResult", "Fit", "FitResult", "OptimizeResult", "Parameter", "Parameters"]
