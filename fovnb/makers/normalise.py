"""What every way to normalise a background shares: the sums of a run, its flaws, and the dataset with the outcome.

The mask is M = mask_safe AND mask_fit AND mask_exclusion AND background finite and positive; what the data say is in
the sums over M of counts and background per energy bin, N_k and B_k.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning
from fovnb.maps import Map
from fovnb.modeling.background_record import BackgroundFit, Status
from fovnb.modeling.models import FoVBackgroundModel, FoVGradientSpatialModel
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import AnyArray, BoolArray, FloatArray, IntArray

__all__ = [
    "background_sums",
    "deliver",
    "empty_sums",
    "find_flaw",
    "predicted_pixels",
    "sum_per_bin",
    "warn_of_little_background",
]

_AGAIN = "; to fit it again, take the dataset from before the background was fitted"


def background_sums(
    dataset: MapDataset, exclusion: Map | None = None, spatial_model: FoVGradientSpatialModel | None = None
) -> BackgroundSums:
    """Return counts and predicted background per energy bin, summed over M (see the module).

    Pixels with counts but no predicted background enter neither sum; how many counts that leaves out is in the result.

    Parameters
    ----------
    dataset : MapDataset
        With counts and background.
    exclusion : Map, optional
        Boolean, on the dataset's geometry; by default the dataset's ``mask_exclusion``.
    spatial_model : FoVGradientSpatialModel, optional
        Factor on the background.
    """
    background, seen = _background(dataset, spatial_model), _Seen.of(dataset.required("counts").data)
    used, positive, excluded = _used(dataset, exclusion), _is_background(background), _excluded(dataset, exclusion)
    inside = seen.where(used)
    return BackgroundSums(
        energy=_energy(dataset),
        counts=inside.where(positive).per_bin(),
        background=sum_per_bin(background, used & positive),
        n_unpredicted=float(inside.where(positive, False).counts.sum()),
        n_unreadable=inside.n_unreadable,
        livetime=_livetime(dataset),
        **{} if excluded is None else _sums(seen, background, excluded & positive),
    )


def predicted_pixels(dataset: MapDataset) -> BoolArray:
    """Return M, shape (energy, lat, lon), for the background at norm 1."""
    return _used(dataset) & _is_background(dataset.required("background").data)


def empty_sums(dataset: MapDataset) -> BackgroundSums:
    """Return sums without counts and background, for a dataset that has none to give."""
    energy = _energy(dataset)
    return BackgroundSums(energy, np.zeros(len(energy)), np.zeros(len(energy)), livetime=_livetime(dataset))


def find_flaw(dataset: MapDataset) -> tuple[Status, str] | None:
    """Return status and reason if the dataset has nothing to fit: no maps, no pixels, or counts that are no numbers."""
    missing: dict[str, Status] = {"counts": "unreadable", "background": "no-background"}
    for name, status in missing.items():
        if getattr(dataset, name) is None:
            return status, f"the dataset has no {name} map; make it with MapDatasetMaker, {name!r} in its selection"
    before, safe = dataset.background_fit, dataset.mask_safe
    if before is not None and not before.enters_stack and safe is not None and not safe.data.any():
        return before.status, f"{before.reason.removesuffix(_AGAIN)}{_AGAIN}"
    for name in ("mask_safe", "mask_fit"):
        mask = getattr(dataset, name)
        if mask is not None and not mask.data.any():
            return "excluded", f"{name} leaves nothing of the run; loosen it"
    counts = dataset.required("counts").data
    if counts.min(initial=0) >= 0 and counts.max(initial=0) < np.inf:
        return None
    bad = _Seen.of(counts).where(_used(dataset)).n_unreadable
    if bad:
        return "unreadable", f"the counts of {bad} pixels in use are NaN, negative or infinite; repair or mask them"
    return None


def deliver(dataset: MapDataset, model: FoVBackgroundModel, outcome: BackgroundFit) -> MapDataset:
    """Return the dataset with its background model and the outcome; a run that failed gets an empty safe mask.

    Where the exclusion mask leaves nothing of the field, that is the reason.

    Warns
    -----
    FovnbWarning
        If the run failed, with the reason.
    """
    others = [other for other in dataset.models or () if other is not dataset.background_model]
    done = dataset.replace(models=[*others, model], background_fit=outcome)
    if outcome.enters_stack:
        return done
    if outcome.status in ("no-background", "too-few-counts") and _nothing_is_left(dataset):
        reason = "the exclusion mask leaves nothing of the run's field; make it smaller"
        done.background_fit = outcome = replace(outcome, status="excluded", reason=reason)
    msg = f"{dataset.name}: {outcome.status}: {outcome.reason}; the run adds nothing to a stack"
    warnings.warn(msg, FovnbWarning, stacklevel=3)
    return done.replace(mask_safe=Map.from_geom(dataset.geom, dtype=bool))


def warn_of_little_background(sums: BackgroundSums, name: str, least: float = 0.3) -> None:
    """Warn if the exclusion mask leaves less than this fraction of the background in a bin, see `background_fraction`.

    Warns
    -----
    FovnbWarning
        With the bins and their fractions.
    """
    total = sums.background + sums.background_excluded
    short = (sums.background < least * total).nonzero()[0]
    if len(short) and sums.total_counts:  # without any counts the fit fails, and says why
        bins = ", ".join(f"{sums.background[k] / total[k]:.0%} at {sums.energy[k]:.3g} TeV" for k in short)
        msg = f"{name}: the exclusion mask leaves little of the background, {bins}; make it smaller, or mind these bins"
        warnings.warn(msg, FovnbWarning, stacklevel=4)


def _nothing_is_left(dataset: MapDataset) -> bool:
    """Whether the exclusion mask takes all of a field that has background."""
    if dataset.mask_exclusion is None or predicted_pixels(dataset).any():
        return False
    return bool(predicted_pixels(dataset.replace(mask_exclusion=None)).any())


def _excluded(dataset: MapDataset, exclusion: Map | None) -> BoolArray | None:
    """Return where it is safe, but excluded; None without an exclusion mask."""
    mask, safe = dataset.mask_exclusion if exclusion is None else exclusion, dataset.mask_safe
    if mask is None:
        return None
    return np.asarray(~mask.data if safe is None else ~mask.data & safe.data)


@dataclass(frozen=True, eq=False)
class _Seen:
    """The pixels that hold counts, which few do: index in the flat cube, counts and energy bin of each."""

    pixel: IntArray
    counts: FloatArray
    energy_bin: IntArray
    n_bins: int

    @classmethod
    def of(cls, counts: AnyArray) -> "_Seen":
        """Return those of a cube, shape (energy, lat, lon)."""
        pixel = np.flatnonzero(counts != 0)
        n_bins = len(counts)
        return cls(pixel, counts.ravel()[pixel].astype(float), pixel * n_bins // max(counts.size, 1), n_bins)

    @property
    def readable(self) -> BoolArray:
        """Whether counts are neither NaN, negative nor infinite."""
        return (self.counts >= 0) & (self.counts < np.inf)

    @property
    def n_unreadable(self) -> int:
        """How many are not."""
        return int(np.count_nonzero(~self.readable))

    def where(self, mask: BoolArray, inside: bool = True) -> "_Seen":
        """Return those inside a mask of the cube, or outside."""
        return self.select(mask.ravel()[self.pixel] == inside)

    def select(self, kept: BoolArray) -> "_Seen":
        """Return some of them."""
        return _Seen(self.pixel[kept], self.counts[kept], self.energy_bin[kept], self.n_bins)

    def per_bin(self) -> FloatArray:
        """Return the sums per energy bin."""
        return np.asarray(np.bincount(self.energy_bin, self.counts, self.n_bins), dtype=float)


def _sums(seen: _Seen, background: AnyArray, excluded: BoolArray) -> dict[str, FloatArray]:
    """Return counts and background per bin of what is excluded; counts that are no numbers do not matter there."""
    counts = seen.select(seen.readable).where(excluded).per_bin()
    return {"counts_excluded": counts, "background_excluded": sum_per_bin(background, excluded)}


def _is_background(background: AnyArray) -> BoolArray:
    """Return where background is predicted: finite and positive."""
    positive = background > 0
    return positive if background.max(initial=0) < np.inf else np.asarray(positive & (background < np.inf))


def _used(dataset: MapDataset, exclusion: Map | None = None) -> BoolArray:
    """Return mask_safe AND mask_fit AND exclusion, shape (energy, lat, lon)."""
    used = np.ones(dataset.data_shape, dtype=bool)
    for mask in (dataset.mask_safe, dataset.mask_fit, dataset.mask_exclusion if exclusion is None else exclusion):
        if mask is not None:
            used &= mask.data
    return used


def _background(dataset: MapDataset, spatial_model: FoVGradientSpatialModel | None) -> AnyArray:
    """Return the background at norm 1, shape (energy, lat, lon)."""
    background = dataset.required("background").data
    return background if spatial_model is None else background * spatial_model.evaluate_geom(dataset.geom).value


def _energy(dataset: MapDataset) -> FloatArray:
    """Return the bin centres [TeV]."""
    return np.asarray(dataset.geom.axes["energy"].center.to_value("TeV"))


def _livetime(dataset: MapDataset) -> float:
    """Return the livetime [s], NaN if the dataset does not know it."""
    if dataset.run_info is not None:
        return dataset.run_info.livetime_s
    livetime = None if dataset.exposure is None else dataset.exposure.meta.get("livetime")
    return np.nan if livetime is None else float(livetime.to_value("s"))


def sum_per_bin(data: AnyArray, mask: BoolArray) -> FloatArray:
    """Return the sum over the pixels of each energy bin, shape (K,), of a cube and a mask (K, lat, lon).

    Examples
    --------
    >>> sum_per_bin(np.array([[[1.0, 2.0]], [[4.0, np.nan]]]), np.array([[[True, True]], [[True, False]]])).tolist()
    [3.0, 4.0]
    """
    # A product is ten times faster than a sum with a condition, but 0 times NaN is no 0.
    sums = np.einsum("kyx,kyx->k", data, mask, dtype=float)
    return sums if np.all(np.isfinite(sums)) else np.asarray(np.sum(data, axis=(1, 2), where=mask, dtype=float))
