"""Makers: from runs to datasets, safe masks and corrected backgrounds; each returns a new dataset."""

from fovnb.makers.background_fraction import BackgroundFraction, background_fraction
from fovnb.makers.compare import NormComparison, compare_norm_models
from fovnb.makers.dataset import MapDatasetMaker
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.makers.exclusion_iterate import ExclusionHistory, ExclusionStep, iterate_exclusion
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.makers.fov import FoVBackgroundMaker
from fovnb.makers.group import fit_together, group_runs
from fovnb.makers.normalise import background_sums
from fovnb.makers.reduce import reduce_observations, stack_observations
from fovnb.makers.safe import SafeMaskMaker

__all__ = [
    "BackgroundFraction",
    "ExclusionEntry",
    "ExclusionHistory",
    "ExclusionMask",
    "ExclusionStep",
    "FoVBackgroundMaker",
    "MapDatasetMaker",
    "NormComparison",
    "SafeMaskMaker",
    "background_fraction",
    "background_sums",
    "compare_norm_models",
    "fit_together",
    "group_runs",
    "iterate_exclusion",
    "project_exclusion_mask",
    "reduce_observations",
    "stack_observations",
]
