"""Areas as a recipe has them, and as entries of an exclusion mask: each becomes the other without loss."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fovnb.errors import InvalidInputError, RecipeError
from fovnb.makers import ExclusionMask
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.makers.exclusion_shapes import SkyShape
from fovnb.maps import WcsGeom
from fovnb.recipe import Annulus, Circle, Ellipse, Exclusion, Polygon, Rectangle
from fovnb.recipe.regions import Region
from fovnb.recipe.words import short
from fovnb.steps.exclusion import exclusion_statements
from fovnb.steps.expressions import execute

__all__ = ["SIZES", "as_mask", "entry_of", "free_name", "outside", "region_of", "regions_of", "shape_of_region"]

SIZES: Mapping[type[Region], tuple[str, ...]] = MappingProxyType(
    {
        Circle: ("radius_deg",),
        Annulus: ("inner_radius_deg", "outer_radius_deg"),
        Ellipse: ("width_deg", "height_deg"),
        Rectangle: ("width_deg", "height_deg"),
        Polygon: (),
    }
)
"""The fields with the sizes of each kind of region."""

_KINDS: Mapping[str, type[Region]] = MappingProxyType(
    {"Circle": Circle, "CircleAnnulus": Annulus, "Ellipse": Ellipse, "Rectangle": Rectangle, "Polygon": Polygon}
)
_NAMES: Mapping[type[Region], str] = MappingProxyType({kind: name for name, kind in _KINDS.items()})


def shape_of_region(region: Region) -> SkyShape:
    """Return a recipe's region as a shape.

    Examples
    --------
    >>> shape_of_region(Circle(83.63, 22.01, 0.3)).reach_deg
    0.3
    """
    lon, lat = (value if isinstance(value, tuple) else (value,) for value in (region.lon_deg, region.lat_deg))
    sizes = tuple(getattr(region, name) for name in SIZES[type(region)])
    return SkyShape(_NAMES[type(region)], region.frame, lon, lat, sizes, getattr(region, "angle_deg", 0.0))


def region_of(shape: SkyShape, name: str = "", origin: str = "user", active: bool = True) -> Region:
    """Return a shape as a recipe's region.

    Raises
    ------
    RecipeError
        If a recipe has no such region.

    Examples
    --------
    >>> region_of(SkyShape("Circle", "icrs", (83.63,), (22.01,), (0.3,)), "Crab")
    Circle(lon_deg=83.63, lat_deg=22.01, radius_deg=0.3, name='Crab')
    """
    kind = _KINDS.get(shape.kind)
    if kind is None:
        msg = f"found {shape.kind!r}; expected one of {', '.join(_KINDS)}; name the file in exclusion.file to use all"
        raise RecipeError(msg)
    named = {"frame": shape.frame, "name": name, "origin": origin, "active": active}
    if kind is Polygon:
        return Polygon(shape.lon_deg, shape.lat_deg, **named)  # type: ignore[arg-type]  # checked when it is made
    turn = (shape.angle_deg,) if shape.is_turned else ()
    return kind(shape.lon_deg[0], shape.lat_deg[0], *shape.sizes_deg, *turn, **named)  # type: ignore[arg-type]


def regions_of(entries: Iterable[ExclusionEntry]) -> tuple[tuple[Region, ...], str]:
    """Return the entries that a recipe's regions can say, and a sentence on the others, "" if there are none.

    Examples
    --------
    >>> regions_of(ExclusionMask("icrs; circle(83.63, 22.01, 0.3) # text={Crab}"))[0][0].name
    'Crab'
    """
    found, lost = [], []
    for entry in entries:
        try:
            found.append(_region(entry))
        except InvalidInputError as error:
            lost.append(f"{short(entry.name)} ({error})")
    return tuple(found), f"{len(lost)} left out: {'; '.join(lost)}" if lost else ""


def entry_of(region: Region) -> ExclusionEntry:
    """Return a recipe's region as an entry of an exclusion mask; without a name it is called by its kind.

    Examples
    --------
    >>> entry_of(Circle(83.63, 22.01, 0.3, name="Crab")).name
    'Crab'
    """
    name, origin = region.name.strip() or region.kind, region.origin.strip() or "user"
    return ExclusionEntry(shape_of_region(region).to_region(), name, origin)


def as_mask(exclusion: Exclusion, geom: WcsGeom) -> ExclusionMask:
    """Return what a recipe excludes near a geometry, with names and origins; what the data suggest is not among it.

    Raises
    ------
    DataError, InvalidInputError
        If a file cannot be used.
    """
    files = [one for one in exclusion_statements(exclusion) if one.target in ("catalogue", "areas")]
    known = execute(files, {"geom": geom})
    entries = [entry_of(one) for one in exclusion.regions if one.active]
    return ExclusionMask([*entries, *(entry for one in files for entry in known[one.target])])


def outside(regions: Iterable[Region], geom: WcsGeom) -> list[bool]:
    """Return for each region whether it holds no pixel of a geometry, and so excludes nothing.

    Examples
    --------
    >>> geom = WcsGeom.create(skydir=(83.63, 22.01), width=2, binsz=0.1)
    >>> outside([Circle(83.63, 22.01, 0.3), Circle(10, 22.01, 0.3)], geom)
    [False, True]
    """
    image = geom.to_image()
    return [not entry_of(one).image(image)[0].any() for one in regions]


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number after it if it is taken.

    Examples
    --------
    >>> free_name("circle", ["circle", "circle 2"]), free_name("Crab", ["circle"])
    ('circle 3', 'Crab')
    """
    known, number, found = set(taken), 1, name
    while found in known:
        number += 1
        found = f"{name} {number}"
    return found


def _region(entry: ExclusionEntry) -> Region:
    if entry.shape is None or entry.cut or entry.margin_deg:
        what = "a cut" if entry.cut else f"a {entry.kind}{' with a margin' if entry.margin_deg else ''}"
        msg = f"it is {what}, which a recipe has no region for; name the file in exclusion.file to use it"
        raise InvalidInputError(msg)
    return region_of(entry.shape, entry.name, entry.origin)
