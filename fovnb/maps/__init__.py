"""Axes, sky pixels and the maps over them, by Gammapy's names and meanings.

A `WcsGeom` is a sky grid (`SkyGrid`) and a list of axes (`MapAxes` of `MapAxis`); a `Map` is a geometry and its values.
Axes and geometries never change after they are made: geometries of one sky grid share it and all that was computed
for its pixels. Arrays are ordered (axes..., latitude, longitude), the first axis of a list varying fastest.
"""

from fovnb.maps.axes import MapAxes
from fovnb.maps.axis import MapAxis
from fovnb.maps.coord import MapCoord
from fovnb.maps.geom import WcsGeom
from fovnb.maps.map import Map, WcsNDMap
from fovnb.maps.sky import SkyGrid

__all__ = ["Map", "MapAxes", "MapAxis", "MapCoord", "SkyGrid", "WcsGeom", "WcsNDMap"]
