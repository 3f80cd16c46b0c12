"""Where runs point, beside the field that is mapped: plane coordinates around the field's centre."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.diagnostics.pixels import Record
from fovnb.errors import InvalidInputError
from fovnb.maps import WcsGeom
from fovnb.types import BoolArray, FloatArray

__all__ = ["Pointings", "pointings"]

_PER_SIDE = 50  # points along each side of the outline: it bends far from the equator of the projection


@dataclass(frozen=True, eq=False, repr=False)
class Pointings(Record):
    """Pointings of n runs and the outline of a field, as longitude and latitude around the field's centre.

    Parameters
    ----------
    obs_ids : tuple of int
        Runs.
    x, y : array, shape (n,)
        Where they point [deg]: angles along and from the great circle that leaves the centre towards larger longitude.
        NaN where a run does not say.
    chosen : bool array, shape (n,)
        Runs that are used.
    outline : array, shape (2, m)
        The border of the field in the same coordinates; NaN where it is off the sky.
    frame : str
        Celestial frame of the field.
    center_deg : tuple of float
        Longitude and latitude of the field's centre.
    """

    obs_ids: tuple[int, ...]
    x: FloatArray
    y: FloatArray
    chosen: BoolArray
    outline: FloatArray
    frame: str
    center_deg: tuple[float, float]

    @property
    def offset_deg(self) -> FloatArray:
        """Angular distance of each pointing from the field's centre [deg], shape (n,)."""
        x, y = np.deg2rad(self.x), np.deg2rad(self.y)
        return np.asarray(np.rad2deg(np.arctan2(np.hypot(np.sin(y), np.cos(y) * np.sin(x)), np.cos(y) * np.cos(x))))

    def _rows(self) -> dict[str, object]:
        lon, lat = self.center_deg
        center = f"{lon:.4f}, {lat:.4f} deg ({self.frame})"
        return {"runs": len(self.obs_ids), "chosen": int(self.chosen.sum()), "centre of the field": center}


def pointings(table: Any, geom: WcsGeom, chosen: Iterable[int] | None = None) -> Pointings:
    """Return where the runs of an observation index point, beside the field of a geometry.

    Parameters
    ----------
    table : Table
        With columns OBS_ID, RA_PNT and DEC_PNT [deg], such as `~fovnb.data.DataStore.obs_table` or a ledger.
    geom : WcsGeom
        The field.
    chosen : iterable of int, optional
        OBS_IDs of the runs that are used, by default all.

    Raises
    ------
    InvalidInputError
        If a column is missing.

    Examples
    --------
    >>> geom = WcsGeom.create(skydir=(83.63, 22.01), width=2, binsz=0.1)
    >>> found = pointings({"OBS_ID": [1, 2], "RA_PNT": [83.63, 83.63], "DEC_PNT": [22.01, 22.51]}, geom, chosen=[2])
    >>> found.offset_deg.round(6).tolist(), found.chosen.tolist()
    ([0.0, 0.5], [False, True])
    """
    obs_ids = tuple(int(number) for number in _column(table, "OBS_ID"))
    ra, dec = (_degrees(_column(table, name)) for name in ("RA_PNT", "DEC_PNT"))
    around = geom.center_skydir.skyoffset_frame()
    kept = set(obs_ids) if chosen is None else {int(number) for number in chosen}
    x, y = _offsets(SkyCoord(ra, dec, unit="deg", frame="icrs"), around)
    return Pointings(
        obs_ids=obs_ids,
        x=x,
        y=y,
        chosen=np.array([number in kept for number in obs_ids], dtype=bool),
        outline=_offsets(_border(geom.to_image()), around),
        frame=geom.frame,
        center_deg=tuple(float(angle.to_value("deg")) for angle in geom.center_coord[:2]),  # type: ignore[arg-type]
    )


def _column(table: Any, name: str) -> Any:
    try:
        return table[name]
    except KeyError as error:
        msg = f"the table of runs has no column {name}; expected OBS_ID, RA_PNT and DEC_PNT"
        raise InvalidInputError(msg) from error


def _degrees(column: Any) -> FloatArray:
    """Return angles [deg], NaN where a value is masked."""
    values: FloatArray = np.ma.filled(np.ma.asarray(getattr(column, "value", column), dtype=float), np.nan)
    return np.asarray(u.Quantity(values, getattr(column, "unit", None) or "deg").to_value("deg"))


def _offsets(points: SkyCoord, around: Any) -> FloatArray:
    """Return longitude, from -180 to 180, and latitude [deg] in a frame around a centre, shape (2, n)."""
    found = points.transform_to(around)
    return np.array([found.lon.wrap_at("180 deg").deg, found.lat.deg])


def _border(image: WcsGeom) -> SkyCoord:
    """Return the border of an image, as a closed line."""
    height, width = image.data_shape
    t = np.linspace(0, 1, _PER_SIDE)
    x = np.concatenate([t, np.ones_like(t), t[::-1], np.zeros_like(t)]) * width - 0.5
    y = np.concatenate([np.zeros_like(t), t, np.ones_like(t), t[::-1]]) * height - 0.5
    return SkyCoord(*image.pix_to_coord((x, y)), frame=image.frame)
