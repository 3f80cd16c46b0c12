"""What headers say of times against the good time intervals."""

import numpy as np
import pytest

from fovnb.data import DataStore, RunInfo
from fovnb.diagnostics.times import times
from fovnb.errors import InvalidInputError
from tests.datasets import make_run


def info(obs_id=1, **changes):
    sound = {"ontime_s": 1000, "livetime_s": 930, "header_ontime_s": 1000, "header_livetime_s": 930}
    return RunInfo(obs_id, **sound | changes)


def test_a_sound_run_is_not_flagged():
    found = times(info())
    assert (found.flagged, found.unknown) == ({}, {})
    assert (found.livetime_difference[0], found.ontime_difference[0]) == (0, 0)


def test_a_doubled_livetime_is_flagged_with_the_numbers():
    found = times([info(1), info(2, header_livetime_s=1860)])
    assert found.flagged == {2: "LIVETIME is 1860 s, but the good time intervals times DEADC are 930 s (+100 %)"}
    np.testing.assert_allclose(found.livetime_difference, [0, 1])
    np.testing.assert_array_equal(found.header_livetime, [930, 1860])


def test_both_can_be_wrong():
    found = times(info(header_ontime_s=900, header_livetime_s=800))
    assert found.flagged[1].count(";") == 1
    assert "ONTIME is 900 s, but the good time intervals are 1000 s (-10 %)" in found.flagged[1]


@pytest.mark.parametrize(("seconds", "flagged"), [(1009.9, False), (1010.1, True), (990.1, False), (989.9, True)])
def test_one_percent_is_the_limit(seconds, flagged):
    assert bool(times(info(header_ontime_s=seconds)).flagged) is flagged


def test_unknown_is_said_and_not_flagged():
    found = times([info(1, header_livetime_s=np.nan), info(2, livetime_s=np.nan), info(3)])
    assert found.flagged == {}
    assert found.unknown == {
        1: "LIVETIME cannot be compared: the header has none",
        2: "LIVETIME cannot be compared: the good time intervals times DEADC are not known",
    }
    assert np.isnan(found.livetime_difference[:2]).all()


def test_good_time_of_nothing_against_a_header_that_claims_some():
    found = times([info(1, ontime_s=0, livetime_s=0), info(2, ontime_s=0, header_ontime_s=0)])
    assert np.isinf(found.ontime_difference[0])
    assert "LIVETIME is 930 s" in found.flagged[1]
    assert found.flagged.get(2) is None


def test_datasets_observations_and_records_say_the_same():
    dataset = make_run("obs-5").replace(run_info=info(5, header_ontime_s=2000))
    assert times(dataset).flagged == times([dataset.run_info]).flagged
    assert "+100 %" in times(dataset).flagged[5]


def test_the_real_runs_are_sound(hess_dl3_dr1):
    found = times(DataStore.from_dir(hess_dl3_dr1).get_observations())
    assert len(found.obs_id) == 40
    assert (found.flagged, found.unknown) == ({}, {})
    assert np.abs(found.livetime_difference).max() < 1e-6


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([make_run("obs-1")], "dataset 'obs-1' does not know"),
        ([3], "found 3"),
        (3, "found 3"),
        ([], "there are no runs"),
    ],
)
def test_what_knows_no_run_is_refused(given, found):
    with pytest.raises(InvalidInputError, match=found):
        times(given)


def test_the_record_names_what_is_wrong():
    found = times([info(1), info(2, header_livetime_s=1860)])
    assert "run 2     : LIVETIME is 1860 s" in repr(found)
    assert found._repr_html_().startswith("<table><caption>Times</caption>")
