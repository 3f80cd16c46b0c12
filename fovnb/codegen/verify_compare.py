"""Two snapshots beside each other, array by array: equal to the last bit, or within what Gammapy may differ by."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from fovnb.types import AnyArray, BoolArray

__all__ = ["Deviation", "compare_close", "compare_exact"]

Snapshot: TypeAlias = Mapping[str, AnyArray]

_N_SIGMA = 0.002  # of free parameters
_RTOL_MAPS, _RTOL_SAME = 1e-4, 1e-9
_RTOL_RESPONSE, _PEAK_SHARE = 1e-3, 1e-3  # below this share of the peak, values matter little


@dataclass(frozen=True)
class Deviation:
    """How far an array of the code's results is from the pipeline's.

    Parameters
    ----------
    name : str
        Name of the array.
    largest : float
        Largest difference; infinite where there is no number for it.
    share : float
        Largest difference as a share of what is allowed: good up to 1.
    words : str
        What is wrong where it is no difference of numbers.
    """

    name: str
    largest: float = np.inf
    share: float = np.inf
    words: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.words or f'largest deviation {self.largest:.3g}'})"


def compare_exact(expected: Snapshot, found: Snapshot) -> list[Deviation]:
    """Return the deviation of each array of either side; only the same kind, shape and bits are allowed, NaN for NaN.

    Examples
    --------
    >>> print(*compare_exact({"counts": np.array([1.0, 2.0])}, {"counts": np.array([1.0, 2.5])}))
    counts (largest deviation 0.5)
    """
    names = {**expected, **found}
    return [_compared(name, expected.get(name), found.get(name), np.zeros(()), exact=True) for name in names]


def compare_close(expected: Snapshot, found: Snapshot) -> list[Deviation]:
    """Return the deviation of each array that Gammapy has, too.

    Counts and masks must be the same; background and exposure agree within 1e-4, responses within 1e-3 where they are
    above a thousandth of their peak, free parameters within 0.002 of their error. Of a norm that the code says by other
    parameters its curve counts.
    """
    return [
        _compared(name, expected[name], found.get(name), allowed, exact=False)
        for name, allowed in _allowed(expected, found)
    ]


def _allowed(expected: Snapshot, found: Snapshot) -> Iterator[tuple[str, AnyArray]]:
    """Yield the names to compare with the differences that are allowed."""
    for name, values in expected.items():
        run, _, part = name.partition("/")
        rule = next((rule for pattern, rule in _RULES.items() if re.fullmatch(pattern, part or run)), None)
        if rule is not None:
            yield name, rule(values)
        elif re.fullmatch("parameters/.*/value", part) and name in found:
            yield name, _N_SIGMA * _sigma(name, expected, found)
        elif part == "norm" and _labels(expected, run) != _labels(found, run):
            yield name, _relative(_RTOL_MAPS)(values)


def _labels(snapshot: Snapshot, run: str) -> set[str]:
    return {name for name in snapshot if name.startswith(f"{run}/parameters/") and name.endswith("/value")}


def _sigma(name: str, expected: Snapshot, found: Snapshot) -> AnyArray:
    """Return the error of a parameter, the code's where the pipeline has none; a tiny one where it is frozen."""
    errors = [float(one[name.removesuffix("value") + "error"]) for one in (expected, found)]
    known = [error for error in errors if 0 < error < np.inf]
    return np.asarray(known[0] if known else _RTOL_SAME * abs(expected[name]) / _N_SIGMA)


def _relative(rtol: float) -> Callable[[AnyArray], AnyArray]:
    return lambda values: rtol * np.abs(values)


def _response(values: AnyArray) -> AnyArray:
    peak = np.nanmax(values, initial=0)
    floor = _RTOL_RESPONSE * _PEAK_SHARE * peak
    return np.where(values > _PEAK_SHARE * peak, _RTOL_RESPONSE * values, floor)


def _nothing(values: AnyArray) -> AnyArray:  # noqa: ARG001 - every rule takes the values
    return np.zeros(())


_RULES: Mapping[str, Callable[[AnyArray], AnyArray]] = MappingProxyType(
    {
        "runs|counts|mask_safe": _nothing,
        "background|exposure|(psf|edisp)/exposure": _relative(_RTOL_MAPS),
        "psf|edisp": _response,
        "(counts|exposure|psf|edisp)/(axes/.*|wcs/numbers)": _relative(_RTOL_SAME),
    }
)


def _compared(name: str, a: AnyArray | None, b: AnyArray | None, allowed: AnyArray, exact: bool) -> Deviation:
    """Return how far the code's array b is from the pipeline's array a."""
    if a is None or b is None:
        return Deviation(name, words=f"only {'the code' if a is None else 'the pipeline'} has it")
    if a.shape != b.shape or (exact and a.dtype.newbyteorder("=") != b.dtype and a.dtype.kind != "U"):
        return Deviation(name, words=f"{_kind(b)} instead of {_kind(a)}")
    same = _same(a, b)
    if same.all():
        return Deviation(name, 0.0, 0.0)
    if a.dtype.kind in "bU" or b.dtype.kind in "bU":
        first = tuple(np.argwhere(~same)[0])
        return Deviation(name, words=f"{b[first]!s} instead of {a[first]!s} in {np.count_nonzero(~same)} places")
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(same, 0, np.abs(np.subtract(a, b, dtype=float)))
        share = np.where(same, 0, distance / allowed)
    return Deviation(name, _largest(distance), _largest(share))


def _largest(values: AnyArray) -> float:
    """Return the largest of positive numbers; infinite with NaN."""
    return float(np.nan_to_num(values, nan=np.inf, posinf=np.inf).max())


def _same(a: AnyArray, b: AnyArray) -> BoolArray:
    """Return where two arrays hold the same bits, or NaN both."""
    if a.dtype.kind != "f" or b.dtype.kind != "f":
        return np.asarray(a == b)
    return np.asarray(((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b)))


def _kind(array: AnyArray) -> str:
    return f"{array.dtype.name} of shape {array.shape}"
