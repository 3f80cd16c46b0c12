"""Small datasets with known content, for the tests."""

import numpy as np
from astropy import units as u

from fovnb.data import GTI
from fovnb.datasets import MapDataset
from fovnb.maps import Map, MapAxis, WcsGeom

__all__ = ["make_geom", "make_run"]


def make_geom(
    nbin: int = 3, width: float = 2.0, binsz: float = 0.1, skydir: tuple[float, float] = (83.63, 22.01)
) -> WcsGeom:
    """Return a CAR geometry with an energy axis from 1 to 10 TeV."""
    energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=nbin)
    return WcsGeom.create(skydir=skydir, width=width, binsz=binsz, axes=[energy])


def make_run(name: str = "obs-1", geom: WcsGeom | None = None, seed: int = 1, norm: float = 1.0) -> MapDataset:
    """Return a run: background falling with energy, Poisson counts at `norm` times it, all pixels safe."""
    rng = np.random.default_rng(seed)
    geom = make_geom() if geom is None else geom
    run = MapDataset.create(geom, name=name)
    per_bin = 2.0 / (1 + np.arange(geom.data_shape[0]))
    background = per_bin[:, None, None] * rng.uniform(0.5, 1.5, geom.data_shape)
    run.background = Map.from_geom(geom, data=background)
    run.counts = Map.from_geom(geom, data=rng.poisson(norm * background).astype(np.float32))
    run.mask_safe = Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool))
    exposure = rng.uniform(1e8, 2e8, run.exposure.data.shape)
    run.exposure = Map.from_geom(run.exposure.geom, data=exposure, unit="m2 s", meta={"livetime": 1000 * u.s})
    for response in (run.psf, run.edisp):
        response.exposure_map = Map.from_geom(
            response.exposure_map.geom, data=rng.uniform(1e8, 2e8, response.exposure_map.data.shape), unit="m2 s"
        )
    run.psf.psf_map.data[...] = rng.uniform(1, 2, run.psf.psf_map.data.shape)
    start = 2000.0 * seed
    run.gti = GTI.create([start] * u.s, [start + 1100] * u.s, reference_time="2010-01-01")
    return run
