"""The steps of a recipe as calls of public names: what the pipeline evaluates is what the exported code says."""

from fovnb.steps.background import background_statements, fov_bkg_maker, group_statement
from fovnb.steps.cube import cube_statements, new_dataset, safe_mask_statements
from fovnb.steps.data import data_statements
from fovnb.steps.exclusion import exclusion_statements, has_mask, suggestion_statements
from fovnb.steps.expressions import evaluate, execute
from fovnb.steps.norms import norm_statements

__all__ = [
    "background_statements",
    "cube_statements",
    "data_statements",
    "evaluate",
    "exclusion_statements",
    "execute",
    "fov_bkg_maker",
    "group_statement",
    "has_mask",
    "new_dataset",
    "norm_statements",
    "safe_mask_statements",
    "suggestion_statements",
]
