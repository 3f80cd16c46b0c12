"""A background model and the sums of a run as a log-linear problem, and as a dataset that `Fit` can minimise."""

from dataclasses import dataclass, replace
from math import isnan

import numpy as np

from fovnb.errors import ModelError
from fovnb.modeling.likelihood import cash
from fovnb.modeling.loglinear import LogLinear, open_parameters
from fovnb.modeling.models import FoVBackgroundModel, Models, NormSpectralModel
from fovnb.modeling.parameter import Parameter, Parameters
from fovnb.modeling.penalty import Penalty
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["NODE_FLOOR", "SLOPE_LIMIT", "Problem", "ReducedDataset", "as_theta", "log_tangent", "make_problem"]

_TINY = np.finfo(float).tiny
_LARGE = 700.0  # a logarithm whose exponential is still a number
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
    """The U free parameters of a norm model, each once, and the likelihood as a function of theta.

    theta is ln(value) of a norm and the value of a slope.

    Parameters
    ----------
    free : Parameters
        The free parameters.
    labels : tuple of str
        Their names, which differ from each other.
    names : tuple of str
        Names of all P parameters of the model.
    place, start : array, shape (P,)
        Which free parameter each of them is, -1 for none, and its value.
    is_norm : bool array, shape (U,)
        Whether theta is a logarithm.
    limits : tuple of array, shape (U,)
        Lower and upper limits of the values, with our own where none is set.
    likelihood : LogLinear
        Of one set of counts; at the present values a linear approximation unless ``exact``.
    exact : bool
        Whether ln n is linear in theta.
    n_smooth : int
        How many of the penalty's rows, the first, are the smoothness prior's.
    """

    free: Parameters
    labels: tuple[str, ...]
    names: tuple[str, ...]
    place: IntArray
    start: FloatArray
    is_norm: BoolArray
    limits: tuple[FloatArray, FloatArray]
    likelihood: LogLinear
    exact: bool
    n_smooth: int = 0

    @property
    def theta(self) -> FloatArray:
        """Present theta within its limits, shape (U,)."""
        return np.clip(as_theta(self.free.value, self.is_norm), self.likelihood.lower, self.likelihood.upper)

    def values(self, theta: FloatArray) -> FloatArray:
        """Return the parameters' values, shape (..., U); a limit is met exactly."""
        values = np.where(self.is_norm, np.exp(np.minimum(np.where(self.is_norm, theta, 0), _LARGE)), theta)
        values = np.where(theta <= self.likelihood.lower, self.limits[0], values)
        return np.where(theta >= self.likelihood.upper, self.limits[1], values)

    def scale(self, values: FloatArray) -> FloatArray:
        """Return d value / d theta, shape (..., U)."""
        return np.where(self.is_norm, values, 1.0)

    def errors(self, theta: FloatArray, covariance: FloatArray) -> FloatArray:
        """Return the errors of the values, shape (T, U): NaN at a limit, infinite with a part in what is open."""
        sigma = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1)) * self.scale(self.values(theta))
        at_limit = self.likelihood.at_limit(theta)
        known = np.where(at_limit, np.nan, sigma)
        return np.where(open_parameters(self.likelihood, theta, ~at_limit), np.inf, known)

    def expand(self, values: AnyArray, others: AnyArray | float) -> AnyArray:
        """Return numbers for all parameters of the model, shape (..., P), from those of the free ones."""
        return np.where(self.place >= 0, values[..., self.place], others)

    def without_priors(self) -> "Problem":
        """Return the same problem with the data alone."""
        return replace(self, likelihood=replace(self.likelihood, penalty=Penalty.none(len(self.labels))), n_smooth=0)


def make_problem(sums: BackgroundSums, model: FoVBackgroundModel) -> Problem:
    """Return the log-linear problem of the model's free parameters in bins that all hold background.

    Raises
    ------
    ModelError
        If a norm that stays as it is is not positive, or limits exclude each other.
    """
    spectral = model.spectral_model
    parameters, labels = spectral.parameters, spectral.labels
    free = parameters.free_unique_parameters
    is_norm = np.array([_is_norm(par) for par in free], dtype=bool)
    limits = _limits(free, sums.has_source)
    if (limits[0] > limits[1]).any():
        msg = f"the limits of {', '.join(free.names)} are {free.min} and {free.max}; give each a min below its max"
        raise ModelError(msg)
    designed = spectral.log_design(sums.energy)
    constant, columns = _tangent(spectral, sums.energy) if designed is None else designed
    number = {par: j for j, par in enumerate(free)}
    place = np.array([number.get(par, -1) for par in parameters])
    label_of = dict(zip([*parameters][::-1], labels[::-1], strict=True))  # of a linked one its first
    link = (place[:, None] == np.arange(len(free))).astype(float)
    fixed = _fixed_theta(parameters)
    smoothness = spectral.penalty_rows()
    return Problem(
        free=free,
        labels=tuple(label_of[par] for par in free),
        names=labels,
        place=place,
        start=parameters.value,
        is_norm=is_norm,
        limits=limits,
        likelihood=LogLinear(
            counts=sums.counts[None],
            source=sums.source,
            offset=constant + columns @ fixed + np.log(sums.background),
            design=columns @ link,
            lower=as_theta(limits[0], is_norm),
            upper=as_theta(limits[1], is_norm),
            penalty=_penalty(free, is_norm, smoothness, link, fixed),
        ),
        exact=designed is not None,
        n_smooth=len(smoothness),
    )


def log_tangent(spectral: NormSpectralModel, energy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return c and A of ln n = c + A theta, or of its linear approximation at the present values.

    Examples
    --------
    >>> from fovnb.modeling.models import PowerLawNormSpectralModel
    >>> log_tangent(PowerLawNormSpectralModel(), np.array([1.0]))[1].tolist()
    [[-0.0, 1.0, 0.0]]
    """
    designed = spectral.log_design(energy)
    return _tangent(spectral, energy) if designed is None else designed


def as_theta(values: FloatArray, is_norm: BoolArray) -> FloatArray:
    """Return ln(value) of norms and the value of others; ln of what is not positive is minus infinity.

    Examples
    --------
    >>> as_theta(np.array([1.0, 0.0, 0.3]), np.array([True, True, False])).tolist()
    [0.0, -inf, 0.3]
    """
    log = np.log(values, where=is_norm & (values > 0), out=np.where(is_norm, -np.inf, values))
    return np.asarray(log)


def _penalty(
    free: Parameters, is_norm: BoolArray, smoothness: FloatArray, link: FloatArray, fixed: FloatArray
) -> Penalty:
    """Return the priors of the parameters, and the smoothness as rows that are to meet a target."""
    if not (len(smoothness) or any(free.prior)):
        return Penalty.none(len(free))
    rows, target = smoothness @ link, -smoothness @ fixed
    given = [(par.prior.mu.value, par.prior.weight / par.prior.sigma.value**2) if par.prior else (0, 0) for par in free]
    mean, weight = np.array(given, dtype=float).T
    slope = ~is_norm & (weight > 0)
    slopes = np.diag(np.sqrt(weight))[slope]
    rows, target = np.vstack([rows, slopes]), np.append(target, slopes @ mean)
    return Penalty(rows, target, mean, np.where(is_norm, weight, 0))


def _is_norm(par: Parameter) -> bool:
    return par.name.startswith("norm")


def _fixed_theta(parameters: Parameters) -> FloatArray:
    """Return theta of frozen parameters and 0 of free ones."""
    fixed = np.zeros(len(parameters))
    for i, par in enumerate(parameters):
        if not par.frozen:
            continue
        fixed[i] = par.value
        if _is_norm(par):
            if not par.value > 0:
                msg = f"{par.name} is frozen at {par.value:g}, which is no norm; set it to a positive value or free it"
                raise ModelError(msg)
            fixed[i] = np.log(par.value)
    return fixed


def _limits(free: Parameters, has_source: bool) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits of the values, with our own where none is set."""
    lower = [_floor(par, has_source) for par in free]
    upper = [_ceiling(par) if isnan(par.max) else par.max for par in free]
    return np.array(lower), np.array(upper)


def _floor(par: Parameter, has_source: bool) -> float:
    is_norm, limit = _is_norm(par), par.min
    if limit > 0 or not (is_norm or isnan(limit)):
        return limit
    if not is_norm:
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
    return np.nan_to_num((ends[0] - ends[1]) / (2 * step))  # a value that cannot change has no slope


def _log_norm(spectral: NormSpectralModel, energy: FloatArray) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.log(np.maximum(spectral.evaluate_tev(energy), _TINY))
