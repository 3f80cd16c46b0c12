"""The background of a run, corrected with the run's own counts outside the exclusion mask."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal
from regions import CircleSkyRegion

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, InvalidInputError, ModelError
from fovnb.makers import FoVBackgroundMaker, project_exclusion_mask
from fovnb.makers.normalise import background_sums
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling import Fit
from fovnb.modeling.likelihood import cash
from fovnb.modeling.models import (
    FoVBackgroundModel,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
)
from tests.datasets import make_geom, make_run


def pl_norm(**values):
    model = PowerLawNormSpectralModel(**values)
    model.norm.frozen = model.tilt.frozen = False
    return model


def circle(geom, radius=0.3):
    return CircleSkyRegion(geom.center_skydir, radius * u.deg)


def everything(dataset):
    maps = [dataset.counts, dataset.background, dataset.exposure, dataset.mask_safe, dataset.mask_fit]
    return [None if part is None else part.data.copy() for part in maps]


def test_scale_by_hand():
    geom = make_geom(nbin=1, width=0.2)
    run = make_run(geom=geom)
    run.counts.data[...] = [[[3, 0], [1, 100]]]
    run.background.data[...] = [[[2, 1], [1, 4]]]
    exclusion = Map.from_geom(geom, data=np.array([[[1, 1], [1, 0]]], dtype=bool))
    done = FoVBackgroundMaker(method="scale", exclusion_mask=exclusion).run(run)
    norm = done.background_model.spectral_model.norm
    assert norm.value == pytest.approx(4 / 4)
    assert norm.error == pytest.approx(np.sqrt(4) / 4)
    assert done.background_fit.status == "scaled"
    assert done.background_fit.success


def test_scale_is_idempotent_and_independent_of_the_start():
    run = make_run(norm=1.3)
    maker = FoVBackgroundMaker(method="scale")
    once = maker.run(run)
    twice = maker.run(once)
    started_elsewhere = run.copy()
    started_elsewhere.models = FoVBackgroundModel(
        spectral_model=PowerLawNormSpectralModel(norm=7), dataset_name="obs-1"
    )
    values = [d.background_model.spectral_model.norm.value for d in (once, twice, maker.run(started_elsewhere))]
    assert values[0] == values[1] == values[2] == pytest.approx(run.counts.data.sum() / run.background.data.sum())


def test_scale_needs_one_norm_and_says_so_when_the_maker_is_made():
    piecewise = PiecewiseNormSpectralModel(energy=[1, 10] * u.TeV, norms=[1, 1])
    with pytest.raises(ModelError, match="norm"):
        FoVBackgroundMaker(method="scale", spectral_model=piecewise)
    FoVBackgroundMaker(method="fit", spectral_model=piecewise)


def test_fit_of_the_norm_alone_is_counts_over_background():
    run = make_run(norm=0.8)
    done = FoVBackgroundMaker(method="fit", spectral_model=PowerLawNormSpectralModel()).run(run)
    norm = done.background_model.spectral_model.norm
    counts = run.counts.data.sum()
    assert norm.value == pytest.approx(counts / run.background.data.sum(), rel=1e-6)
    assert norm.error == pytest.approx(norm.value / np.sqrt(counts), rel=1e-3)


def test_fit_of_the_sums_is_the_maximum_of_the_pixels():
    """The likelihood sees the pixels through their sums per energy bin while the norm has no spatial part."""
    run = make_run(norm=0.8)
    done = FoVBackgroundMaker(method="fit", spectral_model=pl_norm()).run(run)
    best = done.stat_sum()
    assert best == pytest.approx(cash(run.counts.data.astype(float).ravel(), done.npred().data.ravel()))
    for name, step in (("norm", 1e-3), ("norm", -1e-3), ("tilt", 1e-3), ("tilt", -1e-3)):
        moved = done.copy()
        moved.background_model.parameters[name].value += step
        assert moved.stat_sum() > best


def test_fit_error_is_where_the_statistic_rises_by_one():
    done = FoVBackgroundMaker(method="fit", spectral_model=pl_norm()).run(make_run())
    model = done.background_model
    step = np.sqrt(np.diag(model.covariance.data)[model.parameters.names.index("tilt")])
    # Along the tilt's column of the covariance the other parameters follow: the profile rises by one.
    column = model.covariance.data[model.parameters.names.index("tilt")] / step
    moved = done.copy()
    for parameter, change in zip(moved.background_model.parameters, column, strict=True):
        parameter.value += change
    assert moved.stat_sum() - done.stat_sum() == pytest.approx(1, abs=0.05)


def test_an_excluded_pixel_changes_nothing():
    run = make_run()
    exclusion = run.geom.region_mask([circle(run.geom)], inside=False)
    maker = FoVBackgroundMaker(method="fit", spectral_model=pl_norm(), exclusion_mask=exclusion)
    changed = run.copy()
    changed.counts.data[~exclusion.data] += 1000
    values = [maker.run(d).background_fit.values for d in (run, changed)]
    assert_array_equal(*values)
    unmasked = FoVBackgroundMaker(method="fit", spectral_model=pl_norm()).run(changed)
    assert abs(unmasked.background_fit.values[0] - values[0][0]) > 0.1


@pytest.mark.parametrize("method", ["fit", "scale"])
def test_arguments_are_never_changed(method):
    run = make_run()
    run.mask_fit = Map.from_geom(run.geom, data=run.counts.data < 3)
    exclusion = run.geom.region_mask([circle(run.geom)], inside=False)
    spectral, before, excluded = pl_norm(norm=3.0), everything(run), exclusion.data.copy()
    done = FoVBackgroundMaker(method=method, spectral_model=spectral, exclusion_mask=exclusion).run(run)
    for was, now in zip(before, everything(run), strict=True):
        assert_array_equal(was, now)
    assert_array_equal(excluded, exclusion.data)
    assert spectral.norm.value == 3
    assert run.models is None
    assert run.background_fit is None
    assert_array_equal(done.mask_fit.data, run.mask_fit.data)


def test_an_existing_fit_mask_is_used():
    run = make_run()
    run.mask_fit = Map.from_geom(run.geom, data=np.zeros(run.data_shape, dtype=bool))
    run.mask_fit.data[0] = True
    done = FoVBackgroundMaker(method="scale").run(run)
    expected = run.counts.data[0].sum() / run.background.data[0].sum()
    assert done.background_model.spectral_model.norm.value == pytest.approx(expected)


def test_a_model_on_the_dataset_is_fitted_instead_of_the_default():
    run = make_run(norm=1.5)
    model = FoVBackgroundModel(spectral_model=pl_norm(tilt=0.2), dataset_name="obs-1", name="mine")
    model.spectral_model.tilt.frozen = True
    run.models = model
    done = FoVBackgroundMaker(method="fit", spectral_model="pl-norm").run(run)
    assert done.background_model.name == "mine"
    assert done.background_model.spectral_model.tilt.value == 0.2
    assert model.spectral_model.norm.value == 1


def test_a_fit_with_options_is_used():
    run = make_run()
    tight = FoVBackgroundMaker(method="fit", spectral_model=pl_norm()).run(run)
    given = FoVBackgroundMaker(method="fit", spectral_model=pl_norm(), fit=Fit(optimize_opts={"tol": 1e-4})).run(run)
    assert_allclose(given.background_fit.values, tight.background_fit.values, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "status"),
    [({"min_counts": 1e9}, "too-few-counts"), ({"min_npred_background": 1e9}, "no-background")],
)
def test_failed_run_keeps_its_maps_and_says_why(options, status):
    run = make_run()
    with pytest.warns(FovnbWarning, match="obs-1"):
        done = FoVBackgroundMaker(**options).run(run)
    assert done.background_fit.status == status
    assert not done.background_fit.success
    assert "1e+09" in done.background_fit.reason
    assert not done.mask_safe.data.any()
    assert run.mask_safe.data.all()
    assert_array_equal(done.counts.data, run.counts.data)
    stacked = MapDataset.create(run.geom)
    stacked.stack(done)
    assert stacked.gti.time_sum == 0 * u.s


def test_run_without_counts_fails_with_a_sentence():
    run = make_run()
    run.counts.data[...] = 0
    with pytest.warns(FovnbWarning, match="no counts were seen"):
        assert FoVBackgroundMaker().run(run).background_fit.status == "too-few-counts"


def test_counts_where_nothing_is_predicted_are_reported_not_summed():
    run = make_run()
    run.background.data[:, 0, 0] = 0
    run.background.data[:, 0, 1] = np.nan
    run.counts.data[:, 0, :2] = 5
    sums = background_sums(run, project_exclusion_mask(None, run.geom))
    assert sums.n_unpredicted == 30
    assert_allclose(sums.counts.sum(), run.counts.data.sum() - 30)
    assert_allclose(sums.background.sum(), np.nansum(run.background.data))
    assert FoVBackgroundMaker().run(run).background_fit.n_unpredicted == 30


def test_background_in_few_bins_leaves_the_run_in():
    """A bin that the mask empties constrains nothing, and the other bins are as good as before."""
    run = make_run()
    run.mask_safe.data[0] = False
    nodes = PiecewiseNormSpectralModel(energy=run.geom.axes["energy"].center, norms=np.ones(3))
    done = FoVBackgroundMaker(method="fit", spectral_model=nodes).run(run)
    assert done.background_fit.status == "unconstrained"
    assert done.mask_safe.data.any()
    counts, background = done.background_fit.counts, done.background_fit.background
    assert_allclose(done.background_fit.values[1:], counts[1:] / background[1:], rtol=1e-6)


def test_mask_2d_and_3d_are_one():
    geom = make_geom()
    mask_3d = geom.region_mask([circle(geom)], inside=False)
    mask_2d = geom.to_image().region_mask([circle(geom)], inside=False)
    assert_array_equal(project_exclusion_mask(mask_2d, geom).data, mask_3d.data)
    assert_array_equal(project_exclusion_mask(mask_3d, geom).data, mask_3d.data)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
def test_mask_of_zeros_and_ones_is_boolean(dtype):
    geom = make_geom()
    mask = geom.region_mask([circle(geom)], inside=False)
    assert_array_equal(project_exclusion_mask(Map.from_geom(geom, data=mask.data.astype(dtype)), geom).data, mask.data)


@pytest.mark.parametrize("bad", [2.0, 0.5, np.nan])
def test_mask_of_other_values_is_refused(bad):
    geom = make_geom()
    with pytest.raises(InvalidInputError, match="0 and 1"):
        project_exclusion_mask(Map.from_geom(geom, data=np.full(geom.data_shape, bad)), geom)


def test_mask_with_another_axis_is_refused():
    true = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3, name="energy_true")
    mask = Map.from_geom(make_geom().to_image().to_cube([true]), dtype=bool)
    with pytest.raises(InvalidInputError, match="energy_true"):
        project_exclusion_mask(mask, make_geom())
    with pytest.raises(InvalidInputError, match="Map"):
        project_exclusion_mask(np.ones(3), make_geom())


def test_mask_in_another_frame_excludes_the_same_sky():
    geom = make_geom()
    other = WcsGeom.create(skydir=geom.center_skydir, width=4, binsz=0.02, frame="galactic")
    projected = project_exclusion_mask(other.region_mask([circle(geom)], inside=False), geom).data[0]
    direct = geom.to_image().region_mask([circle(geom)], inside=False).data
    offset = geom.sky.offset_deg(geom.center_skydir.ra.deg, geom.center_skydir.dec.deg)
    clear = abs(offset - 0.3) > 0.03
    assert_array_equal(projected[clear], direct[clear])
    assert not projected.all()


def test_mask_smaller_than_the_field_leaves_the_outside_in_and_warns():
    geom = make_geom(width=2.0)
    small = make_geom(width=1.0).to_image()
    with pytest.warns(FovnbWarning, match=r"75\.0%"):
        projected = project_exclusion_mask(Map.from_geom(small, dtype=bool), geom)
    assert projected.data.sum() == 0.75 * projected.data.size
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project_exclusion_mask(Map.from_geom(make_geom(width=3.0).to_image(), dtype=bool), geom)


def test_maker_refuses_what_it_does_not_know():
    with pytest.raises(InvalidInputError, match="'fit' or 'scale'"):
        FoVBackgroundMaker(method="fitt")
    with pytest.raises(ModelError):
        FoVBackgroundMaker(spectral_model="pl-nrom")
    with pytest.raises(InvalidInputError, match="min_counts"):
        FoVBackgroundMaker(min_counts="10")
    with pytest.raises(InvalidInputError, match="Fit"):
        FoVBackgroundMaker(fit="minuit")
    with pytest.raises(InvalidInputError, match="MapDataset"):
        FoVBackgroundMaker().run(make_geom())


def test_piecewise_by_name_takes_its_nodes_from_each_run_outside_the_mask():
    run = make_run(geom=make_geom(nbin=5))
    exclusion = run.geom.region_mask([circle(run.geom, 0.9)], inside=False)
    inside = run.counts.data * ~exclusion.data
    done = FoVBackgroundMaker(method="fit", spectral_model="piecewise-norm", exclusion_mask=exclusion).run(run)
    model = done.background_model.spectral_model
    expected = PiecewiseNormSpectralModel.from_dataset(run, exclusion_mask=exclusion)
    assert_allclose(model.energy.value, expected.energy.value)
    assert len(model.energy) < len(PiecewiseNormSpectralModel.from_dataset(run).energy)
    assert_allclose(done.background_fit.counts_excluded, inside.sum(axis=(1, 2)))
    assert repr(FoVBackgroundMaker(method="fit", spectral_model="piecewise-norm")).count("'piecewise-norm'") == 1


def test_piecewise_by_name_with_too_few_counts_is_a_row_that_says_so():
    run = make_run()
    run.counts.data[...] = 0
    run.counts.data[0, 0, 0] = 5
    with pytest.warns(FovnbWarning, match="not enough for 2 "):
        done = FoVBackgroundMaker(method="fit", spectral_model="piecewise-norm").run(run)
    assert done.background_fit.status == "too-few-counts"
    with pytest.raises(ModelError, match="method 'fit'"):
        FoVBackgroundMaker(method="scale", spectral_model="piecewise-norm")


def test_exclusion_mask_goes_with_the_dataset():
    run = make_run()
    exclusion = run.geom.region_mask([circle(run.geom)], inside=False)
    done = FoVBackgroundMaker(exclusion_mask=exclusion).run(run)
    assert_array_equal(done.mask_exclusion.data, exclusion.data)
    assert run.mask_exclusion is None
    again = FoVBackgroundMaker().run(done)
    assert_array_equal(again.mask_exclusion.data, exclusion.data)
    assert again.background_fit.counts.sum() == done.background_fit.counts.sum()


def test_a_failed_run_keeps_its_first_reason_and_says_how_to_fit_it_again():
    run = make_run()
    with pytest.warns(FovnbWarning, match="lower min_counts"):
        failed = FoVBackgroundMaker(min_counts=1e9).run(run)
    for _ in range(2):
        with pytest.warns(FovnbWarning, match="too-few-counts.*lower min_counts; to fit it again, take"):
            failed = FoVBackgroundMaker().run(failed)
    assert failed.background_fit.reason.count("to fit it again") == 1


def test_what_the_mask_excludes_is_counted_at_the_fitted_norm():
    run = make_run(norm=0.8)
    run.mask_safe.data[:, :5] = False
    exclusion = run.geom.region_mask([circle(run.geom, 0.6)], inside=False)
    done = FoVBackgroundMaker(method="fit", spectral_model=pl_norm(), exclusion_mask=exclusion).run(run)
    inside = ~exclusion.data & run.mask_safe.data
    assert_allclose(done.background_fit.counts_excluded, np.sum(run.counts.data, axis=(1, 2), where=inside))
    assert_allclose(done.background_fit.background_excluded, np.sum(done.npred().data, axis=(1, 2), where=inside))


def test_livetime_is_in_the_record():
    assert FoVBackgroundMaker().run(make_run()).background_fit.livetime == 1000
    assert (
        FoVBackgroundMaker().run(make_run().replace(run_info=RunInfo(1, livetime_s=900.0))).background_fit.livetime
        == 900
    )
    with pytest.warns(FovnbWarning):
        assert FoVBackgroundMaker(min_counts=1e9).run(make_run()).background_fit.livetime == 1000


@pytest.mark.parametrize(
    ("change", "status", "match"),
    [
        ({"counts": None}, "unreadable", "no counts map"),
        ({"background": None}, "no-background", "no background map"),
        ({"mask_safe": False}, "excluded", "mask_safe leaves nothing"),
        ({"mask_fit": False}, "excluded", "mask_fit leaves nothing"),
        ({"counts": np.nan}, "unreadable", "1200 pixels in use are NaN"),
        ({"counts": -1.0}, "unreadable", "negative"),
        ({"background": 0.0}, "no-background", "no background is predicted"),
        ({"counts": 0.0}, "too-few-counts", "no counts were seen"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "scale"])
def test_bad_data_are_a_row_that_says_so(change, status, match, method):
    run = make_run()
    (name, value), geom = *change.items(), run.geom
    part = None if value is None else Map.from_geom(geom, data=np.full(geom.data_shape, value))
    with pytest.warns(FovnbWarning, match=match):
        done = FoVBackgroundMaker(method=method).run(run.replace(**{name: part}))
    assert done.background_fit.status == status
    assert not done.mask_safe.data.any()
    assert done.ledger["status"].tolist() == [status]


def test_a_mask_that_excludes_the_whole_field_is_told_from_an_empty_field():
    run = make_run()
    nothing = Map.from_geom(run.geom, dtype=bool)
    with pytest.warns(FovnbWarning, match="exclusion mask leaves nothing"):
        done = FoVBackgroundMaker(exclusion_mask=nothing).run(run)
    assert done.background_fit.status == "excluded"
    assert done.background_fit.livetime == 1000


def test_nan_counts_that_are_masked_do_no_harm():
    run = make_run()
    expected = FoVBackgroundMaker(method="fit").run(run.replace(mask_safe=run.counts < np.inf))
    run.mask_safe.data[:, 3, 3] = False
    masked = FoVBackgroundMaker(method="fit").run(run)
    run.counts.data[:, 3, 3] = np.nan
    assert_array_equal(FoVBackgroundMaker(method="fit").run(run).background_fit.values, masked.background_fit.values)
    assert masked.background_fit.counts.sum() < expected.background_fit.counts.sum()


def test_a_mask_that_leaves_under_30_percent_of_a_bin_is_warned_about():
    """Bin 1 keeps 4 of 20 rows, a fifth of a flat background; a third is enough."""
    run = make_run()
    run.background = Map.from_geom(run.geom, data=np.ones(run.data_shape))
    mask = Map.from_geom(run.geom, data=np.ones(run.data_shape, dtype=bool))
    mask.data[0, 7:], mask.data[1, 4:] = False, False
    with pytest.warns(FovnbWarning, match="leaves little of the background, 20% at 3.16 TeV"):
        done = FoVBackgroundMaker(exclusion_mask=mask).run(run)
    assert done.background_fit.success
    mask.data[1, :7] = True
    assert FoVBackgroundMaker(exclusion_mask=mask).run(run).background_fit.success
