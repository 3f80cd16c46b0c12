"""What makes an exclusion mask doubtful on a map, in one sentence each; none if there is no doubt."""

from collections.abc import Mapping, Sequence

from fovnb.makers.exclusion_entry import ExclusionEntry

__all__ = ["in_another_frame", "listed", "off_the_map", "too_small"]

# ICRS and FK5 differ by less than 0.1 arcsec, far below any pixel.
_SAME_FRAMES = frozenset({"icrs", "fk5"})


def off_the_map(names: Sequence[str]) -> list[str]:
    """Return a sentence about areas that hold no pixel."""
    if not names:
        return []
    verb = "holds" if len(names) == 1 else "hold"
    return [f"{listed(names)} {verb} no pixel of the map, which is harmless; mask.within(geom) keeps what does"]


def in_another_frame(entries: Sequence[ExclusionEntry], frame: str) -> list[str]:
    """Return a sentence about regions in another frame than that of the map."""
    frames = {e.name: e.frame for e in entries if e.mask is None and e.frame not in ("", frame)}
    names = [name for name, found in frames.items() if not {found, frame} <= _SAME_FRAMES]
    if not names:
        return []
    found = " and ".join(sorted({frames[name] for name in names}))
    verb = "lies" if len(names) == 1 else "lie"
    return [
        f"{listed(names)} {verb} in the frame {found}, the map in {frame}; the position is converted, "
        "widths and angles are taken along the region's own frame"
    ]


def too_small(covers: Mapping[str, float]) -> list[str]:
    """Return a sentence about masks that cover only part of the map, by the fraction that each covers."""
    covers = {name: covered for name, covered in covers.items() if covered < 1}
    if not covers:
        return []
    verb, least = ("covers", "") if len(covers) == 1 else ("cover", "as little as ")
    return [
        f"{listed(list(covers))} {verb} {least}{min(covers.values()):.1%} of the map, and what lies outside is used; "
        "make the mask on the map's geometry if sources lie there"
    ]


def listed(names: Sequence[str], at_most: int = 3) -> str:
    """Return names in quotes, the first few of many.

    Examples
    --------
    >>> listed(["a", "b", "c", "d", "e"])
    "'a', 'b', 'c' and 2 more"
    """
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(map(repr, names[:at_most])) + more
