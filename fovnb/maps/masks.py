"""Boolean images of sky regions.

A pixel is inside a region if its centre is, after the region was projected to pixels. Everything happens once on the
two-dimensional image, whatever axes a map has. ``regions`` imports matplotlib, so functions import it when they run.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs.utils import skycoord_to_pixel

from fovnb.errors import InvalidInputError
from fovnb.maps.sky import SkyGrid
from fovnb.types import BoolArray

if TYPE_CHECKING:
    from regions import Region, Regions

__all__ = ["parse_regions", "regions_image"]


def parse_regions(regions: Any) -> "list[Region]":
    """Return a list of regions from one region, several, a position or a text in DS9's format.

    Raises
    ------
    InvalidInputError
        If the text cannot be read or something is no region.

    Examples
    --------
    >>> [type(region).__name__ for region in parse_regions("icrs; circle(83.63, 22.01, 0.2)")]
    ['CircleSkyRegion']
    """
    from regions import PointSkyRegion, Region, Regions

    if isinstance(regions, str):
        regions = _parse_ds9(regions)
    found = list(regions) if isinstance(regions, list | tuple | Regions) else [regions]
    found = [PointSkyRegion(region) if isinstance(region, SkyCoord) else region for region in found]
    for region in found:
        if not isinstance(region, Region):
            msg = f"{region!r} was given as a region; give regions such as CircleSkyRegion, or a text in DS9's format"
            raise InvalidInputError(msg)
    return found


def regions_image(sky: SkyGrid, regions: "Iterable[Region]") -> BoolArray:
    """Return which pixels are inside at least one of the regions, shape (ny, nx); a pixel off the sky is in none.

    A point region holds the pixels whose centres are less than one pixel from it in both directions: the four around
    it, as in Gammapy.
    """
    ny, nx = sky.shape
    x, y = np.meshgrid(np.arange(nx), np.arange(ny))
    inside = np.zeros(sky.shape, dtype=bool)
    for region in regions:
        inside |= _contains(region, sky, x, y)
    return inside & np.isfinite(sky.lonlat_deg[0]) if inside.any() else inside


def _contains(region: "Region", sky: SkyGrid, x: Any, y: Any) -> BoolArray:
    from regions import PixCoord, PixelRegion, PointSkyRegion

    if isinstance(region, PointSkyRegion):
        x0, y0 = skycoord_to_pixel(region.center, sky.wcs)
        return np.asarray((abs(x - x0) < 1) & (abs(y - y0) < 1))
    try:
        in_pixels = region if isinstance(region, PixelRegion) else region.to_pixel(sky.wcs)
        return np.asarray(in_pixels.contains(PixCoord(x, y)), dtype=bool)
    except (NotImplementedError, TypeError, ValueError) as error:
        msg = f"cannot project the region {region!r} onto the map ({error}); give a sky region that lies on it"
        raise InvalidInputError(msg) from error


def _parse_ds9(text: str) -> "Regions":
    from regions import Regions

    try:
        regions = Regions.parse(text, format="ds9")
    except Exception as error:
        regions, reason = [], f" ({error})"
    else:
        reason = ""
    if not len(regions):
        msg = f"no region found in {text!r}{reason}; give text in DS9's format, as 'icrs; circle(83.63, 22.01, 0.2)'"
        raise InvalidInputError(msg)
    return regions
