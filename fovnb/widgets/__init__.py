"""Widgets for the notebook: cells chain them into one live flow, and each step is also plain code.

    builder = CubeBuilder("$GAMMAPY_DATA/hess-dl3-dr1")
    mask = MaskEditor(builder)
    fitter = BackgroundFitter(builder, mask)

All widgets of a chain are views on one shared state, see `fovnb.widgets.state`: a change in one reaches the others.
"""

from fovnb.widgets.builder import CubeBuilder
from fovnb.widgets.fitter import BackgroundFitter
from fovnb.widgets.mask import MaskEditor
from fovnb.widgets.session import FovSession

__all__ = ["BackgroundFitter", "CubeBuilder", "FovSession", "MaskEditor"]
