"""What callers of a pipeline may do, and may not: stop it, follow it, share it, and change what it gave them."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fovnb.demo import make_demo
from fovnb.errors import (
    CancelledError,
    InvalidInputError,
    RecipeError,
)
from fovnb.makers import MapDatasetMaker
from fovnb.pipeline import Pipeline
from fovnb.pipeline.memory import Memory
from fovnb.recipe import (
    Background,
    Exclusion,
    Group,
    Recipe,
    Stack,
    Suggestion,
)
from tests.pipelines import RECIPE, computed


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a copy of three simulated runs, open to recipes."""
    monkeypatch.setenv("FOVNB_DATA", str(tmp_path))
    shutil.copytree(make_demo(runs=3), tmp_path / "survey")
    return tmp_path / "survey"


def test_nothing_done_to_results_reaches_the_memory(pipeline: Pipeline):
    results = pipeline.run(RECIPE)
    with pytest.raises(ValueError, match="read-only"):
        results.stacked.counts.data[...] = 0
    with pytest.raises(ValueError, match="read-only"):
        results.datasets[0].exposure.data[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        results.exclusion_mask.data[0] = False
    before = results.stacked.counts.data.copy()
    results.stacked.stack(results.datasets[0])
    results.datasets[0].mask_safe = None
    results.datasets[0].background_model.spectral_model.norm.value = 7
    again = pipeline.run(RECIPE)
    np.testing.assert_array_equal(again.stacked.counts.data, before)
    assert again.datasets[0].mask_safe is not None
    assert again.datasets[0].background_model.spectral_model.norm.value < 2


@pytest.mark.parametrize("where", ["counts", "background"])
def test_a_run_is_stopped_between_its_parts(monkeypatch: pytest.MonkeyPatch, where: str):
    stop, made = threading.Event(), []
    known: dict[str, Callable] = {}
    for part in ("counts", "exposure", "background"):
        known[part] = getattr(MapDatasetMaker, f"make_{part}")

        def spy(*args: object, part: str = part) -> object:
            made.append(part)
            if part == where:
                stop.set()
            return known[part](*args)

        monkeypatch.setattr(MapDatasetMaker, f"make_{part}", staticmethod(spy))
    pipeline = Pipeline()
    with pytest.raises(CancelledError, match="cancelled"):
        pipeline.run(RECIPE, cancel=stop)
    assert made[-1] == where
    stop.clear()


def test_what_was_finished_before_a_stop_is_kept():
    pipeline, seen = Pipeline(), []

    def progress(runs: list) -> object:
        for run in runs:
            yield run
            seen.append(run)

    with pytest.raises(CancelledError):
        pipeline.run(RECIPE, progress, cancel=lambda: len(seen) == 2)
    assert computed(pipeline.run(RECIPE))["cube"] == 1


def test_two_threads_get_what_one_would(pipeline: Pipeline):
    recipes = [RECIPE.edit_step("safe_mask", offset_max_deg=1.9 + 0.1 * i) for i in range(6)]
    expected = [Pipeline().run(recipe).stacked.counts.data.sum() for recipe in recipes]
    found: dict[int, float] = {}

    def work(i: int) -> None:
        found[i] = pipeline.run(recipes[i]).stacked.counts.data.sum()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(6)] == expected


def test_a_thread_that_waits_can_be_cancelled():
    pipeline, entered, release = Pipeline(), threading.Event(), threading.Event()

    def slow(runs: list) -> object:
        entered.set()
        release.wait(20)
        yield from runs

    other = threading.Thread(target=pipeline.run, args=(RECIPE, slow))
    other.start()
    entered.wait(20)
    with pytest.raises(CancelledError):
        pipeline.run(RECIPE, cancel=lambda: True)
    release.set()
    other.join()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cancel": 3}, "Event"),
        ({"progress": 3}, "tqdm"),
        ({"progress": print}, "wrapped"),
        ({"progress": lambda runs: runs[:1]}, "after 1 of 3 runs"),
        ({"roots": 3}, "roots is 3"),
        ({"roots": [3]}, "roots holds 3"),
        ({"recipe": None}, "NoneType is no recipe"),
    ],
    ids=str,
)
def test_an_argument_that_is_none_is_refused(arguments: dict, words: str):
    with pytest.raises(InvalidInputError, match=words):
        Pipeline().run(**{"recipe": RECIPE} | arguments)


def test_a_limit_that_is_none_is_refused():
    with pytest.raises(InvalidInputError, match="whole number of bytes"):
        Pipeline(limit_bytes="1GB")


def test_one_folder_is_not_its_letters(survey: Path):
    recipe = RECIPE.edit_step("data", folder="$FOVNB_DATA/survey")
    assert len(Pipeline(roots=survey.parent).run(recipe).datasets) == 3
    with pytest.raises(RecipeError, match="outside of the folders"):
        Pipeline(roots="/nowhere").run(recipe)


def test_a_progress_in_another_order_changes_nothing(pipeline: Pipeline):
    assert [run.name for run in pipeline.run(RECIPE, reversed).datasets] == ["obs-1", "obs-2", "obs-3"]


def test_a_stop_that_is_asked_for_before_is_heard(pipeline: Pipeline):
    pipeline.run(RECIPE)
    with pytest.raises(CancelledError):
        pipeline.run(RECIPE, cancel=lambda: True)


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE.edit(exclusion=Exclusion(suggestion=Suggestion())),
        RECIPE.edit(background=Background(group=Group(by="table", table=((1, "a"), (2, "b"), (3, "b"))))),
        RECIPE.edit(stack=Stack(2)),
    ],
    ids=["suggestion", "group", "stack"],
)
def test_the_loops_inside_of_a_step_can_be_stopped(recipe: Recipe):
    asked = [0]

    def count() -> bool:
        asked[0] += 1
        return False

    results = Pipeline().run(recipe, cancel=count)
    begin, parts, stacked = 1, 5 * 3, 2 * 3  # a stack is made of two halves that cost anything
    fits = 3 * len(results.history.steps) if results.history else 0
    groups = 2 if recipe.background.group else 0
    assert asked[0] == begin + sum(computed(results).values()) + parts + stacked + fits + groups


def test_a_value_that_is_too_large_leaves_the_others():
    memory = Memory(100, lambda text: {id(text): len(text)})
    for name, size in (("a", 40), ("b", 41), ("c", 200)):
        memory.put(name, name * size)
    assert (memory.get("a"), memory.get("b"), memory.get("c"), memory.nbytes) == ("a" * 40, "b" * 41, None, 81)


def test_no_way_leads_from_results_to_the_memory(pipeline: Pipeline):
    results = pipeline.run(RECIPE)
    before = results.stacked.counts.data.copy()
    with pytest.raises(ValueError, match="read-only"):
        results.datasets[0].counts.data.base[...] = 0
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        results.datasets[0].counts.data.flags.writeable = True
    results.exclusion_mask.data = np.zeros_like(results.exclusion_mask.data)
    again = pipeline.run(RECIPE.edit_step("safe_mask", offset_max_deg=2.4))
    assert set(again.ledger["status"]) == {"ok"}
    np.testing.assert_array_equal(pipeline.run(RECIPE).stacked.counts.data, before)
