import numpy as np
import pytest
from astropy import units as u

from fovnb.datasets import MapDataset
from fovnb.diagnostics import (
    Residuals,
    alignment,
    cash_significance,
    fov_residuals,
    goodness,
    gradient,
    identifiability,
    mask_scan,
    radial_profile,
    ratio_spectrum,
    residuals,
    significance_histogram,
    times,
    toys,
    trends,
    verdicts,
    wobble,
)
from fovnb.diagnostics.pixels import runs, used_runs
from fovnb.errors import GeometryError, InvalidInputError, PredictionError
from fovnb.makers import ExclusionMask
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.models import FoVBackgroundModel, PowerLawNormSpectralModel

ENERGY = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
GEOM = WcsGeom.create(skydir=(83.6, 22.0), npix=(21, 15), binsz=0.05, proj="TAN", axes=[ENERGY])


@pytest.fixture
def dataset():
    rng = np.random.default_rng(1)
    made = MapDataset.create(GEOM, name="obs-1")
    made.background.data = rng.uniform(0.5, 2, GEOM.data_shape)
    made.counts.data = rng.poisson(1.5 * made.background.data).astype(float)
    made.mask_safe.data = np.ones(GEOM.data_shape, dtype=bool)
    made.mask_safe.data[:, :, :6] = False
    made.mask_safe.data[0, :, 15:] = False
    return made


def slow(image, radius):
    """Return the obvious sum over the pixels within the radius on the sky."""
    centers = GEOM.to_image().get_coord().skycoord
    sums = [image[center.separation(centers).deg <= radius].sum() for center in centers.ravel()]
    return np.reshape(sums, image.shape)


def test_sums_over_the_disc_equal_the_slow_sums_over_the_sky(dataset):
    found = residuals(dataset, "0.12 deg")
    used = dataset.mask_safe.data
    counts = slow(np.where(used, dataset.counts.data, 0).sum(axis=0), 0.12)
    npred = slow(np.where(used, dataset.background.data, 0).sum(axis=0), 0.12)
    near = slow(used.any(axis=0).astype(float), 0.12) > 0
    assert np.array_equal(found.used, near)
    assert not near.all()
    np.testing.assert_allclose(found.counts[near], counts[near], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.npred[near], npred[near], rtol=1e-12)
    assert np.isnan(found.counts[~near]).all()
    assert np.isnan(found.significance.data[~near]).all()


def test_the_background_model_is_applied(dataset):
    model = PowerLawNormSpectralModel(norm=2.0)
    dataset.models = FoVBackgroundModel(spectral_model=model, dataset_name="obs-1")
    doubled = residuals(dataset)
    dataset.models = None
    np.testing.assert_allclose(doubled.npred, 2 * residuals(dataset).npred, rtol=1e-9)


def test_every_residual_is_its_formula(dataset):
    found = residuals(dataset)
    c, p = found.counts[8, 12], found.npred[8, 12]
    at = (8, 12)
    assert found.difference.data[at] == pytest.approx(c - p)
    assert found.relative.data[at] == pytest.approx((c - p) / p)
    assert found.over_sqrt.data[at] == pytest.approx((c - p) / p**0.5)
    assert found.significance.data[at] == pytest.approx(np.sign(c - p) * (2 * (c * np.log(c / p) - c + p)) ** 0.5)
    assert found.significance.geom == GEOM.to_image()


def test_significance_by_hand():
    found = cash_significance(np.array([0.0, 4.0, 4.0, np.nan]), np.array([2.0, 4.0, 1.0, np.nan]))
    np.testing.assert_allclose(found, [-2.0, 0.0, np.sqrt(2 * (4 * np.log(4) - 3)), np.nan])


def test_significance_is_nan_where_nothing_is_predicted():
    assert np.isnan(cash_significance(np.array([0.0, 3.0, 3.0]), np.array([0.0, 0.0, -1.0]))).all()


def test_significance_is_that_of_a_normal_distribution_for_many_counts():
    rng = np.random.default_rng(2)
    npred = np.full(20_000, 200.0)
    found = cash_significance(rng.poisson(npred).astype(float), npred)
    assert np.mean(found) == pytest.approx(0, abs=0.03)
    assert np.std(found) == pytest.approx(1, abs=0.02)
    assert np.mean(cash_significance(rng.poisson(1.1 * npred).astype(float), npred)) > 1.2  # a prediction 10 % too low


def test_pixels_that_predict_nothing_and_masked_pixels_do_not_matter(dataset):
    dataset.background.data[:, 3:6, 9:12] = 0
    dataset.background.data[1, 12, 12] = np.nan
    expected = residuals(dataset)
    changed = dataset.copy(name="obs-1")
    changed.counts.data[:, 3:6, 9:12] = 1e6
    changed.counts.data[1, 12, 12] = 1e6
    changed.counts.data[:, :, :6] = 1e6
    found = residuals(changed)
    np.testing.assert_allclose(found.counts, expected.counts, rtol=1e-12, atol=1e-12)
    changed.counts.data[1, 12, 13] += 1
    assert np.nanmax(residuals(changed).counts - expected.counts) == pytest.approx(1)


def test_a_mask_leaves_out_more(dataset):
    mask = Map.from_geom(GEOM, data=np.ones(GEOM.data_shape, dtype=bool))
    mask.data[:, 6:11, 9:16] = False
    found = residuals(dataset, "0.05 deg", mask)
    assert not found.used[8, 12]
    assert np.isnan(found.difference.data[8, 12])
    assert residuals(dataset, "0.05 deg").used[8, 12]


def test_arguments_are_not_changed(dataset):
    before = {name: getattr(dataset, name).data.copy() for name in ("counts", "background", "mask_safe")}
    residuals(dataset, 0.1 * u.deg)
    for name, data in before.items():
        np.testing.assert_array_equal(getattr(dataset, name).data, data)


@pytest.mark.parametrize("radius", ["-1 deg", "0 deg", "1 TeV", "wide", "200 deg"])
def test_a_radius_that_is_no_positive_angle_is_refused(dataset, radius):
    with pytest.raises(InvalidInputError, match="expected an angle"):
        residuals(dataset, radius)


def test_a_mask_on_another_geometry_is_refused(dataset):
    with pytest.raises(GeometryError, match=r"another geometry \(shape \(10, 10\)\) than the dataset"):
        residuals(dataset, mask=Map.from_geom(GEOM.to_image(), dtype=bool).cutout(GEOM.center_skydir, "0.5 deg"))


def test_a_mask_is_a_record_a_map_or_an_image(dataset):
    record = ExclusionMask("icrs; circle(83.6, 22, 0.12)")
    cube = record.to_map(GEOM)
    image = Map.from_geom(GEOM.to_image(), data=cube.data[0])
    found = [residuals(dataset, "0.05 deg", mask).counts for mask in (record, cube, image)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[1])
    assert np.isnan(found[0]).sum() > np.isnan(residuals(dataset, "0.05 deg").counts).sum()


@pytest.mark.parametrize("mask", ["crab", np.ones(GEOM.data_shape), 3])
def test_a_mask_that_is_none_is_refused(dataset, mask):
    with pytest.raises(InvalidInputError, match=f"the mask is a {type(mask).__name__}; expected an ExclusionMask"):
        residuals(dataset, mask=mask)


@pytest.mark.parametrize("wrong", [np.nan, -1, np.inf])
def test_residuals_of_wrong_counts_are_refused_where_they_are_used(dataset, wrong):
    expected = residuals(dataset).counts
    dataset.counts.data[0, 0, 0] = wrong  # masked
    np.testing.assert_array_equal(residuals(dataset).counts, expected)
    dataset.counts.data[0, 3, 8] = wrong
    with pytest.raises(PredictionError, match=f"dataset 'obs-1' has counts of {wrong} in pixels that are used"):
        residuals(dataset)


@pytest.mark.parametrize("given", [None, "x", 3, ["x"]])
@pytest.mark.parametrize(
    "ask",
    [
        alignment,
        fov_residuals,
        goodness,
        gradient,
        identifiability,
        mask_scan,
        radial_profile,
        ratio_spectrum,
        residuals,
        significance_histogram,
        times,
        toys,
        trends,
        verdicts,
        wobble,
    ],
)
def test_what_is_no_run_is_refused_in_a_sentence(ask, given):
    with pytest.raises(InvalidInputError, match=r"found a? ?(str|NoneType|int|list|None|'x'|3)"):
        ask(given)


def test_a_dataset_without_counts_is_refused(dataset):
    dataset.counts = None
    with pytest.raises(InvalidInputError, match="lacks counts or background"):
        residuals(dataset)


def test_runs_on_one_geometry_are_summed(dataset):
    other = dataset.copy(name="obs-2")
    other.mask_safe.data = np.roll(dataset.mask_safe.data, 3, axis=2)
    one, two, both = (residuals(d, "0.12 deg") for d in (dataset, other, [dataset, other]))
    for name in ("counts", "npred"):
        expected = np.nan_to_num(getattr(one, name)) + np.nan_to_num(getattr(two, name))
        np.testing.assert_allclose(np.nan_to_num(getattr(both, name)), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(both.used, one.used | two.used)


def test_runs_on_other_pixels_or_none_at_all_are_refused(dataset):
    shifted = dataset.cutout(GEOM.center_skydir, "0.5 deg", name="obs-2")
    with pytest.raises(GeometryError, match=r"dataset 'obs-2' has other pixels \(10, 10\) than the first \(15, 21\)"):
        residuals([dataset, shifted])
    with pytest.raises(InvalidInputError, match="there are no datasets"):
        residuals([])


def test_used_pixels_are_cut_to_their_window_and_zero_outside_the_mask(dataset):
    (found,) = used_runs(dataset)
    assert found.window == (slice(0, 15), slice(6, 21))
    used = dataset.mask_safe.data[:, :, 6:]
    np.testing.assert_array_equal(found.mask, used)
    np.testing.assert_array_equal(found.counts, np.where(used, dataset.counts.data[:, :, 6:], 0))
    np.testing.assert_array_equal(found.npred, np.where(used, dataset.background.data[:, :, 6:], 0))
    assert found.obs_id == -1
    assert "used pixels" in repr(found)


def test_counts_that_are_nan_or_negative_are_refused_where_they_are_used(dataset):
    dataset.counts.data[0, 0, 0] = np.nan  # masked
    assert len(list(used_runs(dataset))) == 1
    for wrong in (np.nan, -1):
        dataset.counts.data[0, 3, 8] = wrong
        with pytest.raises(PredictionError, match=f"dataset 'obs-1' has counts of {wrong} in pixels that are used"):
            list(used_runs(dataset))


def test_what_is_no_dataset_is_refused(dataset):
    assert runs(dataset) == (dataset,)
    with pytest.raises(InvalidInputError, match="there are no datasets to diagnose"):
        runs([])
    with pytest.raises(InvalidInputError, match="expected datasets, found a str"):
        runs("obs-1")
    dataset.background = None
    with pytest.raises(InvalidInputError, match="'obs-1' lacks counts or background"):
        runs([dataset])


def test_the_record_prints_in_a_few_lines(dataset):
    found = residuals(dataset)
    assert isinstance(found, Residuals)
    assert repr(found).splitlines()[0] == "Residuals"
    assert "0.1 deg" in found._repr_html_()
