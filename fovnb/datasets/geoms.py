"""The grids of a dataset: reconstructed energy on fine pixels, instrument responses in true energy on coarse ones."""

from typing import NamedTuple

import numpy as np
from astropy import units as u

from fovnb.errors import GeometryError
from fovnb.maps import MapAxis, WcsGeom

__all__ = ["DatasetGeoms", "create_map_dataset_geoms"]


class DatasetGeoms(NamedTuple):
    """The four grids; `geom` and `geom_exposure` share their pixels, `geom_psf` and `geom_edisp` theirs."""

    geom: WcsGeom
    geom_exposure: WcsGeom
    geom_psf: WcsGeom
    geom_edisp: WcsGeom


def create_map_dataset_geoms(
    geom: WcsGeom,
    energy_axis_true: MapAxis | None = None,
    rad_axis: MapAxis | None = None,
    binsz_irf: u.Quantity | str | float = 0.2,
) -> DatasetGeoms:
    """Return the grids of a dataset on a geometry with a reconstructed energy axis.

    Parameters
    ----------
    geom : WcsGeom
        Grid of counts, background and masks, with the one axis "energy".
    energy_axis_true : MapAxis, optional
        True energy axis, named "energy_true"; by default the bins of the reconstructed energy.
    rad_axis : MapAxis, optional
        Axis of the PSF, named "rad"; by default 66 bins from 0 to 0.66 deg.
    binsz_irf : Quantity, str or float
        Pixel size of the PSF and energy dispersion maps; a plain number is in degrees.

    Raises
    ------
    GeometryError
        If an axis is missing or has another name.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    >>> geoms = create_map_dataset_geoms(WcsGeom.create(width=2, binsz=0.1, axes=[energy]))
    >>> geoms.geom_psf.data_shape
    (2, 66, 10, 10)
    """
    if geom.axes.names != ["energy"]:
        msg = f"expected a geometry with the one axis 'energy', found {geom.axes.names}; pass axes=[energy_axis]"
        raise GeometryError(msg)
    energy = geom.axes["energy"]
    true = energy.copy(name="energy_true") if energy_axis_true is None else _named(energy_axis_true, "energy_true")
    rad = (
        MapAxis.from_edges(np.linspace(0, 0.66, 67), unit="deg", name="rad")
        if rad_axis is None
        else _named(rad_axis, "rad")
    )
    image = geom.to_image()
    coarse = image.to_binsz(binsz_irf)
    return DatasetGeoms(geom, image.to_cube([true]), coarse.to_cube([rad, true]), coarse.to_cube([energy, true]))


def _named(axis: MapAxis, name: str) -> MapAxis:
    """Return the axis, or refuse one with another name."""
    if axis.name != name:
        msg = f"expected an axis named {name!r}, found {axis.name!r}; create it with name={name!r}"
        raise GeometryError(msg)
    return axis
