"""Exclusion masks on the grid of a dataset: 2D or 3D, in any frame and binning, boolean or 0/1 from a file."""

import warnings

import numpy as np

from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.maps import Map, WcsGeom
from fovnb.maps.lookup import inside, pixels_of
from fovnb.types import BoolArray

__all__ = ["project_exclusion_mask"]


def project_exclusion_mask(mask: Map | None, geom: WcsGeom) -> Map:
    """Return the mask on a geometry; True = used.

    A pixel takes the value of the mask's pixel that holds its centre. What the mask does not cover is used: a mask can
    only exclude what it knows. Gammapy excludes it, so that a mask smaller than the field loses data unseen.

    Parameters
    ----------
    mask : Map, optional
        Boolean or 0/1; with the axis "energy", any other binning of it, or no axis. None uses everything.
    geom : WcsGeom
        Target geometry, with the axis "energy".

    Returns
    -------
    mask : Map
        Boolean, of the shape of the geometry.

    Raises
    ------
    InvalidInputError
        If the mask is no map, or holds other values than 0 and 1.

    Warns
    -----
    FovnbWarning
        If part of the geometry lies outside the mask, with the fraction.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[energy])
    >>> bool(project_exclusion_mask(None, geom).data.all())
    True
    """
    if mask is None:
        return Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool))
    known = _as_boolean(mask)
    if known.geom == geom:
        return known
    target = _target(known.geom, geom)
    data = known.data if known.geom == target else _sample(known, target)
    return Map.from_geom(geom, data=np.broadcast_to(data, geom.data_shape).copy())


def _as_boolean(mask: object) -> Map:
    """Return a boolean map; files hold masks as 0 and 1."""
    if not isinstance(mask, Map):
        found = type(mask).__name__
        msg = f"the exclusion mask is a {found}; expected a Map such as geom.region_mask(regions, inside=False)"
        raise InvalidInputError(msg)
    if mask.data.dtype == bool:
        return mask
    if not np.isin(mask.data, (0, 1)).all():
        msg = "the exclusion mask holds other values than 0 and 1; expected 1 where data are used, 0 elsewhere"
        raise InvalidInputError(msg)
    return Map.from_geom(mask.geom, data=mask.data.astype(bool))


def _target(known: WcsGeom, geom: WcsGeom) -> WcsGeom:
    """Return the geometry to sample the mask on: without the energy axis when the mask has none."""
    if not len(known.axes):
        return geom.to_image()
    if known.axes.names == geom.axes.names:
        return geom
    msg = f"the exclusion mask has the axes {known.axes.names}; expected none or {geom.axes.names}"
    raise InvalidInputError(msg)


def _sample(known: Map, target: WcsGeom) -> BoolArray:
    """Return the mask's values at the pixel centres of the target, True outside the mask, with a warning."""
    idx = known.geom.pix_to_idx(pixels_of(target, known.geom))
    covered = np.broadcast_to(inside(idx), target.data_shape)
    sky = np.broadcast_to(np.isfinite(target.sky.xyz[0]), target.data_shape)
    outside = float(np.mean(~covered[sky]))
    if outside > 0:
        warnings.warn(
            f"{outside:.1%} of the dataset's pixels lie outside the exclusion mask and are used as they are; "
            "make the mask on the dataset's geometry if sources lie there",
            FovnbWarning,
            stacklevel=5,
        )
    return np.asarray(known.get_by_idx(idx) | ~covered)
