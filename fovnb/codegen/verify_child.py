"""What runs in the fresh interpreter: a text is executed, and leaves a snapshot of its results or says what went wrong.

Run as ``python -I verify_child.py <file of fovnb/__init__.py> <folder>``: the folder holds ``text.py`` and gets
``snapshot.npz`` or ``failure.json``.
"""

import json
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["execute_text", "failure_of", "find_package", "main"]

_TEXT = "<code>"


def main(package: str, folder: str) -> None:
    """Execute the text in the folder; what it raises goes to ``failure.json``."""
    find_package(Path(package))
    try:
        names = execute_text((Path(folder) / "text.py").read_text(encoding="utf-8"))
        from fovnb.codegen.snapshot import snapshot, write_snapshot

        write_snapshot(Path(folder) / "snapshot.npz", snapshot(names["datasets"], names["stacked"]))
    except BaseException as error:  # also SystemExit: code that ends early leaves no results
        (Path(folder) / "failure.json").write_text(json.dumps(failure_of(error)), encoding="utf-8")


def find_package(init: Path) -> None:
    """Put the folder that holds the package first on the path, unless this very package would be imported anyway."""
    spec = find_spec("fovnb")
    if spec is None or spec.origin is None or not init.samefile(spec.origin):
        sys.path.insert(0, str(init.parent.parent))


def execute_text(text: str) -> dict[str, Any]:
    """Return the names that a text leaves."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, _TEXT, "exec"), names)
    return names


def failure_of(error: BaseException) -> dict[str, Any]:
    """Return type and message of an error, and the number of the line of the text that led there, 0 for none."""
    lines = [frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _TEXT]
    if isinstance(error, SyntaxError) and error.filename == _TEXT:
        lines.append(error.lineno or 0)
    return {"type": type(error).__name__, "message": str(error), "line": lines[-1] if lines else 0}


if __name__ == "__main__":
    main(*sys.argv[1:])
