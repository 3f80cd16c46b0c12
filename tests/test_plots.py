import subprocess
import sys

import numpy as np
import pytest
from astropy import units as u
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from regions import CircleSkyRegion, RectangleSkyRegion

from fovnb.errors import InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.plots import Panel, plot_map, plot_maps_row, plot_regions

GEOM = WcsGeom.create(skydir=(83.6, 40.0), npix=(30, 20), binsz=0.1, proj="TAN")


@pytest.fixture
def image():
    data = np.arange(600.0).reshape(20, 30)
    data[3, 4] = np.nan
    return Map.from_geom(GEOM, data=data, unit="m2 s")


def test_the_artist_holds_the_map_and_masks_nan(image):
    before = image.data.copy()
    ax = plot_map(image, fig=Figure(), vmin=-5, vmax=5, cmap="RdBu_r")
    shown = ax.images[0].get_array()
    assert shown.mask.sum() == 1
    assert shown.mask[3, 4]
    np.testing.assert_array_equal(shown.filled(np.nan), image.data)
    assert ax.images[0].get_clim() == (-5, 5)
    assert ax.images[0].get_cmap().name == "RdBu_r"
    np.testing.assert_array_equal(image.data, before)


def test_masked_pixels_are_grey_and_the_shared_colour_map_is_not_changed(image):
    from matplotlib import colormaps

    ax = plot_map(image, fig=Figure())
    red, green, blue, alpha = ax.images[0].get_cmap().get_bad()
    assert red == green == blue == pytest.approx(0.8)
    assert alpha == 1
    assert tuple(colormaps["afmhot"].get_bad()) == (0, 0, 0, 0)


def test_limits_are_those_of_the_finite_values(image):
    assert plot_map(image, fig=Figure()).images[0].get_clim() == (0, 599)
    empty = Map.from_geom(GEOM, data=np.full((20, 30), np.nan))
    assert plot_map(empty, fig=Figure()).images[0].get_clim() == (0, 1)


def test_the_colour_bar_names_the_unit_and_stands_as_high_as_the_image(image):
    fig = Figure()
    ax = plot_map(image, fig=fig, add_cbar=True)
    fig.draw_without_rendering()
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == image.unit.to_string("unicode")
    assert bar.get_position().height == pytest.approx(ax.get_position().height)
    assert (
        plot_map(image, fig=Figure(), add_cbar=True, kwargs_colorbar={"label": "x"}).child_axes[0].get_ylabel() == "x"
    )


@pytest.mark.parametrize(("frame", "label"), [("icrs", "Right ascension"), ("galactic", "Galactic longitude")])
def test_axes_name_their_frame(frame, label):
    ax = plot_map(Map.from_geom(WcsGeom.create(npix=5, binsz=0.1, frame=frame)), fig=Figure())
    assert ax.coords[0].get_axislabel() == label


def test_axes_of_length_one_are_left_out_and_cubes_refused():
    one, two = (MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=n) for n in (1, 2))
    flat = Map.from_geom(GEOM.to_cube([one]))
    assert plot_map(flat, fig=Figure()).images[0].get_array().shape == (20, 30)
    with pytest.raises(InvalidInputError, match=r"a map of shape \(2, 20, 30\) is no image"):
        plot_map(Map.from_geom(GEOM.to_cube([two])), fig=Figure())


def test_masks_are_drawn_as_zero_and_one():
    mask = Map.from_geom(GEOM, data=np.ones((20, 30), dtype=bool))
    mask.data[0] = False
    assert plot_map(mask, fig=Figure()).images[0].get_array().sum() == 570


def test_an_unknown_colour_scale_is_refused(image):
    with pytest.raises(InvalidInputError, match="'cubic' is no colour scale; choose from linear, sqrt"):
        plot_map(image, fig=Figure(), stretch="cubic")


def test_a_colour_scale_changes_the_colours(image):
    linear, root = (plot_map(image, fig=Figure(), stretch=s).images[0].norm for s in ("linear", "sqrt"))
    assert root(599 / 4) == pytest.approx(2 * linear(599 / 4), rel=1e-6)


def test_given_axes_are_used(image):
    ax = plot_map(image, fig=Figure())
    assert plot_map(image, ax=ax) is ax
    assert len(ax.images) == 2
    assert image.plot(ax=ax) is ax


def test_without_axes_pyplot_shows_the_figure(image):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    try:
        ax = image.plot()
        assert plt.gcf() is ax.figure
    finally:
        plt.close("all")


def test_a_circle_is_drawn_at_its_radius_on_the_sky(image):
    ax = plot_map(image, fig=Figure())
    (circle,) = plot_regions([CircleSkyRegion(GEOM.center_skydir, 0.7 * u.deg)], ax)
    outline = circle.get_transform().transform(circle.get_xy())  # to the screen
    x, y = ax.transData.inverted().transform(outline).T
    distance = np.hypot(x - 14.5, y - 9.5)
    np.testing.assert_allclose(distance, 7, rtol=1e-3)
    assert np.ptp(circle.get_xy()[:, 0]) > 1.8  # in right ascension it is wider than high


def test_other_regions_are_drawn_too(image):
    ax = plot_map(image, fig=Figure())
    (artist,) = plot_regions([RectangleSkyRegion(GEOM.center_skydir, 1 * u.deg, 0.5 * u.deg)], ax, edgecolor="red")
    assert artist in ax.patches
    assert artist.get_width() == pytest.approx(10, rel=1e-3)


def test_regions_come_before_the_axes(image):
    ax = plot_map(image, fig=Figure())
    with pytest.raises(InvalidInputError, match="a list is no sky axes; give first the regions"):
        plot_regions(ax, [CircleSkyRegion(GEOM.center_skydir, 1 * u.deg)])


def test_a_row_holds_panels_titles_and_regions_and_makes_a_picture(image, tmp_path):
    region = CircleSkyRegion(GEOM.center_skydir, 0.5 * u.deg)
    fig = plot_maps_row([Panel(image, "Counts"), Panel(image, "Again", {"vmin": 0, "vmax": 9})], [region], "Title")
    fig.savefig(tmp_path / "row.png", dpi=50)
    panels = [ax for ax in fig.axes if ax.images]
    assert [ax.get_title() for ax in panels] == ["Counts", "Again"]
    assert [len(ax.patches) for ax in panels] == [1, 1]
    assert panels[1].images[0].get_clim() == (0, 9)
    picture = (tmp_path / "row.png").read_bytes()
    assert picture[:4] == b"\x89PNG"
    assert len(picture) > 5000
    renderer = FigureCanvasAgg(fig).get_renderer()
    boxes = [ax.get_tightbbox(renderer) for ax in panels]
    assert boxes[0].x1 < boxes[1].x0  # nothing overlaps


def test_a_panel_prints_its_title(image):
    assert repr(Panel(image, "a < b")) == "Panel('a < b')"
    assert "a &lt; b" in Panel(image, "a < b")._repr_html_()


def test_importing_plots_does_not_import_pyplot():
    code = "import fovnb.plots, sys; print('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
