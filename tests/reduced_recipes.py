"""Recipes over the whole schema that run in a moment: small maps of a few simulated runs, most values near the field.

One in ten numbers is drawn from all that its field allows, so that fits fail and runs lie outside, too.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from fovnb.demo import SOURCES, make_demo
from fovnb.maps import WcsGeom
from fovnb.recipe import (
    Annulus,
    Background,
    Catalogue,
    Circle,
    Cone,
    Cube,
    Data,
    Ellipse,
    EnergyBounds,
    EnergyEdges,
    Exclusion,
    ExpCutoffNorm,
    Geometry,
    Gradient,
    Group,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    Polygon,
    PowerLawNorm,
    Prior,
    ProductNorm,
    Recipe,
    Rectangle,
    SafeMask,
    Selection,
    Stack,
    Suggestion,
    TemplateNorm,
    field_info,
    fields_of,
)
from tests.recipes import Overrides, recipes, steps

__all__ = ["small_recipes", "write_data"]

CENTER = SOURCES[0].position
NORMS = (PowerLawNorm, LogParabolaNorm, ExpCutoffNorm, PiecewiseNorm, PiecewisePowerLawNorm, TemplateNorm)
REGIONS = (Circle, Annulus, Ellipse, Rectangle, Polygon)


def write_data(folder: Path) -> None:
    """Write what the recipes name below ``$FOVNB_DATA``: three runs, a catalogue, regions, and a mask on pixels."""
    make_demo(folder / "survey", runs=3)
    near = [CENTER.directional_offset_by(angle * u.deg, 0.6 * u.deg) for angle in (30, 160, 280)]
    sky = SkyCoord(near)
    table = Table({"name": ["a", 'b"\n', "c"], "ra": sky.ra, "dec": sky.dec, "size": [0.1, 0.3, np.nan] * u.deg})
    table.write(folder / "sources.fits")
    lines = [f'circle({one.ra.deg}, {one.dec.deg}, 900")' for one in near[:2]]
    (folder / "areas.reg").write_text("\n".join(["# Region file format: DS9", "icrs", *lines, ""]))
    geom = WcsGeom.create(skydir=CENTER, width=3, binsz=0.2, proj="TAN", frame="galactic")
    mask = geom.separation(CENTER).deg > 0.4
    fits.PrimaryHDU(mask.astype("u1"), geom.wcs.to_header()).writeto(folder / "mask.fits")


def small_recipes() -> SearchStrategy[Recipe]:
    """Return the strategy."""
    return recipes(_data() | _cube() | _exclusion() | _background())


def _near(cls: type, name: str, low: float, high: float) -> SearchStrategy[Any]:
    """Return numbers between two bounds, and one in ten between those of the field; None where it may be None."""
    info = field_info(cls, name)
    found = _mostly(st.floats(low, high), st.floats(info.low, info.high, exclude_min=info.open_low))
    return st.none() | found if info.optional else found


def _mostly(usual: SearchStrategy[Any], odd: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Return the one strategy in nine of ten draws, the other in one."""
    return st.integers(0, 9).flatmap(lambda i: odd if i == 7 else usual)


def _numbers(cls: type, **bounds: tuple[float, float]) -> dict[tuple[type, str], SearchStrategy[Any]]:
    return {(cls, name): _near(cls, name, *span) for name, span in bounds.items()}


@st.composite
def _places(draw: DrawFn, n: int = 1, reach_deg: float = 1.5) -> dict[str, Any]:
    """Return positions in the field, in one of the frames, by the names of a step's fields."""
    shift = st.floats(-reach_deg, reach_deg)
    shifts = draw(st.lists(st.tuples(shift, shift), min_size=n, max_size=n, unique_by=_rounded))
    frame = draw(st.sampled_from(field_info(Geometry, "frame").choices))
    sky = CENTER.spherical_offsets_by(*np.transpose(shifts) * u.deg).transform_to(frame)
    lon, lat = sky.spherical.lon.deg.tolist(), sky.spherical.lat.deg.tolist()
    return {"lon_deg": lon if n > 1 else lon[0], "lat_deg": lat if n > 1 else lat[0], "frame": frame}


def _rounded(shift: tuple[float, float]) -> tuple[float, float]:
    """Return a shift by which the corners of a polygon must differ."""
    return round(shift[0], 3), round(shift[1], 3)


def _placed(cls: type, overrides: Overrides, n: int = 1, reach_deg: float = 1.5) -> SearchStrategy[Any]:
    """Return steps of a kind at places in the field."""
    return st.builds(lambda step, place: step.edit(**place), steps(cls, overrides), _places(n, reach_deg))


def _data() -> Overrides:
    folders = st.sampled_from(["$FOVNB_DATA/survey", "${FOVNB_DATA}/survey", None])
    cone = _numbers(Cone, radius_deg=(1.0, 4.0)) | {(Cone, "lon_deg"): st.just(0.0), (Cone, "lat_deg"): st.just(0.0)}
    ids = st.lists(_mostly(st.integers(1, 3), st.just(4)), min_size=1, max_size=2, unique=True)
    return {
        (Data, "folder"): _mostly(folders, st.just("$FOVNB_DATA/missing")),
        (Data, "demo_runs"): st.integers(1, 2),
        (Data, "obs_ids"): st.none() | ids,
        (Selection, "target"): st.none() | _mostly(st.just("Demo Crab"), st.just("'\"\n{}")),
        (Selection, "cone"): st.none() | _placed(Cone, cone),
        (Selection, "zenith_max_deg"): st.none() | _mostly(st.floats(45, 90), st.floats(20, 45)),
        (Selection, "quality_max"): st.none() | _mostly(st.integers(0, 2), st.just(-1)),
    }


def _cube() -> Overrides:
    pixels, sizes = st.integers(8, 20), st.floats(0.1, 0.4)
    width = st.builds(lambda nx, ny, size: ((nx * size, ny * size), size), pixels, pixels, sizes)
    other = {(Geometry, "width_deg"): st.just((1.0, 1.0)), (Geometry, "binsz_deg"): st.just(1.0)}
    grid = st.builds(
        lambda geometry, grid: geometry.edit(width_deg=grid[0], binsz_deg=grid[1]),
        _mostly(_placed(Geometry, other, reach_deg=1.0), steps(Geometry, other)),
        width,
    )
    parts = st.lists(st.sampled_from(["counts", "exposure", "background", "psf", "edisp"]), min_size=1, unique=True)
    return {
        (Cube, "selection"): st.none() | _mostly(parts.map(lambda names: sorted({*names, "background"})), parts),
        (Cube, "energy"): _axes((0.3, 3.0), (5.0, 30.0), 3),
        (Cube, "energy_true"): st.none() | _axes((0.1, 1.0), (20.0, 60.0), 4),
        (Cube, "geometry"): grid,
        (Cube, "binsz_irf_deg"): st.floats(0.4, 2.5),
        **_numbers(SafeMask, offset_max_deg=(0.3, 3.0)),
        (Stack, "block"): st.none() | st.integers(1, 4),
    }


def _axes(low: tuple[float, float], high: tuple[float, float], most: int) -> SearchStrategy[Any]:
    edges = st.lists(st.floats(low[0], high[1]), min_size=2, max_size=most + 1, unique=True).map(sorted)
    ends = {(EnergyBounds, "min_tev"): st.floats(*low), (EnergyBounds, "max_tev"): st.floats(*high)}
    bounds = steps(EnergyBounds, {**ends, (EnergyBounds, "nbin"): st.integers(1, most)})
    return bounds | steps(EnergyEdges, {(EnergyEdges, "edges_tev"): edges})


def _exclusion() -> Overrides:
    sizes = ("radius_deg", "inner_radius_deg", "outer_radius_deg", "width_deg", "height_deg")
    regions = [_region(cls, {name: (0.05, 1.0) for name in sizes if name in fields_of(cls)}) for cls in REGIONS]
    return {
        (Exclusion, "regions"): st.lists(st.one_of(regions), max_size=3),
        (Exclusion, "file"): st.none()
        | st.sampled_from([f"$FOVNB_DATA/{name}" for name in ("areas.reg", "mask.fits")]),
        (Catalogue, "file"): st.just("$FOVNB_DATA/sources.fits"),
        (Catalogue, "extension"): st.none() | _mostly(st.just("size"), st.just("Size")),
        **_numbers(Catalogue, radius_deg=(0.05, 0.5), factor=(0.5, 3.0)),
        **_numbers(Suggestion, high=(2.0, 8.0), low=(1.0, 5.0), dilate_deg=(0.0, 0.3), radius_deg=(0.1, 0.6)),
        (Suggestion, "max_steps"): st.integers(1, 2),
    }


def _region(cls: type, sizes: dict[str, tuple[float, float]]) -> SearchStrategy[Any]:
    if cls is Polygon:
        corners = {(cls, "lon_deg"): st.just((0.0, 1.0, 1.0)), (cls, "lat_deg"): st.just((0.0, 0.0, 1.0))}
        return st.integers(3, 5).flatmap(lambda n: _placed(cls, corners, n))
    return _placed(cls, _numbers(cls, **sizes))


def _background() -> Overrides:
    norm, slope = _parameters(0.5, 2.0), _parameters(-0.5, 0.5)
    found: dict[tuple[type, str], SearchStrategy[Any]] = {}
    for cls in NORMS:
        for name, info in fields_of(cls).items():
            if info.annotation is Parameter:
                found[cls, name] = norm if name == "norm" else slope
        found |= {(cls, name): st.lists(norm, max_size=4) for name in ("norms",) if name in fields_of(cls)}
        bounds = {"reference_tev": (0.3, 10.0), "smoothness": (0.05, 1.0), "min_counts": (1.0, 100.0)}
        found |= _numbers(cls, **{name: span for name, span in bounds.items() if name in fields_of(cls)})
    nodes = st.lists(st.floats(0.3, 30.0), min_size=2, max_size=4, unique=True).map(sorted)
    optional = {(cls, "energy_tev"): st.none() | nodes for cls in (PiecewiseNorm, PiecewisePowerLawNorm)}
    values = st.lists(st.floats(0.1, 10.0), min_size=2, max_size=4)
    template = {(TemplateNorm, "energy_tev"): nodes, (TemplateNorm, "values"): values}
    given = {(cls, "energy_tev"): nodes for cls, _ in optional}
    factors = st.one_of([steps(cls, {**found, **given, **template}) for cls in NORMS])
    return {
        **found,
        **optional,
        **template,
        (ProductNorm, "factors"): st.lists(factors, min_size=2, max_size=3),
        (Gradient, "gx"): _parameters(-0.1, 0.1),
        (Gradient, "gy"): _parameters(-0.1, 0.1),
        (Group, "table"): st.dictionaries(st.integers(1, 4), st.sampled_from(["a", "b", "'\"\n"])).map(_rows),
        **_numbers(Background, min_counts=(0.0, 10.0), min_npred_background=(0.0, 10.0)),
    }


def _rows(table: dict[int, str]) -> Iterable[tuple[int, str]]:
    return tuple(table.items())


def _parameters(low: float, high: float) -> SearchStrategy[Parameter]:
    """Return parameters whose values lie between two numbers, some with limits, frozen, or with a prior."""
    values = _numbers(Parameter, value=(low, high), min=(low, high), max=(low, high))
    return steps(Parameter, values | _numbers(Prior, mu=(low, high), sigma=(0.01, 1.0), weight=(0.1, 10.0)))
