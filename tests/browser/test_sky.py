"""The sky view in a browser: what is drawn comes back, what is shown is seen, and each view gives way to the next."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from PIL import Image

from fovnb.recipe import Circle, Polygon, Rectangle
from fovnb.recipe.regions import Region
from fovnb.widgets.sky_file import ipyaladin_js
from tests.browser.conftest import OpenNotebook
from tests.browser.lab import Notebook

ADDRESS = re.search(r"https:[^\"']*aladin-lite[^\"']*", ipyaladin_js())[0]  # type: ignore[index]
LON, LAT, WIDTH, HEIGHT_PX = 83.63, 22.01, 4.0, 420

SETUP = f"""
import os
import ipywidgets as w
import numpy as np
from astropy.coordinates import SkyCoord
from fovnb.maps import Map
from fovnb.recipe import Annulus, Circle, Rectangle
from fovnb.widgets.sky import SkyView
center = SkyCoord({LON}, {LAT}, unit="deg")
drawn, clicks = [], []
def make(**options):
    sky = SkyView(center, {WIDTH}, height_px={HEIGHT_PX}, survey="plain", **options)
    sky.layout.width = "560px"
    sky.on_drawn(drawn.append)
    sky.on_click(lambda lon, lat: clicks.append((lon, lat)))
    return sky
"""

OpenSky = Callable[..., Notebook]
Colour = tuple[int, int, int]


@pytest.fixture
def open_sky(open_notebook: OpenNotebook, aladin: Path) -> OpenSky:
    """Return what opens a notebook with a sky view named ``sky``, Aladin Lite at its address, and waits for it."""

    def open_(make: str = "sky = make(); sky") -> Notebook:
        notebook = open_notebook([SETUP, make])
        notebook.serve_file(ADDRESS, aladin)
        notebook.run_all()
        wait_for_view(notebook)
        return notebook

    return open_


class Screen:
    """Where the sky is on the screen: x and y from the view's upper left corner, in pixels.

    Aladin Lite's projection is orthographic (SIN) about the centre, and `WIDTH` degrees fill the height.
    """

    def __init__(self, notebook: Notebook) -> None:
        box = notebook.page.locator(".aladin-catalogCanvas").first.bounding_box()
        assert box is not None
        assert box["height"] == HEIGHT_PX
        self.mouse, self.left, self.top = notebook.page.mouse, box["x"], box["y"]
        self.width, self.height = box["width"], box["height"]
        self.wcs = WCS(naxis=2)
        self.wcs.wcs.ctype = ["RA---SIN", "DEC--SIN"]
        self.wcs.wcs.crval = [LON, LAT]
        self.wcs.wcs.crpix = [self.width / 2 + 0.5, self.height / 2 + 0.5]
        half_width = WIDTH / 2 * self.width / self.height
        scale = np.rad2deg(np.sin(np.deg2rad(half_width))) / (self.width / 2)
        self.wcs.wcs.cdelt = [-scale, -scale]
        self.wcs.wcs.pc = [[1, 0], [0, 1]]

    def sky(self, x: float, y: float) -> SkyCoord:
        return self.wcs.pixel_to_world(x - 0.5, y - 0.5)

    def pixel(self, lon: float, lat: float) -> tuple[float, float]:
        x, y = self.wcs.world_to_pixel(SkyCoord(lon, lat, unit="deg"))
        return float(x) + 0.5, float(y) + 0.5

    def drag(self, *points: tuple[float, float]) -> None:
        self.move(*points[0])
        self.mouse.down()
        for point in points[1:]:
            self.move(*point)
        self.mouse.up()

    def move(self, x: float, y: float) -> None:
        self.mouse.move(self.left + x, self.top + y, steps=4)

    def click(self, x: float, y: float) -> None:
        self.move(x, y)
        self.mouse.down()
        self.mouse.up()


def wait_for_view(notebook: Notebook) -> None:
    """Wait until Aladin Lite shows as much of the sky as it was told to."""
    notebook.wait_widgets(".fovnb-sky-button:not(:disabled)", 4)
    notebook.wait_for(f"document.querySelector('.aladin-fov')?.innerText.endsWith('{WIDTH:.3f}°')")


def press(notebook: Notebook, name: str) -> None:
    notebook.page.get_by_role("button", name=name, exact=True).click()


def tool(notebook: Notebook, name: str) -> None:
    """Choose a shape to draw, and wait until Aladin Lite is ready for it."""
    press(notebook, name)
    notebook.page.wait_for_selector(f".fovnb-sky-button[aria-pressed=true]:text-is('{name}')")
    notebook.page.wait_for_function(
        "getComputedStyle(document.querySelector('.aladin-catalogCanvas')).cursor === 'crosshair'"
    )


def last_drawn(notebook: Notebook, count: int) -> Region:
    """Return the last of ``count`` regions that came back."""
    notebook.until(f"len(drawn) == {count}")
    region: Region = eval(notebook.value("repr(drawn[-1])"))
    return region


def test_circle_rectangle_and_polygon_come_back_as_they_were_drawn(open_sky: OpenSky) -> None:
    notebook = open_sky()
    screen = Screen(notebook)
    x, y = 300.0, 120.0

    tool(notebook, "Circle")
    screen.drag((x, y), (x + 30, y), (x + 60, y))
    circle = last_drawn(notebook, 1)
    radius = screen.sky(x, y).separation(screen.sky(x + 60, y)).deg
    assert isinstance(circle, Circle)
    assert circle.radius_deg == pytest.approx(radius, rel=0.005)
    assert screen.sky(x, y).separation(SkyCoord(circle.lon_deg, circle.lat_deg, unit="deg")).deg < 0.005 * radius

    tool(notebook, "Rectangle")
    screen.drag((x, y), (x + 40, y + 20), (x + 80, y + 40))
    rectangle = last_drawn(notebook, 2)
    assert isinstance(rectangle, Rectangle)
    assert rectangle.width_deg == pytest.approx(
        screen.sky(x, y + 20).separation(screen.sky(x + 80, y + 20)).deg, rel=0.005
    )
    assert rectangle.height_deg == pytest.approx(
        screen.sky(x + 40, y).separation(screen.sky(x + 40, y + 40)).deg, rel=0.005
    )
    centre = SkyCoord(rectangle.lon_deg, rectangle.lat_deg, unit="deg")
    assert screen.sky(x + 40, y + 20).separation(centre).deg < 0.005 * rectangle.width_deg
    assert abs(rectangle.angle_deg) < 1  # the meridian there is not quite upright

    tool(notebook, "Polygon")
    corners = [(x, y), (x + 100, y), (x + 100, y + 60), (x + 20, y + 90)]
    for corner in corners:
        screen.click(*corner)
    notebook.screenshot("sky-polygon", ".fovnb-sky")
    notebook.page.keyboard.press("Enter")
    polygon = last_drawn(notebook, 3)
    assert isinstance(polygon, Polygon)
    expected = SkyCoord([screen.sky(*corner) for corner in corners])
    assert len(polygon.lon_deg) == 4
    assert expected.separation(SkyCoord(list(polygon.lon_deg), list(polygon.lat_deg), unit="deg")).deg.max() < 0.005
    assert notebook.value("clicks") == []  # what draws is no click
    assert notebook.value("[type(region.lon_deg).__name__ for region in drawn]") == ["float", "float", "tuple"]


def test_escape_ends_drawing_and_leaves_nothing_behind(open_sky: OpenSky) -> None:
    notebook = open_sky()
    screen = Screen(notebook)
    for shape in ("Circle", "Rectangle", "Polygon"):
        tool(notebook, shape)
        screen.click(300, 120)
        screen.click(360, 120)
        if shape == "Polygon":
            screen.click(360, 160)
            screen.move(340, 180)
        notebook.page.keyboard.press("Escape")
        notebook.until("sky._view._drawing == ''")
        screen.move(500, 300)
    assert notebook.page.locator(".fovnb-sky-button[aria-pressed=true]").count() == 0
    assert notebook.page.get_by_title("Finish").count() == 0
    before = notebook.value("len(drawn)")
    screen.click(500, 200)
    notebook.until("clicks")
    assert notebook.value("len(drawn)") == before
    notebook.screenshot("sky-escape", ".fovnb-sky")


def test_clicks_are_reported_on_an_outline_too_and_drags_are_not(open_sky: OpenSky) -> None:
    notebook = open_sky()
    screen = Screen(notebook)
    notebook.exec(f"sky.show_regions([Circle({LON}, {LAT}, 0.5)])")
    notebook.page.wait_for_timeout(500)
    rim = SkyCoord(LON, LAT, unit="deg").directional_offset_by(90 * u.deg, 0.5 * u.deg)
    x, y = screen.pixel(rim.ra.deg, rim.dec.deg)
    screen.click(x, y)
    notebook.until("len(clicks) == 1")
    lon, lat = notebook.value("clicks[-1]")
    assert SkyCoord(lon, lat, unit="deg").separation(rim).deg < 0.01
    screen.drag((x - 100, y), (x - 60, y + 10), (x - 50, y + 20))
    notebook.page.wait_for_timeout(500)
    assert notebook.value("len(clicks)") == 1


def test_map_and_regions_are_seen_where_they_are_and_the_view_stays(open_sky: OpenSky) -> None:
    notebook = open_sky()
    screen = Screen(notebook)
    notebook.exec(
        f"image = Map.create(skydir=({LON}, {LAT}), width=4, binsz=0.02)\n"
        "image.data = (image.geom.separation(center).deg < 1).astype(float)\n"
        "image.data[image.geom.get_coord().lat.to_value('deg') > 23.2] = np.nan\n"
        "sky.show_map(image, 'disk', vmin=0, vmax=1)\n"
        "sky.show_regions([Circle(83, 22, 0.5), Annulus(84.8, 22, 0.2, 0.4), "
        "Circle(82.4, 21.3, 0.2, active=False)], current=0)"
    )
    blue, orange, yellow, purple, black = (86, 180, 233), (230, 159, 0), (253, 231, 36), (68, 1, 84), (0, 0, 0)
    upper, lower = (83, 22 + 0.5), (83, 21.3 - 0.5)  # a rim before and after it moved
    ring = SkyCoord(84.8, 22, unit="deg").directional_offset_by(90 * u.deg, [0.2, 0.4] * u.deg)
    rings = dict.fromkeys(zip(ring.ra.deg, ring.dec.deg, strict=True), blue)
    disk = {(LON, LAT + 0.8): yellow, (LON, LAT - 1.2): purple, (82.5, LAT + 1.5): black}  # NaN is not drawn
    wait_for_colours(notebook, screen, "sky-map", {**disk, **rings, upper: orange, lower: purple})
    notebook.exec("sky.show_regions([Circle(83, 21.3, 0.5)], current=0)")
    wait_for_colours(
        notebook, screen, "sky-moved", {**disk, **dict.fromkeys(rings, purple), upper: yellow, lower: orange}
    )


def test_go_to_and_centre_lead_where_they_say(open_sky: OpenSky) -> None:
    notebook = open_sky()
    screen = Screen(notebook)
    notebook.exec("sky.go_to(SkyCoord(10, -30, unit='deg'), 1)")
    notebook.until("abs(sky._view.target.dec.deg + 30) < 1e-6")
    notebook.page.wait_for_timeout(300)
    screen.click(screen.width / 2, screen.height / 2)
    notebook.until("len(clicks) == 1")
    assert notebook.value("clicks[0]") == pytest.approx([10, -30], abs=0.003)
    assert notebook.value("sky._view.fov.deg") == pytest.approx(screen.width / screen.height, rel=0.005)
    screen.drag((400, 100), (450, 150), (500, 200))
    notebook.until("abs(sky._view.target.dec.deg + 30) > 0.01")
    press(notebook, "Centre")
    notebook.until("abs(sky._view.target.dec.deg + 30) < 1e-6")


def test_a_hidden_tab_loads_when_it_is_shown_and_keeps_its_view(open_notebook: OpenNotebook, aladin: Path) -> None:
    make = "sky = make(); tabs = w.Tab([w.Label('first'), sky], titles=['one', 'two']); tabs"
    notebook = open_notebook([SETUP, make])
    notebook.serve_file(ADDRESS, aladin)
    notebook.run_all()
    notebook.wait_widgets(".fovnb-sky-button")
    notebook.page.wait_for_timeout(1000)
    assert notebook.page.locator(".aladin-catalogCanvas").count() == 0
    for _ in range(3):
        notebook.exec("tabs.selected_index = 1")
        wait_for_view(notebook)
        notebook.page.wait_for_timeout(300)
        assert notebook.page.locator(".aladin-fov").first.inner_text().endswith("4.000°")
        notebook.exec("tabs.selected_index = 0")
        notebook.page.wait_for_timeout(300)


def test_the_copy_on_this_computer_takes_over_without_a_network(open_notebook: OpenNotebook, aladin: Path) -> None:
    notebook = open_notebook([SETUP, f"os.environ['FOVNB_ALADIN'] = {str(aladin)!r}\nsky = make(); sky"])
    notebook.run_all()
    notebook.until("sky.tier == 'file'", 30)
    wait_for_view(notebook)
    assert "copy on this computer" in notebook.page.locator(".fovnb-sky-said").inner_text()
    screen = Screen(notebook)
    tool(notebook, "Circle")
    screen.drag((300, 120), (330, 120), (360, 120))
    assert isinstance(last_drawn(notebook, 1), Circle)
    notebook.screenshot("sky-file", ".fovnb-sky")
    assert set(notebook.outside) == {ADDRESS}  # it was tried, and nothing else
    notebook.outside.clear()


@pytest.mark.parametrize("network", ["refused", "silent"])
def test_our_own_map_takes_over_where_there_is_no_aladin(
    open_notebook: OpenNotebook, network: str, tmp_path: Path
) -> None:
    nowhere = f"os.environ['XDG_CACHE_HOME'] = {str(tmp_path)!r}; os.environ.pop('FOVNB_ALADIN', None)"
    make = "sky = make(fallback=w.HTML('<b class=ours>our map</b>'), patience_s=1); sky"
    notebook = open_notebook([SETUP, f"{nowhere}\n{make}"])
    if network == "silent":
        notebook.page.route(ADDRESS, lambda _: None)
    notebook.run_all()
    notebook.wait_widgets("b.ours")
    assert notebook.value("sky.tier") == "picture"
    message = notebook.value("sky.message")
    assert message.startswith("Aladin Lite could not be loaded, so our own map stands in for it")
    assert notebook.page.get_by_text(message).count() == 1
    assert notebook.page.locator(".fovnb-sky").count() == 0
    notebook.screenshot(f"sky-picture-{network}")
    assert set(notebook.outside) == {ADDRESS}
    notebook.outside.clear()


def test_views_that_are_closed_give_the_browser_back_what_they_took(open_sky: OpenSky) -> None:
    notebook = open_sky("sky = make(); box = w.VBox([sky]); box")
    notebook.page.evaluate("window.old = document.querySelector('.aladin-imageCanvas').getContext('webgl2')")
    assert not notebook.page.evaluate("window.old.isContextLost()")
    for _ in range(2):
        notebook.exec("sky.close(); sky = make(); box.children = [sky]")
        notebook.until("sky._view.loaded")
    # A browser keeps 16 such contexts, of all pages.
    assert notebook.page.evaluate("window.old.isContextLost()")
    assert notebook.page.locator(".aladin-imageCanvas").count() == 1
    assert [text for kind, text in notebook.console if kind in ("warning", "error")] == []


def wait_for_colours(notebook: Notebook, screen: Screen, name: str, wanted: dict[tuple[float, float], Colour]) -> None:
    """Wait until a picture of the view has these colours at these places on the sky."""
    for _ in range(20):
        notebook.page.wait_for_timeout(200)
        found = colours(notebook, screen, name, list(wanted))
        if all(distance(found[at], colour) < 60 for at, colour in wanted.items()):
            return
    assert found == wanted


def colours(
    notebook: Notebook, screen: Screen, name: str, places: list[tuple[float, float]]
) -> dict[tuple[float, float], Colour]:
    """Return the colours on the screen of places on the sky."""
    image = Image.open(notebook.screenshot(name, ".fovnb-sky-host")).convert("RGB")
    pixels = {at: tuple(int(value) for value in screen.pixel(*at)) for at in places}
    return {at: image.getpixel(pixel) for at, pixel in pixels.items()}  # type: ignore[misc]


def distance(one: Colour, other: Colour) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
