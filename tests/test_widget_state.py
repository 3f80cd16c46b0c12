"""What widgets share: edits, undo, work at once, later or when asked for, failures, and its end."""

import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from fovnb.errors import CancelledError, DataError
from fovnb.pipeline import Pipeline
from fovnb.pipeline.caller import as_check
from fovnb.recipe import Geometry, Recipe
from fovnb.widgets.history import Change, History
from fovnb.widgets.state import State, digest
from fovnb.widgets.worker import Worker

OFFSET = "safe_mask.offset_max_deg"
SMALL = Recipe().edit_step("cube", geometry=Geometry(binsz_deg=0.2))


class Slow:
    """The pipeline, but each run of it waits until it may go on."""

    def __init__(self) -> None:
        self.pipeline, self.gate, self.ran = Pipeline(), threading.Event(), []

    def __call__(self, recipe: Recipe, progress: Any = None, cancel: Any = None) -> Any:
        check = as_check(cancel)
        while not self.gate.wait(0.005):
            check()
        check()
        self.ran.append(recipe)
        return self.pipeline.run(recipe, progress, cancel)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def state(pipeline: Pipeline) -> Iterator[State]:
    made = State(SMALL, pipeline.run)
    yield made
    made.close()


def test_an_edit_is_computed_at_once_and_seen_by_all_observers(state: State) -> None:
    state.finish()
    seen: list[str] = []
    state.observe(lambda change: seen.append(change["name"]), ["recipe", "results"])
    state.edit(OFFSET, 2.0)
    assert seen == ["recipe", "results"]
    assert state.fresh
    assert state.results is not None
    assert state.results.recipe == SMALL.edit_step("safe_mask", offset_max_deg=2.0)
    assert state.shown_digest == state.digest == digest(state.recipe)
    assert state.status.phase == "ready"


def test_an_impossible_value_leaves_the_recipe_and_says_why_until_a_good_one_comes(state: State) -> None:
    state.edit(OFFSET, -3)
    state.edit("cube.energy.nbin", 0)
    assert state.recipe == SMALL
    assert "offset_max_deg is -3" in state.errors[OFFSET].text
    assert "RecipeError" in state.errors[OFFSET].detail
    state.edit(OFFSET, 1.5)
    assert list(state.errors) == ["cube.energy.nbin"]


def test_undo_and_redo_are_about_the_steps_of_a_widget(state: State) -> None:
    state.edit(OFFSET, 2.0)
    state.edit("background.min_counts", 5.0)
    state.undo(["safe_mask"])
    assert (state.recipe.safe_mask, state.recipe.background.min_counts) == (SMALL.safe_mask, 5.0)
    assert not state.can_undo(["safe_mask"])
    state.redo(["safe_mask", "cube"])
    assert state.recipe.safe_mask.offset_max_deg == 2.0
    state.undo(["background"])
    assert state.recipe == SMALL.edit_step("safe_mask", offset_max_deg=2.0)


def test_reset_leads_back_to_the_beginning_and_can_be_undone(state: State) -> None:
    state.edit(OFFSET, 2.0)
    state.edit("background.min_counts", 5.0)
    assert state.differs(["safe_mask"])
    state.reset(["safe_mask"])
    assert state.recipe == SMALL.edit_step("background", min_counts=5.0)
    state.undo(["safe_mask"])
    assert state.recipe.safe_mask.offset_max_deg == 2.0


def test_a_dragged_slider_is_taken_back_at_once_and_an_edit_ends_what_could_be_redone() -> None:
    recipes = [SMALL.edit_step("safe_mask", offset_max_deg=1 + 0.1 * i) for i in range(5)]
    history = History()
    for i, (old, new) in enumerate(pairwise([SMALL, *recipes])):
        history.add(Change.between(old, new, OFFSET, 0.2 * i))
    later = recipes[-1].edit_step("safe_mask", offset_max_deg=0.5)
    history.add(Change.between(recipes[-1], later, OFFSET, 100.0))
    assert history.undo(later, ["safe_mask"]) == recipes[-1]
    assert history.undo(recipes[-1], ["safe_mask"]) == SMALL
    assert history.can_redo(["safe_mask"])
    history.add(Change.between(SMALL, later, OFFSET, 200.0))
    assert not history.can_redo(["safe_mask"])


def test_what_takes_long_waits_for_the_button_and_what_is_downstream_of_it_does_not() -> None:
    slow = Slow()
    slow.gate.set()
    state = State(SMALL, slow)
    state.finish()
    state._estimate._seconds |= {"cube": 10.0, "background": 0.001}
    state.edit("cube.energy.nbin", 4)
    assert (state.status.phase, state.fresh, len(slow.ran)) == ("waiting", False, 1)
    assert state.status.text == "an update takes about 20 s"
    assert state.results is not None
    assert state.results.recipe == SMALL
    state.update()
    assert state.wait(30)
    assert state.fresh
    state.edit("background.min_counts", 1.0)
    assert (state.fresh, len(slow.ran)) == (True, 3)
    state.close()


def test_while_work_goes_on_the_newest_recipe_takes_over() -> None:
    slow = Slow()
    state = State(SMALL, slow)
    state.update()
    for offset in (1.0, 1.5, 2.0):
        state.edit(OFFSET, offset)
    assert state.status.phase == "running"
    slow.gate.set()
    assert state.wait(30)
    assert [one.safe_mask.offset_max_deg for one in slow.ran] == [2.0]
    assert state.fresh
    state.close()


def test_cancelled_work_leaves_the_last_results_and_can_be_asked_for_again() -> None:
    slow = Slow()
    state = State(SMALL, slow)
    state.update()
    state.cancel()
    assert state.wait(10)
    assert (state.status.phase, state.results) == ("cancelled", None)
    slow.gate.set()
    assert state.finish().recipe == SMALL
    state.close()


def test_a_failure_is_said_and_belongs_to_the_place_that_was_edited_last(state: State) -> None:
    before = state.finish()
    state.edit("data.folder", "no/such/folder")
    state.update()
    assert state.wait(10)
    assert state.status.phase == "failed"
    assert "no/such/folder" in state.status.text
    assert "Traceback" in state.status.detail
    assert state.errors["data.folder"].text == state.status.text
    assert (state.results, state.fresh) == (before, False)
    with pytest.raises(DataError, match="no/such/folder"):
        state.finish()
    state.undo(["data"])
    assert (state.errors, state.fresh) == ({}, True)


def test_a_record_is_made_once_for_the_same_results(state: State) -> None:
    state.finish()
    made: list[int] = []
    look = lambda: state.look("record", lambda: made.append(1) or len(made))  # noqa: E731
    assert (look(), look()) == (1, 1)
    state.edit(OFFSET, 2.0)
    assert look() == 2


def test_what_comes_later_is_shown_unless_the_results_changed(state: State) -> None:
    state.finish()
    shown: list[str] = []
    state.slowly("toys", lambda: "old", shown.append)
    state.edit(OFFSET, 2.0)
    state.slowly("toys", lambda: "new", shown.append)
    assert state.wait(10)
    assert shown == ["new"]


def test_what_fails_later_is_said_too(state: State) -> None:
    state.finish()
    state.slowly("toys", lambda: 1 / 0, print)
    assert state.wait(10)
    assert state.errors["toys"].text == "ZeroDivisionError: division by zero"


def test_two_threads_may_edit_at_the_same_time(state: State) -> None:
    state.finish()

    def hammer(path: str, values: list[float]) -> None:
        for value in values:
            state.edit(path, value)

    offsets, least = [1 + 0.01 * i for i in range(60)], [float(i) for i in range(60)]
    threads = [
        threading.Thread(target=hammer, args=job) for job in ((OFFSET, offsets), ("background.min_counts", least))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = SMALL.edit_step("safe_mask", offset_max_deg=offsets[-1]).edit_step("background", min_counts=59.0)
    assert state.recipe == expected
    assert state.fresh


def test_progress_says_how_many_runs_are_done_and_how_long_the_others_take(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr("fovnb.widgets.state.AT_ONCE_S", 0.3)
    state = State(SMALL)
    seen: list[str] = []
    state.observe(lambda change: seen.append(change["new"].text), "status")
    for _ in state._progress([1, 2, 3, 4]):
        clock.now += 2.0
    assert seen == ["1/4 runs, 6 s left", "2/4 runs, 4 s left", "3/4 runs, 2 s left", "4/4 runs, 0 ms left"]


def test_the_last_widget_closes_the_state_and_nothing_is_computed_any_more() -> None:
    slow = Slow()
    slow.gate.set()
    state = State(SMALL, slow)
    state.join(), state.join()
    state.leave()
    state.edit(OFFSET, 2.0)
    state.update()
    assert state.wait(30)
    state.leave()
    state.edit(OFFSET, 1.0)
    state.update()
    assert len(slow.ran) == 1
    with pytest.raises(CancelledError, match="closed"):
        state.finish()


def test_a_closed_state_is_freed(pipeline: Pipeline) -> None:
    state = State(SMALL, pipeline.run)
    state.finish()
    gone = weakref.ref(state)
    state.close()
    del state
    import gc

    gc.collect()
    assert gone() is None


def test_an_error_of_a_view_is_said_and_ends_no_work(state: State) -> None:
    def fail(_: object) -> None:
        msg = "no room"
        raise ValueError(msg)

    state.observe(fail, "results")
    state.update()
    assert state.wait(30)
    assert (state.status.phase, state.status.text) == ("failed", "ValueError: no room")
    state.unobserve(fail, "results")
    state.edit(OFFSET, 2.0)
    assert state.status.phase == "ready"
    assert state.finish().recipe == state.recipe


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_lives_on_when_a_job_fails() -> None:
    worker, done = Worker(), []
    worker.start(lambda _: 1 / 0)
    assert worker.wait(10)
    assert not worker.busy
    worker.start(lambda _: done.append(1))
    assert worker.wait(10)
    assert done == [1]


def test_the_process_ends_in_the_middle_of_work_without_a_word() -> None:
    code = (
        "from fovnb.recipe import Data, Recipe\n"
        "from fovnb.widgets.state import State\n"
        "import time\n"
        "state = State(Recipe(data=Data(demo_runs=2)))\n"
        "state.update()\n"
        "state.slowly('toys', lambda: time.sleep(0.5), lambda _: None)\n"
        "time.sleep(0.3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
