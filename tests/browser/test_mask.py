"""The mask editor in a browser: by keyboard alone, by clicks in our own picture, and drawn in Aladin."""

import time
from pathlib import Path

import pytest

from tests.browser.conftest import OpenNotebook
from tests.browser.lab import Notebook
from tests.browser.test_sky import ADDRESS, press, tool

SETUP = """
import fovnb.widgets.state
fovnb.widgets.state.AT_ONCE_S = 60  # every update at once, however slow the machine is
from fovnb.widgets.mask import MaskEditor
from tests.pipelines import CIRCLE, RECIPE
hostile = CIRCLE.edit(lon_deg=84.2, radius_deg=0.2, name="<img src=x onerror=alert(1)>")
mask = MaskEditor(RECIPE.edit_step("exclusion", regions=(CIRCLE, hostile)), sky={sky!r})
mask.result
mask
"""
REGIONS = "len(mask.recipe.exclusion.regions)"
SHOWN = """[...document.querySelectorAll('.fovnb-mask .fovnb-picture-image')]
    .filter(one => one.offsetParent !== null).map(one => one.dataset.recipe)"""


@pytest.fixture
def picture(open_notebook: OpenNotebook) -> Notebook:
    """Return a notebook with an editor that shows our own picture."""
    notebook = open_notebook([SETUP.format(sky="picture")])
    notebook.run_all()
    notebook.wait_widgets(".fovnb-mask .fovnb-picture-image[src]", 3)
    return notebook


def all_new(notebook: Notebook) -> None:
    """Wait until every picture that is seen shows the present recipe."""
    end = time.monotonic() + 30
    while (shown := notebook.page.evaluate(SHOWN)) != 3 * [notebook.value("mask.state.digest")]:
        assert time.monotonic() < end, f"the pictures show {shown}"


def test_a_region_is_moved_renamed_and_deleted_by_keyboard_alone(picture: Notebook) -> None:
    keyboard = picture.page.keyboard
    picture.page.get_by_label("Radius deg slider").focus()
    for _ in range(5):
        keyboard.press("ArrowRight")
    picture.until("mask.recipe.exclusion.regions[0].radius_deg > 0.3")
    all_new(picture)
    radius = picture.value("mask.recipe.exclusion.regions[0].radius_deg")
    assert picture.page.get_by_role("spinbutton", name="Radius deg").input_value() == f"{radius:g}"

    picture.page.locator(".fovnb-mask [role=grid]").first.focus()
    keyboard.press("ArrowDown")
    picture.until("mask.table.current == 1")
    keyboard.press("Delete")
    picture.until(f"{REGIONS} == 1")
    all_new(picture)
    picture.page.get_by_role("button", name="Undo").first.focus()
    keyboard.press("Enter")
    picture.until(f"{REGIONS} == 2")
    all_new(picture)
    assert picture.page.locator(".fovnb-mask img[src=x]").count() == 0
    assert picture.page.get_by_text("<img src=x onerror=alert(1)>").count() >= 1
    picture.screenshot("mask-keyboard", ".fovnb-mask")


def test_a_click_in_the_picture_adds_a_circle_there(picture: Notebook) -> None:
    picture.page.get_by_label("A click").select_option(label="adds a circle")
    picture.until("mask.sky.form.values['click'] == 'add'")
    box = picture.page.locator(".fovnb-picture-image").first.bounding_box()
    assert box is not None
    picture.page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    picture.until(f"{REGIONS} == 3")
    all_new(picture)
    picture.exec("from astropy.coordinates import SkyCoord")
    place = "mask.sky.plot._canvas.place(0.3, 0.4)"
    where = f"mask.result.datasets[0].geom.to_image().pix_to_coord({place})"
    expected = picture.value(f"[float(angle.to_value('deg')) for angle in {where}]")
    found = picture.value("[mask.recipe.exclusion.regions[2].lon_deg, mask.recipe.exclusion.regions[2].lat_deg]")
    assert found == pytest.approx(expected, abs=0.02)  # a pixel of the screen is 0.01 deg


def test_forty_key_presses_end_on_the_last_value(picture: Notebook) -> None:
    picture.page.get_by_label("Longitude deg slider").focus()
    begin = picture.value("mask.recipe.exclusion.regions[0].lon_deg")
    for _ in range(40):
        picture.page.keyboard.press("ArrowRight", delay=10)
    picture.until(f"abs(mask.recipe.exclusion.regions[0].lon_deg - {begin} - 0.4) < 0.011")
    all_new(picture)
    assert picture.page.locator(".fovnb-picture-stale:visible").count() == 0


def test_what_is_drawn_in_aladin_is_a_row_and_a_hole_in_the_fit(open_notebook: OpenNotebook, aladin: Path) -> None:
    notebook = open_notebook([SETUP.format(sky="plain")])
    notebook.serve_file(ADDRESS, aladin)
    notebook.run_all()
    notebook.wait_widgets(".fovnb-sky-button:not(:disabled)", 4)
    before = notebook.value("int(mask.result.exclusion_mask.data.sum())")
    view = notebook.page.locator(".aladin-catalogCanvas").first.bounding_box()
    assert view is not None
    x, y = view["x"] + 0.6 * view["width"], view["y"] + 0.3 * view["height"]
    tool(notebook, "Circle")
    drag(notebook, (x, y), (x + 20, y), (x + 40, y))
    notebook.until(f"{REGIONS} == 3")
    notebook.until("mask.state.fresh")
    assert notebook.value("mask.recipe.exclusion.regions[2].kind") == "circle"
    assert notebook.value("int(mask.result.exclusion_mask.data.sum())") < before
    tool(notebook, "Polygon")
    for dx, dy in ((0, 120), (80, 120), (40, 200)):
        drag(notebook, (x + dx, y + dy))
    notebook.page.keyboard.press("Enter")
    notebook.until(f"{REGIONS} == 4")
    assert notebook.value("mask.table.rows[3]['kind']") == "polygon"
    notebook.page.wait_for_timeout(700)
    notebook.screenshot("mask-aladin", ".fovnb-mask")
    press(notebook, "Undo")
    notebook.until(f"{REGIONS} == 3")


def drag(notebook: Notebook, start: tuple[float, float], *ends: tuple[float, float]) -> None:
    """Press the mouse at a place, lead it to others, and let go; without others it is a click."""
    mouse = notebook.page.mouse
    mouse.move(*start, steps=4)
    mouse.down()
    for end in ends:
        mouse.move(*end, steps=4)
    mouse.up()
