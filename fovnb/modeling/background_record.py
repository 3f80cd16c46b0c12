"""The record of how one run's background was normalised."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from fovnb.text import html_summary, text_summary
from fovnb.types import FloatArray

__all__ = ["GOOD_STATUSES", "BackgroundFit", "Status"]

Status: TypeAlias = Literal[
    "ok",
    "scaled",
    "at-limit",
    "unconstrained",
    "too-few-counts",
    "no-background",
    "not-converged",
    "outside",
    "unreadable",
    "excluded",
]

GOOD_STATUSES = frozenset({"ok", "scaled", "at-limit", "unconstrained"})


def _nothing() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False, repr=False)
class BackgroundFit:
    """How one run's background was normalised, and how far to trust it.

    Parameters
    ----------
    dataset_name : str
        Name of the dataset.
    method : str
        "fit" or "scale".
    status : str
        ``ok``, ``scaled``, ``at-limit`` (a parameter stands at its limit) and ``unconstrained`` (the data leave a
        parameter or a combination open) are usable; ``too-few-counts``, ``no-background``, ``not-converged``,
        ``outside``, ``unreadable`` and ``excluded`` are not.
    reason : str
        The status in a sentence, and what to do.
    parameter_names, free_names : tuple of str
        All parameters, and those that the method determined.
    values, errors : array, shape (n,)
        One a parameter. An error is 0 for a frozen parameter, NaN at a limit and infinite where the data say nothing.
    covariance : array, shape (n, n)
        Covariance of what the data determine, finite: J C J^T is the covariance of any quantity with derivatives J.
        Rows of parameters that are frozen, at a limit or open are 0. Where only a combination of parameters is open,
        theirs is the covariance in the directions that are not.
    total_stat : float
        2 sum_k [P_k - N_k ln P_k] over the bins used; the sum over pixels differs by a constant. NaN after a failure.
    energy, counts, background, predicted : array, shape (K,)
        Bin centres [TeV], N_k, B_k at norm 1, and P_k.
    unconstrained : tuple of str
        Parameters, or sentences about combinations, that the data leave open.
    upper_limits : dict
        95 % upper limit of each norm at its lower limit whose bins hold no counts.
    n_unpredicted : float
        Counts where no background is predicted, which took no part.

    Examples
    --------
    >>> BackgroundFit("obs-1", "fit", "too-few-counts", "no counts outside the exclusion mask").enters_stack
    False
    """

    dataset_name: str
    method: str
    status: Status
    reason: str
    parameter_names: tuple[str, ...] = ()
    values: FloatArray = field(default_factory=_nothing)
    errors: FloatArray = field(default_factory=_nothing)
    covariance: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    free_names: tuple[str, ...] = ()
    total_stat: float = np.nan
    energy: FloatArray = field(default_factory=_nothing)
    counts: FloatArray = field(default_factory=_nothing)
    background: FloatArray = field(default_factory=_nothing)
    predicted: FloatArray = field(default_factory=_nothing)
    unconstrained: tuple[str, ...] = ()
    upper_limits: Mapping[str, float] = field(default_factory=dict)
    n_unpredicted: float = 0.0

    @property
    def success(self) -> bool:
        """Whether the norm can be used."""
        return self.status in GOOD_STATUSES

    @property
    def enters_stack(self) -> bool:
        """Whether the run adds to a stack."""
        return self.success

    def __repr__(self) -> str:
        return text_summary("BackgroundFit", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("BackgroundFit", self._rows())

    def _rows(self) -> dict[str, object]:
        head: dict[str, object] = {"dataset": self.dataset_name, "method": self.method, "status": self.status}
        free = [i for i, name in enumerate(self.parameter_names) if name in self.free_names]
        norms = {self.parameter_names[i]: f"{self.values[i]:.5g} ± {self.errors[i]:.2g}" for i in free}
        limits = {f"{name} (95 %)": f"< {limit:.3g}" for name, limit in self.upper_limits.items()}
        sums = {"counts": f"{self.counts.sum():.6g}", "background": f"{self.background.sum():.6g}"}
        lost = {"unpredicted": f"{self.n_unpredicted:.6g} counts"} if self.n_unpredicted else {}
        return head | {"reason": self.reason} | norms | limits | sums | lost
