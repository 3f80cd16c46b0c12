"""What all widgets have in common: status, recipe, undo, picture, and their end; and what they are made from."""

import base64
import gc
import weakref
from pathlib import Path

import ipywidgets as w
import pytest

from fovnb.errors import InvalidInputError, RecipeError
from fovnb.pipeline import Pipeline
from fovnb.recipe import EnergyBounds, Geometry, Recipe
from fovnb.widgets.bar import Bar
from fovnb.widgets.base import StateWidget
from fovnb.widgets.state import State
from fovnb.widgets.upstream import state_of, with_fields

SMALL = Recipe().edit_step("cube", geometry=Geometry(binsz_deg=0.2))


def n_models() -> int:
    """Return how many models of widgets, layouts and styles there are."""
    gc.collect()
    return sum(isinstance(one, w.Widget) for one in gc.get_objects())


class Panel(StateWidget):
    """A widget with nothing of its own but its steps."""

    steps = ("safe_mask",)

    def picture(self) -> bytes | None:
        return b"PNG" if self.state.fresh else None


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.fixture
def panel(pipeline: Pipeline) -> Panel:
    return Panel(State(SMALL, pipeline.run), [w.Label("below")])


def test_the_recipe_is_read_and_set_and_the_result_follows(panel: Panel) -> None:
    assert panel.recipe == SMALL
    wanted = SMALL.edit_step("safe_mask", offset_max_deg=1.5)
    panel.recipe = wanted
    assert panel.result.recipe == wanted
    panel.close()


def test_undo_redo_and_reset_are_those_of_the_widgets_steps(panel: Panel) -> None:
    panel.state.edit("safe_mask.offset_max_deg", 1.5)
    panel.state.edit("background.min_counts", 3.0)
    panel.undo()
    assert (panel.recipe.safe_mask, panel.recipe.background.min_counts) == (SMALL.safe_mask, 3.0)
    panel.redo()
    assert panel.recipe.safe_mask.offset_max_deg == 1.5
    panel.reset()
    assert (panel.recipe.safe_mask, panel.recipe.background.min_counts) == (SMALL.safe_mask, 3.0)
    panel.close()


def test_the_line_on_top_says_what_goes_on_and_its_buttons_act(panel: Panel) -> None:
    bar = panel.children[0]
    assert isinstance(bar, Bar)
    assert panel.state.wait(30)
    assert (bar.status["phase"], bar.status["enabled"]) == ("ready", [])
    panel.state.edit("safe_mask.offset_max_deg", 1.5)
    assert bar.status["enabled"] == ["undo", "reset"]
    assert bar.status["recipe"] == panel.state.digest
    bar.click("undo")
    assert panel.recipe == SMALL
    assert bar.status["enabled"] == ["redo"]
    bar.click("redo")
    bar.click("reset")
    assert panel.recipe == SMALL
    panel.state.edit("data.folder", "no/such/folder")
    assert bar.status["enabled"] == ["update", "undo"]
    bar.click("update")
    assert panel.state.wait(10)
    assert bar.status["phase"] == "failed"
    assert "no/such/folder" in bar.status["text"]
    panel.close()


def test_a_notebook_gets_the_live_widget_and_a_picture(panel: Panel) -> None:
    bundle = panel._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == b"PNG"
    assert bundle["text/plain"] == repr(panel) == f"Panel(recipe {panel.state.digest})"
    assert "text/html" not in bundle
    assert "application/vnd.jupyter.widget-view+json" in bundle
    panel.close()


def test_the_code_is_that_of_the_recipe(panel: Panel) -> None:
    panel.state.edit("safe_mask.offset_max_deg", 1.5)
    assert "1.5 * u.deg" in panel.code(step="safe_mask")
    assert "from gammapy.makers" in panel.code(root="gammapy")
    panel.close()


def test_the_state_lives_until_its_last_widget_is_closed(pipeline: Pipeline) -> None:
    first = Panel(State(SMALL, pipeline.run), [])
    second = Panel(state_of(first, ("safe_mask",), {}), [])
    assert second.state is first.state
    first.close()
    first.close()
    second.state.edit("safe_mask.offset_max_deg", 1.5)
    assert second.result.recipe.safe_mask.offset_max_deg == 1.5
    second.close()


def test_closed_widgets_are_freed_with_all_their_models(pipeline: Pipeline) -> None:
    before = n_models()
    gone = []
    for _ in range(50):
        panel = Panel(State(SMALL, pipeline.run), [w.Label("below")])
        panel.state.finish()
        gone += [weakref.ref(panel), weakref.ref(panel.state)]
        panel.close()
        del panel
    assert n_models() == before
    assert [ref() for ref in gone] == [None] * len(gone)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [(3, "found int; expected a widget"), (["a", "b"], "found str; expected one MapDataset a run")],
)
def test_what_is_nothing_to_begin_from_is_refused(given: object, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        state_of(given, ("data",), {})


def test_a_chain_begins_with_simulated_runs_a_folder_or_a_recipe() -> None:
    assert state_of(None, ("data",), {}).recipe == Recipe()
    assert state_of("$GAMMAPY_DATA/hess-dl3-dr1", ("data",), {}).recipe.data.folder == "$GAMMAPY_DATA/hess-dl3-dr1"
    assert state_of(Path("here"), ("data",), {}).recipe.data.folder == "here"
    assert state_of(SMALL, ("data",), {"demo_runs": 3}).recipe == SMALL.edit_step("data", demo_runs=3)


def test_fields_are_named_as_in_the_recipe_and_an_unknown_one_names_the_nearest() -> None:
    energy = EnergyBounds(1, 10, 3)
    made = with_fields(Recipe(), ("cube", "safe_mask"), {"energy": energy, "offset_max_deg": 2, "binsz_deg": 0.1})
    assert (made.cube.energy, made.safe_mask.offset_max_deg, made.cube.geometry.binsz_deg) == (energy, 2.0, 0.1)
    with pytest.raises(RecipeError, match=r"'offset_max' \(did you mean 'offset_max_deg'"):
        with_fields(Recipe(), ("cube", "safe_mask"), {"offset_max": 2})


def test_a_field_given_downstream_changes_the_shared_recipe(panel: Panel) -> None:
    shared = state_of(panel, ("background",), {"min_counts": 7})
    assert shared is panel.state
    assert panel.recipe.background.min_counts == 7.0
    panel.close()
