"""Small runs that know where they pointed, for the tests of reports and of plots."""

import numpy as np

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset, fov_lonlat
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map
from fovnb.modeling.models import PowerLawNormSpectralModel
from tests.datasets import make_geom

__all__ = ["SITE", "fitted", "make_pointed_run"]

SITE = {"geolon_deg": 16.5, "geolat_deg": -23.3, "height_m": 1835.0, "mid_mjd": 53350.0, "start_mjd": 53350.0}
TIMES = {"livetime_s": 900.0, "ontime_s": 1000.0, "header_livetime_s": 900.0, "header_ontime_s": 1000.0, "deadc": 0.9}


def make_pointed_run(
    obs_id: int = 1, dec_deg: float = 22.01, gx: float = 0.0, norm: float = 1.0, **info: object
) -> MapDataset:
    """Return a run with a flat background of about 15000 counts and a gradient of the counts along x [deg-1]."""
    geom = make_geom(width=3)
    known = {"ra_deg": 83.63, "dec_deg": dec_deg, "zenith_deg": 45.0, "azimuth_deg": 10.0, **SITE, **TIMES, **info}
    run = MapDataset.create(geom, name=f"obs-{obs_id}").replace(run_info=RunInfo(obs_id, **known))
    background = np.broadcast_to(np.array([8.0, 4.0, 2.0])[:, None, None], geom.data_shape)
    x, _ = fov_lonlat(run)
    counts = np.random.default_rng(obs_id).poisson(norm * background * (1 + gx * x))
    safe = np.ones(geom.data_shape, dtype=bool)
    parts = {"counts": counts.astype(float), "background": background.copy(), "mask_safe": safe}
    return run.replace(**{name: Map.from_geom(geom, data=data) for name, data in parts.items()})


def fitted(run: MapDataset, **options: object) -> MapDataset:
    """Return the run with norm and tilt fitted."""
    model = PowerLawNormSpectralModel()
    model.tilt.frozen = False
    return FoVBackgroundMaker("fit", spectral_model=model, **options).run(run)
