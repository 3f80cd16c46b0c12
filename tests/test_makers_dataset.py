"""From a run's files to its dataset and its safe mask."""

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.errors import DataError, FovnbWarning, GeometryError, InvalidInputError, IrfError
from fovnb.makers import MapDatasetMaker, SafeMaskMaker
from fovnb.maps import MapAxis
from tests.datasets import make_geom
from tests.dl3 import ENERGY, aeff_hdu, bkg_hdu, run, write_dl3


def observe(folder, *args, **kwargs):
    return DataStore.from_dir(write_dl3(folder, [run(*args, **kwargs)])).obs(1)


def reference(geom=None):
    true = MapAxis.from_energy_bounds("0.5 TeV", "20 TeV", nbin=4, name="energy_true")
    return MapDataset.create(make_geom(width=4) if geom is None else geom, energy_axis_true=true, name="stacked")


def thresholds(low, high):
    hdu = aeff_hdu()
    for key, value in (("LO_THRES", low), ("HI_THRES", high)):
        if value is not None:
            hdu.header[key] = value
    return {"AEFF": hdu}


def test_dataset_by_hand(tmp_path):
    """A flat effective area of 1e5 m2, 90 % live; background 1e-6 E^-3 s-1 MeV-1 sr-1, flat over the field."""
    observation = observe(tmp_path, n_events=200)
    dataset = MapDatasetMaker().run(reference(), observation)
    assert dataset.name == "obs-1"
    events = observation.events
    inside = dataset.geom.contains({"lon": events.lon_deg, "lat": events.lat_deg, "energy": events.energy_tev * u.TeV})
    assert dataset.counts.data.sum() == np.count_nonzero(inside) > 50
    centre = dataset.exposure.data[:, 15, 20]
    assert_allclose(centre, 1e5 * 1800 * 0.9, rtol=1e-6)
    assert dataset.exposure.meta["livetime"] == 1620 * u.s
    edges = dataset.geom.axes["energy"].edges.value
    # Values belong to the geometric centres of the response's bins, the test file's power law to the arithmetic ones.
    step = ENERGY[1] / ENERGY[0]
    shift = ((1 + step) / 2 / np.sqrt(step)) ** -3
    rate = shift * 1e-6 * 1e6 * (edges[:-1] ** -2 - edges[1:] ** -2) / 2
    expected = rate[:, None] * dataset.geom.sky.solid_angle_sr[15, 18:22] * 1800
    assert_allclose(dataset.background.data[:, 15, 18:22], expected, rtol=1e-5)
    assert dataset.mask_safe.data.all()
    assert dataset.gti.time_sum.to_value("s") == pytest.approx(1800)
    assert dataset.meta_table["OBS_ID"][0] == 1
    psf = dataset.psf.psf_map.to_unit("sr-1")
    rad = psf.geom.axes["rad"]
    ring = 2 * np.pi * rad.center.to_value("rad") * rad.bin_width.to_value("rad")
    assert_allclose((psf.data * ring[:, None, None])[..., 8:12, 8:12].sum(axis=1), 1, rtol=1e-6)
    kernel = dataset.edisp.edisp_map.data
    assert kernel.min() >= 0
    assert 0 < kernel.sum(axis=1).max() <= 1 + 1e-9


def test_the_reference_is_not_changed(tmp_path):
    empty = reference()
    MapDatasetMaker().run(empty, observe(tmp_path))
    assert empty.name == "stacked"
    assert not empty.counts.data.any()
    assert not empty.background.data.any()
    assert not empty.exposure.data.any()
    assert len(empty.gti) == 0


def test_only_the_selection_is_made(tmp_path):
    dataset = MapDatasetMaker(selection=["counts", "background"]).run(reference(), observe(tmp_path, drop=["PSF"]))
    assert dataset.background.data.any()
    assert dataset.exposure is None
    assert dataset.psf is None
    with pytest.raises(InvalidInputError, match="did you mean 'counts'"):
        MapDatasetMaker(selection=["count"])


def test_the_caller_hears_of_each_part_before_it_is_made_and_can_stop(tmp_path):
    observation, heard = observe(tmp_path), []
    maker = MapDatasetMaker(selection=["counts", "background", "psf"])
    dataset = maker.run(reference(), observation, before_part=heard.append)
    assert heard == ["counts", "background", "psf"]
    assert_array_equal(dataset.background.data, maker.run(reference(), observation).background.data)

    def stop(part):
        heard.append(part)
        if part == "background":
            raise InterruptedError

    heard.clear()
    with pytest.raises(InterruptedError):
        maker.run(reference(), observation, before_part=stop)
    assert heard == ["counts", "background"]


def test_run_without_events_gives_zero_counts(tmp_path):
    dataset = MapDatasetMaker().run(reference(), observe(tmp_path, n_events=0))
    assert dataset.counts.data.sum() == 0
    assert dataset.background.data.sum() > 0


@pytest.mark.parametrize("deadc", [0.0, -0.5, "nan"])
def test_run_without_live_time_is_refused(tmp_path, deadc):
    with pytest.raises(DataError, match="DEADC"):
        MapDatasetMaker().run(reference(), observe(tmp_path, header={"DEADC": deadc}))


def test_missing_parts_are_said(tmp_path):
    with pytest.raises((DataError, IrfError), match="BKG"):
        MapDatasetMaker().run(reference(), observe(tmp_path, drop=["BKG"]))


@pytest.mark.parametrize("table", ["AEFF", "BKG"])
@pytest.mark.parametrize("value", [np.nan, -1.0, 0.0])
def test_nonsense_responses_are_refused(tmp_path, table, value):
    hdu = {"AEFF": aeff_hdu, "BKG": bkg_hdu}[table](data=value)
    with pytest.raises(IrfError):
        MapDatasetMaker().run(reference(), observe(tmp_path, tables={table: hdu}))


def test_run_elsewhere_is_refused(tmp_path):
    with pytest.raises(GeometryError, match="does not overlap"):
        MapDatasetMaker().run(reference(), observe(tmp_path, pointing=(120.0, -40.0)))


def test_energies_outside_the_response_are_refused(tmp_path):
    high = make_geom(width=4).to_image().to_cube([MapAxis.from_energy_bounds("200 TeV", "300 TeV", nbin=2)])
    with pytest.raises(IrfError, match="200"):
        MapDatasetMaker().run(MapDataset.create(high), observe(tmp_path))


def test_safe_mask_keeps_whole_bins_between_the_thresholds(tmp_path):
    observation = observe(tmp_path, tables=thresholds(1.5, 8.0))
    dataset = MapDatasetMaker().run(reference(), observation)
    mask = SafeMaskMaker(methods=["aeff-default"]).run(dataset, observation).mask_safe.data
    # Bins of 1 to 2.15, 4.64 and 10 TeV: only the middle one lies inside 1.5 - 8 TeV.
    assert_array_equal(mask.any(axis=(1, 2)), [False, True, False])


def test_safe_mask_offset_is_the_distance_from_the_pointing(tmp_path):
    observation = observe(tmp_path)
    dataset = MapDatasetMaker().run(reference(), observation)
    mask = SafeMaskMaker(methods=["offset-max"], offset_max="1 deg").run(dataset, observation).mask_safe.data
    separation = dataset.geom.separation(observation.pointing.fixed_icrs)
    assert_array_equal(mask, np.broadcast_to(separation < 1 * u.deg, mask.shape))
    assert 0 < mask.sum() < mask.size


def test_safe_mask_leaves_out_pixels_without_background(tmp_path):
    observation = observe(tmp_path)
    dataset = MapDatasetMaker().run(reference(), observation)
    dataset.background.data[:, 0, 0] = 0
    dataset.background.data[:, 0, 1] = np.nan
    mask = SafeMaskMaker(methods=["offset-max"], offset_max="50 deg").run(dataset, observation).mask_safe.data
    assert not mask[:, 0, :2].any()
    assert mask[:, 1:].all()


def test_safe_masks_are_joined_and_arguments_not_changed(tmp_path):
    observation = observe(tmp_path, tables=thresholds(1.5, 8.0))
    dataset = MapDatasetMaker().run(reference(), observation)
    near = SafeMaskMaker(methods=["offset-max"], offset_max="1 deg")
    energies = SafeMaskMaker(methods=["aeff-default"])
    both = SafeMaskMaker(methods=["aeff-default", "offset-max"], offset_max=1 * u.deg).run(dataset, observation)
    chained = energies.run(near.run(dataset, observation), observation)
    assert_array_equal(both.mask_safe.data, chained.mask_safe.data)
    assert dataset.mask_safe.data.all()


def test_missing_thresholds_mask_nothing_and_warn(tmp_path):
    observation = observe(tmp_path)
    dataset = MapDatasetMaker().run(reference(), observation)
    with pytest.warns(FovnbWarning, match="LO_THRES"), pytest.warns(FovnbWarning, match="HI_THRES"):
        mask = SafeMaskMaker(methods=["aeff-default"]).run(dataset, observation).mask_safe.data
    assert mask.all()


def test_safe_mask_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(InvalidInputError, match="did you mean 'offset-max'"):
        SafeMaskMaker(methods=["offset_max"])
    for offset in ("2 TeV", "-1 deg", "nan deg", [1, 2] * u.deg, 2.5):
        with pytest.raises(InvalidInputError, match="offset_max"):
            SafeMaskMaker(methods=["offset-max"], offset_max=offset)
    dataset = MapDatasetMaker().run(reference(), observe(tmp_path))
    with pytest.raises(InvalidInputError, match="needs the run"):
        SafeMaskMaker(methods=["offset-max"]).run(dataset)


def test_arguments_in_the_wrong_order_are_said(tmp_path):
    observation, dataset = observe(tmp_path), reference()
    for maker in (MapDatasetMaker(), SafeMaskMaker(methods=["offset-max"])):
        with pytest.raises(InvalidInputError, match="expected a MapDataset first"):
            maker.run(observation, dataset)
        with pytest.raises(InvalidInputError, match="expected an Observation"):
            maker.run(dataset, dataset)


def test_threshold_that_is_no_number_is_said(tmp_path):
    observation = observe(tmp_path, tables=thresholds("low", 8.0))
    with pytest.raises(DataError, match="LO_THRES"):
        SafeMaskMaker().run(reference(), observation)


def test_two_pointings_in_one_stack(tmp_path):
    """Exposures add where both runs see, and each event is counted once."""
    runs = [run(i, pointing=(83.63, dec)) for i, dec in ((1, 21.5), (2, 22.5))]
    store = DataStore.from_dir(write_dl3(tmp_path, runs))
    stacked = reference()
    maker, safe = MapDatasetMaker(), SafeMaskMaker(methods=["offset-max"], offset_max="1.2 deg")
    datasets = [safe.run(maker.run(stacked, obs), obs) for obs in store.get_observations([1, 2])]
    for dataset in datasets:
        stacked.stack(dataset)
    assert stacked.counts.data.sum() == sum(d.counts.data[d.mask_safe.data].sum() for d in datasets)
    assert list(stacked.meta_table["OBS_ID"][0]) == [1, 2]
    both = datasets[0].mask_safe_image.data & datasets[1].mask_safe_image.data
    assert_allclose(stacked.exposure.data[:, both], 2 * 1e5 * 1620, rtol=1e-6)
