"""What the background fit leaves out, as statements."""

from functools import reduce

from fovnb.recipe import Catalogue, Exclusion, Suggestion
from fovnb.steps.expressions import Arg, Assign, Call, Method, Name, Operation, Public, Quantity
from fovnb.steps.sky import sky_region

__all__ = ["exclusion_statements", "has_mask", "suggestion_statements"]


def has_mask(exclusion: Exclusion) -> bool:
    """Return whether anything is excluded before the data suggest areas."""
    return any(one.active for one in exclusion.regions) or bool(exclusion.catalogue or exclusion.file)


def exclusion_statements(exclusion: Exclusion) -> list[Assign]:
    """Return the statements that make ``exclusion_mask`` on ``geom``, True = used; none where nothing is excluded."""
    made: list[Assign] = []
    parts: list[object] = []
    regions = [sky_region(one) for one in exclusion.regions if one.active]
    if regions:
        made.append(Assign("regions", regions, "exclusion"))
        parts.append(Method(Name("geom"), "region_mask", (Name("regions"),), (Arg("inside", False, True),)))
    for name, mask in _masks(exclusion).items():
        made.append(Assign(name, Method(mask, "within", (Name("geom"),)), "exclusion"))
        parts.append(Method(Name(name), "to_map", (Name("geom"),)))
    if not parts:
        return []
    return [*made, Assign("exclusion_mask", reduce(lambda a, b: Operation("&", a, b), parts), "exclusion")]


def suggestion_statements(suggestion: Suggestion, *more: Arg) -> list[Assign]:
    """Return the statements that find areas from ``datasets`` and ``fov_bkg_maker``, maybe with more arguments."""
    args = (
        Arg("high", suggestion.high, 5.0),
        Arg("low", suggestion.low, 3.0),
        Arg("dilate", Quantity(suggestion.dilate_deg, "deg"), Quantity(0.1, "deg")),
        Arg("max_steps", suggestion.max_steps, 10),
        Arg("radius", Quantity(suggestion.radius_deg, "deg"), Quantity(0.1, "deg")),
    )
    runs = (Name("datasets"), Name("fov_bkg_maker"))
    return [
        Assign("history", Call(Public(".makers", "iterate_exclusion"), runs, (*args, *more)), "exclusion"),
        Assign("exclusion_mask", Method(Name("history.mask"), "to_map", (Name("geom"),)), "exclusion"),
    ]


def _masks(exclusion: Exclusion) -> dict[str, Call]:
    """Return the masks that come from files, by the names that they get."""
    masks = {} if exclusion.catalogue is None else {"catalogue": _catalogue(exclusion.catalogue)}
    if exclusion.file is not None:
        masks["areas"] = Call(Public(".makers", "ExclusionMask.from_file"), (exclusion.file,))
    return masks


def _catalogue(catalogue: Catalogue) -> Call:
    args = (
        Arg("radius", Quantity(catalogue.radius_deg, "deg"), Quantity(0.3, "deg")),
        Arg("extension", catalogue.extension, None),
        Arg("factor", catalogue.factor, 2.0),
    )
    return Call(Public(".makers", "ExclusionMask.from_catalog"), (catalogue.file,), args)
