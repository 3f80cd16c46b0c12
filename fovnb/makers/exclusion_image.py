"""From a region, or a mask on another grid, to a boolean image on the pixels of a geometry."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from fovnb.errors import InvalidInputError
from fovnb.maps import Map, WcsGeom
from fovnb.maps.lookup import inside, pixels_of
from fovnb.maps.masks import regions_image
from fovnb.maps.sky import SkyGrid
from fovnb.maps.smooth import dilate
from fovnb.maps.window import is_tiled
from fovnb.types import BoolArray

if TYPE_CHECKING:
    from regions import SkyRegion

__all__ = ["PixelShape", "as_boolean", "grow_image", "sample_mask"]


class PixelShape:
    """A sky region in the pixels of one grid, and of all grids that are cut from the same pixels.

    The projection of a region takes a few milliseconds, the pixels inside it much less.

    Parameters
    ----------
    region : SkyRegion
        A region with one border around it.
    sky : SkyGrid
        The pixels.
    """

    def __init__(self, region: "SkyRegion", sky: SkyGrid) -> None:
        from regions import PointSkyRegion

        self._sky = sky
        self._region = region
        self._pixels: Any = None
        self._box: tuple[int, int, int, int] | None = None
        if not isinstance(region, PointSkyRegion):  # a point has no inside, and takes the pixels around it
            # What cannot be projected is left to `regions_image`, which says so.
            with suppress(NotImplementedError, TypeError, ValueError):
                self._pixels = region.to_pixel(sky.wcs)
                box = self._pixels.bounding_box
                self._box = (box.iymin, box.iymax, box.ixmin, box.ixmax)

    def fits(self, sky: SkyGrid) -> bool:
        """Return whether the pixels of a grid are those of the shape's own, wherever it begins."""
        return sky is self._sky or is_tiled(self._sky, sky)

    def image(self, sky: SkyGrid) -> BoolArray:
        """Return which pixels of a fitting grid are inside, shape (ny, nx); see `fovnb.maps.masks.regions_image`."""
        if self._box is None:
            return regions_image(sky, [self._region])
        from regions import PixCoord

        x0, y0 = np.rint(self._sky.wcs.wcs.crpix - sky.wcs.wcs.crpix).astype(int)
        (ny, nx), result = sky.shape, np.zeros(sky.shape, dtype=bool)
        rows = slice(*np.clip([self._box[0] - y0, self._box[1] - y0], 0, ny))
        columns = slice(*np.clip([self._box[2] - x0, self._box[3] - x0], 0, nx))
        y, x = np.mgrid[rows, columns]
        if x.size:
            contained = np.asarray(self._pixels.contains(PixCoord(x + x0, y + y0)))
            result[rows, columns] = contained & np.isfinite(sky.lonlat_deg[0][rows, columns])
        return result


def as_boolean(mask: object) -> Map:
    """Return a boolean map; files hold masks as 0 and 1.

    Raises
    ------
    InvalidInputError
        If it is no map, or holds other values.
    """
    if not isinstance(mask, Map):
        found = type(mask).__name__
        msg = (
            f"the exclusion mask is a {found}; expected a Map such as geom.region_mask(regions, inside=False), "
            "or an ExclusionMask"
        )
        raise InvalidInputError(msg)
    if mask.data.dtype == bool:
        return mask
    if not np.isin(mask.data, (0, 1)).all():
        msg = "the exclusion mask holds other values than 0 and 1; expected 1 where data are used, 0 elsewhere"
        raise InvalidInputError(msg)
    return Map.from_geom(mask.geom, data=mask.data.astype(bool))


def sample_mask(known: Map, geom: WcsGeom) -> tuple[BoolArray, float]:
    """Return a boolean map on another geometry, and the fraction of the pixels on the sky that it covers.

    A pixel takes the value of the mask's pixel that holds its centre, True where the mask does not cover it. The array
    has the shape of the geometry, or of its image if the mask has no axis.

    Raises
    ------
    InvalidInputError
        If the mask has an axis that the geometry lacks.
    """
    target = _target(known.geom, geom)
    if known.geom == target:
        return known.data, 1.0
    idx = known.geom.pix_to_idx(pixels_of(target, known.geom))
    covered = np.broadcast_to(inside(idx), target.data_shape)
    values = np.asarray(known.get_by_idx(idx) | ~covered)
    if covered.all():
        return values, 1.0
    on_sky = np.broadcast_to(np.isfinite(target.sky.xyz[0]), target.data_shape)
    return values, float(np.mean(covered[on_sky]))


def grow_image(image: BoolArray, geom: WcsGeom, by_deg: float) -> BoolArray:
    """Return an image, shape (..., ny, nx), with its True areas grown by an angle, or shrunk by a negative one."""
    pixels = abs(by_deg) / float(geom.pixel_scales.deg.mean()) + 1e-9
    width = np.array([pixels, pixels])
    return dilate(image, width) if by_deg > 0 else ~dilate(~image, width)


def _target(known: WcsGeom, geom: WcsGeom) -> WcsGeom:
    """Return the geometry to sample the mask on: without the energy axis when the mask has none."""
    if not len(known.axes):
        return geom.to_image()
    if known.axes.names == geom.axes.names:
        return geom
    expected = f"none or {geom.axes.names}" if len(geom.axes) else "none"
    msg = f"the exclusion mask has the axes {known.axes.names}; expected {expected}"
    raise InvalidInputError(msg)
