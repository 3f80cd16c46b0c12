"""MapDataset: counts, predictions, responses and masks of one run, or of a stack of runs, on one grid."""

import os
import re
from collections.abc import Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from fovnb.data import GTI, RunInfo
from fovnb.datasets.fits import dataset_parts, dataset_to_hdulist
from fovnb.datasets.geoms import create_map_dataset_geoms
from fovnb.datasets.info import info_dict, summary_rows
from fovnb.datasets.ledger import Ledger, LedgerRow, ledger_of, ledger_rows
from fovnb.datasets.lent import TableAttribute
from fovnb.datasets.mask_attribute import MaskAttribute
from fovnb.datasets.stacking import check_stackable, stack_in_place
from fovnb.errors import GeometryError, InvalidInputError, PredictionError
from fovnb.irf import EDispKernelMap, PSFMap
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.maps.fits import open_hdulist, write_hdulist
from fovnb.modeling.likelihood import cash
from fovnb.modeling.models import FoVBackgroundModel, Models
from fovnb.text import html_summary, text_summary

if TYPE_CHECKING:
    from fovnb.modeling.background_fit import BackgroundFit

__all__ = ["PARTS", "MapDataset"]

PARTS = ("counts", "exposure", "background", "psf", "edisp", "mask_safe", "mask_fit", "mask_exclusion")


class MapDataset:
    """Counts, predicted background, exposure, PSF, energy dispersion and masks on one grid.

    Parameters
    ----------
    models : FoVBackgroundModel, Models or list, optional
        Models; those made for a dataset of another name are left out.
    counts, background : Map, optional
        Observed counts, and background counts predicted by the instrument response; axis "energy".
    exposure : Map, optional
        Effective area times live time [m2 s]; axis "energy_true".
    psf, edisp : PSFMap, EDispKernelMap, optional
        Point spread function and energy dispersion, on coarser pixels.
    mask_safe, mask_fit : Map, optional
        Boolean, True = used: where the data are safe, and where the model is fitted.
    gti : GTI, optional
        Good time intervals.
    meta_table : Table, optional
        One row; a stack holds one value a run in every cell.
    name : str
        Runs are named ``obs-<OBS_ID>``.
    meta : dict, optional
        Keywords for the header of the file.
    background_fit : BackgroundFit, optional
        What came of fitting or scaling the background.
    mask_exclusion : Map, optional
        Boolean, True = used: where the background was fitted. Nothing but the diagnostics looks at it.
    run_info : RunInfo, optional
        What the run is, where it pointed and how long; a stack has none.
    stacked_rows : tuple of LedgerRow
        Of a stack: what became of each run that was offered to it.

    Examples
    --------
    >>> from fovnb.maps import MapAxis, WcsGeom
    >>> energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    >>> stacked = MapDataset.create(WcsGeom.create(width=2, binsz=0.1, axes=[energy]))
    >>> stacked.counts.data.shape
    (2, 20, 20)
    """

    tag = "MapDataset"
    stat_type = "cash"
    mask_safe = MaskAttribute()
    mask_fit = MaskAttribute()
    mask_exclusion = MaskAttribute()
    meta_table = TableAttribute()

    def __init__(
        self,
        models: FoVBackgroundModel | Iterable[FoVBackgroundModel] | None = None,
        counts: Map | None = None,
        exposure: Map | None = None,
        background: Map | None = None,
        psf: PSFMap | None = None,
        edisp: EDispKernelMap | None = None,
        mask_safe: Map | None = None,
        mask_fit: Map | None = None,
        gti: GTI | None = None,
        meta_table: Table | None = None,
        name: str = "stacked",
        meta: dict[str, Any] | None = None,
        background_fit: "BackgroundFit | None" = None,
        mask_exclusion: Map | None = None,
        run_info: RunInfo | None = None,
        stacked_rows: tuple[LedgerRow, ...] = (),
    ) -> None:
        self.name = name
        self.counts = counts
        self.exposure = exposure
        self.background = background
        self.psf = psf
        self.edisp = edisp
        self.mask_safe = mask_safe
        self.mask_fit = mask_fit
        self.gti = gti
        self.meta_table = meta_table
        self.meta = dict(meta or {})
        self.background_fit = background_fit
        self.mask_exclusion = mask_exclusion
        self.run_info = run_info
        self.stacked_rows = stacked_rows
        self.models = models
        self._shares_maps = False

    @classmethod
    def create(
        cls,
        geom: WcsGeom,
        energy_axis_true: MapAxis | None = None,
        rad_axis: MapAxis | None = None,
        binsz_irf: u.Quantity | str | float = 0.2,
        reference_time: str = "2000-01-01",
        name: str = "stacked",
        meta_table: Table | None = None,
    ) -> "MapDataset":
        """Return a dataset of zeros with an empty safe mask, to be filled by a maker or by stacking.

        Parameters
        ----------
        geom : WcsGeom
            Grid of counts and background, with the one axis "energy".
        energy_axis_true, rad_axis, binsz_irf
            See `create_map_dataset_geoms`.
        reference_time : str
            Reference time of the (empty) good time intervals.
        name : str
            Name of the dataset.
        meta_table : Table, optional
            One row about the runs.
        """
        geoms = create_map_dataset_geoms(geom, energy_axis_true, rad_axis, binsz_irf)
        return cls.from_geoms(**geoms._asdict(), reference_time=reference_time, name=name, meta_table=meta_table)

    @classmethod
    def from_geoms(
        cls,
        geom: WcsGeom,
        geom_exposure: WcsGeom | None = None,
        geom_psf: WcsGeom | None = None,
        geom_edisp: WcsGeom | None = None,
        reference_time: str = "2000-01-01",
        name: str = "stacked",
        meta_table: Table | None = None,
    ) -> "MapDataset":
        """Return a dataset of zeros with an empty safe mask on the given geometries."""
        return cls(
            counts=Map.from_geom(geom),
            background=Map.from_geom(geom),
            exposure=None if geom_exposure is None else Map.from_geom(geom_exposure, unit="m2 s"),
            psf=None if geom_psf is None else PSFMap.from_geom(geom_psf),
            edisp=None if geom_edisp is None else EDispKernelMap.from_geom(geom_edisp),
            mask_safe=Map.from_geom(geom, dtype=bool),
            gti=GTI.create([] * u.s, [] * u.s, reference_time=reference_time),
            meta_table=meta_table,
            name=name,
        )

    @property
    def geom(self) -> WcsGeom:
        """Grid of counts, background and masks."""
        for part in (self.counts, self.background, self.mask_safe, self.mask_fit):
            if part is not None:
                return part.geom
        msg = f"dataset {self.name!r} has no counts, background or mask, and so no geometry; give it one of them"
        raise GeometryError(msg)

    @property
    def geoms(self) -> dict[str, WcsGeom]:
        """All geometries, by the argument names of `from_geoms`."""
        geoms = {"geom": self.geom}
        if self.exposure is not None:
            geoms["geom_exposure"] = self.exposure.geom
        if self.psf is not None:
            geoms["geom_psf"] = self.psf.psf_map.geom
        if self.edisp is not None:
            geoms["geom_edisp"] = self.edisp.edisp_map.geom
        return geoms

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of counts and background: (energy, lat, lon)."""
        return self.geom.data_shape

    @property
    def models(self) -> Models | None:
        """Models of this dataset, or None."""
        return self._models

    @models.setter
    def models(self, models: FoVBackgroundModel | Iterable[FoVBackgroundModel] | None) -> None:
        given = None if models is None else Models(models)
        others = given is not None and any(self.name not in model.datasets_names for model in given)
        self._models = given.select(datasets_names=self.name) if given is not None and others else given

    @property
    def background_model(self) -> FoVBackgroundModel | None:
        """The background model of this dataset, or None."""
        return next((m for m in self.models or () if isinstance(m, FoVBackgroundModel)), None)

    @property
    def mask(self) -> Map | None:
        """Safe mask AND fit mask; None when there is neither."""
        if self.mask_safe is None or self.mask_fit is None:
            return self.mask_fit if self.mask_safe is None else self.mask_safe
        return self.mask_safe & self.mask_fit

    @property
    def mask_safe_image(self) -> Map | None:
        """Pixels that are safe at any energy; None without a safe mask."""
        return None if self.mask_safe is None else self.mask_safe.reduce_over_axes(np.logical_or)

    @property
    def excess(self) -> Map:
        """Counts minus the background of the instrument response."""
        return self.required("counts") - self.required("background")

    @property
    def ledger(self) -> Ledger:
        """One row for each run that was ever offered to this stack, or the row of this run."""
        return ledger_of(ledger_rows(self))

    def required(self, name: str) -> Map:
        """Return the map "counts", "exposure", "background", "mask_safe" or "mask_fit", or say that it is missing.

        Raises
        ------
        PredictionError
            If the dataset has no such map.
        """
        part: Map | None = getattr(self, name)
        if part is None:
            msg = f"dataset {self.name!r} has no {name} map; make it with MapDatasetMaker, {name!r} in its selection"
            raise PredictionError(msg)
        return part

    def npred_background(self) -> Map:
        """Return the background with the background model applied, ``norm(E) * background``."""
        background = self.required("background")
        model = self.background_model
        data = None if model is None else background.data * model.evaluate_geom(background.geom).to_value("")
        return background.copy(data=data)

    def npred(self) -> Map:
        """Return all predicted counts, never negative."""
        npred = self.npred_background()
        npred.data[npred.data < 0] = 0
        return npred

    def stat_sum(self) -> float:
        """Return the Cash statistic, summed over every pixel that is used and predicts background.

        Counts where nothing is predicted cannot be weighed; `background_fit` says how many there are.
        """
        npred = np.asarray(self.npred().data, dtype=float)
        used = np.isfinite(npred) & (npred > 0)
        if self.mask is not None:
            used &= self.mask.data
        return cash(np.asarray(self.required("counts").data[used], dtype=float), npred[used])

    def stack(self, other: object, nan_to_num: bool = True) -> None:
        """Add another dataset, in place; only the other's safe mask counts.

        Examples
        --------
        >>> from fovnb.maps import MapAxis, WcsGeom
        >>> geom = WcsGeom.create(width=2, binsz=0.1, axes=[MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
        >>> stacked, run = MapDataset.create(geom), MapDataset.create(geom, name="obs-1")
        >>> run.counts.data[...], run.mask_safe.data[0] = 1, True
        >>> stacked.stack(run)
        >>> int(stacked.counts.data.sum())
        400
        """
        if not isinstance(other, MapDataset):
            msg = f"cannot stack a {type(other).__name__}; expected a MapDataset"
            raise InvalidInputError(msg)
        check_stackable(self, other)
        if self._shares_maps:
            self.__dict__ = self.copy().__dict__
        stack_in_place(self, other, nan_to_num)

    def to_masked(self, name: str = "stacked", nan_to_num: bool = True) -> "MapDataset":
        """Return a new dataset that holds only what the safe mask lets through."""
        masked = MapDataset.from_geoms(name=name, **self.geoms)  # type: ignore[arg-type]  # keys are argument names
        masked.stack(self, nan_to_num)
        return masked

    def cutout(
        self, position: SkyCoord, width: u.Quantity | str | tuple[Any, Any], mode: str = "trim", name: str = "cutout"
    ) -> "MapDataset":
        """Return the part of all maps around a position, without models.

        Parameters
        ----------
        position : SkyCoord
            Centre.
        width : Quantity, str or tuple
            Angular size, one for both or (lon, lat).
        mode : {"trim", "partial", "strict"}
            What happens where the cutout reaches beyond the map.
        name : str
            Name of the cutout.
        """
        maps = {key: getattr(self, key) for key in PARTS}
        cut = {key: part.cutout(position, width, mode) for key, part in maps.items() if part is not None}
        kept = {key: getattr(self, key) for key in ("gti", "meta_table", "meta", "run_info", "stacked_rows")}
        return MapDataset(**cut, **kept, name=name)

    def replace(self, **parts: Any) -> "MapDataset":
        """Return a dataset with some parts replaced, by the argument names of the constructor.

        The two share the maps that were not replaced; stacking onto either of them copies these first. With a new name
        the models are made for it.
        """
        others = ("gti", "meta_table", "name", "meta", "models", "background_fit", "run_info", "stacked_rows")
        kept = {key: getattr(self, key) for key in (*PARTS, *others)}
        if "name" in parts and self.models:
            kept["models"] = [model.copy(dataset_name=parts["name"]) for model in self.models]
        new = MapDataset(**kept | parts)
        self._shares_maps = new._shares_maps = True
        return new

    def copy(self, name: str | None = None) -> "MapDataset":
        """Return a deep copy; models and their fit stay only when the name stays, since they are made for a name."""
        new = deepcopy(self)
        new._shares_maps = False
        if name not in (None, self.name):
            new.name, new.models, new.background_fit = name, None, None
        return new

    def info_dict(self, in_safe_data_range: bool = True) -> dict[str, Any]:
        """Return sums over the (safe) data, by Gammapy's keys."""
        return info_dict(self, in_safe_data_range)

    def to_dict(self) -> dict[str, str]:
        """Return the entry of this dataset in the YAML file that `Datasets.write` makes.

        The name may come from a file: in the file name all but letters, digits and ``+-.`` becomes ``_``.
        """
        stem = re.sub(r"[^\w+.-]|^\.", "_", self.name)
        return {"name": self.name, "type": self.tag, "filename": f"{stem}.fits"}

    def to_hdulist(self) -> fits.HDUList:
        """Return the FITS extensions, in Gammapy's layout."""
        return dataset_to_hdulist(self)

    @classmethod
    def from_hdulist(cls, hdulist: fits.HDUList, name: str | None = None) -> "MapDataset":
        """Return the dataset that FITS extensions hold, by default under the name given there."""
        parts = dataset_parts(hdulist)
        return cls(**parts | ({"name": name} if name else {}))

    def write(self, filename: str | os.PathLike[str], overwrite: bool = False, checksum: bool = False) -> None:
        """Write everything but the models to a FITS file that Gammapy reads.

        Raises
        ------
        DataError
            If the file exists and `overwrite` is False, or cannot be written; nothing is written then.
        """
        write_hdulist(self.to_hdulist(), filename, overwrite, checksum)

    @classmethod
    def read(cls, filename: str | os.PathLike[str], name: str | None = None) -> "MapDataset":
        """Read a file that `write`, or Gammapy, wrote.

        Raises
        ------
        DataError
            If the file is missing, broken, or holds no dataset.
        """
        with open_hdulist(filename) as hdulist:
            return cls.from_hdulist(hdulist, name)

    def __repr__(self) -> str:
        return text_summary("MapDataset", summary_rows(self))

    def _repr_html_(self) -> str:
        return html_summary("MapDataset", summary_rows(self))
