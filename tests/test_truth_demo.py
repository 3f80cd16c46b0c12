"""What is fitted to 200 simulated runs agrees with what was put into them."""

from dataclasses import dataclass

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.demo.analysis import exclusion_regions
from fovnb.demo.instrument import Irfs, make_irfs
from fovnb.demo.simulate import DEADC, ONTIME, SOURCES, RunPlan, draw_background, draw_source, plan_run
from fovnb.diagnostics import gradient
from fovnb.irf import Background3D
from fovnb.makers import FoVBackgroundMaker
from fovnb.makers.utils import make_map_background_irf
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.models import FoVGradientSpatialModel, PiecewiseNormSpectralModel, PowerLawNormSpectralModel
from fovnb.types import FloatArray

RUNS, FIELDS = 200, 8
MEAN = 3 / np.sqrt(RUNS)
WIDTH = 3 / np.sqrt(2 * RUNS)
ENERGY = MapAxis.from_energy_bounds("1 TeV", "8 TeV", nbin=4)
GRADIENT = (0.08, -0.05)
OFFSET_MAX_DEG = 2.0


@dataclass(frozen=True)
class Field:
    """Where a run points: its responses and the dataset without counts."""

    plan: RunPlan
    irfs: Irfs
    bkg: Background3D
    empty: MapDataset
    exclusion: Map


@dataclass(frozen=True)
class Simulated:
    """A run without gradient, the same with `GRADIENT`, what was put in, and the exclusion mask."""

    sound: MapDataset
    tilted: MapDataset
    norm: float
    tilt: float
    exclusion: Map


def make_field(index: int) -> Field:
    """Return the field of the run number `index` of the demo, on coarse pixels around its pointing."""
    plan = plan_run(index, np.random.default_rng(0))
    irfs = make_irfs(90 - plan.alt_deg)
    geom = WcsGeom.create(skydir=plan.pointing, width=2 * OFFSET_MAX_DEG + 0.2, binsz=0.1, proj="TAN", axes=[ENERGY])
    safe = np.broadcast_to(geom.separation(plan.pointing).deg < OFFSET_MAX_DEG, geom.data_shape).copy()
    empty = MapDataset(
        background=make_map_background_irf(plan.pointing, ONTIME * u.s, irfs.bkg, geom),
        mask_safe=Map.from_geom(geom, data=safe),
        run_info=RunInfo(plan.obs_id, ra_deg=plan.ra_deg, dec_deg=plan.dec_deg),
    )
    return Field(plan, irfs, between(irfs.bkg), empty, geom.region_mask(exclusion_regions(), inside=False))


def between(bkg: Background3D) -> Background3D:
    """Return the response at the nodes around the energies that are analysed: nothing else need be drawn."""
    edges = bkg.axes["energy"].edges
    first, last = np.searchsorted(bkg.axes["energy"].center, ENERGY.edges[[0, -1]])
    nodes = slice(first - 1, last + 1)
    axis = MapAxis.from_energy_edges(edges[first - 1 : last + 2])
    return Background3D(axes=[axis, *list(bkg.axes)[1:]], data=bkg.data[nodes], unit=bkg.unit)


def simulate(index: int, field: Field) -> Simulated:
    """Return a run with norm and tilt drawn as the demo draws them."""
    rng, plan, geom = np.random.default_rng([2024, index]), field.plan, field.empty.geom
    norm, tilt = float(np.exp(rng.normal(0, 0.15))), float(rng.normal(0, 0.1))
    # A density with a gradient is a higher one without, thinned.
    bound = 1 + np.hypot(*GRADIENT) * 4.3
    energy, x, y = draw_background(field.bkg, bound * norm, tilt, ONTIME, rng)
    position = SkyCoord(-x, y, unit="deg", frame=plan.pointing.skyoffset_frame()).icrs
    pixels = np.array(geom.coord_to_idx({"energy": energy * u.TeV, "skycoord": position}))
    chance = rng.random(energy.size) * bound
    signal = Map.from_geom(geom)
    for source in SOURCES:
        tev, where = draw_source(source, field.irfs, plan.pointing, ONTIME * DEADC, rng)
        signal.fill_by_coord({"energy": tev * u.TeV, "skycoord": where})

    def run(density: float | FloatArray) -> MapDataset:
        counts = signal.copy()
        counts.fill_by_idx(tuple(pixels[:, chance < density]))
        return field.empty.replace(counts=counts, name=f"obs-{index}")

    return Simulated(run(1.0), run(1 + GRADIENT[0] * x + GRADIENT[1] * y), norm, tilt, field.exclusion)


@pytest.fixture(scope="module")
def simulated() -> list[Simulated]:
    fields = [make_field(index) for index in range(FIELDS)]
    return [simulate(index, fields[index % FIELDS]) for index in range(RUNS)]


@pytest.fixture(scope="module")
def sound(simulated) -> list[MapDataset]:
    return [fitted(one.sound, one.exclusion) for one in simulated]


@pytest.fixture(scope="module")
def tilted(simulated) -> list[MapDataset]:
    return [fitted(one.tilted, one.exclusion) for one in simulated]


def fitted(run: MapDataset, exclusion: Map, **models: object) -> MapDataset:
    models = {"spectral_model": power_law()} | models
    return FoVBackgroundMaker(method="fit", exclusion_mask=exclusion, **models).run(run)


def power_law() -> PowerLawNormSpectralModel:
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    return model


def found(fit: BackgroundFit | None, name: str) -> tuple[float, float]:
    assert fit is not None
    assert fit.status == "ok", fit.reason
    i = fit.parameter_names.index(name)
    return float(fit.values[i]), float(fit.errors[i])


def assert_pulls_are_normal(values_errors: list[tuple[float, float]], truths: list[float]) -> None:
    values, errors = np.array(values_errors).T
    pulls = (values - truths) / errors
    assert pulls.mean() == pytest.approx(0, abs=MEAN)
    assert pulls.std(ddof=1) == pytest.approx(1, abs=WIDTH)


def test_norm_and_tilt_are_those_of_the_truth(simulated, sound):
    fits = [run.background_fit for run in sound]
    norms, tilts = ([found(fit, name) for fit in fits] for name in ("norm", "tilt"))
    assert_pulls_are_normal(norms, [one.norm for one in simulated])
    assert_pulls_are_normal(tilts, [one.tilt for one in simulated])
    with pytest.raises(AssertionError):
        assert_pulls_are_normal(norms, [1.02 * one.norm for one in simulated])
    with pytest.raises(AssertionError):
        assert_pulls_are_normal(tilts, [-one.tilt for one in simulated])


def test_norms_of_single_bins_are_those_of_the_truth(simulated):
    model = PiecewiseNormSpectralModel(ENERGY.center)
    fits = [fitted(one.sound, one.exclusion, spectral_model=model).background_fit for one in simulated]
    low, high = ENERGY.edges[:-1].to_value("TeV"), ENERGY.edges[1:].to_value("TeV")

    def integral(slope: float) -> np.ndarray:
        return (low**-slope - high**-slope) / slope

    truths = np.array([one.norm * integral(1.7 + one.tilt) / integral(1.7) for one in simulated])
    for k in range(ENERGY.nbin):
        assert_pulls_are_normal([found(fit, f"norm_{k}") for fit in fits], truths[:, k].tolist())


def test_a_background_without_gradient_has_none(sound):
    found = [gradient(run) for run in sound]
    assert_pulls_are_normal([(one.gx, one.errors[0]) for one in found], [0.0] * RUNS)
    assert_pulls_are_normal([(one.gy, one.errors[1]) for one in found], [0.0] * RUNS)
    p_values = np.sort([one.p_value for one in found])
    assert np.max(np.abs(p_values - (np.arange(RUNS) + 0.5) / RUNS)) < 1.63 / np.sqrt(RUNS)  # Kolmogorov, 1 %


def test_a_gradient_is_found_with_sign_and_axis(tilted):
    found = [gradient(run) for run in tilted]
    gx, gy = ([(getattr(one, name), one.errors[i]) for one in found] for i, name in enumerate(("gx", "gy")))
    assert_pulls_are_normal(gx, [GRADIENT[0]] * RUNS)
    assert_pulls_are_normal(gy, [GRADIENT[1]] * RUNS)
    for wrong in (-GRADIENT[0], GRADIENT[1], 0.0):
        with pytest.raises(AssertionError):
            assert_pulls_are_normal(gx, [wrong] * RUNS)


def test_a_gradient_fitted_with_the_norm_is_that_of_the_truth(simulated):
    spatial = FoVGradientSpatialModel()
    fits = [fitted(one.tilted, one.exclusion, spatial_model=spatial).background_fit for one in simulated]
    for name, truth in zip(("gx", "gy"), GRADIENT, strict=True):
        assert_pulls_are_normal([found(fit, name) for fit in fits], [truth] * RUNS)
    assert_pulls_are_normal([found(fit, "norm") for fit in fits], [one.norm for one in simulated])
    assert_pulls_are_normal([found(fit, "tilt") for fit in fits], [one.tilt for one in simulated])
