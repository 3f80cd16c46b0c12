"""Which runs: a folder of DL3 data, OBS_IDs, and a selection by what the observation index says."""

from dataclasses import dataclass

from fovnb.recipe.fields import field
from fovnb.recipe.sky import Frame, frame, latitude, longitude, size
from fovnb.recipe.step import Step

__all__ = ["MAX_OBS_ID", "Cone", "Data", "Selection"]

MAX_OBS_ID = 2**63 - 1  # columns of FITS tables hold no larger ones


@dataclass(frozen=True, repr=False)
class Cone(Step):
    """A circle on the sky in which runs point, by default of 3 deg."""

    lon_deg: float = longitude()
    lat_deg: float = latitude()
    radius_deg: float = size("radius", 3.0)
    frame: Frame = frame()


@dataclass(frozen=True, repr=False)
class Selection(Step):
    """What the observation index must say of a run; None asks nothing."""

    target: str | None = field(None, label="target", help="the name in the column OBJECT, letter by letter")
    cone: Cone | None = field(None, label="pointing", help="runs that point into this circle")
    zenith_max_deg: float | None = field(None, label="largest zenith angle", unit="deg", low=0, high=90, step=1)
    quality_max: int | None = field(
        None, label="worst quality", low=-1, high=2, step=1, help="QUALITY: -1 unknown, 0 best, 1 fair, 2 bad"
    )


@dataclass(frozen=True, repr=False)
class Data(Step):
    """Where the runs are, and which of them; by default two simulated ones. OBS_IDs are kept in increasing order."""

    folder: str | None = field(
        None, label="folder", form="path", help="folder with hdu-index.fits.gz; without it simulated runs are used"
    )
    demo_runs: int = field(
        2, label="simulated runs", low=1, high=1000, step=1, help="how many, where there is no folder"
    )
    obs_ids: tuple[int, ...] | None = field(None, label="OBS_IDs", low=0, high=MAX_OBS_ID, help="runs, by default all")
    selection: Selection | None = field(None, label="selection", help="narrows the runs down")

    def _check(self) -> None:
        if self.obs_ids is not None:
            self._expect_different("obs_ids", self.obs_ids)
            # Runs are taken in this order, whatever the order in which they were chosen.
            object.__setattr__(self, "obs_ids", tuple(sorted(self.obs_ids)))
