"""Python's operators between maps, numbers, arrays and quantities.

What an operator does is said once, in the two abstract methods; here is only which operator means which ufunc.
``a += b`` gives ``a`` the values and the unit of ``a + b``.
"""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

__all__ = ["Operators"]


class Operators(ABC):
    """Operators in terms of ufuncs; logical ones act on truth values."""

    __array_priority__ = 20000  # above Quantity, so that ``quantity * map`` and ``array * map`` are maps, too

    @abstractmethod
    def _operate(self, ufunc: np.ufunc, other: Any, swap: bool = False) -> Self:
        """Return ``ufunc(self, other)``, or with both sides swapped, in the right unit."""

    @abstractmethod
    def _operate_logically(self, ufunc: np.ufunc, other: Any) -> Self:
        """Return ``ufunc(self, other)`` of truth values."""

    @abstractmethod
    def _become(self, result: Self) -> Self:
        """Take the values and the unit of the result, and return self."""

    def __add__(self, other: Any) -> Self:
        return self._operate(np.add, other)

    def __radd__(self, other: Any) -> Self:
        return self._operate(np.add, other, swap=True)

    def __iadd__(self, other: Any) -> Self:
        return self._become(self + other)

    def __sub__(self, other: Any) -> Self:
        return self._operate(np.subtract, other)

    def __rsub__(self, other: Any) -> Self:
        return self._operate(np.subtract, other, swap=True)

    def __isub__(self, other: Any) -> Self:
        return self._become(self - other)

    def __mul__(self, other: Any) -> Self:
        return self._operate(np.multiply, other)

    def __rmul__(self, other: Any) -> Self:
        return self._operate(np.multiply, other, swap=True)

    def __imul__(self, other: Any) -> Self:
        return self._become(self * other)

    def __truediv__(self, other: Any) -> Self:
        return self._operate(np.true_divide, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._operate(np.true_divide, other, swap=True)

    def __itruediv__(self, other: Any) -> Self:
        return self._become(self / other)

    def __lt__(self, other: Any) -> Self:
        return self._operate(np.less, other)

    def __le__(self, other: Any) -> Self:
        return self._operate(np.less_equal, other)

    def __gt__(self, other: Any) -> Self:
        return self._operate(np.greater, other)

    def __ge__(self, other: Any) -> Self:
        return self._operate(np.greater_equal, other)

    def __eq__(self, other: Any) -> Self:  # type: ignore[override]
        return self._operate(np.equal, other)

    def __ne__(self, other: Any) -> Self:  # type: ignore[override]
        return self._operate(np.not_equal, other)

    def __and__(self, other: Any) -> Self:
        return self._operate_logically(np.logical_and, other)

    def __or__(self, other: Any) -> Self:
        return self._operate_logically(np.logical_or, other)

    def __xor__(self, other: Any) -> Self:
        return self._operate_logically(np.logical_xor, other)

    def __iand__(self, other: Any) -> Self:
        return self._become(self & other)

    def __ior__(self, other: Any) -> Self:
        return self._become(self | other)

    def __ixor__(self, other: Any) -> Self:
        return self._become(self ^ other)
