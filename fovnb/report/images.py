"""The sections of a report about the sky and the field of view: maps, significances, gradient, profile, alignment."""

from collections.abc import Iterator, Sequence

import numpy as np

from fovnb import plots
from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import residuals
from fovnb.diagnostics.alignment import alignment
from fovnb.diagnostics.fov import fov_residuals
from fovnb.diagnostics.gradient import gradient
from fovnb.diagnostics.profile import radial_profile
from fovnb.diagnostics.significance import significance_histogram
from fovnb.errors import FovnbError
from fovnb.maps import Map
from fovnb.plots.maps import sky_axes
from fovnb.report.blocks import Block, paragraph, picture, table
from fovnb.report.page import empty_figure, figure
from fovnb.report.survey import Survey

__all__ = ["fields", "maps", "orientation", "profile", "significances"]

_TOYS = 50  # of the survey; the verdicts have their own


def maps(survey: Survey) -> Iterator[Block]:
    """Yield significance and excess of the runs on each common map."""
    for name, runs in survey.groups.items():
        record = residuals(runs)
        title = f"{name} ({len(runs)} run{'s' * (len(runs) != 1)})"
        fig = empty_figure(11, 4.4)
        # The same pixels twice: the sky's coordinates, slow to draw, stand at the first.
        axes = sky_axes(record.geom, fig, (1, 2, 1)), fig.add_subplot(1, 2, 2, xticks=[], yticks=[])
        for ax, kind in zip(axes, ("significance", "difference"), strict=True):
            plots.plot_residuals(record, ax, kind, _outline(runs))
        fig.subplots_adjust(0.06, 0.12, 0.92, 0.92, wspace=0.2)
        fig.suptitle(title)
        values = record.significance.data
        spread = f"significances from {np.nanmin(values):.1f} to {np.nanmax(values):.1f}"
        yield picture(fig, f"Significance and excess map of {title}: {spread}", "webp")


def significances(survey: Survey) -> Iterator[Block]:
    """Yield the histogram of each energy band."""
    record = significance_histogram(survey.usable, toys=_TOYS)
    n = len(record.counts)
    fig, axes = figure(1, n, width=max(2.9 * n, 4.5), squeeze=False, top=0.7)
    for band, ax in enumerate(axes[0]):
        plots.plot_significance_histogram(record, ax, band)
    axes[0, 0].legend(loc="lower center", fontsize="x-small")
    bands = [f"{low:.3g} to {high:.3g} TeV" for low, high in record.band_edges]
    widths = "; ".join(f"{band}: {width:.2f}" for band, width in zip(bands, record.std, strict=True))
    yield picture(fig, f"Significances outside the mask over bands of simulated fields, widths {widths}")
    columns = (record.mean, record.std, record.toy_std.mean(axis=1), record.std_z, 100 * record.above3, record.cells)
    head = ["band", "mean", "width", "width of toys", "difference [sigma]", "above 3 [%]", "independent discs"]
    yield table(head, [(band, *(f"{x:.3g}" for x in row)) for band, *row in zip(bands, *columns, strict=True)])


def fields(survey: Survey) -> Iterator[Block]:
    """Yield residuals and gradient in both alignments; the one to the zenith may not be known."""
    for name in ("RADEC", "ALTAZ"):
        try:
            yield _field(survey, name)
        except FovnbError as error:
            yield paragraph(f"{name}: {error}", "doubt")


def profile(survey: Survey) -> Iterator[Block]:
    """Yield the radial profile."""
    record = radial_profile(survey.usable)
    fig, ax = figure(width=6.5)
    plots.plot_radial_profile(record, ax)
    values = ", ".join(f"{ratio:.3f}" for ratio in record.ratio)
    yield picture(fig, f"Counts over prediction in rings of offset: {values}; slope {record.z:+.1f} sigma")


def orientation(survey: Survey) -> Iterator[Block]:
    """Yield how likely other orientations of the background are."""
    record = alignment(survey.usable)
    fig, ax = figure(width=7.5, height=2.8, left=2.6)
    plots.plot_alignment(record, ax)
    totals = ", ".join(f"{name} {value:+.0f}" for name, value in zip(record.names[1:], record.total[1:], strict=True))
    yield picture(fig, f"-2 ln L of other orientations of the background: {totals}")
    if record.better:
        yield paragraph(f"The counts agree better with another orientation of the background: {record.better}.", "bad")


def _field(survey: Survey, name: str) -> Block:
    record, slope = fov_residuals(survey.usable, name), gradient(survey.usable, name)
    fig, (left, right) = figure(1, 2, height=4.4)
    plots.plot_fov_residuals(record, left, slope)
    plots.plot_fov_residuals(record, right, kind="ratio")
    numbers = f"{slope.gx:+.3f}, {slope.gy:+.3f} per deg, {slope.z:.1f} sigma"
    return picture(fig, f"Residuals in {name}-aligned field-of-view coordinates, gradient {numbers}")


def _outline(runs: Sequence[MapDataset]) -> Map | None:
    """Return the exclusion mask of runs on one map as an image, False where all bins of all runs are excluded."""
    masks = [run.mask_exclusion.data.any(axis=0) for run in runs if run.mask_exclusion is not None]
    return Map.from_geom(runs[0].geom.to_image(), data=np.any(masks, axis=0)) if masks else None
