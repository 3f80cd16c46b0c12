"""What users give as areas to exclude, turned into entries with unique names."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from fovnb.errors import InvalidInputError
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.maps import Map
from fovnb.maps.masks import parse_regions

__all__ = ["entries_of", "with_unique_names"]


def entries_of(areas: Any, names: Sequence[str] | None, origin: str) -> list[ExclusionEntry]:
    """Return the entries for the arguments of `~fovnb.makers.ExclusionMask`.

    Examples
    --------
    >>> [entry.name for entry in entries_of("icrs; circle(83.63, 22.01, 0.3)", None, "user")]
    ['Circle']
    """
    entries = [_entry(area, origin) for area in _as_list(areas)]
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


def _as_list(areas: Any) -> list[Any]:
    """Return the areas one by one; text becomes regions."""
    if isinstance(areas, str):
        return list(parse_regions(areas))
    if isinstance(areas, Map | ExclusionEntry) or not isinstance(areas, Iterable):
        return [areas]
    return list(areas)


def _entry(area: Any, origin: str) -> ExclusionEntry:
    """Return an entry named by what the region says of itself, or by its kind."""
    if isinstance(area, ExclusionEntry):
        return area
    meta = getattr(area, "meta", {})
    given = [meta.get(key) for key in ("text", "label", "name")]
    name = next((str(text) for text in given if text not in (None, "")), None)
    name = name or type(area).__name__.removesuffix("SkyRegion")
    return ExclusionEntry(area, name, origin, cut=not isinstance(area, Map) and not meta.get("include", True))
