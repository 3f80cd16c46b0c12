"""Minimise the fit statistic of datasets with Minuit.

A dataset is anything that has ``models`` (whose items have ``parameters``) and ``stat_sum()``, which returns -2 ln L.
Where all of them also have ``stat_gradient(parameters)``, Minuit need not find its derivatives by differences.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fovnb.errors import InvalidInputError, ModelError, PredictionError
from fovnb.modeling.covariance import embed
from fovnb.modeling.models import Models
from fovnb.modeling.parameter import Parameter, Parameters
from fovnb.text import did_you_mean, html_summary, text_summary
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["CovarianceResult", "Fit", "FitResult", "OptimizeResult"]

_FAR = 1e30  # stands for infinity, which Minuit cannot step back from
_OPTIONS = ("backend", "errordef", "migrad_opts", "print_level", "strategy", "tol")


class DatasetLike(Protocol):
    """What `Fit` needs of a dataset."""

    @property
    def models(self) -> Any:
        """The models, each with parameters."""

    def stat_sum(self) -> float:
        """Return -2 ln L at the parameters' present values."""


@dataclass(frozen=True)
class OptimizeResult:
    """What the minimisation found; ``models`` is a copy."""

    success: bool
    message: str
    total_stat: float
    nfev: int
    models: Models
    trace: "Table"
    minuit: Any = None
    backend: str = "minuit"
    method: str = "migrad"

    @property
    def parameters(self) -> Parameters:
        """Best fit parameters."""
        return self.models.parameters

    def __repr__(self) -> str:
        return f"OptimizeResult(success={self.success}, total_stat={self.total_stat:.3f}, nfev={self.nfev})"

    def __str__(self) -> str:
        return text_summary("OptimizeResult", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("OptimizeResult", self._rows())

    def _rows(self) -> dict[str, object]:
        shown = ("success", "message", "total_stat", "nfev", "backend", "method")
        return {name: getattr(self, name) for name in shown}


@dataclass(frozen=True)
class CovarianceResult:
    """The covariance of all parameters, shape (n, n); rows of frozen ones are 0."""

    success: bool
    message: str
    matrix: FloatArray
    backend: str = "minuit"
    method: str = "hesse"

    def __repr__(self) -> str:
        return f"CovarianceResult(success={self.success}, {len(self.matrix)} parameters)"

    def _repr_html_(self) -> str:
        rows = {"success": self.success, "message": self.message, "parameters": len(self.matrix)}
        return html_summary("CovarianceResult", rows)


@dataclass(frozen=True)
class FitResult:
    """Minimum and covariance together."""

    optimize_result: OptimizeResult
    covariance_result: CovarianceResult

    @property
    def success(self) -> bool:
        """Whether both steps succeeded."""
        return self.optimize_result.success and self.covariance_result.success

    @property
    def message(self) -> str:
        """What the minimiser says."""
        return self.optimize_result.message

    @property
    def total_stat(self) -> float:
        """-2 ln L at the minimum."""
        return self.optimize_result.total_stat

    @property
    def nfev(self) -> int:
        """Number of evaluations."""
        return self.optimize_result.nfev

    @property
    def models(self) -> Models:
        """Copies of the best fit models."""
        return self.optimize_result.models

    @property
    def parameters(self) -> Parameters:
        """Best fit parameters."""
        return self.optimize_result.parameters

    @property
    def trace(self) -> "Table":
        """Statistic and parameters at each evaluation, if asked for."""
        return self.optimize_result.trace

    @property
    def minuit(self) -> Any:
        """The iminuit object."""
        return self.optimize_result.minuit

    @property
    def backend(self) -> str:
        """Always "minuit"."""
        return self.optimize_result.backend

    @property
    def method(self) -> str:
        """Always "migrad"."""
        return self.optimize_result.method

    def __repr__(self) -> str:
        return f"FitResult(success={self.success}, total_stat={self.total_stat:.3f}, nfev={self.nfev})"

    def __str__(self) -> str:
        return text_summary("FitResult", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("FitResult", self._rows())

    def _rows(self) -> dict[str, object]:
        return {**self.optimize_result._rows(), "success": self.success, "covariance": self.covariance_result.message}


class Fit:
    """Minimise -2 ln L with Minuit's MIGRAD and take the covariance from HESSE.

    Parameters
    ----------
    backend : {"minuit"}
        The minimiser.
    optimize_opts : dict, optional
        ``tol`` (0.1 by default, as in Gammapy; 1e-3 reaches the minimum closely), ``strategy``, ``print_level``,
        ``errordef``, and ``migrad_opts``, passed on to ``Minuit.migrad``.
    covariance_opts : dict, optional
        Accepted for Gammapy's sake; HESSE has no option here.
    store_trace : bool
        Keep statistic and parameters of each evaluation in ``result.trace``.

    Raises
    ------
    InvalidInputError
        If a backend or an option is unknown.

    Examples
    --------
    >>> fit = Fit(optimize_opts={"tol": 1e-3})
    >>> fit
    Fit(backend='minuit', optimize_opts={'tol': 0.001})
    """

    def __init__(
        self,
        backend: str = "minuit",
        optimize_opts: dict[str, Any] | None = None,
        covariance_opts: dict[str, Any] | None = None,
        store_trace: bool = False,
    ) -> None:
        self.backend = backend
        self.optimize_opts = dict(optimize_opts or {})
        self.covariance_opts = dict(covariance_opts or {})
        self.store_trace = store_trace
        for name in {backend, self.optimize_opts.get("backend", backend), self.covariance_opts.get("backend", backend)}:
            if name != "minuit":
                msg = f"backend is {name!r}; 'minuit' is the only one here"
                raise InvalidInputError(msg)
        for name in self.optimize_opts:
            if name not in _OPTIONS:
                msg = f"optimize_opts has {name!r}{did_you_mean(name, _OPTIONS)}; known are {', '.join(_OPTIONS)}"
                raise InvalidInputError(msg)

    def run(self, datasets: "DatasetLike | Iterable[DatasetLike]") -> FitResult:
        """Minimise, then take the covariance; values, errors and covariance go into the datasets' models.

        Raises
        ------
        ModelError
            If no parameter is free.
        """
        datasets = _as_list(datasets)
        optimize_result = self.optimize(datasets)
        covariance_result = self.covariance(datasets, optimize_result)
        optimize_result.models.covariance = covariance_result.matrix
        return FitResult(optimize_result, covariance_result)

    def optimize(self, datasets: "DatasetLike | Iterable[DatasetLike]") -> OptimizeResult:
        """Minimise; values go into the datasets' models."""
        from astropy.table import Table

        datasets = _as_list(datasets)
        models = _models(datasets)
        free = models.parameters.free_unique_parameters
        if not len(free):
            known = ", ".join(models.parameters.names)
            several = f"all of {known} are frozen; set frozen = False on at least one"
            msg = f"there is nothing to fit: {several if known else 'no dataset has a model; set dataset.models first'}"
            raise ModelError(msg)
        trace: list[list[float]] = []
        statistic = _Statistic(datasets, free, trace if self.store_trace else None)
        minuit = _minuit(statistic, free, self.optimize_opts)
        minuit.migrad(**self.optimize_opts.get("migrad_opts", {}))
        unique_names = dict(zip(models.parameters, models.parameters_unique_names, strict=True))
        names = ["total_stat", *(unique_names[par] for par in free)]
        return OptimizeResult(
            success=bool(minuit.valid),
            message=_message(minuit),
            total_stat=statistic(minuit.values),
            nfev=int(minuit.nfcn),
            models=models.copy(),
            trace=Table(rows=trace or None, names=names, dtype=[float] * len(names)),
            minuit=minuit,
        )

    def covariance(
        self, datasets: "DatasetLike | Iterable[DatasetLike]", optimize_result: OptimizeResult | None = None
    ) -> CovarianceResult:
        """Take the covariance at the present values; it and the errors go into the datasets' models."""
        datasets = _as_list(datasets)
        models = _models(datasets)
        free = models.parameters.free_unique_parameters
        values = free.value
        minuit = (
            optimize_result.minuit if optimize_result else _minuit(_Statistic(datasets, free), free, self.optimize_opts)
        )
        minuit.hesse()  # what MIGRAD leaves behind is only an estimate
        free.value = values
        success = minuit.covariance is not None
        matrix = np.asarray(minuit.covariance) if success else np.full((len(free), len(free)), np.nan)
        models.covariance = embed(matrix, models.parameters, free)
        message = "Hesse terminated successfully." if success else "Hesse failed."
        return CovarianceResult(success, message, models.covariance.data)

    def __repr__(self) -> str:
        return f"Fit(backend={self.backend!r}, optimize_opts={self.optimize_opts!r})"

    def _repr_html_(self) -> str:
        return html_summary("Fit", {"backend": self.backend, "optimize_opts": self.optimize_opts})


@dataclass(frozen=True)
class _Statistic:
    """-2 ln L as a function of the free parameters' values, which it sets."""

    datasets: list[DatasetLike]
    free: Parameters
    trace: list[list[float]] | None = None

    @property
    def has_gradient(self) -> bool:
        """Whether every dataset knows its derivatives."""
        return all(hasattr(dataset, "stat_gradient") for dataset in self.datasets)

    def gradient(self, values: Iterable[float]) -> FloatArray:
        """Return the derivatives of -2 ln L with the free parameters' values, which it sets."""
        self.free.value = list(values)
        gradients: list[FloatArray] = [getattr(dataset, "stat_gradient")(self.free) for dataset in self.datasets]  # noqa: B009
        return np.asarray(np.sum(gradients, axis=0))

    def __call__(self, values: Iterable[float]) -> float:
        self.free.value = list(values)
        try:
            total = float(sum(dataset.stat_sum() for dataset in self.datasets))
        except PredictionError:
            total = _FAR
        if self.trace is not None:
            self.trace.append([total, *self.free.value])
        return total if isfinite(total) else _FAR


def _minuit(statistic: _Statistic, free: Parameters, options: dict[str, Any]) -> Any:
    from iminuit import Minuit  # type: ignore[import-untyped]

    names = [f"par_{i:03d}_{par.name}" for i, par in enumerate(free)]
    gradient = statistic.gradient if statistic.has_gradient else None
    minuit = Minuit(statistic, free.value, grad=gradient, name=names)
    minuit.errordef = options.get("errordef", Minuit.LEAST_SQUARES)
    minuit.tol = options.get("tol", 0.1)
    minuit.strategy = options.get("strategy", 1)
    minuit.print_level = options.get("print_level", 0)
    minuit.errors = [_step(par) for par in free]
    minuit.limits = [(None if isnan(par.min) else par.min, None if isnan(par.max) else par.max) for par in free]
    return minuit


def _step(par: Parameter) -> float:
    """Return the size of Minuit's first step."""
    return par.error if 0 < par.error < np.inf else 0.1 * abs(par.value) or 0.1


def _message(minuit: Any) -> str:
    if minuit.valid:
        return "Optimization terminated successfully."
    reasons = {
        "the call limit was reached": minuit.fmin.has_reached_call_limit,
        "the estimated distance to the minimum is too large": minuit.fmin.is_above_max_edm,
        "a parameter is at its limit": minuit.fmin.has_parameters_at_limit,
        "the Hesse matrix could not be made positive": not minuit.fmin.has_posdef_covar,
    }
    return f"Optimization failed: {', '.join(reason for reason, true in reasons.items() if true) or 'no reason given'}."


def _as_list(datasets: DatasetLike | Iterable[DatasetLike]) -> list[DatasetLike]:
    found = list(datasets) if isinstance(datasets, Iterable) else [datasets]
    for dataset in found:
        if not hasattr(dataset, "stat_sum"):
            msg = f"{type(dataset).__name__} is no dataset; expected a MapDataset, several, or Datasets"
            raise InvalidInputError(msg)
    return found


def _models(datasets: Iterable[DatasetLike]) -> Models:
    """Return the datasets' own models, each once."""
    return Models(dict.fromkeys(model for dataset in datasets for model in dataset.models or []))
