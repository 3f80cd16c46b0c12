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

__all__ = [
    "BACKGROUND",
    "CENTERS",
    "COUNTS",
    "EDGES",
    "SUMS",
    "at_centers",
    "at_edges",
    "bkg",
    "check_log_design",
    "power_law",
]

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


def check_log_design(model: NormSpectralModel) -> None:
    """Demand ln n = c + A theta, and A = d ln n / d theta by central differences, at energies on and off the nodes."""
    energy = np.geomspace(0.2, 50, 29)
    constant, design = model.log_design(energy)
    theta = _theta(model)
    np.testing.assert_allclose(constant + design @ theta, np.log(model.evaluate_tev(energy)), atol=1e-12)
    for j, (par, step) in enumerate(zip(model.parameters, 1e-4 * np.eye(len(theta)), strict=True)):
        ends = [np.log(_at(model, theta + sign * step).evaluate_tev(energy)) for sign in (1, -1)]
        # The reference and a cutoff's alpha are in c, as long as they are frozen.
        in_constant = par.frozen and par.name in ("reference", "alpha")
        expected = np.zeros(len(energy)) if in_constant else (ends[0] - ends[1]) / 2e-4
        np.testing.assert_allclose(design[:, j], expected, atol=1e-9, err_msg=model.labels[j])


def _theta(model: NormSpectralModel) -> np.ndarray:
    return np.array([np.log(par.value) if par.name.startswith("norm") else par.value for par in model.parameters])


def _at(model: NormSpectralModel, theta: np.ndarray) -> NormSpectralModel:
    new = model.copy()
    new.parameters.value = [
        np.exp(x) if par.name.startswith("norm") else x for par, x in zip(model.parameters, theta, strict=True)
    ]
    return new
