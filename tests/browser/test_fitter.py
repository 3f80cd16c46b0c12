"""BackgroundFitter in a real browser: sliders, keys and clicks end in pictures of the recipe that they mean."""

import pytest

from tests.browser.conftest import OpenNotebook
from tests.browser.lab import COMMS

CELLS = ["from fovnb.widgets.fitter import BackgroundFitter\nfitter = BackgroundFitter()", "fitter"]
TILT = '.fovnb-form-field[data-path="background.norm.tilt.value"]'
SHOWN = "document.querySelector('img[data-recipe]')?.dataset.recipe === argument"


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("lab", COMMS, indirect=True)
def test_keys_and_sliders_end_on_the_last_value_and_its_picture(open_notebook: OpenNotebook) -> None:
    nb = open_notebook(CELLS)
    nb.run_all()
    nb.wait_widgets(".fovnb-form input", 3)
    nb.until("fitter.state.fresh", timeout=30)
    slider = nb.page.locator(f"{TILT} input[type=range]")
    slider.focus()
    for _ in range(40):
        nb.page.keyboard.press("ArrowRight", delay=0)
        nb.page.wait_for_timeout(50)
    nb.until("abs(fitter.recipe.background.norm.tilt.value - 0.4) < 1e-9", timeout=20)
    nb.wait_for(SHOWN, nb.value("fitter.state.digest"))
    box = nb.page.locator(f"{TILT} input[type=number]")
    box.fill("0.25")
    box.press("Enter")
    nb.until("fitter.recipe.background.norm.tilt.value == 0.25", timeout=10)
    nb.wait_for(SHOWN, nb.value("fitter.state.digest"))
    nb.screenshot("fitter-dragged", ".fovnb")


def test_runs_models_and_what_if_by_keyboard_alone(open_notebook: OpenNotebook) -> None:
    nb = open_notebook(CELLS)
    nb.run_all()
    nb.wait_widgets(".fovnb-form input", 3)
    nb.until("fitter.state.fresh", timeout=30)
    nb.page.locator("[role=grid]").first.focus()
    nb.page.keyboard.press("ArrowDown")
    nb.until("fitter.scope.values['look_at'] is not None", timeout=10)
    nb.page.locator('[data-path="leave_out.reason"] input').focus()
    nb.page.keyboard.type("clouds")
    nb.page.keyboard.press("Enter")
    nb.page.keyboard.press("Tab")
    nb.page.keyboard.press("Enter")
    nb.until("list(fitter.runs.reasons.values()) == ['clouds']", timeout=10)
    nb.until("len(fitter.obs_ids) == 1", timeout=20)
    nb.screenshot("fitter-left-out", ".fovnb")
    nb.page.locator('[data-path="background.norm.kind"] select').focus()
    nb.page.keyboard.press("ArrowDown")
    nb.until("fitter.recipe.background.norm.kind == 'lp-norm'", timeout=10)
    nb.wait_for(SHOWN, nb.value("fitter.state.digest"))
    nb.screenshot("fitter-log-parabola", ".fovnb")
