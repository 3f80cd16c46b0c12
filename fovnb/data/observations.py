"""A list of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np

from fovnb.data.observation import Observation
from fovnb.errors import InvalidInputError, UnknownObservationError
from fovnb.text import did_you_mean, html_summary
from fovnb.types import AnyArray

__all__ = ["Observations"]


class Observations:
    """Runs, by position or by OBS_ID as a string.

    ``observations[0]`` is the first run, ``observations["23592"]`` that with this OBS_ID; slices, lists of positions or
    of OBS_IDs and boolean masks give `Observations`.

    Parameters
    ----------
    observations : iterable of Observation
        The runs, in order.

    Examples
    --------
    >>> from fovnb.data.recent_files import RecentFiles
    >>> observations = Observations([Observation(1234, {}, RecentFiles()), Observation(1235, {}, RecentFiles())])
    >>> observations["1235"].obs_id, observations[:1].ids
    (1235, ['1234'])
    """

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self._observations = list(observations)

    @property
    def ids(self) -> list[str]:
        """The OBS_IDs, as strings."""
        return [str(observation.obs_id) for observation in self]

    @overload
    def __getitem__(self, key: int | str) -> Observation: ...
    @overload
    def __getitem__(self, key: slice | list[int] | list[str] | AnyArray) -> Observations: ...
    def __getitem__(self, key: Any) -> Observation | Observations:
        if isinstance(key, slice):
            return Observations(self._observations[key])
        keys = np.asarray(key)
        if keys.ndim == 0:
            return self._observations[self._position(keys.item())]
        if keys.dtype == bool and keys.shape == (len(self),):
            keys = np.flatnonzero(keys)
        return Observations(self._observations[self._position(item)] for item in keys.tolist())

    def __len__(self) -> int:
        return len(self._observations)

    def __iter__(self) -> Iterator[Observation]:
        return iter(self._observations)

    def __repr__(self) -> str:
        return f"Observations([{', '.join(self.ids)}])"

    def _repr_html_(self) -> str:
        return html_summary(
            f"{len(self)} observations", {obs_id: repr(o) for obs_id, o in zip(self.ids, self, strict=True)}
        )

    def _ipython_key_completions_(self) -> list[str]:
        return self.ids

    def _position(self, key: Any) -> int:
        """Return the position of a run that is named by its position or its OBS_ID."""
        if isinstance(key, str) and key in self.ids:
            return self.ids.index(key)
        if isinstance(key, str):
            msg = f"OBS_ID {key!r} is not among these {len(self)} observations{did_you_mean(key, self.ids)}; see .ids"
            raise UnknownObservationError(msg)
        if type(key) is int and -len(self) <= key < len(self):
            return key
        msg = f"position {key} of {len(self)} observations; give a smaller whole number, or an OBS_ID as a string"
        raise InvalidInputError(msg)
