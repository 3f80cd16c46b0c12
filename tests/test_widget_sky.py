"""The sky view without a browser: outlines, drawn shapes, which view takes over from which, and what is left behind."""

import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from regions import EllipseSkyRegion, RectangleSkyRegion

from fovnb.errors import DataError, InvalidInputError
from fovnb.maps import Map, MapAxis
from fovnb.recipe import Annulus, Circle, Ellipse, Polygon, Rectangle
from fovnb.recipe.regions import Region
from fovnb.widgets.sky import SkyView
from fovnb.widgets.sky_file import aladin_file, aladin_folder, fetch_aladin, ipyaladin_js
from fovnb.widgets.sky_shapes import Outline, drawn_region, outlines

CENTER = SkyCoord(83.63, 22.01, unit="deg")


def coordinates(outline: Outline) -> SkyCoord:
    return SkyCoord(list(outline), unit="deg")


def tangent_plane(region: Region) -> WCS:
    """Return a projection about a region's centre, in its frame, as maps have them: longitude grows to the left."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["GLON-TAN", "GLAT-TAN"] if region.frame == "galactic" else ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [region.lon_deg, region.lat_deg]
    wcs.wcs.cdelt = [-0.01, 0.01]
    return wcs


@pytest.mark.parametrize("frame", ["icrs", "galactic", "fk5"])
def test_circles_keep_their_distance_in_every_frame(frame: Any) -> None:
    centre = SkyCoord(184.5, -5.8, unit="deg", frame=frame)
    (circle,) = outlines(Circle(184.5, -5.8, 0.5, frame=frame))
    assert coordinates(circle).separation(centre.icrs).deg == pytest.approx(np.full(90, 0.5), rel=1e-9)
    inner, outer = outlines(Annulus(184.5, -5.8, 0.5, 1.5, frame=frame))
    assert inner == circle
    assert coordinates(outer).separation(centre.icrs).deg == pytest.approx(np.full(90, 1.5), rel=1e-9)


@pytest.mark.parametrize("frame", ["icrs", "galactic"])
@pytest.mark.parametrize("angle", [0, 30, -75])
def test_rectangles_and_ellipses_lie_as_the_mask_has_them(frame: Any, angle: float) -> None:
    centre = SkyCoord(184.5, -5.8, unit="deg", frame=frame)
    sizes = {"width": 1.0 * u.deg, "height": 0.4 * u.deg, "angle": angle * u.deg}
    rectangle = Rectangle(184.5, -5.8, 1.0, 0.4, angle, frame=frame)
    wcs = tangent_plane(rectangle)

    (corners,) = outlines(rectangle)
    found = np.array(wcs.world_to_pixel(coordinates(corners))).T
    expected = RectangleSkyRegion(centre, **sizes).to_pixel(wcs).corners
    distances = np.hypot(*(found[:, None] - expected[None]).transpose(2, 0, 1))
    assert distances.min(axis=1).max() < 0.01  # pixels of 0.01 deg: each corner is one of theirs
    assert sorted(distances.argmin(axis=1)) == [0, 1, 2, 3]

    (rim,) = outlines(Ellipse(184.5, -5.8, 1.0, 0.4, angle, frame=frame))
    x, y = np.array(wcs.world_to_pixel(coordinates(rim)))
    ellipse = EllipseSkyRegion(centre, **sizes).to_pixel(wcs)
    turn = ellipse.angle.to_value("rad")
    dx, dy = x - ellipse.center.x, y - ellipse.center.y
    along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    assert (2 * along / ellipse.width) ** 2 + (2 * across / ellipse.height) ** 2 == pytest.approx(np.ones(90), abs=1e-3)


def test_polygons_keep_their_corners() -> None:
    assert outlines(Polygon((10, 11, 11), (0, 0, 1))) == (((10.0, 0.0), (11.0, 0.0), (11.0, 1.0)),)
    (corners,) = outlines(Polygon((0, 1, 1), (0, 0, 1), frame="galactic"))
    expected = SkyCoord([0, 1, 1], [0, 0, 1], unit="deg", frame="galactic")
    assert coordinates(corners).separation(expected.icrs).deg.max() < 1e-9


def cross(centre: SkyCoord, width: float, height: float, angle: float) -> list[list[float]]:
    """Return what the browser sends: centre, right, upper, left and lower point; ``angle`` from west to north."""
    turns = 270 + angle + np.array([0, 90, 180, 270])
    points = centre.directional_offset_by(turns * u.deg, np.array([width, height, width, height]) / 2 * u.deg)
    return [[point.ra.deg, point.dec.deg] for point in (centre, *points)]


@pytest.mark.parametrize("angle", [0.0, 20.0, -35.0, 90.0])
@pytest.mark.parametrize("lon", [0.0, 83.63, 359.99999])
def test_drawn_rectangles_come_back(lon: float, angle: float) -> None:
    points = cross(SkyCoord(lon, 22.01, unit="deg"), 1.2, 0.4, angle)
    found = drawn_region("rectangle", points)
    assert isinstance(found, Rectangle)
    assert (found.lon_deg, found.lat_deg) == (lon, 22.01)
    assert (found.width_deg, found.height_deg) == pytest.approx((1.2, 0.4), abs=1e-5)
    assert (found.angle_deg - angle) % 180 in (pytest.approx(0, abs=1e-5), pytest.approx(180, abs=1e-5))
    # The middle of a drawn side lies between two corners of the outline.
    (corners,) = outlines(found)
    right = SkyCoord(*points[1], unit="deg")
    assert np.sort(coordinates(corners).separation(right).deg)[:2] == pytest.approx([0.2, 0.2], abs=1e-4)


def test_drawn_circles_and_polygons_come_back_rounded() -> None:
    circle = drawn_region("circle", cross(CENTER, 0.4000004, 0.4000004, 3))
    assert circle == Circle(83.63, 22.01, 0.2)
    corners = [[83.1234567, 22], [83.1234567, 22], [84, 22], [360.0000001, 23]]
    polygon = drawn_region("polygon", corners)
    assert polygon == Polygon((83.12346, 84, 0), (22, 22, 23))
    assert str(polygon) == "Polygon(lon_deg=(83.12346, 84.0, 0.0), lat_deg=(22.0, 22.0, 23.0))"


@pytest.mark.parametrize(
    ("shape", "points"),
    [
        ("circle", cross(CENTER, 0, 0, 0)),
        ("rectangle", cross(CENTER, 1, 1e-7, 0)),
        ("circle", [[83, 22], [], [83, 23], [84, 22], [83, 21]]),
        ("polygon", [[83, 22], [84, 22], [83, 22]]),
        ("polygon", []),
    ],
)
def test_what_has_no_size_or_reaches_beside_the_sky_is_no_region(shape: str, points: list[list[float]]) -> None:
    assert drawn_region(shape, points) is None


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SkyView]:
    """Return a view on a computer without a copy of Aladin Lite."""
    monkeypatch.delenv("FOVNB_ALADIN", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    view = SkyView(CENTER, width_deg=5)
    yield view
    view.close()


def browser_draws(sky: SkyView, shape: str, points: list[list[float]]) -> None:
    """Say what a browser says when a shape was drawn."""
    sky.children[0]._hear(None, {"event_type": "drawn", "shape": shape, "points": points}, [])


def browser_clicks(sky: SkyView, lon: float, lat: float) -> None:
    sky.children[0]._hear(None, {"event_type": "click", "content": {"ra": lon, "dec": lat, "x": 1, "y": 2}}, [])


def browser_fails(sky: SkyView) -> None:
    sky.children[0]._failed = "no answer"


def test_drawn_shapes_and_clicks_are_called_back(sky: SkyView) -> None:
    drawn: list[Region] = []
    clicks: list[tuple[float, float]] = []
    sky.on_drawn(drawn.append)
    sky.on_click(lambda lon, lat: clicks.append((lon, lat)))
    browser_draws(sky, "circle", cross(CENTER, 1, 1, 0))
    browser_clicks(sky, 360.000001, 22.0000001)
    assert (drawn, clicks) == ([Circle(83.63, 22.01, 0.5)], [(0.0, 22.0)])
    browser_draws(sky, "circle", cross(CENTER, 0, 0, 0))
    assert sky.message.startswith("That shape has no size")
    assert sky.children[0]._note == sky.message
    browser_draws(sky, "circle", cross(CENTER, 1, 1, 0))
    assert (sky.message, len(drawn)) == ("", 2)


def test_two_views_share_nothing(sky: SkyView) -> None:
    other = SkyView(CENTER, width_deg=5)
    heard: list[object] = []
    other.on_click(lambda *where: heard.append(where))
    browser_clicks(sky, 83, 22)
    one, two = sky.children[0], other.children[0]
    assert one.listener_callback is not two.listener_callback
    assert one._call_store is not two._call_store
    assert heard == []
    other.close()


def test_regions_are_outlined_current_ones_bold_and_idle_ones_thin(sky: SkyView) -> None:
    regions = [Circle(83, 22, 0.3), Annulus(84, 22, 0.2, 0.4), Circle(83, 23, 0.3, active=False)]
    sky.show_regions(regions, current=1)
    shown = sky.children[0]._regions
    assert [each["points"] for each in shown] == [corners for region in regions for corners in outlines(region)]
    widths = [each["width"] for each in shown]
    assert widths[1] == widths[2] > widths[0] > widths[3]
    assert len({each["color"] for each in shown}) == 3
    sky.show_regions(regions[:1])
    assert [each["width"] for each in sky.children[0]._regions] == [widths[0]]


def test_maps_are_sent_as_they_are_with_their_place(sky: SkyView, tmp_path: Path) -> None:
    image = Map.create(skydir=(83.63, 22.01), width=(2, 1), binsz=0.1)
    image.data = np.arange(image.data.size, dtype=float).reshape(image.data.shape)
    image.data[0, 0] = np.nan
    sky.show_map(image, "excess", vmax=7, colormap="rdbu_r")
    shown = sky.children[0]._map
    assert {name: shown[name] for name in ("name", "low", "high", "colormap")} == {
        "name": "excess",
        "low": 1.0,
        "high": 7.0,
        "colormap": "rdbu_r",
    }
    (tmp_path / "map.fits").write_bytes(shown["fits"])
    with fits.open(tmp_path / "map.fits") as hdus:
        np.testing.assert_array_equal(hdus[0].data, image.data.astype(np.float32))
        assert WCS(hdus[0].header).pixel_to_world(3, 4).separation(image.geom.wcs.pixel_to_world(3, 4)).arcsec < 1e-3


@pytest.mark.parametrize(("value", "cuts"), [(np.nan, (0, 1)), (3.0, (3, 4))])
def test_maps_of_one_value_or_none_have_a_range_of_colours(
    sky: SkyView, value: float, cuts: tuple[float, float]
) -> None:
    image = Map.create(skydir=(83.63, 22.01), width=1, binsz=0.1)
    image.data = np.full(image.data.shape, value)
    sky.show_map(image, "flat")
    shown = sky.children[0]._map
    assert (shown["low"], shown["high"]) == cuts


def test_one_energy_bin_is_an_image_and_two_are_refused(sky: SkyView) -> None:
    def cube(bins: int) -> Map:
        axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=bins)
        return Map.create(skydir=(83.63, 22.01), width=(2, 1), binsz=0.1, axes=[axis])

    sky.show_map(cube(1), "one")
    assert sky.children[0]._map["name"] == "one"
    with pytest.raises(InvalidInputError, match=r"shape \(2, 10, 20\); give an image"):
        sky.show_map(cube(2), "two")


def test_our_own_map_takes_over_with_what_is_said(sky: SkyView) -> None:
    fallback = w.Label("our map")
    sky = SkyView(CENTER, width_deg=5, fallback=fallback)
    said: list[tuple[str, str]] = []
    sky.observe(lambda change: said.append((change["name"], change["new"])), ["tier", "message"])
    failed = sky.children[0]
    browser_fails(sky)
    assert said == [("tier", "picture"), ("message", sky.message)]
    assert "our own map stands in for it" in sky.message
    assert sky.children[0].value == sky.message
    assert sky.children[1] is fallback
    assert failed.comm is None
    failed._failed = "again"  # a late answer of a view that was closed
    sky.show_regions([Circle(83, 22, 0.3)])
    sky.draw("circle")
    assert sky.message.startswith("There is no Aladin Lite to draw in")
    sky.close()
    assert fallback.comm is not None
    fallback.close()


def test_without_a_fallback_the_table_is_named(sky: SkyView) -> None:
    browser_fails(sky)
    assert sky.tier == "picture"
    assert "edit the regions in their table" in sky.message


def test_the_copy_on_this_computer_takes_over_with_everything_that_was_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aladin.js").write_text("export default {}")
    monkeypatch.setenv("FOVNB_ALADIN", str(tmp_path / "aladin.js"))
    sky = SkyView(CENTER, width_deg=5)
    sky.show_regions([Circle(83, 22, 0.3)])
    sky.show_map(Map.create(skydir=(83.63, 22.01), width=1, binsz=0.1), "zeros")
    sky.go_to(SkyCoord(0, 0, unit="deg", frame="galactic"), 2)
    first = sky.children[0]
    assert first._aladin_text == ""  # never in a notebook's state unless it is needed
    kept = first._regions, first._map, first._view
    browser_fails(sky)
    second = sky.children[0]
    assert (sky.tier, second._aladin_text, second.survey) == ("file", "export default {}", "plain")
    assert (second._regions, second._map, second._view) == kept
    assert second._view["lon"] == pytest.approx(266.405, abs=1e-3)
    assert sky.message == second._note != ""
    browser_fails(sky)
    assert (sky.tier, second.comm) == ("picture", None)
    sky.close()


def test_going_twice_to_the_same_place_is_a_new_order(sky: SkyView) -> None:
    seen: list[object] = []
    sky.children[0].observe(lambda change: seen.append(change["new"]), "_view")
    for _ in range(2):
        sky.go_to(CENTER, 1)
    assert len(seen) == 2


def test_drawing_is_asked_for_and_given_up(sky: SkyView) -> None:
    sky.draw("polygon")
    assert sky.children[0]._drawing == "polygon"
    sky.draw(None)
    assert sky.children[0]._drawing == ""


def test_a_wrong_place_of_the_copy_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOVNB_ALADIN", str(tmp_path / "nothing.js"))
    with pytest.raises(DataError, match=r"\$FOVNB_ALADIN is '.*nothing.js', where there is no file"):
        SkyView(CENTER, width_deg=5)


def test_the_copy_is_found_in_the_cache_and_never_fetched_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FOVNB_ALADIN", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    assert aladin_file() is None
    with pytest.raises(DataError, match=r"^npm is not installed; install Node\.js"):
        fetch_aladin()
    assert tmp_path in aladin_folder().parents
    assert aladin_folder().name.replace("aladin-lite-", "aladin-lite@") in ipyaladin_js()
    aladin_folder().mkdir(parents=True)
    kept = aladin_folder() / "aladin.js"
    kept.write_text("export default {}")
    assert aladin_file() == fetch_aladin() == kept


def test_two_threads_and_a_fallback_in_between_lose_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "aladin.js").write_text("export default {}")
    monkeypatch.setenv("FOVNB_ALADIN", str(tmp_path / "aladin.js"))
    sky = SkyView(CENTER, width_deg=5)
    image = Map.create(skydir=(83.63, 22.01), width=1, binsz=0.1)

    def outline() -> None:
        for number in range(1, 101):
            sky.show_regions([Circle(83, 22, number / 100)])

    def paint() -> None:
        for number in range(100):
            sky.show_map(image, f"map {number}")
            if number == 50:
                browser_fails(sky)

    threads = [threading.Thread(target=work) for work in (outline, paint)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sky.tier == "file"
    assert sky.children[0]._map["name"] == "map 99"
    assert sky.children[0]._regions[0]["points"] == outlines(Circle(83, 22, 1))[0]
    sky.close()


def test_closing_leaves_nothing_behind(sky: SkyView) -> None:
    del sky
    alive = count_widgets()
    for _ in range(20):
        view = SkyView(CENTER, width_deg=5)
        view.on_drawn(print)
        view.show_regions([Circle(83, 22, 0.3)])
        browser_fails(view)
        view.close()
        view.close()
    del view
    assert count_widgets() == alive


def count_widgets() -> int:
    """Return how many widgets there are, open or held by something."""
    gc.collect()
    return sum(isinstance(thing, w.Widget) for thing in gc.get_objects())
