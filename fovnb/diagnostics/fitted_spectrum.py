"""Counts, background and corrected background per energy bin, as the fits of the runs summed them: no pixel is read.

Notation: N_k counts, B_k background of the instrument response and P_k corrected background of energy bin k, outside
the exclusion mask, summed over runs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.checks import common_energy_edges
from fovnb.datasets.residuals import cash_significance
from fovnb.diagnostics.pixels import Record, runs
from fovnb.diagnostics.spectrum import garwood
from fovnb.diagnostics.sums import divide
from fovnb.errors import InvalidInputError
from fovnb.modeling.background_record import BackgroundFit
from fovnb.types import FloatArray

__all__ = ["FittedSpectrum", "fitted_spectrum"]


@dataclass(frozen=True, eq=False, repr=False)
class FittedSpectrum(Record):
    """What the background was before and after the fit, beside the counts; NaN in bins without background.

    Parameters
    ----------
    energy_edges : array, shape (K + 1,)
        Edges of the energy bins [TeV].
    counts, background, npred : array, shape (K,)
        N_k, B_k and P_k.
    counts_lo, counts_hi : array, shape (K,)
        Ends of the central 68.27 % interval for the mean of N_k (Garwood 1936).
    ratio, ratio_lo, ratio_hi : array, shape (K,)
        R_k = N_k / P_k, and the ends of its interval for a known P_k.
    pull : array, shape (K,)
        z_k = sign(N_k - P_k) sqrt(2 [P_k - N_k + N_k ln(N_k / P_k)]).
    deviance : float
        D = sum z_k^2.
    dof : int
        Bins with a prediction, less the combinations of parameters that the data determined in one run.
    names : tuple of str
        Datasets that take part.
    """

    energy_edges: FloatArray
    counts: FloatArray
    background: FloatArray
    npred: FloatArray
    counts_lo: FloatArray
    counts_hi: FloatArray
    ratio: FloatArray
    ratio_lo: FloatArray
    ratio_hi: FloatArray
    pull: FloatArray
    deviance: float
    dof: int
    names: tuple[str, ...]

    def _rows(self) -> dict[str, object]:
        shown = {name: np.array2string(getattr(self, name), precision=3) for name in ("ratio", "pull")}
        sums = {name: f"{getattr(self, name).sum():.6g}" for name in ("counts", "background", "npred")}
        return {"runs": len(self.names), **sums, **shown, "deviance": f"{self.deviance:.4g} / {self.dof}"}


def fitted_spectrum(datasets: MapDataset | Iterable[MapDataset]) -> FittedSpectrum:
    """Return counts, background and corrected background per energy bin, outside the mask of each fit.

    The numbers are those of `ratio_spectrum` of the same runs, in a small part of the time.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        A run, or several with one energy axis, which are summed. Failed runs take no part, see ``names``.

    Raises
    ------
    InvalidInputError
        If every run failed, one was not fitted, such as a stack, or energy axes differ.

    Examples
    --------
    >>> from fovnb.makers import FoVBackgroundMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.counts.data[0], run.counts.data[1], run.background.data[...], run.mask_safe.data[...] = 4, 2, 1, True
    >>> found = fitted_spectrum(FoVBackgroundMaker("scale").run(run))
    >>> found.background.tolist(), found.npred.round(9).tolist(), found.ratio.round(3).tolist()
    ([100.0, 100.0], [300.0, 300.0], [1.333, 0.667])
    """
    found = runs(datasets)
    fits = [_fit_of(run) for run in found]
    counts, background, npred = (
        np.sum([getattr(fit, name) for fit in fits], axis=0) for name in ("counts", "background", "predicted")
    )
    low, high = garwood(counts)
    pull = cash_significance(counts, np.where(npred > 0, npred, np.nan))
    return FittedSpectrum(
        energy_edges=common_energy_edges(found),
        counts=counts,
        background=background,
        npred=npred,
        counts_lo=low,
        counts_hi=high,
        ratio=divide(counts, npred),
        ratio_lo=divide(low, npred),
        ratio_hi=divide(high, npred),
        pull=pull,
        deviance=float(np.nansum(pull**2)),
        dof=max(int(np.count_nonzero(npred)) - max(fit.rank for fit in fits), 0),
        names=tuple(run.name for run in found),
    )


def _fit_of(run: MapDataset) -> BackgroundFit:
    if run.background_fit is None:
        msg = f"the background of {run.name!r} was not fitted; give runs as FoVBackgroundMaker returns them, no stack"
        raise InvalidInputError(msg)
    return run.background_fit
