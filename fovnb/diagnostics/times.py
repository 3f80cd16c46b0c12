"""Times: what the headers say of livetime and ontime, against the good time intervals.

A wrong livetime scales the predicted counts of a run and is absorbed by its norm, so that nothing else shows it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from fovnb.data import Observation, RunInfo
from fovnb.datasets import MapDataset
from fovnb.diagnostics.pixels import Record
from fovnb.errors import InvalidInputError
from fovnb.types import FloatArray

__all__ = ["Times", "times"]

_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False, repr=False)
class Times(Record):
    """Times of R runs [s]; NaN where unknown.

    Parameters
    ----------
    obs_id : array, shape (R,)
        Runs.
    livetime, ontime : array, shape (R,)
        Sum of the good time intervals, with and without DEADC.
    header_livetime, header_ontime : array, shape (R,)
        LIVETIME and ONTIME of the header.
    livetime_difference, ontime_difference : array, shape (R,)
        Header over good time intervals, minus 1.
    flagged : mapping
        Sentences by OBS_ID: differences above 1 %.
    unknown : mapping
        Sentences by OBS_ID: what could not be compared. It is not flagged.
    """

    obs_id: FloatArray
    livetime: FloatArray
    ontime: FloatArray
    header_livetime: FloatArray
    header_ontime: FloatArray
    livetime_difference: FloatArray
    ontime_difference: FloatArray
    flagged: Mapping[int, str]
    unknown: Mapping[int, str]

    def _rows(self) -> dict[str, object]:
        said = {f"run {key}": text for part in (self.flagged, self.unknown) for key, text in part.items()}
        return {"runs": len(self.obs_id), "flagged": len(self.flagged), "not known": len(self.unknown), **said}


def times(runs: MapDataset | Observation | RunInfo | Iterable[MapDataset | Observation | RunInfo]) -> Times:
    """Compare LIVETIME with the good time intervals' sum times DEADC, and ONTIME with their sum.

    Parameters
    ----------
    runs : MapDataset, Observation, RunInfo or iterable of them
        Runs; what their headers say is in ``dataset.run_info``.

    Raises
    ------
    InvalidInputError
        If there is no run, something is none, or a dataset does not know its run, as a stack.

    Examples
    --------
    >>> times(RunInfo(7, livetime_s=900, ontime_s=1000, header_livetime_s=1800, header_ontime_s=1000)).flagged[7]
    'LIVETIME is 1800 s, but the good time intervals times DEADC are 900 s (+100 %)'
    """
    infos = [_info(run) for run in (runs if isinstance(runs, Iterable) else [runs])]
    if not infos:
        msg = "there are no runs to take times of; give at least one"
        raise InvalidInputError(msg)
    livetime, ontime, header_livetime, header_ontime = (
        np.array([getattr(info, f"{name}_s") for info in infos], dtype=float)
        for name in ("livetime", "ontime", "header_livetime", "header_ontime")
    )
    differences = _relative(header_livetime, livetime), _relative(header_ontime, ontime)
    obs_id = np.array([info.obs_id for info in infos])
    said = [_said(info, *pair) for info, *pair in zip(infos, *differences, strict=True)]
    flagged, unknown = ({int(i): s[j] for i, s in zip(obs_id, said, strict=True) if s[j]} for j in (0, 1))
    return Times(obs_id, livetime, ontime, header_livetime, header_ontime, *differences, flagged, unknown)


def _info(run: object) -> RunInfo:
    if isinstance(run, Observation):
        return RunInfo.from_observation(run)
    info = run.run_info if isinstance(run, MapDataset) else run
    if not isinstance(info, RunInfo):
        what = f"dataset {run.name!r} does not know its run" if isinstance(run, MapDataset) else f"found {run!r}"
        msg = f"{what}, so there are no times to compare; expected runs as MapDatasetMaker makes them, or observations"
        raise InvalidInputError(msg)
    return info


def _relative(header: FloatArray, intervals: FloatArray) -> FloatArray:
    """Return header / intervals - 1; infinite where the intervals are empty and the header claims time."""
    empty = np.where(header > 0, np.inf, np.where(header == 0, 0.0, np.nan))
    empty[np.isnan(intervals)] = np.nan
    return np.asarray(np.divide(header, intervals, where=intervals > 0, out=empty + 1) - 1)


def _said(info: RunInfo, livetime: float, ontime: float) -> tuple[str, str]:
    """Return what is wrong, and what is not known."""
    checks = (
        ("LIVETIME", info.header_livetime_s, "the good time intervals times DEADC", info.livetime_s, livetime),
        ("ONTIME", info.header_ontime_s, "the good time intervals", info.ontime_s, ontime),
    )
    wrong = [
        f"{key} is {header:g} s, but {intervals} are {expected:g} s ({difference:+.0%})".replace("%", " %")
        for key, header, intervals, expected, difference in checks
        if abs(difference) > _TOLERANCE
    ]
    unknown = [
        f"{key} cannot be compared: {'the header has none' if np.isnan(header) else f'{intervals} are not known'}"
        for key, header, intervals, _, difference in checks
        if np.isnan(difference)
    ]
    return "; ".join(wrong), "; ".join(unknown)
