"""The same analysis, said once, for both packages: `OURS` and `THEIRS` hold the same names."""

import importlib
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion

__all__ = [
    "OURS",
    "PACKAGES",
    "THEIRS",
    "Setup",
    "background_maker",
    "base_dataset",
    "empty_dataset",
    "exclusion_mask",
    "observation",
    "piecewise",
    "power_law",
    "reduced",
    "safe_dataset",
    "wcs_geom",
]

NAMES = {
    "data": ("DataStore",),
    "maps": ("Map", "MapAxis", "MapAxes", "WcsGeom"),
    "datasets": ("Datasets", "MapDataset"),
    "makers": ("FoVBackgroundMaker", "MapDatasetMaker", "SafeMaskMaker"),
    "modeling": ("Fit",),
    "modeling.models": (
        "ExpCutoffPowerLawNormSpectralModel",
        "FoVBackgroundModel",
        "LogParabolaNormSpectralModel",
        "Models",
        "PiecewiseNormSpectralModel",
        "PowerLawNormSpectralModel",
    ),
}


def package(root: str) -> SimpleNamespace:
    """Import the public names of ``gammapy`` or ``fovnb`` from the same places."""
    found = {
        name: getattr(importlib.import_module(f"{root}.{module}"), name)
        for module, names in NAMES.items()
        for name in names
    }
    return SimpleNamespace(root=root, **found)


PACKAGES = {root: package(root) for root in ("fovnb", "gammapy")}
OURS, THEIRS = PACKAGES.values()


@dataclass(frozen=True)
class Setup:
    """An analysis of one run, in plain values. The defaults are those of the reference script."""

    obs_id: int = 23592
    skydir: tuple[float, float] = (83.63, 22.01)  # ICRS, deg
    frame: str = "icrs"
    proj: str = "CAR"
    width: tuple[float, float] = (5.0, 5.0)
    binsz: float = 0.02
    energy: tuple[str, str, int] = ("0.5 TeV", "10 TeV", 5)
    energy_true: tuple[str, str, int] = ("0.3 TeV", "20 TeV", 20)
    offset_max: str = "2.5 deg"


@cache
def observation(root: str, obs_id: int) -> Any:
    """Return a run of one package, made once."""
    return PACKAGES[root].DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1").obs(obs_id)


def wcs_geom(pkg: SimpleNamespace, setup: Setup) -> Any:
    """Return the reconstructed geometry of a setup."""
    axis = pkg.MapAxis.from_energy_bounds(*setup.energy[:2], nbin=setup.energy[2])
    return pkg.WcsGeom.create(
        skydir=SkyCoord(*setup.skydir, unit="deg", frame="icrs").transform_to(setup.frame),
        frame=setup.frame,
        proj=setup.proj,
        width=setup.width,
        binsz=setup.binsz,
        axes=[axis],
    )


def empty_dataset(pkg: SimpleNamespace, setup: Setup) -> Any:
    """Return the stack that nothing was added to yet."""
    axis_true = pkg.MapAxis.from_energy_bounds(*setup.energy_true[:2], nbin=setup.energy_true[2], name="energy_true")
    return pkg.MapDataset.create(wcs_geom(pkg, setup), energy_axis_true=axis_true)


@cache
def base_dataset(root: str, setup: Setup) -> Any:
    """Return what `MapDatasetMaker` makes. Shared by all tests: do not change it."""
    pkg = PACKAGES[root]
    return pkg.MapDatasetMaker().run(empty_dataset(pkg, setup), observation(root, setup.obs_id))


@cache
def safe_dataset(root: str, setup: Setup) -> Any:
    """Return the dataset with its safe mask. Shared by all tests: do not change it."""
    pkg = PACKAGES[root]
    maker = pkg.SafeMaskMaker(methods=["aeff-default", "offset-max"], offset_max=setup.offset_max)
    return maker.run(base_dataset(root, setup).copy(name=f"run-{setup.obs_id}"), observation(root, setup.obs_id))


@cache
def reduced(root: str, setup: Setup, method: str = "fit") -> Any:
    """Return the dataset with its background fitted outside a circle. Shared by all tests: do not change it."""
    pkg = PACKAGES[root]
    maker = background_maker(pkg, setup, power_law(pkg), method=method)
    return maker.run(safe_dataset(root, setup).copy(name=f"run-{setup.obs_id}"))


def power_law(pkg: SimpleNamespace) -> Any:
    """Return norm and tilt, both free."""
    model = pkg.PowerLawNormSpectralModel()
    model.norm.frozen = False
    model.tilt.frozen = False
    return model


def piecewise(pkg: SimpleNamespace, setup: Setup) -> Any:
    """Return one free norm per energy bin."""
    centers = wcs_geom(pkg, setup).axes["energy"].center
    return pkg.PiecewiseNormSpectralModel(energy=centers, norms=np.ones(len(centers)))


def exclusion_mask(pkg: SimpleNamespace, setup: Setup) -> Any:
    """Return the mask that leaves out a circle around the centre of the field."""
    geom = wcs_geom(pkg, setup)
    return geom.region_mask([CircleSkyRegion(geom.center_skydir, 0.2 * u.deg)], inside=False)


def background_maker(pkg: SimpleNamespace, setup: Setup, spectral_model: Any, **kwargs: Any) -> Any:
    """Return the maker that normalises the background outside the circle; its fit goes on to the maximum."""
    kwargs = {
        "method": "fit",
        "exclusion_mask": exclusion_mask(pkg, setup),
        "fit": pkg.Fit(optimize_opts={"tol": 1e-3}),
        **kwargs,
    }
    return pkg.FoVBackgroundMaker(spectral_model=spectral_model, **kwargs)
