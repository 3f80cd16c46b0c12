"""Counts over prediction across the field of view, and the significances of its discs."""

from typing import TYPE_CHECKING, Any

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.plots.maps import MASKED, plot_map
from fovnb.plots.style import BLUE, DATA, FLAG, SKY, new_axes, note, reference_line, steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fovnb.datasets.residuals import Residuals
    from fovnb.diagnostics.fov import FovResiduals
    from fovnb.diagnostics.gradient import Gradient
    from fovnb.diagnostics.profile import RadialProfile
    from fovnb.diagnostics.significance import SignificanceHistogram
    from fovnb.maps import Map

__all__ = ["plot_fov_residuals", "plot_radial_profile", "plot_residuals", "plot_significance_histogram"]

RESIDUALS = {
    "significance": (5.0, "Significance [$\\sigma$]"),
    "difference": (None, "Counts - prediction"),
    "relative": (0.5, "(Counts - prediction) / prediction"),
    "over_sqrt": (5.0, "(Counts - prediction) / $\\sqrt{prediction}$"),
}
FOV_AXES = {
    "RADEC": ("FoV longitude [deg], to smaller R.A.", "FoV latitude [deg], to north"),
    "ALTAZ": ("FoV longitude [deg], to smaller azimuth", "FoV latitude [deg], to zenith"),
}


def plot_residuals(
    record: "Residuals", ax: Any = None, kind: str = "significance", mask: "Map | None" = None, **kwargs: Any
) -> Any:
    """Draw a residual map on sky axes and return these; NaN is grey, red an excess, blue a deficit.

    Parameters
    ----------
    record : Residuals
        What `fovnb.diagnostics.residuals` returned.
    ax : WCSAxes, optional
        By default new ones of pyplot.
    kind : {"significance", "difference", "relative", "over_sqrt"}
        What to draw.
    mask : Map, optional
        A boolean image; what is False is outlined, such as an exclusion mask.
    **kwargs
        For `plot_map`.

    Raises
    ------
    InvalidInputError
        If the kind is unknown.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics import residuals
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom)
    >>> run.background.data[...], run.mask_safe.data[...] = 1, True
    >>> plot_residuals(residuals(run), fig=Figure()).images[0].get_clim()
    (-5.0, 5.0)
    """
    if kind not in RESIDUALS:
        msg = f"{kind!r} is no kind of residuals; choose from {', '.join(RESIDUALS)}"
        raise InvalidInputError(msg)
    limit, label = RESIDUALS[kind]
    image = getattr(record, kind)
    # A bright source must not hide the field: the scale of the difference ends at four standard deviations.
    limit = 4 * float(np.sqrt(np.nanmax(record.npred, initial=1e-9))) if limit is None else limit
    bar = {"label": label, "extend": "both"}
    options = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit, "add_cbar": True, "kwargs_colorbar": bar}
    ax = plot_map(image, ax=ax, **options | kwargs)  # type: ignore[arg-type]  # a dictionary of mixed values
    if mask is not None and not mask.data.all():
        ax.contour(mask.data.squeeze(), levels=[0.5], colors=DATA, linewidths=1)
    return ax


def plot_fov_residuals(
    record: "FovResiduals", ax: "Axes | None" = None, gradient: "Gradient | None" = None, kind: str = "pull"
) -> "Axes":
    """Draw residuals in field-of-view coordinates and return the axes; bins with too little prediction are grey.

    Parameters
    ----------
    record : FovResiduals
        What `fovnb.diagnostics.fov_residuals` returned.
    ax : Axes, optional
        By default new ones of pyplot.
    gradient : Gradient, optional
        Drawn as an arrow towards the excess, which reaches the edge at 0.1 / deg; its numbers stand above the map.
    kind : {"pull", "ratio"}
        What to draw.

    Raises
    ------
    InvalidInputError
        If the kind is unknown, or the gradient has another alignment.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.data import RunInfo
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.fov import fov_residuals
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.background.data[...], run.mask_safe.data[...] = 1, True
    >>> plot_fov_residuals(fov_residuals(run), Figure().add_subplot()).get_xlabel()
    'FoV longitude [deg], to smaller R.A.'
    """
    scales = {"pull": (-5.0, 5.0, "Pull [$\\sigma$]"), "ratio": (0.5, 1.5, "Counts / prediction")}
    if kind not in scales:
        msg = f"{kind!r} is no kind of field-of-view residuals; choose 'pull' or 'ratio'"
        raise InvalidInputError(msg)
    ax = new_axes(ax)
    low, high, label = scales[kind]
    image = np.ma.masked_invalid(getattr(record, kind))
    ax.set_facecolor(MASKED)
    mesh = ax.pcolormesh(record.x_edges, record.y_edges, image, cmap="RdBu_r", vmin=low, vmax=high)
    ax.get_figure().colorbar(mesh, ax=ax, label=label, extend="both")  # type: ignore[union-attr]
    xlabel, ylabel = FOV_AXES[record.alignment]
    ax.set(aspect="equal", xlabel=xlabel, ylabel=ylabel)
    ax.plot(0, 0, "+", color=DATA, markersize=9)
    if gradient is not None:
        _draw_gradient(gradient, record, ax)
    return ax


def plot_radial_profile(record: "RadialProfile", ax: "Axes | None" = None) -> "Axes":
    """Draw counts over prediction in rings around the pointing and return the axes.

    Parameters
    ----------
    record : RadialProfile
        What `fovnb.diagnostics.radial_profile` returned.
    ax : Axes, optional
        By default new ones of pyplot.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.data import RunInfo
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.profile import radial_profile
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data[...], run.background.data[...], run.mask_safe.data[...] = 1, 1, True
    >>> plot_radial_profile(radial_profile(run, n_rings=2), Figure().add_subplot()).get_xlabel()
    'Offset from the pointing [deg]'
    """
    ax = new_axes(ax)
    edges = record.offset_edges
    centers = np.sqrt((edges[1:] ** 2 + edges[:-1] ** 2) / 2)
    steps(ax, edges, record.ratio, record.ratio_lo, record.ratio_hi, centers)
    reference_line(ax, 1)
    note(ax, f"slope {record.slope:+.3f} ± {record.slope_err:.3f} / deg$^2$, {record.z:+.1f} $\\sigma$")
    ax.set(xlabel="Offset from the pointing [deg]", ylabel="Counts / prediction", xlim=(0, edges[-1]))
    return ax


def plot_significance_histogram(record: "SignificanceHistogram", ax: "Axes | None" = None, band: int = 0) -> "Axes":
    """Draw the significances of one energy band over those of simulated fields, and return the axes.

    Parameters
    ----------
    record : SignificanceHistogram
        What `fovnb.diagnostics.significance_histogram` returned.
    ax : Axes, optional
        By default new ones of pyplot.
    band : int
        Number of the energy band.

    Raises
    ------
    InvalidInputError
        If there is no such band.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.significance import significance_histogram
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.05, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=1)])
    >>> run = MapDataset.create(geom)
    >>> run.counts.data[...], run.background.data[...], run.mask_safe.data[...] = 1, 1, True
    >>> plot_significance_histogram(significance_histogram(run, toys=5), Figure().add_subplot()).get_ylabel()
    'Discs'
    """
    if not 0 <= band < len(record.counts):
        msg = f"band {band} is not among the {len(record.counts)} energy bands of the histogram; count from 0"
        raise InvalidInputError(msg)
    ax = new_axes(ax)
    edges, counts, toys = record.edges, record.counts[band], record.toy_bands[band]
    ax.stairs(toys[3], edges, baseline=toys[0], fill=True, color=SKY, alpha=0.35, label="95 % of the toys")
    ax.stairs(toys[2], edges, baseline=toys[1], fill=True, color=BLUE, alpha=0.45, label="68 % of the toys")
    centers = (edges[1:] + edges[:-1]) / 2
    normal = counts.sum() * np.diff(edges) * np.exp(-(centers**2) / 2) / np.sqrt(2 * np.pi)
    ax.plot(centers, normal, color=FLAG, linestyle="--", linewidth=1, label="normal, width 1")
    ax.stairs(counts, edges, color=DATA, linewidth=1.4, label="data")
    shown = np.flatnonzero((counts > 0) | (toys[3] > 0))
    ax.set(yscale="log", ylim=(0.5, 3 * max(counts.max(), toys.max(), 1)), xlabel="Significance [$\\sigma$]")
    ax.set(ylabel="Discs", xlim=(edges[shown[0]] - 0.5, edges[shown[-1] + 1] + 0.5) if shown.size else None)
    low, high = record.band_edges[band]
    moments = f"mean {record.mean[band]:.2f}, width {record.std[band]:.2f}"
    note(ax, f"{low:.3g} to {high:.3g} TeV\n{moments}\n{record.std_z[band]:+.1f} $\\sigma$ off the toys")
    return ax


def _draw_gradient(gradient: "Gradient", record: "FovResiduals", ax: "Axes") -> None:
    """Draw an arrow as long as the field at 0.1 / deg and above, and the numbers as the title."""
    if gradient.alignment != record.alignment:
        msg = f"the gradient is {gradient.alignment}-aligned, the map {record.alignment}; give two of one alignment"
        raise InvalidInputError(msg)
    if not np.isfinite(gradient.magnitude):
        note(ax, "no gradient could be fitted")
        return
    reach = float(record.x_edges[-1])
    scale = 0.95 * reach / max(gradient.magnitude, 0.1)
    shaft = {"angles": "xy", "scale_units": "xy", "width": 0.012, "minlength": 2, "color": DATA}
    ax.quiver(0, 0, scale * gradient.gx, scale * gradient.gy, scale=1, **shaft)  # type: ignore[arg-type]
    parts = zip(("x", "y"), (gradient.gx, gradient.gy), gradient.errors, strict=True)
    numbers = ", ".join(f"$g_{axis}$ = {value:+.3f} ± {error:.3f}" for axis, value, error in parts)
    note(ax, f"{numbers} / deg, {gradient.z:.1f} $\\sigma$")
