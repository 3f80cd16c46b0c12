"""Counts over prediction against energy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.plots.style import BLUE, DATA, FLAG, SKY, energy_axis, name_runs, new_axes, note, reference_line, steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fovnb.diagnostics.spectrum import RatioSpectrum
    from fovnb.diagnostics.toys import Toys
    from fovnb.makers import BackgroundFraction

__all__ = ["plot_background_fraction", "plot_pulls", "plot_ratio_spectrum", "plot_toys"]


def plot_ratio_spectrum(record: "RatioSpectrum", ax: "Axes | None" = None, ax_pull: "Axes | None" = None) -> "Axes":
    """Draw counts over prediction per energy bin and return the axes; bins without a used pixel are empty.

    Parameters
    ----------
    record : RatioSpectrum
        What `fovnb.diagnostics.ratio_spectrum` returned.
    ax, ax_pull : Axes, optional
        Where to draw the ratios and the pulls. Without the second, pulls are left out; without both, new axes of pyplot
        are made for both.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.spectrum import ratio_spectrum
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom)
    >>> run.background.data[...], run.mask_safe.data[...] = 1, True
    >>> plot_ratio_spectrum(ratio_spectrum(run), ax=Figure().add_subplot()).get_ylabel()
    'Counts / prediction'
    """
    if ax is None:
        ax, ax_pull = new_axes(None, rows=2)
    edges = record.energy_edges
    centers = np.sqrt(edges[1:] * edges[:-1])
    steps(ax, edges, record.ratio, record.ratio_lo, record.ratio_hi, centers)
    reference_line(ax, 1)
    note(ax, f"deviance {record.deviance:.1f} for {record.dof}, p = {record.p_value:.2g}")
    ax.set_ylabel("Counts / prediction")
    energy_axis(ax)
    if ax_pull is not None:
        ax.set_xlabel("")
        ax_pull.stairs(np.nan_to_num(record.pull), edges, fill=True, color=DATA, alpha=0.6)
        reference_line(ax_pull, 0)
        limit = max(3.5, 1.1 * float(np.nanmax(np.abs(record.pull), initial=0)))
        ax_pull.set(ylim=(-limit, limit), ylabel="Pull [$\\sigma$]")
        energy_axis(ax_pull)
    return ax


def plot_pulls(records: Mapping[str, "RatioSpectrum"], ax: "Axes | None" = None, limit: float = 5.0) -> "Axes":
    """Draw the pulls of many runs as a table of colours, a run a row, and return the axes; empty bins are grey.

    Parameters
    ----------
    records : mapping of str to RatioSpectrum
        By the name of the run; all with the same energy bins.
    ax : Axes, optional
        By default new ones of pyplot.
    limit : float
        Where the colours end.

    Raises
    ------
    InvalidInputError
        If there is no record, or energy bins differ.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.spectrum import ratio_spectrum
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.background.data[...], run.mask_safe.data[...] = 1, True
    >>> ax = plot_pulls({"1": ratio_spectrum(run)}, Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['1']
    """
    if not records:
        msg = "there are no records whose pulls could be drawn; give at least one ratio spectrum"
        raise InvalidInputError(msg)
    edges = next(iter(records.values())).energy_edges
    others = [name for name, record in records.items() if not np.array_equal(record.energy_edges, edges)]
    if others:
        msg = f"{others[0]} has other energy bins than {next(iter(records))}; draw records with the same ones"
        raise InvalidInputError(msg)
    ax = new_axes(ax)
    pulls = np.ma.masked_invalid([record.pull for record in records.values()])
    ax.set_facecolor("0.8")
    rows = np.arange(len(records) + 1) - 0.5
    mesh = ax.pcolormesh(edges, rows, pulls, cmap="RdBu_r", vmin=-limit, vmax=limit, edgecolor="white", linewidth=0.3)
    ax.set_yticks(rows[:-1] + 0.5, list(records), fontsize="small")
    ax.set(ylabel="Run", ylim=(rows[-1], rows[0]))
    energy_axis(ax)
    ax.get_figure().colorbar(mesh, ax=ax, label="Pull [$\\sigma$]", extend="both")  # type: ignore[union-attr]
    return ax


def plot_background_fraction(record: "BackgroundFraction", ax: "Axes | None" = None) -> "Axes":
    """Draw how much of the background the mask leaves per energy bin, and return the axes; bins left short are marked.

    Parameters
    ----------
    record : BackgroundFraction
        What `fovnb.makers.background_fraction` returned.
    ax : Axes, optional
        By default new ones of pyplot.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.makers import background_fraction
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom)
    >>> run.background.data[...], run.mask_safe.data[...] = 1, True
    >>> plot_background_fraction(background_fraction(run), Figure().add_subplot()).get_ylabel()
    'Background left by the mask'
    """
    ax = new_axes(ax)
    edges = record.energy_edges
    centers = np.sqrt(edges[1:] * edges[:-1])
    ax.stairs(np.nan_to_num(record.fraction), edges, fill=True, color=BLUE, alpha=0.5)
    name_runs(ax, centers[record.low], record.fraction[record.low], [f"{n:g}" for n in record.counts[record.low]])
    ax.axhline(record.min_fraction, color=FLAG, linestyle=":", linewidth=1.5)
    ax.set(ylim=(0, 1.05), ylabel="Background left by the mask", title=record.name)
    energy_axis(ax)
    return ax


def plot_toys(record: "Toys", ax: "Axes | None" = None) -> "Axes":
    """Draw the deviances of the toys with that of the run, and return the axes.

    Parameters
    ----------
    record : Toys
        What `fovnb.diagnostics.toys` returned.
    ax : Axes, optional
        By default new ones of pyplot.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.diagnostics.toys import toys
    >>> from fovnb.modeling.background_fit import BackgroundSums, fit_background
    >>> from fovnb.modeling.models import FoVBackgroundModel
    >>> sums = BackgroundSums(energy=[1.0, 4.0], counts=[120, 40], background=[100.0, 50.0])
    >>> fitted = fit_background(sums, FoVBackgroundModel("obs-1"))[1]
    >>> plot_toys(toys(fitted, n=50), Figure().add_subplot()).get_xlabel()
    'Deviance'
    """
    ax = new_axes(ax)
    good = record.deviance[np.isfinite(record.deviance)]
    ax.hist(good, bins=30, color=SKY, label=f"{good.size} toys")
    ax.axvline(record.observed_deviance, color=DATA, linewidth=2, label="data")
    note(ax, f"p = {record.p_value:.2g}")
    ax.set(xlabel="Deviance", ylabel="Toys")
    ax.legend(loc="upper right", fontsize="small")
    return ax
