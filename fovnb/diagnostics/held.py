"""What the counts say of parameters of the norm, and what it costs to hold them where they are not at their best."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.diagnostics.deviance_profile import DevianceProfile, deviance_change, deviance_profile
from fovnb.diagnostics.pixels import Record, runs
from fovnb.errors import FovnbError, InvalidInputError
from fovnb.modeling.background_fit import BackgroundFit, BackgroundSums, fit_background
from fovnb.modeling.models import PiecewiseNormSpectralModel, PiecewisePowerLawNormSpectralModel

__all__ = ["Held", "fitted_nodes", "freed_fit", "held_parameters", "held_profile"]

_REACH = 4.0  # errors on both sides of the mean


@dataclass(frozen=True, repr=False)
class Held(Record):
    """A parameter of the norm, as runs determine it, and where it is held.

    Parameters
    ----------
    name : str
        The parameter.
    value, error : float
        Mean of the runs with weights 1 / error^2, and its error; NaN where no run determines it.
    n_runs : int
        Runs, or groups that share it, in the mean.
    held : float
        Another value.
    rise : float
        By how much -2 ln L, with priors and with all other parameters at their best, is higher with this value in
        every run than with the mean in every run; NaN where a fit does not know.
    """

    name: str
    value: float
    error: float
    n_runs: int
    held: float
    rise: float

    def _rows(self) -> dict[str, object]:
        fitted = f"{self.value:.4g} ± {self.error:.2g} ({self.n_runs} runs)"
        return {"parameter": self.name, "fitted": fitted, "held at": f"{self.held:.4g}", "rise": f"{self.rise:.4g}"}


def held_parameters(datasets: MapDataset | Iterable[MapDataset], values: Mapping[str, float]) -> dict[str, Held]:
    """Return what the counts say of some parameters, one by one, against other values.

    A parameter that was frozen is set free for the answer; nothing is changed.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs whose backgrounds were fitted. Failed runs take no part.
    values : mapping of str to float
        Where each parameter is held, by name.

    Raises
    ------
    InvalidInputError
        If every run failed, or there is none.

    Examples
    --------
    >>> from fovnb.makers import FoVBackgroundMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(npix=1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.counts.data[...], run.background.data[...], run.mask_safe.data[...] = 60, 50, True
    >>> found = held_parameters(FoVBackgroundMaker("fit").run(run), {"norm": 1.1, "tilt": 0.0})
    >>> round(found["norm"].value, 3), round(found["norm"].rise, 3)
    (1.2, 0.883)
    """
    found = runs(datasets)
    return {name: _combined(name, held, found) for name, held in values.items()}


def held_profile(datasets: MapDataset | Iterable[MapDataset], name: str, n: int = 25) -> DevianceProfile:
    """Return the rise of -2 ln L against one value of a parameter for all runs, see `held_parameters`.

    For a single run it is that of `deviance_profile`; for several it is the sum, 0 at their mean.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs whose backgrounds were fitted. Failed runs take no part.
    name : str
        A parameter of the norm.
    n : int
        Number of values.

    Raises
    ------
    InvalidInputError
        If there is no run, or none that determines the parameter.
    """
    found = runs(datasets)
    if len(found) == 1:
        return deviance_profile(freed_fit(found[0], name), name, n)
    told = _told(name, found)
    best, error, number = _mean(told)
    if not number:
        msg = f"no run determines {name!r}; free it, or look at a run that has it"
        raise InvalidInputError(msg)
    floor = 1e-3 * best if name.startswith("norm") else -np.inf
    values = np.linspace(max(best - _REACH * error, floor), best + _REACH * error, n)
    curves = [[_rise(told, name, value, refit) for value in (best, *values)] for refit in (True, False)]
    rise, held = (np.array(curve[1:]) - curve[0] for curve in curves)
    return DevianceProfile(name, values, rise, held, best, error)


def freed_fit(dataset: MapDataset, name: str) -> BackgroundFit:
    """Return the fit of a run's background with one more parameter free; as it is if that is free already.

    Raises
    ------
    InvalidInputError
        If the background was not fitted, has no such parameter, or one that only a fit of its pixels, or of several
        runs together, can set free.
    """
    fit, model = dataset.background_fit, dataset.background_model
    if fit is None or model is None:
        msg = f"the background of {dataset.name!r} was not fitted; give runs as FoVBackgroundMaker returns them"
        raise InvalidInputError(msg)
    if name in fit.free_names:
        return fit
    labels = model.spectral_model.labels
    if name not in labels or model.spatial_model is not None or fit.group:
        msg = f"{name!r} cannot be set free by itself in {dataset.name!r}; fit the run again with it free"
        raise InvalidInputError(msg)
    freed = model.copy()
    freed.spectral_model.parameters[labels.index(name)].frozen = False
    return fit_background(BackgroundSums(fit.energy, fit.counts, fit.background), freed, name=fit.dataset_name)[1]


def fitted_nodes(dataset: MapDataset) -> tuple[float, ...]:
    """Return the energies [TeV] of the nodes of a run's piecewise norm, to four digits; none if it is no such norm.

    Examples
    --------
    >>> from astropy import units as u
    >>> from fovnb.modeling.models import FoVBackgroundModel, PiecewiseNormSpectralModel
    >>> run = MapDataset(name="obs-1")
    >>> run.models = [FoVBackgroundModel("obs-1", PiecewiseNormSpectralModel([1, 2.34567] * u.TeV))]
    >>> fitted_nodes(run)
    (1.0, 2.346)
    """
    model = dataset.background_model
    norm = None if model is None else model.spectral_model
    if not isinstance(norm, PiecewiseNormSpectralModel | PiecewisePowerLawNormSpectralModel):
        return ()
    return tuple(float(f"{energy:.4g}") for energy in norm.energy.to_value("TeV"))


def _combined(name: str, held: float, found: tuple[MapDataset, ...]) -> Held:
    told = _told(name, found)
    value, error, number = _mean(told)
    rise = _rise(told, name, held) - _rise(told, name, value) if number else np.nan
    return Held(name, value, error, number, held, rise)


def _told(name: str, found: tuple[MapDataset, ...]) -> list[tuple[BackgroundFit, float, float]]:
    """Return fit, value and error of each run that knows a parameter.

    What the runs of a group share has one value and error in all of them, and counts once.
    """
    told = {}
    for run in found:
        try:
            fit = freed_fit(run, name)
        except FovnbError:
            continue
        index = fit.parameter_names.index(name)
        value, error = float(fit.values[index]), float(fit.errors[index])
        told[fit.group or run.name, value, error] = fit, value, error
    return list(told.values())


def _mean(told: list[tuple[BackgroundFit, float, float]]) -> tuple[float, float, int]:
    """Return the mean of what is determined, its error, and the number of values in it."""
    values, errors = np.array([pair for _, *pair in told if 0 < pair[1] < np.inf]).reshape(-1, 2).T
    if not values.size:
        return np.nan, np.nan, 0
    weights = errors**-2
    return float(weights @ values / weights.sum()), float(weights.sum() ** -0.5), len(values)


def _rise(told: list[tuple[BackgroundFit, float, float]], name: str, value: float, refit: bool = True) -> float:
    """Return the sum of the rises at a value, NaN where a fit does not know."""
    try:
        return float(np.sum([deviance_change(fit, {name: value}, refit) for fit, _, _ in told]))
    except FovnbError:
        return np.nan
