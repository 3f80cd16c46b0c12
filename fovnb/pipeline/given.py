"""Datasets that were made elsewhere, by pasted code or another program, on their way to a fit and a stack."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fovnb.datasets import Datasets, MapDataset
from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import Map
from fovnb.text import Record

__all__ = ["Given"]


@dataclass(frozen=True, eq=False, repr=False)
class Given(Record):
    """Runs after their safe masks, one dataset each, all on the same grid, and maybe a mask.

    The pipeline takes them in place of the recipe's data, cube and safe mask. They are copied: what happens to them
    later changes nothing here.

    Parameters
    ----------
    datasets : MapDataset or list of MapDataset
        The runs.
    exclusion_mask : Map, optional
        Boolean, True = used, on their grid; what the recipe excludes is left out as well.

    Raises
    ------
    InvalidInputError
        If there are none, or these are no datasets or no such mask.
    GeometryError
        If they are not on the same grid.

    Examples
    --------
    >>> from fovnb.pipeline import Pipeline
    >>> from fovnb.recipe import Recipe
    >>> made = Pipeline().run(Recipe())
    >>> again = Pipeline().run(Recipe(), given=Given(made.datasets))
    >>> (again.ledger["norm"] == made.ledger["norm"]).all()
    np.True_
    """

    datasets: tuple[MapDataset, ...]
    exclusion_mask: Map | None = None

    def __init__(self, datasets: MapDataset | Iterable[MapDataset], exclusion_mask: Map | None = None) -> None:
        runs = _checked(datasets)
        geom = runs[0].geom
        for run in runs:
            if run.geom != geom:
                msg = f"{run.name} is not on the grid of {runs[0].name}; make all runs on one grid, or give them apart"
                raise GeometryError(msg)
        _check_mask(exclusion_mask, runs[0])
        object.__setattr__(self, "datasets", tuple(Datasets(runs).copy()))
        object.__setattr__(self, "exclusion_mask", None if exclusion_mask is None else exclusion_mask.copy())

    def names(self) -> dict[str, Any]:
        """Return what the later steps need of the grids: ``geom``, and ``stacked``, the empty stack."""
        first = self.datasets[0]
        stacked = MapDataset.from_geoms(name="stacked", **first.geoms)  # type: ignore[arg-type]  # argument names
        return {"geom": first.geom, "stacked": stacked}

    def _rows(self) -> dict[str, object]:
        return {"datasets": ", ".join(run.name for run in self.datasets), "exclusion mask": self.exclusion_mask}


def _checked(datasets: Any) -> list[MapDataset]:
    runs = [datasets] if isinstance(datasets, MapDataset) else list(datasets) if isinstance(datasets, Iterable) else []
    if not runs or not all(isinstance(run, MapDataset) for run in runs):
        found = ", ".join(sorted({type(run).__name__ for run in runs})) or repr(datasets)
        msg = f"found {found}; expected one MapDataset a run, as MapDatasetMaker makes them"
        raise InvalidInputError(msg)
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        msg = f"the datasets are named {', '.join(names)}; give each a name of its own"
        raise InvalidInputError(msg)
    return runs


def _check_mask(mask: Any, run: MapDataset) -> None:
    if mask is None:
        return
    if not isinstance(mask, Map) or mask.data.dtype != bool:
        msg = f"the exclusion mask is {type(mask).__name__}; expected a boolean Map, True = used"
        raise InvalidInputError(msg)
    if mask.geom != run.geom:
        msg = f"the exclusion mask is not on the grid of {run.name}; make it with its geom"
        raise GeometryError(msg)
