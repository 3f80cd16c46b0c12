"""A background model and the sums of a run as a log-linear problem, and as a dataset that `Fit` can minimise."""

from dataclasses import dataclass
from math import isnan

import numpy as np

from fovnb.errors import ModelError
from fovnb.modeling.likelihood import cash
from fovnb.modeling.loglinear import LogLinear
from fovnb.modeling.models import FoVBackgroundModel, Models, NormSpectralModel
from fovnb.modeling.parameter import Parameter, Parameters
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import BoolArray, FloatArray

__all__ = ["NODE_FLOOR", "SLOPE_LIMIT", "Problem", "ReducedDataset", "make_problem"]

_TINY = np.finfo(float).tiny
NODE_FLOOR = 1e-3  # lower limit of the norm at a node, where no positive one is set
NODE_CEILING = 1e12  # upper limit of it: a node that hardly reaches a bin could run away
NORM_FLOOR = 1e-6  # lower limit of a single norm beside a source, where no positive one is set
SLOPE_LIMIT = 10.0  # limit of |slope|, where none is set: with all counts in one bin a slope would run away


@dataclass(frozen=True)
class ReducedDataset:
    """The sums of a run as a dataset: ``models`` and ``stat_sum()``.

    The statistic differs from the sum over all pixels by a constant.
    """

    sums: BackgroundSums
    model: FoVBackgroundModel

    @property
    def models(self) -> Models:
        """The model, as a list."""
        return Models([self.model])

    def npred(self) -> FloatArray:
        """Return P_k = n_k B_k + S_k, shape (K,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            norm = self.model.spectral_model.evaluate_tev(self.sums.energy)
            return np.asarray(norm * self.sums.background + self.sums.source)

    def stat_sum(self) -> float:
        """Return 2 sum_k [P_k - N_k ln P_k]."""
        return cash(self.sums.counts, self.npred())


@dataclass(frozen=True, eq=False)
class Problem:
    """The free parameters of a model, each once, and the likelihood as a function of theta.

    theta is ln(value) of a norm and the value of a slope. ``limits`` are those of the values, with our own where none
    is set. ``exact`` says whether ln n is linear in theta; if not,
    ``likelihood`` is its linear approximation at the present values.
    """

    free: Parameters
    is_norm: BoolArray
    limits: tuple[FloatArray, FloatArray]
    likelihood: LogLinear
    exact: bool

    @property
    def theta(self) -> FloatArray:
        """Present theta within its limits, shape (U,)."""
        return np.clip(_theta(self.free.value, self.is_norm), self.likelihood.lower, self.likelihood.upper)

    def values(self, theta: FloatArray) -> FloatArray:
        """Return the parameters' values; a limit is met exactly."""
        values = np.where(self.is_norm, np.exp(np.where(self.is_norm, theta, 0)), theta)
        values = np.where(theta <= self.likelihood.lower, self.limits[0], values)
        return np.where(theta >= self.likelihood.upper, self.limits[1], values)


def make_problem(sums: BackgroundSums, model: FoVBackgroundModel) -> Problem:
    """Return the log-linear problem of the model's free parameters in bins that all hold background.

    Raises
    ------
    ModelError
        If a norm that stays as it is is not positive, or limits exclude each other.
    """
    spectral = model.spectral_model
    free = spectral.parameters.free_unique_parameters
    designed = spectral.log_design(sums.energy)
    exact = designed is not None
    constant, columns = _tangent(spectral, sums.energy) if designed is None else designed
    is_norm = np.array([_is_norm(par) for par in free])
    limits = _limits(free, bool(sums.source.any()))
    if np.any(limits[0] > limits[1]):
        msg = f"the limits of {', '.join(free.names)} are {free.min} and {free.max}; give each a min below its max"
        raise ModelError(msg)
    offset = constant + columns @ _fixed_theta(spectral.parameters) + np.log(sums.background)
    lower, upper = (_theta(limit, is_norm) for limit in limits)
    design = columns @ np.array([[float(par is one) for one in free] for par in spectral.parameters])
    return Problem(free, is_norm, limits, LogLinear(sums.counts, sums.source, offset, design, lower, upper), exact)


def _is_norm(par: Parameter) -> bool:
    return par.name.startswith("norm")


def _theta(values: FloatArray, is_norm: BoolArray) -> FloatArray:
    """Return ln(value) of norms and the value of others; ln of what is not positive is minus infinity."""
    log = np.log(values, where=is_norm & (values > 0), out=np.where(is_norm, -np.inf, values))
    return np.asarray(log)


def _fixed_theta(parameters: Parameters) -> FloatArray:
    """Return theta of frozen parameters and 0 of free ones."""
    for par in parameters:
        if par.frozen and _is_norm(par) and not par.value > 0:
            msg = f"{par.name} is frozen at {par.value:g}, which is no norm; set it to a positive value or free it"
            raise ModelError(msg)
    fixed = [(np.log(p.value) if _is_norm(p) else p.value) if p.frozen else 0.0 for p in parameters]
    return np.array(fixed, dtype=float)


def _limits(free: Parameters, has_source: bool) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits of the values, with our own where none is set."""
    lower = [_floor(par, has_source) for par in free]
    upper = [_ceiling(par) if isnan(par.max) else par.max for par in free]
    return np.array(lower), np.array(upper)


def _floor(par: Parameter, has_source: bool) -> float:
    if par.min > 0 or not (_is_norm(par) or isnan(par.min)):
        return par.min
    if not _is_norm(par):
        return -SLOPE_LIMIT
    if par.name.startswith("norm_"):
        return NODE_FLOOR
    # Only a source can explain all counts and leave the best norm at 0, where theta would run away.
    return NORM_FLOOR if has_source else 0.0


def _ceiling(par: Parameter) -> float:
    return NODE_CEILING if par.name.startswith("norm_") else np.inf if _is_norm(par) else SLOPE_LIMIT


def _tangent(spectral: NormSpectralModel, energy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return c and A of the linear approximation of ln n at the present values, by central differences."""
    columns = np.zeros((len(energy), len(spectral.parameters)))
    theta = np.zeros(len(spectral.parameters))
    for j, par in enumerate(spectral.parameters):
        if not par.frozen:
            theta[j] = np.log(max(par.value, _TINY)) if _is_norm(par) else par.value
            columns[:, j] = _slope(spectral, j, energy) * (par.value if _is_norm(par) else 1.0)
    return _log_norm(spectral, energy) - columns @ theta, columns


def _slope(spectral: NormSpectralModel, j: int, energy: FloatArray) -> FloatArray:
    """Return d ln n / d value of the j-th parameter."""
    step = 1e-5 * (abs(spectral.parameters[j].value) or 1.0)
    ends = []
    for sign in (1, -1):
        trial = spectral.copy()
        trial.parameters[j].value += sign * step
        ends.append(_log_norm(trial, energy))
    return np.asarray((ends[0] - ends[1]) / (2 * step))


def _log_norm(spectral: NormSpectralModel, energy: FloatArray) -> FloatArray:
    return np.log(np.maximum(spectral.evaluate_tev(energy), _TINY))
