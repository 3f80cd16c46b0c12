"""Counts and prediction per energy bin of each run, and how many parameters its data determined."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.ledger import ledger_rows
from fovnb.diagnostics.pixels import Mask, UsedPixels, used_runs
from fovnb.types import FloatArray

__all__ = ["RunSums", "divide", "n_determined", "run_sums"]


class RunSums(NamedTuple):
    """Counts N_k, prediction P_k and background of the instrument response B_k of a run's used pixels, shape (K,)."""

    dataset: MapDataset
    counts: FloatArray
    npred: FloatArray
    background: FloatArray


def run_sums(datasets: MapDataset | Iterable[MapDataset], exclusion_mask: Mask = None) -> list[RunSums]:
    """Return the sums of every run that has used pixels; one run's pixels at a time are in memory.

    Raises
    ------
    InvalidInputError
        If no run has a used pixel.
    """
    return [_summed(run) for run in used_runs(datasets, exclusion_mask)]


def n_determined(dataset: MapDataset) -> int:
    """Return the number of parameters, or combinations of them, that the data determined; in a stack, of one run.

    What the fit of a log-linear norm sets to zero, sum_k A_kj (N_k - P_k) for each of them, is zero also for the sum of
    runs: a stack has as many degrees of freedom as one run.
    """
    if dataset.background_fit is not None:
        return dataset.background_fit.rank
    return max((len(row.parameters) for row in ledger_rows(dataset)), default=0)


def divide(above: FloatArray, below: FloatArray) -> FloatArray:
    """Return above / below, NaN where the latter is not positive.

    Examples
    --------
    >>> divide(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    return np.asarray(np.divide(above, below, where=below > 0, out=np.full(np.shape(above), np.nan)))


def _summed(run: UsedPixels) -> RunSums:
    background = run.dataset.required("background").data[:, *run.window]
    sums = (np.sum(cube, axis=(1, 2), where=run.mask, dtype=float) for cube in (run.counts, run.npred, background))
    return RunSums(run.dataset, *sums)
