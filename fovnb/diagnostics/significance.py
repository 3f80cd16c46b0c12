"""Whether the field outside the mask is as quiet as chance: significances of its discs against those of toys.

Significances of few counts are far from a normal distribution of mean 0 and width 1, and neighbouring discs share
counts: the toys know both, since they go through the same discs as the data.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import cash_significance, positive_deg
from fovnb.diagnostics.discs import Field, make_fields
from fovnb.diagnostics.pixels import Mask, Record, runs, used_runs
from fovnb.errors import InvalidInputError
from fovnb.types import AnyArray, FloatArray

__all__ = ["SignificanceHistogram", "significance_histogram"]

_EDGES = np.arange(-8, 8.01, 0.25)
_PERCENTILES = (2.5, 16, 84, 97.5)
_N_BANDS = 3


@dataclass(frozen=True, eq=False, repr=False)
class SignificanceHistogram(Record):
    """Distribution of the significance in discs around the used pixels, per energy band, B bands, T toys.

    Parameters
    ----------
    band_edges : array, shape (B, 2)
        Edges of the bands, TeV.
    edges : array, shape (n + 1,)
        Edges of the histogram; what lies outside counts in the outermost bins.
    counts : array, shape (B, n)
        Number of discs.
    mean, std : array, shape (B,)
        Of the significance.
    fit_mean, fit_std : array, shape (B,)
        Of a Gaussian fitted to the core of the histogram; NaN where it has none.
    above3 : array, shape (B,)
        Share of the discs above 3.
    cells : array, shape (B,)
        Number of independent discs, A_used / (pi radius^2).
    toy_mean, toy_std : array, shape (B, T)
        Mean and standard deviation of each toy.
    toy_bands : array, shape (B, 4, n)
        Histogram counts of the toys at 2.5, 16, 84 and 97.5 %.
    std_z : array, shape (B,)
        ln(std) less its mean in the toys, in their standard deviations.
    radius_deg : float
        Radius of the discs.
    obs_ids : tuple of int
        Runs that take part.
    """

    band_edges: FloatArray
    edges: FloatArray
    counts: FloatArray
    mean: FloatArray
    std: FloatArray
    fit_mean: FloatArray
    fit_std: FloatArray
    above3: FloatArray
    cells: FloatArray
    toy_mean: FloatArray
    toy_std: FloatArray
    toy_bands: FloatArray
    std_z: FloatArray
    radius_deg: float
    obs_ids: tuple[int, ...]

    def _rows(self) -> dict[str, object]:
        rows: dict[str, object] = {"runs": len(self.obs_ids), "radius": f"{self.radius_deg:g} deg"}
        for i, (low, high) in enumerate(self.band_edges):
            rows[f"{low:.3g} - {high:.3g} TeV"] = (
                f"mean {self.mean[i]:.2f}, std {self.std[i]:.2f} ({self.std_z[i]:+.1f} toy sigma), "
                f"{self.above3[i]:.2%} above 3, {self.cells[i]:.0f} independent discs"
            )
        return rows


def significance_histogram(
    datasets: MapDataset | Iterable[MapDataset],
    energy_edges: Any = None,
    radius: Any = "0.1 deg",
    exclusion_mask: Mask = None,
    toys: int = 100,
    rng: np.random.Generator | None = None,
) -> SignificanceHistogram:
    """Return the distribution of the significance outside the mask, and that of simulated fields.

    In discs around used pixels, C = sum c and P = sum P over the used pixels only,

        s = sign(C - P) sqrt(2 [C ln(C / P) - (C - P)]).

    Each toy draws c* ~ Poisson(P) and is fitted again with one factor for all energies, N* / sum P, which stands for
    the fit of the norm. Runs on one geometry are summed, the discs of different geometries pooled.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs, or a stack. Failed runs take no part, see ``obs_ids``.
    energy_edges : Quantity, optional
        Edges of the energy bands, which hold the bins with their centres inside; by default three bands of as many bins
        each, after one of all energies.
    radius : str or Quantity
        Radius of the discs.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that the background was fitted with.
    toys : int
        Number of simulated fields.
    rng : Generator, optional
        By default one with seed 0, so that the result is always the same.

    Raises
    ------
    InvalidInputError
        If no pixel is used, an edge or the radius makes no sense, or there are fewer than 2 toys.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.05, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3)])
    >>> run = MapDataset.create(geom)
    >>> run.background.data += 2
    >>> run.counts.data[...] = np.random.default_rng(1).poisson(2, geom.data_shape)
    >>> run.mask_safe.data[...] = True
    >>> found = significance_histogram(run)
    >>> found.counts.shape, bool(abs(found.std_z[0]) < 3)
    ((4, 64), True)
    """
    radius_deg = positive_deg(radius)
    if not isinstance(toys, int | np.integer) or toys < 2:
        msg = f"toys is {toys!r}; expected a whole number above 1"
        raise InvalidInputError(msg)
    rng = np.random.default_rng(0) if rng is None else rng
    found = runs(datasets)
    edges = _default_edges(found) if energy_edges is None else _checked_edges(energy_edges)
    bands = [slice(i, i + 1) for i in range(len(edges) - 1)]
    if energy_edges is None and len(bands) > 1:
        bands = [slice(0, len(bands)), *bands]
    obs_ids, fields = make_fields(used_runs(found, exclusion_mask), edges, radius_deg)
    data = _Distribution(np.sum([_tally(field, bands, field.counts[:, :, None]) for field in fields], axis=0))
    simulated = _Distribution(np.sum([_tally_toys(field, bands, toys, rng) for field in fields], axis=0))
    area = np.array([sum(field.area(band) for field in fields) for band in bands])
    fits = np.array([_fit_gaussian(counts) for counts in data.counts[:, 0]])
    return SignificanceHistogram(
        band_edges=np.array([(edges[band.start], edges[band.stop]) for band in bands]),
        edges=_EDGES,
        counts=data.counts[:, 0],
        mean=data.mean[:, 0],
        std=data.std[:, 0],
        fit_mean=fits[:, 0],
        fit_std=fits[:, 1],
        above3=data.above3[:, 0],
        cells=area / (np.pi * np.deg2rad(radius_deg) ** 2),
        toy_mean=simulated.mean,
        toy_std=simulated.std,
        toy_bands=np.moveaxis(np.percentile(simulated.counts, _PERCENTILES, axis=1), 0, 1),
        std_z=_z_of_log(data.std[:, 0], simulated.std),
        radius_deg=radius_deg,
        obs_ids=obs_ids,
    )


class _Distribution:
    """Histogram and moments of the significances from a tally, shape (B, T, n + 3); NaN in bands without discs."""

    def __init__(self, tally: FloatArray) -> None:
        self.counts = tally[..., :-3]
        discs = self.counts.sum(axis=-1)
        self.mean, square, self.above3 = np.moveaxis(tally[..., -3:], -1, 0) / np.where(discs > 0, discs, np.nan)
        self.std = np.sqrt(np.maximum(square - self.mean**2, 0))


def _tally(field: Field, bands: Sequence[slice], counts: AnyArray, refit: bool = False) -> FloatArray:
    """Return per band and toy the histogram of s, then sum s, sum s^2 and the number above 3: shape (B, T, n + 3).

    Counts have the shape (n cells, A, T); ``refit`` multiplies the prediction of each toy by N* / sum P.
    """
    total = counts.sum(axis=(0, 1), dtype=float)
    norm = np.where(refit & (total > 0), total / field.npred.sum(), 1.0)
    sums, expected = field.sums(counts), field.sums(field.npred)
    tallies = []
    for band in bands:
        inside = field.used_in(band)
        c, p = (discs[inside, band].sum(axis=1, dtype=float) for discs in (sums, expected))
        s = cash_significance(c, p[:, None] * norm)
        moments = s.sum(axis=0), (s * s).sum(axis=0), np.count_nonzero(s > 3, axis=0)
        tallies.append(np.column_stack([_histograms(s), *moments]))
    return np.array(tallies)


def _tally_toys(field: Field, bands: Sequence[slice], toys: int, rng: np.random.Generator) -> FloatArray:
    return np.concatenate([_tally(field, bands, drawn, refit=True) for drawn in field.toys(toys, rng)], axis=1)


def _histograms(s: FloatArray) -> FloatArray:
    """Return the histogram of each column of s, shape (T, n), what lies outside in the outermost bins."""
    n, width = len(_EDGES) - 1, _EDGES[1] - _EDGES[0]
    index = np.clip(np.floor((s - _EDGES[0]) / width), 0, n - 1).astype(int) + n * np.arange(s.shape[1])
    return np.bincount(index.ravel(), minlength=n * s.shape[1]).reshape(-1, n).astype(float)


def _fit_gaussian(counts: FloatArray) -> tuple[float, float]:
    """Return mean and width of the Gaussian nearest to the histogram: least squares, which the core decides.

    NaN where the histogram is a few spikes, those of no or one count a disc.
    """
    from scipy.optimize import least_squares

    if np.count_nonzero(counts) < 4:
        return np.nan, np.nan
    center = (_EDGES[1:] + _EDGES[:-1]) / 2

    def difference(height_mean_width: FloatArray) -> FloatArray:
        height, mean, width = height_mean_width
        return np.asarray(height * np.exp(-(((center - mean) / width) ** 2) / 2) - counts)

    start = [counts.max(), np.average(center, weights=counts), 1.0]
    fit = least_squares(difference, start, method="lm", max_nfev=200)
    mean, width = float(fit.x[1]), abs(float(fit.x[2]))
    return (mean, width) if fit.success and width > _EDGES[1] - _EDGES[0] else (np.nan, np.nan)


def _z_of_log(std: FloatArray, toy_std: FloatArray) -> FloatArray:
    """Return how many standard deviations of the toys ln(std) is off; NaN where a toy has no width."""
    data, toys = (np.log(np.where(values > 0, values, np.nan)) for values in (std, toy_std))
    return np.asarray((data - toys.mean(axis=1)) / toys.std(axis=1, ddof=1))


def _default_edges(datasets: Sequence[MapDataset]) -> FloatArray:
    """Return edges of three groups of as many bins of the first axis, from the first bin that is safe to the last."""
    axis = datasets[0].geom.axes["energy"]
    safe = [
        run.mask.data.any(axis=(1, 2)) for run in datasets if run.mask is not None and run.geom.axes["energy"] == axis
    ]
    used = np.flatnonzero(np.any(safe, axis=0)) if np.any(safe) else np.arange(axis.nbin)
    groups = np.array_split(np.arange(used[0], used[-1] + 1), _N_BANDS)
    first = [group[0] for group in groups if group.size]
    return np.asarray(axis.edges.to_value("TeV")[[*first, used[-1] + 1]])


def _checked_edges(edges: Any) -> FloatArray:
    """Return edges in TeV."""
    try:
        found = np.asarray(u.Quantity(edges).to_value("TeV"), dtype=float)
    except (TypeError, ValueError, u.UnitsError) as error:
        msg = f"the energy edges are {edges!r}; expected energies such as [1, 3, 10] * u.TeV"
        raise InvalidInputError(msg) from error
    if found.ndim != 1 or len(found) < 2 or not np.all(np.diff(found) > 0):
        msg = f"the energy edges are {found} TeV; expected two or more in growing order"
        raise InvalidInputError(msg)
    return found
