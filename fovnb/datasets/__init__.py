"""Datasets: maps, responses, masks and models of a run or a stack, on one grid."""

from fovnb.datasets.dataset import MapDataset
from fovnb.datasets.datasets import Datasets
from fovnb.datasets.geoms import create_map_dataset_geoms

__all__ = ["Datasets", "MapDataset", "create_map_dataset_geoms"]
