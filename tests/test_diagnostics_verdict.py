"""Verdicts: sound surveys raise no flag, and each thing that can be wrong is flagged by the diagnostic made for it."""

from dataclasses import replace

import numpy as np
import pytest

from fovnb.datasets import MapDataset, fov_lonlat
from fovnb.diagnostics import verdicts
from fovnb.diagnostics.findings import Finding, combined
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.models import PiecewiseNormSpectralModel
from tests.surveys import Survey, circle_mask, fit_runs, make_survey

RADIUS = 0.3


def survey(seed=1, mask=RADIUS, shift=0.0, **values):
    """Return the fitted runs of a survey."""
    runs, _ = make_survey(Survey(**values), np.random.default_rng(seed))
    return fit_runs(runs, circle_mask(runs[0].geom, mask, shift) if mask else None)


def diagnostics(verdict):
    return {flag.diagnostic for flag in verdict.flags}


def mirrored(run, turn):
    """Return the run with its smooth background taken at other field-of-view coordinates."""
    x, y = fov_lonlat(run)
    energy = run.geom.axes["energy"].center.to_value("TeV")[:, None, None]
    u, v = turn(x, y)
    new = energy**-1.7 * np.exp(-0.5 * (u**2 + v**2) / 1.4**2 + 0.06 * u - 0.04 * v)
    old = energy**-1.7 * np.exp(-0.5 * (x**2 + y**2) / 1.4**2 + 0.06 * x - 0.04 * y)
    return run.replace(background=Map.from_geom(run.geom, data=run.background.data * new / old))


@pytest.fixture(scope="module")
def sound():
    return survey(counts=2000, source=400)


def test_a_sound_survey_with_a_masked_source_has_no_flag(sound):
    found = verdicts(sound)
    assert found.sound
    assert {run.sentence for run in found.runs} == {"sound: nothing odd in 8 tests"}
    assert found.all_runs.sentence.startswith("sound: nothing odd in 1")
    assert [run.obs_id for run in found.runs] == list(range(1, 13))


def test_sound_surveys_seldom_raise_a_flag():
    # 1 % of 30 surveys is 0.3; three or more flagged ones would come by chance once in 300 such tests
    flagged = [not verdicts(survey(seed, runs=6, counts=1000), toys=50).sound for seed in range(100, 130)]
    assert sum(flagged) < 3


def test_sound_runs_with_few_counts_are_not_flagged():
    flagged = [not verdicts(survey(seed, runs=6, counts=15), toys=50).sound for seed in range(200, 210)]
    assert sum(flagged) < 2


def test_a_source_outside_the_mask_is_named_in_every_run():
    found = verdicts(survey(mask=None, source=300))
    assert found.flagged == tuple(f"obs-{i}" for i in range(1, 13))
    assert all("significance_histogram" in diagnostics(run) for run in found.runs)
    assert "gradients of 4 pointings differ" in found.all_runs.sentence
    assert "sources outside the mask" in found.runs[0].sentence


def test_a_mask_shifted_by_its_radius_shows_in_gradient_and_width():
    found = verdicts(survey(shift=RADIUS, source=400, source_deg=0.1, wobble_deg=0.8))
    everywhere = set.union(*(diagnostics(run) for run in (*found.runs, found.all_runs)))
    assert {"gradient", "significance_histogram"} <= everywhere
    assert len(found.flagged) > 6
    assert verdicts(survey(source=400, source_deg=0.1, wobble_deg=0.8)).sound


@pytest.mark.parametrize(
    "turn",
    [lambda x, y: (-x, y), lambda x, y: (x, -y), lambda x, y: (y, x)],
    ids=["longitude", "latitude", "axes swapped"],
)
def test_a_background_with_a_wrong_axis_is_flagged_by_alignment(turn, sound):
    mask = circle_mask(sound[0].geom, RADIUS)
    runs = [mirrored(run.replace(models=None), turn) for run in sound]
    (flag,) = (flag for flag in verdicts(fit_runs(runs, mask)).survey if flag.diagnostic == "alignment")
    assert "an axis of the response is reversed or swapped" in flag.evidence
    assert flag.p_value < 1e-4


def test_a_doubled_livetime_in_one_of_twelve_runs_is_a_trend(sound):
    runs = [run.replace(models=None) for run in sound]
    wrong = runs[4]
    info = replace(wrong.run_info, livetime_s=2 * wrong.run_info.livetime_s, header_livetime_s=2 * 1580.0)
    runs[4] = wrong.replace(background=wrong.background * 2, run_info=info)
    found = verdicts(fit_runs(runs, circle_mask(runs[0].geom, RADIUS)))
    assert found.flagged == ("obs-5",)
    assert diagnostics(found.runs[4]) == {"trends"}
    assert "norm" in found.runs[4].sentence
    assert "livetime" in found.runs[4].sentence


def test_a_header_that_disagrees_with_its_good_times_is_named(sound):
    wrong = sound[3].replace(run_info=replace(sound[3].run_info, header_livetime_s=1700.0))
    found = verdicts([*sound[:3], wrong, *sound[4:]])
    assert found.flagged == ("obs-4",)
    assert diagnostics(found.runs[3]) == {"times"}
    assert "LIVETIME is 1700 s" in found.runs[3].sentence


def test_a_common_gradient_is_a_flag_of_all_runs():
    found = verdicts(survey(gradient=(0.06, 0.0)))
    assert "gradient" in {flag.diagnostic for flag in found.survey}
    (common,) = (flag for flag in found.survey if "a wrong shape of the background response" in flag.evidence)
    assert common.p_value < 1e-6


def test_a_norm_with_a_node_too_many_is_not_identifiable(sound):
    geom = sound[0].geom
    at_edges = PiecewiseNormSpectralModel(geom.axes["energy"].edges)
    maker = FoVBackgroundMaker(method="fit", exclusion_mask=circle_mask(geom, RADIUS), spectral_model=at_edges)
    found = verdicts(maker.run(sound[0].replace(models=None)))
    assert found.runs[0].status == "unconstrained"
    assert diagnostics(found.runs[0]) == {"identifiability"}
    assert found.runs[0].reason in found.runs[0].sentence


def test_a_spectrum_that_no_power_law_fits_is_flagged_by_goodness(sound):
    bent = np.array([1.0, 1.6, 1.0, 1.0])[:, None, None]
    run = sound[0].replace(models=None, background=Map.from_geom(sound[0].geom, data=sound[0].background.data * bent))
    (fitted,) = fit_runs([run], circle_mask(run.geom, RADIUS))
    assert diagnostics(verdicts(fitted).runs[0]) == {"goodness"}


def test_a_failed_run_says_why_and_the_others_are_tested(sound):
    empty = sound[0].replace(models=None, counts=Map.from_geom(sound[0].geom), name="obs-1")
    with pytest.warns(FovnbWarning, match="too-few-counts"):
        (failed,) = fit_runs([empty])
    unread = MapDataset(
        mask_safe=Map.from_geom(empty.geom, dtype=bool),
        background_fit=BackgroundFit("obs-99", "none", "unreadable", "the file is broken"),
        name="obs-99",
    )
    found = verdicts([failed, *sound[1:], unread])
    assert found.runs[0].sentence == f"too-few-counts: {failed.background_fit.reason}"
    assert found.runs[-1].sentence == "unreadable: the file is broken"
    assert not found.runs[-1].sound
    assert all(run.sound for run in found.runs[1:-1])


def test_nothing_but_failed_runs_is_no_error(sound):
    unread = MapDataset(
        mask_safe=Map.from_geom(sound[0].geom, dtype=bool),
        background_fit=BackgroundFit("obs-99", "none", "unreadable", "the file is broken"),
        name="obs-99",
    )
    found = verdicts(unread)
    assert not found.all_runs.sound
    assert found.all_runs.sentence == "untested: there is no run that could be tested"


def test_a_stack_is_tested_as_far_as_it_can_be(sound):
    stacked = MapDataset.from_geoms(geom=sound[0].geom)
    for run in sound:
        stacked.stack(run)
    (verdict,) = verdicts(stacked).runs
    assert verdict.sound
    assert any(text.startswith("gradient: ") and "no pointing" in text for text in verdict.untested)


def test_a_mask_given_overrides_that_of_the_fit():
    runs = survey(mask=None, source=300, runs=4)
    mask = circle_mask(runs[0].geom, RADIUS)
    widths = [set(), set()]
    for kinds, found in zip(widths, (verdicts(runs), verdicts(runs, mask)), strict=True):
        kinds.update(*(diagnostics(run) for run in found.runs))
    assert "significance_histogram" in widths[0]
    assert "significance_histogram" not in widths[1]


def test_the_same_runs_give_the_same_verdict(sound):
    one, two = (verdicts(sound[:4], rng=np.random.default_rng(5)) for _ in range(2))
    assert repr(one) == repr(two)
    assert repr(verdicts(sound[:4])) == repr(verdicts(sound[:4]))


def test_what_is_a_little_odd_in_every_run_is_odd_together():
    one_odd = [Finding("gradient", 0.0006, ""), *[Finding("gradient", 0.5, "")] * 11]
    (together,) = combined(one_odd)
    assert together.p_value > 0.01
    (together,) = combined([Finding("gradient", 0.01, "")] * 12)
    assert together.p_value < 1e-8
    assert together.diagnostic == "gradient"
    alone = [Finding("gradient", 0.01, ""), Finding("gradient", np.nan, ""), Finding("times", 0.0, "")]
    assert not list(combined(alone))


def test_the_record_prints_a_line_a_run(sound):
    found = verdicts(sound[:2])
    assert repr(found).splitlines()[2:] == [
        "  obs-1             : sound: nothing odd in 6 tests; 2 could not be made",
        "  obs-2             : sound: nothing odd in 6 tests; 2 could not be made",
        f"  all runs together : {found.all_runs.sentence}",
    ]
    assert "not tested" in repr(found.runs[0])
    hostile = replace(found.runs[0], name="<b>")
    assert "<b>" not in hostile._repr_html_()


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_a_share_that_is_no_probability_is_refused(share, sound):
    with pytest.raises(InvalidInputError, match="expected a probability between 0 and 1"):
        verdicts(sound, false_flags=share)


@pytest.mark.parametrize("toys", [1, 2.5])
def test_too_few_toys_are_refused(toys, sound):
    with pytest.raises(InvalidInputError, match="expected a whole number above 1"):
        verdicts(sound, toys=toys)


def test_a_mask_that_is_none_is_refused(sound):
    with pytest.raises(InvalidInputError):
        verdicts(sound, exclusion_mask="crab")


def test_a_mask_that_leaves_nothing_leaves_no_run_to_test(sound):
    nothing = Map.from_geom(sound[0].geom, dtype=bool)
    found = verdicts(sound[:2], nothing)
    assert not any(run.sound for run in (*found.runs, found.all_runs))
    assert found.runs[0].sentence.startswith("untested: no pixel of obs-1 is inside the safe, fit and exclusion masks")


def test_a_run_that_cannot_be_used_is_untested_and_the_others_go_on(sound):
    bare = sound[0].copy(name="obs-1")
    bare.background = None
    wrong = sound[1].copy(name="obs-2")
    wrong.counts.data[...] = np.nan
    found = verdicts([bare, wrong, *sound[2:]])
    assert found.runs[0].sentence.startswith("untested: dataset 'obs-1' lacks counts or background")
    assert found.runs[1].sentence.startswith("untested: dataset 'obs-2' has counts of nan")
    assert all(run.sound for run in found.runs[2:])
    assert not any(run.sound for run in found.runs[:2])


def test_a_failed_run_with_the_number_of_a_good_one_takes_none_of_its_tests(sound):
    fit = replace(sound[0].background_fit, status="failed", reason="it broke")
    failed = sound[0].replace(background_fit=fit)
    with pytest.warns(FovnbWarning, match="OBS_ID 1 is that of several datasets"):
        found = verdicts([*sound, failed])
    assert found.runs[0].n_tests == found.runs[1].n_tests == 8
    assert found.runs[-1].sentence == "failed: it broke"
    assert not found.runs[-1].sound


def test_a_run_that_is_given_twice_is_warned_about(sound):
    with pytest.warns(FovnbWarning, match="OBS_ID 2, 3 is that of several datasets") as caught:
        found = verdicts([*sound[:3], *sound[1:3]])
    assert caught[0].filename == __file__
    assert [run.n_tests for run in found.runs] == [8] * 5


def test_runs_with_other_energy_bins_are_tested_as_far_as_they_can_be(sound):
    (other,) = survey(seed=2, runs=1, source=400, nbin=5)
    info = replace(other.run_info, obs_id=99)
    found = verdicts([*sound, other.replace(run_info=info)])
    assert found.runs[0].sound
    assert any("has another energy axis (5 bins) than obs-1 (4 bins)" in text for text in found.all_runs.untested)


def test_what_is_no_dataset_is_refused():
    with pytest.raises(InvalidInputError, match="expected datasets, found a str"):
        verdicts(["obs-1"])
    with pytest.raises(InvalidInputError, match="no datasets"):
        verdicts([])
