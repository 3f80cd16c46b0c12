"""The stack of runs: what no fit changes is added once and remembered, the background each time."""

from collections.abc import Hashable, Sequence

from fovnb.datasets import MapDataset
from fovnb.datasets.ledger import LedgerRow, join_rows, offered_rows
from fovnb.datasets.stacking import adds_nothing
from fovnb.pipeline.journal import Journal

__all__ = ["stack_runs"]

_RESPONSES = ("counts", "exposure", "psf", "edisp", "mask_fit", "gti", "meta_table")
_FITTED = ("background", "models", "background_fit")


def stack_runs(
    runs: Sequence[MapDataset],
    keys: tuple[Hashable, Hashable, Hashable],
    empty: MapDataset,
    block: int | None,
    journal: Journal,
) -> MapDataset:
    """Return the stack of runs, added in their order, or in blocks that are then added.

    Each map of a stack depends on the same map and the safe masks of the runs alone. So what a fit changes, the
    background, and what an exclusion mask changes, where it was fitted, are added apart from all others.

    Parameters
    ----------
    runs : list of MapDataset
        With fitted backgrounds.
    keys : (key, key, key)
        What the runs were made from up to the safe mask, up to the exclusion mask, and in all.
    empty : MapDataset
        On the same grids; it is not changed.
    block : int, optional
        Runs a block; by default all.
    journal : Journal
        Remembers and times.
    """
    enter = tuple(not adds_nothing(run) for run in runs)

    def part(key: Hashable, *without: str) -> MapDataset:
        gone = dict.fromkeys(without)
        reduced = [run.replace(**gone) if enters else None for run, enters in zip(runs, enter, strict=True)]
        return journal.value("stack", (key, enter, block), lambda: _added(reduced, empty.replace(**gone), block))

    safe, masked, fitted = keys
    excluded = part((masked, "mask"), *_RESPONSES, *_FITTED)
    backgrounds = part((fitted, "background"), *_RESPONSES, "mask_exclusion")
    return part(safe, "mask_exclusion", *_FITTED).replace(
        background=backgrounds.background, mask_exclusion=excluded.mask_exclusion, stacked_rows=_rows(runs, enter)
    )


def _added(runs: Sequence[MapDataset | None], empty: MapDataset, block: int | None) -> MapDataset:
    """Return the sum of runs, or of the sums of blocks of them; what adds nothing only takes its place in a block."""
    stacked = empty.copy()
    if block is None:
        for run in filter(None, runs):
            stacked.stack(run)
        return stacked
    for start in range(0, len(runs), block):
        stacked.stack(_added(runs[start : start + block], empty, None))
    return stacked


def _rows(runs: Sequence[MapDataset], enter: Sequence[bool]) -> tuple[LedgerRow, ...]:
    """Return the rows of the ledger."""
    rows: tuple[LedgerRow, ...] = ()
    for run, enters in zip(runs, enter, strict=True):
        rows = join_rows(rows, offered_rows(run, enters))
    return rows
