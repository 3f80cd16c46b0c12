"""Datasets: maps, responses, masks and models of a run or a stack, on one grid."""

from fovnb.datasets.dataset import MapDataset
from fovnb.datasets.datasets import Datasets
from fovnb.datasets.fov import fov_lonlat, pointing_deg, used_pixels
from fovnb.datasets.geoms import create_map_dataset_geoms
from fovnb.datasets.ledger import Ledger

__all__ = [
    "Datasets",
    "Ledger",
    "MapDataset",
    "create_map_dataset_geoms",
    "fov_lonlat",
    "pointing_deg",
    "used_pixels",
]
