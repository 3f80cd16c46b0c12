"""Energy nodes that the data constrain: bins are merged until each holds enough counts, and each gets one node."""

import numbers
from typing import Any

import numpy as np

from fovnb.errors import ModelError
from fovnb.modeling.sums import BackgroundSums
from fovnb.types import BoolArray, FloatArray

__all__ = ["choose_nodes", "dataset_sums"]


def choose_nodes(sums: BackgroundSums, min_counts: float = 100.0) -> FloatArray:
    """Return one energy for each merged bin, TeV, shape (n,), n >= 2.

    From the lowest energy up, bins with predicted background are merged until they hold ``min_counts``; what is left
    over at the end joins the last. A node stands at the geometric mean of the centres of the first and the last bin
    merged: for bins of equal width in ln E this is the centre of the merged bin, and any number of nodes chosen so is
    constrained, since every node has a bin of its own.

    Parameters
    ----------
    sums : `BackgroundSums`
        Counts and predicted background per bin.
    min_counts : float
        Counts that every merged bin holds at least, not negative.

    Raises
    ------
    ModelError
        If there is not enough for 2 nodes, or ``min_counts`` is negative or no number.

    Examples
    --------
    >>> sums = BackgroundSums(energy=[1.0, 2.0, 4.0, 8.0], counts=[50, 6, 5, 2], background=[40.0, 9.0, 4.0, 1.0])
    >>> choose_nodes(sums, min_counts=10).tolist()
    [1.0, 4.0]
    """
    used = sums.select_used()
    starts = _starts(used.counts, _checked_counts(min_counts))
    if len(starts) < 2:
        msg = (
            f"{used.total_counts:g} counts in {len(used.energy)} energy bins with background are not enough for 2 "
            f"merged bins of {min_counts:g} counts; lower min_counts, or use 'pl-norm'"
        )
        raise ModelError(msg)
    last = np.append(starts[1:], len(used.energy)) - 1
    return np.asarray(np.sqrt(used.energy[starts] * used.energy[last]))


def dataset_sums(dataset: Any, exclusion_mask: Any = None) -> BackgroundSums:
    """Return the sums of a dataset over the pixels that a fit of its background uses.

    These are the pixels in its ``mask`` (safe and fit) and in the exclusion mask, with positive finite background.

    Parameters
    ----------
    dataset : `~fovnb.datasets.MapDataset` or `BackgroundSums`
        With counts and background; sums are returned as they are.
    exclusion_mask : Map or ExclusionMask, optional
        Boolean, True = used, on the geometry of the dataset or its image; what has ``to_map(geom)`` makes it. By
        default the dataset's own ``mask_exclusion``, if any.

    Raises
    ------
    ModelError
        If there are no counts or no background, or a mask is not boolean or on another geometry.
    """
    if isinstance(dataset, BackgroundSums):
        return dataset
    counts, background = (_values(dataset, name) for name in ("counts", "background"))
    exclusion = getattr(dataset, "mask_exclusion", None) if exclusion_mask is None else exclusion_mask
    used = (background > 0) & (background < np.inf)
    for mask in (getattr(dataset, "mask", None), exclusion):
        used = used if mask is None else used & _checked(mask, dataset.counts.geom)
    energy = dataset.counts.geom.axes["energy"].center.to_value("TeV")
    n, b = (np.sum(data, axis=(1, 2), where=used, dtype=float) for data in (counts, background))
    return BackgroundSums(energy, n, b)


def _starts(counts: FloatArray, min_counts: float) -> list[int]:
    """Return the first bin of each merged bin; the last one may hold too little only if it is alone."""
    starts: list[int] = []
    held = np.inf
    for k, n in enumerate(counts):
        if held >= min_counts:
            starts, held = [*starts, k], 0.0
        held += n
    return starts if held >= min_counts else starts[:-1]


def _checked_counts(min_counts: Any) -> float:
    if not isinstance(min_counts, numbers.Real) or not 0 <= float(min_counts) < np.inf:
        msg = f"min_counts is {min_counts!r}; expected a number that is not negative, such as 100"
        raise ModelError(msg)
    return float(min_counts)


def _values(dataset: Any, name: str) -> FloatArray:
    found = getattr(dataset, name, None)
    if found is None:
        msg = f"a {type(dataset).__name__} without {name} was given; pass a dataset such as MapDatasetMaker makes"
        raise ModelError(msg)
    return np.asarray(found.data)


def _checked(mask: Any, geom: Any) -> BoolArray:
    """Return a mask's values, which broadcast to those of the dataset's geometry."""
    found = mask.to_map(geom) if hasattr(mask, "to_map") else mask
    data, places = np.asarray(getattr(found, "data", found)), (geom, geom.to_image())
    shapes = [place.data_shape for place in places]
    if data.dtype != bool or data.shape not in shapes or getattr(found, "geom", geom) not in places:
        msg = (
            f"the mask is a {type(mask).__name__} with {data.dtype} values of shape {data.shape}; expected booleans on "
            f"the dataset's geometry {shapes[0]} or its image {shapes[1]}: pass a Map on one, or an ExclusionMask"
        )
        raise ModelError(msg)
    return data
