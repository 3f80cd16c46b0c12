"""Texts in processes of their own, cheaply: one fresh interpreter imports the engine once, and forks for each text.

A text sees what it would see in a fresh `python -I`, except that the package is imported already: nothing that an
earlier text did, none of the caller's objects, the caller's current folder and environment.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fovnb.types import AnyArray

__all__ = ["Isolated", "isolated"]

ENGINE = ("demo", "datasets", "makers", "modeling.models", "codegen.snapshot", "codegen.verify_child")
OTHERS = ("regions", "scipy.ndimage", "scipy.special", "astropy.coordinates", "astropy.table")


class Isolated:
    """The interpreter that forks. `start` a text, do something else meanwhile, and take its `result`."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process, self._folder = process, folder
        self._running: tuple[str, Path] | None = None
        self._number = 0

    def run(self, text: str) -> "dict[str, AnyArray]":
        """Return the snapshot of what a text leaves; `VerificationError` if it raises."""
        self.start(text)
        return self.result()

    def start(self, text: str) -> None:
        """Let a text run in a process of its own."""
        assert self._running is None, "one text at a time"
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        (folder / "text.py").write_text(text, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._send({"folder": str(folder), "cwd": str(Path.cwd()), "environment": environment})
        self._running = text, folder

    def result(self) -> "dict[str, AnyArray]":
        """Return the snapshot of what the text left; `VerificationError` if it raised."""
        from fovnb.codegen.verify import read_outcome

        assert self._running is not None
        assert self._process.stdout is not None
        (text, folder), self._running = self._running, None
        return read_outcome(text, folder, int(self._process.stdout.readline()))

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()


@contextmanager
def isolated(warm: str = "") -> Iterator[Isolated]:
    """Give an interpreter that forks; ``warm`` is code that it runs once before, so that astropy is ready."""
    import fovnb

    command = [sys.executable, "-I", "-W", "ignore", __file__, fovnb.__file__, warm]
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process,
    ):
        yield Isolated(process, Path(folder))
        assert process.stdin is not None
        process.stdin.close()


def serve(package: str, warm: str) -> None:
    """Fork for each line of the input, and answer with the status of the process."""
    import gc
    from importlib import import_module

    sys.path.insert(0, str(Path(package).parent.parent))
    for name in (*(f"fovnb.{part}" for part in ENGINE), *OTHERS):
        import_module(name)
    exec(warm, {})
    gc.freeze()  # children need not look through what is there already
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _run(package, json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _run(package: str, request: dict[str, Any]) -> None:
    """Execute a text in this process, and end it: what it prints goes nowhere."""
    from fovnb.codegen.verify_child import main

    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    main(package, request["folder"])
    os._exit(0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
