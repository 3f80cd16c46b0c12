"""The mask found by repetition: mask, fit, significance of the stack, mask, until it no longer changes."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from astropy.table import QTable

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import residuals
from fovnb.errors import InvalidInputError
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.makers.exclusion_suggest import as_runs, common_geom, stacked_counts, suggest_entries
from fovnb.maps import Map
from fovnb.maps.checks import positive_int
from fovnb.modeling.background_fit import BackgroundFit
from fovnb.text import html_summary, text_summary
from fovnb.types import FloatArray

__all__ = ["ExclusionHistory", "ExclusionStep", "iterate_exclusion"]


class BackgroundMaker(Protocol):
    """What `iterate_exclusion` needs of a maker: `FoVBackgroundMaker`, or another that has its mask and its ``run``."""

    exclusion_mask: Any

    def run(self, dataset: MapDataset) -> MapDataset:
        """Return the dataset with its background fitted outside the mask."""


@dataclass(frozen=True, eq=False, repr=False)
class ExclusionStep:
    """One turn: the mask, and what the fits outside it gave.

    ``used`` is the mask on the grid of the stack, ``fits`` the outcome of each run, ``significance`` the image that the
    next mask comes from.
    """

    mask: ExclusionMask
    used: Map
    fits: tuple[BackgroundFit, ...]
    significance: Map

    @property
    def excluded(self) -> float:
        """The fraction of pixels that the mask leaves out."""
        return 1 - float(self.used.data.mean())

    @property
    def norms(self) -> FloatArray:
        """The norm of each run, shape (R,), NaN where the fit failed."""
        return np.array([_norm(fit) for fit in self.fits])

    def _rows(self) -> dict[str, object]:
        norms = ", ".join(f"{norm:.3f}" for norm in self.norms)
        return {"mask": repr(self.mask), "excluded": f"{self.excluded:.2%}", "norms": norms}

    def __repr__(self) -> str:
        return text_summary("ExclusionStep", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("ExclusionStep", self._rows())


@dataclass(frozen=True, eq=False, repr=False)
class ExclusionHistory:
    """Every step of `iterate_exclusion`, and how it ended.

    ``status`` is "converged" if the last step's significance gives the last step's mask again, "cycling" if it gives
    that of an earlier step, "failed" if no run could be fitted in the last step, and "unfinished" if the steps ran out.
    ``mask`` is the last step's.
    """

    steps: tuple[ExclusionStep, ...]
    status: Literal["converged", "cycling", "failed", "unfinished"]
    reason: str

    @property
    def converged(self) -> bool:
        """Whether the mask no longer changes."""
        return self.status == "converged"

    @property
    def mask(self) -> ExclusionMask:
        """The mask of the last step."""
        return self.steps[-1].mask

    @property
    def norms(self) -> FloatArray:
        """The norm of each run at each step, shape (steps, R), NaN where the fit failed."""
        return np.array([step.norms for step in self.steps])

    @property
    def table(self) -> QTable:
        """One row a step: the fraction excluded, and the norm of each run under its name."""
        names = [fit.dataset_name for fit in self.steps[0].fits]
        norms = dict(zip(names, self.norms.T, strict=True))
        return QTable({"step": np.arange(len(self.steps)), "excluded": [step.excluded for step in self.steps]} | norms)

    def _rows(self) -> dict[str, object]:
        excluded = " -> ".join(f"{step.excluded:.2%}" for step in self.steps)
        return {"status": self.status, "reason": self.reason, "excluded": excluded, "mask": repr(self.mask)}

    def __repr__(self) -> str:
        return text_summary("ExclusionHistory", self._rows())

    def _repr_html_(self) -> str:
        return html_summary("ExclusionHistory", self._rows())


def iterate_exclusion(
    datasets: MapDataset | Iterable[MapDataset],
    maker: BackgroundMaker,
    start: ExclusionMask | Map | None = None,
    high: float = 5.0,
    low: float = 3.0,
    dilate: Any = "0.1 deg",
    max_steps: int = 10,
    radius: Any = "0.1 deg",
    check: Callable[[], None] | None = None,
) -> ExclusionHistory:
    """Fit the runs outside a mask, take the mask from the significance of their stack, and repeat until it stays.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs with counts, background and safe mask, on one geometry or cutouts of it; they are not changed.
    maker : FoVBackgroundMaker
        How the background is fitted; it is not changed.
    start : ExclusionMask or Map, optional
        First mask, part of all others, too; that of the maker by default.
    high, low, dilate, radius
        See `suggest_entries`.
    max_steps : int
        Most fits of all runs.
    check : callable, optional
        Called before each fit of a run; may raise to stop.

    Raises
    ------
    InvalidInputError
        If there are no runs, the maker or the start is none, or no step is allowed.
    GeometryError
        If the pixels of the runs do not coincide.

    Examples
    --------
    >>> from fovnb.makers import FoVBackgroundMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=1)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.background.data += 2
    >>> run.counts.data += 2
    >>> run.counts.data[0, 5, 5] = 40
    >>> run.mask_safe.data[...] = True
    >>> history = iterate_exclusion(run, FoVBackgroundMaker())
    >>> history.status, history.norms.round(3).ravel().tolist()
    ('converged', [1.048, 1.0])
    """
    most = positive_int(max_steps, "max_steps")
    runs = as_runs(datasets)
    stacked_counts(runs)  # refuses what cannot be stacked, before anything is fitted
    first = _as_mask(_mask_of(maker) if start is None else start)
    geom = common_geom([run.geom for run in runs])
    geom = geom if first.has_axes else geom.to_image()
    given = first.to_map(geom)
    steps: list[ExclusionStep] = []
    mask, used = first, given
    for _ in range(most):
        fitted = list(_fitted(runs, _with_mask(maker, used), check))
        significance = residuals(stacked_counts(fitted), radius).significance
        fits = tuple(run.background_fit for run in fitted if run.background_fit is not None)
        steps.append(ExclusionStep(mask, used, fits, significance))
        if fits and not any(fit.success for fit in fits):
            reason = f"no run was fitted ({fits[0].dataset_name}: {fits[0].reason}); correct the runs or the maker"
            return ExclusionHistory(tuple(steps), "failed", reason)
        found = suggest_entries(significance, high, low, dilate)
        mask = first.add(found)
        used = given & ExclusionMask(found).to_map(geom)
        again = [i for i, step in enumerate(steps) if np.array_equal(step.used.data, used.data)]
        if again:
            return _finished(steps, again[-1])
    return ExclusionHistory(tuple(steps), "unfinished", f"the mask still changed after {max_steps} fits; allow more")


def _fitted(runs: list[MapDataset], maker: BackgroundMaker, check: Callable[[], None] | None) -> Iterator[MapDataset]:
    for run in runs:
        if check is not None:
            check()
        yield maker.run(run)


def _finished(steps: list[ExclusionStep], again: int) -> ExclusionHistory:
    """Return the history that came to the mask of an earlier step."""
    if again == len(steps) - 1:
        return ExclusionHistory(tuple(steps), "converged", f"the mask no longer changes after {len(steps)} fits")
    reason = f"fit {len(steps)} leads back to the mask of fit {again + 1}; join the masks of these, or raise dilate"
    return ExclusionHistory(tuple(steps), "cycling", reason)


def _as_mask(mask: Any) -> ExclusionMask:
    if mask is None:
        return ExclusionMask()
    if not isinstance(mask, Map | ExclusionMask):
        msg = f"the first mask is {mask!r}; expected an ExclusionMask, a Map or None"
        raise InvalidInputError(msg)
    return ExclusionMask(mask, ["start"]) if isinstance(mask, Map) else mask


def _mask_of(maker: BackgroundMaker) -> Any:
    if not (hasattr(maker, "exclusion_mask") and callable(getattr(maker, "run", None))):
        msg = f"the maker is {maker!r}; expected one with exclusion_mask and run, such as FoVBackgroundMaker()"
        raise InvalidInputError(msg)
    return maker.exclusion_mask


def _with_mask(maker: BackgroundMaker, used: Map) -> BackgroundMaker:
    """Return a copy of the maker that excludes these pixels."""
    made = copy(maker)
    made.exclusion_mask = used
    return made


def _norm(fit: BackgroundFit) -> float:
    """Return the first norm of a usable fit."""
    norms = [v for name, v in zip(fit.parameter_names, fit.values, strict=True) if name.startswith("norm")]
    return float(norms[0]) if fit.success and norms else float("nan")
