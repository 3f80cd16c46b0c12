"""The results that the parts of the mask editor look at, where there are runs to look at."""

from fovnb.errors import InvalidInputError
from fovnb.pipeline import Results
from fovnb.widgets.state import State

__all__ = ["data_of", "has_data"]


def has_data(state: State) -> bool:
    """Return whether there are results of at least one run."""
    return state.results is not None and bool(state.results.datasets)


def data_of(state: State) -> Results:
    """Return the results.

    Raises
    ------
    InvalidInputError
        If there is no run in them.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> data_of(State(Recipe()))
    Traceback (most recent call last):
    fovnb.errors.InvalidInputError: there are no data yet, whose map says what lies in it; press Update first
    """
    if state.results is None or not state.results.datasets:
        msg = "there are no data yet, whose map says what lies in it; press Update first"
        raise InvalidInputError(msg)
    return state.results
