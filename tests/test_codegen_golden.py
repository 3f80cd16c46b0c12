"""How the code reads: texts written down. ``FOVNB_GOLDEN=write pytest tests/test_codegen_golden.py`` writes them anew.

Versions and digests at the beginning of a text are left out.
"""

import os
from pathlib import Path

import pytest

from fovnb.codegen import to_code, to_notebook
from tests.codegen_texts import EVERYTHING, SEED, TOGETHER, ruff_findings

GOLDEN = Path(__file__).parent / "golden"


def body(text: str) -> str:
    return text.partition("\n\n")[2]


def notebook_text() -> str:
    cells = to_notebook(SEED)["cells"][1:]
    return "\n\n".join(f"[{cell['cell_type']}]\n{''.join(cell['source'])}" for cell in cells) + "\n"


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    codes = {
        "seed": to_code(SEED),
        "everything": to_code(EVERYTHING),
        "together": to_code(TOGETHER),
        "full": to_code(SEED, full=True),
        "safe_mask": to_code(SEED, step="safe_mask"),
        "exclusion": to_code(EVERYTHING, step="exclusion"),
        "function": to_code(SEED, as_function=True),
    }
    return {name: body(code) for name, code in codes.items()} | {"notebook": notebook_text()}


NAMES = ("seed", "everything", "together", "full", "safe_mask", "exclusion", "function", "notebook")


@pytest.mark.parametrize("name", NAMES)
def test_texts_read_as_written_down(name: str, texts: dict[str, str]) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("FOVNB_GOLDEN") == "write":
        path.write_text(texts[name], encoding="utf-8")
    assert texts[name] == path.read_text(encoding="utf-8")


def test_no_text_is_left_over(texts: dict[str, str]) -> None:
    assert sorted(path.stem for path in GOLDEN.iterdir()) == sorted(texts) == sorted(NAMES)


def test_ruff_has_nothing_to_say(texts: dict[str, str], tmp_path: Path) -> None:
    assert ruff_findings([text for name, text in texts.items() if name != "notebook"], tmp_path) == ""


def test_ruff_is_asked(tmp_path: Path) -> None:
    found = ruff_findings(["import os\nx = f(1,\n      2)\n"], tmp_path)
    assert "-x = f(1," in found
    assert "F401" in found
