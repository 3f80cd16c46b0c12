"""From runs anywhere on the sky to their datasets, ready to be reported on.

Runs of one target share a map, so that their residuals can be summed; targets far apart have their own, so that maps
stay small. Only counts and background are made: no diagnostic needs more.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.data import Observation, RunInfo
from fovnb.datasets import MapDataset
from fovnb.diagnostics.wobble import group_pointings
from fovnb.errors import InvalidInputError
from fovnb.makers import ExclusionMask, FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker, reduce_observations
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.maps.sky import unit_vectors
from fovnb.modeling.models import NormSpectralModel, PowerLawNormSpectralModel
from fovnb.report.survey import nearby
from fovnb.types import FloatArray

__all__ = ["Reduction", "reduce_runs"]

_MARGIN_DEG = 0.1
_MAX_VALUES = 4e8  # of a map; several are in memory at a time


@dataclass(frozen=True)
class Reduction:
    """How runs become datasets.

    Parameters
    ----------
    emin_tev, emax_tev, nbin
        Logarithmic energy bins.
    offset_max_deg : float
        Events and background further from the pointing are left out.
    binsz_deg : float
        Size of the pixels.
    spectral_model : str
        Tag of the norm model; a power law has a free tilt.
    group_deg : float
        Runs that point nearer than this to the first run of a group share a map.

    Raises
    ------
    InvalidInputError
        If a number is not positive, or the energies are in the wrong order.
    """

    emin_tev: float = 0.5
    emax_tev: float = 30.0
    nbin: int = 9
    offset_max_deg: float = 2.0
    binsz_deg: float = 0.04
    spectral_model: str = "pl-norm"
    group_deg: float = 2.0

    def __post_init__(self) -> None:
        for name in ("emin_tev", "emax_tev", "nbin", "offset_max_deg", "binsz_deg", "group_deg"):
            if not 0 < getattr(self, name) < np.inf:
                msg = f"{name} is {getattr(self, name):g}; expected a positive number"
                raise InvalidInputError(msg)
        if self.emin_tev >= self.emax_tev:
            msg = f"the energies go from {self.emin_tev:g} to {self.emax_tev:g} TeV; expected a lower and a higher one"
            raise InvalidInputError(msg)

    @property
    def sentence(self) -> str:
        """The numbers in a sentence."""
        bins = f"{self.nbin} energy bins from {self.emin_tev:g} to {self.emax_tev:g} TeV"
        pixels = f"pixels of {self.binsz_deg:g} deg, offsets up to {self.offset_max_deg:g} deg"
        return f"{bins}, {pixels}, norm model {self.spectral_model}."

    def reference(self, pointings: FloatArray) -> MapDataset:
        """Return an empty dataset that holds the fields of pointings, ICRS, deg, shape (n, 2).

        Raises
        ------
        InvalidInputError
            If a map would hold more than 4e8 values.
        """
        where = SkyCoord(pointings, unit="deg")
        lon, lat = _direction(unit_vectors(*pointings.T).mean(axis=1))
        center = SkyCoord(lon, lat, unit="deg")
        reach = center.separation(where).deg.max() + self.offset_max_deg + _MARGIN_DEG
        axis = MapAxis.from_energy_bounds(self.emin_tev * u.TeV, self.emax_tev * u.TeV, nbin=self.nbin)
        geom = WcsGeom.create(skydir=center, width=2 * reach, binsz=self.binsz_deg, proj="TAN", axes=[axis])
        if (size := np.prod(geom.data_shape, dtype=float)) > _MAX_VALUES:
            what = f"a map of shape {geom.data_shape} has {size:.2g} values, above {_MAX_VALUES:.0g}"
            msg = f"{what}; give larger pixels, fewer energy bins or a smaller largest offset"
            raise InvalidInputError(msg)
        return MapDataset(counts=Map.from_geom(geom))

    def makers(
        self, exclusion_mask: ExclusionMask | Map | None
    ) -> tuple[MapDatasetMaker, SafeMaskMaker, FoVBackgroundMaker]:
        """Return the makers that a run goes through."""
        safe = SafeMaskMaker(["aeff-default", "offset-max"], offset_max=self.offset_max_deg * u.deg)
        fit = FoVBackgroundMaker("fit", exclusion_mask=exclusion_mask, spectral_model=self._norm_model())
        return MapDatasetMaker(["counts", "background"]), safe, fit

    def _norm_model(self) -> NormSpectralModel | str:
        if self.spectral_model != "pl-norm":
            return self.spectral_model
        model = PowerLawNormSpectralModel()
        model.tilt.frozen = False
        return model


def reduce_runs(
    observations: Iterable[Observation],
    reduction: Reduction | None = None,
    exclusion_mask: ExclusionMask | Map | None = None,
    progress: Callable[[Iterable[Observation]], Iterable[Observation]] | None = None,
) -> list[MapDataset]:
    """Return the datasets of runs with fitted backgrounds, in their order; a run that fails says why.

    Parameters
    ----------
    observations : iterable of Observation
        Runs, anywhere on the sky.
    reduction : Reduction, optional
        Energies, pixels and norm model.
    exclusion_mask : ExclusionMask or Map, optional
        What the background fit leaves out.
    progress : callable, optional
        Wraps the runs, as ``tqdm.auto.tqdm`` does.

    Raises
    ------
    ModelError
        If there is no such norm model.
    InvalidInputError
        If a map would hold more than 4e8 values.

    Warns
    -----
    FovnbWarning
        If no area of the exclusion mask lies in the fields.

    Examples
    --------
    >>> reduce_runs([])
    []
    """
    how, runs = reduction or Reduction(), list(observations)
    infos = [RunInfo.from_observation(run) for run in runs]
    pointings = np.array([(info.ra_deg, info.dec_deg) for info in infos]).reshape(-1, 2)
    groups = group_pointings(pointings, how.group_deg)
    # A run that does not say where it points fails on any map.
    references = [how.reference(np.nan_to_num(pointings[rows])) for rows in groups]
    masks = nearby(exclusion_mask, [reference.geom for reference in references])
    setups: dict[int, tuple[MapDataset, Sequence[Any]]] = {}
    for rows, reference in zip(groups, references, strict=True):
        setups |= dict.fromkeys(rows, (reference, how.makers(masks[reference.geom])))
    ticks = (progress or iter)(runs)
    return [next(reduce_observations([run], *setups[row])) for row, run in enumerate(ticks)]


def _direction(xyz: FloatArray) -> tuple[float, float]:
    """Return longitude and latitude of a vector, deg."""
    x, y, z = xyz
    return float(np.rad2deg(np.arctan2(y, x))), float(np.rad2deg(np.arctan2(z, np.hypot(x, y))))
