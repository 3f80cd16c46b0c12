"""Instrument responses: effective area, energy dispersion, point spread function and background, and their maps."""

from fovnb.irf.core import IRF, FoVAlignment
from fovnb.irf.maps import EDispKernelMap, PSFMap
from fovnb.irf.tables import PSF3D, Background3D, EffectiveAreaTable2D, EnergyDispersion2D, read_irf

__all__ = [
    "IRF",
    "PSF3D",
    "Background3D",
    "EDispKernelMap",
    "EffectiveAreaTable2D",
    "EnergyDispersion2D",
    "FoVAlignment",
    "PSFMap",
    "read_irf",
]
