"""Good time intervals."""

from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from fovnb.data import GTI
from fovnb.errors import DataError, InvalidInputError
from tests.dl3 import gti_hdu

INTERVALS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), max_size=12)


def gti(*intervals, ref="2010-01-01"):
    times = np.array(intervals, dtype=float).reshape(-1, 2)
    return GTI.create(times[:, 0] * u.s, times[:, 1] * u.s, reference_time=ref)


def pairs(intervals):
    return list(zip(intervals.start_s.tolist(), intervals.stop_s.tolist(), strict=True))


def test_times_and_lengths():
    two = gti((0, 10), (20, 25))
    assert two.time_sum == 15 * u.s
    assert two.time_delta.to_value("s").tolist() == [10, 5]
    assert two.time_start[1].isot == "2010-01-01T00:00:20.000"
    assert two.time_stop[1].isot == "2010-01-01T00:00:25.000"
    assert two.table.colnames == ["START", "STOP"]
    assert len(two) == 2


def test_create_from_times_equals_create_from_durations():
    ref = Time("2010-01-01", scale="tt")
    from_times = GTI.create(ref + [0, 20] * u.s, ref + [10, 25] * u.s, reference_time=ref)
    np.testing.assert_allclose(pairs(from_times), [(0, 10), (20, 25)], atol=1e-9)


def test_default_reference_is_2000_in_tt():
    time_ref = GTI.create(0 * u.s, 1 * u.min).time_ref
    assert (time_ref.isot, time_ref.scale) == ("2000-01-01T00:00:00.000", "tt")


def test_union_by_hand():
    assert pairs(gti((20, 25), (0, 10), (5, 12)).union()) == [(0, 12), (20, 25)]
    assert pairs(gti((0, 30), (5, 12), (13, 14)).union()) == [(0, 30)], "a long interval swallows what follows"
    assert pairs(gti((0, 1), (1, 2)).union()) == [(0, 2)]
    assert pairs(gti((0, 1), (1, 2)).union(merge_equal=False)) == [(0, 1), (1, 2)]
    assert pairs(gti().union()) == []


def test_union_refuses_overlaps_on_request():
    with pytest.raises(InvalidInputError, match="1 of 2 time intervals overlap"):
        gti((0, 10), (5, 12)).union(overlap_ok=False)
    assert len(gti((0, 10), (11, 12)).union(overlap_ok=False)) == 2


@given(INTERVALS)
def test_union_covers_the_same_seconds_once(intervals):
    joined = pairs(gti(*[(start, start + length) for start, length in intervals]).union())
    covered = {second for start, length in intervals for second in range(start, start + length)}
    assert {second for start, stop in joined for second in range(int(start), int(stop))} == covered
    assert all(stop < start for (_, stop), (start, _) in pairwise(joined))


def test_union_and_copy_leave_the_original_alone():
    first = gti((0, 10), (5, 12))
    before = pairs(first)
    first.union()
    first.copy().stack(gti((30, 40)))
    assert pairs(first) == before


def test_stack_appends_at_the_own_reference_time():
    first, other = gti((0, 10)), gti((0, 5), ref="2010-01-02")
    first.stack(other)
    np.testing.assert_allclose(pairs(first), [(0, 10), (86400, 86405)], atol=1e-9)
    assert pairs(other) == [(0, 5)]


def test_stack_minds_the_time_scales():
    first = GTI.create([] * u.s, [] * u.s, reference_time=Time("2000-01-01", scale="utc"))
    first.stack(GTI.create(0 * u.s, 5 * u.s, reference_time=Time("2000-01-01", scale="tt")))
    assert first.start_s[0] == pytest.approx(-64.184, abs=1e-6), "TT was 64.184 s ahead of UTC"


def test_written_and_read_again():
    first = gti((0, 10), (20, 25), ref=Time("2010-01-01T01:02:03.456", scale="tt"))
    again = GTI.from_table_hdu(first.to_table_hdu())
    assert pairs(again) == pairs(first)
    assert abs((again.time_ref - first.time_ref).to_value("s")) < 1e-9
    assert again.time_ref.scale == "tt"


def test_empty_list_is_written_and_read_again():
    assert len(GTI.from_table_hdu(gti().to_table_hdu())) == 0


@pytest.mark.parametrize(
    ("own", "general", "seconds"), [("s", "d", 1), ("", "d", 86400), ("h", "s", 3600), ("", None, 1)]
)
def test_unit_of_the_column_counts_then_that_of_the_header(own, general, seconds):
    hdu = gti_hdu()
    hdu.data["START"], hdu.data["STOP"] = 50, 60
    hdu.columns["START"].unit = hdu.columns["STOP"].unit = own
    del hdu.header["TIMEUNIT"]
    if general:
        hdu.header["TIMEUNIT"] = general
    assert GTI.from_table_hdu(hdu).start_s[0] == 50 * seconds


def test_impossible_unit():
    hdu = gti_hdu()
    hdu.columns["STOP"].unit = "m"
    with pytest.raises(DataError, match="STOP of the GTI is in 'm'"):
        GTI.from_table_hdu(hdu)


def test_bad_input():
    with pytest.raises(InvalidInputError, match="is no time"):
        GTI.create(0 * u.m, 1 * u.m)
    with pytest.raises(InvalidInputError, match="one length"):
        GTI.create([0, 1] * u.s, [1] * u.s)


@pytest.mark.parametrize(("key", "value"), [("MJDREFI", None), ("MJDREFF", "x"), ("TIMESYS", "moon")])
def test_bad_time_keywords(key, value):
    hdu = gti_hdu()
    del hdu.header[key]
    if value is not None:
        hdu.header[key] = value
    with pytest.raises(DataError, match=key):
        GTI.from_table_hdu(hdu)


def test_prints():
    assert repr(gti((0, 10))).splitlines()[2:4] == ["  intervals : 1", "  duration  : 10.0 s"]
    assert "<td>1</td>" in gti((0, 10))._repr_html_()
    assert "intervals : 0" in repr(gti())


def test_the_reference_time_of_a_copy_is_its_own():
    first = gti((0, 10))
    form = first.time_ref.format
    first.copy().time_ref.format = "jd"
    assert first.time_ref.format == form != "jd"
