"""A form says what its user did, once and in order, and a bound one shows and edits a recipe."""

import gc
import weakref
from math import inf
from threading import Thread
from typing import Any

import pytest

from fovnb.errors import InvalidInputError
from fovnb.recipe import (
    STEPS,
    Background,
    Cube,
    Data,
    EnergyBounds,
    Geometry,
    Group,
    LogParabolaNorm,
    Recipe,
    SafeMask,
    field_info,
    fields_of,
)
from fovnb.widgets.form import Entry, Form, bind, entries, entry
from fovnb.widgets.state import State

OFFSET = "safe_mask.offset_max_deg"
TILT = "background.norm.tilt.value"
FIELDS = [
    Entry("radius", "number", "radius", "deg", low=0, open_low=True),
    Entry("name", "text"),
    Entry("edges", "numbers"),
    Entry("go", "action", "Go"),
]


@pytest.fixture
def form() -> Form:
    return Form(FIELDS, {"radius": 0.2, "edges": (1, 2)})


def listen(form: Form) -> list[Any]:
    """Return the list to which everything is added that the form calls back."""
    seen: list[Any] = []
    form.on_edit(lambda path, value: seen.append((path, value)))
    form.on_click(seen.append)
    return seen


def test_a_user_edits_and_clicks_and_each_is_told_once_in_order(form: Form) -> None:
    seen = listen(form)
    form.set("radius", 0.3)
    form.set("radius", 0.4)
    form.click("go")
    form.set("edges", (1, 3))
    assert seen == [("radius", 0.3), ("radius", 0.4), "go", ("edges", [1, 3])]
    assert form.values == {"radius": 0.4, "edges": [1, 3]}
    assert form.answered == 4


def test_values_from_python_are_shown_without_being_told(form: Form) -> None:
    seen = listen(form)
    form.show({"radius": 0.5, "edges": (0.5, 1)})
    assert form.values == {"radius": 0.5, "edges": [0.5, 1]}
    assert seen == []


def test_of_the_queue_of_a_browser_only_what_is_new_counts(form: Form) -> None:
    """A browser repeats what has no answer yet: in its second message here, 1 and 2 were dealt with already."""
    seen = listen(form)
    form.set_state({"events": [[1, "radius", 0.3], [2, "go", None]]})
    form.set_state({"events": [[1, "radius", 0.3], [2, "go", None], [3, "go", None], [4, "radius", 0.35]]})
    assert seen == [("radius", 0.3), "go", "go", ("radius", 0.35)]
    assert form.answered == 4


def test_an_event_of_a_field_that_went_away_is_answered_and_no_more(form: Form) -> None:
    seen = listen(form)
    form.replace(FIELDS[1:], {"name": "Crab"})
    form.set_state({"events": [[1, "radius", 0.3], [2, "name", "Vela"]]})
    assert seen == [("name", "Vela")]
    assert form.values == {"name": "Vela", "edges": None}
    assert form.answered == 2


def test_a_callback_may_correct_the_value_and_one_that_fails_leaves_the_form_alive(form: Form) -> None:
    def correct(path: str, value: Any) -> None:
        if value > 1:
            raise RuntimeError
        form.show({path: round(value, 1)})

    form.on_edit(correct)
    form.set("radius", 0.31)
    assert form.values["radius"] == 0.3
    with pytest.raises(RuntimeError):
        form.set("radius", 2)
    assert form.answered == 2
    form.on_edit(correct, remove=True)
    form.set("radius", 3)
    assert form.values["radius"] == 3


def test_what_a_user_could_not_reach_is_refused(form: Form) -> None:
    seen = listen(form)
    form.disabled = {"radius": True}
    form.hidden = {"go": True}
    with pytest.raises(InvalidInputError, match="the field 'radius' is disabled"):
        form.set("radius", 1)
    with pytest.raises(InvalidInputError, match="the field 'go' is hidden"):
        form.click("go")
    with pytest.raises(InvalidInputError, match=r"no field 'radios' \(did you mean 'radius'\?\)"):
        form.show({"radios": 1})
    with pytest.raises(InvalidInputError, match="the fields radius are there twice"):
        Form([FIELDS[0], FIELDS[0]])
    assert seen == []


def test_edits_of_two_threads_are_all_kept(form: Form) -> None:
    form.replace([Entry(f"{thread}.{i}", "integer") for thread in "ab" for i in range(50)], {})
    threads = [
        Thread(target=lambda name=name: [form.show({f"{name}.{i}": i}) for i in range(50)])  # type: ignore[misc]
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert form.values == {f"{name}.{i}": i for name in "ab" for i in range(50)}


@pytest.mark.parametrize(
    ("cls", "name", "kind"),
    [
        (SafeMask, "offset_max_deg", "number"),
        (EnergyBounds, "nbin", "integer"),
        (Geometry, "proj", "choice"),
        (SafeMask, "methods", "choices"),
        (Cube, "selection", "choices"),
        (Data, "folder", "text"),
        (Data, "obs_ids", "numbers"),
        (Geometry, "width_deg", "numbers"),
    ],
)
def test_an_entry_says_what_the_recipe_knows(cls: type, name: str, kind: str) -> None:
    info = field_info(cls, name)
    made = entry(info, f"there.{name}")
    assert (made.path, made.kind) == (f"there.{name}", kind)
    assert (made.label, made.unit, made.help, made.step) == (info.label, info.unit, info.help, info.step)
    assert (made.low, made.high, made.open_low, made.scale) == (info.low, info.high, info.open_low, info.scale)
    assert [value for value, _ in made.choices] == list(info.choices)
    assert made.optional == info.optional


def test_an_entry_can_be_changed_and_one_that_is_not_plain_needs_a_kind() -> None:
    assert entry(field_info(SafeMask, "offset_max_deg"), OFFSET, slider=(0.5, 5)).slider == (0.5, 5)
    shared = field_info(Group, "shared")
    with pytest.raises(InvalidInputError, match=r"'background\.group\.shared' is neither a number"):
        entry(shared, "background.group.shared")
    made = entry(shared, "background.group.shared", kind="choices", choices=(("tilt", "tilt"),))
    assert made.choices == (("tilt", "tilt"),)


def test_entries_are_the_plain_fields_of_a_step() -> None:
    found = [one.path for one in entries(Background, "background")]
    assert found == [f"background.{name}" for name in ("method", "min_counts", "min_npred_background")]
    assert [one.path for one in entries(Geometry, "g", ["proj"])] == ["g.proj"]
    assert {one.path for one in entries(Geometry, "g")} == {f"g.{name}" for name in fields_of(Geometry)}


def test_an_infinite_bound_is_none_in_json() -> None:
    made = Entry("x", "number", low=-inf, high=3.0, slider=(0, 1)).as_dict()
    assert (made["low"], made["high"], made["slider"]) == (None, 3.0, [0, 1])


@pytest.fixture
def state() -> State:
    return State(Recipe())


@pytest.fixture
def bound(state: State) -> Form:
    names = [TILT, "background.norm.beta.value"]
    parameters = [Entry(name, "number") for name in names] + [Entry("background.norm.beta.reset", "action")]
    form = Form([*entries(SafeMask, "safe_mask"), *parameters, Entry("view.slice", "integer")], {"view.slice": 3})
    bind(form, state)
    return form


def test_a_bound_form_shows_the_recipe_and_edits_it(bound: Form, state: State) -> None:
    assert bound.values[OFFSET] == 2.5
    assert bound.values["safe_mask.methods"] == ["aeff-default", "offset-max"]
    bound.set(OFFSET, 2)
    bound.set("safe_mask.methods", ["offset-max"])
    assert state.recipe.safe_mask == SafeMask(("offset-max",), 2.0)
    state.undo(STEPS)
    assert bound.values["safe_mask.methods"] == ["aeff-default", "offset-max"]
    assert bound.values[OFFSET] == 2


def test_an_impossible_value_stays_in_its_box_with_the_error_until_a_good_one(bound: Form, state: State) -> None:
    bound.set(OFFSET, -1)
    assert state.recipe == Recipe()
    assert bound.errors[OFFSET]["text"] == state.errors[OFFSET].text
    assert "RecipeError" in bound.errors[OFFSET]["detail"]
    state.edit(TILT, 0.1)
    assert bound.values[OFFSET] == -1
    bound.set(OFFSET, 1)
    assert bound.errors == {}
    assert state.recipe.safe_mask.offset_max_deg == 1.0
    bound.set(OFFSET, -1)
    state.take(Recipe())
    assert (bound.errors, bound.values[OFFSET]) == ({}, 2.5)


def test_what_the_recipe_does_not_have_is_hidden_with_its_buttons(bound: Form, state: State) -> None:
    beta = ["background.norm.beta.value", "background.norm.beta.reset"]
    assert [path for path, hidden in bound.hidden.items() if hidden] == beta
    state.edit("background.norm", LogParabolaNorm())
    assert [path for path, hidden in bound.hidden.items() if hidden] == [TILT]
    assert bound.values[beta[0]] == 0.0


def test_fields_of_others_are_left_alone(bound: Form, state: State) -> None:
    seen = listen(bound)
    bound.set("view.slice", 4)
    assert seen == [("view.slice", 4)]
    assert (state.errors, state.recipe) == ({}, Recipe())
    assert "view.slice" not in bound.hidden


def test_other_fields_get_their_values_from_the_recipe(bound: Form) -> None:
    bound.replace(entries(EnergyBounds, "cube.energy"), {})
    assert bound.values == {"cube.energy.min_tev": 0.5, "cube.energy.max_tev": 10.0, "cube.energy.nbin": 5}


def test_an_unbound_form_neither_follows_nor_edits(state: State) -> None:
    form = Form(entries(SafeMask, "safe_mask"))
    binding = bind(form, state)
    binding.close()
    binding.close()
    state.edit(OFFSET, 1.0)
    assert form.values[OFFSET] == 2.5
    form.set(OFFSET, 2.0)
    assert state.recipe.safe_mask.offset_max_deg == 1.0


def test_a_closed_form_is_freed_while_its_state_lives_on(state: State) -> None:
    def make() -> list[weakref.ref[Any]]:
        form = Form(entries(SafeMask, "safe_mask"))
        bind(form, state)
        parts = [weakref.ref(form), weakref.ref(form.layout)]
        form.close()
        return parts

    parts = [part for _ in range(5) for part in make()]
    gc.collect()
    assert [part() for part in parts] == [None] * 10
    state.edit(OFFSET, 2.0)
    assert state.recipe.safe_mask.offset_max_deg == 2.0


def test_repr_is_short_and_stable(form: Form) -> None:
    assert repr(form) == "Form(4 fields)"
