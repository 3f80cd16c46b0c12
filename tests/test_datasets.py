"""What a dataset holds, predicts and adds up to."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from fovnb.datasets import Datasets, MapDataset
from fovnb.errors import DataError, GeometryError, InvalidInputError, PredictionError
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.models import FoVBackgroundModel, PowerLawNormSpectralModel
from tests.datasets import make_geom, make_run


def pl_model(name, norm=2.0, tilt=0.5):
    model = FoVBackgroundModel(spectral_model=PowerLawNormSpectralModel(), dataset_name=name)
    model.spectral_model.norm.value = norm
    model.spectral_model.tilt.value = tilt
    return model


def snapshot(dataset):
    maps = (dataset.counts, dataset.background, dataset.exposure, dataset.psf.psf_map, dataset.edisp.edisp_map)
    return [part.data.copy() for part in (*maps, dataset.mask_safe)]


def test_created_dataset_is_empty_and_unsafe():
    dataset = MapDataset.create(make_geom())
    assert dataset.counts.data.sum() == 0
    assert not dataset.mask_safe.data.any()
    assert dataset.exposure.unit == u.Unit("m2 s")
    assert dataset.exposure.geom.axes.names == ["energy_true"]
    assert dataset.psf.psf_map.geom.axes.names == ["rad", "energy_true"]
    assert dataset.edisp.edisp_map.geom.axes.names == ["energy", "energy_true"]
    assert dataset.counts.geom.sky is dataset.exposure.geom.sky


def test_create_refuses_axes_of_other_names():
    geom = make_geom()
    with pytest.raises(GeometryError, match="energy_true"):
        MapDataset.create(geom, energy_axis_true=MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3))
    with pytest.raises(GeometryError, match="'energy'"):
        MapDataset.create(geom.to_image())


def test_predicted_background_is_norm_at_bin_centre_times_background():
    run = make_run()
    run.models = pl_model("obs-1")
    norms = 2.0 * run.geom.axes["energy"].center.to_value("TeV") ** -0.5
    assert_allclose(run.npred_background().data, run.background.data * norms[:, None, None], rtol=1e-12)
    assert_allclose(run.npred().data, run.npred_background().data, rtol=1e-12)


def test_prediction_follows_a_replaced_background():
    run = make_run()
    run.models = pl_model("obs-1", tilt=0.0)
    run.npred_background()
    run.background = run.background * 3.0
    assert_allclose(run.npred_background().data, 2 * run.background.data, rtol=1e-12)


def test_models_of_other_datasets_are_left_out():
    run = make_run()
    run.models = [pl_model("obs-1"), pl_model("obs-2")]
    assert [model.name for model in run.models] == ["obs-1-bkg"]


def test_stat_sum_by_hand():
    geom = make_geom(nbin=1, width=0.2)
    run = MapDataset.create(geom, name="obs-1")
    run.counts.data[...] = [[[3, 0], [1, 7]]]
    run.background.data[...] = [[[2, 1], [4, 0]]]
    run.mask_safe.data[...] = [[[1, 1], [1, 1]]]
    # The pixel that predicts nothing is left out, with its 7 counts.
    assert run.stat_sum() == pytest.approx(2 * (2 - 3 * np.log(2) + 1 + 4 - np.log(4)))


def test_missing_background_is_said():
    run = MapDataset(counts=Map.from_geom(make_geom()), name="obs-7")
    with pytest.raises(PredictionError, match="'obs-7' has no background"):
        run.npred_background()
    with pytest.raises(GeometryError, match="no geometry"):
        _ = MapDataset().geom


def test_stacking_keeps_safe_counts_exactly():
    geom = make_geom()
    stacked, runs = MapDataset.create(geom), [make_run(f"obs-{i}", geom, seed=i) for i in (1, 2)]
    runs[0].mask_safe.data[:, :5] = False
    runs[1].mask_safe.data[0] = False
    runs[1].models = pl_model("obs-2")
    for run in runs:
        stacked.stack(run)
    assert stacked.counts.data.sum() == sum(run.counts.data[run.mask_safe.data].sum() for run in runs)
    predicted = sum(run.npred_background().data * run.mask_safe.data for run in runs)
    assert_allclose(stacked.background.data, predicted, rtol=1e-6)
    assert_array_equal(stacked.mask_safe.data, runs[0].mask_safe.data | runs[1].mask_safe.data)
    assert stacked.exposure.meta["livetime"] == 2000 * u.s
    assert stacked.gti.time_sum.to_value("s") == pytest.approx(2200)


def test_stacked_exposure_counts_pixels_that_are_safe_at_any_energy():
    geom = make_geom()
    stacked, run = MapDataset.create(geom), make_run(geom=geom)
    run.mask_safe.data[:, :5] = False
    run.mask_safe.data[0] = False
    stacked.stack(run)
    assert not stacked.exposure.data[:, :5].any()
    assert_allclose(stacked.exposure.data[:, 5:], run.exposure.data[:, 5:], rtol=1e-6)


def test_stacked_psf_is_the_exposure_weighted_mean():
    geom = make_geom()
    stacked, a, b = MapDataset.create(geom), make_run("obs-1", geom, 1), make_run("obs-2", geom, 2)
    stacked.stack(a)
    stacked.stack(b)
    weights = [run.psf.exposure_map.data for run in (a, b)]
    mean = (a.psf.psf_map.data * weights[0] + b.psf.psf_map.data * weights[1]) / (weights[0] + weights[1])
    assert_allclose(stacked.psf.psf_map.data, mean, rtol=1e-5)


def test_stacking_does_not_change_the_run():
    stacked, run = MapDataset.create(make_geom()), make_run()
    before = snapshot(run)
    stacked.stack(run)
    stacked.stack(run)
    for was, now in zip(before, snapshot(run), strict=True):
        assert_array_equal(was, now)


def test_run_with_empty_mask_adds_nothing():
    stacked, run = MapDataset.create(make_geom()), make_run()
    stacked.stack(make_run("obs-2", seed=2))
    before, time = snapshot(stacked), stacked.gti.time_sum
    run.mask_safe.data[...] = False
    run.meta_table = Table([{"OBS_ID": 1}])
    stacked.stack(run)
    for was, now in zip(before, snapshot(stacked), strict=True):
        assert_array_equal(was, now)
    assert stacked.gti.time_sum == time
    assert stacked.meta_table is None


def test_stacking_a_cutout_lands_on_its_pixels():
    geom = make_geom()
    stacked, run = MapDataset.create(geom), make_run(geom=geom)
    cutout = run.cutout(geom.center_skydir, "1 deg", name="obs-1")
    stacked.stack(cutout)
    inside = np.zeros(geom.data_shape, dtype=bool)
    inside[:, 5:15, 5:15] = True
    assert_array_equal(stacked.counts.data, np.where(inside, run.counts.data, 0))


@pytest.mark.parametrize(
    ("geom", "message"),
    [
        (make_geom(nbin=4), "axis 'energy'"),
        (make_geom(binsz=0.2), "neither those of the stack"),
        (
            WcsGeom.create(skydir=(83.64, 22.01), width=2, binsz=0.1, axes=make_geom().axes),
            "neither those of the stack",
        ),
    ],
)
def test_stacking_what_does_not_fit_changes_nothing(geom, message):
    stacked = MapDataset.create(make_geom())
    stacked.stack(make_run())
    before = snapshot(stacked)
    with pytest.raises(GeometryError, match=message):
        stacked.stack(make_run("obs-2", geom))
    for was, now in zip(before, snapshot(stacked), strict=True):
        assert_array_equal(was, now)


def test_stacking_onto_a_dataset_with_a_norm_keeps_the_norm_once():
    a, b = make_run("obs-1", seed=1), make_run("obs-2", seed=2)
    a.models = pl_model("obs-1", tilt=0.0)
    expected = 2 * a.background.data + b.background.data
    a.stack(b)
    assert_allclose(a.npred_background().data, expected, rtol=1e-12)


def test_replaced_datasets_share_maps_until_one_is_stacked():
    a = make_run("obs-1")
    b = a.replace(mask_safe=Map.from_geom(a.geom, dtype=bool))
    assert b.counts is a.counts
    before = snapshot(b)
    a.stack(make_run("obs-2", seed=2))
    for was, now in zip(before, snapshot(b), strict=True):
        assert_array_equal(was, now)


def test_copy_is_independent():
    a = make_run("obs-1")
    a.models = pl_model("obs-1")
    b = a.copy()
    b.counts.data += 1
    b.models[0].spectral_model.norm.value = 9
    assert a.counts.data.sum() == b.counts.data.sum() - a.counts.data.size
    assert a.models[0].spectral_model.norm.value == 2
    assert not a.copy(name="other").models


def test_info_by_hand():
    geom = make_geom(nbin=1, width=0.2)
    run = MapDataset.create(geom, name="obs-1")
    run.counts.data[...] = [[[3, 0], [1, 7]]]
    run.background.data[...] = [[[2, 1], [2, 5]]]
    run.mask_safe.data[...] = [[[1, 1], [1, 0]]]
    info = run.info_dict()
    assert (info["counts"], info["background"], info["excess"]) == (4, 5, -1)
    assert info["sqrt_ts"] == pytest.approx(-np.sqrt(2 * (4 * np.log(4 / 5) + 1)))
    assert (info["n_bins"], info["n_fit_bins"]) == (4, 3)
    assert run.info_dict(in_safe_data_range=False)["counts"] == 11


def test_text_is_stable_and_html_escaped():
    run = make_run("<b>")
    assert "<b>" in repr(run)
    assert repr(run) == repr(run.copy())
    assert "<b>" not in run._repr_html_()


def test_fits_round_trip(tmp_path):
    run = make_run()
    run.mask_safe.data[0] = False
    run.mask_fit = Map.from_geom(run.geom, data=np.arange(run.counts.data.size).reshape(run.data_shape) % 2 == 0)
    run.meta_table = Table([{"TELESCOP": "HESS", "OBS_ID": 1}])
    run.meta = {"TELESCOP": "HESS"}
    run.write(tmp_path / "run.fits")
    back = MapDataset.read(tmp_path / "run.fits")
    assert back.name == "obs-1"
    assert back.geom == run.geom
    assert back.meta == {"TELESCOP": "HESS"}
    assert back.exposure.meta["livetime"] == 1000 * u.s
    assert back.meta_table["OBS_ID"][0] == 1
    assert_array_equal(back.mask_fit.data, run.mask_fit.data)
    assert back.mask_safe.data.dtype == bool
    for was, now in zip(snapshot(run), snapshot(back), strict=True):
        assert_array_equal(was, now)
    assert back.gti.time_sum.to_value("s") == pytest.approx(1100)


def test_writing_never_replaces_unasked_and_leaves_nothing_half_written(tmp_path):
    path = tmp_path / "run.fits"
    path.write_text("precious")
    with pytest.raises(DataError, match="overwrite=True"):
        make_run().write(path)
    assert path.read_text() == "precious"
    make_run().write(path, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["run.fits"]


def test_reading_what_is_no_dataset_is_said(tmp_path):
    (tmp_path / "text.fits").write_text("no FITS")
    with pytest.raises(DataError):
        MapDataset.read(tmp_path / "text.fits")
    with pytest.raises(DataError):
        MapDataset.read(tmp_path / "missing.fits")
    Map.from_geom(make_geom().to_image()).write(tmp_path / "map.fits")
    with pytest.raises(DataError, match=r"Map\.read"):
        MapDataset.read(tmp_path / "map.fits")


def test_datasets_have_unique_names_and_are_found_by_them():
    datasets = Datasets([make_run("obs-1"), make_run("obs-2", seed=2)])
    assert datasets["obs-2"] is datasets[1]
    assert datasets[:1].names == ["obs-1"]
    with pytest.raises(InvalidInputError, match="obs-1"):
        datasets.append(make_run("obs-1"))
    with pytest.raises(InvalidInputError, match="did you mean 'obs-2'"):
        _ = datasets["obs-22"]


def test_datasets_are_a_list():
    a, b, c = (make_run(f"obs-{i}", seed=i) for i in (1, 2, 3))
    datasets = Datasets([a, b]) + c
    datasets["obs-2"] = b.replace(meta={"KEY": 1})
    assert datasets[1].meta == {"KEY": 1}
    with pytest.raises(InvalidInputError, match="obs-3"):
        datasets["obs-2"] = c
    del datasets["obs-1"]
    assert datasets.names == ["obs-2", "obs-3"]
    with pytest.raises(InvalidInputError, match="MapDataset"):
        datasets.append("obs-4")


def test_cumulative_info_ends_on_the_stack():
    datasets = Datasets([make_run(f"obs-{i}", seed=i) for i in (1, 2)])
    table = datasets.info_table(cumulative=True)
    assert table["counts"][-1] == datasets.stack_reduce().info_dict()["counts"] == datasets.info_table()["counts"].sum()


@pytest.mark.parametrize("mask", [3, np.ones((3, 20, 20)), Map.from_geom(make_geom())])
def test_masks_are_boolean_maps(mask):
    run = make_run()
    with pytest.raises(InvalidInputError, match="mask_fit is a"):
        run.mask_fit = mask
    assert run.mask_fit is None


def test_what_is_no_dataset_is_not_stacked():
    with pytest.raises(InvalidInputError, match="cannot stack a Map"):
        make_run().stack(make_run().counts)


def test_meta_that_fits_cannot_hold_is_refused(tmp_path):
    run = make_run()
    run.meta = {"KEY": [1]}
    with pytest.raises(InvalidInputError, match="'obs-1'"):
        run.write(tmp_path / "run.fits")
    assert not list(tmp_path.iterdir())


def test_names_from_files_stay_in_the_folder(tmp_path):
    folder = tmp_path / "inner"
    Datasets([make_run("../../etc/x y")]).write(folder / "datasets.yaml")
    assert sorted(path.name for path in folder.iterdir()) == ["_._.._etc_x_y.fits", "datasets.yaml"]
    assert Datasets.read(folder / "datasets.yaml").names == ["../../etc/x y"]
    with pytest.raises(DataError, match="two things"):
        Datasets([make_run("a b"), make_run("a_b")]).write(tmp_path / "datasets.yaml")
    assert not (tmp_path / "datasets.yaml").exists()


def test_stack_reduce_equals_stacking_by_hand():
    runs = [make_run(f"obs-{i}", seed=i) for i in (1, 2)]
    stacked = MapDataset.create(make_geom())
    for run in runs:
        stacked.stack(run)
    for ours, theirs in zip(snapshot(Datasets(runs).stack_reduce()), snapshot(stacked), strict=True):
        assert_array_equal(ours, theirs)
    with pytest.raises(InvalidInputError, match="no datasets"):
        Datasets().stack_reduce()


def test_datasets_round_trip_with_models(tmp_path):
    runs = [make_run(f"obs-{i}", seed=i) for i in (1, 2)]
    for run in runs:
        run.models = pl_model(run.name, norm=run.counts.data.mean())
    datasets = Datasets(runs)
    datasets.write(tmp_path / "datasets.yaml", filename_models=tmp_path / "models.yaml")
    back = Datasets.read(tmp_path / "datasets.yaml", filename_models=tmp_path / "models.yaml")
    assert back.names == datasets.names
    assert_allclose(back.parameters.value, datasets.parameters.value, rtol=1e-12)
    assert back.stat_sum() == pytest.approx(datasets.stat_sum(), rel=1e-9)
    with pytest.raises(DataError, match="overwrite=True"):
        datasets.write(tmp_path / "datasets.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "datasets: 3",
        "datasets: [{name: a, type: SpectrumDataset, filename: a.fits}]",
        "datasets: [{name: a, type: MapDataset, filename: ../../a.fits}]",
    ],
)
def test_broken_lists_of_datasets_are_refused(tmp_path, text):
    (tmp_path / "datasets.yaml").write_text(text)
    with pytest.raises(DataError):
        Datasets.read(tmp_path / "datasets.yaml")


def test_a_new_name_keeps_the_fitted_background_or_says_that_it_is_gone():
    fitted = FoVBackgroundMaker().run(make_run(norm=1.5))
    renamed = fitted.replace(name="renamed")
    np.testing.assert_array_equal(renamed.npred_background().data, fitted.npred_background().data)
    assert renamed.models[0].datasets_names == ["renamed"]
    copied = fitted.copy(name="copied")
    assert (copied.models, copied.background_fit) == (None, None)
    assert fitted.copy().background_fit.values.tolist() == fitted.background_fit.values.tolist()
