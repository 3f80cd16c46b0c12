"""The runs of a report and what several of its sections need of them."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fovnb.datasets import Ledger, MapDataset, used_pixels
from fovnb.datasets.ledger import ledger_of, ledger_rows
from fovnb.diagnostics.pixels import Mask
from fovnb.diagnostics.verdict import Verdicts, verdicts
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers import ExclusionMask, project_exclusion_mask
from fovnb.maps import WcsGeom

__all__ = ["Survey", "any_tested", "n_in_fields", "name_of", "nearby", "verdict_lines", "with_mask"]


@dataclass(frozen=True, eq=False)
class Survey:
    """Runs, also failed ones, or stacks; what is asked of them is computed once."""

    datasets: tuple[MapDataset, ...]

    @cached_property
    def usable(self) -> tuple[MapDataset, ...]:
        """Runs that can be diagnosed: those with counts, and background in pixels that are used.

        Raises
        ------
        InvalidInputError
            If there is none.
        """
        found = tuple(filter(_is_usable, self.datasets))
        if not found:
            msg = f"none of {len(self.datasets)} runs has counts and background in pixels that are used; see the ledger"
            raise InvalidInputError(msg)
        return found

    @cached_property
    def groups(self) -> dict[str, tuple[MapDataset, ...]]:
        """Usable runs on one map each, by number and names of their targets."""
        found: dict[WcsGeom, list[MapDataset]] = {}
        for run in self.usable:
            found.setdefault(run.geom.to_image(), []).append(run)
        return {f"{number}: {_targets(runs)}": tuple(runs) for number, runs in enumerate(found.values(), start=1)}

    @cached_property
    def ledger(self) -> Ledger:
        """The rows of all runs."""
        return ledger_of(row for dataset in self.datasets for row in ledger_rows(dataset))

    @cached_property
    def verdicts(self) -> Verdicts:
        """What is odd about each run and all together."""
        return verdicts(self.datasets)


def verdict_lines(found: Verdicts) -> tuple[str, ...]:
    """Return the verdict of each run and of all together, a line each."""
    return tuple(f"{one.name}: {one.sentence}" for one in (*found.runs, found.all_runs))


def any_tested(found: Verdicts) -> bool:
    """Return whether anything could be tested of any run."""
    return any(run.n_tests for run in found.runs)


def with_mask(datasets: Iterable[MapDataset], mask: Mask) -> tuple[MapDataset, ...]:
    """Return datasets with another exclusion mask, projected once for each geometry; as they are without one.

    Examples
    --------
    >>> with_mask([], None)
    ()
    """
    if mask is None:
        return tuple(datasets)
    given = tuple(datasets)
    near = nearby(mask, [dataset.geom for dataset in given])
    projected = {geom: project_exclusion_mask(part, geom) for geom, part in near.items()}
    return tuple(dataset.replace(mask_exclusion=projected[dataset.geom]) for dataset in given)


def nearby(mask: Mask, geoms: Iterable[WcsGeom]) -> dict[WcsGeom, Mask]:
    """Return the mask for each map, without areas off it, of which every run would warn; None where nothing is left.

    Warns
    -----
    FovnbWarning
        If no area lies on any map.
    """
    maps = dict.fromkeys(geoms)
    if not isinstance(mask, ExclusionMask):
        return dict.fromkeys(maps, mask)
    near = {geom: mask.within(geom) for geom in maps}
    if near and not any(map(len, near.values())):
        msg = f"no area of the exclusion mask lies in the fields, so nothing is excluded; check the positions: {mask!r}"
        warnings.warn(msg, FovnbWarning, stacklevel=4)
    return {geom: part if len(part) else None for geom, part in near.items()}


def n_in_fields(mask: ExclusionMask, datasets: Iterable[MapDataset]) -> int:
    """Return how many areas of a mask lie on the map of any dataset."""
    geoms = dict.fromkeys(dataset.geom for dataset in datasets)
    return len({name for geom in geoms for name in mask.within(geom).names})


def name_of(run: MapDataset) -> str:
    """Return the OBS_ID of a run, or its name."""
    return run.name if run.run_info is None else str(run.run_info.obs_id)


def _is_usable(run: MapDataset) -> bool:
    return run.counts is not None and run.background is not None and bool(np.any(used_pixels(run)))


def _targets(runs: Sequence[MapDataset]) -> str:
    names = dict.fromkeys(run.run_info.target for run in runs if run.run_info is not None and run.run_info.target)
    return ", ".join(names) or ", ".join(map(name_of, runs))
