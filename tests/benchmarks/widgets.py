"""How long a key press takes until everything is new: ``python -m tests.benchmarks.widgets``.

It needs `$GAMMAPY_DATA`, Chromium, playwright and jupyterlab, reports and never fails. Each line is the median of the
time in the browser from a key press until *every* picture of the visible tab, and the line with the status, carry the
digits of the new recipe, of two real runs on 5 x 250 x 250 pixels; for the slices of the cube, which are no part of the
recipe, until the picture is another one.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.browser.lab import Lab, Notebook, chromium_path, serve_lab, start_chromium, write_notebook

DATA = "$GAMMAPY_DATA/hess-dl3-dr1"
CELLS = (
    "from fovnb.recipe import Circle, Data, Exclusion, Recipe\n"
    f"recipe = Recipe(data=Data({DATA!r}, obs_ids=(23559, 23592)),"
    " exclusion=Exclusion((Circle(83.63, 22.01, 0.2, name='Crab'),)))",
    "from fovnb.widgets import BackgroundFitter, CubeBuilder, MaskEditor, state\n"
    "state.AT_ONCE_S = 60  # nothing waits for the Update button",
)

# Waits for all visible pictures of a panel to carry other digits than before, or to be other pictures.
PRESSED = """
([selector, key, kind]) => new Promise((resolve, reject) => {
  const panel = document.querySelector(selector).closest('.fovnb');
  const seen = () => [...panel.querySelectorAll('img[data-recipe]')].filter((img) => img.offsetParent !== null);
  const sign = (img) => kind === 'recipe' ? img.dataset.recipe : img.src;
  const before = new Map(seen().map((img) => [img, sign(img)]));
  const times = [];
  const start = performance.now();
  const done = () => {
    const images = seen();
    const fresh = images.filter((img) => before.get(img) !== sign(img));
    if (fresh.length > times.length) times.push(performance.now() - start);
    if (kind === 'recipe' ? fresh.length === images.length : fresh.length > 0) {
      resolve([times[0], performance.now() - start]);
    } else if (performance.now() - start > 10000) reject(new Error('no new picture within 10 s'));
    else requestAnimationFrame(done);
  };
  const input = document.querySelector(selector);
  input.focus();
  const step = (Number(input.step) || 1) * (key === 'ArrowRight' ? 1 : -1);
  input.value = String(Number(input.value) + step);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  done();
})
"""


def pressed(notebook: Notebook, selector: str, repeats: int, kind: str = "recipe") -> tuple[float, float]:
    """Return the medians of the times to the first and to the last new picture [ms]."""
    times = []
    for i in range(repeats):
        key = "ArrowRight" if i % 4 < 2 else "ArrowLeft"
        times.append(notebook.page.evaluate(PRESSED, [selector, key, kind]))
        notebook.page.wait_for_timeout(400)
    return statistics.median(first for first, _ in times), statistics.median(last for _, last in times)


def opened(lab: Lab, context: object, name: str, cells: Sequence[str], folder: Path) -> Notebook:
    """Return a notebook with its cells run."""
    write_notebook(lab.root / f"{name}.ipynb", [*CELLS, *cells])
    notebook = Notebook(context.new_page(), lab.address(f"{name}.ipynb"), folder)  # type: ignore[attr-defined]
    notebook.open()
    notebook.run_all()
    notebook.until("widget.state.fresh", timeout=60)
    notebook.page.wait_for_timeout(3000)
    return notebook


def field(path: str) -> str:
    """Return the selector of a field's slider."""
    return f'.fovnb-form-field[data-path="{path}"] input[type=range]'


LINES = (
    # title, cell, selector, what changes, goal of the first picture, of all
    ("fitter: tilt", "widget = BackgroundFitter(recipe)", field("background.norm.tilt.value"), "recipe", 120, 200),
    ("mask: region moved", "widget = MaskEditor(recipe, sky='picture')", field("exclusion.regions.0.lon_deg"),
     "recipe", 200, 200),
    ("cube: energy slice", "widget = CubeBuilder(recipe)", field("slice"), "picture", 120, 120),
    ("cube: energy bins", "widget = CubeBuilder(recipe)", field("cube.energy.nbin"), "recipe", 500, 500),
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time the widgets in a real browser.")
    parser.add_argument("--repeats", type=int, default=20, metavar="N", help="key presses of each line (default: 20)")
    parser.add_argument("--comms", default="perCommTarget", help="JupyterLab's commsOverSubshells")
    options = parser.parse_args()
    path = chromium_path()
    if path is None or "GAMMAPY_DATA" not in os.environ:
        parser.exit(message="This needs Chromium, and $GAMMAPY_DATA with hess-dl3-dr1 in it.\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with start_chromium(path) as context, serve_lab(folder, options.comms) as lab:
            for i, (title, cell, selector, kind, goal_first, goal_all) in enumerate(LINES):
                notebook = opened(lab, context, str(i), [cell, "widget"], folder)
                first, last = pressed(notebook, selector, options.repeats, kind)
                print(f"{title:22}first {first:6.0f} ms  goal {goal_first:3}   all {last:6.0f} ms  goal {goal_all:3}",
                      flush=True)  # fmt: skip
                notebook.close()


if __name__ == "__main__":
    main()
