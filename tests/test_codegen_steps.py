"""Code that runs: whole analyses, single steps, functions; on simulated runs, compared with the pipeline."""

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fovnb.codegen import save_code, to_code
from fovnb.codegen.part import made_names, only_step
from fovnb.codegen.script import Comment, Do, Each, Loop, used_names
from fovnb.demo import make_demo
from fovnb.errors import DataError, FovnbWarning, RecipeError
from fovnb.pipeline import Results, run
from fovnb.recipe import STEPS, Data, Group, Recipe, Suggestion
from fovnb.steps.expressions import Assign, Call, Method, Name, Operation, Public
from tests.codegen_texts import EVERYTHING, SEED, SMALL, TOGETHER

SUGGESTED = SMALL.edit_step("exclusion", suggestion=Suggestion())
GROUPED = SMALL.edit_step("background", group=Group("table", [(1, "a"), (2, "b"), (3, "c")], ["all"]))
BLOCKS = SMALL.edit_step("stack", block=1)
MADE = {
    "data": {"observations"},
    "cube": {"datasets", "stacked"},
    "safe_mask": {"datasets", "safe_mask_maker"},
    "exclusion": {"exclusion_mask"},
    "background": {"datasets", "spectral_model"},
    "stack": {"datasets", "stacked"},
}


def executed(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "text", "exec"), names)
    return names


def assert_same(names: dict[str, Any], results: Results) -> None:
    """Assert that counts, background and fit of all runs and of the stack are those of the pipeline."""
    assert isinstance(names["datasets"], list)
    for ours, theirs in zip([*names["datasets"], names["stacked"]], [*results.datasets, results.stacked], strict=True):
        assert ours.name == theirs.name
        assert (ours.counts is None) == (theirs.counts is None)
        if ours.counts is not None:
            np.testing.assert_array_equal(ours.counts.data, theirs.counts.data)
            np.testing.assert_array_equal(ours.npred_background().data, theirs.npred_background().data)
        np.testing.assert_array_equal(ours.mask_safe.data, theirs.mask_safe.data)
        assert repr(ours.background_fit) == repr(theirs.background_fit)


@pytest.mark.parametrize("recipe", [SMALL, SUGGESTED, GROUPED, BLOCKS], ids=["small", "suggested", "grouped", "blocks"])
@pytest.mark.parametrize("options", [{}, {"full": True, "as_function": True}], ids=["plain", "function"])
def test_code_does_what_the_pipeline_does(recipe: Recipe, options: dict[str, Any]) -> None:
    assert_same(executed(to_code(recipe, **options)), run(recipe))


def test_the_comparison_sees_another_recipe() -> None:
    with pytest.raises(AssertionError):
        assert_same(executed(to_code(SMALL)), run(SMALL.edit_step("safe_mask", offset_max_deg=1)))


@pytest.mark.parametrize("recipe", [SMALL, SUGGESTED], ids=["small", "suggested"])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_runs_alone_and_leaves_what_it_makes(recipe: Recipe, step: str) -> None:
    assert set(executed(to_code(recipe, step=step))) >= MADE[step]
    assert set(executed(to_code(recipe, step=step, as_function=True))) >= MADE[step] & {
        "observations",
        "datasets",
        "exclusion_mask",
    }


@pytest.mark.parametrize(
    ("step", "has", "lacks"),
    [
        ("data", ["get_observations"], ["maker", "geom"]),
        ("cube", ["maker.run(", "datasets.append"], ["safe_mask", "regions", "spectral_model"]),
        ("safe_mask", ["safe_mask_maker.run(", "datasets.append"], ["regions", "fov_bkg_maker", "stack(dataset)"]),
        ("exclusion", ["region_mask", "geom = "], ["observations", "stacked", "energy_axis_true"]),
        ("background", ["fov_bkg_maker.run(", "exclusion_mask", "safe_mask_maker.run("], ["stack(dataset)"]),
        ("stack", ["stacked.stack(dataset)", "fov_bkg_maker.run("], []),
    ],
)
def test_a_step_comes_with_what_it_needs_and_no_more(step: str, has: list[str], lacks: list[str]) -> None:
    code = to_code(SEED, step=step).partition("\n\n")[2]
    assert [word for word in has if word not in code] == []
    assert [word for word in lacks if word in code] == []


def test_the_last_step_is_the_whole() -> None:
    for recipe in (SEED, EVERYTHING, TOGETHER):
        assert to_code(recipe, step="stack") == to_code(recipe)


def test_nothing_excluded_is_said_and_runs() -> None:
    recipe = SMALL.edit_step("exclusion", regions=())
    code = to_code(recipe, step="exclusion", as_function=True)
    assert "# none: the background fit uses the whole field of view" in code
    assert "def " not in code
    assert executed(code).keys() == {"__builtins__"}
    assert "exclusion_mask" not in to_code(recipe)


def test_unknown_words_are_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no step 'safemask' \(did you mean 'safe_mask'\?\); choose from data, cube"):
        to_code(SMALL, step="safemask")
    with pytest.raises(RecipeError, match=r"root is 'gamapy' \(did you mean 'gammapy'\?\)"):
        to_code(SMALL, root="gamapy")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="whole analyses, and step is 'cube'"):
        to_code(SMALL, step="cube", verify=True)


def test_the_other_root_is_the_same_vocabulary() -> None:
    code = to_code(SMALL, root="gammapy")
    assert re.findall("from fovnb.*", code) == ["from fovnb.demo import make_demo"]
    for line in to_code(SMALL, step="safe_mask").partition("# Cube")[2].partition("# Run")[0].split("\n"):
        assert line in code


def test_parameters_of_the_function_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_demo(tmp_path / "runs", runs=2)
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    recipe = SMALL.edit(data=Data("$FOVNB_DATA/runs", obs_ids=[1, 2]))
    names = executed(to_code(recipe, as_function=True))
    assert [run.name for run in names["datasets"]] == ["obs-1", "obs-2"]
    datasets, stacked = names["analyse"](folder=folder, obs_ids=[2])
    assert [run.name for run in datasets] == ["obs-2"]
    assert stacked.counts.data.sum() < names["stacked"].counts.data.sum()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the folder "runs" of three runs, the second of which cannot be read."""
    folder = tmp_path_factory.mktemp("broken")
    make_demo(folder / "runs", runs=3)
    path = sorted((folder / "runs" / "data").iterdir())[1]
    path.write_bytes(path.read_bytes()[:5000])
    return folder


@pytest.mark.parametrize("recipe", [SMALL, SUGGESTED, GROUPED], ids=["small", "suggested", "grouped"])
@pytest.mark.filterwarnings("ignore::fovnb.errors.FovnbWarning")
def test_a_run_that_cannot_be_made_spoils_no_other(
    recipe: Recipe, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVNB_DATA", str(broken))
    recipe = recipe.edit(data=Data("$FOVNB_DATA/runs"))
    results = run(recipe)
    assert_same(executed(to_code(recipe, results=results)), results)
    for step in STEPS:
        text = to_code(recipe, step=step, results=results)
        assert set(executed(text)) >= MADE[step]
        divided = text.count("# Runs that could not be made are set apart\n")
        assert divided == text.count("datasets = [dataset for dataset in datasets if dataset.background_fit is None]")
    suggested = recipe.exclusion.suggestion is not None
    assert ("are set apart" in to_code(recipe, step="exclusion", results=results)) == suggested


def test_code_goes_on_where_all_runs_fail(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVNB_DATA", str(broken))
    recipe = SUGGESTED.edit(data=Data("$FOVNB_DATA/runs", obs_ids=[2]))
    with pytest.warns(FovnbWarning, match="obs-2: unreadable"):
        results = run(recipe)
    with pytest.warns(FovnbWarning, match="obs-2: unreadable"):
        assert_same(executed(to_code(recipe, results=results)), results)


def test_saved_code_has_a_date_and_is_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "analysis.py"
    save_code(SEED, path, step="data")
    date, _, rest = path.read_text().partition("\n")
    assert date.startswith("# Saved 2")
    assert rest == to_code(SEED, step="data")
    with pytest.raises(DataError, match="exists; pass overwrite=True"):
        save_code(SEED, path)
    for nothing in ("", "/"):
        with pytest.raises(DataError, match=f"'{nothing}' names no file; give the file to write"):
            save_code(SEED, nothing, overwrite=True, step="data")
    save_code(SEED, path, overwrite=True, step="cube")
    assert path.read_text().endswith(to_code(SEED, step="cube"))
    assert [one.name for one in tmp_path.iterdir()] == ["analysis.py"]


def test_the_same_recipe_gives_the_same_text() -> None:
    assert to_code(EVERYTHING) == to_code(Recipe.from_yaml(EVERYTHING.to_yaml()))


def test_what_a_step_needs_is_found_by_names() -> None:
    maker = Call(Public("builtins", "object"))
    append = Do(Method(Name("found"), "append", (Name("y"),)), "")
    body = (Assign("y", Name("x"), "cube"), Assign("y", Operation("*", Name("y"), Name("z")), "stack"), append)
    statements = (
        Comment("on data", "data"),
        Assign("unused", maker, "data"),
        Comment("on the stack", "stack"),
        Assign("model", maker, "background"),
        Assign("model.tilt", Name("value"), "background"),
        Assign("z", maker, "data"),
        Assign("xs", Name("model"), "data"),
        Assign("found", [], ""),
        Loop("x", Name("xs"), body),
        Assign("after", Name("found"), "stack"),
    )
    kept = only_step(statements, "cube")
    assert kept[0] == Comment("on data", "data")
    assert made_names(kept) == ["model", "xs", "found"]
    assert kept[-1] == Loop("x", Name("xs"), (body[0], append))
    assert len(kept) == 6


def test_the_variable_of_a_list_is_its_own() -> None:
    assert list(used_names(Each(Operation("+", Name("x.y"), Name("z")), "x", Name("xs")))) == ["z", "xs"]


def test_every_text_is_python_of_public_names_only() -> None:
    for recipe in (SEED, EVERYTHING, TOGETHER):
        tree = ast.parse(to_code(recipe))
        names = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        imported = [name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names]
        assert [name for name in names + imported if name.startswith("_")] == []
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda | ast.Try)]
