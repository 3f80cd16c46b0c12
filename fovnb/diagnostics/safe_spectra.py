"""What a safe mask keeps of a run: exposure, energy bias, spectra, and what each method lets through bin by bin."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy import units as u

from fovnb.data import Observation
from fovnb.data.header import number
from fovnb.datasets import MapDataset
from fovnb.datasets.checks import common_energy_edges
from fovnb.diagnostics.pixels import Record
from fovnb.diagnostics.sums import divide
from fovnb.makers import SafeMaskMaker
from fovnb.makers.normalise import sum_per_bin
from fovnb.types import BoolArray, FloatArray

__all__ = ["SafeSpectra", "safe_spectra"]


@dataclass(frozen=True, eq=False, repr=False)
class SafeSpectra(Record):
    """What a safe mask is decided by, and what it leaves, of one run; K reconstructed and L true energies.

    Parameters
    ----------
    name : str
        Name of the dataset.
    energy_edges : array, shape (K + 1,)
        Edges of the energy bins [TeV].
    counts, background : array, shape (K,)
        Of all pixels that predict background, the latter of the instrument response.
    counts_safe, background_safe : array, shape (K,)
        What all chosen methods together leave of them.
    passed : mapping of str to array, shape (K,)
        Share of the background that each method would let through, chosen or not; NaN in bins without background.
    chosen : tuple of str
        Methods in use.
    energy_true, exposure, bias : array, shape (L,)
        True energies of the effective area [TeV]; effective area times live time [m2 s], and mean of reconstructed over
        true energy less 1, both in the middle of the field of view. NaN where the run has no such response.
    threshold_tev : tuple of float
        Lowest and highest energy that the file calls safe, NaN where it does not say.
    offset_max_deg : float
        Largest offset.
    """

    name: str
    energy_edges: FloatArray
    counts: FloatArray
    background: FloatArray
    counts_safe: FloatArray
    background_safe: FloatArray
    passed: Mapping[str, FloatArray]
    chosen: tuple[str, ...]
    energy_true: FloatArray
    exposure: FloatArray
    bias: FloatArray
    threshold_tev: tuple[float, float]
    offset_max_deg: float

    def _rows(self) -> dict[str, object]:
        low, high = self.threshold_tev
        kept = f"{self.counts_safe.sum():g} of {self.counts.sum():g}"
        rows: dict[str, object] = {"dataset": self.name, "methods": ", ".join(self.chosen) or "none", "counts": kept}
        passed = {name: np.array2string(share, precision=3) for name, share in self.passed.items()}
        return rows | {"thresholds": f"{low:.3g} to {high:.3g} TeV"} | passed


def safe_spectra(dataset: MapDataset, observation: Observation, maker: SafeMaskMaker) -> SafeSpectra:
    """Return what each method of a safe mask sees of a run, and lets through.

    The dataset's own safe mask takes no part: it may be that of the same methods already.

    Parameters
    ----------
    dataset : MapDataset
        The run, with counts and background.
    observation : Observation
        The same run.
    maker : SafeMaskMaker
        The methods and the largest offset.

    Raises
    ------
    PredictionError
        If the dataset has no counts or no background.
    DataError
        If a threshold of the file is no number.

    Examples
    --------
    >>> from fovnb.data import DataStore
    >>> from fovnb.demo import make_demo
    >>> from fovnb.makers import MapDatasetMaker
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> axis = MapAxis.from_energy_edges([0.3, 1, 3], unit="TeV")
    >>> geom = WcsGeom.create(skydir=(83.63, 22.01), width=5, binsz=0.25, axes=[axis])
    >>> observation = DataStore.from_dir(make_demo()).get_observations()[0]
    >>> run = MapDatasetMaker(["counts", "background"]).run(MapDataset.create(geom), observation)
    >>> safe_spectra(run, observation, SafeMaskMaker(["offset-max"], "1 deg")).passed["aeff-default"]
    array([0., 1.])
    """
    counts, background = (np.asarray(dataset.required(name).data) for name in ("counts", "background"))
    known, threshold = maker.make_mask_bkg_invalid(dataset), _threshold(observation)
    passes = {
        "aeff-default": _between(dataset, *threshold),
        "offset-max": maker.make_mask_offset_max(dataset, observation)[None] & known,
    }
    safe = np.logical_and.reduce([known, *(passes[name] for name in maker.methods)])
    whole = sum_per_bin(background, known)
    energy, exposure, bias = _responses(observation)
    return SafeSpectra(
        name=dataset.name,
        energy_edges=common_energy_edges([dataset]),
        counts=sum_per_bin(counts, known),
        background=whole,
        counts_safe=sum_per_bin(counts, safe),
        background_safe=sum_per_bin(background, safe),
        passed={name: divide(sum_per_bin(background, known & mask), whole) for name, mask in passes.items()},
        chosen=maker.methods,
        energy_true=energy,
        exposure=exposure,
        bias=bias,
        threshold_tev=threshold,
        offset_max_deg=float(maker.offset_max.deg),
    )


def _threshold(observation: Observation) -> tuple[float, float]:
    """Return LO_THRES and HI_THRES of the effective area [TeV]; NaN where zero or missing, which means none."""
    meta = {} if observation.aeff is None else observation.aeff.meta
    low, high = (number(meta, key) if meta.get(key) else np.nan for key in ("LO_THRES", "HI_THRES"))
    return low, high


def _between(dataset: MapDataset, low: float, high: float) -> BoolArray:
    """Return the energy bins that lie wholly between two energies [TeV], NaN for no limit, shape (K, ny, nx)."""
    energy_min, energy_max = (None if np.isnan(energy) else energy * u.TeV for energy in (low, high))
    return np.asarray(dataset.geom.energy_mask(energy_min, energy_max).data)


def _responses(observation: Observation) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return true energies [TeV], exposure [m2 s] and bias in the middle of the field of view, shape (L,) each."""
    aeff, edisp = observation.aeff, observation.edisp
    if aeff is None:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    energy = aeff.axes["energy_true"].center
    livetime = observation.observation_live_time_duration
    exposure = (aeff.evaluate(energy_true=energy, offset=0 * u.deg) * livetime).to_value("m2 s")
    if edisp is None:
        return energy.to_value("TeV"), exposure, np.full(len(energy), np.nan)
    migra = edisp.axes["migra"]
    density = edisp.evaluate(energy_true=energy[:, None], migra=migra.center, offset=0 * u.deg).to_value("")
    weight = density * np.diff(migra.edges.value)
    return energy.to_value("TeV"), exposure, divide(weight @ migra.center.value, weight.sum(axis=1)) - 1
