"""What every test may ask for."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def hess_dl3_dr1() -> Path:
    """Return the folder of the real H.E.S.S. runs, or skip."""
    folder = Path(os.environ.get("GAMMAPY_DATA", "")).expanduser() / "hess-dl3-dr1"
    if not (folder / "obs-index.fits.gz").is_file():
        pytest.skip("$GAMMAPY_DATA does not name a folder that holds hess-dl3-dr1, the real H.E.S.S. runs")
    return folder
