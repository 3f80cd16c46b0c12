"""The background fitted from sums that the caller kept: the same to the last bit, without a look at the pixels."""

import warnings
from dataclasses import fields

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_array_equal
from regions import CircleSkyRegion

from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers import FoVBackgroundMaker, background_sums
from fovnb.maps import Map
from fovnb.modeling import Fit
from fovnb.modeling.models import FoVBackgroundModel, FoVGradientSpatialModel, PiecewiseNormSpectralModel
from tests.datasets import make_geom, make_run
from tests.norms import power_law


def masked_run(**kwargs):
    run = make_run(geom=make_geom(nbin=5), **kwargs)
    disc = CircleSkyRegion(run.geom.center_skydir, 0.3 * u.deg)
    return run.replace(mask_exclusion=run.geom.region_mask([disc], inside=False))


def gradient(frozen=False):
    model = FoVGradientSpatialModel(gx=0.1)
    model.gx.frozen = model.gy.frozen = frozen
    return model.placed(83.63, 22.01, 0.0)


def outcome(maker, run, sums=None):
    """Everything that a run of the maker gives: warnings, model, record, safe mask."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        done = maker.run(run, sums=sums)
    model, record = done.background_model, done.background_fit
    found = {f.name: getattr(record, f.name) for f in fields(record) if f.name != "problem"}
    found |= {"warnings": [str(one.message) for one in told], "model": model.to_dict(), "p": record.p_value}
    return found | {"matrix": model.covariance.data, "safe": done.mask_safe.data, "excluded": done.mask_exclusion.data}


def check_same(maker, run):
    kept, walked = outcome(maker, run, background_sums(run)), outcome(maker, run)
    for name, value in walked.items():
        assert_array_equal(kept[name], value, err_msg=name)
    return walked


@pytest.mark.parametrize(
    "options",
    [
        {"method": "scale"},
        {"method": "scale", "spatial_model": gradient()},
        {"method": "fit", "spectral_model": power_law()},
        {"method": "fit", "spectral_model": power_law(), "fit": Fit()},
        {"method": "fit", "spectral_model": power_law(), "spatial_model": gradient()},
        {"method": "fit", "spectral_model": power_law(), "spatial_model": gradient(frozen=True)},
        {"method": "fit", "spectral_model": "piecewise-norm"},
        {"method": "fit", "spectral_model": "piecewise-pl-norm"},
    ],
)
def test_same_to_the_last_bit(options):
    assert check_same(FoVBackgroundMaker(**options), masked_run(norm=0.8))["warnings"] == []


def empty(run):
    run.counts.data[...] = 0


def dark(run):
    run.background.data[...] = 0


def unsafe(run):
    run.mask_safe.data[...] = False


def all_excluded(run):
    run.mask_exclusion.data[...] = False


def negative(run):
    run.counts.data[0, 0, 0] = -1


def infinite(run):
    run.counts.data[1, 0, 0], run.background.data[1, 0, 0] = np.inf, 0


def mostly_excluded(run):
    run.mask_exclusion.data[:, 3:] = False


@pytest.mark.parametrize("spoil", [empty, dark, unsafe, all_excluded, negative, infinite, mostly_excluded])
@pytest.mark.parametrize("model", ["pl-norm", "piecewise-norm"])
def test_the_same_is_said_of_what_is_wrong(spoil, model):
    run = masked_run().copy()
    spoil(run)
    found = check_same(FoVBackgroundMaker("fit", spectral_model=model), run)
    assert found["warnings"]
    assert found["safe"].any() == (spoil is mostly_excluded)


@pytest.mark.parametrize("options", [{"min_counts": 1e9}, {"min_npred_background": 1e9}])
def test_requirements_are_the_same(options):
    maker = FoVBackgroundMaker("fit", **options)
    assert len(check_same(maker, masked_run())["warnings"]) == 1
    with pytest.warns(FovnbWarning):
        failed = maker.run(masked_run())
    assert check_same(maker, failed)["status"] in ("too-few-counts", "no-background")


def test_no_pixel_is_looked_at():
    run = masked_run(norm=0.8)
    nodes = PiecewiseNormSpectralModel(run.geom.axes["energy"].center)
    for maker in (FoVBackgroundMaker("fit", spectral_model=one) for one in (power_law(), nodes, "piecewise-norm")):
        sums, before = background_sums(run), outcome(maker, run)
        blank = run.copy()
        blank.counts.data[...] = blank.background.data[...] = np.nan
        blank.mask_safe.data[...] = blank.mask_exclusion.data[...] = False
        after = outcome(maker, blank, sums)
        assert after["status"] == "ok"
        assert not after["safe"].any()
        assert_array_equal(after["values"], before["values"])
        assert_array_equal(after["covariance"], before["covariance"])


def test_the_exclusion_mask_of_the_maker_is_the_one_of_the_sums():
    run = masked_run()
    bare = run.replace(mask_exclusion=None)
    maker = FoVBackgroundMaker("fit", exclusion_mask=run.mask_exclusion)
    done = maker.run(bare, sums=background_sums(run))
    assert_array_equal(done.background_fit.values, maker.run(bare).background_fit.values)
    assert_array_equal(done.mask_exclusion.data, run.mask_exclusion.data)


def test_a_model_of_the_dataset_comes_first():
    run = masked_run()
    run.models = FoVBackgroundModel(run.name, power_law(norm=3.0))
    done = FoVBackgroundMaker("fit").run(run, sums=background_sums(run))
    assert list(done.background_fit.free_names) == ["tilt", "norm"]
    assert run.background_model.spectral_model.norm.value == 3


@pytest.mark.parametrize("sums", [1, background_sums(make_run(geom=make_geom(nbin=3)))])
def test_other_sums_are_refused(sums):
    with pytest.raises(InvalidInputError, match="sums is"):
        FoVBackgroundMaker("fit").run(masked_run(), sums=sums)


class TestSums:
    def test_pixels_that_cannot_be_read_are_counted_by_hand(self):
        run = masked_run()
        run.counts.data[0, 0, :3] = [-1, -2, np.inf]
        run.background.data[0, 0, 2] = 0  # infinity is where nothing is predicted, or the sums were infinite
        run.mask_safe.data[0, 0, 1] = False
        sums = background_sums(run)
        assert (sums.n_unreadable, sums.n_unpredicted) == (2, np.inf)

    def test_are_those_of_a_loop_over_the_pixels(self):
        run = masked_run(seed=5)
        run.mask_safe.data[:, ::3] = False
        run.mask_fit = Map.from_geom(run.geom, data=np.random.default_rng(2).random(run.data_shape) < 0.7)
        run.background.data[:, 4, 4:9] = [0, -1, np.nan, np.inf, 1]
        sums = background_sums(run)
        used, excluded = np.zeros((2, 5)), np.zeros((2, 5))
        lost = 0.0
        for index in np.ndindex(run.data_shape):
            pair = np.array([run.counts.data[index], run.background.data[index]])
            safe, fit, kept = (m.data[index] for m in (run.mask_safe, run.mask_fit, run.mask_exclusion))
            predicted = 0 < pair[1] < np.inf
            if safe and fit and kept:
                used[:, index[0]] += pair if predicted else 0
                lost += 0 if predicted else pair[0]
            elif safe and not kept and predicted:
                excluded[:, index[0]] += pair
        assert_array_equal(sums.counts, used[0])
        assert_array_equal(sums.counts_excluded, excluded[0])
        np.testing.assert_allclose(sums.background, used[1], rtol=1e-12)
        np.testing.assert_allclose(sums.background_excluded, excluded[1], rtol=1e-12)
        assert sums.n_unpredicted == lost > 0
