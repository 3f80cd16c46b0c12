"""What is drawn carries the numbers of the record, and what is odd is marked and named."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.table import Table
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fovnb.datasets.ledger import LedgerRow, ledger_of
from fovnb.diagnostics import residuals
from fovnb.diagnostics.alignment import Alignment
from fovnb.diagnostics.fov import FovResiduals
from fovnb.diagnostics.gradient import Gradient, gradient
from fovnb.diagnostics.identifiability import Identifiability
from fovnb.diagnostics.mask_scan import MaskScan
from fovnb.diagnostics.profile import RadialProfile
from fovnb.diagnostics.significance import SignificanceHistogram
from fovnb.diagnostics.spectrum import RatioSpectrum, ratio_spectrum
from fovnb.diagnostics.trends import trends
from fovnb.diagnostics.wobble import wobble
from fovnb.errors import InvalidInputError
from fovnb.makers import background_fraction
from fovnb.maps import Map
from fovnb.plots import (
    plot_alignment,
    plot_background_fraction,
    plot_fov_residuals,
    plot_identifiability,
    plot_ledger_norms,
    plot_mask_scan,
    plot_pulls,
    plot_radial_profile,
    plot_ratio_spectrum,
    plot_residuals,
    plot_significance_histogram,
    plot_trend,
    plot_wobble,
)
from fovnb.plots.style import FLAG
from tests.datasets import make_geom, make_run
from tests.report_runs import make_pointed_run


@pytest.fixture
def ax():
    return Figure().add_subplot()


def drawn_points(ax, number=0):
    """Return x and y of the points of an error bar."""
    return ax.containers[number].lines[0].get_data()


def marked(ax):
    """Return the names written beside marks."""
    return [text.get_text() for text in ax.texts if text.get_color() == FLAG]


@pytest.fixture
def spectrum() -> RatioSpectrum:
    return ratio_spectrum(make_run(norm=1.3))


def test_a_ratio_spectrum_shows_ratios_with_their_intervals_and_the_pulls(spectrum):
    upper, lower = Figure().subplots(2)
    plot_ratio_spectrum(spectrum, upper, lower)
    x, y = drawn_points(upper)
    np.testing.assert_array_equal(y, spectrum.ratio)
    np.testing.assert_allclose(x**2, spectrum.energy_edges[1:] * spectrum.energy_edges[:-1])
    segments = np.array(upper.containers[0].lines[2][1].get_segments())
    np.testing.assert_allclose(segments[:, :, 1], np.transpose([spectrum.ratio_lo, spectrum.ratio_hi]))
    values, edges, _ = lower.patches[0].get_data()
    np.testing.assert_array_equal(values, spectrum.pull)
    np.testing.assert_array_equal(edges, spectrum.energy_edges)
    assert upper.get_xscale() == lower.get_xscale() == "log"


def test_pulls_of_runs_are_rows_from_the_top_and_grey_where_there_are_none(spectrum, ax):
    other = ratio_spectrum(make_run(seed=2))
    other.pull[1] = np.nan
    plot_pulls({"7": spectrum, "8": other}, ax)
    shown = ax.collections[0].get_array()
    np.testing.assert_array_equal(shown.filled(np.nan), [spectrum.pull, other.pull])
    assert ax.get_ylim() == (1.5, -0.5)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["7", "8"]
    assert to_hex(ax.get_facecolor()) == "#cccccc"


def test_pulls_of_no_run_or_of_several_energy_axes_are_refused(spectrum, ax):
    with pytest.raises(InvalidInputError, match="no records whose pulls could be drawn"):
        plot_pulls({}, ax)
    with pytest.raises(InvalidInputError, match="b has other energy bins than a"):
        plot_pulls({"a": spectrum, "b": replace(spectrum, energy_edges=spectrum.energy_edges[:-1])}, ax)


LEDGER = Table({"OBS_ID": range(1, 7), "status": ["ok"] * 6, "norm": [1, 1.02, 0.98, 1, 0.2, 1.01]})
LEDGER["norm_err"], LEDGER["ZEN_PNT"] = 0.05, [10, 20, 30, 40, 50, 60]


def test_a_trend_marks_and_names_the_run_that_is_unlike_the_others(ax):
    found = trends(LEDGER, against=["zenith"])
    plot_trend(found, "norm", "zenith", ax)
    x, y = drawn_points(ax, 1)
    np.testing.assert_array_equal(x, LEDGER["ZEN_PNT"])
    np.testing.assert_array_equal(y, LEDGER["norm"])
    np.testing.assert_array_equal(drawn_points(ax, 0)[1], found.tests["norm"].mean_others)
    assert marked(ax) == ["5"]
    sound = trends(LEDGER[LEDGER["OBS_ID"] != 5], against=["zenith"])
    assert marked(plot_trend(sound, "norm", "zenith", Figure().add_subplot())) == []


@pytest.mark.parametrize("names", [("nrom", "zenith"), ("norm", "zenit")])
def test_a_trend_of_nothing_is_refused(names, ax):
    with pytest.raises(InvalidInputError, match="did you mean"):
        plot_trend(trends(LEDGER, against=["zenith"]), *names, ax)


def test_the_norms_of_a_ledger_show_lost_runs_with_their_status(ax):
    rows = [LedgerRow(i, livetime_used=1, parameters={"norm": (0.9 + 0.01 * i, 0.05)}) for i in range(3)]
    plot_ledger_norms(ledger_of([*rows, LedgerRow(9, status="unreadable")]), ax)
    np.testing.assert_allclose(drawn_points(ax)[1], [0.9, 0.91, 0.92, np.nan])
    assert [text.get_text() for text in ax.texts] == ["unreadable"]
    assert ax.texts[0].get_position()[0] == 3
    with pytest.raises(InvalidInputError, match="no parameter 'tilt'; there are norm"):
        plot_ledger_norms(ledger_of(rows), ax, "tilt")


def significance_record():
    edges = np.array([-1.0, 0.0, 1.0, 2.0])
    numbers = (np.full(2, 0.1), np.full(2, 1.2), *np.full((4, 2), 0.1))
    toys = np.array([[[1, 2, 0], [2, 3, 1], [4, 5, 2], [6, 8, 3.0]]] * 2)
    counts = np.array([[9, 4, 1.0], [2, 2, 2]])
    energies = np.array([[1, 10.0], [1, 3]])
    return SignificanceHistogram(
        energies, edges, counts, *numbers, np.ones((2, 5)), np.ones((2, 5)), toys, np.array([3.4, 0]), 0.1, (1,)
    )


def test_a_histogram_lies_over_the_bands_of_its_toys(ax):
    record = significance_record()
    plot_significance_histogram(record, ax)
    wide, narrow, data = (patch.get_data() for patch in ax.patches)
    np.testing.assert_array_equal([wide.baseline, narrow.baseline, narrow.values, wide.values], record.toy_bands[0])
    np.testing.assert_array_equal(data.values, record.counts[0])
    assert "+3.4" in ax.get_title()
    assert "1 to 10 TeV" in ax.get_title()
    assert "1 to 3 TeV" in plot_significance_histogram(record, Figure().add_subplot(), 1).get_title()
    with pytest.raises(InvalidInputError, match="band 2 is not among the 2"):
        plot_significance_histogram(record, ax, 2)


def test_a_residual_map_shows_its_kind_and_the_border_of_the_mask():
    found = residuals(make_run())
    mask = make_geom().to_image().region_mask("icrs; circle(83.63, 22.01, 0.5)", inside=False)
    for kind in ("significance", "difference", "relative", "over_sqrt"):
        ax = plot_residuals(found, kind=kind, mask=mask, fig=Figure())
        np.testing.assert_array_equal(ax.images[0].get_array().filled(np.nan), getattr(found, kind).data)
        (low, high) = ax.images[0].get_clim()
        assert low == -high
    (border,) = [path for path in ax.collections[0].get_paths() if len(path.vertices)]
    np.testing.assert_allclose(np.ptp(border.vertices, axis=0), 10, atol=1)
    with pytest.raises(InvalidInputError, match="'excess' is no kind"):
        plot_residuals(found, kind="excess", fig=Figure())


def field_record(alignment="RADEC"):
    edges = np.array([-2.0, -1, 0, 1, 2])
    pull = np.arange(16.0).reshape(4, 4)
    pull[0, 0] = np.nan
    return FovResiduals(edges, edges, 10 + pull, np.full((4, 4), 10.0), 1 + pull / 10, pull, alignment, (1,))


@pytest.fixture(scope="module")
def slope() -> Gradient:
    return gradient(make_pointed_run(gx=0.2))


def test_field_of_view_residuals_are_not_mirrored_and_grey_where_unknown(ax):
    record = field_record()
    plot_fov_residuals(record, ax)
    mesh = ax.collections[0]
    np.testing.assert_array_equal(mesh.get_array().filled(np.nan), record.pull)
    x, y = np.moveaxis(mesh.get_coordinates(), -1, 0)
    np.testing.assert_array_equal((x[0], y[:, 0]), (record.x_edges, record.y_edges))
    assert ax.get_xlim() == (-2, 2)
    ratio = plot_fov_residuals(record, Figure().add_subplot(), kind="ratio").collections[0]
    np.testing.assert_array_equal(ratio.get_array().filled(np.nan), record.ratio)
    assert plot_fov_residuals(field_record("ALTAZ"), Figure().add_subplot()).get_ylabel().endswith("to zenith")


def test_the_arrow_points_to_the_excess_and_must_have_the_maps_alignment(ax, slope):
    plot_fov_residuals(field_record(), ax, slope)
    arrow = ax.collections[1]
    assert float(arrow.U[0]) > 1.5  # 0.2 / deg reaches the edge
    np.testing.assert_allclose(arrow.V[0] / arrow.U[0], slope.gy / slope.gx)
    assert f"{slope.gx:+.3f}" in ax.get_title()
    with pytest.raises(InvalidInputError, match="the gradient is RADEC-aligned, the map ALTAZ"):
        plot_fov_residuals(field_record("ALTAZ"), Figure().add_subplot(), slope)
    with pytest.raises(InvalidInputError, match="'counts' is no kind"):
        plot_fov_residuals(field_record(), ax, kind="counts")


def test_a_radial_profile_shows_ratios_at_their_rings(ax):
    values = np.array([1.1, 1.0, 0.9])
    record = RadialProfile(
        np.array([0, 1, 2, 3.0]), *[values] * 3, values - 0.2, values + 0.1, values, -0.1, 0.02, -5, ()
    )
    plot_radial_profile(record, ax)
    x, y = drawn_points(ax)
    np.testing.assert_array_equal(y, values)
    assert np.all((x > [0, 1, 2]) & (x < [1, 2, 3]))
    low, high = np.array(ax.containers[0].lines[2][1].get_segments())[:, :, 1].T
    np.testing.assert_allclose((low, high), (values - 0.2, values + 0.1))
    assert "-5.0" in ax.get_title()


def test_a_mask_scan_draws_a_line_a_run_and_marks_sizes_that_differ(ax):
    rho, norm = np.array([0.0, 0.1, 0.2]), np.array([[1.3, 1.1, 1.0], [1.2, 1.05, 0.9]])
    difference, error, sums = norm - norm[:, 2:], np.array([[0.01, 0.02, 0.0]] * 2), np.ones((2, 3))
    rest = {"energy_pivot": np.ones(2), "norm_pivot": norm, "difference": difference, "difference_err": error}
    scan = MaskScan(rho, False, (7, 8), norm, sums, -norm, sums, sums, sums, **rest)
    plot_mask_scan(scan, ax)
    np.testing.assert_array_equal([drawn_points(ax, i)[1] for i in range(2)], difference)
    bars = np.array(ax.containers[0].lines[2][0].get_segments())
    np.testing.assert_allclose(np.ptp(bars[:, :, 1], axis=1), 2 * error[0])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["7", "8"]
    lines = [line.get_xdata()[0] for line in ax.lines if line.get_color() == FLAG and line.get_linestyle() == ":"]
    assert lines == rho[scan.differs].tolist() == [0, 0.1]
    for kind, values in (("norm", norm), ("tilt", -norm)):
        np.testing.assert_array_equal(drawn_points(plot_mask_scan(scan, Figure().add_subplot(), kind))[1], values[0])
    with pytest.raises(InvalidInputError, match="'index' is nothing that a mask scan follows"):
        plot_mask_scan(scan, ax, "index")


def test_pointings_stand_side_by_side(ax):
    runs = [make_pointed_run(1, dec_deg=21.5), make_pointed_run(2, dec_deg=22.5, norm=1.5)]
    found = wobble(runs)
    plot_wobble(found, ax)
    np.testing.assert_array_equal(drawn_points(ax)[1], found.n)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["83.63\n+21.50", "83.63\n+22.50"]
    ratio = plot_wobble(found, Figure().add_subplot(), "ratio")
    np.testing.assert_array_equal([drawn_points(ratio, i)[1] for i in range(2)], found.ratio)
    with pytest.raises(InvalidInputError, match="'tilt' is nothing to draw"):
        plot_wobble(found, ax, "tilt")


def test_an_orientation_that_the_counts_prefer_is_red(ax):
    names = ("as stated", "longitude flipped", "latitude flipped", "axes swapped")
    delta = np.array([[0.0, -20, 5, 3], [0, -10, 6, 4]])
    plot_alignment(Alignment(names, delta, delta.sum(axis=0), (1, 2), "longitude flipped"), ax)
    assert [bar.get_width() for bar in ax.patches] == [-30, 11, 7]
    assert [to_hex(bar.get_facecolor()) == FLAG.lower() for bar in ax.patches] == [True, False, False]
    assert [text.get_ha() for text in ax.texts] == ["right", "left", "left"]
    np.testing.assert_array_equal(ax.lines[0].get_xydata()[:3], [[-20, 0], [5, 1], [3, 2]])


def test_an_open_combination_is_named(ax):
    half = np.sqrt(0.5)
    vectors = np.array([[half, -half], [half, half]])
    plot_identifiability(Identifiability(("norm", "norm_2"), np.array([100.0, 0]), vectors, 1, ("both",)), ax)
    labels = ax.get_yticklabels()
    assert [label.get_text() for label in labels] == ["± 0.1", "open"]
    assert [label.get_color() == FLAG for label in labels] == [False, True]
    np.testing.assert_array_equal(ax.images[0].get_array(), vectors.T)


def test_bins_that_the_mask_leaves_little_of_are_marked_with_their_counts(ax):
    run = make_run()
    mask = np.ones(run.data_shape, dtype=bool)
    mask[1, :18] = False
    with pytest.warns(UserWarning, match="leaves less than 30"):
        found = background_fraction(run, Map.from_geom(run.geom, data=mask))
    plot_background_fraction(found, ax)
    np.testing.assert_array_equal(ax.patches[0].get_data().values, found.fraction)
    assert marked(ax) == [f"{run.counts.data[1, 18:].sum():g}"]


def test_without_axes_pyplot_shows_a_new_figure(spectrum):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    try:
        plot_ratio_spectrum(spectrum)
        assert [ax.get_ylabel() for ax in plt.gcf().axes] == ["Counts / prediction", "Pull [$\\sigma$]"]
    finally:
        plt.close("all")


def test_records_are_not_changed(spectrum, ax):
    before = {name: np.copy(getattr(spectrum, name)) for name in ("ratio", "ratio_lo", "pull", "energy_edges")}
    plot_ratio_spectrum(spectrum, ax)
    for name, values in before.items():
        np.testing.assert_array_equal(getattr(spectrum, name), values)
