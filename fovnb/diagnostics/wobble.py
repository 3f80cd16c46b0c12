"""Wobble consistency: whether the runs of each pointing say the same of the background.

A source outside the mask, or a wrong shape of the background in the camera, depends on where the telescopes pointed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fovnb.datasets import MapDataset, pointing_deg
from fovnb.datasets.checks import common_energy_edges
from fovnb.datasets.residuals import positive_deg
from fovnb.diagnostics.gradient import Gradient, gradient
from fovnb.diagnostics.pixels import Mask, Record
from fovnb.diagnostics.sums import RunSums, divide, n_determined, run_sums
from fovnb.maps.sky import unit_vectors
from fovnb.modeling.goodness import chi2_p_value, deviance
from fovnb.modeling.outliers import THREE_SIGMA, after_trials, fit_with_scatter
from fovnb.types import FloatArray

__all__ = ["BetweenGroups", "Wobble", "group_pointings", "wobble"]

_FEWEST = 5.0  # predicted counts a bin and group, above which the deviance follows chi2


@dataclass(frozen=True, repr=False)
class BetweenGroups(Record):
    """Chi2 of a quantity between the groups, its degrees of freedom and probability; NaN where there is no telling."""

    chi2: float
    dof: int
    p_value: float

    @property
    def flagged(self) -> bool:
        """Whether the groups differ by more than 3 sigma, that there are three tests allowed for."""
        return bool(after_trials(self.p_value, 3) < THREE_SIGMA)

    def _rows(self) -> dict[str, object]:
        return {"chi2": f"{self.chi2:.4g} / {self.dof}", "p-value": f"{self.p_value:.2g}"}


@dataclass(frozen=True, eq=False, repr=False)
class Wobble(Record):
    """What G groups of runs, each with its own pointing, say of the background.

    Parameters
    ----------
    positions : array, shape (G, 2)
        Right ascension and declination of the first run of each group [deg].
    obs_ids : tuple of tuple of int
        Runs of each group.
    n, n_err : array, shape (G,)
        Mean over the group's runs of counts over the background of the instrument response; the error holds the scatter
        from run to run.
    energy_edges : array, shape (K + 1,)
        Edges of the energy bins [TeV].
    ratio, ratio_err : array, shape (G, K)
        R_k = N_k / P_k, N_k counts and P_k fitted background of the group, and sqrt(N_k) / P_k; NaN without prediction.
    gradients : tuple of Gradient
        Of each group, in RADEC-aligned field-of-view coordinates: at opposite pointings opposite gradients mean a
        source between them.
    of_norm, of_ratio, of_gradient : BetweenGroups
        Whether n, R_k and the gradient agree between groups.
    """

    positions: FloatArray
    obs_ids: tuple[tuple[int, ...], ...]
    n: FloatArray
    n_err: FloatArray
    energy_edges: FloatArray
    ratio: FloatArray
    ratio_err: FloatArray
    gradients: tuple[Gradient, ...]
    of_norm: BetweenGroups
    of_ratio: BetweenGroups
    of_gradient: BetweenGroups

    @property
    def chi2(self) -> float:
        """Chi2 of R_k between the groups."""
        return self.of_ratio.chi2

    @property
    def dof(self) -> int:
        """Degrees of freedom of ``chi2``."""
        return self.of_ratio.dof

    @property
    def p_value(self) -> float:
        """Probability of a larger ``chi2``."""
        return self.of_ratio.p_value

    @property
    def flagged(self) -> tuple[str, ...]:
        """Sentences about what differs between the groups."""
        tests = {"norms": self.of_norm, "ratio spectra": self.of_ratio, "gradients": self.of_gradient}
        return tuple(
            f"the {name} of {len(self.n)} pointings differ: chi2 {test.chi2:.1f} for {test.dof}, p = {test.p_value:.1g}"
            for name, test in tests.items()
            if test.flagged
        )

    def _rows(self) -> dict[str, object]:
        groups = {
            f"{ra:.2f}, {dec:.2f} deg": f"{len(ids)} runs, n = {n:.3f} ± {err:.3f}"
            for (ra, dec), ids, n, err in zip(self.positions, self.obs_ids, self.n, self.n_err, strict=True)
        }
        return {"pointings": len(self.n), **groups, "flagged": "; ".join(self.flagged) or "none"}


def wobble(
    datasets: MapDataset | Iterable[MapDataset], tolerance: Any = "0.1 deg", exclusion_mask: Mask = None
) -> Wobble:
    """Compare the runs of each pointing with those of the others.

    - n: sum_g (n_g - mean)^2 / Var n_g over G - 1, as Fisher's F with G - 1 and R - G degrees of freedom, since the
      scatter between runs of one pointing is known from R - G differences only. It is NaN where every pointing has one
      run: then two norms differ by the atmosphere as well.
    - R_k: deviance of N_gk from P_gk (sum_g N_gk / sum_g P_gk), over the bins where every group predicts more than 5
      counts; (G - 1) (bins - fitted parameters) degrees of freedom, since the fit of each run sets as many sums to 0.
    - gradient: chi2 about the weighted mean, 2 (G - 1) degrees of freedom.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs, with their backgrounds fitted. Failed runs take no part, see ``obs_ids``.
    tolerance : str or Quantity
        Runs that point less than this from the first run of a group belong to it.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that each background was fitted with.

    Raises
    ------
    InvalidInputError
        If a dataset is a stack, energy axes differ, or no pixel is used.

    Examples
    --------
    >>> from fovnb.data import RunInfo
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data += 2
    >>> run.background.data += 1
    >>> run.mask_safe.data[...] = True
    >>> wobble(run).n.tolist()
    [2.0]
    """
    sums = run_sums(datasets, exclusion_mask)
    edges = common_energy_edges(run.dataset for run in sums)
    pointings = np.array([pointing_deg(run.dataset) for run in sums])
    index = group_pointings(pointings, positive_deg(tolerance, "tolerance"))
    counts, npred = (
        np.array([np.sum([getattr(sums[r], name) for r in rows], axis=0) for rows in index])
        for name in ("counts", "npred")
    )
    n, n_err, of_norm = _norms(sums, index)
    gradients = tuple(gradient([sums[r].dataset for r in rows], exclusion_mask=exclusion_mask) for rows in index)
    n_free = max(n_determined(run.dataset) for run in sums)
    return Wobble(
        positions=pointings[[rows[0] for rows in index]],
        obs_ids=tuple(tuple(_obs_id(sums[r].dataset) for r in rows) for rows in index),
        n=n,
        n_err=n_err,
        energy_edges=edges,
        ratio=divide(counts, npred),
        ratio_err=divide(np.sqrt(counts), npred),
        gradients=gradients,
        of_norm=of_norm,
        of_ratio=_of_ratio(counts, npred, n_free),
        of_gradient=_of_gradient(gradients),
    )


def group_pointings(pointings: FloatArray, reach_deg: float) -> list[list[int]]:
    """Return the positions of each group's runs: those nearer than a reach to the first run that is in no group yet.

    Parameters
    ----------
    pointings : array, shape (n, 2)
        Longitude and latitude, deg. A run with NaN is a group of its own.
    reach_deg : float
        Radius of a group.

    Examples
    --------
    >>> group_pointings(np.array([[0.0, 0.0], [90.0, 0.0], [359.5, 0.0]]), 2)
    [[0, 2], [1]]
    """
    xyz = unit_vectors(*pointings.T)
    left, groups = list(range(len(pointings))), []
    while left:
        near = xyz[:, left].T @ xyz[:, left[0]] > np.cos(np.deg2rad(reach_deg))
        near[0] = True
        groups.append([row for row, is_near in zip(left, near, strict=True) if is_near])
        left = [row for row, is_near in zip(left, near, strict=True) if not is_near]
    return groups


def _norms(sums: list[RunSums], index: list[list[int]]) -> tuple[FloatArray, FloatArray, BetweenGroups]:
    """Return n and its error of each group, and whether they agree."""
    counts, background = (np.array([getattr(run, name).sum() for run in sums]) for name in ("counts", "background"))
    values, errors = counts / background, np.sqrt(np.maximum(counts, 1)) / background
    design = np.array([np.isin(np.arange(len(sums)), rows) for rows in index], dtype=float).T
    if len(index) == len(sums):
        values, errors = design.T @ values, design.T @ errors
        return values, errors, BetweenGroups(np.nan, 0, np.nan)
    fit = fit_with_scatter(values, errors, design, np.ones((1, len(sums)), dtype=bool))
    n, variance = fit.coefficients[0], np.diag(fit.covariance[0])
    return n, np.sqrt(variance), _of_norm(n, variance, len(sums) - len(index))


def _of_norm(n: FloatArray, variance: FloatArray, dof_within: int) -> BetweenGroups:
    from scipy.special import fdtrc

    dof = len(n) - 1
    if dof == 0:
        return BetweenGroups(np.nan, 0, np.nan)
    chi2 = _spread(n, variance)
    return BetweenGroups(chi2, dof, float(fdtrc(dof, dof_within, chi2 / dof)))


def _of_ratio(counts: FloatArray, npred: FloatArray, n_free: int) -> BetweenGroups:
    """Return the deviance of the groups' counts from the ratio that all have in common."""
    bins = np.all(npred > _FEWEST, axis=0)
    counts, npred = counts[:, bins], npred[:, bins]
    common = npred * (counts.sum(axis=0) / npred.sum(axis=0))
    return _chi2_test(float(deviance(counts, common).sum()), (len(counts) - 1) * max(counts.shape[1] - n_free, 0))


def _of_gradient(gradients: tuple[Gradient, ...]) -> BetweenGroups:
    """Return chi2 about the weighted mean of the gradients that are known."""
    known = [one for one in gradients if np.all(np.isfinite(one.covariance))]
    if len(known) < 2:
        return BetweenGroups(np.nan, 0, np.nan)
    values = np.array([(one.gx, one.gy) for one in known])
    weights = np.linalg.inv([one.covariance for one in known])
    mean = np.linalg.solve(weights.sum(axis=0), np.einsum("gij,gj->i", weights, values))
    chi2 = np.einsum("gi,gij,gj->", values - mean, weights, values - mean)
    return _chi2_test(float(chi2), 2 * (len(known) - 1))


def _spread(values: FloatArray, variance: FloatArray) -> float:
    """Return chi2 about the weighted mean."""
    return float(np.sum((values - np.average(values, weights=1 / variance)) ** 2 / variance))


def _chi2_test(chi2: float, dof: int) -> BetweenGroups:
    return BetweenGroups(chi2 if dof > 0 else np.nan, dof, chi2_p_value(chi2, dof))


def _obs_id(dataset: MapDataset) -> int:
    return -1 if dataset.run_info is None else dataset.run_info.obs_id
