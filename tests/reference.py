"""Slow and obvious: what the engine must equal, one pixel and one bin at a time, with astropy's own coordinates."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import exp, log, pi

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, SkyOffsetFrame

from fovnb.irf import PSF3D, Background3D, EffectiveAreaTable2D, EnergyDispersion2D, FoVAlignment
from fovnb.maps import MapAxis, WcsGeom

__all__ = ["background", "edisp_kernel", "exposure", "psf"]


def exposure(pointing: SkyCoord, livetime_s: float, aeff: EffectiveAreaTable2D, geom: WcsGeom) -> np.ndarray:
    """Return the exposure [m2 s], shape (energy_true, lat, lon)."""
    result = np.zeros(geom.data_shape)
    for (j, i), offset in np.ndenumerate(_offsets(pointing, geom)):
        for k, energy in enumerate(geom.axes["energy_true"].center.to_value("TeV")):
            if _covered(aeff.axes["energy_true"], energy) and _covered(aeff.axes["offset"], offset):
                result[k, j, i] = max(_interpolate(aeff.axes, aeff.data, [energy, offset]), 0) * livetime_s
    return result


def background(pointing: SkyCoord, ontime_s: float, bkg: Background3D, geom: WcsGeom) -> np.ndarray:
    """Return the background counts of a rate in s-1 TeV-1 sr-1, shape (energy, lat, lon)."""
    result = np.zeros(geom.data_shape)
    tiny = np.finfo(bkg.data.dtype).tiny
    log_rate = np.log(np.maximum(bkg.data, tiny)).astype(float)
    lons, lats = _field_of_view(pointing, geom)
    sign = -1 if bkg.fov_alignment == FoVAlignment.REVERSE_LON_RADEC else 1
    solid_angle = geom.to_image().solid_angle().to_value("sr")

    def rate(energy: float, lon: float, lat: float) -> float:
        point = [energy, lon, lat]
        if not all(_covered(axis, x) for axis, x in zip(bkg.axes, point, strict=True)):
            return 0.0
        value = exp(_interpolate(bkg.axes, log_rate, point))
        return value if value > 2 * np.finfo(float).tiny else 0.0

    for j, i in np.ndindex(lons.shape):
        for k, (low, high) in enumerate(pairwise(geom.axes["energy"].edges.to_value("TeV"))):
            at_low, at_high = (rate(energy, sign * lons[j, i], lats[j, i]) for energy in (low, high))
            result[k, j, i] = _power_law_integral(low, high, at_low, at_high) * solid_angle[j, i] * ontime_s
    return result


def psf(pointing: SkyCoord, irf: PSF3D, geom: WcsGeom) -> np.ndarray:
    """Return the normalised PSF [deg-2], shape (energy_true, rad, lat, lon)."""
    result = np.zeros(geom.data_shape)
    rad = geom.axes["rad"]
    for (j, i), offset in np.ndenumerate(_offsets(pointing, geom)):
        for k, energy in enumerate(geom.axes["energy_true"].center.to_value("TeV")):
            profile = [
                max(_interpolate(irf.axes, irf.data, [energy, offset, r]), 0)
                if all(_covered(axis, x) for axis, x in zip(irf.axes, [energy, offset, r], strict=True))
                else 0.0
                for r in rad.center.to_value("deg")
            ]
            norm = sum(2 * pi * rad.center.to_value("deg") * rad.bin_width.to_value("deg") * profile)
            result[k, :, j, i] = np.divide(profile, norm) if norm > 0 else 0
    return result


def edisp_kernel(pointing: SkyCoord, irf: EnergyDispersion2D, geom: WcsGeom) -> np.ndarray:
    """Return the kernels, shape (energy_true, energy, lat, lon)."""
    result = np.zeros(geom.data_shape)
    migra = irf.axes["migra"]
    edges = geom.axes["energy"].edges.to_value("TeV")
    for (j, i), offset in np.ndenumerate(_offsets(pointing, geom)):
        for k, energy in enumerate(geom.axes["energy_true"].center.to_value("TeV")):
            if not _covered(irf.axes["offset"], offset):
                continue
            density = [max(_interpolate(irf.axes, irf.data, [energy, m, offset]), 0) for m in migra.center.value]
            below = np.concatenate([[0], np.cumsum(density * migra.bin_width.value)])
            if below[-1] > 0:
                cumulative = np.interp(edges / energy, migra.edges.value, below / below[-1])
                result[k, :, j, i] = np.diff(cumulative)
    return np.where(result < 1e-8, 0, result)


def _offsets(pointing: SkyCoord, geom: WcsGeom) -> np.ndarray:
    """Return the distance of every pixel from the pointing, in degrees."""
    return geom.to_image().get_coord().skycoord.separation(pointing).deg


def _field_of_view(pointing: SkyCoord, geom: WcsGeom) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude (towards smaller right ascension) and latitude from the pointing, in degrees."""
    pixels = geom.to_image().get_coord().skycoord.transform_to(SkyOffsetFrame(origin=pointing))
    return -pixels.lon.wrap_at(180 * u.deg).deg, pixels.lat.deg


def _covered(axis: MapAxis, x: float) -> bool:
    """Return whether a point lies on an axis."""
    return bool(axis.edges.value[0] <= x <= axis.edges.value[-1])


def _interpolate(axes: Sequence[MapAxis], values: np.ndarray, point: Sequence[float]) -> float:
    """Return the linear interpolation along the first axis of the interpolations along the others."""
    if not len(axes):
        return float(values)
    axis, rest = axes[0], list(axes)[1:]
    if axis.nbin == 1:
        return _interpolate(rest, values[0], point[1:])
    scale = log if axis.interp == "log" else float
    nodes, x = [scale(node) for node in axis.center.value], scale(point[0])
    i = min(max(bisect_right(nodes, x) - 1, 0), len(nodes) - 2)
    f = (x - nodes[i]) / (nodes[i + 1] - nodes[i])
    low, high = (_interpolate(rest, values[side], point[1:]) for side in (i, i + 1))
    return (1 - f) * low + f * high


def _power_law_integral(low: float, high: float, at_low: float, at_high: float) -> float:
    """Return the integral of the power law through two points; 0 if one of them is 0."""
    if at_low == 0 or at_high == 0:
        return 0.0
    index = log(at_high / at_low) / log(high / low)
    if abs(index + 1) < 1e-7:
        return at_low * low * log(high / low)
    return at_low * low / (index + 1) * ((high / low) ** (index + 1) - 1)
