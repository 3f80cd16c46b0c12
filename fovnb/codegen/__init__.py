"""A recipe said as code: scripts and notebooks for fovnb and Gammapy, and the proof that they do what they say."""

from fovnb.codegen.core import save_code, to_code
from fovnb.codegen.notebook import to_notebook

__all__ = ["save_code", "to_code", "to_notebook"]
