"""A small recipe on simulated runs, and what it comes to with the makers alone."""

import numpy as np

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.demo import make_demo
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from fovnb.maps import MapAxis, WcsGeom
from fovnb.modeling.models import PowerLawNormSpectralModel
from fovnb.pipeline import Results
from fovnb.recipe import (
    Circle,
    Cube,
    Data,
    EnergyBounds,
    Exclusion,
    Geometry,
    Recipe,
)

CUBE = Cube(
    energy=EnergyBounds(0.6, 10.0, 2),
    energy_true=EnergyBounds(0.4, 20.0, 3),
    geometry=Geometry(width_deg=(4.0, 4.0), binsz_deg=0.1),
)
CIRCLE = Circle(83.6333, 22.0145, 0.3, name="source")
RECIPE = Recipe(data=Data(demo_runs=3), cube=CUBE, exclusion=Exclusion((CIRCLE,)))
MAPS = ("counts", "background", "exposure", "mask_safe", "mask_exclusion")


def computed(results: Results) -> dict[str, int]:
    """Return how many values each step computed."""
    return {name: step.computed for name, step in results.timings.steps.items() if step.computed}


def by_hand(recipe: Recipe = RECIPE, block: int | None = None) -> tuple[list[MapDataset], MapDataset]:
    """Return datasets and stack of the recipe above, with the makers alone."""
    energy = MapAxis.from_energy_bounds("0.6 TeV", "10 TeV", nbin=2)
    true = MapAxis.from_energy_bounds("0.4 TeV", "20 TeV", nbin=3, name="energy_true")
    geom = WcsGeom.create(skydir=(83.6333, 22.0145), width=4, binsz=0.1, axes=[energy])
    stacked = MapDataset.create(geom, energy_axis_true=true)
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    from fovnb.steps.expressions import evaluate
    from fovnb.steps.sky import sky_region

    mask = geom.region_mask([evaluate(sky_region(CIRCLE), {})], inside=False)
    makers = SafeMaskMaker(["aeff-default", "offset-max"], "2.5 deg"), FoVBackgroundMaker("fit", mask, model)
    runs = []
    for observation in DataStore.from_dir(make_demo(runs=recipe.data.demo_runs)).get_observations():
        made = MapDatasetMaker().run(stacked, observation)
        runs.append(makers[1].run(makers[0].run(made, observation)))
    for start in range(0, len(runs), block or len(runs)):
        part = MapDataset.create(geom, energy_axis_true=true, name="block")
        for run in runs[start : start + (block or len(runs))]:
            (stacked if block is None else part).stack(run)
        if block is not None:
            stacked.stack(part)
    return runs, stacked


def assert_equal(found: MapDataset, expected: MapDataset) -> None:
    for name in MAPS:
        a, b = getattr(found, name), getattr(expected, name)
        assert a.data.dtype == b.data.dtype, name
        np.testing.assert_array_equal(a.data, b.data, err_msg=name)
        assert a.geom == b.geom
    for one, other in ((found.psf, expected.psf), (found.edisp, expected.edisp)):
        for name in ("psf_map", "edisp_map"):
            if hasattr(one, name):
                np.testing.assert_array_equal(getattr(one, name).data, getattr(other, name).data)
        np.testing.assert_array_equal(one.exposure_map.data, other.exposure_map.data)
    np.testing.assert_array_equal(found.gti.start_s, expected.gti.start_s)
    assert found.exposure.meta["livetime"] == expected.exposure.meta["livetime"]
    for name in expected.ledger.colnames:
        np.testing.assert_array_equal(found.ledger[name], expected.ledger[name], err_msg=name)
