"""Every public object prints: a short, stable text for the terminal, an escaped table for the notebook."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u

import fovnb
from fovnb.data import DataStore
from fovnb.datasets import Datasets
from fovnb.demo import SOURCES, RunTruth
from fovnb.demo.analysis import DemoResult
from fovnb.diagnostics import residuals
from fovnb.makers import FoVBackgroundMaker, MapDatasetMaker, SafeMaskMaker
from fovnb.maps import MapCoord
from fovnb.modeling import Covariance, Fit, Parameter
from fovnb.modeling.background_fit import BackgroundFit, BackgroundSums
from fovnb.modeling.models import (
    ExpCutoffPowerLawNormSpectralModel,
    FoVBackgroundModel,
    LogParabolaNormSpectralModel,
    Models,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)
from fovnb.plots import Panel
from tests.datasets import make_run
from tests.dl3 import run, write_dl3

EVIL = "<script>alert('obs-1')</script>"
NODES = [1, 4] * u.TeV

NORMS: dict[str, Callable[[], Any]] = {
    "PowerLawNormSpectralModel": PowerLawNormSpectralModel,
    "PiecewiseNormSpectralModel": partial(PiecewiseNormSpectralModel, NODES),
    "LogParabolaNormSpectralModel": LogParabolaNormSpectralModel,
    "ExpCutoffPowerLawNormSpectralModel": ExpCutoffPowerLawNormSpectralModel,
    "TemplateNormSpectralModel": partial(TemplateNormSpectralModel, NODES, [1, 2]),
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


NOT_SHOWN = {"Model", "SkyGrid"}  # a function in a class's clothes, and what geometries keep inside
LONGEST = {"ObservationMetaData": 60}  # a whole FITS header; all others have at most 20 lines
PACKAGES = ["data", "datasets", "demo", "irf", "makers", "maps", "modeling", "modeling.models"]
MODULES = ["demo.analysis", "diagnostics", "modeling.background_fit", "plots"]


def public_classes() -> list[str]:
    """Return the classes that users import, but for exceptions and enumerations."""
    modules = [importlib.import_module(f"fovnb.{name}") for name in PACKAGES + MODULES]
    found = [getattr(module, name) for module in modules for name in module.__all__]
    classes = {thing for thing in found if inspect.isclass(thing) and not issubclass(thing, (Enum, Exception))}
    return sorted({cls.__name__ for cls in classes} - NOT_SHOWN)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return one object of every public class, made twice from scratch."""
    folder = tmp_path_factory.mktemp("dl3")
    return [data(folder) | reduced(folder) | modeled(folder) for _ in range(2)]


def test_every_package_is_looked_at():
    modules = pkgutil.walk_packages(fovnb.__path__, "fovnb.")
    packages = [module.name.removeprefix("fovnb.") for module in modules if module.ispkg]
    assert set(packages) == set(PACKAGES)


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
