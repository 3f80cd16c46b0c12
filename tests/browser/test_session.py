"""The session in the browser: tabs by keyboard, diagnostics that follow, an export that asks, narrow and dark."""

from pathlib import Path

from tests.browser.conftest import OpenNotebook

CELL = """
from fovnb.widgets.session import FovSession
from tests.small_recipe import small
session = FovSession(small())
session
"""
SAID = ".fovnb-files .fovnb-said-words"


def test_the_tabs_are_used_by_keyboard_and_everything_is_exported(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    notebook = open_notebook([CELL])
    notebook.refuse("https://esm.sh/")  # the sky has tests of its own
    notebook.run_all()
    notebook.wait_widgets(".fovnb-session .lm-TabBar-tab", 7)
    page = notebook.page
    notebook.until("session.state.fresh", timeout=30)
    notebook.screenshot("session-cube", ".fovnb-session")
    for title in ("Mask", "Background", "Diagnostics", "Stack", "Ledger", "Code"):
        page.locator(".fovnb-session > .widget-tab > .lm-TabBar .lm-TabBar-tab", has_text=title).first.click()
        notebook.until(f"session.seen == '{title}' and '{title}' in session.pages")
        if title == "Diagnostics":
            notebook.exec("views = session.pages['Diagnostics'].views.values()")
            notebook.until("all(view.recipe for view in views if view.looked_at)", 60)
            notebook.wait_for("document.querySelectorAll('.fovnb-section img[data-recipe]').length >= 4")
        page.wait_for_timeout(1500)
        notebook.screenshot(f"session-{title.lower()}", ".fovnb-session")
    assert page.locator(".fovnb-session .fovnb-bar:visible").count() == 1

    out = tmp_path / "out"
    page.locator(".fovnb-files summary").first.focus()
    page.keyboard.press("Enter")
    page.locator(".fovnb-files").get_by_label("folder").fill(str(out))
    page.get_by_role("button", name="Export everything").click()
    page.wait_for_selector(f"{SAID}:has-text('wrote stacked.fits')", timeout=60_000)
    assert len(list(out.iterdir())) == 6
    page.get_by_role("button", name="Export everything").click()
    page.wait_for_selector(f"{SAID}:has-text('replace what is there?')")
    notebook.screenshot("session-export", ".fovnb-session")

    notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    notebook.exec("session.turn('Diagnostics')")
    page.wait_for_timeout(1500)
    notebook.screenshot("session-dark", ".fovnb-session")
    page.set_viewport_size({"width": 420, "height": 1400})
    page.wait_for_timeout(1000)
    notebook.screenshot("session-narrow")
