"""Diagnostics: what the counts say of the predicted background, as small records of arrays. Nothing is drawn here."""

from fovnb.datasets.residuals import Residuals, cash_significance, residuals
from fovnb.diagnostics.alignment import Alignment, alignment
from fovnb.diagnostics.fov import FovResiduals, fov_residuals
from fovnb.diagnostics.gradient import Gradient, gradient
from fovnb.diagnostics.identifiability import Identifiability, identifiability
from fovnb.diagnostics.mask_scan import MaskScan, mask_scan
from fovnb.diagnostics.profile import RadialProfile, radial_profile
from fovnb.diagnostics.significance import SignificanceHistogram, significance_histogram
from fovnb.diagnostics.spectrum import Goodness, RatioSpectrum, goodness, ratio_spectrum
from fovnb.diagnostics.times import Times, times
from fovnb.diagnostics.toys import Toys, toys
from fovnb.diagnostics.trends import Trends, trends
from fovnb.diagnostics.verdict import Flag, Verdict, Verdicts, verdicts
from fovnb.diagnostics.wobble import Wobble, wobble

__all__ = [
    "Alignment",
    "Flag",
    "FovResiduals",
    "Goodness",
    "Gradient",
    "Identifiability",
    "MaskScan",
    "RadialProfile",
    "RatioSpectrum",
    "Residuals",
    "SignificanceHistogram",
    "Times",
    "Toys",
    "Trends",
    "Verdict",
    "Verdicts",
    "Wobble",
    "alignment",
    "cash_significance",
    "fov_residuals",
    "goodness",
    "gradient",
    "identifiability",
    "mask_scan",
    "radial_profile",
    "ratio_spectrum",
    "residuals",
    "significance_histogram",
    "times",
    "toys",
    "trends",
    "verdicts",
    "wobble",
]
