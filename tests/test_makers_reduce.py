"""The loop over runs: whatever a run does, the others go on, and its row says what happened."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u

from fovnb.data import DataStore, Observations
from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker, reduce_observations, stack_observations
from fovnb.maps import MapAxis, WcsGeom
from tests.dl3 import run, write_dl3

ENERGY = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
REFERENCE = MapDataset.create(WcsGeom.create(skydir=(83.63, 22.01), width=3, binsz=0.1, axes=[ENERGY]))
MAKERS = (MapDatasetMaker(), SafeMaskMaker(methods=["offset-max"], offset_max="1 deg"), FoVBackgroundMaker())


@pytest.fixture(scope="module")
def observations(tmp_path_factory: pytest.TempPathFactory) -> Observations:
    """Four runs: sound, elsewhere on the sky, without its background response, without events."""
    folder: Path = tmp_path_factory.mktemp("dl3")
    broken = run(3, drop=["BKG"])
    write_dl3(folder, [run(1), run(2, pointing=(200.0, -40.0)), broken, run(4, n_events=0)])
    return DataStore.from_dir(folder).get_observations([1, 2, 3, 4])


def test_every_run_has_its_row_and_the_sound_one_its_data(observations):
    with pytest.warns(FovnbWarning, match="adds nothing to a stack") as said:
        stacked = stack_observations(observations, REFERENCE, MAKERS)
    assert len(said) == 3
    ledger = stacked.ledger
    assert list(ledger["OBS_ID"]) == [1, 2, 3, 4]
    assert list(ledger["status"]) == ["scaled", "outside", "unreadable", "too-few-counts"]
    assert list(ledger["livetime"].to_value("s")) == pytest.approx([1620] * 4)
    assert list(ledger["livetime_used"].to_value("s")) == pytest.approx([1620, 0, 0, 0])
    assert "BKG" in ledger["reason"][2] or "bkg" in ledger["reason"][2]
    assert stacked.gti.time_sum == 1800 * u.s


def test_it_is_the_plain_loop(observations):
    first = observations[0]
    by_hand = MAKERS[2].run(MAKERS[1].run(MAKERS[0].run(REFERENCE, first), first))
    (made,) = reduce_observations([first], REFERENCE, MAKERS)
    np.testing.assert_array_equal(made.counts.data, by_hand.counts.data)
    np.testing.assert_array_equal(made.npred_background().data, by_hand.npred_background().data)
    assert REFERENCE.counts.data.sum() == 0


def test_any_exception_is_the_runs_own(observations):
    class Broken:
        def run(self, dataset, observation):
            if observation.obs_id == 1:
                1 / 0  # noqa: B018 - that is what it is to do
            return dataset

    with pytest.warns(FovnbWarning, match="ZeroDivisionError: division by zero"):
        made = list(reduce_observations(observations[:1], REFERENCE, [MapDatasetMaker(), Broken()]))
    assert made[0].background_fit.status == "unreadable"
    assert made[0].ledger["RA_PNT"][0].to_value("deg") == pytest.approx(83.63)


def test_progress_wraps_the_runs(observations):
    seen = []

    def progress(runs):
        for one in runs:
            seen.append(one.obs_id)
            yield one

    list(reduce_observations(observations[:1], REFERENCE, MAKERS, progress))
    assert seen == [1]


def test_what_is_no_maker_is_refused_before_anything_is_read():
    with pytest.raises(InvalidInputError, match="no maker"):
        reduce_observations([], REFERENCE, [MapDatasetMaker])
    with pytest.raises(InvalidInputError, match="no maker"):
        reduce_observations([], REFERENCE, ["fit"])


def test_a_maker_that_returns_something_else_costs_its_run_alone(observations):
    class Nothing:
        def run(self, *_):
            return None

    class Elsewhere:
        def run(self, *_):
            return MapDataset.create(WcsGeom.create(skydir=(10, 10), width=3, binsz=0.1, axes=[ENERGY]), name="obs-1")

    for maker, status in ((Nothing(), "unreadable"), (Elsewhere(), "outside")):
        with pytest.warns(FovnbWarning, match=f"obs-1: {status}"):
            ledger = stack_observations(observations[:1], REFERENCE, [maker]).ledger
        assert list(ledger["status"]) == [status]
