"""Runs fitted together: short runs, one by one too poor for a norm, share it or its tilt with the others of a group."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from fovnb.datasets import Datasets, MapDataset, pointing_deg
from fovnb.errors import InvalidInputError, ModelError
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.makers.normalise import background_sums, deliver, empty_sums, find_flaw
from fovnb.maps import Map
from fovnb.modeling.background_fit import BackgroundFit, BackgroundSums, failed_fit
from fovnb.modeling.background_record import Status
from fovnb.modeling.joint import fit_jointly
from fovnb.modeling.models import FoVBackgroundModel, NormLike, NormSpectralModel, create_norm, needs_dataset
from fovnb.text import did_you_mean
from fovnb.types import FloatArray

__all__ = ["fit_together", "group_runs"]

GroupBy: TypeAlias = str | Mapping[Any, object] | Callable[[MapDataset], object]

_ZENITH_EDGES_DEG = (0, 20, 30, 40, 50, 60, 90)
_SAME_POINTING_DEG = 0.1


def fit_together(
    datasets: Iterable[MapDataset],
    spectral_model: NormLike = "pl-norm",
    shared: Sequence[str] | str = ("tilt",),
    group_by: GroupBy = "night",
    exclusion_mask: Map | ExclusionMask | None = None,
    zenith_edges_deg: Sequence[float] = _ZENITH_EDGES_DEG,
    check: Callable[[], None] | None = None,
) -> Datasets:
    """Return the runs with backgrounds fitted group by group, some parameters of the norm shared within a group.

    The likelihood of a group is the sum of its runs', each through its sums per energy bin. Errors are those of the
    joint fit; the models of a group hold the same `Parameter` objects for what they share, and ``background_fit.group``
    names it. A run without counts takes part when all is shared. Background models that the datasets have are replaced.

    Parameters
    ----------
    datasets : Datasets or iterable of MapDataset
        Runs, with counts and background; they are not changed.
    spectral_model : norm spectral model, str or callable
        Norm of every run. "piecewise-norm" takes its nodes from the sum of the group.
    shared : list of str or "all"
        Parameters that are one in a group; a frozen one is freed. "all": every free parameter.
    group_by : {"night", "pointing", "zenith"}, mapping or callable
        Night (local noon to noon), pointing (within 0.1 deg), band in zenith angle; or the group of each run by dataset
        name or OBS_ID, or as a function of the dataset.
    exclusion_mask : Map or ExclusionMask, optional
        See `FoVBackgroundMaker`.
    zenith_edges_deg : list of float
        Edges of the bands in zenith angle.
    check : callable, optional
        Called before each group is fitted; may raise to stop.

    Raises
    ------
    InvalidInputError
        If there are no datasets, or ``group_by`` is unknown or does not say where a run belongs.
    ModelError
        If the norm has no such parameter, or none that is free.

    Warns
    -----
    FovnbWarning
        For each run that cannot be used, with the reason.

    Examples
    --------
    >>> from fovnb.maps import Map, MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> def run(name, n):
    ...     counts, background = (Map.from_geom(geom, data=np.full(geom.data_shape, x)) for x in (n, 2.0))
    ...     return MapDataset(counts=counts, background=background, name=name)
    >>> runs = [run("obs-1", 3.0), run("obs-2", 1.0)]
    >>> fitted = fit_together(runs, shared="all", group_by={"obs-1": "a", "obs-2": "a"})
    >>> [round(float(dataset.background_model.spectral_model.norm.value), 6) for dataset in fitted]
    [1.0, 1.0]
    """
    spectral_model = spectral_model if needs_dataset(spectral_model) else create_norm(spectral_model)
    runs = _checked(datasets)
    masked = [_with_mask(run, exclusion_mask) for run in runs]
    fitted: dict[str, MapDataset] = {}
    for group, members in group_runs(masked, group_by, zenith_edges_deg).items():
        if check is not None:
            check()
        fitted |= {run.name: run for run in _fit_group(members, group, spectral_model, shared)}
    return Datasets(fitted[run.name] for run in runs)


def group_runs(
    datasets: Iterable[MapDataset], group_by: GroupBy, zenith_edges_deg: Sequence[float] = _ZENITH_EDGES_DEG
) -> dict[str, list[MapDataset]]:
    """Return the datasets of each group, by its name; see `fit_together` for the arguments and what is raised.

    Examples
    --------
    >>> from fovnb.data import RunInfo
    >>> angles = {1: 12.0, 2: 19.0, 3: 45.0}
    >>> runs = [MapDataset(name=f"obs-{i}", run_info=RunInfo(i, zenith_deg=zenith)) for i, zenith in angles.items()]
    >>> {group: [run.name for run in runs] for group, runs in group_runs(runs, "zenith").items()}
    {'zenith 0 - 20 deg': ['obs-1', 'obs-2'], 'zenith 40 - 50 deg': ['obs-3']}
    """
    runs = list(_checked(datasets))
    groups: dict[str, list[MapDataset]] = {}
    for run, label in zip(runs, _labels(runs, group_by, zenith_edges_deg), strict=True):
        groups.setdefault(label, []).append(run)
    return groups


def _labels(runs: list[MapDataset], group_by: GroupBy, zenith_edges_deg: Sequence[float]) -> list[str]:
    """Return the group of each run."""
    if group_by == "night":
        return [_night(run) for run in runs]
    if group_by == "pointing":
        return _pointings(runs)
    if group_by == "zenith":
        return [_zenith_band(run, np.asarray(zenith_edges_deg, dtype=float)) for run in runs]
    if isinstance(group_by, Mapping):
        return [_mapped(run, group_by) for run in runs]
    if callable(group_by):
        return [str(group_by(run)) for run in runs]
    hint = did_you_mean(str(group_by), ("night", "pointing", "zenith"))
    msg = f"group_by is {group_by!r}{hint}; expected 'night', 'pointing', 'zenith', a mapping of names, or a function"
    raise InvalidInputError(msg)


def _night(run: MapDataset) -> str:
    """Return the date of the evening, local noon to noon; noon in Greenwich where the place is unknown."""
    from astropy.time import Time

    start = _known(run, "start_mjd", "when it started")
    longitude = 0.0 if run.run_info is None or np.isnan(run.run_info.geolon_deg) else run.run_info.geolon_deg
    return f"night {Time(np.floor(start + longitude / 360 - 0.5), format='mjd').to_value('iso', subfmt='date')}"


def _pointings(runs: list[MapDataset]) -> list[str]:
    """Return, for each run, the first pointing of all that lies within 0.1 deg."""
    from astropy.coordinates import SkyCoord

    seen: list[tuple[float, float]] = []
    labels = []
    for run in runs:
        here = pointing_deg(run)
        known = SkyCoord(seen or [here], unit="deg").separation(SkyCoord(*here, unit="deg")).deg
        if not seen or known.min() > _SAME_POINTING_DEG:
            seen, known = [*seen, here], np.append(known if seen else [], 0.0)
        labels.append("pointing {:.2f} {:+.2f}".format(*seen[int(np.argmin(known))]))
    return labels


def _zenith_band(run: MapDataset, edges: FloatArray) -> str:
    zenith = _known(run, "zenith_deg", "its zenith angle")
    low = int(np.searchsorted(edges, zenith, side="right")) - 1
    if not 0 <= low < len(edges) - 1:
        msg = f"{run.name} was taken at a zenith angle of {zenith:.1f} deg, outside {edges.tolist()}; widen the edges"
        raise InvalidInputError(msg)
    return f"zenith {edges[low]:g} - {edges[low + 1]:g} deg"


def _mapped(run: MapDataset, groups: Mapping[Any, object]) -> str:
    """Return the group given for the name or the OBS_ID of a run."""
    keys = [run.name, *([] if run.run_info is None else [run.run_info.obs_id])]
    for key in keys:
        if key in groups:
            return str(groups[key])
    msg = f"group_by says nothing of {run.name}{did_you_mean(run.name, map(str, groups))}; give the group of every run"
    raise InvalidInputError(msg)


def _known(run: MapDataset, field: str, words: str) -> float:
    """Return a number that the run knows about itself."""
    value = np.nan if run.run_info is None else float(getattr(run.run_info, field))
    if np.isnan(value):
        msg = f"dataset {run.name!r} does not know {words}; pass group_by as a mapping of dataset names to groups"
        raise InvalidInputError(msg)
    return value


def _checked(datasets: MapDataset | Iterable[MapDataset]) -> Datasets:
    """Return the datasets, at least one, with unique names."""
    runs = Datasets(datasets)
    if not len(runs):
        msg = "there are no datasets to fit; pass at least one run with counts and background"
        raise InvalidInputError(msg)
    return runs


def _with_mask(run: MapDataset, mask: Map | ExclusionMask | None) -> MapDataset:
    return run if mask is None else run.replace(mask_exclusion=project_exclusion_mask(mask, run.geom))


def _fit_group(
    runs: list[MapDataset], group: str, spectral_model: NormLike, shared: Sequence[str] | str
) -> list[MapDataset]:
    """Return the fitted runs of one group; those with a flaw are not part of the fit."""
    flaws = {run.name: flaw for run in runs if (flaw := find_flaw(run))}
    good = [run for run in runs if run.name not in flaws]
    sums = [background_sums(run) for run in good]
    try:
        norm = create_norm(spectral_model, _pooled(good, sums)) if good else None
    except ModelError as error:  # too few counts for its nodes
        flaws, good, norm = {run.name: ("too-few-counts", str(error)) for run in good} | flaws, [], None
    outcomes = [] if norm is None else fit_jointly(sums, _linked(norm, [run.name for run in good], shared), group)
    fitted = [deliver(run, *outcome) for run, outcome in zip(good, outcomes, strict=True)]
    return fitted + [deliver(run, *_unfit(run, group, *flaws[run.name])) for run in runs if run.name in flaws]


def _unfit(run: MapDataset, group: str, status: Status, reason: str) -> tuple[FoVBackgroundModel, BackgroundFit]:
    model, record = failed_fit(empty_sums(run), FoVBackgroundModel(run.name), "fit", run.name, status, reason)
    return model, replace(record, group=group)


def _pooled(runs: list[MapDataset], sums: list[BackgroundSums]) -> BackgroundSums:
    """Return the sums of all runs with the energy axis of the first, for a norm that takes its nodes from data."""
    axes = [run.geom.axes["energy"] for run in runs]
    same = [one for one, axis in zip(sums, axes, strict=True) if axis == axes[0]]
    counts, background = (np.sum([getattr(one, name) for one in same], axis=0) for name in ("counts", "background"))
    return BackgroundSums(same[0].energy, counts, background)


def _linked(norm: NormSpectralModel, names: list[str], shared: Sequence[str] | str) -> list[FoVBackgroundModel]:
    """Return a model for each name, which hold the same objects for the parameters they share."""
    first = norm.copy()
    for label in _shared_labels(first, shared):
        getattr(first, label).frozen = False
    models = [FoVBackgroundModel(name, first.copy()) for name in names]
    for model in models[1:]:
        for label in _shared_labels(first, shared):
            setattr(model.spectral_model, label, getattr(models[0].spectral_model, label))
    return models


def _shared_labels(norm: NormSpectralModel, shared: Sequence[str] | str) -> list[str]:
    """Return the labels of the parameters to share."""
    if isinstance(shared, str) and shared == "all":
        return [label for label, par in zip(norm.labels, norm.parameters, strict=True) if not par.frozen]
    names = [shared] if isinstance(shared, str) else list(shared)
    for name in names:
        if name not in norm.labels:
            hint = did_you_mean(str(name), norm.labels)
            msg = f"there is no parameter {name!r} to share{hint}; the norm has {', '.join(norm.labels)}, or pass 'all'"
            raise ModelError(msg)
    return names
