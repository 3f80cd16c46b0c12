"""The axes of a map, in order and by name."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps.axis import MapAxis
from fovnb.text import did_you_mean, html_summary, text_summary
from fovnb.types import FloatArray, IntArray

__all__ = ["MapAxes"]


class MapAxes(Sequence[MapAxis]):
    """An ordered list of axes with different names; it never changes.

    The data of a map have the axes in *reverse* order before latitude and longitude, as in Gammapy: the first axis
    of the list varies fastest.

    Parameters
    ----------
    axes : iterable of `MapAxis`
        The axes; one without a name is named "axis0", "axis1"... after its place.

    Raises
    ------
    GeometryError
        If two axes have one name.
    InvalidInputError
        If something else than axes is given.

    Examples
    --------
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=5, name="energy_true")
    >>> rad = MapAxis.from_bounds(0, 0.66, nbin=66, unit="deg", name="rad")
    >>> axes = MapAxes([rad, energy])
    >>> axes.names, axes.shape, axes["rad"].nbin
    (['rad', 'energy_true'], (66, 5), 66)
    """

    def __init__(self, axes: Iterable[MapAxis] | MapAxis = ()) -> None:
        given: tuple[Any, ...] = (axes,) if isinstance(axes, MapAxis) else tuple(axes)
        for axis in given:
            if not isinstance(axis, MapAxis):
                msg = f"{axis!r} was given as an axis; give MapAxis objects, such as MapAxis.from_edges([1, 2])"
                raise InvalidInputError(msg)
        self._axes: tuple[MapAxis, ...] = tuple(
            axis if axis.name else axis.rename(f"axis{i}") for i, axis in enumerate(given)
        )
        if len(set(self.names)) < len(self._axes):
            msg = f"the axes are named {self.names}; give every axis its own name, as with axis.rename('energy_true')"
            raise GeometryError(msg)

    @property
    def names(self) -> list[str]:
        """Names of the axes."""
        return [axis.name for axis in self._axes]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bins of each axis, in the order of the list."""
        return tuple(axis.nbin for axis in self._axes)

    @property
    def is_flat(self) -> bool:
        """Whether every axis has a single bin."""
        return all(n == 1 for n in self.shape)

    def index(self, axis_name: str | MapAxis, *_: Any) -> int:
        """Return the place of the axis in the list.

        Raises
        ------
        GeometryError
            If there is no axis of that name.
        """
        name = axis_name.name if isinstance(axis_name, MapAxis) else axis_name
        if name not in self.names:
            msg = f"there is no axis {name!r}; the axes are {self.names}{did_you_mean(str(name), self.names)}"
            raise GeometryError(msg)
        return self.names.index(name)

    def index_data(self, axis_name: str) -> int:
        """Return the dimension of the axis in the data of a map.

        Examples
        --------
        >>> MapAxes([MapAxis([0, 1], name="a"), MapAxis([0, 1], name="b")]).index_data("a")
        1
        """
        return len(self) - 1 - self.index(axis_name)

    def replace(self, axis: MapAxis) -> "MapAxes":
        """Return the axes with the one of the same name replaced."""
        return self._with(self.index(axis.name), axis)

    def drop(self, axis_name: str) -> "MapAxes":
        """Return the axes without one."""
        return self._with(self.index(axis_name))

    def squash(self, axis_name: str) -> "MapAxes":
        """Return the axes with the bins of one merged; see `MapAxis.squash`."""
        return self.replace(self[axis_name].squash())

    def upsample(self, factor: int, axis_name: str) -> "MapAxes":
        """Return the axes with the bins of one divided; see `MapAxis.upsample`."""
        return self.replace(self[axis_name].upsample(factor))

    def downsample(self, factor: int, axis_name: str) -> "MapAxes":
        """Return the axes with bins of one merged; see `MapAxis.downsample`."""
        return self.replace(self[axis_name].downsample(factor))

    def pad(self, axis_name: str, pad_width: int | tuple[int, int]) -> "MapAxes":
        """Return the axes with bins added at the ends of one; see `MapAxis.pad`."""
        return self.replace(self[axis_name].pad(pad_width))

    def rename_axes(self, names: str | Sequence[str], new_names: str | Sequence[str]) -> "MapAxes":
        """Return the axes with some of them renamed.

        Examples
        --------
        >>> MapAxes([MapAxis([0, 1], name="energy")]).rename_axes("energy", "energy_true").names
        ['energy_true']
        """
        names, new_names = ([n] if isinstance(n, str) else n for n in (names, new_names))
        axes = self
        for name, new_name in zip(names, new_names, strict=True):
            axes = axes._with(axes.index(name), axes[name].rename(new_name))
        return axes

    def slice_by_idx(self, slices: dict[str, int | slice]) -> "MapAxes":
        """Return the axes cut by slices given by name; an axis given an integer is dropped."""
        for name in slices:
            self.index(name)
        wanted = [(axis, slices.get(axis.name, slice(None))) for axis in self]
        return MapAxes(axis.slice(idx) for axis, idx in wanted if isinstance(idx, slice))

    def coord_to_idx(self, coord: Any, clip: bool = True) -> tuple[IntArray, ...]:
        """Return the bins of coordinates given by axis name; see `MapAxis.coord_to_idx`."""
        return tuple(axis.coord_to_idx(coord[axis.name], clip=clip) for axis in self)

    def coord_to_pix(self, coord: Any) -> tuple[FloatArray, ...]:
        """Return the pixel coordinates of coordinates given by axis name."""
        return tuple(axis.coord_to_pix(coord[axis.name]) for axis in self)

    def is_allclose(self, other: "MapAxes", rtol: float = 1e-5, atol: float = 1e-8) -> bool:
        """Return whether both hold close axes in the same order; see `MapAxis.is_allclose`."""
        pairs = zip(self, other, strict=False)
        return len(self) == len(other) and all(a.is_allclose(b, rtol=rtol, atol=atol) for a, b in pairs)

    def __len__(self) -> int:
        return len(self._axes)

    def __iter__(self) -> Iterator[MapAxis]:
        return iter(self._axes)

    @overload
    def __getitem__(self, idx: int | str) -> MapAxis: ...
    @overload
    def __getitem__(self, idx: slice | list[str]) -> "MapAxes": ...
    def __getitem__(self, idx: int | str | slice | list[str]) -> "MapAxis | MapAxes":
        if isinstance(idx, str):
            return self._axes[self.index(idx)]
        if isinstance(idx, slice):
            return MapAxes(self._axes[idx])
        if isinstance(idx, list):
            return MapAxes(self[name] for name in idx)
        return self._axes[idx]

    def __add__(self, other: Iterable[MapAxis]) -> "MapAxes":
        return MapAxes([*self, *MapAxes(other)])

    def __contains__(self, item: object) -> bool:
        return item in self.names if isinstance(item, str) else item in self._axes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MapAxes) and self._axes == other._axes

    def __hash__(self) -> int:
        return hash(self._axes)

    def __repr__(self) -> str:
        return text_summary("MapAxes", self._summary())

    def _repr_html_(self) -> str:
        return html_summary("MapAxes", self._summary())

    def _summary(self) -> dict[str, object]:
        return {axis.name: f"{axis.nbin} bins, {axis._summary()['bounds']} {axis.unit}".rstrip() for axis in self}

    def _with(self, index: int, *axes: MapAxis) -> "MapAxes":
        return MapAxes([*self._axes[:index], *axes, *self._axes[index + 1 :]])
