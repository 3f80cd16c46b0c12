"""Records and maps drawn on matplotlib axes. Nothing is computed here."""

from fovnb.plots.fields import (
    plot_fov_residuals,
    plot_radial_profile,
    plot_residuals,
    plot_significance_histogram,
)
from fovnb.plots.maps import Panel, plot_map, plot_maps_row, plot_regions
from fovnb.plots.runs import (
    plot_alignment,
    plot_identifiability,
    plot_ledger_norms,
    plot_mask_scan,
    plot_trend,
    plot_wobble,
)
from fovnb.plots.spectra import plot_background_fraction, plot_pulls, plot_ratio_spectrum, plot_toys

__all__ = [
    "Panel",
    "plot_alignment",
    "plot_background_fraction",
    "plot_fov_residuals",
    "plot_identifiability",
    "plot_ledger_norms",
    "plot_map",
    "plot_maps_row",
    "plot_mask_scan",
    "plot_pulls",
    "plot_radial_profile",
    "plot_ratio_spectrum",
    "plot_regions",
    "plot_residuals",
    "plot_significance_histogram",
    "plot_toys",
    "plot_trend",
    "plot_wobble",
]
