"""The code panel: the present recipe's code, written when somebody looks, saved, proved in a fresh process."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from fovnb.codegen import to_code
from fovnb.pipeline import Results
from fovnb.pipeline import run as pipeline
from fovnb.recipe import Gradient, Recipe
from fovnb.widgets.code_panel import CodePanel
from fovnb.widgets.state import State
from tests.pipelines import assert_equal
from tests.small_recipe import small


@pytest.fixture
def state() -> Iterator[State]:
    made = State(small())
    yield made
    made.close()


@pytest.fixture
def panel(state: State) -> Iterator[CodePanel]:
    made = CodePanel(state, collapsed=False)
    yield made
    made.close()


def said(panel: CodePanel) -> tuple[str, str]:
    assert panel.wait(60)
    return panel.said.get("kind", ""), panel.said.get("text", "")


def executed(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "<code>", "exec"), names)
    return names


def test_the_text_is_the_present_recipe_and_gives_its_results(state: State, panel: CodePanel) -> None:
    state.edit("safe_mask.offset_max_deg", 1.5)
    results = state.finish()
    assert panel.wait(10)
    assert panel.text == to_code(state.recipe, results=results)
    assert (panel.recipe, panel.stale, panel.problem["text"]) == (state.digest, False, "")
    names = executed(panel.text)
    assert_equal(names["stacked"], results.stacked)
    for found, expected in zip(names["datasets"], results.datasets, strict=True):
        assert_equal(found, expected)


def test_options_change_the_text(state: State, panel: CodePanel) -> None:
    results = state.finish()
    for name, value in (("full", True), ("as_function", True), ("root", "gammapy")):
        setattr(panel, name, value)
        assert panel.wait(10)
        assert panel.text == to_code(state.recipe, **panel.options, results=results)
    assert "from gammapy.makers import" in panel.text
    assert "def " in panel.text


def test_a_step_alone(state: State) -> None:
    panel = CodePanel(state, steps=["cube", "safe_mask"], collapsed=False)
    assert panel.parts == [
        ["", "whole analysis"],
        ["cube", "cube, and what it needs"],
        ["safe_mask", "safe mask, and what it needs"],
    ]
    panel.step = "safe_mask"
    assert panel.wait(10)
    assert panel.text == to_code(state.recipe, step="safe_mask")
    panel.click("verify")
    assert said(panel) == ("bad", "only a whole analysis has results to compare; choose the whole analysis")
    panel.close()


def test_nothing_is_written_while_nobody_looks(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Recipe] = []
    monkeypatch.setattr("fovnb.codegen.to_code", lambda recipe, **_: asked.append(recipe) or "text")
    panel = CodePanel(state)
    for offset in (1.0, 1.5, 2.0):
        state.edit("safe_mask.offset_max_deg", offset)
    assert panel.wait(10)
    assert (panel.text, panel.stale, asked) == ("", True, [])
    panel.looked_at = True
    assert panel.wait(10)
    assert (panel.text, panel.stale, asked) == ("text", False, [state.recipe])
    panel.close()


def test_a_row_of_edits_is_written_once(state: State, panel: CodePanel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert panel.wait(10)
    asked: list[Recipe] = []
    monkeypatch.setattr("fovnb.codegen.to_code", lambda recipe, **_: asked.append(recipe) or "text")
    for offset in (1.0, 1.1, 1.2, 1.3):
        state.edit("safe_mask.offset_max_deg", offset)
    assert panel.wait(10)
    assert asked == [state.recipe]


def test_gammapy_waits_for_the_results(state: State, panel: CodePanel) -> None:
    panel.root = "gammapy"
    assert panel.wait(10)
    assert "when the results are up to date" in panel.problem["text"]
    assert panel.stale
    state.update()
    assert state.wait(20)
    assert panel.wait(10)
    assert (panel.problem["text"], panel.stale) == ("", False)
    assert panel.text == to_code(state.recipe, "gammapy", results=state.results)


def test_what_gammapy_cannot_do_is_a_sentence_and_the_last_text_stays(state: State, panel: CodePanel) -> None:
    state.finish()
    assert panel.wait(10)
    before = panel.text
    panel.root = "gammapy"
    state.edit("background.gradient", Gradient())
    state.finish()
    assert panel.wait(10)
    assert "Gammapy" in panel.problem["text"]
    assert "RecipeError" in panel.problem["detail"]
    assert (panel.stale, before.splitlines()[0] in panel.text) == (True, True)


# Verify


def test_the_text_is_reproduced_exactly_in_a_fresh_process(state: State, panel: CodePanel) -> None:
    assert panel.wait(10)
    panel.click("verify")
    assert panel.said["kind"] == "busy"
    kind, text = said(panel)
    assert kind == "good"
    assert text.startswith("reproduced exactly: ")
    assert state.fresh
    state.edit("safe_mask.offset_max_deg", 1.5)
    assert said(panel) == ("", "")  # it is not said of another text


def test_a_text_that_does_something_else_shows_the_differences() -> None:
    def other(recipe: Recipe, progress: Any = None, cancel: Event | None = None) -> Results:
        found = pipeline(recipe.edit_step("safe_mask", offset_max_deg=0.7), progress, cancel)
        return replace(found, recipe=recipe)

    state = State(small(), other)
    panel = CodePanel(state)
    panel.click("verify")
    kind, text = said(panel)
    assert kind == "bad"
    assert "arrays of the code differ from the pipeline's: " in text
    assert "mask_safe" in text
    assert "VerificationError" in panel.said["detail"]
    panel.close()
    state.close()


def test_a_verdict_on_an_older_recipe_is_not_given(
    state: State, panel: CodePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any) -> None:
        state.edit("safe_mask.offset_max_deg", 1.5)

    monkeypatch.setattr("fovnb.codegen.verify.verify_code", slow)
    panel.click("verify")
    assert said(panel) == ("bad", "the code has changed meanwhile; verify it again")


# Save


def test_a_script_is_saved_and_replaced_only_when_asked(state: State, panel: CodePanel, tmp_path: Path) -> None:
    path = tmp_path / "new" / "analysis.py"
    panel.path = str(path)
    panel.click("save")
    assert said(panel) == ("good", f"wrote {path}")
    assert path.read_text().partition("\n")[2] == to_code(state.recipe)
    path.write_text("mine")
    panel.click("save")
    assert said(panel) == ("ask", "analysis.py exists; replace it?")
    panel.click("keep")
    assert (said(panel), path.read_text()) == (("", ""), "mine")
    panel.click("save")
    assert said(panel)[0] == "ask"
    panel.click("replace")
    assert said(panel)[0] == "good"
    assert path.read_text().partition("\n")[2] == to_code(state.recipe)
    assert [found.name for found in path.parent.iterdir()] == ["analysis.py"]


def test_nothing_is_replaced_that_was_not_asked_about(panel: CodePanel, tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("mine")
    panel.path = str(tmp_path / "one.py")
    panel.click("replace")
    assert said(panel) == ("", "")
    panel.click("save")
    assert said(panel)[0] == "ask"
    panel.path = str(tmp_path / "two.py")
    assert said(panel) == ("", "")
    panel.click("replace")
    assert said(panel) == ("", "")
    assert {path.read_text() for path in tmp_path.iterdir()} == {"mine"}


def test_a_notebook_is_saved(state: State, panel: CodePanel, tmp_path: Path) -> None:
    panel.path = str(tmp_path / "analysis.ipynb")
    panel.root = "gammapy"
    panel.click("save")
    assert said(panel) == ("good", f"wrote {panel.path}")
    assert state.fresh
    cells = json.loads((tmp_path / "analysis.ipynb").read_text())["cells"]
    assert any("from gammapy.makers import" in "".join(cell["source"]) for cell in cells)


@pytest.mark.parametrize(
    ("name", "option", "sentence"),
    [
        ("analysis.txt", {}, "ends in neither .py nor .ipynb"),
        ("", {}, "ends in neither .py nor .ipynb"),
        ("analysis.ipynb", {"as_function": True}, "a notebook holds the whole analysis step by step, not a function"),
        ("analysis.ipynb", {"step": "cube"}, "a notebook holds the whole analysis step by step, not one step"),
        ("file/analysis.py", {}, "cannot write"),
        ("$NO_SUCH_VARIABLE/analysis.py", {}, "NO_SUCH_VARIABLE, which is not set"),
    ],
)
def test_what_cannot_be_saved_is_said(
    panel: CodePanel, tmp_path: Path, name: str, option: dict[str, Any], sentence: str
) -> None:
    (tmp_path / "file").write_text("mine")
    panel.path = name if not name or name.startswith("$") else str(tmp_path / name)
    panel.set_state(option)
    panel.click("save")
    kind, text = said(panel)
    assert kind == "bad"
    assert sentence in text
    assert "Traceback" in panel.said["detail"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_closed_panel_lets_go(state: State) -> None:
    panel = CodePanel(state, collapsed=False)
    panel.close()
    state.edit("safe_mask.offset_max_deg", 1.5)
    panel.click("verify")
    assert (said(panel), panel.text) == (("", ""), "")
