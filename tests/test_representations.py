"""Every public object prints: a short, stable text for the terminal, an escaped table for the notebook."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u

import fovnb
from fovnb import recipe
from fovnb.data import DataStore
from fovnb.datasets import Datasets
from fovnb.demo import SOURCES, RunTruth
from fovnb.demo.analysis import DemoResult
from fovnb.diagnostics import (
    Flag,
    Pointings,
    SafeSpectra,
    alignment,
    deviance_profile,
    fitted_spectrum,
    fov_residuals,
    goodness,
    gradient,
    identifiability,
    mask_scan,
    radial_profile,
    ratio_spectrum,
    residuals,
    significance_histogram,
    times,
    toys,
    trends,
    verdicts,
    wobble,
)
from fovnb.makers import (
    ExclusionMask,
    FoVBackgroundMaker,
    MapDatasetMaker,
    SafeMaskMaker,
    background_fraction,
    compare_norm_models,
    iterate_exclusion,
)
from fovnb.maps import MapCoord
from fovnb.modeling import Covariance, Fit, Parameter
from fovnb.modeling.background_fit import BackgroundFit, BackgroundSums
from fovnb.modeling.models import (
    ExpCutoffPowerLawNormSpectralModel,
    FoVBackgroundModel,
    FoVGradientSpatialModel,
    GaussianPrior,
    LogParabolaNormSpectralModel,
    Models,
    PiecewiseNormSpectralModel,
    PiecewisePowerLawNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)
from fovnb.pipeline import Given, Pipeline
from fovnb.plots import Panel
from fovnb.report import report
from tests.datasets import make_run
from tests.dl3 import run, write_dl3
from tests.surveys import Survey, fit_runs, make_survey

SMALL = recipe.Recipe(cube=recipe.Cube(geometry=recipe.Geometry(binsz_deg=0.2), selection=["counts", "background"]))
EVIL = "<script>alert('obs-1')</script>"
NODES = [1, 4] * u.TeV

NORMS: dict[str, Callable[[], Any]] = {
    "PowerLawNormSpectralModel": PowerLawNormSpectralModel,
    "PiecewiseNormSpectralModel": partial(PiecewiseNormSpectralModel, NODES),
    "LogParabolaNormSpectralModel": LogParabolaNormSpectralModel,
    "ExpCutoffPowerLawNormSpectralModel": ExpCutoffPowerLawNormSpectralModel,
    "TemplateNormSpectralModel": partial(TemplateNormSpectralModel, NODES, [1, 2]),
    "PiecewisePowerLawNormSpectralModel": partial(PiecewisePowerLawNormSpectralModel, NODES),
    "CompoundNormSpectralModel": lambda: PowerLawNormSpectralModel() * PowerLawNormSpectralModel(),
    "FoVGradientSpatialModel": FoVGradientSpatialModel,
    "GaussianPrior": partial(GaussianPrior, 1, 0.2),
}


def observation(folder: Path) -> Any:
    """Return a run whose file names its target with a script."""
    return DataStore.from_dir(write_dl3(folder, [run(header={"OBJECT": EVIL})])).obs(1)


def data(folder: Path) -> dict[str, Any]:
    """Return the parts of a data store and of a run, by class name."""
    one = observation(folder)
    store = DataStore.from_dir(folder)
    irfs = {type(irf).__name__: irf for irf in (one.aeff, one.edisp, one.psf, one.bkg)}
    return irfs | {
        "IRF": one.aeff,
        "DataStore": store,
        "Observations": store.get_observations(),
        "Observation": one,
        "EventList": one.events,
        "GTI": one.gti,
        "FixedPointingInfo": one.pointing,
        "ObservationMetaData": one.meta,
    }


def reduced(_: Path) -> dict[str, Any]:
    """Return maps, datasets, makers and what they return, by class name; names are hostile."""
    dataset = make_run(EVIL)
    geom = dataset.geom
    sums = BackgroundSums(np.array([1.0, 4.0]), np.array([12.0, 4]), np.array([10.0, 10]))
    fit = BackgroundFit(EVIL, "fit", "too-few-counts", EVIL)
    truth = RunTruth(*(0 for _ in inspect.signature(RunTruth).parameters))
    return {
        "WcsGeom": geom,
        "MapAxes": geom.axes,
        "MapAxis": geom.axes["energy"].copy(name=EVIL),
        "MapCoord": MapCoord.create({"lon": [1] * u.deg, "lat": [2] * u.deg}),
        "Map": dataset.counts,
        "PSFMap": dataset.psf,
        "EDispKernelMap": dataset.edisp,
        "MapDataset": dataset,
        "Datasets": Datasets([dataset]),
        "MapDatasetMaker": MapDatasetMaker(),
        "SafeMaskMaker": SafeMaskMaker(),
        "FoVBackgroundMaker": FoVBackgroundMaker(),
        "BackgroundSums": sums,
        "BackgroundFit": fit,
        "Residuals": residuals(dataset),
        "Panel": Panel(dataset.counts, EVIL),
        "PointSource": SOURCES[0],
        "RunTruth": truth,
        "DemoResult": DemoResult(dataset, (fit,), (truth,)),
    }


def diagnosed(_: Path) -> dict[str, Any]:
    """Return what diagnostics and masks return, by class name; names are hostile."""
    sound = fit_runs(make_survey(Survey(runs=5, counts=300, binsz_deg=0.2, nbin=2), np.random.default_rng(1))[0])
    runs = [one.replace(run_info=replace(one.run_info, target=EVIL)) for one in sound]
    first = runs[0]
    mask = ExclusionMask("icrs; circle(83.63, 22.01, 0.3)", names=[EVIL], origin=EVIL)
    history = iterate_exclusion(runs, FoVBackgroundMaker(method="fit"))
    found = [mask_scan(first, radii=[0.2, 0.4] * u.deg, position=first.geom.center_skydir), verdicts(runs, toys=5)]
    found += [ask(runs) for ask in (alignment, fov_residuals, gradient, ratio_spectrum, trends, wobble)]
    found += [ask(first) for ask in (goodness, identifiability, radial_profile, times)]
    found += [history, history.steps[0], mask, next(iter(mask)), background_fraction(first)]
    found += [first.ledger, first.run_info, compare_norm_models(first, ["pl-norm"]), report(runs[:1])]
    nothing, some = np.zeros(2), np.zeros(1)
    found += [Pointings((1,), some, some, some > 0, np.zeros((2, 1)), EVIL, (0.0, 0.0))]
    found += [SafeSpectra(EVIL, nothing, some, some, some, some, {EVIL: some}, (EVIL,), some, some, some, (0, 1), 2.5)]
    found += [fitted_spectrum(runs), deviance_profile(first.background_fit, "norm"), Given(runs)]
    found += [toys(first, 10, np.random.default_rng(1)), significance_histogram(first, toys=5), Flag("a", EVIL, 0.0)]
    return {type(record).__name__: record for record in found} | {"Verdict": verdicts(first, toys=5).runs[0]}


def modeled(_: Path) -> dict[str, Any]:
    """Return models, parameters and the results of a fit, by class name; names are hostile."""
    dataset = make_run("obs-1")
    dataset.models = [FoVBackgroundModel("obs-1", name=EVIL)]
    result = Fit().run(dataset)
    parameters = result.parameters
    return {name: make() for name, make in NORMS.items()} | {
        "NormSpectralModel": PowerLawNormSpectralModel(),
        "FoVBackgroundModel": FoVBackgroundModel(EVIL),
        "Models": Models(FoVBackgroundModel(EVIL)),
        "Parameter": Parameter(EVIL, 1),
        "Parameters": parameters,
        "Covariance": Covariance(parameters),
        "Fit": Fit(),
        "FitResult": result,
        "OptimizeResult": result.optimize_result,
        "CovarianceResult": result.covariance_result,
    }


def planned(_: Path) -> dict[str, Any]:
    """Return steps of recipes and what one came to, by class name; names are hostile."""
    circle = recipe.Circle(83.6, 22.0, 0.3, name=EVIL)
    some = recipe.Recipe(exclusion=recipe.Exclusion([circle]), data=recipe.Data(obs_ids=[1]))
    two = {"lon_deg": 83.6, "lat_deg": 22.0, "width_deg": 0.3, "height_deg": 0.2, "name": EVIL}
    nodes = (1.0, 4.0)
    steps = [
        circle,
        recipe.Annulus(83.6, 22.0, 0.2, 0.3, name=EVIL),
        recipe.Ellipse(**two),
        recipe.Rectangle(**two),
        recipe.Polygon((83, 84, 84), (22, 22, 23), name=EVIL),
        *(some, some.data, some.cube, some.safe_mask, some.exclusion, some.background, some.stack),
        *(some.cube.energy, some.cube.geometry, recipe.EnergyEdges(nodes), recipe.Selection(target=EVIL)),
        *(
            recipe.Cone(83.6, 22.0),
            recipe.Catalogue(f"{EVIL}.fits"),
            recipe.Suggestion(),
            recipe.Group(),
            recipe.Gradient(),
        ),
        *(recipe.Parameter(1.0, prior=recipe.Prior(1.0, 0.1)), recipe.Prior(1.0, 0.1), recipe.PowerLawNorm()),
        *(recipe.LogParabolaNorm(), recipe.ExpCutoffNorm(), recipe.PiecewiseNorm(), recipe.PiecewisePowerLawNorm()),
        *(recipe.TemplateNorm(nodes, nodes), recipe.ProductNorm((recipe.PowerLawNorm(), recipe.PowerLawNorm()))),
        recipe.field_info(recipe.Cone, "lon_deg"),
    ]
    pipeline = Pipeline(limit_bytes=10**9)
    return {type(one).__name__: one for one in [*steps, pipeline.run(SMALL), pipeline]}


NOT_SHOWN = {"Model", "SkyGrid"}  # a function in a class's clothes, and what geometries keep inside
LONGEST = {"ObservationMetaData": 60}  # a whole FITS header; all others have at most 20 lines
PACKAGES = [
    "codegen",
    "commands",
    "data",
    "datasets",
    "demo",
    "diagnostics",
    "irf",
    "makers",
    "maps",
    "modeling",
    "modeling.models",
    "pipeline",
    "plots",
    "recipe",
    "report",
    "steps",
]
DRAWN = ["plots.live", "widgets"]  # views, not records: tests of their own look at what they show
MODULES = ["demo.analysis", "modeling.background_fit"]


def public_classes() -> list[str]:
    """Return the classes that users import, but for exceptions and enumerations."""
    modules = [importlib.import_module(f"fovnb.{name}") for name in PACKAGES + MODULES]
    found = [getattr(module, name) for module in modules for name in getattr(module, "__all__", ())]
    classes = {thing for thing in found if inspect.isclass(thing) and not issubclass(thing, (Enum, Exception))}
    return sorted({cls.__name__ for cls in classes} - NOT_SHOWN)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return one object of every public class, made twice from scratch."""
    folder = tmp_path_factory.mktemp("dl3")
    return [data(folder) | reduced(folder) | modeled(folder) | diagnosed(folder) | planned(folder) for _ in range(2)]


def test_every_package_is_looked_at():
    modules = pkgutil.walk_packages(fovnb.__path__, "fovnb.")
    packages = [module.name.removeprefix("fovnb.") for module in modules if module.ispkg]
    assert set(packages) == {*PACKAGES, *DRAWN}


@pytest.mark.parametrize("name", public_classes())
def test_every_public_object_prints(twice, name):
    one, other = (objects[name] for objects in twice)
    for text in (repr(one), str(one)):
        assert text
        assert " at 0x" not in text
        assert "Quantity" not in text
        assert len(text.splitlines()) <= LONGEST.get(name, 20)
    assert (repr(one), str(one), one._repr_html_()) == (repr(other), str(other), other._repr_html_())
    page = one._repr_html_()
    assert page.startswith(("<table>", "<code>"))
    assert "<script" not in page
    assert set(re.findall(r"</?(\w+)", page)) <= {"table", "caption", "tr", "th", "td", "code"}
