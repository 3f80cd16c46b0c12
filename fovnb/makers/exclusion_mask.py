"""ExclusionMask: the areas that the background fit leaves out, each with a name and an origin."""

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers.exclusion_doubts import in_another_frame, listed, off_the_map, too_small
from fovnb.makers.exclusion_entry import ExclusionEntry
from fovnb.makers.exclusion_input import entries_of, with_unique_names
from fovnb.maps import Map, WcsGeom
from fovnb.maps.checks import check_choice, quantity
from fovnb.maps.create import FRAMES
from fovnb.text import did_you_mean
from fovnb.types import BoolArray

if TYPE_CHECKING:
    from astropy.table import Table

    from fovnb.datasets import MapDataset

__all__ = ["ExclusionMask"]


class ExclusionMask:
    """Areas that the background fit leaves out; it never changes, every method returns a new mask.

    The entries act in their order: an area is excluded, or, if the entry is a cut, used again.

    Parameters
    ----------
    areas : region, Map, ExclusionEntry, list of these, or str, optional
        Sky regions of any frame, text in DS9's format, or masks with True = used on any geometry. A region that is
        marked as excluded (``-circle(...)`` in a file) is a cut.
    names : list of str, optional
        One for each area; by default what the region itself says, or its kind. A name that is taken gets a number.
    origin : str
        Where the areas come from.

    Raises
    ------
    InvalidInputError
        If an area is none of these, or the number of names is another.

    Examples
    --------
    >>> mask = ExclusionMask("icrs; circle(83.63, 22.01, 0.3) # text={Crab}")
    >>> mask
    ExclusionMask of 1 area: 'Crab'
    >>> geom = WcsGeom.create(skydir=(83.63, 22.01), width=2, binsz=0.1)
    >>> int((~mask.to_map(geom).data).sum())
    32
    """

    def __init__(self, areas: Any = (), names: Sequence[str] | None = None, origin: str = "user") -> None:
        self._entries = with_unique_names(entries_of(areas, names, origin))
        self._parent: ExclusionMask | None = None

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], origin: str | None = None) -> "ExclusionMask":
        """Read a DS9 or CRTF region file, or a FITS mask; see `fovnb.makers.exclusion_files.read_entries`.

        Names and origins that `write` put there come back; other areas have the origin "file <name>" by default.
        """
        from fovnb.makers.exclusion_files import read_entries

        return cls(read_entries(path, origin))

    @classmethod
    def from_catalog(
        cls,
        table: "Table | str | os.PathLike[str]",
        radius: Any = "0.3 deg",
        extension: str | None = None,
        factor: float = 2.0,
        names: str | None = None,
        origin: str | None = None,
        center: SkyCoord | None = None,
        max_separation: Any = None,
    ) -> "ExclusionMask":
        """Make circles around the sources of a table; see `fovnb.makers.exclusion_catalog.catalog_entries`.

        Examples
        --------
        >>> from astropy.table import Table
        >>> table = Table({"name": ["Crab"], "ra": [83.63], "dec": [22.01], "sigma": [0.25]})
        >>> ExclusionMask.from_catalog(table, extension="sigma", origin="mine")["Crab"].shape.sizes_deg
        (0.5,)
        """
        from fovnb.makers.exclusion_catalog import catalog_entries

        return cls(catalog_entries(table, radius, extension, factor, names, origin, center, max_separation))

    @classmethod
    def from_stars(
        cls,
        table: "Table | str | os.PathLike[str]",
        mag_max: float = 5.0,
        radius: Any = "0.2 deg",
        magnitude: str | None = None,
        names: str | None = None,
        center: SkyCoord | None = None,
        max_separation: Any = None,
    ) -> "ExclusionMask":
        """Make circles around the stars at least as bright as a magnitude; the rest as in `from_catalog`.

        Examples
        --------
        >>> from astropy.table import Table
        >>> table = Table({"name": ["Zeta Tau", "faint"], "ra": [84.41, 84], "dec": [21.14, 22], "Vmag": [3.0, 9.0]})
        >>> list(ExclusionMask.from_stars(table).names)
        ['Zeta Tau']
        """
        from fovnb.makers.exclusion_catalog import star_entries

        return cls(star_entries(table, mag_max, radius, magnitude, names, center, max_separation))

    @classmethod
    def suggest(
        cls,
        data: "Map | MapDataset | Iterable[MapDataset]",
        high: float = 5.0,
        low: float = 3.0,
        dilate: Any = "0.1 deg",
        radius: Any = "0.1 deg",
        circles: bool = False,
    ) -> "ExclusionMask":
        """Suggest what to exclude from the significance; see `fovnb.makers.exclusion_suggest.suggest_entries`."""
        from fovnb.makers.exclusion_suggest import suggest_entries

        return cls(suggest_entries(data, high, low, dilate, radius, circles))

    @property
    def entries(self) -> tuple[ExclusionEntry, ...]:
        """The areas, in the order in which they act."""
        return self._entries

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the same order."""
        return tuple(entry.name for entry in self._entries)

    @property
    def has_axes(self) -> bool:
        """Whether an area depends on energy, as a mask with that axis does."""
        return any(entry.mask is not None and len(entry.mask.geom.axes) for entry in self._entries)

    @property
    def regions(self) -> "list[Any]":
        """Copies of the regions that are excluded; masks and cuts are not among them."""
        return [entry.area.copy() for entry in self._entries if entry.mask is None and not entry.cut]

    @property
    def table(self) -> QTable:
        """One row an area: name, origin, shape, frame, centre (lon, lat), radius of the circle around it."""
        rows = [entry.rows() for entry in self._entries]
        columns = {name: [row[name] for row in rows] for name in ("name", "origin", "shape", "frame")}
        angles = {name: np.array([row[name] for row in rows], dtype=float) for name in ("lon", "lat", "size")}
        table = QTable({name: np.array(column, dtype=str) for name, column in columns.items()} | angles)
        for name in angles:
            table[name].unit = "deg"
        return table

    def to_map(self, geom: WcsGeom) -> Map:
        """Return the mask on a geometry, True = used, of its shape.

        A pixel is excluded if its centre is inside, as in ``geom.region_mask(regions, inside=False)``.

        Warns
        -----
        FovnbWarning
            If areas hold no pixel of the map or lie in another frame, or a mask is smaller than the map, by name.
        """
        used, off, doubts = self.project(geom)
        for doubt in [*off_the_map(off), *doubts]:
            warnings.warn(doubt, FovnbWarning, stacklevel=2)
        return used

    def project(self, geom: WcsGeom) -> tuple[Map, list[str], list[str]]:
        """Return the same as `to_map`, the names of the areas that hold no pixel, and other doubts as sentences."""
        excluded: BoolArray = np.zeros(geom.sky.shape, dtype=bool)
        on_map: list[ExclusionEntry] = []
        covers: dict[str, float] = {}
        for entry in self._entries:
            image, covers[entry.name] = entry.image(geom)
            if image.any():
                excluded = excluded & ~image if entry.cut else excluded | image
                on_map.append(entry)
        used = Map.from_geom(geom, data=np.broadcast_to(~excluded, geom.data_shape).copy())
        off = sorted(covers.keys() - {entry.name for entry in on_map}, key=self.names.index)
        return used, off, [*in_another_frame(on_map, geom.frame), *too_small(covers)]

    def within(self, geom: WcsGeom) -> "ExclusionMask":
        """Return the mask with those areas only that hold a pixel of the geometry.

        Examples
        --------
        >>> mask = ExclusionMask("icrs; circle(83.63, 22.01, 0.3); circle(10, 22.01, 0.3)")
        >>> mask.within(WcsGeom.create(skydir=(83.63, 22.01), width=2, binsz=0.1)).names
        ('Circle',)
        """
        center = geom.center_skydir
        reach = float(np.nanmax(geom.separation(center).deg))
        center_xyz = np.asarray(center.icrs.cartesian.xyz.value)
        near = (entry for entry in self._entries if entry.may_touch(center_xyz, reach))
        return self._derive(entry for entry in near if entry.image(geom)[0].any())

    def add(self, areas: Any, names: Sequence[str] | None = None, origin: str = "user") -> "ExclusionMask":
        """Return the mask with further areas; the arguments are those of the constructor."""
        return self._derive([*self._entries, *ExclusionMask(areas, names, origin)])

    def cut(self, areas: Any, names: Sequence[str] | None = None, origin: str = "user") -> "ExclusionMask":
        """Return the mask with areas taken out of what it excludes; the arguments are those of the constructor.

        Examples
        --------
        >>> geom = WcsGeom.create(width=2, binsz=0.1)
        >>> half = ExclusionMask("icrs; circle(0, 0, 0.5)").cut("icrs; box(0, 0.5, 2, 1, 0)")
        >>> bool(half.to_map(geom).data[10:].all()), bool(half.to_map(geom).data[:10].all())
        (True, False)
        """
        cuts = ExclusionMask(areas, names, origin)
        return self._derive([*self._entries, *(replace(entry, cut=not entry.cut) for entry in cuts)])

    def subtract(self, other: "ExclusionMask") -> "ExclusionMask":
        """Return the mask without the areas that another one has, too, whatever their names.

        Raises
        ------
        InvalidInputError
            If the two have no area in common.
        """
        keys = {entry.key for entry in other.entries}
        left = [entry for entry in self._entries if entry.key not in keys]
        if len(left) == len(self) and len(other):
            msg = f"no area of {listed(other.names)} is in the mask ({listed(self.names)}); use cut to take areas out"
            raise InvalidInputError(msg)
        return self._derive(left)

    def remove(self, *names: str) -> "ExclusionMask":
        """Return the mask without the areas of these names."""
        gone = {self[name].name for name in names}
        return self._derive(entry for entry in self._entries if entry.name not in gone)

    def rename(self, old: str, new: str) -> "ExclusionMask":
        """Return the mask with one area under another name.

        Raises
        ------
        InvalidInputError
            If there is no such area, or the new name is taken.
        """
        entry = self[old]
        if new in self.names and new != old:
            msg = f"the name {new!r} is taken; choose another"
            raise InvalidInputError(msg)
        return self._derive(replace(e, name=new) if e is entry else e for e in self._entries)

    def grow(self, by: Any) -> "ExclusionMask":
        """Return the mask with all borders moved outwards by an angle, those of cuts inwards; negative shrinks.

        Circles, rings, ellipses and rectangles change their sizes. Other areas grow on the map: by all pixels nearer
        than the angle.

        Raises
        ------
        InvalidInputError
            If it is no angle, or nothing would be left of a region.

        Examples
        --------
        >>> ExclusionMask("icrs; circle(83.63, 22.01, 0.3)").grow("0.05 deg")["Circle"].shape.sizes_deg
        (0.35,)
        """
        by_deg = _degrees(by, "the growth")
        return self._derive(entry.grow(-by_deg if entry.cut else by_deg) for entry in self._entries)

    def scale(self, factor: float) -> "ExclusionMask":
        """Return the mask with all sizes times a factor, each region around its centre.

        Raises
        ------
        InvalidInputError
            If the factor is not positive, or an entry is a mask or a combination of regions.
        """
        value = float(quantity(factor, "", "the factor").value)
        if not (np.isfinite(value) and value > 0):
            msg = f"the factor is {factor!r}; give a positive number"
            raise InvalidInputError(msg)
        return self._derive(entry.scale(value) for entry in self._entries)

    def shift(self, dlon: Any = 0.0, dlat: Any = 0.0, frame: str = "icrs") -> "ExclusionMask":
        """Return the mask with everything moved by angles on the sky along the longitude and latitude of a frame.

        A fit with its mask at the wrong place is a good control of a diagnostic.

        Raises
        ------
        InvalidInputError
            If one is no angle, the frame is unknown, or an entry is a combination of regions.
        """
        check_choice("frame", frame, FRAMES)
        lon_deg, lat_deg = _degrees(dlon, "the shift in longitude"), _degrees(dlat, "the shift in latitude")
        return self._derive(entry.shift(lon_deg, lat_deg, frame) for entry in self._entries)

    def undo(self) -> "ExclusionMask":
        """Return the mask from which this one was made.

        Raises
        ------
        InvalidInputError
            If it was made from nothing.
        """
        if self._parent is None:
            msg = "there is nothing to undo: this mask was not made from another one"
            raise InvalidInputError(msg)
        return self._parent

    def write(self, path: str | os.PathLike[str], geom: WcsGeom | None = None, overwrite: bool = False) -> None:
        """Write a ``.reg``, ``.crtf`` or ``.fits`` file; see `fovnb.makers.exclusion_files.write_entries`."""
        from fovnb.makers.exclusion_files import write_entries

        write_entries(self, path, geom, overwrite)

    def __or__(self, other: object) -> "ExclusionMask":
        if not isinstance(other, ExclusionMask):
            return NotImplemented
        keys = {entry.key for entry in self._entries}
        return self._derive([*self._entries, *(entry for entry in other if entry.cut or entry.key not in keys)])

    def __sub__(self, other: object) -> "ExclusionMask":
        return self.subtract(other) if isinstance(other, ExclusionMask) else self.cut(other)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[ExclusionEntry]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str | int) -> ExclusionEntry:
        if isinstance(name, int) and -len(self) <= name < len(self):
            return self._entries[name]
        found = next((entry for entry in self._entries if entry.name == name), None)
        if found is None:
            hint = did_you_mean(str(name), self.names)
            msg = f"no excluded area is called {name!r}{hint}; there are {listed(self.names) or 'none'}"
            raise InvalidInputError(msg)
        return found

    def __repr__(self) -> str:
        names = f": {listed(self.names, 5)}" if self._entries else ""
        return f"ExclusionMask of {len(self)} area{'' if len(self) == 1 else 's'}{names}"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        body = "".join(f"<tr>{''.join(map(_cell, entry.rows().values()))}</tr>" for entry in self._entries)
        return f"<table><caption>{escape(repr(self))}</caption><tr>{head}</tr>{body}</table>"

    def _derive(self, entries: Iterable[ExclusionEntry]) -> "ExclusionMask":
        """Return a mask of these entries that remembers this one."""
        made = ExclusionMask(list(entries))
        made._parent = self
        return made


_COLUMNS = ("name", "origin", "shape", "frame", "lon [deg]", "lat [deg]", "size [deg]")


def _degrees(value: Any, what: str) -> float:
    degrees = float(quantity(value, "deg", what).value)
    if not np.isfinite(degrees):
        msg = f"{what} is {value!r}; give a finite angle"
        raise InvalidInputError(msg)
    return degrees


def _cell(value: object) -> str:
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return f"<td>{escape(text)}</td>"
