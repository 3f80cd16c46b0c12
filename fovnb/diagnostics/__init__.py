"""Diagnostics: what the counts say of the predicted background, as small records of arrays. Nothing is drawn here."""

from fovnb.datasets.residuals import Residuals, cash_significance, residuals
from fovnb.diagnostics.alignment import Alignment, alignment
from fovnb.diagnostics.deviance_profile import DevianceProfile, deviance_change, deviance_profile
from fovnb.diagnostics.fitted_spectrum import FittedSpectrum, fitted_spectrum
from fovnb.diagnostics.fov import FovResiduals, fov_residuals
from fovnb.diagnostics.gradient import Gradient, gradient
from fovnb.diagnostics.identifiability import Identifiability, identifiability
from fovnb.diagnostics.mask_scan import MaskScan, mask_scan
from fovnb.diagnostics.pointings import Pointings, pointings
from fovnb.diagnostics.profile import RadialProfile, radial_profile
from fovnb.diagnostics.safe_spectra import SafeSpectra, safe_spectra
from fovnb.diagnostics.significance import SignificanceHistogram, significance_histogram
from fovnb.diagnostics.spectrum import Goodness, RatioSpectrum, goodness, ratio_spectrum
from fovnb.diagnostics.times import Times, times
from fovnb.diagnostics.toys import Toys, toys
from fovnb.diagnostics.trends import Trends, trends
from fovnb.diagnostics.verdict import Flag, Verdict, Verdicts, verdicts
from fovnb.diagnostics.wobble import Wobble, wobble

__all__ = [
    "Alignment",
    "DevianceProfile",
    "FittedSpectrum",
    "Flag",
    "FovResiduals",
    "Goodness",
    "Gradient",
    "Identifiability",
    "MaskScan",
    "Pointings",
    "RadialProfile",
    "RatioSpectrum",
    "Residuals",
    "SafeSpectra",
    "SignificanceHistogram",
    "Times",
    "Toys",
    "Trends",
    "Verdict",
    "Verdicts",
    "Wobble",
    "alignment",
    "cash_significance",
    "deviance_change",
    "deviance_profile",
    "fitted_spectrum",
    "fov_residuals",
    "goodness",
    "gradient",
    "identifiability",
    "mask_scan",
    "pointings",
    "radial_profile",
    "ratio_spectrum",
    "residuals",
    "safe_spectra",
    "significance_histogram",
    "times",
    "toys",
    "trends",
    "verdicts",
    "wobble",
]
