"""The exclusion mask in words of Gammapy: regions where regions say it, and rows of pixels for all else."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import numpy as np

from fovnb.codegen.script import Comment, Loop, Statement
from fovnb.errors import RecipeError
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.maps import Map, WcsGeom
from fovnb.recipe import Annulus, Circle, Ellipse, Exclusion, Polygon, Rectangle
from fovnb.recipe.regions import Region
from fovnb.steps import exclusion_statements, execute
from fovnb.steps.expressions import Arg, Assign, Call, Method, Name, Public, evaluate
from fovnb.steps.sky import sky_region
from fovnb.types import BoolArray

__all__ = ["mask_statements", "row_runs"]

_STEP = "exclusion"


def mask_statements(exclusion: Exclusion, mask: Map | None) -> list[Statement]:
    """Return the statements that make ``exclusion_mask`` on ``geom``; a comment where nothing was excluded.

    Regions of the recipe, and those that came from a catalogue or a file, are written as regions if all that they
    cover is left out. What is left out besides, as by a FITS mask or where the data suggest it, is written as rows.

    Parameters
    ----------
    exclusion : Exclusion
        The step.
    mask : Map, optional
        What it came to, True = used.
    """
    if mask is None:
        return [Comment("nothing is left out of the background fit", _STEP)]
    left = ~mask.data
    regions = []
    for region in _candidates(exclusion, mask.geom):
        covered = _covered(region, mask.geom)
        if not (covered & mask.data).any():
            regions.append(region)
            left = left & ~covered
    return [*_start([sky_region(one) for one in regions]), *_rows(left)]


def row_runs(excluded: BoolArray) -> list[tuple[int, int, int]]:
    """Return the runs of True in the rows of an image, as (y, first x, x after the last).

    Examples
    --------
    >>> row_runs(np.array([[False, True, True], [False, False, False], [True, False, True]]))
    [(0, 1, 3), (2, 0, 1), (2, 2, 3)]
    """
    edges = np.diff(np.pad(excluded.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    (y, start), (_, stop) = np.nonzero(edges == 1), np.nonzero(edges == -1)
    return list(zip(y.tolist(), start.tolist(), stop.tolist(), strict=True))


def _start(regions: list[Call]) -> Iterator[Assign]:
    """Yield the mask of the regions, or one that leaves out nothing."""
    if regions:
        yield Assign("regions", regions, _STEP)
        mask: Call | Method = Method(Name("geom"), "region_mask", (Name("regions"),), (Arg("inside", False, True),))
    else:
        mask = Call(Public(".maps", "Map.from_geom"), (Name("geom"),), (Arg("data", True), Arg("dtype", Name("bool"))))
    yield Assign("exclusion_mask", mask, _STEP)


def _rows(excluded: BoolArray) -> Iterator[Statement]:
    """Yield what leaves out further pixels, row by row, in each plane of its own if they differ."""
    if not excluded.any():
        return
    if (excluded == excluded[:1]).all():
        rows: list[tuple[int, ...]] = list(row_runs(excluded[0]))
        target, plane, words = "y, start, stop", ":", "rows of pixels: y, first x, x after the last"
    else:
        rows = [(k, *run) for k, image in enumerate(excluded) for run in row_runs(image)]
        target, plane, words = "k, y, start, stop", "k", "rows of pixels: energy bin, y, first x, x after the last"
    yield Assign("rows", rows, _STEP, f"What no region says, as {words}")
    leave_out = Assign(f"exclusion_mask.data[{plane}, y, start:stop]", False, _STEP)
    yield Loop(target, Name("rows"), (leave_out,), _STEP)


def _candidates(exclusion: Exclusion, geom: WcsGeom) -> Iterator[Region]:
    """Yield the regions that may say a part of the mask, those of the recipe first."""
    yield from (one for one in exclusion.regions if one.active)
    files = [one for one in exclusion_statements(exclusion) if one.target in ("catalogue", "areas")]
    known = execute(files, {"geom": geom})
    for one in files:
        yield from _as_regions(known[one.target].entries)


def _as_regions(entries: Iterable[ExclusionEntry]) -> Iterator[Region]:
    """Yield the entries that a recipe's region says."""
    for entry in entries:
        shape = entry.shape
        if shape is None or entry.cut or entry.margin_deg or shape.kind not in _REGIONS:
            continue
        try:
            yield _region(entry)
        except RecipeError:  # larger than a recipe's region may be
            continue


def _region(entry: ExclusionEntry) -> Region:
    shape = entry.shape
    assert shape is not None
    named = {"frame": shape.frame, "name": entry.name, "origin": entry.origin}
    if shape.kind == "Polygon":
        return Polygon(shape.lon_deg, shape.lat_deg, **named)  # type: ignore[arg-type]  # checked when it is made
    turn = (shape.angle_deg,) if shape.is_turned else ()
    return _REGIONS[shape.kind](shape.lon_deg[0], shape.lat_deg[0], *shape.sizes_deg, *turn, **named)  # type: ignore


_REGIONS: Mapping[str, type[Region]] = MappingProxyType(
    {"Circle": Circle, "CircleAnnulus": Annulus, "Ellipse": Ellipse, "Rectangle": Rectangle, "Polygon": Polygon}
)


def _covered(region: Region, geom: WcsGeom) -> BoolArray:
    """Return the pixels in a region, shape (1, lat, lon)."""
    image = geom.to_image()
    return np.asarray(image.region_mask([evaluate(sky_region(region), {})]).data)[np.newaxis]
