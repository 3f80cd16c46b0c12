"""What every test may ask for."""

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def hess_dl3_dr1() -> Path:
    """Return the folder of the real H.E.S.S. runs, or skip."""
    folder = Path(os.environ.get("GAMMAPY_DATA", "")).expanduser() / "hess-dl3-dr1"
    if not (folder / "obs-index.fits.gz").is_file():
        pytest.skip("$GAMMAPY_DATA does not name a folder that holds hess-dl3-dr1, the real H.E.S.S. runs")
    return folder


@pytest.fixture(autouse=True)
def busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let widgets compute at once what a busy machine takes seconds for: what is asserted does not depend on it."""
    if "fovnb.widgets.state" in sys.modules:
        monkeypatch.setattr("fovnb.widgets.state.AT_ONCE_S", 5.0)
