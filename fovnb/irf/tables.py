"""The four responses of a run: effective area, energy dispersion, point spread function and background."""

import warnings
from dataclasses import replace
from typing import Self

import numpy as np
from astropy import units as u

from fovnb.errors import DataError, FovnbWarning
from fovnb.irf.core import IRF
from fovnb.irf.gadf import TableHDU, TableSpec
from fovnb.types import AnyArray, BoolArray, FloatArray

__all__ = ["PSF3D", "Background3D", "EffectiveAreaTable2D", "EnergyDispersion2D", "read_irf"]


class EffectiveAreaTable2D(IRF):
    """Effective area against true energy and offset.

    Examples
    --------
    >>> from fovnb.maps import MapAxis
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")
    >>> offset = MapAxis.from_edges([0, 1, 2], name="offset", unit="deg")
    >>> EffectiveAreaTable2D([energy, offset], data=1e5, unit="m2")
    EffectiveAreaTable2D
    --------------------
      axes  : ['energy_true', 'offset']
      shape : (2, 2)
      unit  : m2
      dtype : float64
      range : energy_true 1 to 100 TeV, offset 0 to 2 deg
    """

    tag = "aeff_2d"
    required_axes = ("energy_true", "offset")
    default_unit = u.m**2
    spec = TableSpec("EFFECTIVE AREA", ("EFFAREA",), "EFF_AREA", "AEFF_2D")


class EnergyDispersion2D(IRF):
    """Probability density of the migration, reconstructed over true energy, against true energy and offset."""

    tag = "edisp_2d"
    required_axes = ("energy_true", "migra", "offset")
    default_unit = u.dimensionless_unscaled
    spec = TableSpec("ENERGY DISPERSION", ("MATRIX",), "EDISP", "EDISP_2D")

    def _outside(self, points: list[FloatArray]) -> AnyArray:
        """Return where the offset is outside, or both energy and migration are: one alone goes on along its line."""
        energy, migra, offset = self._invalid(points)
        return (energy & migra) | offset


class PSF3D(IRF):
    """Probability density per solid angle of the distance to the true direction, against true energy and offset."""

    tag = "psf_table"
    required_axes = ("energy_true", "offset", "rad")
    default_unit = u.sr**-1
    spec = TableSpec("PSF_2D_TABLE", ("RPSF",), "RPSF", "PSF_TABLE")


class Background3D(IRF):
    """Background rate per energy and solid angle against reconstructed energy and position in the field of view.

    The logarithm of the rate is interpolated. A rate of 0 enters it as the smallest number of the data's type, so that
    between 0 and a positive rate there is a tiny positive one.

    A file holds the values as (lat, lon, energy) in the order of numpy, as the standard has it, or as
    (energy, lon, lat), as H.E.S.S. and CTA write it: the number of energies tells.
    """

    tag = "bkg_3d"
    required_axes = ("energy", "fov_lon", "fov_lat")
    default_unit = u.Unit("s-1 MeV-1 sr-1")
    spec = TableSpec("BACKGROUND", ("BKG", "BGD"), "BKG", "BKG_3D")

    def interp_missing_data(self, axis_name: str = "energy") -> Self:
        """Return a response in which zeros between two positive values along an axis are interpolated.

        Zeros beyond the first or the last positive value stay.

        Examples
        --------
        >>> from fovnb.maps import MapAxis
        >>> energy = MapAxis.from_energy_bounds("1 TeV", "1000 TeV", nbin=4)
        >>> lon = MapAxis.from_edges([-1, 1], name="fov_lon", unit="deg")
        >>> rate = np.array([1.0, 0, 1e-4, 0]).reshape(4, 1, 1)
        >>> bkg = Background3D([energy, lon, lon.copy(name="fov_lat")], data=rate, unit="s-1 MeV-1 sr-1")
        >>> bkg.interp_missing_data().data.ravel()
        array([1.e+00, 1.e-02, 1.e-04, 0.e+00])
        """
        axis = self.axes.index(axis_name)
        log_rate = np.moveaxis(self.to_scale(), axis, 0)
        valid = np.moveaxis(self.data > 0, axis, 0)
        before, after = _nearest_valid(valid)
        position = np.arange(len(valid)).reshape(-1, *[1] * (valid.ndim - 1))
        fill = ~valid & (before >= 0) & (after < len(valid))
        first = np.take_along_axis(log_rate, np.maximum(before, 0), 0)
        last = np.take_along_axis(log_rate, np.minimum(after, len(valid) - 1), 0)
        slope = (last - first) / np.maximum(after - before, 1)
        filled = np.where(fill, np.exp(slope * (position - before) + first), np.moveaxis(self.data, axis, 0))
        return replace(self, data=np.moveaxis(filled, 0, axis).astype(self.data.dtype))

    @staticmethod
    def _ordered(data: AnyArray, shape: tuple[int, ...]) -> AnyArray:
        """Return the data in the order of the axes, whichever of the two orders the file has."""
        if shape == shape[::-1]:
            msg = f"the order of the background's axes cannot be told from their sizes {shape}: read as (lat, lon, E)"
            warnings.warn(msg, FovnbWarning, stacklevel=2)
        return data if data.shape == shape else data.T

    @classmethod
    def _read_unit(cls, unit: u.UnitBase) -> u.UnitBase:
        """Return the unit, or the standard's where the file holds none that can be understood."""
        if unit.is_equivalent(cls.default_unit):
            return unit
        if unit != u.dimensionless_unscaled and not isinstance(unit, u.UnrecognizedUnit):
            return unit
        msg = f"the unit of the background is {str(unit)!r}, which is none; read as {str(cls.default_unit)!r}"
        warnings.warn(msg, FovnbWarning, stacklevel=2)
        return cls.default_unit

    def to_scale(self) -> FloatArray:
        """Return the logarithm, in the precision of the data."""
        data = self.data if self.data.dtype == np.float32 else np.asarray(self.data, dtype=float)
        return np.asarray(np.log(np.maximum(data, np.finfo(data.dtype).tiny)), dtype=float)

    def from_scale(self, values: FloatArray) -> FloatArray:
        """Return the exponential; what double precision cannot hold is 0."""
        rate = np.exp(values)
        return np.where(rate > 2 * np.finfo(float).tiny, rate, 0)


def read_irf(hdu: TableHDU) -> IRF:
    """Return the response in a FITS table, of the kind that its keyword HDUCLAS4 says.

    Raises
    ------
    DataError
        If the kind is unknown, or a column is missing or broken.
    IrfError
        If the data are empty, NaN or negative.

    Examples
    --------
    >>> from fovnb.maps import MapAxis
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")
    >>> aeff = EffectiveAreaTable2D([energy, MapAxis.from_edges([0, 1], name="offset", unit="deg")], data=1, unit="m2")
    >>> type(read_irf(aeff.to_table_hdu())).__name__
    'EffectiveAreaTable2D'
    """
    found = str(hdu.header.get("HDUCLAS4", "")).strip().upper()
    kinds: dict[str, type[IRF]] = {
        cls.spec.hduclas4: cls for cls in (EffectiveAreaTable2D, EnergyDispersion2D, PSF3D, Background3D)
    }
    if found not in kinds:
        msg = f"extension {hdu.name!r} is of the kind HDUCLAS4 = {found!r}; what can be read is {list(kinds)}"
        raise DataError(msg)
    return kinds[found].from_table_hdu(hdu)


def _nearest_valid(valid: BoolArray) -> tuple[AnyArray, AnyArray]:
    """Return the positions along the first axis of the nearest valid entry before (or -1) and after (or its length)."""
    count = len(valid)
    position = np.arange(count).reshape(-1, *[1] * (valid.ndim - 1))
    before = np.maximum.accumulate(np.where(valid, position, -1), axis=0)
    after = np.minimum.accumulate(np.where(valid, position, count)[::-1], axis=0)[::-1]
    return before, after
