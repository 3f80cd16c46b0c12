"""Projection of a run's responses onto the pixels of a map.

The energy is interpolated on the response's own small grid first, the position in the field of view last. What depends
on the offset alone is, energy by energy, a product of a small matrix with the weights of the response's few offsets in
every pixel. The frame of the field of view is that of `SkyGrid.fov_lonlat_deg`.
"""

from itertools import pairwise, product

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.errors import GeometryError, InvalidInputError, IrfError
from fovnb.irf import (
    IRF,
    PSF3D,
    Background3D,
    EDispKernelMap,
    EffectiveAreaTable2D,
    EnergyDispersion2D,
    FoVAlignment,
    PSFMap,
)
from fovnb.irf.grid import bracket, inside, weights
from fovnb.irf.maps import check_axis_names
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.types import FloatArray, IntArray

__all__ = [
    "check_energy_coverage",
    "check_sky_coverage",
    "make_edisp_kernel_map",
    "make_map_background_irf",
    "make_map_exposure_true_energy",
    "make_psf_map",
]


def make_map_exposure_true_energy(
    pointing: SkyCoord, livetime: u.Quantity | str, aeff: EffectiveAreaTable2D, geom: WcsGeom
) -> Map:
    """Return the exposure: effective area at the centres of energy and pixel, times livetime [m2 s].

    Linear in the logarithm of the energy and in the offset; 0 outside the response.

    Parameters
    ----------
    pointing : SkyCoord
        Pointing direction.
    livetime : Quantity or str
        Time, corrected for dead time.
    aeff : EffectiveAreaTable2D
        Effective area.
    geom : WcsGeom
        Grid with the axis "energy_true"; any other axis has one bin.

    Raises
    ------
    GeometryError
        If the axes do not fit.

    Examples
    --------
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")
    >>> offset = MapAxis.from_edges([0, 2], name="offset", unit="deg")
    >>> aeff = EffectiveAreaTable2D([energy, offset], data=1e5, unit="m2")
    >>> geom = WcsGeom.create(skydir=(83.63, 22.01), npix=2, binsz=0.1, axes=[energy])
    >>> exposure = make_map_exposure_true_energy(geom.center_skydir, "1 h", aeff, geom)
    >>> float(exposure.data.max()), str(exposure.unit)
    (360000000.0, 'm2 s')
    """
    livetime = _time(livetime, "livetime")
    true = _axis(geom, "energy_true")
    if np.prod(geom.axes.shape) != true.nbin:
        msg = f"an exposure needs the axis 'energy_true' alone, found {geom.axes.names}; squash the others"
        raise GeometryError(msg)
    exposure = _at_energies(aeff, true) * (aeff.unit * livetime).to_value("m2 s")
    data = _positive(exposure @ _offset_weights(aeff, pointing, geom))
    meta = {"livetime": livetime, "is_pointlike": aeff.is_pointlike}
    return Map(geom, data=data.reshape(geom.data_shape), unit="m2 s", meta=meta)


def make_map_background_irf(pointing: SkyCoord, ontime: u.Quantity | str, bkg: Background3D, geom: WcsGeom) -> Map:
    """Return the background counts that the response predicts in each energy bin and pixel.

    The rate is evaluated at the energy edges and the pixel centre (trilinear in its logarithm, the logarithm of the
    energy and the position in the field of view; 0 outside the response), integrated over each bin as a power law
    through its two edges, and multiplied by solid angle and time.

    Parameters
    ----------
    pointing : SkyCoord
        Pointing direction.
    ontime : Quantity or str
        Time, not corrected for dead time.
    bkg : Background3D
        Background rate; zeros between positive rates are best filled before, see `Background3D.interp_missing_data`.
    geom : WcsGeom
        Grid with the one axis "energy".

    Raises
    ------
    GeometryError
        If the axes do not fit.
    IrfError
        If the response is aligned with the horizon.

    Examples
    --------
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=1)
    >>> lon = MapAxis.from_edges([-2, 0, 2], name="fov_lon", unit="deg")
    >>> bkg = Background3D([energy, lon, lon.copy(name="fov_lat")], data=1, unit="s-1 TeV-1 sr-1")
    >>> geom = WcsGeom.create(skydir=(83.63, 22.01), npix=2, binsz=0.1, axes=[energy])
    >>> counts = make_map_background_irf(geom.center_skydir, "1 h", bkg, geom)
    >>> bool(np.allclose(counts.data, 9 * 3600 * geom.solid_angle().value))
    True
    """
    check_axis_names(geom, ("energy",), "a background map")
    seconds = _time(ontime, "ontime").to_value("s")
    pixels, lon, lat = _field_of_view(bkg, pointing, geom)
    rate = _integrated_rate(bkg, geom.axes["energy"].edges.to_value(bkg.axes["energy"].unit), lon, lat)
    per_rate = (bkg.unit * bkg.axes["energy"].unit).to("s-1 sr-1") * seconds
    data = np.zeros((len(rate), geom.sky.solid_angle_sr.size))
    data[:, pixels] = rate * (geom.sky.solid_angle_sr.ravel()[pixels] * per_rate)
    return Map(geom, data=data.reshape(geom.data_shape), unit="")


def make_psf_map(psf: PSF3D, pointing: SkyCoord, geom: WcsGeom, exposure_map: Map | None = None) -> PSFMap:
    """Return the point spread function in every pixel, normalised to ``sum of 2 pi rad PSF d(rad) = 1``.

    Linear in the logarithm of the energy, in the offset and in the distance; 0 outside the response.

    Parameters
    ----------
    psf : PSF3D
        Point spread function.
    pointing : SkyCoord
        Pointing direction.
    geom : WcsGeom
        Grid with the axes "rad" and "energy_true", in this order.
    exposure_map : Map, optional
        Exposure, which becomes part of the result.

    Raises
    ------
    GeometryError
        If the axes do not fit.
    """
    check_axis_names(geom, PSFMap.required_axes, "a PSF map")
    rad = geom.axes["rad"]
    at_rad = weights(psf.axes["rad"], rad.center.to_value(psf.axes["rad"].unit))
    density = np.einsum("eor,rk->eko", _at_energies(psf, geom.axes["energy_true"]), at_rad, optimize=True)
    data = _positive(density @ _offset_weights(psf, pointing, geom))
    _normalise(data, 2 * np.pi * rad.center.value * rad.bin_width.value)
    return PSFMap(Map(geom, data=data.reshape(geom.data_shape), unit=rad.unit**-2), exposure_map)


def make_edisp_kernel_map(
    edisp: EnergyDispersion2D,
    pointing: SkyCoord,
    geom: WcsGeom,
    exposure_map: Map | None = None,
    threshold: float = 1e-8,
) -> EDispKernelMap:
    """Return the probability to reconstruct each true energy in each bin of reconstructed energy, in every pixel.

    The migration's density, linear in the logarithm of the true energy and in the offset, is normalised on the
    response's own migration axis and integrated between the edges of the reconstructed energy over the centre of the
    true one.

    Parameters
    ----------
    edisp : EnergyDispersion2D
        Energy dispersion.
    pointing : SkyCoord
        Pointing direction.
    geom : WcsGeom
        Grid with the axes "energy" and "energy_true", in this order.
    exposure_map : Map, optional
        Exposure, which becomes part of the result.
    threshold : float
        Smaller probabilities become 0.

    Raises
    ------
    GeometryError
        If the axes do not fit.
    """
    check_axis_names(geom, EDispKernelMap.required_axes, "an energy dispersion map")
    density = _at_energies(edisp, geom.axes["energy_true"], beyond=True)
    shares = _migration_shares(edisp.axes["migra"], geom.axes["energy"], geom.axes["energy_true"])
    at_offset = _offset_weights(edisp, pointing, geom)
    # Where nothing can be negative, integrating and then interpolating is the same, and much less work.
    simple = (at_offset >= 0).all(axis=0) & (density >= 0).all()
    summed = (shares @ density) @ at_offset
    if not simple.all():
        rest = at_offset[:, ~simple]
        summed[..., ~simple] = [share @ _positive(values @ rest) for share, values in zip(shares, density, strict=True)]
    parts, norm = summed[:, :-1], summed[:, -1:]
    data = np.divide(parts, norm, out=np.zeros_like(parts), where=norm > 0)
    data[data < threshold] = 0
    return EDispKernelMap(Map(geom, data=data.reshape(geom.data_shape), unit=""), exposure_map)


def check_energy_coverage(irf: IRF, axis: MapAxis) -> None:
    """Refuse an energy axis that lies outside the response altogether, where maps would be 0.

    Raises
    ------
    IrfError
        If the two ranges do not overlap.

    Examples
    --------
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")
    >>> offset = MapAxis.from_edges([0, 2], name="offset", unit="deg")
    >>> aeff = EffectiveAreaTable2D([energy, offset], data=1e5, unit="m2")
    >>> check_energy_coverage(aeff, MapAxis.from_energy_bounds("0.01 TeV", "0.1 TeV", nbin=2, name="energy_true"))
    Traceback (most recent call last):
    fovnb.errors.IrfError: the energy_true axis from 0.01 to 0.1 TeV lies outside EffectiveAreaTable2D, which covers
    1 to 100 TeV; choose energies inside
    """
    ours = irf.axes[axis.name]
    low, high = axis.edges.to_value(ours.unit)[[0, -1]]
    first, last = ours.edges.value[[0, -1]]
    if high <= first or low >= last:
        msg = (
            f"the {axis.name} axis from {low:.4g} to {high:.4g} {ours.unit} lies outside {type(irf).__name__}, "
            f"which covers {first:.4g} to {last:.4g} {ours.unit}; choose energies inside"
        )
        raise IrfError(msg)


def check_sky_coverage(irf: IRF, pointing: SkyCoord, geom: WcsGeom) -> None:
    """Refuse a geometry without any pixel in the field of view of the response, where maps would be 0.

    Raises
    ------
    GeometryError
        If no pixel centre lies in the field of view.
    """
    axis = irf.axes["offset" if irf.has_offset_axis else "fov_lon"]
    if irf.has_offset_axis:
        offset = geom.sky.offset_deg(*_lonlat_deg(pointing))
        covered = bool(inside(axis, offset * u.deg.to(axis.unit)).any())
    else:
        covered = _field_of_view(irf, pointing, geom)[0].size > 0
    if not covered:
        lon, lat = _lonlat_deg(pointing)
        nearest = np.nanmin(geom.sky.offset_deg(lon, lat))
        msg = (
            f"the geometry, centred on {geom.center_skydir.to_string('decimal')} deg, does not overlap the run, which "
            f"points to ICRS {lon:.4f} {lat:.4f} deg: its nearest pixel is {nearest:.2f} deg away, "
            f"{type(irf).__name__} ends at {axis.edges[-1]:.4g}; leave out this run or move the geometry"
        )
        raise GeometryError(msg)


def _axis(geom: WcsGeom, name: str) -> MapAxis:
    """Return an axis of a geometry, or say which there are."""
    if name not in geom.axes.names:
        msg = f"the geometry has no axis {name!r}, only {geom.axes.names}; create it with one of that name"
        raise GeometryError(msg)
    return geom.axes[name]


def _time(value: u.Quantity | str, name: str) -> u.Quantity:
    """Return a time that is 0 or more."""
    try:
        time = u.Quantity(value).to("s")
    except (u.UnitConversionError, TypeError, ValueError) as error:
        msg = f"{name} = {value!r} is no time; give one with its unit, such as '1680 s'"
        raise InvalidInputError(msg) from error
    if not time >= 0:
        msg = f"{name} is {time}; expected 0 or more; leave this run out"
        raise InvalidInputError(msg)
    return u.Quantity(value)


def _lonlat_deg(pointing: SkyCoord) -> tuple[float, float]:
    """Return the pointing in the ICRS."""
    icrs = pointing if pointing.frame.name == "icrs" else pointing.icrs
    return float(icrs.ra.deg), float(icrs.dec.deg)


def _positive(data: FloatArray) -> FloatArray:
    """Return data, just made, with their negative values set to 0 in place."""
    return np.maximum(data, 0, out=data)


def _at_energies(irf: IRF, axis: MapAxis, beyond: bool = False) -> FloatArray:
    """Return the response at the centres of an energy axis, its first axis, the other axes as they are."""
    ours = irf.axes[0]
    at_energy = weights(ours, axis.center.to_value(ours.unit), beyond)
    return np.asarray(np.tensordot(at_energy.T, np.asarray(irf.data, dtype=float), axes=1))


def _offset_weights(irf: IRF, pointing: SkyCoord, geom: WcsGeom) -> FloatArray:
    """Return the weights of the response's offsets in every pixel, shape (offsets, pixels)."""
    axis = irf.axes["offset"]
    return weights(axis, geom.sky.offset_deg(*_lonlat_deg(pointing)).ravel() * u.deg.to(axis.unit))


def _field_of_view(irf: IRF, pointing: SkyCoord, geom: WcsGeom) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the pixels in the field of view of the response, and longitude and latitude of these, in its units."""
    if irf.fov_alignment == FoVAlignment.ALTAZ:
        msg = (
            f"{type(irf).__name__} is aligned with the horizon (ALTAZ), which cannot be projected yet; expected "
            f"{FoVAlignment.RADEC} or {FoVAlignment.REVERSE_LON_RADEC}"
        )
        raise IrfError(msg)
    lon, lat = (angle.ravel() for angle in geom.sky.fov_lonlat_deg(*_lonlat_deg(pointing)))
    sign = -1 if irf.fov_alignment == FoVAlignment.REVERSE_LON_RADEC else 1
    lon_axis, lat_axis = irf.axes["fov_lon"], irf.axes["fov_lat"]
    lon = lon * (sign * u.deg.to(lon_axis.unit))
    lat = lat * u.deg.to(lat_axis.unit)
    pixels = np.flatnonzero(inside(lon_axis, lon) & inside(lat_axis, lat))
    return pixels, lon[pixels], lat[pixels]


def _integrated_rate(bkg: Background3D, edges: FloatArray, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Return the rate integrated between energy edges, shape (edges - 1, points).

    Through the two edges of a bin goes the power law y with ``E y = a (E/E1)^k``. Its integral is ``ln(E2/E1)`` times
    the logarithmic mean ``(b - a) / ln(b / a)`` of ``a = E1 y1`` and ``b = E2 y2``; 0 if either is 0.
    """
    energy, lon_axis, lat_axis = bkg.axes
    tables = np.tensordot(weights(energy, edges).T, bkg.to_scale(), axes=1)
    corners = _corners(bracket(lon_axis, lon), bracket(lat_axis, lat), lat_axis.nbin)
    result = np.zeros((len(edges) - 1, lon.size))
    # Edge by edge, so that what is computed stays in the processor's cache.
    at_edges = (
        _per_log_energy(*row, corners) for row in zip(tables, np.log(edges), inside(energy, edges), strict=True)
    )
    for row, (low, high), step in zip(result, pairwise(at_edges), np.diff(np.log(edges)), strict=True):
        np.multiply(_logarithmic_mean(*low, *high), step, out=row)
    return result


def _corners(
    lon: tuple[IntArray, IntArray, FloatArray], lat: tuple[IntArray, IntArray, FloatArray], rows: int
) -> list[tuple[IntArray, FloatArray]]:
    """Return flat index and weight of the four nodes around points that are given by `bracket`."""
    (west, east, f), (south, north, g) = lon, lat
    sides = ((west, 1 - f), (east, f)), ((south, 1 - g), (north, g))
    return [(column * rows + row, a * b) for (column, a), (row, b) in product(*sides)]


def _per_log_energy(
    table: FloatArray, log_energy: float, covered: bool, corners: list[tuple[IntArray, FloatArray]]
) -> tuple[FloatArray, FloatArray]:
    """Return ln(E y) and E y at one energy; E y is 0 where this is not covered or double precision cannot hold y."""
    log_rate = sum((weight * table.ravel()[index] for index, weight in corners), start=np.zeros(1))
    some = covered & (log_rate > np.log(2 * np.finfo(float).tiny))
    log_rate += log_energy
    return log_rate, np.exp(log_rate) * some


def _logarithmic_mean(log_a: FloatArray, a: FloatArray, log_b: FloatArray, b: FloatArray) -> FloatArray:
    """Return ``(b - a) / ln(b / a)``; ``a`` where both are equal, 0 where either is 0."""
    ratio = log_b - log_a
    mean = 0.5 * (a + b)
    np.divide(b - a, ratio, out=mean, where=np.abs(ratio) > 1e-5)
    mean *= (a > 0) & (b > 0)
    return mean


def _migration_shares(migra: MapAxis, energy: MapAxis, energy_true: MapAxis) -> FloatArray:
    """Return how much of each migration bin lies in each reconstructed bin, and last its whole width.

    Shape (true, reco + 1, migration); times the density and summed over the migration: probabilities and their norm.
    """
    lower, width = migra.edges.value[:-1], migra.bin_width.value
    edges = energy.edges.to_value(energy_true.unit) / energy_true.center.value[:, np.newaxis]
    below = np.clip(edges[:, :, np.newaxis] - lower, 0, width)
    whole = np.broadcast_to(width, (len(below), 1, len(width)))
    return np.concatenate([np.diff(below, axis=1), whole], axis=1)


def _normalise(data: FloatArray, measure: FloatArray) -> None:
    """Divide densities (energy, rad, points) by their sums, in place; 0 where there is nothing to sum."""
    norm = np.matmul(measure, data)[:, np.newaxis]
    np.divide(data, norm, out=data, where=norm > 0)
