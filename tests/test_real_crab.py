"""Four real runs on the Crab nebula: what their backgrounds are known to be, with the source masked and not."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.diagnostics import alignment, gradient, significance_histogram, verdicts
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from fovnb.makers.utils import make_map_background_irf
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.models import PowerLawNormSpectralModel

OBS_IDS = [23523, 23526, 23559, 23592]
NAMES = tuple(f"obs-{obs_id}" for obs_id in OBS_IDS)
CRAB = SkyCoord(83.63, 22.01, unit="deg")
RADIUS = 0.35 * u.deg
ENERGY = MapAxis.from_energy_bounds("1 TeV", "30 TeV", nbin=6)
GEOM = WcsGeom.create(skydir=CRAB, width=8, binsz=0.02, proj="CAR", frame="icrs", axes=[ENERGY])
TURNS = {
    "longitude": lambda data: data[:, ::-1],
    "latitude": lambda data: data[:, :, ::-1],
    "axes": lambda data: np.swapaxes(data, 1, 2),
    "axes, both turned": lambda data: np.swapaxes(data[:, ::-1, ::-1], 1, 2),
}


@pytest.fixture(scope="module")
def store(hess_dl3_dr1) -> DataStore:
    return DataStore.from_dir(hess_dl3_dr1)


def reduced(store: DataStore, obs_id: int, geom: WcsGeom = GEOM, offset_max: str = "2 deg") -> MapDataset:
    run = store.obs(obs_id)
    dataset = MapDatasetMaker(["counts", "background"]).run(MapDataset(counts=Map.from_geom(geom)), run)
    return SafeMaskMaker(["aeff-default", "offset-max"], offset_max=offset_max).run(dataset, run)


def fitted(runs: list[MapDataset], mask: Map | None) -> list[MapDataset]:
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    maker = FoVBackgroundMaker(method="fit", exclusion_mask=mask, spectral_model=model)
    return [maker.run(run) for run in runs]


def mask(shift: u.Quantity = 0 * u.deg, angle: u.Quantity = 0 * u.deg) -> Map:
    """Return the mask around the Crab nebula, moved towards a position angle."""
    return GEOM.region_mask([CircleSkyRegion(CRAB.directional_offset_by(angle, shift), RADIUS)], inside=False)


@pytest.fixture(scope="module")
def runs(store) -> list[MapDataset]:
    return [reduced(store, obs_id) for obs_id in OBS_IDS]


@pytest.fixture(scope="module")
def masked(runs) -> list[MapDataset]:
    return fitted(runs, mask())


@pytest.fixture(scope="module")
def unmasked(runs) -> list[MapDataset]:
    return fitted(runs, None)


def norms(datasets: list[MapDataset]) -> list[float]:
    fits = [run.background_fit for run in datasets]
    assert all(fit is not None and fit.status == "ok" and fit.dof == 4 for fit in fits)
    return [float(fit.values[fit.parameter_names.index("norm")]) for fit in fits]


def worst(datasets: list[MapDataset]) -> tuple[float, float]:
    """Return the component of a gradient that is most errors from 0, and its error."""
    found = [gradient(run) for run in datasets]
    parts = [pair for one in found for pair in zip((one.gx, one.gy), one.errors, strict=True)]
    value, error = max(parts, key=lambda pair: abs(pair[0] / pair[1]))
    return float(value), float(error)


def widths(datasets: list[MapDataset]) -> list[float]:
    edges = ENERGY.edges[[0, -1]]
    return [float(significance_histogram(run, edges, toys=2).std[0]) for run in datasets]


def flags(datasets: list[MapDataset]) -> set[str]:
    found = verdicts(datasets)
    return {flag.diagnostic for one in (*found.runs, found.all_runs) for flag in one.flags}


def test_with_the_source_masked_everything_is_as_known(masked):
    assert norms(masked) == pytest.approx([0.826, 0.929, 0.843, 0.856], abs=0.003)
    assert worst(masked) == pytest.approx((-0.059, 0.027), abs=0.002)
    assert min(widths(masked)) == pytest.approx(1.01, abs=0.015)
    assert max(widths(masked)) == pytest.approx(1.07, abs=0.015)


def test_with_the_source_left_in_everything_is_as_known(unmasked):
    assert norms(unmasked) == pytest.approx([0.909, 1.040, 0.927, 0.937], abs=0.003)
    assert worst(unmasked) == pytest.approx((-0.147, 0.025), abs=0.002)
    assert min(widths(unmasked)) == pytest.approx(1.34, abs=0.015)
    assert max(widths(unmasked)) == pytest.approx(1.44, abs=0.02)


def test_masked_runs_are_sound(masked):
    found = verdicts(masked)
    assert found.sound
    assert [run.sentence for run in found.runs] == ["sound: nothing odd in 8 tests"] * 4


def test_a_source_that_was_not_masked_is_named_in_each_run(unmasked):
    found = verdicts(unmasked)
    assert found.flagged == NAMES
    assert all("significance_histogram" in {flag.diagnostic for flag in run.flags} for run in found.runs)
    assert "gradient 0.149" in found.runs[-1].sentence
    assert "a source outside the mask" in found.runs[-1].sentence
    assert {"gradient", "radial_profile", "wobble"} <= {flag.diagnostic for flag in found.survey}


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_mask_shifted_by_its_radius_shows_in_gradient_and_width(runs, angle):
    assert {"gradient", "significance_histogram"} <= flags(fitted(runs, mask(RADIUS, angle * u.deg)))


@pytest.mark.parametrize("name", TURNS)
def test_a_wrong_axis_of_the_background_is_flagged_by_alignment(runs, store, name):
    turned = []
    for obs_id, run in zip(OBS_IDS, runs, strict=True):
        observed = store.obs(obs_id)
        bkg = replace(observed.bkg, data=TURNS[name](observed.bkg.data))
        duration, pointing = observed.observation_time_duration, observed.pointing.fixed_icrs
        turned.append(run.replace(background=make_map_background_irf(pointing, duration, bkg, GEOM)))
    assert "alignment" in flags(fitted(turned, mask()))


def test_times_that_disagree_are_named(masked):
    info = masked[1].run_info
    wrong = masked[1].replace(run_info=replace(info, header_livetime_s=1.02 * info.livetime_s))
    found = verdicts([masked[0], wrong, *masked[2:]])
    assert found.flagged == NAMES[1:2]
    assert [flag.diagnostic for flag in found.runs[1].flags] == ["times"]


def test_the_background_of_all_runs_lies_as_stated(store):
    datasets = []
    for run in store.get_observations():
        axis = MapAxis.from_energy_bounds("0.5 TeV", "30 TeV", nbin=6)
        geom = WcsGeom.create(skydir=run.pointing.fixed_icrs, width=5, binsz=0.1, proj="TAN", axes=[axis])
        datasets.append(reduced(store, run.obs_id, geom, "2.5 deg"))
    found = alignment(datasets)
    assert len(found.obs_ids) == 40
    assert found.total[1:].min() > 160
    assert found.better == ""
