"""IRF: an instrument response on its own small grid, as an unchangeable record that can be evaluated."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from fovnb.errors import IrfError
from fovnb.irf import gadf
from fovnb.irf.grid import bracket, inside
from fovnb.maps import MapAxes, MapAxis
from fovnb.maps.fits import open_hdulist
from fovnb.maps.interpolate import interpolate
from fovnb.text import did_you_mean, html_summary, text_summary
from fovnb.types import AnyArray, BoolArray, FloatArray

__all__ = ["IRF", "FoVAlignment"]

# Interpolation between simulated responses overshoots: H.E.S.S. tables hold down to -1.2 % of their peak.
LEAST_OVER_PEAK = -0.05


class FoVAlignment(StrEnum):
    """How the axes of a field-of-view grid lie on the sky."""

    ALTAZ = "ALTAZ"
    RADEC = "RADEC"
    REVERSE_LON_RADEC = "REVERSE_LON_RADEC"
    """Longitude grows towards larger right ascension: old H.E.S.S. files, whose header says RADEC."""


@dataclass(frozen=True, repr=False, eq=False)
class IRF:
    """Base of the responses: values on a grid of axes. To change one, use `dataclasses.replace`.

    Parameters
    ----------
    axes : MapAxes or list of MapAxis
        Axes, in the order of `required_axes`.
    data : array, Quantity or float
        Values at the bin centres, one array axis an axis; a single number fills the grid.
    unit : str or Unit
        Unit of the data, when they are not a Quantity.
    is_pointlike : bool
        Whether the response holds for events within a small circle only.
    fov_alignment : FoVAlignment or str
        How the field of view lies on the sky.
    meta : dict
        Keywords of the header.

    Raises
    ------
    IrfError
        If axes, shape or unit do not fit, or the data are empty, NaN or negative.
    """

    axes: MapAxes
    data: AnyArray
    unit: u.UnitBase = u.dimensionless_unscaled
    is_pointlike: bool = False
    fov_alignment: FoVAlignment = FoVAlignment.RADEC
    meta: Mapping[str, Any] = field(default_factory=dict)

    tag: ClassVar[str]
    required_axes: ClassVar[tuple[str, ...]]
    default_unit: ClassVar[u.UnitBase]
    spec: ClassVar[gadf.TableSpec]

    def __post_init__(self) -> None:
        data = self.data.value if isinstance(self.data, u.Quantity) else self.data
        unit = self.data.unit if isinstance(self.data, u.Quantity) else u.Unit(self.unit)
        fixed = {
            "axes": MapAxes(self.axes),
            "data": np.asarray(data),
            "unit": unit,
            "fov_alignment": _alignment(self.fov_alignment),
            "meta": dict(self.meta),
        }
        if fixed["data"].ndim == 0:
            fixed["data"] = np.full(fixed["axes"].shape, data, dtype=float)
        for name, value in fixed.items():
            object.__setattr__(self, name, value)
        self._check()

    @property
    def has_offset_axis(self) -> bool:
        """Whether the response depends on the offset alone, not on the direction in the field of view."""
        return "offset" in self.required_axes

    @property
    def quantity(self) -> u.Quantity:
        """The data with their unit."""
        return u.Quantity(self.data, self.unit)

    def evaluate(self, **coords: Any) -> u.Quantity:
        """Return the response at any coordinates: linear between the bin centres, 0 outside the axes, never negative.

        Parameters
        ----------
        **coords : Quantity, str or float
            Coordinates by the names of the axes, any shapes that broadcast together. An axis that is not
            named is taken at its bin centres, along the array axis that it has in the data.

        Raises
        ------
        IrfError
            If a name is no axis, or a coordinate has an impossible unit.

        Examples
        --------
        >>> from fovnb.irf import EffectiveAreaTable2D
        >>> energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")
        >>> offset = MapAxis.from_edges([0, 1, 2], name="offset", unit="deg")
        >>> aeff = EffectiveAreaTable2D([energy, offset], data=[[1, 3], [1, 3]], unit="m2")
        >>> print(aeff.evaluate(energy_true="5 TeV", offset="1 deg"))
        2.0 m2
        """
        points = self._points(coords)
        cells = [bracket(axis, x) for axis, x in zip(self.axes, points, strict=True)]
        values = self.from_scale(interpolate(self.to_scale(), [lo + f for lo, _, f in cells]))
        return u.Quantity(np.where(self._outside(points), 0, np.maximum(values, 0)), self.unit)

    @classmethod
    def from_table(cls, table: Table) -> Self:
        """Return the response in the first row of a table, in the GADF layout."""
        return cls._from_columns({name: table[name].quantity[0] for name in table.colnames}, table.meta)

    @classmethod
    def from_table_hdu(cls, hdu: gadf.TableHDU) -> Self:
        """Return the response in the first row of a FITS table, in the GADF layout.

        Raises
        ------
        DataError
            If a column is missing or cannot be read.
        IrfError
            If the data are empty, NaN or negative.
        """
        columns, meta = gadf.read_columns(hdu)
        return cls._from_columns(columns, meta)

    @classmethod
    def from_hdulist(cls, hdulist: fits.HDUList, hdu: str | int | None = None) -> Self:
        """Return the response in an extension of an open file, by default the one with the standard's name."""
        return cls.from_table_hdu(gadf.find_hdu(hdulist, cls.spec.extname if hdu is None else hdu))

    @classmethod
    def read(cls, filename: str | os.PathLike[str], hdu: str | int | None = None) -> Self:
        """Return the response in an extension of a file, by default the one with the standard's name.

        Raises
        ------
        DataError
            If the file or the extension is missing or broken.
        """
        with open_hdulist(filename) as hdulist:
            return cls.from_hdulist(hdulist, hdu)

    def to_table_hdu(self) -> fits.BinTableHDU:
        """Return the response as a FITS table with one row, in the GADF layout."""
        keywords = dict(self.meta)
        keywords["HDUCLAS3"] = "POINT-LIKE" if self.is_pointlike else "FULL-ENCLOSURE"
        if not self.has_offset_axis:
            keywords["FOVALIGN"] = str(self.fov_alignment)
        return gadf.to_table_hdu(self.spec, self.axes, self.data, self.unit, keywords)

    def __repr__(self) -> str:
        return text_summary(type(self).__name__, self._rows())

    def _repr_html_(self) -> str:
        return html_summary(type(self).__name__, self._rows())

    @classmethod
    def _from_columns(cls, columns: Mapping[str, u.Quantity], meta: Mapping[str, Any]) -> Self:
        """Return the response from the cells of the one row."""
        axes = MapAxes([gadf.read_axis(columns, name) for name in cls.required_axes])
        cell = gadf.pick(columns, cls.spec.columns)
        data = cls._ordered(np.asarray(cell.value).T, axes.shape)
        return cls(
            axes=axes,
            data=data.astype(data.dtype.newbyteorder("="), order="C"),
            unit=cls._read_unit(cell.unit),
            is_pointlike=meta.get("HDUCLAS3") == "POINT-LIKE",
            fov_alignment=_alignment(str(meta.get("FOVALIGN", "RADEC")).strip()),
            meta=meta,
        )

    @staticmethod
    def _ordered(data: AnyArray, shape: tuple[int, ...]) -> AnyArray:  # noqa: ARG004
        """Return the data of a file in the order of the axes; see `Background3D`."""
        return data

    @staticmethod
    def _read_unit(unit: u.UnitBase) -> u.UnitBase:
        """Return the unit of a file; see `Background3D`."""
        return unit

    def to_scale(self) -> FloatArray:
        """Return the data on the scale that is interpolated."""
        return np.asarray(self.data, dtype=float)

    def from_scale(self, values: FloatArray) -> FloatArray:
        """Return interpolated values on the scale of the data."""
        return values

    def _outside(self, points: list[FloatArray]) -> AnyArray:
        """Return where any coordinate is outside its axis; see `EnergyDispersion2D`."""
        return np.asarray(np.any(np.broadcast_arrays(*self._invalid(points)), axis=0))

    def _invalid(self, points: list[FloatArray]) -> list[BoolArray]:
        """Return where each coordinate is outside its axis."""
        return [~inside(axis, x) for axis, x in zip(self.axes, points, strict=True)]

    def _points(self, coords: Mapping[str, Any]) -> list[FloatArray]:
        """Return one array of plain numbers an axis, in the unit of the axis."""
        for name in coords:
            if name not in self.axes.names:
                hint = did_you_mean(name, self.axes.names)
                msg = f"{type(self).__name__} has no axis {name!r}{hint}; its axes are {self.axes.names}"
                raise IrfError(msg)
        count = len(self.axes)
        return [
            np.expand_dims(axis.center.value, tuple(j for j in range(count) if j != i))
            if coords.get(axis.name) is None
            else _to_axis_unit(axis, coords[axis.name])
            for i, axis in enumerate(self.axes)
        ]

    def _check(self) -> None:
        """Refuse what cannot be a response, with one sentence."""
        name = type(self).__name__
        if tuple(self.axes.names) != self.required_axes:
            msg = f"{name} needs the axes {list(self.required_axes)} in this order, found {self.axes.names}"
            raise IrfError(msg)
        if self.data.shape != self.axes.shape:
            msg = f"the data of {name} have shape {self.data.shape}, its axes {self.axes.shape}; make them equal"
            raise IrfError(msg)
        units = {f"axis {axis.name!r}": (axis.unit, gadf.AXES[axis.name][2]) for axis in self.axes}
        for part, (unit, expected) in (units | {"data": (self.unit, self.default_unit)}).items():
            if not unit.is_equivalent(expected):
                msg = f"the unit of {name}, {part}, is {str(unit)!r}, expected one like {str(expected)!r}; correct it"
                raise IrfError(msg)
        self._check_values(name)

    def _check_values(self, name: str) -> None:
        """Refuse data that are NaN, negative or empty."""
        bad = np.count_nonzero(~np.isfinite(self.data))
        if bad:
            msg = f"{bad} of the {self.data.size} values of {name} are NaN or infinite; leave out this run"
            raise IrfError(msg)
        least, peak = (float(self.data.min()), float(self.data.max())) if self.data.size else (0.0, 0.0)
        if least < LEAST_OVER_PEAK * max(peak, 0):
            msg = (
                f"{name} is negative: its least value is {least:.3g} {self.unit}, its largest {peak:.3g}; "
                f"expected at least {LEAST_OVER_PEAK:.0%} of the largest; leave out this run"
            )
            raise IrfError(msg)
        if peak <= 0:
            msg = f"{name} is empty: all its {self.data.size} values are 0; leave out this run"
            raise IrfError(msg)

    def _rows(self) -> dict[str, object]:
        """Return the lines of the text and HTML form."""
        return {
            "axes": self.axes.names,
            "shape": self.data.shape,
            "unit": str(self.unit),
            "dtype": str(self.data.dtype),
            "range": ", ".join(_range(axis) for axis in self.axes),
        }


def _to_axis_unit(axis: MapAxis, value: Any) -> FloatArray:
    """Return a coordinate as plain numbers in the unit of its axis."""
    try:
        return np.asarray(u.Quantity(value).to_value(axis.unit), dtype=float)
    except (u.UnitConversionError, TypeError, ValueError) as error:
        msg = f"{axis.name} = {value!r} is no coordinate; expected a value with a unit like {str(axis.unit)!r}"
        raise IrfError(msg) from error


def _alignment(value: str) -> FoVAlignment:
    """Return the alignment of a name."""
    try:
        return FoVAlignment(value)
    except ValueError as error:
        msg = f"the field of view's alignment is {value!r}; expected one of {[str(known) for known in FoVAlignment]}"
        raise IrfError(msg) from error


def _range(axis: MapAxis) -> str:
    """Return the range of an axis as text."""
    return f"{axis.name} {axis.edges.value[0]:.4g} to {axis.edges.value[-1]:.4g} {axis.unit}".strip()
