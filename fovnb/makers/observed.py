"""What the makers ask of a run: its responses of the kind they can use, and where it pointed."""

from typing import TypeVar

from astropy.coordinates import SkyCoord

from fovnb.data import Observation
from fovnb.datasets import MapDataset
from fovnb.errors import DataError, InvalidInputError, IrfError

__all__ = ["check_dataset", "check_observation", "fixed_pointing", "irf_of", "mean_pointing"]

T = TypeVar("T")


def check_dataset(dataset: object) -> None:
    """Refuse what is no dataset, such as arguments in the wrong order.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if not isinstance(dataset, MapDataset):
        msg = f"expected a MapDataset first, found a {type(dataset).__name__}; call run(dataset, observation)"
        raise InvalidInputError(msg)


def check_observation(observation: object) -> None:
    """Refuse what is no single run.

    Raises
    ------
    InvalidInputError
        If it is none.
    """
    if not isinstance(observation, Observation):
        msg = (
            f"expected an Observation, found a {type(observation).__name__}; call run(dataset, observation) run by run"
        )
        raise InvalidInputError(msg)


def irf_of(observation: Observation, name: str, kind: type[T]) -> T:
    """Return an instrument response of a run, of the kind that the maker can use.

    Raises
    ------
    IrfError
        If the run has none, or one of another kind.
    """
    irf = getattr(observation, name)
    if not isinstance(irf, kind):
        found = "none" if irf is None else type(irf).__name__
        msg = f"run {observation.obs_id}: expected a {kind.__name__} as {name}, found {found}; leave the run out"
        raise IrfError(msg)
    return irf


def fixed_pointing(observation: Observation) -> SkyCoord:
    """Return the one direction in the sky that the run was pointed to.

    Raises
    ------
    DataError
        If the run drifted.
    """
    pointing = observation.pointing.fixed_icrs
    if pointing is None:
        msg = (
            f"run {observation.obs_id} is a {observation.pointing.mode.name.lower()} run; expected a fixed pointing in "
            "right ascension and declination to project its background: leave the run out"
        )
        raise DataError(msg)
    return pointing


def mean_pointing(observation: Observation) -> SkyCoord:
    """Return the direction in the sky at the middle of the run."""
    fixed = observation.pointing.fixed_icrs
    return observation.get_pointing_icrs(observation.tmid) if fixed is None else fixed
