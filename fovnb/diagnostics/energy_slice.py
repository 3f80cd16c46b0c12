"""One energy bin of a cube, or all of them, as images: counts, background, exposure, excess and significance."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import residuals
from fovnb.diagnostics.pixels import Record
from fovnb.errors import InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.types import AnyArray

__all__ = ["KINDS", "EnergySlice", "Kind", "energy_slice"]

Kind: TypeAlias = Literal["counts", "background", "exposure", "excess", "significance"]

KINDS: tuple[Kind, ...] = ("counts", "background", "exposure", "excess", "significance")


@dataclass(frozen=True, eq=False, repr=False)
class EnergySlice(Record):
    """Images of one energy bin, or of all; NaN where no energy in it is safe.

    Parameters
    ----------
    name : str
        Of the dataset.
    energy_tev : tuple of float
        Ends of the energies.
    exposure_tev : float
        True energy of the exposure, that in the middle of the energies; NaN without an exposure.
    width_deg : float
        How much is averaged: sigma of the Gaussian, radius of the discs of the significance.
    images : mapping of str to Map
        By kind; counts, background and excess a pixel.
    counts, background : float
        What all safe pixels hold.
    """

    name: str
    energy_tev: tuple[float, float]
    exposure_tev: float
    width_deg: float
    images: Mapping[str, Map]
    counts: float
    background: float

    def title(self, kind: Kind) -> str:
        """Return what an image shows."""
        if kind == "exposure":
            return f"exposure at {self.exposure_tev:.3g} TeV"
        low, high = self.energy_tev
        return f"{kind}, {low:.3g} - {high:.3g} TeV"

    def _rows(self) -> dict[str, object]:
        low, high = self.energy_tev
        sums = f"{self.counts:.0f} and {self.background:.1f}"
        return {"dataset": self.name, "energy": f"{low:.3g} - {high:.3g} TeV", "counts and background": sums}


def energy_slice(
    dataset: MapDataset, index: int | None = None, width_deg: float = 0.1, kinds: Collection[Kind] = KINDS
) -> EnergySlice:
    """Return images of an energy bin.

    Counts and background (with its model, if it has one) are those inside the safe mask, as a stack adds them.

    Parameters
    ----------
    dataset : MapDataset
        A run or a stack, with counts and background.
    index : int, optional
        The energy bin, by default all of them.
    width_deg : float
        Sigma of the Gaussian that counts, background and excess are smoothed with, and radius of the discs of the
        significance; 0 leaves all pixels as they are.
    kinds : collection of str
        Which images to make; one that the dataset lacks is left out.

    Raises
    ------
    PredictionError
        If the dataset has no counts or no background.
    InvalidInputError
        If there is no such bin, or the width is negative or NaN.

    Examples
    --------
    >>> geom = WcsGeom.create(npix=4, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    >>> run = MapDataset.create(geom)
    >>> run.counts.data += 3
    >>> run.background.data += 2
    >>> run.mask_safe.data[0] = True
    >>> found = energy_slice(run, 0, width_deg=0)
    >>> found.title("excess"), float(found.images["excess"].data[0, 0])
    ('excess, 1 - 3.16 TeV', 1.0)
    """
    bins = _bins(dataset.geom.axes["energy"], index)
    if not 0 <= width_deg < np.inf:
        msg = f"the width is {width_deg!r} deg; expected 0 or more"
        raise InvalidInputError(msg)
    part = _part(dataset, bins)
    edges = part.geom.axes["energy"].edges.to_value("TeV")
    exposure, energy = _exposure(dataset, float(np.sqrt(edges[0] * edges[-1])))
    known = {"exposure": exposure} if exposure is not None else {}
    images = known | _images(part, width_deg, kinds)
    return EnergySlice(
        name=dataset.name,
        energy_tev=(float(edges[0]), float(edges[-1])),
        exposure_tev=energy,
        width_deg=width_deg,
        images={kind: images[kind] for kind in kinds if kind in images},
        counts=float(part.required("counts").data.sum(dtype=float)),
        background=float(part.required("background").data.sum(dtype=float)),
    )


def _bins(axis: MapAxis, index: int | None) -> slice:
    if index is None:
        return slice(None)
    if not 0 <= index < axis.nbin:
        msg = f"there is no energy bin {index}; expected 0 to {axis.nbin - 1}"
        raise InvalidInputError(msg)
    return slice(index, index + 1)


def _part(dataset: MapDataset, bins: slice) -> MapDataset:
    """Return counts, background and safe mask of some energies; nothing outside the mask."""
    geom = dataset.geom.slice_by_idx({"energy": bins})
    safe = True if dataset.mask_safe is None else dataset.mask_safe.data[bins]
    predicted = np.nan_to_num(dataset.npred_background().data[bins])
    return MapDataset(
        counts=Map.from_geom(geom, data=dataset.required("counts").data[bins] * safe),
        background=Map.from_geom(geom, data=predicted * safe),
        mask_safe=Map.from_geom(geom, data=np.broadcast_to(safe, geom.data_shape)),
        name=dataset.name,
    )


def _exposure(dataset: MapDataset, energy_tev: float) -> tuple[Map | None, float]:
    """Return the exposure at the true energy nearest to an energy, and that energy."""
    if dataset.exposure is None:
        return None, np.nan
    centers = dataset.exposure.geom.axes["energy_true"].center.to_value("TeV")
    nearest = int(np.abs(np.log(centers / energy_tev)).argmin())
    return dataset.exposure.slice_by_idx({"energy_true": nearest}), float(centers[nearest])


def _images(part: MapDataset, width_deg: float, kinds: Collection[Kind]) -> dict[str, Map]:
    """Return the images that are made from counts and background."""
    image, used = part.geom.to_image(), part.required("mask_safe").data.any(axis=0)
    made: dict[str, Map] = {}
    if {"counts", "background", "excess"} & set(kinds):
        counts, background = (_flat(part.required(name).data, image, width_deg) for name in ("counts", "background"))
        values = {"counts": counts, "background": background, "excess": counts - background}
        made = {kind: Map.from_geom(image, data=np.where(used, data, np.nan)) for kind, data in values.items()}
    if "significance" in kinds:
        radius = max(width_deg, 1e-3 * float(image.pixel_scales.min().to_value("deg")))
        found = residuals(part, f"{radius} deg").significance
        made["significance"] = found.copy(data=np.where(used, found.data, np.nan))
    return made


def _flat(cube: AnyArray, image: WcsGeom, width_deg: float) -> AnyArray:
    """Return the sum over the energies, smoothed."""
    flat = Map.from_geom(image, data=cube.sum(axis=0, dtype=float))
    return flat.smooth(f"{width_deg} deg").data if width_deg > 0 else flat.data
