"""The harness itself: both ways of widget messages, page errors and outside requests are seen, local files served."""

from pathlib import Path

import pytest

from tests.browser.conftest import OpenNotebook
from tests.browser.lab import COMMS, Lab

WIDGET = """
import threading
import ipywidgets as w
slider = w.IntSlider(value=0, max=9, description="level")
threads = []
slider.observe(lambda change: threads.append(threading.current_thread() is threading.main_thread()), "value")
slider
"""


@pytest.mark.parametrize("lab", COMMS, indirect=True)
def test_key_presses_reach_the_kernel_on_the_thread_that_the_setting_says(
    lab: Lab, open_notebook: OpenNotebook
) -> None:
    notebook = open_notebook([WIDGET])
    notebook.run_all()
    notebook.wait_widgets(".noUi-handle")
    notebook.page.locator(".noUi-handle").first.focus()
    for value in (1, 2, 3):
        notebook.page.keyboard.press("ArrowRight")
        notebook.until(f"slider.value == {value}")
    assert notebook.value("all(threads)") is (lab.comms == "disabled")
    assert notebook.screenshot(f"harness-{lab.comms}").stat().st_size > 10_000


def test_errors_and_requests_of_the_page_are_recorded_and_files_served(
    open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    notebook = open_notebook(["1 / 0"])
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        notebook.run_all()
    with pytest.raises(RuntimeError, match="NameError"):
        notebook.exec("nothing_of_this_name")
    (tmp_path / "answer.txt").write_text("42")
    notebook.serve_file("https://example.org/answer.txt", tmp_path / "answer.txt", "text/plain")
    assert notebook.page.evaluate("fetch('https://example.org/answer.txt').then(r => r.text())") == "42"
    notebook.refuse(r"https://example\.com/")
    assert notebook.page.evaluate("fetch('https://example.com/tile.jpg').then(r => r.status, () => 0)") in (0, 404)
    assert notebook.outside == []
    assert not notebook.page.evaluate("fetch('https://example.org/other').then(() => true, () => false)")
    notebook.page.evaluate("() => { setTimeout(() => { throw new Error('seen') }) }")
    notebook.page.wait_for_timeout(100)
    assert notebook.outside == ["https://example.org/other"]
    assert notebook.errors == ["seen"]
    notebook.outside.clear()
    notebook.errors.clear()
