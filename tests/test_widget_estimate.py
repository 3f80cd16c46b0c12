"""How long a changed recipe is expected to take."""

import pytest

from fovnb.pipeline import Pipeline
from fovnb.pipeline.times import StepTime, Timings
from fovnb.recipe import Circle, Data, Geometry, Recipe
from fovnb.widgets.estimate import Estimate

BASE = Recipe(data=Data(demo_runs=4, obs_ids=(1, 2))).edit_step("cube", geometry=Geometry(binsz_deg=0.5))
STAGES = {
    "data": StepTime(0.02, 2),
    "grid": StepTime(0.01, 1),
    "cube": StepTime(8.0, 2),
    "safe mask": StepTime(0.4, 2),
    "exclusion": StepTime(0.2, 1),
    "sums": StepTime(0.1, 2),
    "background": StepTime(0.04, 2),
    "stack": StepTime(0.06, 2),
}


@pytest.fixture(scope="module")
def estimate() -> Estimate:
    made = Estimate()
    for _ in range(2):
        made.learn(Timings(STAGES, 9.0))
    return made


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        (BASE, 0.0),
        (BASE.edit_step("stack", block=1), 0.06),
        (BASE.edit_step("background", min_counts=1), 0.1),
        (BASE.edit_step("exclusion", regions=(Circle(83, 22, 1),)), 0.4),
        (BASE.edit_step("safe_mask", offset_max_deg=2), 0.8),
        (BASE.edit_step("cube", geometry=Geometry()), 8.81),
        (BASE.edit_step("data", obs_ids=(1, 2, 3)), 8.83 / 2),
        (BASE.edit_step("data", obs_ids=(1,)), 0.0),
        (BASE.edit_step("data", demo_runs=3), 8.83),
    ],
)
def test_what_a_change_leaves_is_not_counted(estimate: Estimate, after: Recipe, seconds: float) -> None:
    assert estimate.seconds(Pipeline().run(BASE), after) == pytest.approx(seconds)


def test_nothing_is_known_before_the_first_results(estimate: Estimate) -> None:
    assert estimate.seconds(None, BASE) == float("inf")


def test_of_the_first_time_imports_are_not_counted_and_later_times_replace_it() -> None:
    results, made = Pipeline().run(BASE), Estimate()
    changed = BASE.edit_step("stack", block=1)
    for first, second in ((0.3, 0.0), (0.7, 0.3)):
        made = Estimate()
        made.learn(Timings({"stack": StepTime(first, 1)}, first))
        assert made.seconds(results, changed) == pytest.approx(second)
    made.learn(Timings({"stack": StepTime(0.05, 1)}, 0.05))
    made.learn(Timings({"stack": StepTime(0.0, 0, 1)}, 0.0))
    assert made.seconds(results, changed) == pytest.approx(0.05)
