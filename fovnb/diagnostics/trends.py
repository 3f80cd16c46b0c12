"""Trends: the parameters of all runs against each other, and against zenith angle, azimuth, time and livetime."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from astropy import units as u
from astropy.table import Table

from fovnb.datasets import MapDataset
from fovnb.datasets.checks import as_datasets
from fovnb.datasets.ledger import ledger_of, ledger_rows
from fovnb.diagnostics.pixels import Record
from fovnb.errors import InvalidInputError
from fovnb.modeling.background_record import GOOD_STATUSES
from fovnb.modeling.outliers import OutlierTests, fit_with_scatter, outlier_tests
from fovnb.text import did_you_mean
from fovnb.types import FloatArray

__all__ = ["OddRun", "Slope", "Trends", "trends"]

_COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "zenith": ("ZEN_PNT", "deg"),
        "azimuth": ("AZ_PNT", "deg"),
        "time": ("MJD_START", "d"),
        "livetime": ("livetime", "s"),
    }
)
_FEWEST = 4  # runs, for a line and its scatter


@dataclass(frozen=True, repr=False)
class OddRun(Record):
    """A run whose parameter differs from those of the others, and the evidence in a sentence."""

    obs_id: int
    parameter: str
    evidence: str

    def _rows(self) -> dict[str, object]:
        return {"run": self.obs_id, "evidence": self.evidence}


@dataclass(frozen=True, repr=False)
class Slope(Record):
    """Slope of a parameter against a quantity, its error, chance and weighted correlation; NaN with under 4 runs."""

    slope: float = np.nan
    error: float = np.nan
    p_value: float = np.nan
    correlation: float = np.nan

    def _rows(self) -> dict[str, object]:
        slope = f"{self.slope:.3g} ± {self.error:.2g}"
        return {"slope": slope, "p-value": f"{self.p_value:.2g}", "correlation": f"{self.correlation:.2f}"}


@dataclass(frozen=True, eq=False, repr=False)
class Trends(Record):
    """Parameters of R runs; NaN for runs that failed.

    Parameters
    ----------
    obs_id : array, shape (R,)
        Runs.
    parameters : tuple of str
        Names of the P parameters.
    values, errors : array, shape (P, R)
        What was fitted.
    covariates : mapping
        Array of shape (R,) by name: zenith, azimuth [deg], time [MJD, TT], livetime [s]. Azimuths are within half a
        turn of their mean and can exceed 360 deg.
    tests : mapping
        `OutlierTests` by parameter.
    slopes : mapping
        `Slope` by (parameter, covariate), per unit of the covariate.
    """

    obs_id: FloatArray
    parameters: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    covariates: Mapping[str, FloatArray]
    tests: Mapping[str, OutlierTests]
    slopes: Mapping[tuple[str, str], Slope]

    @property
    def flagged(self) -> tuple[OddRun, ...]:
        """Runs unlike all others, with the evidence."""
        return tuple(
            OddRun(int(self.obs_id[r]), name, test.evidence(r, name))
            for name, test in self.tests.items()
            for r in np.flatnonzero(test.flagged).tolist()
        )

    def _rows(self) -> dict[str, object]:
        flags = {f"flagged {flag.obs_id}": flag.evidence for flag in self.flagged}
        tests = "; ".join(dict.fromkeys(test.reason for test in self.tests.values()))
        rows = {"runs": len(self.obs_id), "parameters": ", ".join(self.parameters), "tested": tests}
        return rows | (flags or {"flagged": "none"})


def trends(
    datasets: MapDataset | Iterable[MapDataset] | Table,
    parameters: Sequence[str] | None = None,
    against: Sequence[str] = tuple(_COLUMNS),
) -> Trends:
    """Test each run's parameters against those of the others, and for a slope.

    The test is that of `fovnb.modeling.outliers.outlier_tests`. A slope is that of a weighted line with intrinsic
    scatter s, sum (v - a - b x)^2 / (e^2 + s^2) = R - 2; its p-value is two-sided, of Student's t with R - 2 degrees of
    freedom, for this one pair of parameter and covariate.

    Parameters
    ----------
    datasets : MapDataset, iterable of MapDataset, or Table
        Fitted runs, a stack, or its ledger. Failed runs are NaN.
    parameters : list of str, optional
        By default every parameter that was free in some run.
    against : list of str
        Some of "zenith", "azimuth", "time" and "livetime".

    Raises
    ------
    InvalidInputError
        If a name is unknown, the table is no ledger, or there is no fitted run at all.

    Examples
    --------
    >>> ledger = Table({"OBS_ID": range(1, 7), "status": ["ok"] * 6, "norm": [1, 1.02, 0.98, 1, 0.2, 1.03]})
    >>> ledger["norm_err"] = 0.05
    >>> trends(ledger, against=[]).flagged[0].obs_id
    5
    """
    ledger = _ledger(datasets)
    names = _chosen(parameters, ledger)
    values, errors = (np.array([_floats(ledger, f"{name}{end}") for name in names]) for end in ("", "_err"))
    values[:, ~np.isin(np.asarray(ledger["status"], dtype=str), sorted(GOOD_STATUSES))] = np.nan
    covariates = {name: _covariate(ledger, name) for name in against}
    tests = {name: outlier_tests(*pair) for name, *pair in zip(names, values, errors, strict=True)}
    slopes = {
        (name, other): _slope(x, *pair)
        for name, *pair in zip(names, values, errors, strict=True)
        for other, x in covariates.items()
    }
    return Trends(np.asarray(ledger["OBS_ID"]), names, values, errors, covariates, tests, slopes)


def _ledger(datasets: MapDataset | Iterable[MapDataset] | Table) -> Table:
    if isinstance(datasets, Table):
        missing = {"OBS_ID", "status"} - set(datasets.colnames)
        if missing:
            msg = f"the table has no column {' nor '.join(sorted(missing))}; expected the ledger of a stack"
            raise InvalidInputError(msg)
        return datasets
    return ledger_of(row for dataset in as_datasets(datasets) for row in ledger_rows(dataset))


def _chosen(parameters: Sequence[str] | None, ledger: Table) -> tuple[str, ...]:
    """Return the names of the parameters, each of which has a column and one of errors."""
    known = [name for name in ledger.colnames if f"{name}_err" in ledger.colnames]
    if not known:
        msg = f"none of {len(ledger)} runs has a fitted parameter; fit them with FoVBackgroundMaker(method='fit')"
        raise InvalidInputError(msg)
    for name in parameters or ():
        if name not in known:
            msg = f"no run has a parameter {name!r}{did_you_mean(name, known)}; there are {', '.join(known)}"
            raise InvalidInputError(msg)
    return tuple(known if parameters is None else parameters)


def _covariate(ledger: Table, name: str) -> FloatArray:
    if name not in _COLUMNS:
        msg = f"{name!r} is nothing to plot against{did_you_mean(name, _COLUMNS)}; choose from {', '.join(_COLUMNS)}"
        raise InvalidInputError(msg)
    column, unit = _COLUMNS[name]
    if column not in ledger.colnames:
        return np.full(len(ledger), np.nan)
    found = _floats(ledger, column, unit)
    return _around_mean(found) if name == "azimuth" else found


def _floats(ledger: Table, column: str, unit: str = "") -> FloatArray:
    """Return a column as floats in a unit; a column without unit is taken to be in it."""
    found = ledger[column]
    values = found.filled(np.nan) if hasattr(found, "filled") else found
    return np.array(u.Quantity(values, unit, dtype=float).value)


def _around_mean(angle: FloatArray) -> FloatArray:
    """Return angles within half a turn of their circular mean [deg]."""
    mean = np.rad2deg(np.angle(np.nansum(np.exp(1j * np.deg2rad(angle)))))
    return np.asarray(mean % 360 + (angle - mean + 180) % 360 - 180)


def _slope(x: FloatArray, values: FloatArray, errors: FloatArray) -> Slope:
    """Return the slope of the runs where everything is known."""
    from scipy.special import stdtr

    known = np.isfinite(x) & np.isfinite(values) & np.isfinite(errors) & (errors > 0)
    x, v, e = x[known], values[known], errors[known]
    if len(x) < _FEWEST or np.ptp(x) == 0:
        return Slope()
    scale = np.std(x)
    from_mean = (x - x.mean()) / scale
    fit = fit_with_scatter(v, e, np.stack([np.ones(len(x)), from_mean], axis=1), np.ones((1, len(x)), dtype=bool))
    slope, error = fit.coefficients[0, 1], np.sqrt(fit.covariance[0, 1, 1])
    p_value = 2 * stdtr(len(x) - 2, -abs(slope / error))
    correlation = _correlation(from_mean, v, 1 / (e**2 + fit.scatter[0] ** 2))
    return Slope(float(slope / scale), float(error / scale), float(p_value), correlation)


def _correlation(x: FloatArray, y: FloatArray, weights: FloatArray) -> float:
    (xx, xy), (_, yy) = np.cov(x, y, aweights=weights)
    return float(xy / np.sqrt(xx * yy)) if xx * yy > 0 else np.nan
