"""What the likelihood of an energy-dependent norm sees of a run: sums per energy bin."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.text import Record
from fovnb.types import BoolArray, FloatArray

__all__ = ["BackgroundSums"]

_OPTIONAL = ("source", "counts_excluded", "background_excluded")


@dataclass(frozen=True, eq=False, repr=False)
class BackgroundSums(Record):
    """Counts and predictions inside the mask, summed per energy bin.

    While the norm n depends on energy only and no source is fitted with it, the Cash statistic of all pixels is

        -2 ln L = 2 sum_k [n_k B_k - N_k ln(n_k B_k)] + const.

    Parameters
    ----------
    energy : array, shape (K,)
        Bin centres [TeV].
    counts : array, shape (K,)
        N_k, counts inside the mask where background is predicted.
    background : array, shape (K,)
        B_k, predicted background at norm 1. Bins with 0 take no part.
    source : array, shape (K,), optional
        S_k, predicted source counts, 0 by default; P_k = n_k B_k + S_k.
    n_unpredicted : float
        Counts inside the mask where no background is predicted: reported, never summed.
    n_unreadable : int
        Pixels inside the mask whose counts are negative or infinite: such sums mean nothing.
    counts_excluded, background_excluded : array, shape (K,), optional
        Counts and predicted background at norm 1 inside the safe mask that the exclusion mask leaves out, 0 by default.
    livetime : float
        In seconds, NaN where unknown.

    Raises
    ------
    InvalidInputError
        If lengths differ, or a number is negative, infinite or NaN.

    Examples
    --------
    >>> sums = BackgroundSums(energy=[1.0, 4.0], counts=[12, 1], background=[10.0, 0.0])
    >>> sums.used.tolist(), sums.total_counts, sums.total_unpredicted
    ([True, False], 12.0, 1.0)
    """

    energy: FloatArray
    counts: FloatArray
    background: FloatArray
    source: FloatArray = field(default_factory=lambda: np.zeros(0))
    n_unpredicted: float = 0.0
    counts_excluded: FloatArray = field(default_factory=lambda: np.zeros(0))
    background_excluded: FloatArray = field(default_factory=lambda: np.zeros(0))
    livetime: float = np.nan
    n_unreadable: int = 0

    def __post_init__(self) -> None:
        size = np.size(self.energy)
        for name in _OPTIONAL:
            if np.size(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.zeros(size))
        for name in ("energy", "counts", "background", *_OPTIONAL):
            object.__setattr__(self, name, _numbers(name, getattr(self, name), size))
        if size and not self.energy.min() > 0:
            msg = f"the energies of the bins are {self.energy} TeV; expected positive numbers"
            raise InvalidInputError(msg)

    @cached_property
    def used(self) -> BoolArray:
        """Bins that take part, shape (K,): those with predicted background."""
        used = self.background > 0
        used.flags.writeable = False
        return used

    @cached_property
    def total_counts(self) -> float:
        """Counts in bins that take part."""
        return float(self.counts[self.used].sum())

    @cached_property
    def total_unpredicted(self) -> float:
        """Counts where no background is predicted, bins that take no part included."""
        return float(self.n_unpredicted + self.counts[~self.used].sum())

    @cached_property
    def has_source(self) -> bool:
        """Whether source counts are predicted anywhere."""
        return bool(self.source.any())

    def select_used(self) -> "BackgroundSums":
        """Return only the bins that take part."""
        return self if self._all_used else self._selected

    @cached_property
    def _all_used(self) -> bool:
        return bool(self.used.all())

    @cached_property
    def _selected(self) -> "BackgroundSums":
        used = self.used
        return BackgroundSums(self.energy[used], self.counts[used], self.background[used], self.source[used])

    def _rows(self) -> dict[str, object]:
        shown = {name: np.array2string(getattr(self, name), precision=4) for name in ("energy", "counts", "background")}
        return {**shown, "source": f"{self.source.sum():.6g}", "unpredicted": f"{self.total_unpredicted:.6g}"}


def _numbers(name: str, values: FloatArray, size: int) -> FloatArray:
    """Return a read-only copy, as floats."""
    array = np.array(values, dtype=float)
    if array.shape != (size,) or not np.all((array >= 0) & (array < np.inf)):
        msg = f"{name} is {values}; expected {size} finite numbers that are not negative, one a bin"
        raise InvalidInputError(msg)
    array.flags.writeable = False
    return array
