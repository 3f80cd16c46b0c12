"""From what users ask of a sky grid to the projection that has it."""

from typing import Any

import numpy as np
from astropy.coordinates import BaseCoordinateFrame, ConvertError, SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import celestial_frame_to_wcs, proj_plane_pixel_scales

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps.checks import check_choice, degrees, positive_int
from fovnb.maps.sky import SkyGrid

__all__ = ["check_size", "lonlat_pair", "make_sky_grid", "sky_grid_from_wcs"]

FRAMES = ("icrs", "galactic", "fk5")
MAX_PIXELS = 2_000_000_000


def make_sky_grid(
    npix: Any = None,
    binsz: Any = 0.5,
    proj: str = "CAR",
    frame: Any = "icrs",
    refpix: Any = None,
    skydir: Any = None,
    width: Any = None,
) -> SkyGrid:
    """Return the sky grid that `WcsGeom.create` describes; same arguments.

    Examples
    --------
    >>> make_sky_grid(width=(5, 3), binsz=0.02).shape
    (150, 250)
    """
    frame = frame.name if isinstance(frame, BaseCoordinateFrame) else str(frame)
    check_choice("frame", frame, FRAMES)
    if isinstance(binsz, list):
        msg = f"binsz is the list {binsz!r}; one size an image is not supported, give a number or a tuple (lon, lat)"
        raise InvalidInputError(msg)
    size = lonlat_pair(binsz, "binsz")
    nx, ny = _npix(npix, (360.0, 180.0) if width is None else width, size)
    check_size((ny, nx))
    crpix = ((nx + 1) / 2, (ny + 1) / 2) if refpix is None else refpix
    wcs = _wcs(frame, proj, _lonlat(skydir, frame), crpix, (-size[0], size[1]))
    wcs.array_shape = (ny, nx)
    return SkyGrid(wcs, (ny, nx))


def sky_grid_from_wcs(wcs: WCS, npix: Any = None) -> SkyGrid:
    """Return the sky grid of a projection, of which a copy is kept; ``npix`` (nx, ny) defaults to the projection's own.

    Raises
    ------
    GeometryError
        If the projection has no celestial axes, a frame other than ICRS, galactic or FK5, or no size.
    """
    if not wcs.has_celestial:
        msg = f"the projection has axes {list(wcs.wcs.ctype)}, not longitude and latitude; give a celestial WCS"
        raise GeometryError(msg)
    if npix is None and wcs.array_shape is None:
        msg = "the projection has no size; give npix=(number in longitude, number in latitude)"
        raise GeometryError(msg)
    nx, ny = (positive_int(n, "npix") for n in (wcs.array_shape[-1:-3:-1] if npix is None else npix))
    check_size((ny, nx))
    wcs = _with_cdelt(wcs.deepcopy() if wcs.naxis == 2 else wcs.celestial)
    wcs.array_shape = (ny, nx)
    sky = SkyGrid(wcs, (ny, nx))
    check_choice("the frame of the projection", sky.frame, FRAMES)
    return sky


def lonlat_pair(value: Any, what: str) -> tuple[float, float]:
    """Return a positive angle, or a (lon, lat) pair of them, as two numbers in degrees.

    Examples
    --------
    >>> lonlat_pair("30 arcmin", "width")
    (0.5, 0.5)
    """
    angles = degrees(value, what)
    if angles.size not in (1, 2) or not ((angles > 0) & np.isfinite(angles)).all():
        msg = f"{what} is {value!r}; give one positive angle in degrees, or a tuple of two for longitude and latitude"
        raise InvalidInputError(msg)
    return float(angles[0]), float(angles[-1])


def check_size(shape: tuple[int, ...]) -> None:
    """Raise `GeometryError` if a map of this shape could not be kept in memory.

    Examples
    --------
    >>> check_size((5, 250, 250))
    """
    if (size := float(np.prod(shape, dtype=float))) > MAX_PIXELS:
        msg = f"a map of shape {shape} has {size:.2g} pixels, above {MAX_PIXELS:.0g}; give a larger binsz or less width"
        raise GeometryError(msg)


def _with_cdelt(wcs: WCS) -> WCS:
    """Write a CD matrix as pixel sizes and a PC matrix, so that ``cdelt`` always is the size of the pixels."""
    if wcs.wcs.has_cd():
        scales, matrix = proj_plane_pixel_scales(wcs), wcs.wcs.cd.copy()
        del wcs.wcs.cd
        wcs.wcs.pc, wcs.wcs.cdelt = matrix / scales[:, np.newaxis], scales
    return wcs


def _npix(npix: Any, width: Any, size: tuple[float, float]) -> tuple[int, int]:
    if npix is None:
        pair = tuple(np.rint(w / s) for w, s in zip(lonlat_pair(width, "width"), size, strict=True))
        what = f"the number of pixels for a width of {width!r} and a binsz of {size}"
    else:
        pair, what = npix if isinstance(npix, tuple) else (npix, npix), "npix, a number or a tuple of two,"
    if len(pair) != 2:
        msg = f"npix is {npix!r}; give a number, or a tuple of two for longitude and latitude"
        raise InvalidInputError(msg)
    return positive_int(pair[0], what), positive_int(pair[1], what)


def _lonlat(skydir: Any, frame: str) -> tuple[float, float]:
    if skydir is None:
        return 0.0, 0.0
    if isinstance(skydir, SkyCoord):
        try:
            sky = skydir.transform_to(frame)
        except ConvertError as error:
            msg = f"skydir is {skydir!r}, which cannot be given in {frame}; give an ICRS or galactic position"
            raise InvalidInputError(msg) from error
        skydir = (sky.data.lon, sky.data.lat)
    lonlat = degrees(skydir, "skydir") if isinstance(skydir, tuple) else np.array([])
    if lonlat.size != 2 or not (np.isfinite(lonlat).all() and abs(lonlat[1]) <= 90):
        msg = f"skydir is {skydir!r}; give one SkyCoord, or a tuple (longitude, latitude) in degrees"
        raise InvalidInputError(msg)
    return float(lonlat[0]), float(lonlat[1])


def _wcs(frame: str, proj: str, crval: Any, crpix: Any, cdelt: Any) -> WCS:
    problem = ""
    try:
        wcs = celestial_frame_to_wcs(SkyCoord(0, 0, unit="deg", frame=frame).frame, projection=proj)
        wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = crval, crpix, cdelt
        wcs.wcs.datfix()
        wcs.wcs.set()
        if wcs.wcs.ctype[0][5:] == proj != "":
            return wcs
    except (TypeError, ValueError) as error:
        problem = f" ({str(error).splitlines()[-1]})"
    msg = (
        f"there is no projection {proj!r} with skydir {crval} and refpix {crpix}{problem}; "
        "give a FITS code such as CAR, TAN, SIN or AIT, and refpix as two numbers"
    )
    raise InvalidInputError(msg)
