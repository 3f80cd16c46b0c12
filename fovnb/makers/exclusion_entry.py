"""One entry of an exclusion mask: an area on the sky with a name and an origin."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Union

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs.utils import skycoord_to_pixel

from fovnb.errors import InvalidInputError
from fovnb.makers.exclusion_image import PixelShape, as_boolean, grow_image, sample_mask
from fovnb.makers.exclusion_shapes import NO_AREA, SkyShape, grown, moved, scaled, shape_of
from fovnb.maps import Map, WcsGeom
from fovnb.text import html_summary, text_summary
from fovnb.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from regions import SkyRegion

__all__ = ["ExclusionEntry"]


@dataclass(frozen=True, eq=False, repr=False)
class ExclusionEntry:
    """An area that an exclusion mask leaves out, or one that it takes in again.

    Parameters
    ----------
    area : SkyRegion or Map
        A region, or a mask on any geometry, True = used; where such a mask ends everything is used.
    name : str
        Name, unique within a mask.
    origin : str
        Where it comes from, such as "user", "file snr.reg", "gamma-cat", "stars" or "suggested".
    cut : bool
        Whether the area is taken out of what the entries before it exclude, as ``-circle(...)`` in a region file.
    margin_deg : float
        Growth of an area whose border has no formula, such as a polygon, applied on the map.

    Raises
    ------
    InvalidInputError
        If the area is neither, lies in pixels, stands in a frame that a file could not name, or excludes everything.

    Examples
    --------
    >>> from regions import CircleSkyRegion
    >>> crab = CircleSkyRegion(SkyCoord(83.63, 22.01, unit="deg"), 0.3 * u.deg)
    >>> ExclusionEntry(crab, "Crab", "gamma-cat")
    Crab
    ----
      shape  : Circle
      frame  : icrs
      center : 83.63, 22.01 deg
      size   : 0.3 deg
      origin : gamma-cat
    """

    area: Union["SkyRegion", Map]
    name: str
    origin: str = "user"
    cut: bool = False
    margin_deg: float = 0.0

    def __post_init__(self) -> None:
        for what in ("name", "origin"):
            text = getattr(self, what)
            if not isinstance(text, str) or not text.strip():
                msg = f"the {what} of an excluded area is {text!r}; give a text"
                raise InvalidInputError(msg)
            object.__setattr__(self, what, text.strip())
        area = self.area
        object.__setattr__(self, "area", _checked_map(area, self.name) if isinstance(area, Map) else _own(area))

    @property
    def mask(self) -> Map | None:
        """The mask, None for a region."""
        return self.area if isinstance(self.area, Map) else None

    @cached_property
    def shape(self) -> SkyShape | None:
        """The region in plain values, None for a mask or a combination of regions."""
        return None if isinstance(self.area, Map) else shape_of(self.area)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What two entries of the same area have in common, whatever their names; it can be hashed."""
        if isinstance(self.area, Map):
            geom = self.area.geom
            area: object = (geom.wcs.to_header_string(), geom.axes, self.area.data.shape, self.area.data.tobytes())
        else:
            area = self.shape or repr(self.area)
        return area, self.cut, self.margin_deg

    @property
    def frame(self) -> str:
        """Frame of the region or of the mask's geometry, "" for a combination of regions."""
        if isinstance(self.area, Map):
            return self.area.geom.frame
        return self.shape.frame if self.shape else ""

    def image(self, geom: WcsGeom) -> tuple[BoolArray, float]:
        """Return where the area is, and the fraction of the pixels on the sky for which the entry knows.

        The array has shape (ny, nx), or that of the geometry for a mask with axes.
        """
        if isinstance(self.area, Map):
            used, covered = sample_mask(self.area, geom)
            return ~used, covered
        if not self.margin_deg:
            return self._pixels(geom).image(geom.sky), 1.0
        n = ceil(abs(self.margin_deg) / float(geom.pixel_scales.deg.min())) + 1
        padded = geom.to_image().pad(n)
        image = grow_image(self._pixels(padded).image(padded.sky), padded, self.margin_deg)
        return image[n:-n, n:-n], 1.0

    def may_touch(self, center_xyz: FloatArray, radius_deg: float) -> bool:
        """Return whether the area can reach into a circle around an ICRS unit vector; True where it is not known."""
        if self.shape is None:
            return True
        reach = self.shape.reach_deg + max(self.margin_deg, 0.0) + radius_deg
        distance = np.rad2deg(np.arccos(np.clip(self.shape.center_xyz @ center_xyz, -1, 1)))
        return bool(distance <= reach + 1e-6)

    def grow(self, by_deg: float) -> "ExclusionEntry":
        """Return the entry with its border moved outwards."""
        if isinstance(self.area, Map):
            return replace(self, area=_grown_mask(self.area, by_deg))
        shape = None if self.shape is None else grown(self.shape, by_deg)
        if shape is None:
            return replace(self, margin_deg=self.margin_deg + by_deg)
        return replace(self, area=shape.to_region())

    def scale(self, factor: float) -> "ExclusionEntry":
        """Return the entry with all sizes times a factor."""
        shape = self._known_shape("scaled")
        return replace(self, area=scaled(shape, factor).to_region(), margin_deg=factor * self.margin_deg)

    def shift(self, lon_deg: float, lat_deg: float, frame: str) -> "ExclusionEntry":
        """Return the entry moved on the sky, a mask on its own pixels."""
        if isinstance(self.area, Map):
            return replace(self, area=_moved_mask(self.area, lon_deg, lat_deg, frame))
        return replace(self, area=moved(self._known_shape("moved"), lon_deg, lat_deg, frame).to_region())

    def _known_shape(self, what: str) -> SkyShape:
        if self.shape is None:
            msg = f"{self.name!r} is a {self.kind}, which cannot be {what}; expected a circle, a box, a polygon"
            raise InvalidInputError(msg)
        return self.shape

    def _pixels(self, geom: WcsGeom) -> PixelShape:
        """Return the projected region; that of the last grid is kept, since all runs share its pixels."""
        kept: PixelShape | None = self.__dict__.get("_kept")
        if kept is None or not kept.fits(geom.sky):
            kept = self.__dict__["_kept"] = PixelShape(self.area, geom.sky)
        return kept

    def rows(self) -> dict[str, object]:
        """Return what tables and representations show."""
        shape = self.shape
        center = shape.center.spherical if shape else None
        return {
            "name": self.name,
            "origin": self.origin,
            "shape": ("cut " if self.cut else "") + self.kind,
            "frame": self.frame,
            "lon": center.lon.deg if center else np.nan,
            "lat": center.lat.deg if center else np.nan,
            "size": shape.reach_deg if shape else np.nan,
        }

    @property
    def kind(self) -> str:
        """What kind of area it is, such as "Circle", or "Mask"."""
        return "Mask" if isinstance(self.area, Map) else type(self.area).__name__.removesuffix("SkyRegion")

    def _summary(self) -> dict[str, object]:
        rows = self.rows()
        place = {"center": f"{rows['lon']:.6g}, {rows['lat']:.6g} deg", "size": f"{rows['size']:.4g} deg"}
        margin = {"margin": f"{self.margin_deg:g} deg"} if self.margin_deg else {}
        known = place if self.shape else {}
        return {"shape": rows["shape"], "frame": rows["frame"]} | known | margin | {"origin": self.origin}

    def __repr__(self) -> str:
        return text_summary(self.name, self._summary())

    def _repr_html_(self) -> str:
        return html_summary(self.name, self._summary())


def _checked_map(mask: Map, name: str) -> Map:
    """Return an own boolean copy, unless it excludes everything."""
    known = as_boolean(mask)
    if not known.data.any():
        msg = (
            f"the mask {name!r} is False everywhere and excludes everything; give one that is True where data are used"
        )
        raise InvalidInputError(msg)
    data = known.data.copy()
    data.flags.writeable = False
    return Map.from_geom(known.geom, data=data)


def _own(region: object) -> "SkyRegion":
    """Return an own copy of a sky region, without what a file said of how it is drawn."""
    from regions import Region, RegionMeta, SkyRegion

    kind = type(region).__name__
    if not isinstance(region, SkyRegion) or kind in NO_AREA:
        why = (
            "lies in pixels; turn it into a sky region with .to_sky(wcs)"
            if isinstance(region, Region) and not isinstance(region, SkyRegion)
            else "is no area"
        )
        msg = f"{kind} {why}; expected a sky region such as CircleSkyRegion, or a Map"
        raise InvalidInputError(msg)
    shape = shape_of(region)
    if shape is None:
        return region.copy()
    positions = region.vertices if shape.kind == "Polygon" else region.center
    if not positions.frame.is_equivalent_frame(SkyCoord(0, 0, unit="deg", frame=shape.frame).frame):
        msg = f"a {shape.kind} lies in the frame {positions.frame}; give it in icrs, galactic or fk5 of J2000"
        raise InvalidInputError(msg)
    if not np.isfinite([*shape.lon_deg, *shape.lat_deg, *shape.sizes_deg, shape.angle_deg]).all():
        msg = f"a {shape.kind} has a position or size that is not finite: {shape}; give numbers"
        raise InvalidInputError(msg)
    return region.copy(meta=RegionMeta())


def _grown_mask(mask: Map, by_deg: float) -> Map:
    """Return the mask with its excluded areas grown, also over its edge."""
    n = max(ceil(by_deg / float(mask.geom.pixel_scales.deg.min())), 0)
    padded = mask.pad(n, cval=1) if n else mask
    return Map.from_geom(padded.geom, data=~grow_image(~padded.data, padded.geom, by_deg))


def _moved_mask(mask: Map, lon_deg: float, lat_deg: float, frame: str) -> Map:
    """Return the mask moved by as many of its pixels as its centre moves."""
    geom, here = mask.geom, mask.geom.center_skydir
    there = here.transform_to(frame).spherical_offsets_by(lon_deg * u.deg, lat_deg * u.deg)
    step = np.subtract(skycoord_to_pixel(there, geom.wcs), skycoord_to_pixel(here, geom.wcs))
    wcs = geom.wcs.deepcopy()
    wcs.wcs.crpix = wcs.wcs.crpix - step
    ny, nx = geom.sky.shape
    return Map.from_geom(WcsGeom(wcs, npix=(nx, ny), axes=geom.axes), data=mask.data)
