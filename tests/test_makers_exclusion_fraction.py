"""How much background an exclusion mask leaves."""

import numpy as np
import pytest

from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, PredictionError
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
        "obs-1: the exclusion mask leaves less than 30% of the background or 0 counts in 1 - 2.15 TeV (0%, 0 counts); "
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
