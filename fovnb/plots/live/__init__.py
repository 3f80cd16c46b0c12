"""Plots that follow a record: what stays is drawn once, what changes on top of it. Nothing is computed here."""

from fovnb.plots.live.field import Field, FieldView
from fovnb.plots.live.fraction import FractionView
from fovnb.plots.live.histogram import FEWEST_TOYS, Histogram, HistogramView
from fovnb.plots.live.images import KINDS, Image, ImageView
from fovnb.plots.live.norms import NormsView, RunNorms
from fovnb.plots.live.pointings import PointingsView
from fovnb.plots.live.profile import Profile, ProfileView
from fovnb.plots.live.safe import SafeView
from fovnb.plots.live.scan import ScanView
from fovnb.plots.live.sentence import SentenceView
from fovnb.plots.live.spectrum import SpectrumView
from fovnb.plots.live.sticky import Sticky
from fovnb.plots.live.view import LiveView

__all__ = [
    "FEWEST_TOYS",
    "KINDS",
    "Field",
    "FieldView",
    "FractionView",
    "Histogram",
    "HistogramView",
    "Image",
    "ImageView",
    "LiveView",
    "NormsView",
    "PointingsView",
    "Profile",
    "ProfileView",
    "RunNorms",
    "SafeView",
    "ScanView",
    "SentenceView",
    "SpectrumView",
    "Sticky",
]
