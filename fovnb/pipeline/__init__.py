"""From a recipe to results; see `run` and `Pipeline`."""

from fovnb.pipeline.core import Pipeline, run
from fovnb.pipeline.given import Given
from fovnb.pipeline.results import Results

__all__ = ["Given", "Pipeline", "Results", "run"]
