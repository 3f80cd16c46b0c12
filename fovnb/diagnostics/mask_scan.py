"""Mask scan: does the norm still change when the exclusion mask grows? Where it is flat, no source leaks out.

Notation: samples i = 0 .. n - 1 of growing masks, rho_i; each holds the next. N_k and B_k are counts and background per
energy bin, n_i the norm fitted to them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord

from fovnb.datasets import MapDataset, used_pixels
from fovnb.diagnostics.pixels import Mask, Record, runs
from fovnb.diagnostics.sums import divide
from fovnb.errors import InvalidInputError
from fovnb.makers import project_exclusion_mask
from fovnb.maps import Map, WcsGeom
from fovnb.modeling.background_fit import BackgroundFit, BackgroundSums, fit_background
from fovnb.modeling.models import FoVBackgroundModel, NormSpectralModel, PowerLawNormSpectralModel
from fovnb.modeling.outliers import THREE_SIGMA, after_trials
from fovnb.modeling.reduced import make_problem
from fovnb.types import AnyArray, BoolArray, FloatArray, IntArray

__all__ = ["GROWTH", "MaskScan", "mask_scan"]

GROWTH = (-0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4) * u.deg
"""Growth of a mask in a scan, if none is asked for."""

_SLACK_DEG = 1e-9  # so that a pixel at exactly the distance of a size is inside the mask


@dataclass(frozen=True, eq=False, repr=False)
class MaskScan(Record):
    """Norms of R runs against n sizes of the mask; NaN where a run has too little left to fit.

    Parameters
    ----------
    rho : array, shape (n,)
        Growth of the mask, or radius of the circle [deg], increasing.
    of_radius : bool
        Whether ``rho`` are radii.
    obs_ids : tuple of int
        Runs, -1 for a stack.
    norm, norm_err, tilt, tilt_err : array, shape (R, n)
        What was fitted; NaN where a model has no such parameter.
    counts, background : array, shape (R, n)
        Counts, and background of the instrument response, outside the mask.
    energy_pivot : array, shape (R,)
        Decorrelation energy of the last sample [TeV]. Norms are compared there: elsewhere the tilt takes up part of
        what a source adds.
    norm_pivot : array, shape (R, n)
        n_i, the norm at this energy.
    difference, difference_err : array, shape (R, n)
        n_i - n_last, and its error: Var[n_i - n_last] = Var[n_last] - Var[n_i], since the last sample is part of the
        others. Both variances are those expected at the last norm, as a source in one of them would spoil its own.
    """

    rho: FloatArray
    of_radius: bool
    obs_ids: tuple[int, ...]
    norm: FloatArray
    norm_err: FloatArray
    tilt: FloatArray
    tilt_err: FloatArray
    counts: FloatArray
    background: FloatArray
    energy_pivot: FloatArray
    norm_pivot: FloatArray
    difference: FloatArray
    difference_err: FloatArray

    @property
    def pull(self) -> FloatArray:
        """Difference over its error, shape (R, n); NaN where the samples are the same."""
        return divide(self.difference, self.difference_err)

    @property
    def joint_pull(self) -> FloatArray:
        """That of the mean difference of all runs, weighted with the inverse variances, shape (n,)."""
        weights = divide(np.ones(self.difference.shape), self.difference_err) ** 2
        known = np.isfinite(weights * self.difference)
        total = np.sum(weights, axis=0, where=known)
        return divide(np.sum(weights * self.difference, axis=0, where=known), np.sqrt(total))

    @property
    def differs(self) -> BoolArray:
        """Where the joint difference exceeds 3 sigma, the number of sizes allowed for, shape (n,)."""
        from scipy.special import erfc

        p_value = erfc(np.abs(self.joint_pull) / np.sqrt(2))
        return np.asarray(after_trials(p_value, len(self.rho) - 1) < THREE_SIGMA)

    @property
    def flat(self) -> bool:
        """Whether no mask from the given one, or from the smallest circle, on differs from the largest."""
        return not self.differs[self.rho >= 0].any()

    @property
    def safe_from(self) -> float:
        """Smallest size from which on no mask differs from the largest [deg]."""
        return float(self.rho[np.flatnonzero(self.differs).max(initial=-1) + 1])

    @property
    def verdict(self) -> str:
        """The outcome in a sentence."""
        what = "radius" if self.of_radius else "growth"
        size = np.where((self.rho >= 0) & np.isfinite(self.joint_pull), np.abs(self.joint_pull), -1)
        worst = int(np.argmax(size))
        if size[worst] < 0:
            return f"nothing to compare: the same pixels are used at every {what}"
        evidence = f"largest difference {self.joint_pull[worst]:+.1f} sigma at a {what} of {self.rho[worst]:g} deg"
        if self.flat:
            return f"the norm is flat: {evidence}"
        return f"the norm depends on the mask: {evidence}; flat from {self.safe_from:g} deg on"

    def _rows(self) -> dict[str, object]:
        return {"runs": len(self.obs_ids), "rho": np.array2string(self.rho, precision=3), "verdict": self.verdict}


def mask_scan(
    datasets: MapDataset | Iterable[MapDataset],
    exclusion_mask: Mask = None,
    grow: Any = GROWTH,
    radii: Any = None,
    position: SkyCoord | None = None,
    spectral_model: NormSpectralModel | None = None,
) -> MaskScan:
    """Fit the norm outside masks of growing size.

    A mask grows by the distance from its border on the dataset's pixels, with their size at the centre of the map; what
    lies outside the map is not seen. The pixels are summed once into the shells between one size and the next.

    Parameters
    ----------
    datasets : MapDataset or iterable of MapDataset
        Runs, or a stack. Failed runs take no part, see ``obs_ids``.
    exclusion_mask : Map or ExclusionMask, optional
        In place of the mask that each background was fitted with.
    grow : Quantity or list of str
        How far to move the mask's border outwards; negative shrinks it.
    radii : Quantity or list of str, optional
        Radii of a circle around ``position`` that is left out besides the exclusion mask, instead of growing this.
    position : SkyCoord, optional
        Centre of the circle.
    spectral_model : NormSpectralModel, optional
        By default that of the dataset, or a power law with free tilt if it has none with a free parameter.

    Raises
    ------
    InvalidInputError
        If sizes are fewer than two or no angles, radii come without position, or no run has a mask to grow.
    ModelError
        If the model has no free parameter.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.counts.data += 2
    >>> run.background.data += 1
    >>> run.mask_safe.data[...] = True
    >>> scan = mask_scan(run, radii=["0 deg", "0.5 deg"], position=geom.center_skydir)
    >>> scan.norm.round(6).tolist(), scan.flat
    ([[2.0, 2.0]], True)
    """
    rho = _sizes(grow if radii is None else radii, radii is not None)
    if (radii is None) != (position is None):
        msg = "radii and position belong together: the radii of circles and their centre; give both or neither"
        raise InvalidInputError(msg)
    found = runs(datasets)
    rows = [_scan(dataset, exclusion_mask, rho, position, spectral_model) for dataset in found]
    obs_ids = tuple(-1 if one.run_info is None else one.run_info.obs_id for one in found)
    arrays = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    if radii is None and np.all(arrays["background"] == arrays["background"][:, :1]):
        msg = "no mask to grow: it excludes nothing of any run; give exclusion_mask=, or radii= and position="
        raise InvalidInputError(msg)
    return MaskScan(rho, radii is not None, obs_ids, **arrays)


def _sizes(given: Any, of_radius: bool) -> FloatArray:
    """Return sizes [deg], increasing."""
    try:
        rho = np.unique(np.atleast_1d(Angle(given).to_value("deg")))
    except (u.UnitsError, TypeError, ValueError) as error:
        msg = f"the sizes of the mask are {given!r}; expected angles such as [0, 0.1, 0.2] * u.deg"
        raise InvalidInputError(msg) from error
    if len(rho) < 2 or not np.all(np.isfinite(rho)) or (of_radius and rho[0] < 0):
        msg = f"the sizes of the mask are {rho} deg; expected two or more finite angles, radii not negative"
        raise InvalidInputError(msg)
    return rho


def _scan(
    dataset: MapDataset, mask: Mask, rho: FloatArray, position: SkyCoord | None, spectral: NormSpectralModel | None
) -> dict[str, AnyArray]:
    """Return the rows of one run, shape (n,) each, and one number."""
    exclusion = dataset.mask_exclusion if mask is None else project_exclusion_mask(mask, dataset.geom)
    everything = Map.from_geom(dataset.geom, data=np.ones(dataset.data_shape, dtype=bool))
    if position is None:
        distance, exclusion = _distance(exclusion or everything), everything
    else:
        distance = dataset.geom.to_image().separation(position).to_value("deg")[None]
    counts, background = _nested_sums(dataset, used_pixels(dataset, exclusion), distance, rho)
    model = _model(dataset, spectral)
    energy = dataset.geom.axes["energy"].center.to_value("TeV")
    return _fit_all([BackgroundSums(energy, c, b) for c, b in zip(counts, background, strict=True)], model)


def _model(dataset: MapDataset, spectral: NormSpectralModel | None) -> FoVBackgroundModel:
    """Return a model with a free parameter, as it is before a fit."""
    own = None if dataset.background_model is None else dataset.background_model.spectral_model
    if spectral is None and own is not None and not own.frozen:
        spectral = own
    if spectral is None:
        spectral = PowerLawNormSpectralModel()
        spectral.tilt.frozen = False
    return FoVBackgroundModel(dataset.name, spectral.copy())


def _distance(exclusion: Map) -> FloatArray:
    """Return how far the mask must grow to reach each pixel [deg], shape (1 or K, ny, nx); not above 0 inside it."""
    planes = exclusion.data[:1] if np.all(exclusion.data == exclusion.data[:1]) else exclusion.data
    sides = _pixel_sides(exclusion.geom.to_image())
    border = np.sqrt(sides.prod()) / 2  # from a pixel's centre to its side
    away, deep = (np.array([_to_nearest(plane, sides) for plane in part]) for part in (~planes, planes))
    return np.asarray(np.where(planes, away - border - _SLACK_DEG, border + _SLACK_DEG - deep))


def _to_nearest(image: BoolArray, sides: FloatArray) -> FloatArray:
    """Return the distance of each pixel from the nearest True one, infinite if there is none."""
    from scipy.ndimage import distance_transform_edt

    if not image.any():
        return np.full(image.shape, np.inf)
    return np.asarray(distance_transform_edt(~image, sampling=sides))


def _pixel_sides(image: WcsGeom) -> FloatArray:
    """Return height and width of the pixels at the map's centre [deg]."""
    height = float(image.pixel_scales[1].to_value("deg"))
    area = float(image.solid_angle()[tuple(n // 2 for n in image.data_shape)].to_value("deg2"))
    return np.array([height, area / height])


def _nested_sums(dataset: MapDataset, used: BoolArray, distance: FloatArray, rho: FloatArray) -> list[FloatArray]:
    """Return counts and background outside the masks of all sizes, shape (n, K) each."""
    n_sizes = np.broadcast_to(np.searchsorted(rho, distance), used.shape)  # how many of the masks a pixel is outside of
    cubes = dataset.required("counts").data, _background(dataset)
    sums = []
    for cube in cubes:
        parts = zip(n_sizes, cube, used, strict=True)
        shells = np.array([np.bincount(shell[use], values[use], len(rho) + 1) for shell, values, use in parts])
        sums.append(np.cumsum(shells[:, :0:-1], axis=1)[:, ::-1].T)
    return sums


def _background(dataset: MapDataset) -> AnyArray:
    """Return the background with all of its model applied but the norm of the energy."""
    model = dataset.background_model
    if model is None:
        return dataset.required("background").data
    norm = model.spectral_model.evaluate_tev(dataset.geom.axes["energy"].center.to_value("TeV"))
    return np.asarray(dataset.npred_background().data / norm[:, None, None])


def _fit_all(samples: list[BackgroundSums], model: FoVBackgroundModel) -> dict[str, AnyArray]:
    """Return the rows of the fits of nested samples, shape (n,) each."""
    fits = [fit_background(sums, model) for sums in samples]
    good = np.array([record.success for _, record in fits])
    rows: dict[str, AnyArray] = {"counts": np.array([sums.total_counts for sums in samples])}
    rows["background"] = np.array([sums.background.sum() for sums in samples])
    for name in ("norm", "tilt"):
        found = np.array([_value(record, name) for _, record in fits])
        rows[name], rows[f"{name}_err"] = np.where(good[:, None], found, np.nan).T
    return rows | _differences(samples, fits, np.flatnonzero(good))


def _differences(
    samples: list[BackgroundSums], fits: list[tuple[FoVBackgroundModel, BackgroundFit]], good: IntArray
) -> dict[str, AnyArray]:
    """Return the norms at the last good fit's pivot energy, and how they differ from its."""
    norm, variance, energy = np.full(len(samples), np.nan), np.full(len(samples), np.nan), np.nan
    if good.size:
        last, energy = fits[good[-1]][0], fits[good[-1]][1].energy_pivot
        norm[good] = [fits[i][0].spectral_model.evaluate_tev(np.array([energy]))[0] for i in good]
        variance[good] = [_variance(samples[i], last, energy) for i in good]
        variance = variance[good[-1]] - variance
        # Rounding leaves tiny numbers of either sign where two samples are the same.
        variance[variance < 1e-12 * norm[good[-1]] ** 2] = 0
    return {
        "energy_pivot": np.array(energy),
        "norm_pivot": norm,
        "difference": norm - norm[good[-1]] if good.size else norm,
        "difference_err": np.sqrt(variance),
    }


def _value(record: BackgroundFit, name: str) -> tuple[float, float]:
    """Return value and error of a parameter, NaN if there is none."""
    if name not in record.parameter_names:
        return np.nan, np.nan
    i = record.parameter_names.index(name)
    return float(record.values[i]), float(record.errors[i])


def _variance(sums: BackgroundSums, model: FoVBackgroundModel, energy: float) -> float:
    """Return the variance of the norm at an energy that these sums' background would give at the model's parameters."""
    problem = make_problem(sums.select_used(), model)
    information = problem.likelihood.curvature(problem.theta[None])[1][0]
    here, one = np.array([energy]), np.ones(1)
    slopes = make_problem(BackgroundSums(here, one, one), model).likelihood.design[0]
    norm = model.spectral_model.evaluate_tev(here)[0]
    return float(slopes @ np.linalg.pinv(information, hermitian=True) @ slopes * norm**2)
