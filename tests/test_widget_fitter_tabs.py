"""The tabs of BackgroundFitter: runs to look at and to leave out, pictures of what is seen, models side by side."""

from collections.abc import Iterator

import numpy as np
import pytest

from fovnb.diagnostics import gradient
from fovnb.diagnostics.fitted_spectrum import fitted_spectrum
from fovnb.errors import FovnbWarning
from fovnb.widgets.fitter import BackgroundFitter
from tests.pipelines import RECIPE

TITLES = ["Runs", "Map", "Significance", "Field of view", "What if", "Models", "Numbers"]
WHY = "leave_out.reason"


@pytest.fixture
def fitter() -> Iterator[BackgroundFitter]:
    made = BackgroundFitter(RECIPE)
    made.state.finish()
    yield made
    made.close()


def shown(fitter: BackgroundFitter, title: str) -> list[tuple[str, bool]]:
    """Return recipe and staleness of the pictures of a tab."""
    view = next(view for view in fitter.tabs.views if view.title == title)
    return [(plot.picture.recipe, plot.picture.stale) for plot in view.plots]


def leave_out(fitter: BackgroundFitter, obs_id: int, why: str) -> None:
    fitter.runs.table.go(obs_id)
    fitter.runs.form.set(WHY, why)
    fitter.runs.form.click("leave_out")
    assert fitter.state.wait(60)


def test_the_ledger_is_that_of_the_engine_and_a_row_leads_to_its_run(fitter: BackgroundFitter) -> None:
    ledger = fitter.result.ledger
    rows = fitter.runs.table.rows
    assert [row["OBS_ID"] for row in rows] == ledger["OBS_ID"].tolist()
    np.testing.assert_array_equal([row["norm_err"] for row in rows], ledger["norm_err"])
    assert [one["name"] for one in fitter.runs.table.columns if one["label"] == "±"] == ["norm_err", "tilt_err"]
    fitter.runs.table.go(rows[2]["id"])
    assert fitter.scope.values["look_at"] == rows[2]["id"]
    assert fitter.spectrum.picture.alt.startswith(f"obs-{rows[2]['id']}: ")
    fitter.scope.set("look_at", None)
    assert fitter.runs.table.current is None
    assert fitter.spectrum.picture.alt.startswith("3 runs: ")


def test_a_run_is_left_out_for_a_reason_and_taken_back(fitter: BackgroundFitter) -> None:
    first, second, third = fitter.obs_ids
    norms = fitter.result.ledger["norm"].tolist()
    leave_out(fitter, second, "")
    assert "say here why" in fitter.runs.form.errors[WHY]["text"]
    assert fitter.recipe == RECIPE
    leave_out(fitter, second, "clouds <img src=x>")
    assert fitter.recipe.data.obs_ids == (first, third)
    assert fitter.result.ledger["norm"].tolist() == [norms[0], norms[2]]
    assert fitter.scope.values["look_at"] is None
    assert fitter.runs.left_out.rows == [{"id": second, "OBS_ID": second, "reason": "clouds <img src=x>"}]
    fitter.runs.left_out.edit(second, "reason", "clouds")
    assert fitter.runs.reasons == {second: "clouds"}
    fitter.runs.left_out.act(second, "take_back")
    assert fitter.recipe == RECIPE
    assert fitter.state.wait(60)
    assert fitter.obs_ids == [first, second, third]
    assert fitter.runs.reasons == {}


def test_the_last_run_stays(fitter: BackgroundFitter) -> None:
    first, second, third = fitter.obs_ids
    leave_out(fitter, first, "moon")
    leave_out(fitter, second, "moon")
    leave_out(fitter, third, "moon")
    assert f"run {third} is the last" in fitter.runs.form.errors[WHY]["text"]
    assert fitter.recipe.data.obs_ids == (third,)


def test_only_the_tab_that_is_seen_is_drawn_and_the_others_when_they_are_shown(fitter: BackgroundFitter) -> None:
    assert [view.title for view in fitter.tabs.views] == TITLES
    first = fitter.state.digest
    fitter.tabs.go("Map")
    fitter.parameters.form.set("background.norm.tilt.frozen", True)
    assert first != fitter.state.digest
    assert shown(fitter, "Runs") == [(first, False)]
    assert shown(fitter, "Field of view") == [("", False)]
    for title in TITLES:
        fitter.tabs.go(title)
        assert set(shown(fitter, title)) <= {(fitter.state.digest, False)}


def test_what_belongs_to_another_recipe_is_marked_until_it_is_new(fitter: BackgroundFitter) -> None:
    fitter.state.edit("cube.geometry.binsz_deg", 0.08)
    if not fitter.state.fresh:  # what is done at once is never marked
        assert fitter.spectrum.picture.stale
        assert shown(fitter, "Runs")[0][1]
    fitter.state.finish()
    assert not fitter.spectrum.picture.stale
    assert shown(fitter, "Runs") == [(fitter.state.digest, False)]


def test_the_map_and_the_field_follow_their_own_settings(fitter: BackgroundFitter) -> None:
    fitter.tabs.go("Map")
    view = fitter.tabs.views[1]
    before = view.plots[0].picture.alt
    form = view.box.children[0]
    form.set("radius_deg", 0.3)
    assert view.plots[0].picture.alt != before
    form.set("radius_deg", 0)
    assert "the radius is 0 deg; expected an angle above 0" in form.errors["radius_deg"]["text"]
    fitter.tabs.go("Field of view")
    fitter.tabs.views[3].box.children[0].set("alignment", "ALTAZ")
    found = gradient(fitter.result.datasets, "ALTAZ")
    assert f"{found.magnitude:.2g}" in fitter.tabs.views[3].plots[0].picture.alt


def test_toys_follow_the_histogram_and_its_band_is_chosen(fitter: BackgroundFitter) -> None:
    fitter.tabs.go("Significance")
    picture = fitter.tabs.views[2].plots[0].picture
    assert "toys are still to come" in picture.alt
    assert fitter.state.wait(60)
    assert "still to come" not in picture.alt
    every = picture.alt
    form = fitter.tabs.views[2].box.children[0]
    form.set("band", 1)
    assert picture.alt != every
    form.set("band", 0)
    assert picture.alt == every


def test_models_are_compared_in_the_background_and_one_is_used(fitter: BackgroundFitter) -> None:
    fitter.tabs.go("Models")
    assert fitter.state.wait(60)
    rows = fitter.models.table.rows
    assert len(rows) == 6 * len(fitter.obs_ids)
    same = next(row for row in rows if row["model"] == "power law")
    assert same["deviance"] == round(fitter.result.datasets[0].background_fit.deviance, 3)
    assert fitter.models.note.text.startswith("all runs: ")
    fitter.models.table.act(next(row["id"] for row in rows if row["model"] == "log parabola"), "use")
    assert fitter.recipe.background.norm.kind == "lp-norm"
    assert fitter.models.table.rows[0]["class"] == "stale"


def test_the_numbers_are_those_of_the_spectrum(fitter: BackgroundFitter) -> None:
    fitter.look_at(fitter.obs_ids[0])
    fitter.tabs.go("Numbers")
    table = fitter.tabs.views[6].box.children[1]
    expected = fitted_spectrum(fitter.result.datasets[0])
    np.testing.assert_array_equal([row["npred"] for row in table.rows], expected.npred)
    assert fitter.tabs.views[6].box.children[0].text.startswith(f"run {fitter.obs_ids[0]}: deviance")


def test_when_every_run_is_lost_each_tab_says_why(fitter: BackgroundFitter) -> None:
    with pytest.warns(FovnbWarning, match="too-few-counts"):
        fitter.more.form.set("background.min_counts", 987654.0)  # in no other test: what is remembered warns once
    for title in TITLES[1:5]:
        fitter.tabs.go(title)
        view = next(view for view in fitter.tabs.views if view.title == title)
        assert "too-few-counts" in view.plots[0].picture.alt or "no run determines" in view.plots[0].picture.alt
    assert [row["class"] for row in (fitter.tabs.go("Runs"), fitter.runs.table.rows)[1]] == ["failed"] * 3
    assert "0 of 3 runs" in fitter.runs.note.text
