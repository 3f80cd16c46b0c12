"""How much background an exclusion mask leaves."""

from dataclasses import replace

import numpy as np
import pytest

from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, InvalidInputError, PredictionError
from fovnb.makers import ExclusionMask, FoVBackgroundMaker, background_fraction
from fovnb.maps import Map
from tests.datasets import make_geom, make_run

HALF = "icrs; box(83.63, 23.01, 9, 2, 0)"  # the upper half of the field


def test_the_fraction_is_of_the_safe_background_bin_by_bin() -> None:
    run = make_run()
    run.mask_safe.data[0, 5:] = False
    run.mask_safe.data[2] = False
    run.background.data[1, 0, 0] = np.nan
    mask = ExclusionMask(HALF)
    result = background_fraction(run, mask)
    b, c = run.background.data, run.counts.data
    assert result.fraction[0] == 1.0  # only rows that the mask leaves are safe
    assert result.fraction[1] == pytest.approx(np.nansum(b[1, :10]) / np.nansum(b[1]), rel=1e-12)
    assert np.isnan(result.fraction[2])
    left = np.ones(c[1].shape, dtype=bool)
    left[10:], left[0, 0] = False, False
    assert result.counts.tolist() == [c[0, :5].sum(), c[1][left].sum(), 0.0]
    assert result.background[1] == pytest.approx(b[1][left].sum(), rel=1e-12)
    assert not result.low.any()
    assert result.warning == ""
    np.testing.assert_array_equal(background_fraction(run, mask.to_map(run.geom)).fraction, result.fraction)


def test_without_a_mask_everything_is_left() -> None:
    run = make_run()
    assert background_fraction(run).fraction.tolist() == [1.0, 1.0, 1.0]


def test_the_fit_mask_takes_its_part() -> None:
    run = make_run()
    run.mask_fit = run.geom.region_mask(HALF)
    both = background_fraction(run).fraction + background_fraction(run, ExclusionMask(HALF), min_fraction=0).fraction
    np.testing.assert_allclose(background_fraction(run).fraction, 0.5, atol=0.03)
    np.testing.assert_array_equal(both, background_fraction(run).fraction)


def test_too_little_is_warned_about_by_energies() -> None:
    run = make_run()
    run.mask_safe.data[0, :10] = False
    with pytest.warns(FovnbWarning) as caught:
        result = background_fraction(run, ExclusionMask(HALF))
    assert [str(w.message) for w in caught] == [
        "obs-1: the exclusion mask leaves less than 30% of the background in 1 - 2.15 TeV (0%, 0 counts); "
        "shrink the mask, merge bins or drop them"
    ]
    assert result.low.tolist() == [True, False, False]
    assert caught[0].filename == __file__
    with pytest.warns(FovnbWarning, match=r"or 1000 counts in 1 - 2\.15 TeV .*, 4\.64 - 10 TeV"):
        background_fraction(run, min_counts=1000)


def test_the_mask_of_the_fit_is_known() -> None:
    run = make_run()
    mask = run.geom.region_mask(HALF, inside=False)
    done = FoVBackgroundMaker(exclusion_mask=mask).run(run)
    np.testing.assert_array_equal(background_fraction(done).fraction, background_fraction(run, mask).fraction)


def test_the_record_shows_itself() -> None:
    text = repr(background_fraction(make_run("<b>")))
    assert text.splitlines()[0] == "BackgroundFraction of <b>"
    assert "  1 - 2.15 TeV    : 100%, " in text
    assert "&lt;b&gt;" in background_fraction(make_run("<b>"))._repr_html_()


def test_a_dataset_without_background_is_refused() -> None:
    geom = make_geom()
    with pytest.raises(PredictionError, match="has no background map"):
        background_fraction(MapDataset(name="obs-1", counts=Map.from_geom(geom)))


def test_several_runs_are_summed_without_the_failed_ones() -> None:
    runs = [make_run("obs-1"), make_run("obs-2", norm=2.0)]
    runs[1].background.data[:, :5] *= 3
    mask = ExclusionMask(HALF)
    one, two, both = (background_fraction(given, mask) for given in (runs[0], runs[1:], runs))
    np.testing.assert_allclose(both.counts, one.counts + two.counts)
    whole = one.background / one.fraction + two.background / two.fraction
    np.testing.assert_allclose(both.fraction, (one.background + two.background) / whole, rtol=1e-12)
    assert (two.name, both.name) == ("obs-2", "2 runs")
    done = FoVBackgroundMaker().run(runs[1])
    failed = done.replace(background_fit=replace(done.background_fit, status="failed", reason="it broke"))
    np.testing.assert_array_equal(background_fraction([runs[0], failed], mask).fraction, one.fraction)
    with pytest.raises(InvalidInputError, match="another energy axis"):
        background_fraction([runs[0], make_run("obs-3", geom=make_geom(nbin=4))])


def test_counts_that_are_nan_are_refused_where_they_are_used() -> None:
    run = make_run()
    run.counts.data[0, -1, 3] = np.nan
    assert np.isfinite(background_fraction(run, ExclusionMask(HALF)).counts).all()
    with pytest.raises(PredictionError, match="dataset 'obs-1' has counts of nan in pixels that are used"):
        background_fraction(run)


@pytest.mark.parametrize("given", [None, "obs-1", ["obs-1"], []])
def test_what_is_no_dataset_is_refused(given) -> None:
    with pytest.raises(InvalidInputError, match=r"expected datasets, found a|there are no datasets"):
        background_fraction(given)


@pytest.mark.parametrize(
    "limits", [{"min_fraction": np.nan}, {"min_fraction": 1.1}, {"min_fraction": -0.1}, {"min_counts": -1}]
)
def test_limits_that_make_no_sense_are_refused(limits) -> None:
    with pytest.raises(InvalidInputError, match="expected one of 0 to 1, and none below 0"):
        background_fraction(make_run(), **limits)
