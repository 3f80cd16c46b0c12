"""Coordinates of points on a map: longitude, latitude and one array for each further axis."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.text import html_summary, text_summary
from fovnb.types import AnyArray

__all__ = ["MapCoord"]


class MapCoord:
    """Arrays of longitude and latitude [deg] and of further coordinates by axis name, which broadcast together.

    Parameters
    ----------
    data : mapping of str to array or `~astropy.units.Quantity`
        Coordinate arrays; "lon" and "lat" are needed, in degrees unless they have a unit.
    frame : {"icrs", "galactic"}, optional
        Frame of longitude and latitude; None means that of the map they are used with.

    Raises
    ------
    InvalidInputError
        If longitude or latitude is missing, or the arrays do not broadcast.

    Examples
    --------
    >>> coord = MapCoord.create({"lon": [10.0, 11.0], "lat": 0.0, "energy": 2 * u.TeV})
    >>> coord.shape, coord["energy"]
    ((2,), <Quantity [2.] TeV>)
    """

    def __init__(self, data: Mapping[str, Any], frame: str | None = None) -> None:
        if "lon" not in data or "lat" not in data:
            msg = f"coordinates are given for {list(data)}; give 'lon' and 'lat', or 'skycoord'"
            raise InvalidInputError(msg)
        values = {name: u.Quantity(value) if isinstance(value, str) else value for name, value in data.items()}
        self._data = {name: np.atleast_1d(value) for name, value in values.items()}
        self._frame = frame
        try:
            self._shape = np.broadcast_shapes(*(value.shape for value in self._data.values()))
        except ValueError as error:
            shapes = {name: value.shape for name, value in self._data.items()}
            msg = f"coordinates of shapes {shapes} do not broadcast; give arrays of one shape"
            raise InvalidInputError(msg) from error

    @classmethod
    def create(cls, data: Any, frame: str | None = None, axis_names: Sequence[str] | None = None) -> "MapCoord":
        """Make coordinates from what users have, in the given frame.

        Parameters
        ----------
        data : tuple, mapping, `~astropy.coordinates.SkyCoord` or `MapCoord`
            ``(lon, lat, ...)`` or ``(skycoord, ...)``, the further axes in order; the same by name; or a position.
        frame : {"icrs", "galactic"}, optional
            Frame to which sky positions are transformed.
        axis_names : list of str, optional
            Names of the further axes of a tuple.

        Examples
        --------
        >>> crab = SkyCoord(83.63, 22.01, unit="deg")
        >>> MapCoord.create((crab, 1 * u.TeV), frame="galactic", axis_names=["energy"]).lon.round(2)
        array([184.56])
        """
        if isinstance(data, MapCoord):
            return data if frame is None or data.frame in (None, frame) else data.to_frame(frame)
        if isinstance(data, SkyCoord):
            data = (data,)
        if isinstance(data, tuple | list):
            data = _named(data, axis_names)
        if not isinstance(data, Mapping):
            msg = f"coordinates are given as a {type(data).__name__}; give a SkyCoord, a tuple or a dict"
            raise InvalidInputError(msg)
        if "skycoord" in data:
            rest = {name: value for name, value in data.items() if name != "skycoord"}
            sky = data["skycoord"].transform_to(frame) if frame else data["skycoord"]
            return cls({"lon": sky.data.lon.deg, "lat": sky.data.lat.deg} | rest, frame=sky.frame.name)
        return cls(data, frame=frame)

    @property
    def frame(self) -> str | None:
        """Frame of longitude and latitude."""
        return self._frame

    @property
    def lon(self) -> AnyArray:
        """Longitude, in degrees unless it has a unit."""
        return self._data["lon"]

    @property
    def lat(self) -> AnyArray:
        """Latitude, in degrees unless it has a unit."""
        return self._data["lat"]

    @property
    def skycoord(self) -> SkyCoord:
        """Positions as one astropy object."""
        return SkyCoord(self.lon, self.lat, unit="deg", frame=self._frame or "icrs")

    @property
    def axis_names(self) -> list[str]:
        """Names of all coordinates, "lon" and "lat" first."""
        return list(self._data)

    @property
    def ndim(self) -> int:
        """Number of coordinates."""
        return len(self._data)

    @property
    def shape(self) -> tuple[int, ...]:
        """Common shape of the arrays."""
        return self._shape

    @property
    def size(self) -> int:
        """Number of points."""
        return int(np.prod(self._shape))

    @property
    def broadcasted(self) -> "MapCoord":
        """The same with every array of the common shape."""
        data = {name: np.broadcast_to(value, self._shape, subok=True) for name, value in self._data.items()}
        return MapCoord(data, self._frame)

    @property
    def flat(self) -> "MapCoord":
        """The points on the sky, as one-dimensional arrays."""
        coords = self.broadcasted
        return coords.apply_mask(np.isfinite(coords.lon))

    def to_frame(self, frame: str) -> "MapCoord":
        """Return the same points with longitude and latitude in another frame.

        Examples
        --------
        >>> MapCoord({"lon": 0.0, "lat": 0.0}, frame="galactic").to_frame("icrs").lon.round(2)
        array([266.4])
        """
        if frame == self._frame:
            return self
        sky = self.skycoord.transform_to(frame)
        unit = u.deg if isinstance(self.lon, u.Quantity) else 1
        return MapCoord(self._data | {"lon": sky.data.lon.deg * unit, "lat": sky.data.lat.deg * unit}, frame)

    def apply_mask(self, mask: AnyArray) -> "MapCoord":
        """Return the points where the mask, of the common shape, is True."""
        return MapCoord({name: value[mask] for name, value in self.broadcasted._data.items()}, self._frame)

    def __getitem__(self, key: str | int) -> AnyArray:
        if isinstance(key, int):
            return list(self._data.values())[key]
        if key not in self._data:
            msg = f"coordinates have no {key!r}; they have {self.axis_names}"
            raise GeometryError(msg)
        return self._data[key]

    def __iter__(self) -> Iterator[AnyArray]:
        return iter(self._data.values())

    def __repr__(self) -> str:
        return text_summary("MapCoord", self._summary())

    def _repr_html_(self) -> str:
        return html_summary("MapCoord", self._summary())

    def _summary(self) -> dict[str, object]:
        return {"axes": self.axis_names, "shape": self._shape, "frame": self._frame}


def _named(coords: Sequence[Any], axis_names: Sequence[str] | None) -> dict[str, Any]:
    """Return coordinates given in order by name."""
    first = ["skycoord"] if coords and isinstance(coords[0], SkyCoord) else ["lon", "lat"]
    further = [f"axis{i}" for i in range(len(coords) - len(first))] if axis_names is None else list(axis_names)
    if len(coords) != len(first) + len(further):
        msg = f"{len(coords)} coordinates are given for {first + further}; give one of each"
        raise InvalidInputError(msg)
    return dict(zip(first + further, coords, strict=True))
