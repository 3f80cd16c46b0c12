"""The numbers that sum a dataset up."""

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u

from fovnb.types import BoolArray

if TYPE_CHECKING:
    from fovnb.datasets.dataset import MapDataset

__all__ = ["info_dict", "summary_rows"]


def info_dict(dataset: "MapDataset", in_safe_data_range: bool = True) -> dict[str, Any]:
    """Return sums over the data, by Gammapy's keys; what the dataset does not hold is NaN.

    `excess` is counts minus predicted background, and `sqrt_ts` its significance for a known background,
    ``sign(n - b) sqrt(2 [n ln(n / b) - (n - b)])``.
    """
    mask = _used(dataset, in_safe_data_range)
    counts = _total(dataset.counts, mask)
    background = _total(dataset.background, mask)
    npred = _total(None if dataset.background is None else dataset.npred_background(), mask)
    exposure = _exposure_range(dataset)
    livetime = u.Quantity(np.nan if dataset.exposure is None else dataset.exposure.meta.get("livetime", np.nan), "s")
    seconds = livetime.to_value("s")
    return {
        "name": dataset.name,
        "counts": 0 if np.isnan(counts) else round(counts),
        "excess": counts - background,
        "sqrt_ts": _sqrt_ts(counts, background),
        "background": background,
        "npred": npred,
        "npred_background": npred,
        "npred_signal": np.nan,
        "exposure_min": exposure[0],
        "exposure_max": exposure[1],
        "livetime": livetime,
        "ontime": u.Quantity(np.nan, "s") if dataset.gti is None else dataset.gti.time_sum,
        "counts_rate": counts / seconds / u.s,
        "background_rate": background / seconds / u.s,
        "excess_rate": (counts - background) / seconds / u.s,
        "n_bins": 0 if dataset.counts is None else int(dataset.counts.data.size),
        "n_fit_bins": 0 if dataset.mask is None else int(np.count_nonzero(dataset.mask.data)),
        "stat_type": dataset.stat_type,
        "stat_sum": np.nan if dataset.counts is None or dataset.models is None else dataset.stat_sum(),
    }


def summary_rows(dataset: "MapDataset") -> dict[str, object]:
    """Return the lines of the dataset's text and HTML form."""
    info = info_dict(dataset)
    rows: dict[str, object] = {
        "Name": info["name"],
        "Total counts": info["counts"],
        "Total background counts": f"{info['background']:.2f}",
        "Total excess counts": f"{info['excess']:.2f}",
        "Predicted background counts": f"{info['npred_background']:.2f}",
        "Exposure min": f"{info['exposure_min']:.2e}",
        "Exposure max": f"{info['exposure_max']:.2e}",
        "Livetime": f"{info['livetime']:.1f}",
        "Number of total bins": info["n_bins"],
        "Number of fit bins": info["n_fit_bins"],
    }
    if dataset.models:
        rows["Fit statistic value (-2 log(L))"] = f"{info['stat_sum']:.2f}"
        rows["Models"] = ", ".join(model.name for model in dataset.models)
    if dataset.background_fit is not None:
        rows["Background fit"] = f"{dataset.background_fit.status}: {dataset.background_fit.reason}"
    return rows


def _used(dataset: "MapDataset", in_safe_data_range: bool) -> BoolArray:
    """Return the pixels to sum over."""
    if in_safe_data_range and dataset.mask_safe is not None:
        return np.asarray(dataset.mask_safe.data, dtype=bool)
    return np.ones(dataset.data_shape, dtype=bool)


def _total(part: Any, mask: BoolArray) -> float:
    """Return the sum of a map over a mask, NaN where there is no map."""
    return np.nan if part is None else float(np.sum(part.data, where=mask, dtype=float))


def _sqrt_ts(counts: float, background: float) -> float:
    """Return the significance of counts above a known background (Cash)."""
    if not background > 0:
        return np.nan
    log_term = counts * np.log(counts / background) if counts > 0 else 0.0
    return float(np.sign(counts - background) * np.sqrt(max(2 * (log_term - (counts - background)), 0)))


def _exposure_range(dataset: "MapDataset") -> tuple[u.Quantity, u.Quantity]:
    """Return the least and the largest exposure where it is positive and the data are safe."""
    if dataset.exposure is None:
        return np.nan * u.m**2 * u.s, np.nan * u.m**2 * u.s
    data = dataset.exposure.data
    valid = data > 0
    safe = dataset.mask_safe_image
    if safe is not None:
        valid &= safe.data
    values = data[valid] if valid.any() else data
    return values.min() * dataset.exposure.unit, values.max() * dataset.exposure.unit
