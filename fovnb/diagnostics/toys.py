"""Toys: what the fit of a run would give if its own prediction were the truth."""

from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.diagnostics.pixels import Record
from fovnb.diagnostics.sums import divide
from fovnb.errors import InvalidInputError
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.goodness import toy_p_value
from fovnb.modeling.toys import toy_fits
from fovnb.types import FloatArray

__all__ = ["LEVELS", "Toys", "toys"]

LEVELS = (0.025, 0.16, 0.84, 0.975)
"""Lower and upper ends of the bands that hold 95 % and 68 % of the toys, in increasing order."""


@dataclass(frozen=True, eq=False, repr=False)
class Toys(Record):
    """T simulated repetitions of a run and their fits; those that failed are NaN and counted.

    Parameters
    ----------
    parameters : tuple of str
        Names of the P free parameters.
    truth : array, shape (P,)
        What the run's fit found, and the toys were drawn from.
    values, pulls : array, shape (T, P)
        What each toy's fit found, and (value - truth) / error.
    deviance : array, shape (T,)
        Of each toy from its own fit.
    energy : array, shape (K,)
        Centres of the energy bins [TeV].
    bands : array, shape (4, K)
        Counts over fitted prediction that 2.5, 16, 84 and 97.5 % of the toys lie below; NaN in bins without prediction.
    observed_deviance, p_value : float
        Of the run, and the share of toys whose deviance is as large, the run itself being one of T + 1.
    """

    parameters: tuple[str, ...]
    truth: FloatArray
    values: FloatArray
    pulls: FloatArray
    deviance: FloatArray
    energy: FloatArray
    bands: FloatArray
    observed_deviance: float
    p_value: float

    @property
    def n_failed(self) -> int:
        """Toys whose fit failed."""
        return int(np.count_nonzero(np.isnan(self.deviance)))

    def _rows(self) -> dict[str, object]:
        good = self.deviance[np.isfinite(self.deviance)]
        pulls = {f"pulls of {name}": _moments(pull) for name, pull in zip(self.parameters, self.pulls.T, strict=True)}
        observed = f"{self.observed_deviance:.4g}, mean of the toys {good.mean() if good.size else np.nan:.4g}"
        rows: dict[str, object] = {"toys": len(self.deviance), "failed": self.n_failed, "deviance": observed}
        return rows | {"p-value": f"{self.p_value:.3g}"} | pulls


def toys(dataset: MapDataset | BackgroundFit, n: int = 300, rng: np.random.Generator | int | None = None) -> Toys:
    """Draw counts per energy bin from the fitted prediction, and fit them as the run was fitted.

    Parameters
    ----------
    dataset : MapDataset or BackgroundFit
        A run with a fitted background, or the fit.
    n : int
        Number of toys.
    rng : Generator or int, optional
        Random numbers or their seed; None is the seed 0, so that the same run gives the same toys.

    Raises
    ------
    InvalidInputError
        If this is no run, its background was not fitted, or there is no toy to draw.

    Examples
    --------
    >>> from fovnb.modeling.background_fit import BackgroundSums, fit_background
    >>> from fovnb.modeling.models import FoVBackgroundModel
    >>> sums = BackgroundSums(energy=[1.0, 4.0], counts=[120, 40], background=[100.0, 50.0])
    >>> found = toys(fit_background(sums, FoVBackgroundModel("obs-1"))[1], n=100)
    >>> found.parameters, found.bands.shape, found.n_failed
    (('norm',), (4, 2), 0)
    """
    fit = _fit_of(dataset)
    if fit is None or fit.problem is None:
        what = "was not fitted" if fit is None else f"is {fit.status}: {fit.reason}"
        msg = f"the background {what}; expected a run that FoVBackgroundMaker could fit"
        raise InvalidInputError(msg)
    drawn = toy_fits(fit, n, np.random.default_rng(0 if rng is None else rng))
    free = [drawn.names.index(name) for name in fit.problem.labels]
    values, errors, truth = drawn.values[:, free], drawn.errors[:, free], drawn.truth[free]
    return Toys(
        parameters=fit.problem.labels,
        truth=truth,
        values=values,
        pulls=np.where(np.isfinite(errors), divide(values - truth, errors), np.nan),
        deviance=drawn.deviance,
        energy=fit.energy,
        bands=_bands(divide(drawn.counts, drawn.predicted)[~drawn.failed]),
        observed_deviance=fit.deviance,
        p_value=toy_p_value(fit.deviance, drawn.deviance[~drawn.failed]),
    )


def _fit_of(run: object) -> BackgroundFit | None:
    if not isinstance(run, MapDataset | BackgroundFit):
        msg = f"found a {type(run).__name__}; expected one run or its BackgroundFit: give one run of a list at a time"
        raise InvalidInputError(msg)
    return run.background_fit if isinstance(run, MapDataset) else run


def _moments(pull: FloatArray) -> str:
    good = pull[np.isfinite(pull)]
    return f"mean {good.mean():+.2f}, width {good.std():.2f}" if good.size else "none"


def _bands(ratios: FloatArray) -> FloatArray:
    """Return quantiles over the toys, shape (4, K), NaN in bins that no toy has."""
    bands = np.full((len(LEVELS), ratios.shape[1]), np.nan)
    known = np.isfinite(ratios).all(axis=0) & (len(ratios) > 0)
    bands[:, known] = np.quantile(ratios[:, known], LEVELS, axis=0) if known.any() else bands[:, known]
    return bands
