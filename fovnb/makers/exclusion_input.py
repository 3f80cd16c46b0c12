"""What users give as areas to exclude, turned into entries with unique names."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from astropy.coordinates import SkyCoord

from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.makers.exclusion_shapes import NO_AREA
from fovnb.maps import Map

__all__ = ["entries_of", "parse_areas", "with_unique_names"]


def entries_of(areas: Any, names: Sequence[str] | None, origin: str) -> list[ExclusionEntry]:
    """Return the entries for the arguments of `~fovnb.makers.ExclusionMask`.

    Examples
    --------
    >>> [entry.name for entry in entries_of("icrs; circle(83.63, 22.01, 0.3)", None, "user")]
    ['Circle']
    """
    listed = parse_areas(areas, f"the text {areas!r}") if isinstance(areas, str) else _as_list(areas)
    entries = [_entry(area, origin) for area in listed]
    if names is None:
        return entries
    given = [names] if isinstance(names, str) else list(names)
    if len(given) != len(entries):
        msg = f"{len(given)} names are given for {len(entries)} areas; give one for each"
        raise InvalidInputError(msg)
    return [replace(entry, name=name) for entry, name in zip(entries, given, strict=True)]


def with_unique_names(entries: Iterable[ExclusionEntry]) -> tuple[ExclusionEntry, ...]:
    """Return the entries with a number after each name that is taken."""
    taken: dict[str, ExclusionEntry] = {}
    counts: dict[str, int] = {}
    for entry in entries:
        name = entry.name
        while name in taken:
            counts[entry.name] = counts.get(entry.name, 1) + 1
            name = f"{entry.name} {counts[entry.name]}"
        taken[name] = entry if name == entry.name else replace(entry, name=name)
    return tuple(taken.values())


def parse_areas(
    text: str, source: str, form: str = "ds9", refusal: type[DataError | InvalidInputError] = InvalidInputError
) -> list[Any]:
    """Return the regions in a text, "ds9" or "crtf"; what is left out becomes one warning.

    Raises
    ------
    DataError or InvalidInputError
        The refusal, if the text cannot be read or holds no area.

    Warns
    -----
    FovnbWarning
        If lines are left out.

    Examples
    --------
    >>> [type(region).__name__ for region in parse_areas("icrs; circle(83.63, 22.01, 0.3)", "the text")]
    ['CircleSkyRegion']
    """
    from regions import Regions

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = list(Regions.parse(text, format=form))
        except Exception as error:  # the parsers raise whatever they meet
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            msg = f"{source} cannot be read as {form.upper()} regions: {reason}; correct the line"
            raise refusal(msg) from error
    regions = [region for region in found if type(region).__name__ not in NO_AREA]
    left_out = [f"{len(found) - len(regions)} lines or texts, which have no area"] if len(found) > len(regions) else []
    left_out += [" ".join(str(warning.message).split()) for warning in caught]
    if not regions:
        why = f"; left out: {'; '.join(left_out)}" if left_out else ""
        msg = f"{source} holds no region{why}; give regions, in DS9's format as 'icrs; circle(83.63, 22.01, 0.2)'"
        raise refusal(msg)
    if left_out:
        msg = f"{source}: some of it is left out: {'; '.join(left_out)}"
        warnings.warn(msg, FovnbWarning, stacklevel=4)
    return regions


def _as_list(areas: Any) -> list[Any]:
    """Return the areas one by one."""
    is_one = isinstance(areas, Map | ExclusionEntry | SkyCoord | Mapping | bytes) or not isinstance(areas, Iterable)
    return [areas] if is_one else list(areas)


def _entry(area: Any, origin: str) -> ExclusionEntry:
    """Return an entry named by what the region says of itself, or by its kind."""
    if isinstance(area, ExclusionEntry):
        return area
    meta = getattr(area, "meta", {})
    given = [meta.get(key) for key in ("text", "label", "name")]
    name = next((str(text) for text in given if text not in (None, "")), None)
    name = name or type(area).__name__.removesuffix("SkyRegion")
    return ExclusionEntry(area, name, origin, cut=not isinstance(area, Map) and not meta.get("include", True))
