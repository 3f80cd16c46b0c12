"""A run: its parts, its times, and one sentence for each thing that can be wrong with it."""

import copy
import gzip
import os
import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time

from fovnb.data import DataStore, EventList, FixedPointingInfo, ObservationMetaData, PointingMode, recent_files
from fovnb.errors import DataError, FovnbError, InvalidInputError, IrfError
from fovnb.irf import FoVAlignment
from tests.dl3 import TIME, TSTART, aeff_hdu, bkg_hdu, gti_hdu, run, write_dl3

PARTS = ("events", "gti", "aeff", "edisp", "psf", "bkg")


def observation(folder, **options):
    return DataStore.from_dir(write_dl3(folder, [run(**options)])).obs(1)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return observation(tmp_path_factory.mktemp("sound"), ontime=1000.0, deadc=0.75)


@pytest.fixture
def opened(monkeypatch):
    """Record which files are read."""
    paths = []

    def read_tables(path):
        paths.append(path.name)
        return original(path)

    original = recent_files.read_tables
    monkeypatch.setattr(recent_files, "read_tables", read_tables)
    return paths


def test_times(sound):
    assert sound.observation_time_duration == 1000 * u.s
    assert sound.observation_dead_time_fraction == 0.25
    assert sound.observation_live_time_duration == 750 * u.s
    reference = Time(TIME["MJDREFI"], TIME["MJDREFF"], format="mjd", scale="tt")
    for time, seconds in ((sound.tstart, 0), (sound.tmid, 500), (sound.tstop, 1000)):
        assert (time - reference).to_value("s") == pytest.approx(TSTART + seconds, abs=1e-6)


def test_the_middle_is_that_of_the_first_interval(tmp_path):
    run1 = observation(tmp_path, intervals=[(0, 100), (500, 900)])
    assert (run1.tmid - run1.tstart).to_value("s") == pytest.approx(50, abs=1e-6)
    assert run1.observation_time_duration == 500 * u.s


def test_pointing(sound):
    assert sound.pointing.mode is PointingMode.POINTING
    assert sound.pointing.fixed_altaz is None
    pointing = sound.get_pointing_icrs(sound.tmid)
    assert (pointing.ra.deg, pointing.dec.deg) == (83.63, 21.51)
    assert dict(sound.pointing.to_fits_header()) == {"OBS_MODE": "POINTING", "RA_PNT": 83.63, "DEC_PNT": 21.51}
    altaz = sound.get_pointing_altaz(sound.tmid)
    assert altaz.icrs.separation(pointing).arcsec < 0.01


def test_what_the_header_says(sound):
    assert sound.target_name == "Crab <b>Nebula</b>"
    assert (sound.target_radec.ra.deg, sound.target_radec.dec.deg) == (83.63, 22.01)
    assert sound.observatory_earth_location.lat.deg == pytest.approx(-23.3)
    assert sound.muoneff is None
    assert sound.meta.obs_info.telescope == "TEST"
    assert sound.meta.optional["ALT_PNT"] == 41.6


def test_parts_are_listed(sound):
    assert sound.available_hdus == list(PARTS)
    assert sound.available_irfs == ["aeff", "edisp", "psf", "bkg"]


def test_responses(sound):
    assert sound.aeff.axes.names == ["energy_true", "offset"]
    assert sound.aeff.evaluate(energy_true="1 TeV", offset="1 deg").to_value("m2") == pytest.approx(1e5)
    assert sound.bkg.evaluate(energy="1 TeV", fov_lon="1 deg", fov_lat="0 deg").unit == "s-1 MeV-1 sr-1"
    assert sound.psf.data.shape[0] == sound.edisp.data.shape[0] == 12


def test_one_file_is_read_once_for_all_parts(tmp_path, opened):
    run1 = observation(tmp_path)
    opened.clear()
    for _ in range(2):
        for name in PARTS:
            assert getattr(run1, name) is getattr(run1, name)
    assert opened == ["run_1.fits.gz"]


def test_only_the_last_files_are_remembered(tmp_path, opened):
    runs = DataStore.from_dir(write_dl3(tmp_path, [run(i) for i in range(1, 7)])).get_observations()
    opened.clear()
    aeffs = [one.aeff for one in runs]
    assert runs["6"].aeff is aeffs[5]
    assert runs["3"].aeff is aeffs[2]
    assert len(opened) == 6
    assert runs["1"].aeff is not aeffs[0], "the first of six is read again"
    assert len(opened) == 7


def test_good_times_header_and_pointing_stay(tmp_path, opened):
    runs = DataStore.from_dir(write_dl3(tmp_path, [run(i) for i in range(1, 7)])).get_observations()
    first = [(one.tmid, one.pointing, one.target_name) for one in runs]
    opened.clear()
    assert [one.pointing for one in runs] == [pointing for _, pointing, _ in first]
    assert [one.tmid.isot for one in runs] == [tmid.isot for tmid, _, _ in first]
    assert opened == []


def test_a_file_that_was_written_anew_is_read_anew(tmp_path):
    run1 = observation(tmp_path, n_events=5)
    assert len(run1.events) == 5
    write_dl3(tmp_path, [run(n_events=7)])
    assert len(run1.events) == 7


def test_copies_and_pickles_read_by_themselves(sound):
    for other in (copy.deepcopy(sound), pickle.loads(pickle.dumps(sound))):
        np.testing.assert_array_equal(other.events.energy_tev, sound.events.energy_tev)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"CREATOR": "SASH FITS::EventListWriter", "HDUVERS": "0.2"}, FoVAlignment.REVERSE_LON_RADEC),
        ({"CREATOR": "SASH FITS::EventListWriter", "HDUVERS": "0.3"}, FoVAlignment.RADEC),
        ({"CREATOR": "another", "HDUVERS": "0.2"}, FoVAlignment.RADEC),
        ({"HDUVERS": "0.2"}, FoVAlignment.RADEC),
    ],
)
def test_the_background_of_old_hess_files_is_reversed(tmp_path, header, expected):
    bkg = observation(tmp_path, header=header).bkg
    assert bkg.fov_alignment is expected
    assert bkg.axes.names == ["energy", "fov_lon", "fov_lat"]


def test_a_run_without_events_is_fine(tmp_path):
    run1 = observation(tmp_path, n_events=0)
    assert len(run1.events) == len(run1.events.table) == len(run1.events.radec) == 0
    assert run1.events.energy_tev.dtype == np.float64
    assert "events    : 0" in repr(run1.events)
    assert run1.observation_live_time_duration > 0 * u.s


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"deadc": 0.0}, "DEADC = 0"),
        ({"deadc": -0.5}, "DEADC = -0.5"),
        ({"deadc": 1.5}, "DEADC = 1.5"),
        ({"header": {"DEADC": "nan"}}, "DEADC = 'nan'"),
        ({"header": {"DEADC": None}}, "no DEADC"),
        ({"intervals": []}, "live time of 0"),
        ({"intervals": [(0, 0)]}, "live time of 0"),
        ({"intervals": [(10, 0)]}, "1 of the 1 good time intervals are no times or end before they start"),
        ({"intervals": [(0, 9), (0, np.nan)]}, "1 of the 2 good time intervals"),
    ],
)
def test_a_run_without_live_time_says_so_when_asked(tmp_path, options, match):
    run1 = observation(tmp_path, **options)
    assert len(run1.events) == 50, "the rest of the run can be looked at"
    with pytest.raises(DataError, match=match):
        _ = run1.observation_live_time_duration


def test_a_run_without_good_times_has_no_start(tmp_path):
    run1 = observation(tmp_path, intervals=[])
    for name in ("tstart", "tmid", "tstop"):
        with pytest.raises(DataError, match="OBS_ID 1 has no good time interval"):
            getattr(run1, name)


@pytest.mark.parametrize(
    ("header", "match"),
    [({"RA_PNT": None}, "no RA_PNT"), ({"DEC_PNT": "nan"}, "DEC_PNT = 'nan'"), ({"DEC_PNT": 91.0}, "DEC_PNT = 91.0")],
)
def test_a_run_without_pointing(tmp_path, header, match):
    with pytest.raises(DataError, match=match):
        _ = observation(tmp_path, header=header).pointing


@pytest.mark.parametrize("name", PARTS)
def test_a_table_that_the_file_lacks(tmp_path, name):
    run1 = observation(tmp_path, drop=[name.upper()])
    with pytest.raises(DataError, match=rf"OBS_ID 1, {name} in run_1\.fits\.gz: no table {name.upper()}"):
        getattr(run1, name)
    other = "gti" if name == "events" else "events"
    assert len(getattr(run1, other)) > 0


@pytest.mark.parametrize(
    ("table", "column"), [("EVENTS", "ENERGY"), ("EVENTS", "TIME"), ("GTI", "STOP"), ("AEFF", "EFFAREA")]
)
def test_a_column_that_a_table_lacks(tmp_path, table, column):
    run1 = observation(tmp_path, drop_columns={table: [column]})
    with pytest.raises(DataError, match=rf"OBS_ID 1, {table.lower()} in .*no column .*{column}"):
        getattr(run1, table.lower())


def test_a_bad_response_is_named_with_its_run(tmp_path):
    run1 = observation(tmp_path, tables={"AEFF": aeff_hdu(np.nan), "BKG": bkg_hdu(0)})
    with pytest.raises(IrfError, match=r"OBS_ID 1, aeff in run_1\.fits\.gz: .*NaN"):
        _ = run1.aeff
    with pytest.raises(IrfError, match=r"OBS_ID 1, bkg in run_1\.fits\.gz: .*empty"):
        _ = run1.bkg


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_cut_off_file(tmp_path, share):
    run1 = observation(tmp_path)
    path = tmp_path / "data" / "run_1.fits.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"OBS_ID 1, events in run_1\.fits\.gz"):
        _ = run1.events
    plain = gzip.decompress(content)
    path.write_bytes(plain[: int(share * len(plain))])
    with pytest.raises(DataError, match=r"OBS_ID 1, psf in run_1\.fits\.gz"):
        _ = run1.psf


def test_a_file_with_any_byte_changed_gives_its_parts_or_our_own_error(tmp_path):
    run1 = observation(tmp_path, n_events=3)
    path = tmp_path / "data" / "run_1.fits.gz"
    plain = gzip.decompress(path.read_bytes())
    rng = np.random.default_rng(0)
    broken = 0
    for time, position in enumerate(rng.integers(0, len(plain), 60)):
        content = bytearray(plain)
        content[position] ^= rng.integers(1, 128)
        path.write_bytes(content)
        os.utime(path, ns=(time, time))
        for name in set(PARTS) - {"gti"}:
            try:
                getattr(run1, name)
            except FovnbError:
                broken += 1
    assert broken > 0


def test_drift_scan(tmp_path):
    run1 = observation(tmp_path, header={"OBS_MODE": "DRIFT"})
    assert run1.pointing.mode is PointingMode.DRIFT
    assert run1.pointing.fixed_icrs is None
    assert dict(run1.pointing.to_fits_header()) == {"OBS_MODE": "DRIFT", "AZ_PNT": 21.8, "ALT_PNT": 41.6}
    altaz = run1.get_pointing_altaz(run1.tmid)
    assert (altaz.az.deg, altaz.alt.deg) == (21.8, 41.6)
    later = run1.get_pointing_icrs(run1.tmid + 1 * u.h)
    assert 14 < (later.ra - run1.get_pointing_icrs(run1.tmid).ra).deg < 16, "the sky turns by 15 deg an hour"


def test_pointing_needs_one_position():
    crab = SkyCoord(83.63, 22.01, unit="deg")
    for bad in ({}, {"fixed_icrs": crab, "fixed_altaz": crab}):
        with pytest.raises(InvalidInputError, match="give one of them"):
            FixedPointingInfo(**bad)
    for bad in (crab.galactic, crab.fk5, SkyCoord(np.nan, 0, unit="deg"), SkyCoord([1, 2], [1, 2], unit="deg"), "Crab"):
        with pytest.raises(InvalidInputError, match="one finite position in the frame 'icrs'"):
            FixedPointingInfo(fixed_icrs=bad)
    with pytest.raises(InvalidInputError, match="the time is missing"):
        FixedPointingInfo(fixed_icrs=crab).get_altaz()


def test_header_without_place_or_target():
    meta = ObservationMetaData({"RA_OBJ": "nan", "DEC_OBJ": 3.0})
    assert (meta.location, meta.target.position, meta.target.name, meta.obs_info.obs_id) == (None, None, None, None)


def test_numbers_that_the_file_holds_as_text_are_read(tmp_path):
    run1 = observation(tmp_path, header={"GEOLON": "16.5", "MJDREFF": "0.5", "DEADC": "0.9"})
    assert run1.observatory_earth_location.lon.deg == pytest.approx(16.5)
    assert run1.observation_dead_time_fraction == pytest.approx(0.1)


def test_prints_without_markup_from_the_file(sound):
    assert repr(sound) == "Observation(1, events gti aeff edisp psf bkg)"
    assert "duration  : 1000.0 s" in str(sound)
    for thing in (sound, sound.meta, sound.events, sound.gti, sound.pointing):
        assert "<b>" not in thing._repr_html_()
    assert "Crab &lt;b&gt;Nebula" in sound._repr_html_()


def test_events_are_those_of_the_file(tmp_path):
    run1 = observation(tmp_path, columns={"ENERGY": np.linspace(1, 2, 50)})
    events = run1.events
    with fits.open(tmp_path / "data" / "run_1.fits.gz") as hdus:
        rows = hdus["EVENTS"].data
        for ours, name in ((events.lon_deg, "RA"), (events.lat_deg, "DEC"), (events.energy_tev, "ENERGY")):
            np.testing.assert_array_equal(ours, rows[name].astype(float))
            assert ours.dtype == np.float64
            assert ours.dtype.isnative
    assert events.table.colnames == ["EVENT_ID", "TIME", "RA", "DEC", "ENERGY"]
    assert events.table["ENERGY"].unit == events.energy.unit == u.TeV
    assert abs((events.time[-1] - run1.tstop).to_value("s")) < 1e-6
    assert events.table["TIME"][0].isot == run1.tstart.isot
    np.testing.assert_allclose(events.galactic.icrs.ra.deg, events.lon_deg, atol=1e-5)


def test_offset_is_the_distance_from_the_pointing(tmp_path):
    columns = {"RA": [83.63, 83.63, 84.63], "DEC": [21.51, 22.51, 21.51]}
    offset = observation(tmp_path, n_events=3, columns=columns).events.offset.deg
    np.testing.assert_allclose(offset, [0, 1, np.cos(np.deg2rad(21.51))], atol=3e-5)


def events_in(unit, energy):
    columns = {"RA": np.zeros(2), "DEC": np.zeros(2), "ENERGY": np.array(energy), "TIME": np.array([0.0, 10.0])}
    return EventList(columns, {"ENERGY": unit}, TIME)


def test_energies_in_another_unit():
    assert events_in("GeV", [500.0, 1500.0]).energy_tev.tolist() == [0.5, 1.5]
    assert events_in("", [500.0, 1500.0]).energy_tev.tolist() == [500, 1500]
    with pytest.raises(DataError, match="ENERGY of the events is in 's'; expected a unit like TeV"):
        _ = events_in("s", [1.0, 2.0]).energy_tev


def test_selections_are_half_open_and_leave_the_list_alone():
    events = events_in("TeV", [1.0, 2.0])
    assert events.select_energy([1, 2] * u.TeV).energy_tev.tolist() == [1]
    assert events.select_energy([1500, 2500] * u.GeV).energy_tev.tolist() == [2]
    assert len(events.select_time(events.time_ref + [0, 10] * u.s)) == 1
    assert len(events.select_row_subset(slice(0, 0))) == 0
    assert len(events) == 2


def test_a_gti_table_of_another_run_is_read_as_it_is(tmp_path):
    assert len(observation(tmp_path, tables={"GTI": gti_hdu([(0, 1), (2, 3), (4, 5)])}).gti) == 3
