"""Warnings of the engine, as sentences for the user who pressed a button."""

import warnings
from collections.abc import Callable
from typing import TypeVar

from fovnb.errors import FovnbWarning

__all__ = ["heard"]

T = TypeVar("T")


def heard(make: Callable[[], T]) -> tuple[T, list[str]]:
    """Return what is made, and what was warned of meanwhile, each sentence once.

    Examples
    --------
    >>> heard(lambda: warnings.warn("rows are left out", FovnbWarning))
    (None, ['rows are left out'])
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = make()
    said = (str(one.message) for one in caught if issubclass(one.category, FovnbWarning))
    return made, list(dict.fromkeys(said))
