"""Which runs: a folder of DL3 data, OBS_IDs, and a selection by what the observation index says."""

from dataclasses import dataclass
from typing import Literal

from fovnb.recipe.fields import field
from fovnb.recipe.step import Step

__all__ = ["Cone", "Data", "Frame", "Selection"]

Frame = Literal["icrs", "galactic", "fk5"]


@dataclass(frozen=True)
class Cone(Step):
    """A circle on the sky in which runs point."""

    lon_deg: float = field(label="longitude", unit="deg", low=-360, high=360)
    lat_deg: float = field(label="latitude", unit="deg", low=-90, high=90)
    radius_deg: float = field(3.0, label="radius", unit="deg", low=0, high=180, open_low=True, scale="log", step=0.05)
    frame: Frame = field("icrs", label="frame")


@dataclass(frozen=True)
class Selection(Step):
    """What the observation index must say of a run; None asks nothing."""

    target: str | None = field(None, label="target", help="the name in the column OBJECT, letter by letter")
    cone: Cone | None = field(None, label="pointing", help="runs that point into this circle")
    zenith_max_deg: float | None = field(None, label="largest zenith angle", unit="deg", low=0, high=90, step=1)
    quality_max: int | None = field(
        None, label="worst quality", low=-1, high=2, help="QUALITY: -1 unknown, 0 best, 1 fair, 2 bad"
    )


@dataclass(frozen=True)
class Data(Step):
    """Where the runs are, and which of them."""

    folder: str | None = field(
        None, label="folder", form="path", help="folder with hdu-index.fits.gz; without it simulated runs are used"
    )
    demo_runs: int = field(2, label="simulated runs", low=1, high=1000, help="how many, where there is no folder")
    obs_ids: tuple[int, ...] | None = field(None, label="OBS_IDs", low=0, help="runs, by default all")
    selection: Selection | None = field(None, label="selection", help="narrows the runs down")

    def _check(self) -> None:
        if self.obs_ids is not None:
            if len(set(self.obs_ids)) < len(self.obs_ids):
                self._refuse("obs_ids", "expected each OBS_ID once")
            # Runs are taken in this order, whatever the order in which they were chosen.
            object.__setattr__(self, "obs_ids", tuple(sorted(self.obs_ids)))
