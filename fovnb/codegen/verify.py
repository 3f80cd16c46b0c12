"""Proof that code says what the pipeline did: it runs in a fresh interpreter, and every array is compared."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Protocol

import fovnb
from fovnb.codegen import verify_child
from fovnb.codegen.snapshot import read_snapshot, snapshot
from fovnb.codegen.verify_compare import Deviation, compare_close, compare_exact
from fovnb.errors import VerificationError
from fovnb.text import Record
from fovnb.types import AnyArray

__all__ = ["Verification", "check_snapshots", "read_outcome", "run_code", "verify_code"]

_TOLD = 3  # arrays that a message names


class _Results(Protocol):
    """What a pipeline leaves: the runs and their stack."""

    @property
    def datasets(self) -> Iterable[Any]: ...
    @property
    def stacked(self) -> Any: ...


@dataclass(frozen=True, repr=False)
class Verification(Record):
    """What was compared, and how well it agreed.

    Parameters
    ----------
    root : {"fovnb", "gammapy"}
        Package that the code used.
    n_arrays, n_values : int
        Arrays that were compared, and numbers in them.
    largest_share : float
        Largest deviation as a share of what is allowed; 0 means equal to the last bit.
    worst : str
        The array that deviates most, "" where none does.
    """

    root: str
    n_arrays: int
    n_values: int
    largest_share: float = 0.0
    worst: str = ""

    def _rows(self) -> dict[str, object]:
        agreement = (
            "to the last bit" if not self.worst else f"{self.largest_share:.2g} of what is allowed, {self.worst}"
        )
        compared = f"{self.n_arrays} arrays, {self.n_values} values"
        return {"root": self.root, "compared": compared, "largest deviation": agreement}


def verify_code(
    text: str, results: _Results, root: Literal["fovnb", "gammapy"] = "fovnb", timeout: float = 600.0
) -> Verification:
    """Execute code in a fresh interpreter and compare every array and parameter with a pipeline's results.

    Parameters
    ----------
    text : str
        Code that leaves the names ``datasets`` and ``stacked``.
    results : Results
        What `fovnb.pipeline.run` returned.
    root : {"fovnb", "gammapy"}
        Package that the code uses. With fovnb everything must be equal to the last bit, with Gammapy see
        `fovnb.codegen.verify_compare.compare_close`.
    timeout : float
        Seconds after which the code is stopped.

    Raises
    ------
    VerificationError
        If the code raises, takes too long or gives other results, or Gammapy is not installed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fovnb.datasets import MapDataset
    >>> text = "from fovnb.datasets import MapDataset; datasets, stacked = [], MapDataset()"
    >>> verify_code(text, SimpleNamespace(datasets=[], stacked=MapDataset())).largest_share
    0.0
    """
    if root == "gammapy" and find_spec("gammapy") is None:
        msg = "Gammapy is not installed here, so that its code cannot be run; pip install 'gammapy==2.1' 'regions<0.12'"
        raise VerificationError(msg)
    return check_snapshots(snapshot(results.datasets, results.stacked), run_code(text, timeout), root)


def run_code(text: str, timeout: float = 600.0) -> dict[str, AnyArray]:
    """Return the snapshot of what code leaves in a fresh interpreter.

    It runs in the current folder and with the environment, except for what steers Python itself. What it prints or
    warns of is not shown.

    Raises
    ------
    VerificationError
        If it raises or takes too long.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with TemporaryDirectory(prefix="fovnb-") as name:
        folder = Path(name)
        (folder / "text.py").write_text(text, encoding="utf-8")
        command = [sys.executable, "-I", "-W", "ignore", verify_child.__file__, fovnb.__file__, name]
        try:
            done = subprocess.run(
                command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            msg = f"the code ran for more than {timeout:g} s and was stopped; pass a larger timeout"
            raise VerificationError(msg) from None
        return read_outcome(text, folder, done.returncode)


def read_outcome(text: str, folder: Path, status: int) -> dict[str, AnyArray]:
    """Return the snapshot that `verify_child` left in a folder, or raise `VerificationError` with what went wrong."""
    if (folder / "failure.json").exists():
        raise VerificationError(_said(text, json.loads((folder / "failure.json").read_text(encoding="utf-8"))))
    if not (folder / "snapshot.npz").exists():
        msg = f"the interpreter that ran the code ended with status {status}, without results"
        raise VerificationError(msg)
    return read_snapshot(folder / "snapshot.npz")


def check_snapshots(expected: dict[str, AnyArray], found: dict[str, AnyArray], root: str) -> Verification:
    """Return what was compared, or raise.

    Raises
    ------
    VerificationError
        If arrays deviate by more than is allowed; the message names those that deviate most.
    """
    deviations = compare_exact(expected, found) if root == "fovnb" else compare_close(expected, found)
    worst = sorted(deviations, key=lambda one: one.share, reverse=True)
    wrong = [one for one in worst if not one.share <= 1]
    if wrong:
        raise VerificationError(_difference(wrong, len(deviations)))
    n_values = sum(expected[one.name].size for one in deviations)
    first = worst[0] if worst and worst[0].share else Deviation("", 0.0, 0.0)
    return Verification(root, len(deviations), n_values, first.share, first.name)


def _said(text: str, failure: dict[str, Any]) -> str:
    """Return in a sentence what code raised, and where."""
    lines = text.splitlines()
    here = lines[failure["line"] - 1].strip() if 0 < failure["line"] <= len(lines) else ""
    where = f" in line {failure['line']}, {here!r}" if here else ""
    return f"the code fails{where}: {failure['type']}: {failure['message']}"


def _difference(wrong: list[Deviation], total: int) -> str:
    more = f" and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
    named = ", ".join(map(str, wrong[:_TOLD]))
    return (
        f"{len(wrong)} of {total} arrays of the code differ from the pipeline's: {named}{more}; "
        "run the recipe again if files have changed since, else the code does not say what was done"
    )
