"""Adding one dataset to another: what is weighted by which mask.

With m the safe mask of the run that is added, and m_img = any over energy of m:

    counts      += m * counts            background += m * predicted background
    exposure    += m_img * exposure      mask_safe  |= m
    psf, edisp   = means weighted by m * exposure

A run whose safe mask is empty, or whose background fit failed, adds nothing: no counts, no livetime, no time interval,
no row of the meta table; only its row of the ledger.
"""

from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table

from fovnb.datasets.ledger import join_rows, ledger_rows, offered_rows
from fovnb.errors import GeometryError
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.types import FloatArray

if TYPE_CHECKING:
    from fovnb.datasets.dataset import MapDataset

__all__ = ["adds_nothing", "check_stackable", "mask_on_edisp", "mask_on_psf", "stack_in_place"]


def stack_in_place(target: "MapDataset", other: "MapDataset", nan_to_num: bool = True) -> None:
    """Add `other` to `target`, which is changed.

    Parameters
    ----------
    target, other : MapDataset
        `other` lies on the grid of `target`, or on a cutout of it, see `check_stackable`.
    nan_to_num : bool
        Whether pixels that are not finite count as zero.
    """
    adds = not adds_nothing(other)
    target.stacked_rows = join_rows(ledger_rows(target), offered_rows(other, adds))
    target.run_info = target.background_fit = None
    if not adds:
        return
    _stack_maps(target, other, nan_to_num)
    if target.psf is not None and other.psf is not None:
        target.psf.stack(other.psf, weights=mask_on_psf(other))
    if target.edisp is not None and other.edisp is not None:
        target.edisp.stack(other.edisp, weights=mask_on_edisp(other))
    _stack_masks(target, other)
    if target.gti is not None and other.gti is not None:
        gti = target.gti.copy()
        gti.stack(other.gti)
        target.gti = gti.union()
    if other.meta_table is not None:
        target.meta_table = _join_rows(target.meta_table, other.meta_table)
    target.meta = {}


def adds_nothing(dataset: "MapDataset") -> bool:
    """Whether the run failed, or its safe mask leaves nothing of it."""
    failed = dataset.background_fit is not None and not dataset.background_fit.enters_stack
    return failed or (dataset.mask_safe is not None and not dataset.mask_safe.data.any())


def check_stackable(target: "MapDataset", other: "MapDataset") -> None:
    """Refuse datasets whose axes or pixels differ, map by map, before anything is changed.

    Raises
    ------
    GeometryError
        If `other` lies neither on the grid of `target` nor on a cutout of it.
    """
    for name, geom in target.geoms.items():
        if name in other.geoms:
            _check_axes("counts" if name == "geom" else name.removeprefix("geom_"), geom, other.geoms[name])


def mask_on_psf(dataset: "MapDataset") -> Map | None:
    """Return the safe mask, any over energy, on the pixels of the PSF map; shape (1, 1, lat, lon)."""
    image = dataset.mask_safe_image
    if image is None or dataset.psf is None:
        return None
    geom = dataset.psf.psf_map.geom.squash("energy_true").squash("rad")
    return image.interp_to_geom(geom.to_image()).to_cube(geom.axes)


def mask_on_edisp(dataset: "MapDataset") -> Map | None:
    """Return the safe mask on the pixels of the energy dispersion map; shape (1, energy, lat, lon)."""
    if dataset.mask_safe is None or dataset.edisp is None:
        return None
    geom = dataset.edisp.edisp_map.geom.squash("energy_true")
    image = geom.to_image().to_cube(dataset.mask_safe.geom.axes)
    # Coarse pixels may reach beyond the fine ones: extrapolate to the nearest.
    mask = dataset.mask_safe.interp_to_geom(image, fill_value=None)
    return Map.from_geom(geom, data=mask.data.reshape(geom.data_shape))


def _stack_maps(target: "MapDataset", other: "MapDataset", nan_to_num: bool) -> None:
    """Add counts, exposure (with its livetime) and predicted background."""
    if target.counts is not None and other.counts is not None:
        target.counts.stack(other.counts, weights=other.mask_safe, nan_to_num=nan_to_num)
    if target.exposure is not None and other.exposure is not None:
        target.exposure.stack(other.exposure, weights=other.mask_safe_image, nan_to_num=nan_to_num)
        if "livetime" in other.exposure.meta:
            livetime = other.exposure.meta["livetime"]
            before = target.exposure.meta.get("livetime", 0 * livetime)
            target.exposure.meta = {**target.exposure.meta, "livetime": before + livetime}
    if target.background is not None and other.background is not None:
        if target.background_model is not None:
            # The stack holds predicted counts: the norm is in them from here on.
            target.background, target.models = target.npred_background(), None
        background, norms = _prediction(other, other.background)
        target.background.stack(background, weights=other.mask_safe, nan_to_num=nan_to_num, norms=norms)


def _prediction(dataset: "MapDataset", background: Map) -> tuple[Map, FloatArray | None]:
    """Return a map and, apart from it, the norm of each energy bin, whose product is the predicted background."""
    model = dataset.background_model
    if model is None:
        return background, None
    if model.spatial_model is not None:
        return dataset.npred_background(), None
    return background, model.evaluate_geom(background.geom).to_value("")


def _stack_masks(target: "MapDataset", other: "MapDataset") -> None:
    """Join the masks: a pixel that any run may use is used."""
    _stack_exclusion(target, other)
    if target.mask_safe is not None and other.mask_safe is not None:
        target.mask_safe.stack(other.mask_safe)
    if other.mask_fit is not None:
        if target.mask_fit is None:
            target.mask_fit = Map.from_geom(target.geom, dtype=bool)
        target.mask_fit.stack(other.mask_fit)


def _stack_exclusion(target: "MapDataset", other: "MapDataset") -> None:
    """Join where the background was fitted; without an exclusion mask that is all that is safe."""
    if target.mask_exclusion is None and other.mask_exclusion is None:
        return
    if target.mask_exclusion is None:
        before = target.mask_safe
        target.mask_exclusion = Map.from_geom(target.geom, dtype=bool) if before is None else before.copy()
    added = other.mask_safe if other.mask_exclusion is None else other.mask_exclusion
    if added is not None:
        target.mask_exclusion.stack(added, weights=other.mask_safe)


def _join_rows(table: Table | None, other: Table) -> Table:
    """Return the one-row table whose cells hold the values of all runs, as in Gammapy."""
    if table is None or len(table) == 0:
        return other.copy()
    joined = Table()
    for name in table.colnames:
        if name in other.colnames:
            joined[name] = np.hstack([table[name].data[0], other[name].data[0]])[np.newaxis]
            joined[name].unit = table[name].unit
    return joined


def _check_axes(name: str, ours: WcsGeom, theirs: WcsGeom) -> None:
    """Refuse other axes or other pixels, naming the first axis that differs."""
    if ours.axes.names != theirs.axes.names:
        msg = f"cannot stack {name}: axes {theirs.axes.names} onto {ours.axes.names}; make both with the same axes"
        raise GeometryError(msg)
    for a, b in zip(ours.axes, theirs.axes, strict=True):
        if a != b:
            msg = (
                f"cannot stack {name}: axis {a.name!r} has {_short(b)}, the stack {_short(a)}; make both with one axis"
            )
            raise GeometryError(msg)
    if ours != theirs and not ours.is_aligned(theirs):
        msg = (
            f"cannot stack {name}: its {theirs.to_image().data_shape} pixels are neither those of the stack "
            f"{ours.to_image().data_shape} nor a cutout of them; make the run on the stack or on stacked.cutout(...)"
        )
        raise GeometryError(msg)


def _short(axis: MapAxis) -> str:
    """Return an axis in a few words."""
    low, high = axis.bounds
    return f"{axis.nbin} {axis.interp} bins from {low:.4g} to {high:.4g}"
