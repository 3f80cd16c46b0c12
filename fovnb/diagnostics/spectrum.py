"""Counts over prediction per energy bin, and whether the two agree.

Notation: N_k counts and P_k predicted background counts of energy bin k, summed over the used pixels of all runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.checks import common_energy_edges
from fovnb.datasets.residuals import cash_significance
from fovnb.diagnostics.pixels import Mask, Record
from fovnb.diagnostics.sums import divide, n_determined, run_sums
from fovnb.diagnostics.toys import toys
from fovnb.modeling.background_fit import BackgroundSums, fit_background
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.goodness import chi2_p_value, deviance, toy_p_value
from fovnb.modeling.models import FoVBackgroundModel, PowerLawNormSpectralModel
from fovnb.types import FloatArray

__all__ = ["Goodness", "RatioSpectrum", "garwood", "goodness", "ratio_spectrum"]

_ONE_SIGMA = 0.6826894921370859
_FEWEST_FOR_CHI2 = 5.0  # predicted counts a bin, above which the deviance follows chi2
_TOYS = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Goodness(Record):
    """Deviance D of the counts from the prediction, its degrees of freedom, and the chance of a larger one.

    ``method`` is "chi2" or, where a bin predicts 5 counts or less, "toys". Without a degree of freedom the p-value is
    NaN.
    """

    deviance: float
    dof: int
    p_value: float
    method: str

    def _rows(self) -> dict[str, object]:
        return {"deviance": f"{self.deviance:.4g} / {self.dof}", "p-value": f"{self.p_value:.3g} ({self.method})"}


@dataclass(frozen=True, eq=False, repr=False)
class RatioSpectrum(Record):
    """Counts over prediction per energy bin; NaN in bins without a used pixel.

    Parameters
    ----------
    energy_edges : array, shape (K + 1,)
        Edges of the energy bins [TeV].
    counts, npred : array, shape (K,)
        N_k and P_k.
    ratio, ratio_lo, ratio_hi : array, shape (K,)
        R_k = N_k / P_k, and the ends of its central 68.27 % interval (Garwood 1936) for a known P_k.
    pull : array, shape (K,)
        z_k = sign(N_k - P_k) sqrt(2 [P_k - N_k + N_k ln(N_k / P_k)]).
    goodness : Goodness
        D = sum z_k^2 and its probability.
    n_runs : int
        Runs, or stacks, in the sums.
    """

    energy_edges: FloatArray
    counts: FloatArray
    npred: FloatArray
    ratio: FloatArray
    ratio_lo: FloatArray
    ratio_hi: FloatArray
    pull: FloatArray
    goodness: Goodness
    n_runs: int

    @property
    def deviance(self) -> float:
        """D."""
        return self.goodness.deviance

    @property
    def dof(self) -> int:
        """Degrees of freedom of D."""
        return self.goodness.dof

    @property
    def p_value(self) -> float:
        """Chance of a larger D."""
        return self.goodness.p_value

    def _rows(self) -> dict[str, object]:
        shown = {name: np.array2string(getattr(self, name), precision=3) for name in ("ratio", "pull")}
        return {"runs": self.n_runs, "counts": f"{self.counts.sum():g}", **shown, **self.goodness._rows()}


def goodness(datasets: MapDataset | Iterable[MapDataset], exclusion_mask: Mask = None) -> Goodness:
    """Return how well counts and prediction per energy bin agree, see `ratio_spectrum`.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom)
    >>> run.counts.data += 2
    >>> run.background.data += 2
    >>> run.mask_safe.data[...] = True
    >>> goodness(run).deviance
    0.0
    """
    return ratio_spectrum(datasets, exclusion_mask).goodness


def ratio_spectrum(datasets: MapDataset | Iterable[MapDataset], exclusion_mask: Mask = None) -> RatioSpectrum:
    """Return counts over prediction per energy bin, outside the exclusion mask.

    The degrees of freedom are the bins with a prediction minus the parameters that the data determined in one run: what
    a fit of ln n that is linear in its parameters sets to zero, sum_k A_kj (N_k - P_k), is zero also for a sum of runs.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        A run, a stack, or several with one energy axis, which are summed. Failed runs take no part,
        see ``n_runs``.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that each background was fitted with; the norms stay.

    Raises
    ------
    InvalidInputError
        If no pixel is used, or energy axes differ.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom)
    >>> run.counts.data += 3
    >>> run.background.data += 2
    >>> run.mask_safe.data[...] = True
    >>> ratio_spectrum(run).ratio.tolist()
    [1.5, 1.5]
    """
    sums = run_sums(datasets, exclusion_mask)
    found = [run.dataset for run in sums]
    edges = common_energy_edges(found)
    counts, npred = (np.sum([getattr(run, name) for run in sums], axis=0) for name in ("counts", "npred"))
    ratio, low, high = (divide(part, npred) for part in (counts, *garwood(counts)))
    pull = cash_significance(counts, np.where(npred > 0, npred, np.nan))
    quality = _goodness(counts, npred, edges, found)
    return RatioSpectrum(edges, counts, npred, ratio, low, high, pull, quality, len(found))


def garwood(counts: FloatArray, level: float = _ONE_SIGMA) -> tuple[FloatArray, FloatArray]:
    """Return the central confidence interval of Poisson means, chi2 quantiles with 2 N and 2 N + 2 degrees of freedom.

    Garwood 1936, Biometrika 28, 437. The lower end is 0 without counts.

    Examples
    --------
    >>> low, high = garwood(np.array([0.0, 1.0]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.173], [1.841, 3.3])
    """
    from scipy.special import gammaincinv

    tail = (1 - level) / 2
    low = np.where(counts > 0, gammaincinv(np.maximum(counts, 1e-9), tail), 0.0)
    return low, np.asarray(gammaincinv(counts + 1, 1 - tail))


def _goodness(counts: FloatArray, npred: FloatArray, edges: FloatArray, datasets: list[MapDataset]) -> Goodness:
    n_free, found = max(map(n_determined, datasets)), float(deviance(counts, npred))
    dof = max(int(np.count_nonzero(npred)) - n_free, 0)
    if dof == 0 or np.all(npred[npred > 0] > _FEWEST_FOR_CHI2):
        return Goodness(found, dof, chi2_p_value(found, dof), "chi2")
    fit = datasets[0].background_fit
    if n_free == 0:
        drawn = deviance(np.random.default_rng(0).poisson(npred, (_TOYS, len(npred))).astype(float), npred)
    elif len(datasets) == 1 and fit is not None and np.allclose(fit.predicted, npred):
        drawn = toys(fit, _TOYS).deviance
    else:
        drawn = toys(_stand_in(npred, edges, n_free), _TOYS).deviance
    return Goodness(found, dof, toy_p_value(found, drawn[np.isfinite(drawn)]), "toys")


def _stand_in(npred: FloatArray, edges: FloatArray, n_free: int) -> BackgroundFit:
    """Return a fit of the prediction to itself with as many free parameters, two at most, to draw toys from."""
    spectral = PowerLawNormSpectralModel()
    spectral.tilt.frozen = n_free < 2
    sums = BackgroundSums(np.sqrt(edges[1:] * edges[:-1]), npred, npred)
    return fit_background(sums, FoVBackgroundModel("stack", spectral))[1]
