"""What every browser test may ask for: `lab`, `chromium`, `open_notebook`.

``COMMS=disabled`` in the environment sends widget messages to the kernel's main thread, as Binder does; the default is
JupyterLab's own, subshells. ``SCREENSHOTS`` names the folder that keeps the pictures.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fovnb.errors import DataError
from fovnb.widgets.sky_file import fetch_aladin
from tests.browser.lab import COMMS, Lab, Notebook, chromium_path, serve_lab, start_chromium, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


@pytest.fixture(scope="session")
def chromium() -> Iterator["BrowserContext"]:
    """Return the browser, or skip."""
    if find_spec("playwright") is None:
        pytest.skip("playwright is not installed; browser tests drive Chromium with it")
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is not installed; browser tests need it, or its path in $CHROMIUM")
    with start_chromium(path) as context:
        yield context


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a JupyterLab server, or skip; ``@pytest.mark.parametrize("lab", COMMS, indirect=True)`` for both ways."""
    if find_spec("jupyterlab") is None:
        pytest.skip("jupyterlab is not installed; browser tests run in it")
    comms = getattr(request, "param", os.environ.get("COMMS", COMMS[0]))
    with serve_lab(tmp_path_factory.mktemp("lab") / comms, comms) as server:
        yield server


OpenNotebook = Callable[[Sequence[str]], Notebook]


@pytest.fixture
def open_notebook(
    lab: Lab, chromium: "BrowserContext", tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[OpenNotebook]:
    """Return what opens a notebook of these cells in JupyterLab.

    At the test's end no page may have had an error or asked another host; a test that expects some clears the lists.
    """
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path)).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    opened: list[Notebook] = []
    with ExitStack() as closing:

        def open_(cells: Sequence[str]) -> Notebook:
            name = f"{request.node.name.translate(str.maketrans('[]/ ', '----'))}-{len(opened)}.ipynb"
            write_notebook(lab.root / name, cells)
            notebook = Notebook(chromium.new_page(), lab.address(name), folder)
            closing.callback(notebook.close)
            opened.append(notebook)
            notebook.open()
            return notebook

        yield open_
    assert [error for notebook in opened for error in notebook.errors] == []
    assert [url for notebook in opened for url in notebook.outside] == []


@pytest.fixture(scope="session")
def aladin() -> Path:
    """Return the JavaScript of Aladin Lite, fetched once by npm, or skip."""
    try:
        return fetch_aladin()
    except DataError as error:
        pytest.skip(f"Aladin Lite is not there: {error}")
