"""What a safe mask keeps: against the maker's own mask, on a simulated run."""

import numpy as np
import pytest
from astropy import units as u

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.demo import make_demo
from fovnb.diagnostics.pointings import pointings
from fovnb.diagnostics.safe_spectra import safe_spectra
from fovnb.errors import InvalidInputError
from fovnb.makers import MapDatasetMaker, SafeMaskMaker
from fovnb.maps import MapAxis, WcsGeom
from tests.datasets import make_geom


@pytest.fixture(scope="module")
def observation():
    return DataStore.from_dir(make_demo()).get_observations()[0]


@pytest.fixture(scope="module")
def run(observation):
    axis = MapAxis.from_energy_bounds("0.4 TeV", "10 TeV", nbin=5)
    geom = WcsGeom.create(skydir=(83.63, 22.01), width=5, binsz=0.2, axes=[axis])
    return MapDatasetMaker(["counts", "background"]).run(MapDataset.create(geom), observation)


class TestSafeSpectra:
    @pytest.mark.parametrize("methods", [("aeff-default", "offset-max"), ("offset-max",), ()])
    def test_keeps_what_the_mask_of_the_maker_keeps(self, run, observation, methods):
        maker = SafeMaskMaker(methods, "1.5 deg")
        found, mask = safe_spectra(run, observation, maker), maker.run(run, observation).mask_safe.data
        np.testing.assert_allclose(found.counts_safe, np.sum(run.counts.data * mask, axis=(1, 2)), rtol=1e-6)
        np.testing.assert_allclose(found.background_safe, np.sum(run.background.data * mask, axis=(1, 2)), rtol=1e-6)
        assert found.chosen == methods

    def test_a_mask_that_is_there_already_changes_nothing(self, run, observation):
        maker = SafeMaskMaker(("aeff-default", "offset-max"), "1.5 deg")
        found, again = (safe_spectra(one, observation, maker) for one in (run, maker.run(run, observation)))
        np.testing.assert_array_equal(found.counts, again.counts)
        np.testing.assert_array_equal(found.counts_safe, again.counts_safe)

    def test_each_method_is_seen_chosen_or_not(self, run, observation):
        found = safe_spectra(run, observation, SafeMaskMaker((), "1.5 deg"))
        low, _ = found.threshold_tev
        assert low == observation.aeff.meta["LO_THRES"]
        np.testing.assert_array_equal(found.passed["aeff-default"], found.energy_edges[:-1] >= low)
        assert np.all((found.passed["offset-max"] > 0) & (found.passed["offset-max"] < 1))
        np.testing.assert_array_equal(found.counts_safe, found.counts)

    def test_a_larger_offset_lets_more_through_and_a_huge_one_all(self, run, observation):
        shares = [
            safe_spectra(run, observation, SafeMaskMaker((), f"{x} deg")).passed["offset-max"] for x in (1, 2, 50)
        ]
        assert np.all(shares[0] < shares[1])
        np.testing.assert_allclose(shares[2], 1)

    def test_exposure_and_bias_are_those_of_the_responses(self, run, observation):
        found = safe_spectra(run, observation, SafeMaskMaker(()))
        i = int(np.argmin(np.abs(found.energy_true - 3)))
        area = observation.aeff.evaluate(energy_true=found.energy_true[i] * u.TeV, offset="0 deg")
        expected = (area * observation.observation_live_time_duration).to_value("m2 s")
        assert found.exposure[i] == pytest.approx(expected, rel=1e-12)
        migra = observation.edisp.axes["migra"]
        density = observation.edisp.evaluate(
            energy_true=found.energy_true[i] * u.TeV, migra=migra.center, offset="0 deg"
        ).value
        assert found.bias[i] == pytest.approx(np.average(migra.center.value, weights=density) - 1, abs=1e-9)


class TestPointings:
    def test_of_known_places(self):
        """On the meridian of the centre, latitude alone differs; on its parallel, R.A. shrinks with the cosine."""
        table = {"OBS_ID": [3, 5, 7], "RA_PNT": [83.63, 84.63, np.nan], "DEC_PNT": [23.51, 22.01, np.nan]}
        found = pointings(table, make_geom(), chosen=[5, 99])
        np.testing.assert_allclose(found.x, [0, np.cos(np.deg2rad(22.01)), np.nan], atol=2e-4)
        np.testing.assert_allclose(found.y, [1.5, 0, np.nan], atol=4e-3)
        np.testing.assert_allclose(found.offset_deg[:2], [1.5, found.x[1]], rtol=1e-4)
        assert found.chosen.tolist() == [False, True, False]

    def test_the_outline_is_the_border_of_the_map(self):
        found = pointings({"OBS_ID": [], "RA_PNT": [], "DEC_PNT": []}, make_geom(width=2.0))
        np.testing.assert_allclose(np.abs(found.outline).max(axis=1), [1, 1], atol=0.01)
        np.testing.assert_allclose(found.outline[:, 0], found.outline[:, -1], atol=1e-9)

    def test_a_missing_column_is_named(self):
        with pytest.raises(InvalidInputError, match="no column RA_PNT"):
            pointings({"OBS_ID": [1]}, make_geom())

    def test_all_runs_are_chosen_unless_some_are(self):
        table = {"OBS_ID": [3, 5], "RA_PNT": [83.63, 84.63] * u.deg, "DEC_PNT": [22.0, 22.0] * u.deg}
        assert pointings(table, make_geom()).chosen.all()
        assert not pointings(table, make_geom(), chosen=[]).chosen.any()
