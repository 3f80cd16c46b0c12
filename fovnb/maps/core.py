"""Values with a unit on a geometry: what a map is, apart from where its pixels are on the sky.

Every method makes a new map. Sums and comparisons bring the other side to this map's unit; products and quotients
combine the units. Two maps must lie on equal geometries.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Self

import numpy as np
from astropy import units as u

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps.geom import WcsGeom
from fovnb.maps.units import converted, to_unit
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray

__all__ = ["MapBase", "finite_or_zero", "require_same_geom"]


class MapBase:
    """Data, unit and meta on a geometry; see `Map`."""

    def __init__(
        self,
        geom: WcsGeom,
        data: Any = None,
        dtype: Any = "float32",
        meta: dict[str, Any] | None = None,
        unit: str | u.UnitBase = "",
    ) -> None:
        _check_geom(geom)
        self._geom = geom
        self._unit = to_unit(unit)
        self.meta = dict(meta or {})
        if isinstance(data, u.Quantity):
            self.quantity = data
        else:
            self.data = _empty(geom, dtype) if data is None else data

    @property
    def geom(self) -> WcsGeom:
        """The pixels and axes."""
        return self._geom

    @property
    def data(self) -> AnyArray:
        """The values, shape ``geom.data_shape``: axes in reverse order, then lat, lon."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(value, u.Quantity):
            msg = f"map data is a plain array, got a Quantity in {value.unit}; set map.quantity instead"
            raise InvalidInputError(msg)
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            msg = f"map data must be numbers or booleans, got {type(value).__name__} of type {array.dtype}"
            raise InvalidInputError(msg)
        shape = self.geom.data_shape
        self._data = array if array.shape == shape else _broadcast(array, shape).copy()

    @property
    def unit(self) -> u.UnitBase:
        """The unit of the values."""
        return self._unit

    @property
    def quantity(self) -> u.Quantity:
        """The values with their unit; setting it sets both."""
        return u.Quantity(self.data, self.unit, copy=None)

    @quantity.setter
    def quantity(self, value: u.Quantity) -> None:
        value = u.Quantity(value, copy=None)
        self.data = value.value
        self._unit = value.unit

    @property
    def is_mask(self) -> bool:
        """Whether the values are booleans."""
        return self.data.dtype == bool

    def copy(
        self,
        geom: WcsGeom | None = None,
        data: Any = None,
        meta: dict[str, Any] | None = None,
        unit: str | u.UnitBase | None = None,
    ) -> Self:
        """Return a copy that shares no array, with what is given replaced.

        Raises
        ------
        GeometryError
            If the data do not fit the geometry.
        """
        data = self.data.copy() if data is None else data
        return self._replace(geom=geom or self.geom, data=data, meta=meta, unit=unit)

    def to_unit(self, unit: str | u.UnitBase) -> Self:
        """Return the map in another unit of the same kind.

        Raises
        ------
        InvalidInputError
            If the units are not of the same kind.
        """
        unit = to_unit(unit)
        return self._replace(np.array(converted(self.data, self.unit, unit)), unit=unit)

    def sum_over_axes(
        self, axes_names: Sequence[str] | None = None, keepdims: bool = True, weights: "MapBase | None" = None
    ) -> Self:
        """Return the sum over some or all axes, NaN left out; see `reduce_over_axes`."""
        return self.reduce_over_axes(np.add, keepdims, axes_names, weights)

    def reduce_over_axes(
        self,
        func: np.ufunc = np.add,
        keepdims: bool = False,
        axes_names: Sequence[str] | None = None,
        weights: "MapBase | None" = None,
    ) -> Self:
        """Return the map reduced over some or all axes by a ufunc such as `numpy.add` or `numpy.logical_or`.

        A NaN is left out where the ufunc has a neutral element; the others (`numpy.maximum`) see it.

        Parameters
        ----------
        func : `numpy.ufunc`
        keepdims : bool
            Keep a single bin in place of each axis.
        axes_names : sequence of str, optional
            All axes by default.
        weights : map, optional
            Multiplied in first.
        """
        result = self._replace(self._weighted(weights))
        for name in self.geom.axes.names if axes_names is None else axes_names:
            result = result.reduce(name, func, keepdims)
        return result.copy() if result.data is self.data else result

    def reduce(
        self, axis_name: str, func: np.ufunc = np.add, keepdims: bool = False, weights: "MapBase | None" = None
    ) -> Self:
        """Return the map reduced over one axis; see `reduce_over_axes`.

        Examples
        --------
        >>> from fovnb.maps import Map, MapAxis
        >>> axis = MapAxis.from_edges([1, 2, 3], name="energy", unit="TeV")
        >>> cube = Map.create(npix=1, axes=[axis]) + 2
        >>> cube.reduce("energy").data
        array([[4.]])
        """
        geom = self.geom.squash(axis_name) if keepdims else self.geom.drop(axis_name)
        data = self._weighted(weights)
        valid: Any = ~np.isnan(data) if func.identity is not None and data.dtype.kind in "fc" else True
        valid = True if np.all(valid) else valid
        return self._replace(
            func.reduce(data, axis=self.geom.axes.index_data(axis_name), keepdims=keepdims, where=valid), geom
        )

    def slice_by_idx(self, slices: Mapping[str, Any]) -> Self:
        """Return a copy of part of the axes, by name: an int takes a bin and drops the axis, a slice keeps it.

        Examples
        --------
        >>> from fovnb.maps import Map, MapAxis
        >>> axis = MapAxis.from_edges([1, 2, 3], name="energy", unit="TeV")
        >>> Map.create(npix=1, axes=[axis]).slice_by_idx({"energy": slice(0, 1)}).data.shape
        (1, 1, 1)
        """
        geom = self.geom.slice_by_idx(dict(slices))
        index = tuple(slices.get(name, slice(None)) for name in self.geom.axes.names)
        return self._replace(self.data[index[::-1]].copy(), geom)

    def get_image_by_idx(self, idx: Sequence[int]) -> Self:
        """Return a copy of the image at one bin of each axis."""
        names = self.geom.axes.names
        if len(idx) != len(names):
            msg = f"{len(idx)} indices given for {len(names)} axes {names}; give one for each"
            raise InvalidInputError(msg)
        return self.slice_by_idx({name: int(i) for name, i in zip(names, idx, strict=True)})

    def iter_by_image(self) -> Iterator[Self]:
        """Give the image of every bin in turn, the first axis slowest."""
        for idx in np.ndindex(self.geom.data_shape[:-2][::-1]):
            yield self.get_image_by_idx(idx)

    def to_cube(self, axes: Sequence[Any]) -> Self:
        """Return the map with axes of a single bin appended."""
        if any(axis.nbin > 1 for axis in axes):
            msg = f"axes of {[axis.nbin for axis in axes]} bins given; a map can only be extended by axes of one bin"
            raise InvalidInputError(msg)
        return self._replace(
            self.data.reshape((1,) * len(axes) + self.data.shape).copy(), self.geom.to_cube(list(axes))
        )

    def rename_axes(self, names: Any, new_names: Any) -> Self:
        """Return a copy whose axes bear new names."""
        return self._replace(self.data.copy(), self.geom.rename_axes(names, new_names))

    def is_allclose(self, other: "MapBase", rtol_axes: float = 1e-3, atol_axes: float = 1e-6, **kwargs: Any) -> bool:
        """Return whether axes and values are close; keywords as in `numpy.allclose`."""
        if self.data.shape != other.data.shape:
            return False
        axes = self.geom.axes.is_allclose(other.geom.axes, rtol=rtol_axes, atol=atol_axes)
        return bool(axes) and np.allclose(self.data, converted(other.data, other.unit, self.unit), **kwargs)

    def _replace(
        self,
        data: Any,
        geom: WcsGeom | None = None,
        meta: dict[str, Any] | None = None,
        unit: str | u.UnitBase | None = None,
    ) -> Self:
        """Return a map with these data, and all else from this one unless given."""
        return type(self)(
            geom or self.geom,
            data=data,
            meta=deepcopy(self.meta) if meta is None else meta,
            unit=self.unit if unit is None else unit,
        )

    def _writable(self) -> AnyArray:
        """Return the data for writing into: a copy if they were given as a read-only array."""
        if not self._data.flags.writeable:
            self._data = self._data.copy()
        return self._data

    def _weighted(self, weights: "MapBase | None") -> AnyArray:
        """Return the data times the weights, which may have fewer bins."""
        return self.data if weights is None else self.data * _broadcast(weights.data, self.geom.data_shape)

    def _plain(self, values: Any) -> AnyArray:
        """Return values as numbers in the unit of the map."""
        if isinstance(values, u.Quantity):
            return np.asarray(converted(values.value, values.unit, self.unit))
        return np.asarray(values)

    def _operate(self, ufunc: np.ufunc, other: Any, swap: bool = False) -> Self:
        """Return ``ufunc(self, other)``, or with both sides swapped, in the right unit."""
        value, unit = self._operand(other)
        if ufunc in (np.multiply, np.true_divide):
            unit = ufunc(unit, self.unit) if swap else ufunc(self.unit, unit)
        else:
            value = converted(value, unit, self.unit)
            unit = self.unit if ufunc in (np.add, np.subtract) else u.dimensionless_unscaled
        return self._replace(ufunc(value, self.data) if swap else ufunc(self.data, value), unit=unit)

    def _operate_logically(self, ufunc: np.ufunc, other: Any) -> Self:
        """Return ``ufunc(self, other)`` of truth values: a mask."""
        return self._replace(ufunc(self.data, self._operand(other)[0]), unit="")

    def _operand(self, other: Any) -> tuple[Any, u.UnitBase]:
        """Return values that fit the data, and their unit, from a map, array, quantity or number."""
        if isinstance(other, MapBase):
            require_same_geom(self.geom, other.geom)
            return other.data, other.unit
        try:
            quantity = u.Quantity(other, copy=None)
        except (TypeError, ValueError) as error:
            msg = f"a map cannot be combined with {other!r}; give a map, an array, a quantity or a number"
            raise InvalidInputError(msg) from error
        _broadcast(quantity.value, self.geom.data_shape)
        return quantity.value, quantity.unit

    def _become(self, result: Self) -> Self:
        """Take the values and the unit of ``result``."""
        self.data, self._unit = result.data, result.unit
        return self

    def __invert__(self) -> Self:
        return self._replace(np.logical_not(self.data), unit="")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> AnyArray:
        if dtype is None and not copy:
            return self.data
        return np.array(self.data, dtype=dtype)

    def __repr__(self) -> str:
        return text_summary(type(self).__name__, self._summary())

    def _repr_html_(self) -> str:
        return html_summary(type(self).__name__, self._summary())

    def _summary(self) -> dict[str, object]:
        """Return what the representations show."""
        return {
            "geom": type(self.geom).__name__,
            "axes": ["lon", "lat", *self.geom.axes.names],
            "shape": self.geom.data_shape[::-1],
            "ndim": len(self.geom.data_shape),
            "unit": str(self.unit),
            "dtype": str(self.data.dtype),
        }


def finite_or_zero(data: AnyArray) -> AnyArray:
    """Return the data with 0 in place of what is not finite: the same array if all is.

    Examples
    --------
    >>> finite_or_zero(np.array([1.0, np.nan, np.inf]))
    array([1., 0., 0.])
    """
    if data.dtype.kind not in "fc":
        return data
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.add.reduce(data, axis=None)  # one pass and no temporary array: if this is finite, everything is
    return data if np.isfinite(total) else np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)


def require_same_geom(one: WcsGeom, two: WcsGeom) -> None:
    """Raise GeometryError, saying what differs, unless both geometries are equal."""
    if one is two or one == two:
        return
    if one.data_shape != two.data_shape:
        found = f"shapes {one.data_shape} and {two.data_shape}"
    elif one.axes != two.axes:
        found = f"axes {one.axes} and {two.axes}"
    else:
        found = " and ".join(f"{g.projection} around {g.center_skydir.to_string()} in {g.frame}" for g in (one, two))
    msg = f"the maps lie on different geometries: {found}; bring one to the other with interp_to_geom"
    raise GeometryError(msg)


def _check_geom(geom: object) -> None:
    if not isinstance(geom, WcsGeom):
        msg = f"a map needs a WcsGeom, got {type(geom).__name__}; make one with WcsGeom.create"
        raise InvalidInputError(msg)


def _broadcast(array: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    try:
        return np.broadcast_to(array, shape)
    except ValueError as error:
        msg = f"an array of shape {np.shape(array)} does not fit a map of shape {shape}; give one that does"
        raise GeometryError(msg) from error


def _empty(geom: WcsGeom, dtype: Any) -> AnyArray:
    """Return zeros, and NaN where an all-sky projection has no sky."""
    try:
        data = np.zeros(geom.data_shape, dtype=dtype)
    except TypeError as error:
        msg = f"{dtype!r} is not a data type; write one such as 'float32' or bool"
        raise InvalidInputError(msg) from error
    if geom.is_allsky and data.dtype.kind in "fc":
        data[..., np.isnan(geom.sky.xyz[0])] = np.nan
    return data
