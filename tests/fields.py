"""Runs with a pointing and a background that falls with the offset, for the tests of the pixel diagnostics."""

from typing import Any

import numpy as np

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.types import AnyArray

__all__ = ["POINTING", "expected_counts", "field_geom", "make_field"]

POINTING = (83.63, 22.01)


def field_geom(binsz: float = 0.1, width: float = 4.0, nbin: int = 2, **kwargs: Any) -> WcsGeom:
    """Return a geometry around the pointing, 1 - 10 TeV, on which x grows with the columns and y with the rows."""
    energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=nbin)
    return WcsGeom.create(
        **{"skydir": POINTING, "width": width, "binsz": binsz, "proj": "TAN", "axes": [energy], **kwargs}
    )


def expected_counts(geom: WcsGeom, per_deg2: float = 100.0, pointing: tuple[float, float] = POINTING) -> AnyArray:
    """Return a background of so many counts per square degree in the middle, half of it for each further bin."""
    offset2 = geom.sky.offset_deg(*pointing) ** 2
    area = geom.sky.solid_angle_sr * np.rad2deg(1) ** 2
    return per_deg2 * area * np.exp(-offset2 / 4) * 0.5 ** np.arange(geom.data_shape[0])[:, None, None]


def make_field(
    geom: WcsGeom | None = None,
    counts: AnyArray | None = None,
    background: AnyArray | None = None,
    pointing: tuple[float, float] = POINTING,
    offset_max: float = 1.9,
    obs_id: int = 1,
    seed: int = 1,
    **info: Any,
) -> MapDataset:
    """Return a run: by default Poisson counts around its background, safe inside a circle."""
    geom = field_geom() if geom is None else geom
    background = expected_counts(geom, pointing=pointing) if background is None else background
    counts = np.random.default_rng(seed).poisson(background) if counts is None else counts
    safe = np.broadcast_to(geom.sky.offset_deg(*pointing) < offset_max, geom.data_shape)
    return MapDataset(
        counts=Map.from_geom(geom, data=np.asarray(counts, dtype=float)),
        background=Map.from_geom(geom, data=np.asarray(background, dtype=float)),
        mask_safe=Map.from_geom(geom, data=safe.copy()),
        run_info=RunInfo(obs_id, ra_deg=pointing[0], dec_deg=pointing[1], **info),
        name=f"obs-{obs_id}",
    )
