"""A real JupyterLab and a real Chromium: nothing is downloaded, everything stays on 127.0.0.1.

`serve_lab` starts a server with its own empty settings, `start_chromium` a browser that cannot reach another host, and
`Notebook` is one notebook in it: run its cells, ask its kernel, look at its page.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Request

__all__ = ["COMMS", "Lab", "Notebook", "chromium_path", "serve_lab", "start_chromium", "write_notebook"]

ROOT = Path(__file__).parents[2]

# How JupyterLab sends widget messages: to a subshell of the kernel, which is another thread, or to its main thread.
COMMS = ("perCommTarget", "disabled")

LOCAL = re.compile(r"(https?://127\.0\.0\.1[:/]|wss?://127\.0\.0\.1[:/]|data:|blob:|about:|chrome)")

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # WebGL2 in software
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)

# The notebook panel, whichever shell JupyterLab shows it in.
PANEL = "const shell = window.jupyterapp.shell; const panel = shell.currentWidget ?? [...shell.widgets('main')][0];"


@dataclass(frozen=True)
class Lab:
    """A running server: its address, the folder that it serves, how it sends widget messages."""

    url: str
    token: str
    root: Path
    comms: str

    def address(self, name: str) -> str:
        """Return the address of a notebook in single-document mode."""
        return f"{self.url}/doc/tree/{name}?token={self.token}&reset"


@contextmanager
def serve_lab(folder: Path, comms: str) -> Iterator[Lab]:
    """Run JupyterLab on a free port, with settings, kernels' files and notebooks below ``folder`` only."""
    root = folder / "notebooks"
    root.mkdir(parents=True)
    _write_settings(folder / "settings" / "@jupyterlab", comms)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), root, comms)
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            _command(lab, port), env=_environment(folder), cwd=root, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait(f"{lab.url}/api/status?token={lab.token}", server, log)
        yield lab
    finally:
        _end(server)


def _command(lab: Lab, port: int) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": lab.root,
        "ServerApp.allow_root": True,
        "ServerApp.open_browser": False,
        "IdentityProvider.token": lab.token,
        "LabApp.expose_app_in_browser": True,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
    }
    return [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]


def _environment(folder: Path) -> dict[str, str]:
    """Return an environment in which nobody's own settings count, and kernels import this checkout."""
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    ours = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    return (
        kept
        | ours
        | {
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        }
    )


def _write_settings(folder: Path, comms: str) -> None:
    # Without windowing every cell is there at once, so that no test looks for one that is off the screen.
    settings = {
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/kernels-settings": {"commsOverSubshells": comms},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    }
    for name, values in settings.items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path, seconds: float = 60) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    msg = f"JupyterLab did not answer within {seconds} s:\n{log.read_text()[-3000:]}"
    raise RuntimeError(msg)


def _end(server: "subprocess.Popen[bytes]") -> None:
    """End the server, which ends its kernels."""
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def chromium_path() -> str | None:
    """Return the browser to use: ``$CHROMIUM``, or the system's."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, filter(None, names))), None)


@contextmanager
def start_chromium(path: str) -> Iterator["BrowserContext"]:
    """Run a browser that reaches 127.0.0.1 only; pages may use the clipboard."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        # Tall on purpose: views below the fold skip or delay their updates.
        context = browser.new_context(viewport={"width": 1300, "height": 1800})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        try:
            yield context
        finally:
            context.close()
            browser.close()


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook; a cell that begins with ``md:`` is text."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [
        nbformat.v4.new_markdown_cell(cell[3:]) if cell.startswith("md:") else nbformat.v4.new_code_cell(cell)
        for cell in cells
    ]
    nbformat.write(notebook, path)


class Notebook:
    """A notebook in JupyterLab, opened, with its kernel ready.

    Parameters
    ----------
    page : Page
        An empty page.
    address : str
        Where the notebook is.
    folder : Path
        Where its pictures go.

    Attributes
    ----------
    errors : list of str
        What the page's JavaScript did not catch.
    console : list of (str, str)
        What the page wrote to its console: the kind, ``"error"`` among them, and the text.
    outside : list of str
        Requests to another host than 127.0.0.1 that were not answered here, by `serve_file` or `refuse`.
    """

    def __init__(self, page: "Page", address: str, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.errors: list[str] = []
        self.console: list[tuple[str, str]] = []
        self.outside: list[str] = []
        self._answered: list[str] = []
        self._address = address
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.console.append((message.type, message.text)))
        page.on("request", self._note)

    def _note(self, request: "Request") -> None:
        if not any(re.match(pattern, request.url) for pattern in (LOCAL, *self._answered)):
            self.outside.append(request.url)

    def open(self, timeout: float = 90) -> None:
        """Load the page, and wait for the kernel."""
        self.page.goto(self._address, timeout=timeout * 1000)
        self.wait_for("window.jupyterapp", timeout=timeout)
        self.page.evaluate("async () => { await window.jupyterapp.restored }")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=timeout * 1000)
        self.wait_kernel(timeout)

    def wait_kernel(self, timeout: float = 60) -> None:
        """Wait until the kernel has nothing to do."""
        self.wait_for("panel?.sessionContext?.session?.kernel?.status === 'idle'", timeout=timeout)

    def wait_for(self, expression: str, argument: Any = None, timeout: float = 30) -> None:
        """Wait until a JavaScript expression, of ``argument`` and ``panel``, is true."""
        lookup = f"{PANEL} " if "panel" in expression else ""
        body = f"argument => {{ if (!window.jupyterapp) return false; {lookup}return {expression} }}"
        self.page.wait_for_function(body, arg=argument, timeout=timeout * 1000)

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell; AssertionError if one fails."""
        self.command("notebook:run-all-cells", timeout=timeout)
        failed = self.cell_errors()
        assert not failed, failed

    def command(self, name: str, arguments: dict[str, Any] | None = None, timeout: float = 30) -> None:
        """Execute a command of JupyterLab, such as ``"apputils:change-theme"``, and wait for its end."""
        self.page.evaluate(
            "([name, args]) => { window.done = false;"
            "window.jupyterapp.commands.execute(name, args).finally(() => { window.done = true }) }",
            [name, arguments or {}],
        )
        self.wait_for("window.done", timeout=timeout)

    def cell_errors(self) -> list[str]:
        """Return the errors that cells show."""
        found: list[str] = self.page.evaluate(
            f"() => {{ {PANEL}"
            "return [...panel.content.model.cells].filter(cell => cell.type === 'code')"
            ".flatMap(cell => cell.outputs.toJSON()).filter(output => output.output_type === 'error')"
            ".map(error => error.ename + ': ' + error.evalue) }"
        )
        return found

    def exec(self, code: str, timeout: float = 60) -> str:
        """Run Python in the notebook's kernel, in no cell, and return what it prints; RuntimeError if it fails."""
        result: dict[str, str] = self.page.evaluate(
            f"async ([code, limit]) => {{ {PANEL}"
            "const kernel = panel.sessionContext.session.kernel; let out = '', error = '';"
            "const future = kernel.requestExecute({code, store_history: false, stop_on_error: false});"
            "future.onIOPub = message => {"
            "  if (message.header.msg_type === 'stream') out += message.content.text;"
            "  if (message.header.msg_type === 'error') error = message.content.traceback.join('\\n') };"
            "const late = new Promise(end => setTimeout(end, limit * 1000)).then(() => { error ||= 'late' });"
            "await Promise.race([future.done, late]); return {out, error} }",
            [code, timeout],
        )
        if result["error"]:
            raise RuntimeError(result["error"])
        return result["out"].strip()

    def value(self, expression: str) -> Any:
        """Return the plain value (numbers, strings, lists, dicts) of a Python expression in the kernel."""
        return json.loads(self.exec(f"import json as _json; print(_json.dumps({expression}))"))

    def until(self, expression: str, timeout: float = 10) -> None:
        """Wait until a Python expression in the kernel is true; AssertionError if it does not become so."""
        end = time.monotonic() + timeout
        while not self.value(f"bool({expression})"):
            assert time.monotonic() < end, f"not true within {timeout} s: {expression}"
            self.page.wait_for_timeout(100)

    def wait_widgets(self, selector: str, count: int = 1, timeout: float = 60) -> None:
        """Wait until at least ``count`` elements are there."""
        self.wait_for("document.querySelectorAll(argument[0]).length >= argument[1]", [selector, count], timeout)

    def serve_file(self, url: str, path: Path, content_type: str = "text/javascript") -> None:
        """Answer one address outside from a local file."""
        self._answered.append(re.escape(url) + "$")
        body = path.read_bytes()
        headers = {"access-control-allow-origin": "*"}
        self.page.route(url, lambda route: route.fulfill(body=body, content_type=content_type, headers=headers))

    def refuse(self, pattern: str) -> None:
        """Answer here, with "not found", all addresses that a regular expression matches, as those of a sky survey."""
        self._answered.append(pattern)
        self.page.route(re.compile(pattern), lambda route: route.fulfill(status=404))

    def screenshot(self, name: str, selector: str = "") -> Path:
        """Keep a picture of the page, or of one element of it, and return its path."""
        path = self.folder / f"{name}.png"
        target = self.page.locator(selector).first if selector else self.page
        target.screenshot(path=path)
        return path

    def close(self) -> None:
        """End the kernel and close the page."""
        if not self.page.is_closed():
            self.page.evaluate(f"async () => {{ {PANEL} await panel?.sessionContext.shutdown() }}")
            self.page.close()
