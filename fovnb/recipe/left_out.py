"""Runs left out of an analysis by hand, and taken back."""

from collections.abc import Collection

from fovnb.errors import RecipeError
from fovnb.recipe.data import Data

__all__ = ["leave_out", "take_back"]


def leave_out(data: Data, obs_id: int, known: Collection[int]) -> Data:
    """Return the data without a run; ``known`` are the runs that there are now.

    Raises
    ------
    RecipeError
        If there is no such run, or it is the last.

    Examples
    --------
    >>> leave_out(Data(), 2, [1, 2, 3])
    Data(obs_ids=(1, 3))
    """
    if obs_id not in known:
        msg = f"there is no run {obs_id} to leave out; there are {', '.join(map(str, known))}"
        raise RecipeError(msg)
    if len(known) == 1:
        msg = f"run {obs_id} is the last; take another back first"
        raise RecipeError(msg)
    return data.edit(obs_ids=[one for one in known if one != obs_id])


def take_back(data: Data, obs_id: int, every: Collection[int] = ()) -> Data:
    """Return the data with a run that was left out; ``every`` are the runs without a choice of OBS_IDs, if known.

    Examples
    --------
    >>> take_back(Data(obs_ids=[1, 3]), 2), take_back(Data(obs_ids=[1, 3]), 2, every=[1, 2, 3])
    (Data(obs_ids=(1, 2, 3)), Data())
    """
    if data.obs_ids is None or obs_id in data.obs_ids:
        return data
    chosen = {*data.obs_ids, obs_id}
    return data.edit(obs_ids=None if chosen == set(every) else sorted(chosen))
