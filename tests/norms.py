"""One run's sums and the usual norm models, for the tests of their fit."""

from typing import Any

import numpy as np
from astropy import units as u

from fovnb.modeling.background_fit import BackgroundSums
from fovnb.modeling.models import (
    FoVBackgroundModel,
    NormSpectralModel,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
)

__all__ = ["BACKGROUND", "CENTERS", "COUNTS", "EDGES", "SUMS", "at_centers", "at_edges", "bkg", "power_law"]

EDGES = np.geomspace(0.5, 10, 6)
CENTERS = np.sqrt(EDGES[1:] * EDGES[:-1])
COUNTS = np.array([1200.0, 500.0, 200.0, 60.0, 15.0])
BACKGROUND = np.array([1500.0, 550.0, 210.0, 70.0, 13.0])
SUMS = BackgroundSums(CENTERS, COUNTS, BACKGROUND)


def power_law(**values: Any) -> PowerLawNormSpectralModel:
    """Return a power law with a free tilt."""
    model = PowerLawNormSpectralModel(**values)
    model.tilt.frozen = False
    return model


def at_centers(**kwargs: Any) -> PiecewiseNormSpectralModel:
    """Return a norm at the centre of each bin."""
    return PiecewiseNormSpectralModel(CENTERS * u.TeV, **kwargs)


def at_edges(**kwargs: Any) -> PiecewiseNormSpectralModel:
    """Return a norm at each edge of the bins: one more than there are bins, made the way Gammapy's recipe does."""
    return PiecewiseNormSpectralModel(EDGES * u.TeV, norms=np.ones_like(EDGES * u.TeV), **kwargs)


def bkg(spectral: NormSpectralModel) -> FoVBackgroundModel:
    """Return the background model of run 1 with this norm."""
    return FoVBackgroundModel("obs-1", spectral)
