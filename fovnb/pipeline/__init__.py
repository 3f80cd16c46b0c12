"""From a recipe to results; see `run` and `Pipeline`."""

from fovnb.pipeline.core import Pipeline, run
from fovnb.pipeline.results import Results

__all__ = ["Pipeline", "Results", "run"]
