"""Verdicts: whether a run is sound, and if not, which diagnostic says so, with its numbers.

The chance of a false flag is for the whole survey: however many runs and tests there are, sound data raise any flag at
all in no more than 1 % of the surveys.
"""

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TypeAlias

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.checks import as_datasets
from fovnb.datasets.ledger import LedgerRow, ledger_rows
from fovnb.diagnostics.findings import Finding, combined, findings_of_run, findings_of_runs
from fovnb.diagnostics.pixels import Mask, Record, used_runs
from fovnb.errors import FovnbError, FovnbWarning, InvalidInputError
from fovnb.makers import project_exclusion_mask
from fovnb.modeling.background_record import GOOD_STATUSES
from fovnb.modeling.outliers import after_trials

__all__ = ["Flag", "Verdict", "Verdicts", "verdicts"]

_MARKED = ("at-limit", "unconstrained")


@dataclass(frozen=True, repr=False)
class Flag(Record):
    """What is odd: name of the diagnostic, a sentence with the numbers, and the chance of it among all such tests."""

    diagnostic: str
    evidence: str
    p_value: float

    def _rows(self) -> dict[str, object]:
        return {"diagnostic": self.diagnostic, "evidence": self.evidence, "p-value": f"{self.p_value:.2g}"}


@dataclass(frozen=True, repr=False)
class Verdict(Record):
    """What the diagnostics say of one run, or of all runs together.

    Parameters
    ----------
    obs_id : int
        OBS_ID, -1 where unknown.
    name : str
        Name of the dataset.
    status, reason : str
        Those of the background fit.
    flags : tuple of Flag
        What is odd.
    n_tests : int
        Number of tests that could be made.
    untested : tuple of str
        Sentences: what could not be tested.
    """

    obs_id: int
    name: str
    status: str
    reason: str
    flags: tuple[Flag, ...] = ()
    n_tests: int = 0
    untested: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether something was tested and nothing is odd."""
        return self.n_tests > 0 and not self.flags

    @property
    def sentence(self) -> str:
        """The verdict in a line, with its evidence."""
        if not self.n_tests:
            return f"{self.status}: {self.reason}"
        tests = f"{self.n_tests} test{'s' * (self.n_tests > 1)}"
        parts = [f"odd in {len(self.flags)} of {tests}: " if self.flags else f"sound: nothing odd in {tests}"]
        parts[0] += "; ".join(flag.evidence for flag in self.flags)
        parts += [f"{len(self.untested)} could not be made"] * bool(self.untested)
        parts += [f"{self.status}: {self.reason}"] * (self.status in _MARKED)
        return "; ".join(parts)

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {"run": self.name, "status": self.status, "verdict": self.sentence}
        return rows | {"not tested": "; ".join(self.untested) or "nothing"}


@dataclass(frozen=True, eq=False, repr=False)
class Verdicts(Record):
    """A verdict for each run and one for all together.

    Parameters
    ----------
    runs : tuple of Verdict
        In the order of the datasets.
    all_runs : Verdict
        What is odd about all runs together.
    """

    runs: tuple[Verdict, ...]
    all_runs: Verdict

    @property
    def survey(self) -> tuple[Flag, ...]:
        """Flags about all runs together."""
        return self.all_runs.flags

    @property
    def flagged(self) -> tuple[str, ...]:
        """Names of the runs with a flag."""
        return tuple(run.name for run in self.runs if run.flags)

    @property
    def sound(self) -> bool:
        """Whether there is no flag at all."""
        return not (self.flagged or self.survey)

    def _rows(self) -> dict[str, object]:
        return {run.name: run.sentence for run in (*self.runs, self.all_runs)}


def verdicts(
    datasets: MapDataset | Iterable[MapDataset],
    exclusion_mask: Mask = None,
    toys: int = 100,
    rng: np.random.Generator | None = None,
    false_flags: float = 0.01,
) -> Verdicts:
    """Put every run to all diagnostics and say what is odd.

    Tests come in families: the gradients of all runs, the widths of their significances, and so on. The least of the m
    p-values of a family is as small as p with the probability p' = 1 - (1 - p)^m; a test is flagged where p' is below
    ``false_flags`` over the number of families. Then sound runs, all together, raise any flag with no more than this
    probability (Bonferroni's inequality, whatever the tests have in common). The p-value of a flag is p'.

    Families of a run: gradient (score test), width of the significances (against simulated fields), radial slope,
    goodness of fit, its norm and tilt against those of the others; identifiability and times, where chance has no part.
    Families of all runs: alignment, common gradient and radial slope, trends of norm and tilt, wobble consistency; and
    the first four of a run combined, which sees what is a little odd in many runs.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs with fitted backgrounds. What needs a pointing is not tested on a stack, and nothing on a run that failed,
        lacks a map, or has no used pixel.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that each background was fitted with.
    toys : int
        Simulated fields of each run. With fewer the tests are less sharp.
    rng : Generator, optional
        By default one with seed 0, so that the result is always the same.
    false_flags : float
        Share of sound surveys that may raise a flag.

    Raises
    ------
    InvalidInputError
        If there is no dataset, one is none, the mask is none, there are fewer than 2 toys, or the share is no
        probability.

    Warns
    -----
    FovnbWarning
        If an OBS_ID is repeated: a run that is compared with itself is no test.

    Examples
    --------
    >>> from fovnb.data import RunInfo
    >>> from fovnb.makers import FoVBackgroundMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=3, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.background.data += 1
    >>> run.counts.data += np.random.default_rng(1).poisson(1, geom.data_shape)
    >>> run.mask_safe.data[...] = True
    >>> verdicts(FoVBackgroundMaker().run(run)).runs[0].sentence
    'sound: nothing odd in 6 tests; 1 could not be made'
    """
    if not 0 < false_flags < 1:
        msg = f"false_flags is {false_flags!r}; expected a probability between 0 and 1, such as 0.01"
        raise InvalidInputError(msg)
    if not isinstance(toys, int | np.integer) or toys < 2:
        msg = f"toys is {toys!r}; expected a whole number above 1, such as 100"
        raise InvalidInputError(msg)
    rng = np.random.default_rng(0) if rng is None else rng
    given = as_datasets(datasets)
    if not given:
        msg = "there are no datasets to judge; give at least one that was fitted"
        raise InvalidInputError(msg)
    rows = [_row(dataset, exclusion_mask) for dataset in given]
    _warn_of_repeated(rows)
    usable = {i: given[i] for i, row in enumerate(rows) if row.status in GOOD_STATUSES}
    found = _found(usable, rows, exclusion_mask, toys, rng) if usable else []
    flags = _flags(found, false_flags)
    each = tuple(_verdict(i, given[i].name, row, found, flags) for i, row in enumerate(rows))
    together = LedgerRow(-1, status="untested", reason="there is no run that could be tested")
    return Verdicts(each, _verdict(None, "all runs together", together, found, flags))


_Found: TypeAlias = tuple[int | None, Finding]  # the number of the run in the list, None for all runs


def _row(dataset: MapDataset, exclusion_mask: Mask) -> LedgerRow:
    """Return what became of a run, "untested" if none of its pixels can be used; for a stack a row without number."""
    rows = ledger_rows(dataset)
    row = rows[0] if len(rows) == 1 else LedgerRow(-1, reason="")
    if row.status not in GOOD_STATUSES:
        return row
    if exclusion_mask is not None:
        project_exclusion_mask(exclusion_mask, dataset.geom)  # a mask that is none is an error
    try:
        next(used_runs(dataset, exclusion_mask))
    except FovnbError as error:
        return replace(row, status="untested", reason=str(error))
    return row


def _warn_of_repeated(rows: Sequence[LedgerRow]) -> None:
    numbers = Counter(row.OBS_ID for row in rows if row.OBS_ID >= 0)
    repeated = ", ".join(str(obs_id) for obs_id, n in numbers.items() if n > 1)
    if repeated:
        msg = f"OBS_ID {repeated} is that of several datasets, which are taken as different runs; keep one of each"
        warnings.warn(msg, FovnbWarning, stacklevel=3)


def _found(
    usable: Mapping[int, MapDataset],
    rows: Sequence[LedgerRow],
    exclusion_mask: Mask,
    toys: int,
    rng: np.random.Generator,
) -> list[_Found]:
    """Return all findings; those about a run inside a stack are about all runs."""
    found: list[_Found] = [(i, f) for i, run in usable.items() for f in findings_of_run(run, exclusion_mask, toys, rng)]
    numbers: dict[int | None, list[int]] = {}
    for i in usable:
        numbers.setdefault(rows[i].OBS_ID, []).append(i)
    turns = {obs_id: cycle(places) for obs_id, places in numbers.items() if obs_id != -1}  # of a repeated OBS_ID
    common = findings_of_runs(tuple(usable.values()), exclusion_mask)
    for f in (*common, *combined([f for _, f in found])):
        inside = f.obs_id is not None and f.obs_id not in turns
        named = replace(f, evidence=f"run {f.obs_id}: {f.evidence}") if inside else f
        found.append((next(turns[f.obs_id]) if f.obs_id in turns else None, named))
    return found


def _flags(found: Sequence[_Found], false_flags: float) -> list[tuple[int | None, Flag]]:
    """Return what is odd after trials, see `verdicts`."""
    families: dict[tuple[str, bool], list[_Found]] = {}
    for i, f in found:
        if np.isfinite(f.p_value):
            families.setdefault((f.diagnostic, i is None), []).append((i, f))
    flags = []
    for family in families.values():
        chances = after_trials(np.array([f.p_value for _, f in family]), len(family))
        for (i, f), chance in zip(family, chances.tolist(), strict=True):
            if chance < false_flags / len(families):
                flags.append((i, Flag(f.diagnostic, f.evidence, chance)))
    return flags


def _verdict(
    number: int | None, name: str, row: LedgerRow, found: Sequence[_Found], flags: Sequence[tuple[int | None, Flag]]
) -> Verdict:
    mine = [f for i, f in found if i == number]
    untested = tuple(f"{f.diagnostic}: {f.evidence}" for f in mine if not np.isfinite(f.p_value))
    mine_flags = tuple(flag for i, flag in flags if i == number)
    return Verdict(row.OBS_ID, name, row.status, row.reason, mine_flags, len(mine) - len(untested), untested)
