"""The run ledger: one row for every run that was ever offered to a stack, whatever became of it."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u
from astropy.table import QTable

from fovnb.datasets.fov import pointing_deg
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.modeling.background_record import GOOD_STATUSES, BackgroundFit
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from fovnb.datasets.dataset import MapDataset

__all__ = ["Ledger", "LedgerRow", "join_rows", "ledger_of", "ledger_rows", "offered_rows", "rows_of_table"]

_UNITS = {
    "RA_PNT": "deg",
    "DEC_PNT": "deg",
    "ZEN_PNT": "deg",
    "AZ_PNT": "deg",
    "MJD_START": "d",
    "livetime": "s",
    "livetime_used": "s",
    "energy_pivot": "TeV",
}
_FORMATS = {"deg": ".2f", "d": ".3f", "s": ".0f"}
_EMPTY = "the safe mask leaves nothing of the run; check its thresholds"
_TESTED = {"norm", "tilt"}
_MARKED = {"at-limit", "unconstrained"}


@dataclass(frozen=True)
class LedgerRow:
    """What became of one run; NaN where something is unknown. The fields are columns of the ledger.

    The p-value may need toys: it is the fit's until the table is made.
    """

    OBS_ID: int
    OBJECT: str = ""
    RA_PNT: float = np.nan
    DEC_PNT: float = np.nan
    ZEN_PNT: float = np.nan
    AZ_PNT: float = np.nan
    MJD_START: float = np.nan
    status: str = "ok"
    reason: str = ""
    livetime: float = np.nan
    livetime_used: float = 0.0
    counts: float = np.nan
    background: float = np.nan
    counts_excluded: float = np.nan
    background_excluded: float = np.nan
    corr: float = np.nan
    norm_pivot: float = np.nan
    energy_pivot: float = np.nan
    deviance: float = np.nan
    dof: int = 0
    p_value: float = np.nan
    parameters: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fit: BackgroundFit | None = field(default=None, repr=False, compare=False)

    @property
    def entered(self) -> bool:
        """Whether the run is in the stack."""
        return self.status in GOOD_STATUSES


class Ledger(QTable):  # type: ignore[misc]  # astropy's tables are not typed
    """A table of runs; in a notebook its title says how many hours were lost, and odd rows are marked.

    Columns: OBS_ID, OBJECT, RA_PNT, DEC_PNT, ZEN_PNT, AZ_PNT [deg], MJD_START [d, TT], status, reason, livetime,
    livetime_used [s], counts and background where the background was fitted, counts_excluded and background_excluded
    inside the exclusion mask, each parameter and ``<parameter>_err``, corr (of norm and tilt), norm_pivot at
    energy_pivot [TeV], deviance, dof, p_value.

    Examples
    --------
    >>> Ledger({"OBS_ID": [1, 2], "livetime": [3600, 1800] * u.s, "livetime_used": [3600, 0] * u.s}).title
    'Run ledger: 1 of 2 runs, 1.00 of 1.50 h in the stack, 0.50 h lost'
    """

    @property
    def title(self) -> str:
        """Runs and hours in the stack, and the hours lost."""
        if not {"livetime", "livetime_used"} <= set(self.colnames):
            return f"Run ledger: {len(self)} runs"
        given, used = (u.Quantity(self[name], "s").to_value("h") for name in ("livetime", "livetime_used"))
        unknown = int(np.count_nonzero(np.isnan(given)))
        given, used = np.nan_to_num(given), np.nan_to_num(used)
        entered = self._in_stack if "status" in self.colnames else used > 0
        runs = f"{np.count_nonzero(entered)} of {len(self)} runs"
        hours = f"{used.sum():.2f} of {given.sum():.2f} h in the stack, {(given - used).sum():.2f} h lost"
        more = f" and {unknown} run{'s' * (unknown > 1)} of unknown livetime" if unknown else ""
        return f"Run ledger: {runs}, {hours}{more}"

    def odd(self) -> dict[int, str]:
        """Return what is odd about a run, by row: a norm or tilt unlike those of all other runs.

        Each run is tested against the others with their intrinsic scatter, and the number of runs is allowed for; see
        `fovnb.modeling.outliers.outlier_tests`.
        """
        from fovnb.modeling.outliers import outlier_tests

        found: dict[int, list[str]] = {}
        known = {name for name in _TESTED if {name, f"{name}_err", "status"} <= set(self.colnames)}
        for name in sorted(known):
            values = np.where(self._in_stack, np.asarray(self[name], dtype=float), np.nan)
            tests = outlier_tests(values, np.asarray(self[f"{name}_err"], dtype=float))
            for row in np.flatnonzero(tests.flagged):
                others = f"{tests.mean_others[row]:.3g} ± {tests.scatter_others[row]:.2g}"
                found.setdefault(int(row), []).append(f"odd {name}: {values[row]:.3g}, the others {others}")
        return {row: "; ".join(notes) for row, notes in found.items()}

    @property
    def _in_stack(self) -> Any:
        return np.isin(np.asarray(self["status"], dtype=str), sorted(GOOD_STATUSES))

    def _notes(self) -> list[str]:
        """Return what is to be seen first in each row: that it is lost, that a parameter is open, or odd."""
        odd, in_stack = self.odd(), self._in_stack
        marks = [status * (status in _MARKED) for status in np.asarray(self["status"], dtype=str).tolist()]
        notes = ["; ".join(filter(None, [mark, odd.get(i, "")])) for i, mark in enumerate(marks)]
        return [note if used else "lost" for note, used in zip(notes, in_stack, strict=True)]

    def _repr_html_(self) -> str:
        notes = self._notes() if "status" in self.colnames else [""] * len(self)
        units = [str(self[name].unit or "") if hasattr(self[name], "unit") else "" for name in self.colnames]
        heads = [f"{escape(n)}{f' [{unit}]' if unit else ''}" for n, unit in zip(self.colnames, units, strict=True)]
        head = "".join(f"<th>{text}</th>" for text in ["", *heads])
        body = "".join(self._html_row(i, note) for i, note in enumerate(notes))
        return f"<table><caption>{escape(self.title)}</caption><tr>{head}</tr>{body}</table>"

    def _html_row(self, i: int, note: str) -> str:
        cells = "".join(f"<td>{escape(_cell(name, self[name][i]))}</td>" for name in self.colnames)
        style = f' style="background:{"#fdd" if note == "lost" else "#ffd"};color:#000"' if note else ""
        return f"<tr{style}><th>{escape(note)}</th>{cells}</tr>"


def ledger_of(rows: Iterable[LedgerRow]) -> Ledger:
    """Return the rows as a table, in their order; parameters that a run's model does not have are NaN.

    Examples
    --------
    >>> ledger_of([LedgerRow(7, parameters={"norm": (0.9, 0.1)})])["norm_err"].tolist()
    [0.1]
    """
    rows = list(rows)
    table = Ledger()
    for name in _columns():
        if name == "corr":
            _add_parameters(table, rows)
        fits = (row.fit if name == "p_value" else None for row in rows)
        values = [getattr(fit or row, name) for fit, row in zip(fits, rows, strict=True)]
        unit = _UNITS.get(name)
        table[name] = values if unit is None else u.Quantity(np.array(values, dtype=float), unit)
    return table


def rows_of_table(table: Any) -> tuple[LedgerRow, ...]:
    """Return the rows of a ledger that was written to a file."""
    names = [name for name in _columns() if name in table.colnames]
    free = [name for name in table.colnames if f"{name}_err" in table.colnames]
    kinds: dict[str, Any] = {"OBS_ID": int, "dof": int, "OBJECT": str, "status": str, "reason": str}
    return tuple(
        LedgerRow(
            **{name: kinds.get(name, float)(row[name]) for name in names},
            parameters={n: (float(row[n]), float(row[f"{n}_err"])) for n in free if not np.isnan(row[n])},
        )
        for row in table
    )


def ledger_rows(dataset: "MapDataset") -> tuple[LedgerRow, ...]:
    """Return the rows of a stack, or the one of a run; none if the dataset is about no run."""
    obs_ids = _obs_ids(dataset)
    refitted = dataset.background_fit is not None and dataset.run_info is not None
    if dataset.stacked_rows and not refitted:
        return dataset.stacked_rows
    if len(obs_ids) != 1:
        unknown = LedgerRow(-1, reason="stacked without a record of its run", livetime_used=np.nan)
        return tuple(replace(unknown, OBS_ID=obs_id) for obs_id in obs_ids)
    return (LedgerRow(obs_ids[0], **_with_fit(_info_of(dataset), dataset)),)


def offered_rows(dataset: "MapDataset", adds: bool) -> tuple[LedgerRow, ...]:
    """Return the rows of a dataset as a stack receives them: whether it adds anything, and with its norm applied.

    Warns
    -----
    FovnbWarning
        If a run was fitted, but is stacked without the model that says so, as after reading its maps alone.
    """
    rows = ledger_rows(dataset)
    if not adds:
        fit = dataset.background_fit
        why = ("excluded", _EMPTY) if fit is None or fit.enters_stack else (fit.status, fit.reason)
        return tuple(
            replace(row, status=why[0], reason=why[1], livetime_used=0.0) if row.entered else row for row in rows
        )
    unapplied = dataset.background is not None and dataset.background_model is None and rows
    if dataset.run_info is None or not unapplied or not rows[0].parameters:
        return rows
    reason = "the fitted norm is not applied: read the models too, Datasets.read(..., filename_models)"
    warnings.warn(f"{dataset.name}: {reason}", FovnbWarning, stacklevel=5)
    return (replace(rows[0], reason=reason),)


def join_rows(rows: Iterable[LedgerRow], others: Iterable[LedgerRow]) -> tuple[LedgerRow, ...]:
    """Return all rows, one a run: of a run that was offered twice the one that entered, else the last.

    Of a run that entered twice counts, background and livetimes are added, and the reason says so.
    """
    joined = {row.OBS_ID: row for row in rows}
    for row in others:
        before = joined.get(row.OBS_ID)
        joined[row.OBS_ID] = row if before is None else _merged(before, row)
    return tuple(joined.values())


def _columns() -> list[str]:
    return [f.name for f in fields(LedgerRow) if f.name not in ("parameters", "fit")]


def _merged(before: LedgerRow, row: LedgerRow) -> LedgerRow:
    if not before.entered:
        return row
    if not row.entered:
        return before
    added = ("livetime", "livetime_used", "counts", "background", "counts_excluded", "background_excluded")
    sums = {name: getattr(before, name) + getattr(row, name) for name in added}
    return replace(row, **sums, reason=f"entered the stack more than once; {row.reason}")


def _obs_ids(dataset: "MapDataset") -> list[int]:
    """Return the runs that a dataset is about."""
    if dataset.run_info is not None:
        return [dataset.run_info.obs_id]
    if dataset.meta_table is not None and "OBS_ID" in dataset.meta_table.colnames:
        try:
            return [int(obs_id) for obs_id in np.ravel(dataset.meta_table["OBS_ID"])]
        except (TypeError, ValueError):
            return []
    number = dataset.name.removeprefix("obs-")
    return [int(number)] if dataset.name.startswith("obs-") and number.isdecimal() else []


def _info_of(dataset: "MapDataset") -> dict[str, Any]:
    """Return what the run is and how much of it enters a stack, by the fields of its row."""
    info, exposure = dataset.run_info, dataset.exposure
    if info is not None:
        row = {"OBJECT": info.target, "RA_PNT": info.ra_deg, "DEC_PNT": info.dec_deg, "ZEN_PNT": info.zenith_deg}
        row |= {"AZ_PNT": info.azimuth_deg, "MJD_START": info.start_mjd, "livetime": info.livetime_s}
    else:
        row = _pointing(dataset) | {"livetime": np.nan}
    if exposure is not None and "livetime" in exposure.meta:
        row["livetime"] = float(u.Quantity(exposure.meta["livetime"], "s").value)
    if dataset.mask_safe is not None and not dataset.mask_safe.data.any():
        return row | {"status": "excluded", "reason": _EMPTY}
    sums = _safe_sums(dataset) if dataset.background_fit is None else {}  # else the fit has better ones
    return row | {"reason": "the background was not fitted", "livetime_used": row["livetime"], **sums}


def _pointing(dataset: "MapDataset") -> dict[str, Any]:
    try:
        return dict(zip(("RA_PNT", "DEC_PNT"), pointing_deg(dataset), strict=True))
    except InvalidInputError:
        return {}


def _safe_sums(dataset: "MapDataset") -> dict[str, Any]:
    parts = {"counts": dataset.counts, "background": dataset.background}
    mask = True if dataset.mask_safe is None else dataset.mask_safe.data
    return {name: float(np.sum(part.data, where=mask)) for name, part in parts.items() if part is not None}


def _with_fit(row: dict[str, Any], dataset: "MapDataset") -> dict[str, Any]:
    """Return the fields of the row with what the background fit says."""
    fit = dataset.background_fit
    if fit is None:
        return row
    # The maker empties the safe mask of a run that fails: the fit's own words are the reason.
    if not ("status" in row and fit.enters_stack):
        row = row | {"status": fit.status, "reason": fit.reason}
    used = row.get("livetime_used", 0.0) if fit.enters_stack else 0.0
    names = ("counts", "counts_excluded", "background_excluded")
    sums: dict[str, Any] = {name: float(getattr(fit, name).sum()) for name in names}
    sums |= {name: getattr(fit, name) for name in ("norm_pivot", "energy_pivot", "deviance", "dof")}
    values = zip(fit.parameter_names, fit.values, fit.errors, strict=True)
    free = {name: (float(value), float(error)) for name, value, error in values if name in fit.free_names}
    fitted = {"background": float(fit.predicted.sum()), "corr": _correlation(fit), "parameters": free, "fit": fit}
    return row | sums | fitted | {"livetime_used": used}


def _correlation(fit: Any) -> float:
    """Return the correlation of the first two free parameters, NaN if there are not two with errors."""
    index = [i for i, name in enumerate(fit.parameter_names) if name in fit.free_names][:2]
    if len(index) < 2:
        return np.nan
    (a, c), (_, b) = fit.covariance[np.ix_(index, index)]
    return float(c / np.sqrt(a * b)) if a > 0 and b > 0 else np.nan


def _add_parameters(table: Ledger, rows: list[LedgerRow]) -> None:
    """Add a column for each parameter and one for its error; norms come first, then the others by name."""
    names = {name: None for row in rows for name in row.parameters}
    for name in sorted(names, key=lambda name: (name != "norm", not name.startswith("norm"))):
        pairs: FloatArray = np.array([row.parameters.get(name, (np.nan, np.nan)) for row in rows], dtype=float)
        table[name], table[f"{name}_err"] = pairs[:, 0], pairs[:, 1]


def _cell(name: str, value: Any) -> str:
    """Return a cell as text: numbers with four digits, those of the sky and of clocks as they are read."""
    number = getattr(value, "value", value)
    kind = _FORMATS.get(_UNITS.get(name, ""), ".4g")
    return f"{number:{kind}}" if isinstance(number, float | np.floating) else str(number)
