"""RunInfo: the plain numbers of a run."""

from math import isnan

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time

from fovnb.data import DataStore, RunInfo
from tests.dl3 import run, write_dl3

PLACE = {"geolon_deg": 16.5, "geolat_deg": -23.27, "height_m": 1835.0}


def read(tmp_path, **kwargs) -> RunInfo:
    return RunInfo.from_observation(DataStore.from_dir(write_dl3(tmp_path, [run(7, **kwargs)])).obs(7))


def test_header_and_good_times(tmp_path):
    header = {"OBJECT": "Crab", "DEADC": 0.9, "LIVETIME": 1700.0, "ONTIME": 1800.0, "ALT_PNT": 50.0, "AZ_PNT": 20.0}
    info = read(tmp_path, header=header)
    assert (info.obs_id, info.target) == (7, "Crab")
    assert (info.ra_deg, info.dec_deg) == pytest.approx((83.63, 21.51))
    assert (info.zenith_deg, info.azimuth_deg) == (40, 20)
    assert (info.ontime_s, info.livetime_s) == (1800, pytest.approx(1620))
    assert (info.header_livetime_s, info.header_ontime_s) == (1700, 1800)
    assert info.mid_mjd - info.start_mjd == pytest.approx(900 / 86400, abs=1e-9)


def test_the_run_works_its_numbers_out_once(tmp_path):
    observation = DataStore.from_dir(write_dl3(tmp_path, [run(7)])).obs(7)
    assert observation.info == RunInfo.from_observation(observation)
    assert observation.info is observation.info


def test_what_is_missing_is_nan_and_nothing_raises(tmp_path):
    info = read(tmp_path, header={"DEADC": None, "OBJECT": None, "RA_PNT": None, "LIVETIME": "soon"}, drop=["GTI"])
    assert info.target == ""
    for value in (info.deadc, info.ra_deg, info.ontime_s, info.livetime_s, info.header_livetime_s, info.rotation_deg):
        assert isnan(value)


def test_the_zenith_is_computed_where_the_header_is_silent(tmp_path):
    place = {"GEOLON": 16.5, "GEOLAT": -23.27, "ALTITUDE": 1835.0}
    info = read(tmp_path, header={"ALT_PNT": None, "AZ_PNT": None} | place)
    location = EarthLocation.from_geodetic(16.5, -23.27, 1835 * u.m)
    frame = AltAz(obstime=Time(info.mid_mjd, format="mjd", scale="tt"), location=location)
    local = SkyCoord(83.63, 21.51, unit="deg").transform_to(frame)
    assert info.zenith_deg == pytest.approx(90 - local.alt.deg, abs=1e-9)
    assert info.azimuth_deg == pytest.approx(local.az.deg, abs=1e-9)


def test_rotation_at_culmination_is_north_or_south():
    """On the meridian the zenith lies north of what is south of it, and south of what is north of it."""
    mjd = 60000.0
    sidereal = Time(mjd, format="mjd", scale="tt").sidereal_time("apparent", longitude=16.5 * u.deg).deg
    south, north = (
        RunInfo(1, ra_deg=sidereal, dec_deg=dec, mid_mjd=mjd, **PLACE).rotation_deg for dec in (-60.0, 20.0)
    )
    # Precession turns the sky by half a degree since J2000.
    assert np.cos(np.deg2rad(south)) > 0.999
    assert np.cos(np.deg2rad(north)) < -0.999


def test_the_zenith_turns_from_east_to_west():
    """Before culmination the zenith lies west of a target in the north, seen from the southern hemisphere."""
    sidereal = Time(60000.0, format="mjd", scale="tt").sidereal_time("apparent", longitude=16.5 * u.deg).deg
    east, west = (
        RunInfo(1, ra_deg=sidereal + hour, dec_deg=20.0, mid_mjd=60000.0, **PLACE).rotation_deg for hour in (30, -30)
    )
    assert 180 < east < 270  # south-west: the target has not yet culminated
    assert 90 < west < 180


def test_plain_values_and_back():
    info = RunInfo(3, "x", 1.0, 2.0, mid_mjd=5.0)
    again = RunInfo.from_dict({name: np.asarray(value)[()] for name, value in info.to_dict().items()})
    assert repr(again.to_dict()) == repr(info.to_dict())
