"""Makers: from runs to datasets, safe masks and corrected backgrounds; each returns a new dataset."""

from fovnb.makers.dataset import MapDatasetMaker
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.fov import FoVBackgroundMaker
from fovnb.makers.safe import SafeMaskMaker

__all__ = ["FoVBackgroundMaker", "MapDatasetMaker", "SafeMaskMaker", "project_exclusion_mask"]
