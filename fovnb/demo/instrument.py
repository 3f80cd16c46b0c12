"""The simulated telescope array: smooth responses on small grids that depend on the zenith angle alone.

The numbers are those of a four-telescope array of 12 m class. Formulas (E true or reconstructed energy in TeV, theta
the offset, z the zenith angle, x and y field-of-view longitude and latitude in deg):

- threshold: E_t = 0.35 cos(z)^-2.5; the data are safe from E_t to 50 TeV
- effective area: 2.5e5 m2 (1 + (0.8 E_t / E)^4)^-1 E^0.15 exp(-theta^2 / (2 2.0^2))
- energy dispersion: E_reco / E_true normal around 1, with sigma 0.12 + 0.04 sqrt(E_t / E)
- point-spread function: 0.85 of a normal distribution with sigma s and 0.15 with 2 s, s = 0.055 (1 + 0.1 theta) E^-0.1
- background: E^-2.7 from the last node below E_t upwards, rising as E below it, times exp(-r^2 / (2 sigma^2)) with
  sigma = 1.35 + 0.25 lg E, times a gradient exp(0.06 x - 0.04 y). The break sits on a node, so that log-log
  interpolation gives exact power laws above the threshold, whatever the bins of the analysis.
"""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from fovnb.irf import PSF3D, Background3D, EffectiveAreaTable2D, EnergyDispersion2D
from fovnb.maps import MapAxes, MapAxis
from fovnb.types import FloatArray

__all__ = ["HI_THRESHOLD_TEV", "Irfs", "make_irfs", "threshold_tev"]

HI_THRESHOLD_TEV = 50.0


@dataclass(frozen=True)
class Irfs:
    """The four responses of one run."""

    aeff: EffectiveAreaTable2D
    edisp: EnergyDispersion2D
    psf: PSF3D
    bkg: Background3D


def make_irfs(zenith_deg: float) -> Irfs:
    """Return the responses at a zenith angle, see the module's formulas.

    Examples
    --------
    >>> make_irfs(20.0).bkg.data.shape
    (15, 30, 30)
    """
    threshold = threshold_tev(zenith_deg)
    return Irfs(_aeff(threshold), _edisp(threshold), _psf(), _bkg(threshold))


def threshold_tev(zenith_deg: float) -> float:
    """Return the energy above which the responses can be trusted, in TeV."""
    return float(0.35 * np.cos(np.radians(zenith_deg)) ** -2.5)


def _aeff(threshold: float) -> EffectiveAreaTable2D:
    axes = MapAxes([_energy_true(36), _offset(6)])
    energy, offset = _mesh(axes)
    data = 2.5e5 / (1 + (0.8 * threshold / energy) ** 4) * energy**0.15 * np.exp(-0.5 * (offset / 2.0) ** 2)
    meta = {"LO_THRES": threshold, "HI_THRES": HI_THRESHOLD_TEV}
    return EffectiveAreaTable2D(axes=axes, data=data.astype(np.float32), unit="m2", meta=meta)


def _edisp(threshold: float) -> EnergyDispersion2D:
    from scipy.special import ndtr

    migra = MapAxis.from_edges(np.linspace(0.2, 2.0, 73), name="migra")
    axes = MapAxes([_energy_true(24), migra, _offset(3)])
    energy = axes["energy_true"].center.to_value("TeV")[:, None]
    sigma = 0.12 + 0.04 * np.sqrt(threshold / energy)
    cumulative = ndtr((migra.edges.value - 1) / sigma)
    density = np.diff(cumulative, axis=1) / np.diff(migra.edges.value)
    data = np.repeat(np.where(density > 1e-6, density, 0)[:, :, None], axes["offset"].nbin, axis=2)
    return EnergyDispersion2D(axes=axes, data=data.astype(np.float32))


def _psf() -> PSF3D:
    rad_axis = MapAxis.from_edges(np.linspace(0, 0.6, 121) * u.deg, name="rad")
    axes = MapAxes([_energy_true(12), _offset(6), rad_axis])
    energy, offset, rad = _mesh(axes)
    sigma = 0.055 * (1 + 0.1 * offset) * energy**-0.1
    data = 0.85 * _normal_2d(rad, sigma) + 0.15 * _normal_2d(rad, 2 * sigma)
    return PSF3D(axes=axes, data=data.astype(np.float32), unit="sr-1")


def _normal_2d(rad: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return the density per steradian at ``rad`` of a two-dimensional normal distribution; both in deg."""
    density: FloatArray = np.exp(-0.5 * (rad / sigma) ** 2) / (2 * np.pi * np.radians(sigma) ** 2)
    return density


def _bkg(threshold: float) -> Background3D:
    field = np.linspace(-3, 3, 31) * u.deg
    energy_axis = MapAxis.from_energy_bounds("0.1 TeV", "100 TeV", nbin=15)
    axes = MapAxes([energy_axis, *(MapAxis.from_edges(field, name=name) for name in ("fov_lon", "fov_lat"))])
    energy, x, y = _mesh(axes)
    peak = energy[energy <= threshold].max()
    spectrum = np.where(energy >= peak, energy**-2.7, peak**-2.7 * energy / peak)
    sigma = 1.35 + 0.25 * np.log10(energy)
    data = 4e-4 * spectrum * np.exp(-0.5 * (x**2 + y**2) / sigma**2 + 0.06 * x - 0.04 * y)
    return Background3D(axes=axes, data=data.astype(np.float32), unit="s-1 MeV-1 sr-1")


def _energy_true(nbin: int) -> MapAxis:
    return MapAxis.from_energy_bounds("0.1 TeV", "100 TeV", nbin=nbin, name="energy_true")


def _offset(nbin: int) -> MapAxis:
    return MapAxis.from_edges(np.linspace(0, 3, nbin + 1) * u.deg, name="offset")


def _mesh(axes: MapAxes) -> list[FloatArray]:
    """Return the axes' centres in TeV and deg, shaped to broadcast against each other."""
    return list(np.meshgrid(*(axis.center.value for axis in axes), indexing="ij", sparse=True))
