"""SafeMaskMaker: where the data of one run can be trusted."""

import warnings
from collections.abc import Iterable
from html import escape

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle

from fovnb.data import Observation
from fovnb.data.header import number
from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers.observed import check_dataset, check_observation, mean_pointing
from fovnb.maps import Map
from fovnb.text import did_you_mean
from fovnb.types import BoolArray

__all__ = ["SafeMaskMaker"]


class SafeMaskMaker:
    """Mask out pixels and energies where the data of a run cannot be trusted; all methods must agree.

    Wherever a background map is there, pixels that predict none (zero, NaN, infinite) are masked out too.

    Parameters
    ----------
    methods : iterable of str
        - "aeff-default": whole energy bins between the thresholds LO_THRES and HI_THRES of the effective area;
        - "offset-max": pixels less than `offset_max` away from the pointing.
    offset_max : str or Quantity
        Largest offset.

    Raises
    ------
    InvalidInputError
        If a method is unknown, or the offset is no positive angle.

    Examples
    --------
    >>> SafeMaskMaker(methods=["offset-max"], offset_max="2.5 deg")
    SafeMaskMaker(methods=('offset-max',), offset_max='2.5 deg')
    """

    tag = "SafeMaskMaker"
    available_methods = ("aeff-default", "offset-max")

    def __init__(self, methods: Iterable[str] = ("aeff-default",), offset_max: str | u.Quantity = "3 deg") -> None:
        self.methods = (methods,) if isinstance(methods, str) else tuple(methods)
        for method in self.methods:
            if method not in self.available_methods:
                hint = did_you_mean(method, self.available_methods)
                msg = f"{method!r} is no method for a safe mask{hint}; choose from {', '.join(self.available_methods)}"
                raise InvalidInputError(msg)
        self.offset_max = _positive_angle(offset_max)

    def run(self, dataset: MapDataset, observation: Observation | None = None) -> MapDataset:
        """Return the dataset with its safe mask narrowed; the argument is not changed.

        Parameters
        ----------
        dataset : MapDataset
            The run's dataset.
        observation : Observation
            The run.

        Raises
        ------
        InvalidInputError
            If the observation is missing.
        """
        check_dataset(dataset)
        mask = np.ones(dataset.data_shape, dtype=bool) if dataset.mask_safe is None else dataset.mask_safe.data.copy()
        if dataset.background is not None:
            mask &= self.make_mask_bkg_invalid(dataset)
        if "offset-max" in self.methods:
            mask &= self.make_mask_offset_max(dataset, observation)
        if "aeff-default" in self.methods:
            mask &= self.make_mask_energy_aeff_default(dataset, observation).data
        return dataset.replace(mask_safe=Map.from_geom(dataset.geom, data=mask))

    @staticmethod
    def make_mask_bkg_invalid(dataset: MapDataset) -> BoolArray:
        """Return where the background is finite and positive; shape (energy, lat, lon)."""
        background = dataset.required("background").data
        return np.isfinite(background) & (background > 0)

    def make_mask_offset_max(self, dataset: MapDataset, observation: Observation | None) -> BoolArray:
        """Return where the offset from the pointing is below the largest; shape (lat, lon)."""
        pointing = mean_pointing(_given(observation, "offset-max"))
        offset = dataset.geom.sky.offset_deg(float(pointing.ra.deg), float(pointing.dec.deg))
        return np.asarray(offset < self.offset_max.deg)

    @staticmethod
    def make_mask_energy_aeff_default(dataset: MapDataset, observation: Observation | None) -> Map:
        """Return the energy bins that lie wholly between the thresholds of the effective area."""
        run = _given(observation, "aeff-default")
        return dataset.geom.energy_mask(
            energy_min=_threshold(run, "LO_THRES", "lower"), energy_max=_threshold(run, "HI_THRES", "upper")
        )

    def __repr__(self) -> str:
        return f"SafeMaskMaker(methods={self.methods!r}, offset_max='{self.offset_max.deg:g} deg')"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"


def _positive_angle(value: str | u.Quantity) -> Angle:
    """Return an angle, or refuse what is none."""
    try:
        angle = Angle(value)
    except (TypeError, ValueError, u.UnitsError) as error:
        msg = f"offset_max is {value!r}; expected an angle such as '2.5 deg'"
        raise InvalidInputError(msg) from error
    if not (angle.isscalar and angle.deg > 0):
        msg = f"offset_max is {angle}; expected one positive angle such as '2.5 deg'"
        raise InvalidInputError(msg)
    return angle


def _given(observation: Observation | None, method: str) -> Observation:
    """Return the run, or say that the method needs it."""
    if observation is None:
        msg = f"the method {method!r} needs the run; call run(dataset, observation)"
        raise InvalidInputError(msg)
    check_observation(observation)
    return observation


def _threshold(observation: Observation, keyword: str, which: str) -> u.Quantity | None:
    """Return a threshold of the effective area's header; zero or missing means that there is none."""
    meta = {} if observation.aeff is None else observation.aeff.meta
    if meta.get(keyword):
        return number(meta, keyword) * u.TeV
    warnings.warn(
        f"run {observation.obs_id} has no {which} energy threshold ({keyword}) in its effective area; "
        "'aeff-default' masks nothing at that end",
        FovnbWarning,
        stacklevel=4,
    )
    return None
