"""Exclusion masks on the grid of a dataset: 2D or 3D, in any frame and binning, boolean or 0/1 from a file."""

import warnings

import numpy as np

from fovnb.errors import FovnbWarning
from fovnb.makers.exclusion_image import as_boolean, sample_mask
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.maps import Map, WcsGeom

__all__ = ["project_exclusion_mask"]


def project_exclusion_mask(mask: Map | ExclusionMask | None, geom: WcsGeom) -> Map:
    """Return the mask on a geometry; True = used.

    A pixel takes the value of the mask's pixel that holds its centre. What the mask does not cover is used: a mask can
    only exclude what it knows. Gammapy excludes it, so that a mask smaller than the field loses data unseen.

    Parameters
    ----------
    mask : Map or ExclusionMask, optional
        A map is boolean or 0/1; with the axis "energy", any other binning of it, or no axis. None uses everything.
    geom : WcsGeom
        Target geometry, with the axis "energy".

    Returns
    -------
    mask : Map
        Boolean, of the shape of the geometry.

    Raises
    ------
    InvalidInputError
        If the mask is none of these, or holds other values than 0 and 1.

    Warns
    -----
    FovnbWarning
        If part of the geometry lies outside the mask, with the fraction; and for an `ExclusionMask`, if its regions lie
        in another frame, or it excludes nothing. A region of many that lies elsewhere is no reason.

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
    known, doubts = _of_record(mask, geom) if isinstance(mask, ExclusionMask) else _of_map(as_boolean(mask), geom)
    for doubt in doubts:
        warnings.warn(doubt, FovnbWarning, stacklevel=4)
    return known


def _of_record(mask: ExclusionMask, geom: WcsGeom) -> tuple[Map, list[str]]:
    """Return the mask on the geometry; runs see a part of a survey's mask, so only one that excludes nothing is odd."""
    known, _, doubts = mask.project(geom)
    nothing = f"the exclusion mask ({mask!r}) excludes no pixel of the dataset; pass None if that is meant"
    return known, [nothing] if known.data.all() else doubts


def _of_map(known: Map, geom: WcsGeom) -> tuple[Map, list[str]]:
    """Return the map on the geometry: itself if it lies there."""
    if known.geom == geom:
        return known, []
    data, covered = sample_mask(known, geom)
    outside = (
        f"{1 - covered:.1%} of the dataset's pixels lie outside the exclusion mask and are used as they are; "
        "make the mask on the dataset's geometry if sources lie there"
    )
    return Map.from_geom(geom, data=np.broadcast_to(data, geom.data_shape).copy()), [outside] if covered < 1 else []
