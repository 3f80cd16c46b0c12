"""The stack of runs: what no fit changes is added once and remembered, the background when it is looked at."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from fovnb.datasets import MapDataset
from fovnb.datasets.ledger import LedgerRow, join_rows, offered_rows
from fovnb.datasets.stacking import adds_nothing
from fovnb.pipeline.journal import Journal
from fovnb.pipeline.memory import Key

__all__ = ["Stack", "stack_runs"]

_RESPONSES = ("counts", "exposure", "psf", "edisp", "mask_fit", "gti", "meta_table")
_FITTED = ("background", "models", "background_fit")


@dataclass(frozen=True, eq=False)
class Stack:
    """The stack of runs in two halves: all that no fit changes, and what is needed to add the backgrounds to it.

    Parameters
    ----------
    runs : tuple of MapDataset
        With fitted backgrounds.
    enter : tuple of bool
        Which of them add anything.
    empty, rest : MapDataset
        The stack of no run, and that of all runs without backgrounds.
    block : int, optional
        Runs a block; by default all.
    """

    runs: tuple[MapDataset, ...]
    enter: tuple[bool, ...]
    empty: MapDataset
    rest: MapDataset
    block: int | None

    @property
    def rows(self) -> tuple[LedgerRow, ...]:
        """The rows of the ledger."""
        rows: tuple[LedgerRow, ...] = ()
        for run, enters in zip(self.runs, self.enter, strict=True):
            rows = join_rows(rows, offered_rows(run, enters))
        return rows

    def whole(self) -> MapDataset:
        """Return the stack with its backgrounds and its ledger."""
        backgrounds = _part(self.runs, self.enter, self.empty, self.block, (*_RESPONSES, "mask_exclusion"))
        return self.rest.replace(background=backgrounds.background, stacked_rows=self.rows)


def stack_runs(
    runs: Sequence[MapDataset],
    keys: tuple[Hashable, Hashable],
    empty: MapDataset,
    block: int | None,
    journal: Journal,
) -> Stack:
    """Return the stack of runs, added in their order, or in blocks that are then added.

    Each map of a stack depends on the same map and the safe masks of the runs alone. So what a fit changes, the
    background, and what an exclusion mask changes, where it was fitted, are added apart from all others.

    Parameters
    ----------
    runs : list of MapDataset
        With fitted backgrounds.
    keys : (key, key)
        What the runs were made from, up to the safe mask and up to the exclusion mask.
    empty : MapDataset
        On the same grids; it is not changed.
    block : int, optional
        Runs a block; by default all.
    journal : Journal
        Remembers and times.
    """
    enter = tuple(not adds_nothing(run) for run in runs)

    def part(key: Hashable, *without: str) -> MapDataset:
        made = partial(_part, runs, enter, empty, block, without, journal.check)
        return journal.value("stack", Key(key, enter, block), made)

    safe, masked = keys
    excluded = part(Key(masked, "mask"), *_RESPONSES, *_FITTED).mask_exclusion
    rest = part(safe, "mask_exclusion", *_FITTED).replace(mask_exclusion=excluded)
    return Stack(tuple(runs), enter, empty, rest, block)


def _part(
    runs: Sequence[MapDataset],
    enter: Sequence[bool],
    empty: MapDataset,
    block: int | None,
    without: Sequence[str],
    check: Callable[[], None] = lambda: None,
) -> MapDataset:
    """Return the stack of runs without some of their parts; ``check`` is asked before each, and may raise to stop."""
    gone = dict.fromkeys(without)
    reduced = [run.replace(**gone) if enters else None for run, enters in zip(runs, enter, strict=True)]
    return _added(reduced, empty.replace(**gone), block, check)


def _added(
    runs: Sequence[MapDataset | None], empty: MapDataset, block: int | None, check: Callable[[], None]
) -> MapDataset:
    """Return the sum of runs, or of the sums of blocks of them; what adds nothing only takes its place in a block."""
    stacked = empty.copy()
    if block is None:
        for run in filter(None, runs):
            check()
            stacked.stack(run)
        return stacked
    for start in range(0, len(runs), block):
        stacked.stack(_added(runs[start : start + block], empty, None, check))
    return stacked
