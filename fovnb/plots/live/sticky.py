"""Limits of axes that do not jump while the data move."""

import numpy as np

from fovnb.types import AnyArray

__all__ = ["Sticky", "rounded_up"]

_LEAST_USED = 0.3  # of the present limits; data that fill less get narrower ones
_STEPS = 6  # the fewest from one limit to the other


class Sticky:
    """Round limits around some values, kept while the values stay inside and fill a good part of them.

    Parameters
    ----------
    least : float
        The smallest distance between the limits.

    Examples
    --------
    >>> limits = Sticky()
    >>> [limits.around([0, top]) for top in (9.1, 7.0, 10.2, 2.0)]
    [(0.0, 10.0), (0.0, 10.0), (0.0, 12.0), (0.0, 2.0)]
    """

    def __init__(self, least: float = 1e-9) -> None:
        self._least = least
        self._limits: tuple[float, float] | None = None

    def around(self, values: AnyArray | list[float]) -> tuple[float, float]:
        """Return limits that hold all finite values; 0 and 1 where there is none."""
        finite = np.asarray(values, dtype=float).ravel()
        finite = finite[np.isfinite(finite)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        if high - low < self._least:
            middle = (high + low) / 2
            low, high = middle - self._least / 2, middle + self._least / 2
        if self._limits is None or not _fits(low, high, *self._limits):
            step = rounded_up((high - low) / _STEPS)
            self._limits = step * float(np.floor(low / step + 1e-9)), step * float(np.ceil(high / step - 1e-9))
        return self._limits


def rounded_up(value: float) -> float:
    """Return the next of ... 0.5, 1, 2, 5, 10 ... from a positive number on.

    Examples
    --------
    >>> [rounded_up(value) for value in (0.3, 1.0, 1.1, 70)]
    [0.5, 1.0, 2.0, 100.0]
    """
    power = 10.0 ** np.floor(np.log10(value) + 1e-12)
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9)))


def _fits(low: float, high: float, lower: float, upper: float) -> bool:
    return lower <= low and high <= upper and high - low >= _LEAST_USED * (upper - lower)
