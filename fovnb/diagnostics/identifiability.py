"""Identifiability: which parameters of the norm, or combinations of them, the counts can determine at all.

Notation: P_k predicted counts of energy bin k, theta the free parameters, by their logarithm where they are norms.
"""

from dataclasses import dataclass

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.diagnostics.pixels import Mask, Record
from fovnb.diagnostics.sums import run_sums
from fovnb.errors import InvalidInputError
from fovnb.modeling.background_fit import BackgroundFit, BackgroundSums
from fovnb.modeling.identify import advice, open_directions, open_words
from fovnb.modeling.loglinear import null_space
from fovnb.modeling.models import FoVBackgroundModel
from fovnb.modeling.reduced import Problem, make_problem
from fovnb.types import FloatArray

__all__ = ["Identifiability", "identifiability"]


@dataclass(frozen=True, eq=False, repr=False)
class Identifiability(Record):
    """What the data say of the n free parameters.

    Parameters
    ----------
    parameters : tuple of str
        Names of the free parameters.
    eigenvalues : array, shape (n,)
        Of J^T diag(P) J, largest first: the inverse variances along the eigenvectors.
    eigenvectors : array, shape (n, n)
        One a column, in ln(value) of norms and the value of other parameters.
    rank : int
        Number of combinations that the data determine.
    open : tuple of str
        What they leave open: parameters that change no bin, and combinations that cancel in every bin.
    """

    parameters: tuple[str, ...]
    eigenvalues: FloatArray
    eigenvectors: FloatArray
    rank: int
    open: tuple[str, ...]

    @property
    def n_free(self) -> int:
        """Number of free parameters."""
        return len(self.parameters)

    @property
    def condition(self) -> float:
        """Largest over smallest eigenvalue; infinite where something is open."""
        if self.rank < self.n_free:
            return np.inf
        return float(self.eigenvalues[0] / self.eigenvalues[-1])

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {"free": ", ".join(self.parameters), "rank": f"{self.rank} of {self.n_free}"}
        return rows | {"condition": f"{self.condition:.3g}", "open": "; ".join(self.open) or "nothing"}


def identifiability(
    data: MapDataset | BackgroundFit | BackgroundSums,
    model: FoVBackgroundModel | None = None,
    exclusion_mask: Mask = None,
) -> Identifiability:
    """Return what the counts can say of the free parameters of a norm model, fitted or not.

    The information is J^T diag(P) J with J = d ln P_k / d theta, over bins with P_k > 0; its null space is what a fit
    cannot find. Priors are no part of it. What a gradient over the field says is not seen in sums per energy bin.

    Parameters
    ----------
    data : MapDataset, BackgroundFit or BackgroundSums
        Counts and background per energy bin, or what they are summed from.
    model : FoVBackgroundModel, optional
        The model to ask about, by default the dataset's own.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that the dataset's background was fitted with.

    Raises
    ------
    InvalidInputError
        If the data are of another kind, there is no model, no parameter of it is free, or no bin holds background.

    Examples
    --------
    >>> from astropy import units as u
    >>> from fovnb.modeling.models import PiecewiseNormSpectralModel
    >>> sums = BackgroundSums(energy=[2.0, 4.0], counts=[90, 30], background=[100.0, 25.0])
    >>> at_edges = PiecewiseNormSpectralModel([1.5, 2.8, 5.5] * u.TeV)
    >>> found = identifiability(sums, FoVBackgroundModel("obs-1", at_edges))
    >>> found.rank, found.n_free
    (2, 3)
    """
    _check_kind(data)
    if model is None and isinstance(data, BackgroundFit) and data.problem is not None:
        return _of_problem(data.problem)
    chosen = model or (data.background_model if isinstance(data, MapDataset) else None)
    if chosen is None or chosen.spectral_model.frozen:
        found = "no background model" if chosen is None else "a background model without a free parameter"
        msg = f"there is {found}, so that nothing is to be determined; give a FoVBackgroundModel with a free norm"
        raise InvalidInputError(msg)
    sums = _sums(data, exclusion_mask).select_used()
    if not len(sums.energy):
        msg = "no energy bin holds background, so that nothing can be determined; widen the masks"
        raise InvalidInputError(msg)
    return _of_problem(make_problem(sums, chosen))


def _check_kind(data: object) -> None:
    if not isinstance(data, MapDataset | BackgroundFit | BackgroundSums):
        msg = f"found a {type(data).__name__}; expected one dataset, its BackgroundFit or its BackgroundSums"
        raise InvalidInputError(msg)


def _sums(data: MapDataset | BackgroundFit | BackgroundSums, exclusion_mask: Mask) -> BackgroundSums:
    if not isinstance(data, MapDataset):
        return BackgroundSums(data.energy, data.counts, data.background)
    (run,) = run_sums(data, exclusion_mask)
    return BackgroundSums(data.geom.axes["energy"].center.to_value("TeV"), run.counts, run.background)


def _of_problem(problem: Problem) -> Identifiability:
    likelihood, names = problem.without_priors().likelihood, problem.labels
    predicted = likelihood.weights(problem.theta[None])[1][0]
    rows, size = predicted > 0, len(names)
    null = null_space(likelihood, rows, np.ones(size, dtype=bool))
    rank = size - null.shape[1]
    values, vectors = np.linalg.eigh((likelihood.design.T * predicted) @ likelihood.design)
    # Rounding leaves numbers of either sign where the rank says 0.
    eigenvalues = np.where(np.arange(size) < rank, values[::-1], 0.0)
    sentences = tuple(_sentence(direction, names) for direction in open_directions(null))
    return Identifiability(names, eigenvalues, vectors[:, ::-1], rank, sentences)


def _sentence(direction: FloatArray, names: tuple[str, ...]) -> str:
    words = open_words(direction, names)
    if words in names:
        return f"{words} is unconstrained: it changes no bin that predicts counts"
    return "; ".join([words, *advice(direction[None], names)])
