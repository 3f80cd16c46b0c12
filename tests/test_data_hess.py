"""What the 40 real H.E.S.S. runs say of themselves agrees with what is read of them."""

import pytest
from astropy import units as u

from fovnb.data import DataStore
from fovnb.irf import FoVAlignment


@pytest.fixture(scope="module")
def store(hess_dl3_dr1):
    return DataStore.from_dir(hess_dl3_dr1)


def test_all_runs_agree_with_the_observation_index(store):
    runs = store.get_observations()
    assert len(runs) == 40
    for one, row in zip(runs, store.obs_table, strict=True):
        assert one.obs_id == row["OBS_ID"]
        assert len(one.events) == row["EVENT_COUNT"]
        assert one.observation_time_duration.to_value("s") == row["ONTIME"]
        assert one.observation_live_time_duration.to_value("s") == pytest.approx(one.meta.header["LIVETIME"], rel=1e-7)
        assert one.muoneff == pytest.approx(row["MUONEFF"], rel=1e-6)
        assert one.pointing.fixed_icrs.ra.deg == pytest.approx(row["RA_PNT"], rel=1e-6)
        assert (one.tstart.isot[:10], one.tstop.isot[:10]) == (row["DATE-OBS"], row["DATE-END"])
        assert one.tstart.isot[11:] == row["TIME-OBS"]
        seconds = one.events.columns["TIME"]
        assert one.gti.start_s[0] - 1 < seconds.min() < seconds.max() < one.gti.stop_s[0] + 1
        assert one.bkg.fov_alignment is FoVAlignment.REVERSE_LON_RADEC


def test_one_run_in_full(store):
    crab = store.obs(23592)
    assert len(crab.events) == 7334
    assert crab.events.energy[:3].to_value("TeV") == pytest.approx([1.0961368, 12.244112, 0.7679586], rel=1e-7)
    assert crab.target_name == "Crab Nebula"
    assert crab.tmid.isot == "2004-12-08T22:09:03.184"
    assert crab.observation_time_duration == 1686 * u.s
    assert crab.observation_dead_time_fraction == pytest.approx(1 - 0.937879398465157, abs=1e-15)
    assert dict(crab.pointing.to_fits_header()) == {
        "OBS_MODE": "POINTING",
        "RA_PNT": 82.0133333285646,
        "DEC_PNT": 22.014444444444,
    }
    altaz = crab.get_pointing_altaz(crab.tmid)
    assert altaz.alt.deg == pytest.approx(crab.meta.header["ALT_PNT"], abs=1)
    assert crab.aeff.meta["LO_THRES"] == pytest.approx(0.870963589956081)
