"""The runs of a folder as its indices list them, and which of them a recipe uses."""

from collections.abc import Collection
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any

from astropy.table import Table

from fovnb.data import DataStore
from fovnb.errors import DataError
from fovnb.pipeline.inputs import Roots, open_store
from fovnb.recipe import Data, Selection
from fovnb.recipe.fields import fields_of
from fovnb.steps import data_statements, execute
from fovnb.text import Record

__all__ = ["IndexedRun", "RunTable", "run_table"]

_LEFT_OUT = {
    "target": "another target than {}",
    "cone": "points elsewhere",
    "zenith_max_deg": "zenith angle above {:g} deg",
    "quality_max": "quality worse than {}",
}


@dataclass(frozen=True)
class IndexedRun:
    """What the index says of a run; NaN, None and "" where it does not.

    Parameters
    ----------
    obs_id : int
        Number of the run.
    target, date : str
        OBJECT and DATE-OBS.
    ra_deg, dec_deg, zenith_deg : float
        Pointing, ICRS, and its zenith angle.
    livetime_s : float
        Live time.
    quality : int, optional
        -1 unknown, 0 best, 1 fair, 2 bad.
    problem : str
        Why it cannot be used, as far as the index knows.
    left_out : str
        Why the selection leaves it out.
    """

    obs_id: int
    target: str = ""
    date: str = ""
    ra_deg: float = nan
    dec_deg: float = nan
    zenith_deg: float = nan
    livetime_s: float = nan
    quality: int | None = None
    problem: str = ""
    left_out: str = ""


@dataclass(frozen=True, repr=False)
class RunTable(Record):
    """The runs of a folder, in the order of their OBS_IDs, and those that a recipe uses.

    Parameters
    ----------
    runs : tuple of IndexedRun
        All of them.
    listed : frozenset of int
        OBS_IDs that the recipe lists, by default all that have data.
    """

    runs: tuple[IndexedRun, ...]
    listed: frozenset[int] = field(default=frozenset())

    @property
    def used(self) -> tuple[IndexedRun, ...]:
        """The runs that are listed, and that the selection does not leave out."""
        return tuple(run for run in self.runs if run.obs_id in self.listed and not (run.left_out or run.problem))

    @property
    def sentence(self) -> str:
        """How many runs are used, and which are listed without being there."""
        text = f"{len(self.used)} of {len(self.runs)} runs are used"
        lost = sorted(self.listed - {run.obs_id for run in self.runs})
        if not lost:
            return text
        names = ", ".join(map(str, lost[:3])) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        return f"{text}; OBS_ID {names} of the recipe is not in this folder: tick the runs to use"

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets, sorted."""
        return tuple(sorted({run.target for run in self.runs if run.target}))

    @property
    def pointings(self) -> Table:
        """OBS_ID, RA_PNT and DEC_PNT [deg] of all runs."""
        places = [(run.obs_id, run.ra_deg, run.dec_deg) for run in self.runs]
        names, kinds = ("OBS_ID", "RA_PNT", "DEC_PNT"), (int, float, float)
        return Table(rows=places, names=names, dtype=kinds) if places else Table(names=names, dtype=kinds)

    def _rows(self) -> dict[str, object]:
        return {"runs": len(self.runs), "used": len(self.used), "targets": ", ".join(self.targets)}


def run_table(data: Data, roots: Roots = None) -> RunTable:
    """Return the runs of the folder of a recipe.

    Raises
    ------
    DataError
        If the folder or an index is missing or broken.
    RecipeError
        If the folder lies outside of the roots.

    Examples
    --------
    >>> run_table(Data(obs_ids=(2,)))
    RunTable
    --------
      runs    : 2
      used    : 1
      targets : Demo Crab
    """
    store = open_store(data, roots)
    known = frozenset(store.obs_ids.tolist())
    rows = {} if store.obs_table is None else {int(row["OBS_ID"]): row for row in store.obs_table}
    reasons = _reasons(data.selection, store)
    runs = tuple(
        _run(obs_id, rows.get(obs_id), _problem(store, obs_id), [why for why, ids in reasons if obs_id not in ids])
        for obs_id in sorted(known | set(rows))
    )
    return RunTable(runs, known if data.obs_ids is None else frozenset(data.obs_ids))


def _run(obs_id: int, row: Any, problem: str, left_out: Collection[str]) -> IndexedRun:
    quality = _number(row, "QUALITY")
    return IndexedRun(
        obs_id,
        _text(row, "OBJECT"),
        _text(row, "DATE-OBS"),
        _number(row, "RA_PNT"),
        _number(row, "DEC_PNT"),
        _number(row, "ZEN_PNT"),
        _number(row, "LIVETIME"),
        int(quality) if isfinite(quality) else None,
        problem,
        ", ".join(left_out),
    )


def _text(row: Any, name: str) -> str:
    return str(row[name]).strip() if row is not None and name in row.colnames else ""


def _number(row: Any, name: str) -> float:
    """Return a number of a row, NaN if it has none."""
    try:
        return float(row[name])
    except (KeyError, TypeError, ValueError):
        return nan


def _problem(store: DataStore, obs_id: int) -> str:
    """Return what the index lacks of a run, "" if nothing."""
    try:
        store.obs(obs_id)
    except DataError as error:
        return str(error)
    return ""


def _reasons(selection: Selection | None, store: DataStore) -> list[tuple[str, set[int]]]:
    """Return, for each condition of a selection, what it says of runs that do not meet it, and those that do."""
    asked = {} if selection is None else {name: getattr(selection, name) for name in fields_of(Selection)}
    return [_reason(name, value, store) for name, value in asked.items() if value is not None]


def _reason(name: str, value: Any, store: DataStore) -> tuple[str, set[int]]:
    if store.obs_table is None:
        return "there is no observation index to select by", set()
    conditions = data_statements(Data(selection=Selection(**{name: value})))[1:-1]
    try:
        found = execute(conditions, {"data_store": store})["obs_table"]
    except KeyError as error:
        return f"the observation index has no column {error.args[0]}", set()
    return _LEFT_OUT[name].format(value), {int(obs_id) for obs_id in found["OBS_ID"]}
