"""The code panel in the browser: unfolded, copied, verified, saved, by keyboard."""

from pathlib import Path

from tests.browser.conftest import OpenNotebook

CELL = """
from fovnb.widgets.code_panel import CodePanel
from fovnb.widgets.state import State
from tests.small_recipe import small
state = State(small())
panel = CodePanel(state, steps=["safe_mask"])
panel
"""
SAID = ".fovnb-said-words"


def test_the_code_is_unfolded_copied_verified_and_saved(open_notebook: OpenNotebook, tmp_path: Path) -> None:
    notebook = open_notebook([CELL])
    notebook.run_all()
    notebook.wait_widgets(".fovnb-code summary")
    page = notebook.page
    shown = page.locator(".fovnb-code")
    assert notebook.value("panel.text") == ""
    shown.locator("summary").first.focus()
    page.keyboard.press("Enter")
    notebook.until("panel.text == state.code()")
    assert page.locator(".fovnb-code-text").inner_text() == notebook.value("panel.text")
    assert shown.get_attribute("data-recipe") == notebook.value("state.digest")

    notebook.exec("state.edit('safe_mask.offset_max_deg', 1.25)")
    shown.get_by_role("button", name="Copy", exact=True).click()  # the text is being rewritten: the new one is copied
    notebook.until("panel.said.get('text') == 'copied'")
    assert page.evaluate("navigator.clipboard.readText()") == notebook.value("state.code()")

    shown.get_by_role("button", name="Verify").click()
    page.wait_for_selector(f"{SAID}:has-text('reproduced exactly')", timeout=60_000)
    notebook.screenshot("code-verified", ".fovnb-code")

    path = tmp_path / "<b>analysis.py"
    path.write_text("mine")
    shown.get_by_label("file").fill(str(path))
    shown.get_by_label("file").press("Enter")
    page.wait_for_selector(f"{SAID}:has-text('<b>analysis.py exists; replace it?')")
    assert page.locator(f"{SAID} b").count() == 0
    notebook.screenshot("code-asks", ".fovnb-code")
    page.keyboard.press("Enter")  # the question has the focus
    page.wait_for_selector(f"{SAID}:has-text('wrote ')")
    assert path.read_text().partition("\n")[2] == notebook.value("state.code(results=state.results)")

    shown.get_by_label("package").select_option("gammapy")
    notebook.until("'from gammapy' in panel.text and not panel.stale")
    shown.get_by_label("part").select_option("safe_mask")
    notebook.until("panel.options['step'] == 'safe_mask' and not panel.stale")
    assert shown.get_by_role("button", name="Verify").count() == 0
    notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    notebook.screenshot("code-dark", ".fovnb-code")


def test_without_a_clipboard_the_text_is_selected(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook([CELL])
    notebook.run_all()
    notebook.page.locator(".fovnb-code").locator("summary").first.click()
    notebook.until("panel.text and not panel.stale")
    notebook.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    notebook.page.locator(".fovnb-code").get_by_role("button", name="Copy", exact=True).click()
    notebook.page.wait_for_selector(f"{SAID}:has-text('press Ctrl+C')")
    assert notebook.page.evaluate("getSelection().toString()") == notebook.value("panel.text").rstrip()
