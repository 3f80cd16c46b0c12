"""BackgroundFitter without a browser: values are set, buttons pressed, and the numbers are those of the engine."""

import gc
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from fovnb.errors import FovnbWarning
from fovnb.pipeline import run
from fovnb.recipe import (
    Background,
    Gradient,
    Group,
    Parameter,
    PiecewiseNorm,
    PowerLawNorm,
    Prior,
    ProductNorm,
    Recipe,
    TemplateNorm,
)
from fovnb.recipe.norm_kinds import KINDS
from fovnb.widgets.fitter import BackgroundFitter
from fovnb.widgets.state import State
from tests.pipelines import RECIPE, assert_equal

NORM, TILT = "background.norm.norm", "background.norm.tilt"


@pytest.fixture
def fitter() -> Iterator[BackgroundFitter]:
    made = BackgroundFitter(RECIPE)
    made.state.finish()
    yield made
    made.close()


def reproduce(fitter: BackgroundFitter) -> None:
    """Execute the exported code, and compare what it makes with the widget's result."""
    names: dict[str, object] = {}
    exec(compile(fitter.code(), "exported", "exec"), names)
    assert_equal(names["stacked"], fitter.result.stacked)
    for found, expected in zip(names["datasets"], fitter.result.datasets, strict=True):
        np.testing.assert_array_equal(found.background_fit.values, expected.background_fit.values)


def test_a_value_in_a_box_is_fitted_at_once_and_seen_everywhere(fitter: BackgroundFitter) -> None:
    fitter.parameters.form.set(f"{TILT}.value", 0.25)
    fitter.parameters.form.set(f"{TILT}.frozen", True)
    assert fitter.state.fresh
    assert fitter.recipe.background.norm.tilt == Parameter(0.25, frozen=True)
    expected = run(fitter.recipe)
    np.testing.assert_array_equal(fitter.result.ledger["norm"], expected.ledger["norm"])
    assert fitter.spectrum.picture.recipe == fitter.state.digest
    counts = sum(one.background_fit.counts.sum() for one in expected.datasets)
    assert f"3 runs: {counts:.0f} counts" in fitter.spectrum.picture.alt
    reproduce(fitter)


def test_the_line_of_a_parameter_says_what_was_fitted_and_what_holding_it_costs(fitter: BackgroundFitter) -> None:
    obs_id = fitter.obs_ids[1]
    fitter.look_at(obs_id)
    fit = fitter.result.datasets[1].background_fit
    value, error = (float(getattr(fit, name)[fit.parameter_names.index("tilt")]) for name in ("values", "errors"))
    fitter.parameters.form.set(f"{TILT}.value", 0.3)
    values = fitter.parameters.form.values
    assert values[f"{TILT}.fitted"] == f"{value:.4g} ± {error:.2g}"
    frozen = run(fitter.recipe.edit_step("background", norm=PowerLawNorm(tilt=Parameter(0.3, frozen=True))))
    assert values[f"{TILT}.rise"] == f"+{frozen.datasets[1].background_fit.deviance - fit.deviance:.2f}"
    fitter.tabs.go("What if")
    assert fitter.what_if.name == "tilt"
    assert "at 0.3 the deviance is higher by" in fitter.what_if.plots[0].picture.alt


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_norm_is_fitted_and_its_code_gives_the_same(fitter: BackgroundFitter, kind: str) -> None:
    fitter.norm.form.set("background.norm.kind", kind)
    assert fitter.recipe.background.norm.kind == kind
    assert fitter.state.errors == {}
    reproduce(fitter)


def test_limits_and_priors_begin_with_a_tick_and_reset_takes_both_away(fitter: BackgroundFitter) -> None:
    form = fitter.parameters.form
    assert form.hidden[f"{NORM}.min"]
    assert form.hidden[f"{NORM}.prior.mu"]
    form.set(f"{NORM}.limits", True)
    form.set(f"{NORM}.prior", True)
    form.set(f"{NORM}.max", 2.0)
    form.set(f"{NORM}.prior.sigma", 0.05)
    assert fitter.recipe.background.norm.norm == Parameter(1.0, 0.2, 2.0, prior=Prior(1.0, 0.05))
    assert not form.hidden.get(f"{NORM}.min")
    reproduce(fitter)
    form.click(f"{NORM}.reset")
    assert fitter.recipe.background == RECIPE.background


def test_nodes_are_taken_as_fitted_typed_and_set_one_by_one(fitter: BackgroundFitter) -> None:
    fitter.norm.form.set("background.norm.kind", "piecewise-norm")
    fitter.norm.form.click("background.norm.take_nodes")
    taken = fitter.recipe.background.norm
    assert len(taken.norms) == len(taken.energy_tev) == 2
    fitter.parameters.form.set("background.norm.norms.1.frozen", True)
    fitter.norm.form.set("background.norm.energy_tev", [1.0, taken.energy_tev[1]])
    assert [one.frozen for one in fitter.recipe.background.norm.norms] == [False, True]
    reproduce(fitter)


def test_a_node_without_a_parameter_of_its_own_gets_one() -> None:
    fitter = BackgroundFitter(RECIPE, norm=PiecewiseNorm((1.0, 5.0)))
    fitter.state.finish()
    fitter.parameters.form.set("background.norm.norms.1.limits", True)
    assert fitter.recipe.background.norm.norms == (Parameter(1.0), Parameter(1.0, 0.2, 3.0))
    fitter.close()


def test_a_curve_and_the_factors_of_a_product_are_edited(fitter: BackgroundFitter) -> None:
    form = fitter.norm.form
    form.set("background.norm.kind", "product")
    form.set("background.norm.factors.1.curve", "0.5 1\n5 1.2")
    form.click("background.norm.add")
    form.set("background.norm.factors.2.kind", "ecpl-norm")
    norm = fitter.recipe.background.norm
    assert isinstance(norm, ProductNorm)
    assert norm.factors[1] == TemplateNorm((0.5, 5.0), (1.0, 1.2))
    assert [one.kind for one in norm.factors] == ["pl-norm", "template-norm", "ecpl-norm"]
    form.click("background.norm.remove")
    assert len(fitter.recipe.background.norm.factors) == 2
    with pytest.raises(Exception, match="disabled"):
        form.click("background.norm.remove")
    reproduce(fitter)


def test_gradient_groups_and_requirements_are_ticked(fitter: BackgroundFitter) -> None:
    form = fitter.more.form
    form.set("background.gradient", True)
    form.set("background.gradient.alignment", "ALTAZ")
    assert fitter.recipe.background.gradient == Gradient(alignment="ALTAZ")
    assert "background.gradient.gx.value" in fitter.parameters.form.paths
    assert fitter.parameters.form.values["background.gradient.gx.fitted"] != "not known"
    reproduce(fitter)
    form.set("background.gradient", False)
    form.set("background.group", True)
    form.set("background.group.by", "table")
    assert fitter.recipe.background.group == Group("table", tuple((one, "1") for one in fitter.obs_ids))
    form.set("background.group.shared", ["norm", "tilt"])
    form.set("background.group.table", "\n".join(f"{one} {'ab'[i > 0]}" for i, one in enumerate(fitter.obs_ids)))
    assert fitter.recipe.background.group.table[0][1] == "a"
    reproduce(fitter)
    form.set("background.group", False)
    with pytest.warns(FovnbWarning, match="too-few-counts"):
        form.set("background.min_counts", 1e6)
    assert set(fitter.result.ledger["status"].tolist()) == {"too-few-counts"}
    assert "is lost, too-few-counts" in fitter.note.text
    assert "too-few-counts" in fitter.spectrum.picture.alt


@pytest.mark.parametrize(
    ("form", "path", "value", "words"),
    [
        ("parameters", f"{NORM}.value", 1e9, "Parameter.value is 1000000000.0; expected a number"),
        ("parameters", f"{NORM}.min", 2.0, "expected one between its limits"),
        ("norm", "background.norm.reference_tev", -1, "reference_tev is -1"),
        ("more", "stack.block", 0, "Stack.block is 0"),
        ("more", "background.group.table", "23523", "expected an OBS_ID and its group"),
        ("more", "background.group.shared", [], "shared is"),
    ],
)
def test_a_wrong_value_is_a_sentence_under_its_field_and_changes_nothing(
    fitter: BackgroundFitter, form: str, path: str, value: object, words: str
) -> None:
    fitter.more.form.set("background.group", True)
    fitter.more.form.set("background.group.by", "table")
    fitter.parameters.form.set(f"{NORM}.limits", True)
    before, panel = fitter.recipe, getattr(fitter, form).form
    panel.set(path, value)
    assert words in panel.errors[path]["text"]
    assert fitter.recipe == before
    assert fitter.state.fresh
    right = {"background.group.table": "1 a\n2 a\n3 a", "background.group.shared": ["tilt"], "stack.block": 5}
    panel.set(path, right.get(path, 1.0))
    assert path not in panel.errors


def test_a_kind_that_the_method_cannot_use_is_refused_and_the_choice_goes_back(fitter: BackgroundFitter) -> None:
    form = fitter.norm.form
    form.set("background.method", "scale")
    form.set("background.norm.kind", "piecewise-norm")
    assert "a 'piecewise-norm' norm has no single factor" in form.errors["background.norm.kind"]["text"]
    assert form.values["background.norm.kind"] == "pl-norm"
    form.set("background.method", "fit")
    assert form.errors == {}


def test_undo_leads_back_and_a_recipe_that_is_set_is_shown(fitter: BackgroundFitter) -> None:
    fitter.parameters.form.set(f"{TILT}.value", 0.5)
    fitter.undo()
    assert fitter.recipe == RECIPE
    assert fitter.parameters.form.values[f"{TILT}.value"] == 0.0
    wanted = RECIPE.edit(background=Background(norm=PiecewiseNorm((1.0, 5.0), (Parameter(0.9), Parameter(1.1)))))
    fitter.recipe = wanted
    assert fitter.parameters.form.values["background.norm.norms.1.value"] == 1.1
    fitter.recipe = Recipe.from_json(fitter.recipe.to_json())
    assert fitter.recipe == wanted


def test_two_threads_that_turn_the_same_knobs_leave_what_is_shown_right(fitter: BackgroundFitter) -> None:
    def turn(sign: int) -> None:
        for i in range(15):
            fitter.parameters.form.set(f"{TILT}.value", sign * i / 10)
            fitter.look_at(fitter.obs_ids[i % 3])

    threads = [threading.Thread(target=turn, args=(sign,)) for sign in (1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fitter.state.errors == {}
    assert abs(fitter.recipe.background.norm.tilt.value) <= 1.4
    assert fitter.parameters.form.values[f"{TILT}.value"] == fitter.recipe.background.norm.tilt.value
    assert fitter.state.shown_digest == fitter.state.digest == fitter.spectrum.picture.recipe
    reproduce(fitter)


def test_a_shared_state_is_joined_and_lives_on(fitter: BackgroundFitter) -> None:
    other = BackgroundFitter(fitter, method="scale")
    assert other.state is fitter.state
    assert fitter.norm.form.values["background.method"] == "scale"
    other.close()
    fitter.norm.form.set("background.method", "fit")
    assert fitter.state.fresh


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(Exception, match=r"no field 'methods' \(did you mean 'method'\?\)"):
        BackgroundFitter(methods="scale")


def test_a_picture_for_where_nothing_is_live_and_a_short_text(fitter: BackgroundFitter) -> None:
    bundle = fitter._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBOR")
    assert repr(fitter) == f"BackgroundFitter(recipe {fitter.state.digest})"


def test_closing_frees_everything() -> None:
    fitter = BackgroundFitter(RECIPE)
    fitter.state.finish()
    for view in fitter.tabs.views:
        fitter.tabs.go(view.title)
    found = [weakref.ref(fitter), weakref.ref(fitter.state), *map(weakref.ref, fitter.tabs.views)]
    fitter.close()
    fitter.close()
    assert fitter.state.wait(30)
    del fitter, view
    gc.collect()
    assert [one() for one in found] == [None] * len(found)


def test_what_an_upstream_did_before_is_shown() -> None:
    state = State(RECIPE)
    state.finish()
    fitter = BackgroundFitter(state)
    assert fitter.spectrum.picture.recipe == state.digest
    fitter.close()
