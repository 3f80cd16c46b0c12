"""Notebooks: valid, the same each time, and they run."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fovnb.codegen import to_code, to_notebook
from fovnb.demo import make_demo
from fovnb.errors import DataError
from fovnb.pipeline import run
from fovnb.recipe import Data, Group, Parameter, PowerLawNorm, ProductNorm, Recipe, Selection, Suggestion, TemplateNorm
from tests.codegen_texts import EVERYTHING, SEED, SMALL, TOGETHER, ruff_findings

SUGGESTED = SMALL.edit_step("exclusion", suggestion=Suggestion())
GROUPED = SMALL.edit_step("background", group=Group("table", [(1, "a"), (2, "b")], ["all"]))
NO_COUNTS = SMALL.edit_step("cube", selection=["background", "exposure"]).edit_step("exclusion", regions=())


def sources(notebook: dict[str, Any], kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def lines(text: str) -> list[str]:
    """Return the lines of code of a text, without comments and blank lines."""
    return [line for line in text.split("\n") if line and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("recipe", [SEED, EVERYTHING, TOGETHER, SMALL], ids=["seed", "all", "together", "small"])
def test_notebooks_are_valid_and_the_same_each_time(recipe: Recipe) -> None:
    notebook = to_notebook(recipe)
    nbformat.validate(notebook)
    assert notebook == to_notebook(recipe)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("recipe", [SEED, EVERYTHING, TOGETHER], ids=["seed", "all", "together"])
def test_the_code_of_a_notebook_is_that_of_the_script_and_pictures(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(
        "GAMMAPY_DATA", raising=False
    )  # with the data there, a selection that leaves no run is not drawn
    cells = sources(to_notebook(recipe), "code")
    inside = [line for cell in cells[1:] for line in lines(cell)]
    script = to_code(recipe).partition("\n\n# Data\n")[2]
    for line in lines(script):
        inside.remove(line)
    assert inside[0].startswith("ax = plt.subplot(")
    assert ruff_findings(["\n\n".join(cells) + "\n"], tmp_path) == ""


def test_each_step_has_a_title_a_sentence_code_and_a_picture() -> None:
    notebook = to_notebook(SEED)
    titles = [text.split("\n")[0] for text in sources(notebook, "markdown")]
    assert titles[0] == "# Field-of-view background analysis"
    assert [title.removeprefix("## ") for title in titles[1:]] == [
        "Data",
        "Cube",
        "Safe mask",
        "Exclusion mask",
        "Background",
        "Run by run",
        "Stack",
    ]
    assert all(len(text.split("\n")) == 3 and text.endswith(".") for text in sources(notebook, "markdown")[1:])
    pictures = [text for text in sources(notebook, "code") if "ax" in text.replace("max", "").split()]
    assert len(pictures) == 6


def test_what_comes_later_is_said_later() -> None:
    """In Gammapy's code suggested areas are there from the start."""
    both = SUGGESTED.edit(background=GROUPED.background)
    for recipe, words in ((SUGGESTED, "outside of these areas, too"), (both, "share all of the norm")):
        texts = sources(to_notebook(recipe), "markdown")
        assert [text.partition("\n")[0] for text in texts if "Mask, fit and significance are repeated" in text] == [
            "## Further areas, where the runs show significant counts"
        ]
        assert [words in text for text in texts].index(True) == len(texts) - 2
    (text,) = (one for one in sources(to_notebook(SUGGESTED, root="gammapy"), "markdown") if "## Exclusion" in one)
    assert "1 region (`source`)" in text
    assert "are written as fovnb found them. Mask, fit and significance are repeated" in text


def test_words_speak_of_a_fit_only_where_there_is_one() -> None:
    """Gammapy cannot fit runs together, nor a product: their norms are written."""
    values = SMALL.edit_step("background", group=Group("table", [(1, "a"), (2, "a")], ["all"]))
    curve = TemplateNorm((0.5, 10.0), (1.0, 1.1), Parameter(1.0, frozen=True))
    product = SMALL.edit_step("background", norm=ProductNorm((PowerLawNorm(), curve)))
    for recipe in (values, product, SMALL):
        notebook = to_notebook(recipe, root="gammapy", as_values=True)
        code, words = ("\n".join(sources(notebook, kind)) for kind in ("code", "markdown"))
        fitted = "fov_bkg_maker.run(" in code
        assert fitted == (recipe is SMALL)
        assert ("enters neither the fit nor the stack" in words) == fitted
        assert ("Left out of the background fit" in words) == fitted == ("exclusion_mask" in code)
        assert ("fitted to the counts" in words) == fitted
        assert ("its norms as fovnb found them: nothing is fitted here" in words) != fitted
        assert ("runs are fitted together, in given groups: those of a group share all" in words) == (recipe is values)


@pytest.mark.filterwarnings("ignore::fovnb.errors.FovnbWarning")  # without counts there is nothing to fit
@pytest.mark.parametrize(
    "recipe", [SMALL, SUGGESTED, GROUPED, NO_COUNTS], ids=["small", "suggested", "grouped", "no counts"]
)
def test_notebooks_run(recipe: Recipe) -> None:
    names = executed(to_notebook(recipe, full=True))
    assert [dataset.name for dataset in names["fitted"]] == ["obs-1", "obs-2"]
    assert len(names["stacked"].ledger) == 2


@pytest.mark.filterwarnings("ignore::fovnb.errors.FovnbWarning")
def test_a_run_that_cannot_be_made_is_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    make_demo(tmp_path / "runs", runs=2)
    path = sorted((tmp_path / "runs" / "data").iterdir())[0]
    path.write_bytes(path.read_bytes()[:5000])
    for obs_ids, drawn in (([1, 2], 1), ([1], None)):
        recipe = SMALL.edit(data=Data("$FOVNB_DATA/runs", obs_ids=obs_ids))
        names = executed(to_notebook(recipe, results=run(recipe)))
        assert len(names["datasets"]) == len(obs_ids)
        assert len(names.get("fitted", [])) == (drawn or 0)


@pytest.mark.filterwarnings("ignore::fovnb.errors.FovnbWarning")
@pytest.mark.parametrize("root", ["fovnb", "gammapy"])
def test_runs_are_not_drawn_where_there_are_none(root: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    for path in (make_demo(tmp_path / "runs", runs=2) / "data").iterdir():
        path.write_bytes(path.read_bytes()[:5000])
    failed = SMALL.edit(data=Data("$FOVNB_DATA/runs"))
    empty = SMALL.edit(data=Data(selection=Selection(target="no such")))
    for recipe in (failed, empty):
        for results in (run(recipe), None) if recipe is empty or root == "gammapy" else (run(recipe),):
            notebook = to_notebook(recipe, root=root, results=results)
            code = "\n".join(sources(notebook, "code"))
            assert "observations[0]" not in code
            assert "ax = plt.subplot(" not in code
            assert ".smooth(" in code  # the stack is there, and empty
            if root == "fovnb":
                assert len(executed(notebook)["datasets"]) == (2 if recipe is failed else 0)
    assert "observations[0]" in "\n".join(sources(to_notebook(SMALL, root=root), "code"))  # a control


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the names that the cells leave; pictures are drawn, and closed."""
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {}
    with plt.ioff(), plt.rc_context({"backend": "agg"}):
        for cell in sources(notebook, "code"):
            exec(compile(cell, "cell", "exec"), names)
            for number in plt.get_fignums():
                plt.figure(number).canvas.draw()
            plt.close("all")
    return names


def test_a_saved_notebook_has_a_date_and_is_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "analysis.ipynb"
    given = to_notebook(SEED, path)
    assert json.loads(path.read_text(encoding="utf-8")) == given
    title, *rest = given["cells"]
    assert [line[:8] for line in title["source"] if line not in to_notebook(SEED)["cells"][0]["source"]] == ["Saved 20"]
    assert rest == to_notebook(SEED)["cells"][1:]
    with pytest.raises(DataError, match="exists; pass overwrite=True"):
        to_notebook(SMALL, path)
    to_notebook(SMALL, path, overwrite=True)
    assert len(nbformat.read(path, as_version=4).cells) == len(to_notebook(SMALL)["cells"])
    with pytest.raises(DataError, match="'' names no file; give the file to write"):
        to_notebook(SMALL, "")
