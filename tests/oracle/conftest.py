"""The comparison runs where Gammapy is installed; elsewhere it says so."""

import logging

import pytest

pytest.importorskip("gammapy", reason="the comparison needs the extra `gammapy`")


@pytest.fixture(scope="session", autouse=True)
def _quiet():
    """Keep Gammapy's log lines out of the way."""
    logging.getLogger("gammapy").setLevel(logging.ERROR)
