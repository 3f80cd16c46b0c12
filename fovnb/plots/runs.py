"""Runs against each other: norms, trends, wobble positions, orientations of the background, parameters left open."""

from typing import TYPE_CHECKING

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.plots.style import (
    BLUE,
    DATA,
    FLAG,
    GREY,
    LOST,
    PALETTE,
    energy_axis,
    name_runs,
    new_axes,
    note,
    points,
    reference_line,
)
from fovnb.text import did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fovnb.datasets import Ledger
    from fovnb.diagnostics.alignment import Alignment
    from fovnb.diagnostics.identifiability import Identifiability
    from fovnb.diagnostics.mask_scan import MaskScan
    from fovnb.diagnostics.trends import Trends
    from fovnb.diagnostics.wobble import Wobble

__all__ = [
    "plot_alignment",
    "plot_identifiability",
    "plot_ledger_norms",
    "plot_mask_scan",
    "plot_trend",
    "plot_wobble",
]

COVARIATES = {
    "zenith": "Zenith angle [deg]",
    "azimuth": "Azimuth [deg]",
    "time": "Start of the run [MJD, TT]",
    "livetime": "Livetime [s]",
}
FLAG_BELOW = -25.0


def plot_trend(record: "Trends", parameter: str, against: str = "zenith", ax: "Axes | None" = None) -> "Axes":
    """Draw a parameter of all runs against zenith, azimuth, time or livetime, and return the axes.

    Runs that are unlike all others are marked and named; a grey bar behind each run shows the mean and the scatter of
    the others.

    Parameters
    ----------
    record : Trends
        What `fovnb.diagnostics.trends` returned.
    parameter, against : str
        What to draw, against what.
    ax : Axes, optional
        By default new ones of pyplot.

    Raises
    ------
    InvalidInputError
        If the record has no such parameter or covariate.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from matplotlib.figure import Figure
    >>> from fovnb.diagnostics.trends import trends
    >>> ledger = Table({"OBS_ID": range(5), "status": ["ok"] * 5, "norm": [1, 1.1, 0.9, 1, 1.05]})
    >>> ledger["norm_err"], ledger["ZEN_PNT"] = 0.1, [10, 20, 30, 40, 50]
    >>> plot_trend(trends(ledger, against=["zenith"]), "norm", ax=Figure().add_subplot()).get_xlabel()
    'Zenith angle [deg]'
    """
    for name, known in ((parameter, record.parameters), (against, record.covariates)):
        if name not in known:
            msg = f"the trends hold no {name!r}{did_you_mean(name, known)}; there are {', '.join(known) or 'none'}"
            raise InvalidInputError(msg)
    ax = new_axes(ax)
    row = record.parameters.index(parameter)
    x, test = record.covariates[against], record.tests[parameter]
    values, errors = record.values[row], record.errors[row]
    ax.errorbar(x, test.mean_others, test.scatter_others, fmt="_", color=GREY, ecolor=LOST, elinewidth=6, zorder=0)
    points(ax, x, values, errors, markersize=3)
    odd = test.flagged
    name_runs(ax, x[odd], values[odd], record.obs_id[odd])
    ax.set(xlabel=COVARIATES[against], ylabel=parameter)
    ax.ticklabel_format(useOffset=False)
    ax.locator_params(axis="x", nbins=4)
    slope = record.slopes.get((parameter, against))
    if slope is not None and np.isfinite(slope.p_value):
        note(ax, f"slope p = {slope.p_value:.2g}")
    return ax


def plot_ledger_norms(ledger: "Ledger", ax: "Axes | None" = None, parameter: str = "norm") -> "Axes":
    """Draw a parameter of every run of a ledger in its order, and return the axes.

    Runs that add nothing to the stack have a grey column with their status; odd ones are marked and named.

    Parameters
    ----------
    ledger : Ledger
        Of a run or a stack.
    ax : Axes, optional
        By default new ones of pyplot.
    parameter : str
        A column.

    Raises
    ------
    InvalidInputError
        If the ledger has no such parameter.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.datasets.ledger import LedgerRow, ledger_of
    >>> ledger = ledger_of([LedgerRow(7, parameters={"norm": (0.9, 0.1)}), LedgerRow(8, status="unreadable")])
    >>> [text.get_text() for text in plot_ledger_norms(ledger, Figure().add_subplot()).get_xticklabels()]
    ['7', '8']
    """
    if f"{parameter}_err" not in ledger.colnames:
        found = [name for name in ledger.colnames if f"{name}_err" in ledger.colnames]
        msg = f"the ledger holds no parameter {parameter!r}; there are {', '.join(found) or 'none'}"
        raise InvalidInputError(msg)
    ax = new_axes(ax)
    x = np.arange(len(ledger))
    values, errors = (np.asarray(ledger[name], dtype=float) for name in (parameter, f"{parameter}_err"))
    points(ax, x, values, np.where(np.isfinite(errors), errors, 0))
    for i in np.flatnonzero(np.isnan(values)).tolist():
        ax.axvspan(i - 0.4, i + 0.4, color=LOST, zorder=0)
        middle = ax.get_xaxis_transform()
        status = str(ledger["status"][i])
        ax.text(i, 0.5, status, transform=middle, rotation=90, fontsize="small", ha="center", va="center")
    odd = np.array(sorted(ledger.odd()), dtype=int)
    name_runs(ax, x[odd], values[odd], ledger["OBS_ID"][odd])
    reference_line(ax, 1 if parameter.startswith("norm") else 0)
    ax.set_xticks(x, [str(number) for number in ledger["OBS_ID"]], rotation=90, fontsize="small")
    ax.set(xlabel="Run", ylabel=parameter, xlim=(-0.7, len(ledger) - 0.3))
    return ax


def plot_wobble(record: "Wobble", ax: "Axes | None" = None, kind: str = "norm") -> "Axes":
    r"""Draw norm or ratio spectrum of each pointing and return the axes.

    Parameters
    ----------
    record : Wobble
        What `fovnb.diagnostics.wobble` returned.
    ax : Axes, optional
        By default new ones of pyplot.
    kind : {"norm", "ratio"}
        What to draw.

    Raises
    ------
    InvalidInputError
        If the kind is unknown.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.data import RunInfo
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.wobble import wobble
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data[...], run.background.data[...], run.mask_safe.data[...] = 2, 1, True
    >>> [text.get_text() for text in plot_wobble(wobble(run), Figure().add_subplot()).get_xticklabels()]
    ['0.00\n+0.00']
    """
    if kind not in ("norm", "ratio"):
        msg = f"{kind!r} is nothing to draw of wobble positions; choose 'norm' or 'ratio'"
        raise InvalidInputError(msg)
    ax = new_axes(ax)
    names = [f"{ra:.2f}\n{dec:+.2f}" for ra, dec in record.positions]
    if kind == "norm":
        x = np.arange(len(names))
        points(ax, x, record.n, record.n_err)
        ax.set_xticks(x, names, fontsize="small")
        ax.set(xlabel="Pointing: R.A., dec. [deg]", ylabel="Counts / background at norm 1", xlim=(-0.7, x[-1] + 0.7))
        return ax
    centers = np.sqrt(record.energy_edges[1:] * record.energy_edges[:-1])
    for i, name in enumerate(names):
        shift = 1 + 0.03 * (i - (len(names) - 1) / 2)  # side by side, so that error bars can be told apart
        points(
            ax,
            centers * shift,
            record.ratio[i],
            record.ratio_err[i],
            PALETTE[i % len(PALETTE)],
            label=name.replace("\n", ", "),
        )
    reference_line(ax, 1)
    ax.set_ylabel("Counts / prediction")
    ax.legend(
        fontsize="small", title="R.A., dec. [deg]", title_fontsize="small", loc="upper left", bbox_to_anchor=(1, 1)
    )
    energy_axis(ax)
    return ax


def plot_alignment(record: "Alignment", ax: "Axes | None" = None) -> "Axes":
    """Draw how much less likely other orientations of the background are, and return the axes.

    Bars are sums over the runs, dots single runs. A bar beyond the line at -25 says that the file states another
    orientation than the counts show.

    Parameters
    ----------
    record : Alignment
        What `fovnb.diagnostics.alignment` returned.
    ax : Axes, optional
        By default new ones of pyplot.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.data import RunInfo
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.alignment import alignment
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=1, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1").replace(run_info=RunInfo(1, ra_deg=0, dec_deg=0))
    >>> run.counts.data[...], run.background.data[...], run.mask_safe.data[...] = 2, 1, True
    >>> plot_alignment(alignment(run), Figure().add_subplot()).get_yticklabels()[0].get_text()
    'longitude flipped'
    """
    ax = new_axes(ax)
    names, total = record.names[1:], record.total[1:]
    y = np.arange(len(names))
    colors = [FLAG if value < FLAG_BELOW else BLUE for value in total]
    ax.barh(y, total, color=colors, alpha=0.7)
    ax.plot(record.delta[:, 1:].ravel(), np.tile(y, len(record.delta)), "o", markersize=3, color=DATA)
    for i, value in enumerate(total):
        side, align = (4, "left") if value >= 0 else (-4, "right")  # outside the bar
        at = (value, i), (side, 0)
        ax.annotate(f"{value:+.0f}", *at, textcoords="offset points", ha=align, va="center", fontsize="small")
    ax.axvline(0, color=GREY, linewidth=1)
    ax.axvline(FLAG_BELOW, color=FLAG, linestyle=":", linewidth=1.5)
    ax.set_yticks(y, names)
    ax.set(xlabel="$-2\\,\\ln L$ above that of the stated orientation", ylim=(len(names) - 0.4, -0.6))
    ax.margins(x=0.12)
    return ax


def plot_identifiability(record: "Identifiability", ax: "Axes | None" = None) -> "Axes":
    """Draw what the data say of each combination of parameters, and return the axes.

    A row is a combination, its expected error beside it; colours are the shares of the parameters. A combination that
    the data leave open has an infinite error.

    Parameters
    ----------
    record : Identifiability
        What `fovnb.diagnostics.identifiability` returned.
    ax : Axes, optional
        By default new ones of pyplot.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.diagnostics.identifiability import identifiability
    >>> from fovnb.modeling.background_fit import BackgroundSums
    >>> from fovnb.modeling.models import FoVBackgroundModel
    >>> sums = BackgroundSums(energy=[2.0, 4.0], counts=[90, 30], background=[100.0, 25.0])
    >>> ax = plot_identifiability(identifiability(sums, FoVBackgroundModel("obs-1")), Figure().add_subplot())
    >>> [text.get_text() for text in ax.get_xticklabels()]
    ['norm']
    """
    ax = new_axes(ax)
    n = record.n_free
    mesh = ax.imshow(record.eigenvectors.T, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    with np.errstate(divide="ignore"):
        errors = 1 / np.sqrt(record.eigenvalues)
    for (row, column), share in np.ndenumerate(record.eigenvectors.T):
        color = "white" if abs(share) > 0.6 else "black"
        ax.text(column, row, f"{share:+.2f}", ha="center", va="center", fontsize="small", color=color)
    labels = ["open" if not np.isfinite(error) else f"± {error:.2g}" for error in errors]
    ax.set_xticks(range(n), list(record.parameters), rotation=0 if n < 5 else 90)
    ax.set_yticks(range(n), labels)
    for label in ax.get_yticklabels()[record.rank :]:
        label.set(color=FLAG, weight="bold")
    ax.set(xlabel="Parameter (norms by their logarithm)", ylabel="Combination")
    ax.get_figure().colorbar(mesh, ax=ax, label="Share of the parameter")  # type: ignore[union-attr]
    return ax


def plot_mask_scan(record: "MaskScan", ax: "Axes | None" = None, kind: str = "difference") -> "Axes":
    """Draw what the size of the mask does to the fits, a line a run, and return the axes.

    Sizes at which the norms of all runs together differ from those at the largest size are marked.

    Parameters
    ----------
    record : MaskScan
        What `fovnb.diagnostics.mask_scan` returned.
    ax : Axes, optional
        By default new ones of pyplot.
    kind : {"difference", "norm", "tilt"}
        The norm less that at the largest size, which is what is tested, or a parameter itself. Error bars are left out
        where there are too many runs for them.

    Raises
    ------
    InvalidInputError
        If the kind is unknown.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from fovnb.datasets import MapDataset
    >>> from fovnb.diagnostics.mask_scan import mask_scan
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom, name="obs-1")
    >>> run.counts.data[...], run.background.data[...], run.mask_safe.data[...] = 2, 1, True
    >>> scan = mask_scan(run, radii=["0 deg", "0.5 deg"], position=geom.center_skydir)
    >>> plot_mask_scan(scan, Figure().add_subplot()).get_xlabel()
    'Radius of the circle [deg]'
    """
    labels = {"difference": "Norm - norm of the largest mask", "norm": "norm", "tilt": "tilt"}
    if kind not in labels:
        msg = f"{kind!r} is nothing that a mask scan follows; choose from {', '.join(labels)}"
        raise InvalidInputError(msg)
    ax = new_axes(ax)
    values, errors = getattr(record, kind), getattr(record, f"{kind}_err")
    many = len(values) > len(PALETTE)
    for i, (obs_id, value, error) in enumerate(zip(record.obs_ids, values, errors, strict=True)):
        name = "stack" if obs_id < 0 else str(obs_id)
        line = {"fmt": "o-", "markersize": 3, "linewidth": 0.7 if many else 1, "label": None if many else name}
        points(ax, record.rho, value, 0 * error if many else error, DATA if many else PALETTE[i], **line)
    for rho in record.rho[record.differs]:
        ax.axvline(rho, color=FLAG, linestyle=":", linewidth=1.5, zorder=0)
    if kind == "difference":
        reference_line(ax, 0)
    ax.set(xlabel=f"{'Radius of the circle' if record.of_radius else 'Growth of the mask'} [deg]", ylabel=labels[kind])
    if not many:
        ax.legend(fontsize="small")
    return ax
