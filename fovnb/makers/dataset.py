"""MapDatasetMaker: from one run's events and instrument responses to its dataset."""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from fovnb.data import Observation
from fovnb.datasets import MapDataset
from fovnb.errors import GeometryError, InvalidInputError, IrfError
from fovnb.irf import PSF3D, Background3D, EDispKernelMap, EffectiveAreaTable2D, EnergyDispersion2D, PSFMap
from fovnb.makers.observed import check_dataset, check_observation, fixed_pointing, irf_of, mean_pointing
from fovnb.makers.utils import (
    check_energy_coverage,
    check_sky_coverage,
    make_edisp_kernel_map,
    make_map_background_irf,
    make_map_exposure_true_energy,
    make_psf_map,
)
from fovnb.maps import Map, WcsGeom
from fovnb.text import did_you_mean

__all__ = ["MapDatasetMaker"]


class MapDatasetMaker:
    """Make the dataset of one run on the grids of a reference dataset.

    Parameters
    ----------
    selection : iterable of str, optional
        Parts to make, of "counts", "exposure", "background", "psf" and "edisp"; by default all.

    Raises
    ------
    InvalidInputError
        If a part is unknown.

    Examples
    --------
    >>> MapDatasetMaker(selection=["counts", "background"])
    MapDatasetMaker(selection=('counts', 'background'))
    """

    tag = "MapDatasetMaker"
    available_selection = ("counts", "exposure", "background", "psf", "edisp")

    def __init__(self, selection: Iterable[str] | None = None) -> None:
        self.selection = self.available_selection if selection is None else tuple(selection)
        for name in self.selection:
            if name not in self.available_selection:
                hint = did_you_mean(name, self.available_selection)
                msg = f"{name!r} is no part of a dataset{hint}; choose from {', '.join(self.available_selection)}"
                raise InvalidInputError(msg)

    def run(
        self, dataset: MapDataset, observation: Observation, *, before_part: Callable[[str], None] | None = None
    ) -> MapDataset:
        """Return the dataset of a run, named ``obs-<OBS_ID>``; the reference dataset is not changed.

        Parameters
        ----------
        dataset : MapDataset
            Reference: its grids are used, not its content.
        observation : Observation
            The run.
        before_part : callable, optional
            Called with the name of each part just before it is made. What it raises stops the work.

        Raises
        ------
        DataError, IrfError, GeometryError
            If the run cannot be read, or does not cover the grids.
        """
        check_dataset(dataset)
        check_observation(observation)
        self._check_coverage(dataset, observation)
        meta_table = self.make_meta_table(observation)
        made = MapDataset(
            counts=Map.from_geom(dataset.geom),
            mask_safe=Map.from_geom(dataset.geom, data=np.ones(dataset.data_shape, dtype=bool)),
            gti=observation.gti.copy(),
            meta_table=meta_table,
            meta={key: meta_table[key][0] for key in ("TELESCOP", "OBS_ID", "OBS_MODE")},
            name=f"obs-{observation.obs_id}",
            run_info=observation.info,
        )
        for name in self.selection:
            geom, make = self._recipe(name, dataset)
            if before_part is not None:
                before_part(name)
            setattr(made, name, make(geom, observation))
        return made

    def _recipe(self, name: str, dataset: MapDataset) -> tuple[WcsGeom, Callable[[WcsGeom, Observation], Any]]:
        """Return the grid of a part and what makes it."""
        key, make = {
            "counts": ("geom", self.make_counts),
            "exposure": ("geom_exposure", self.make_exposure),
            "background": ("geom", self.make_background),
            "psf": ("geom_psf", self.make_psf),
            "edisp": ("geom_edisp", self.make_edisp_kernel),
        }[name]
        geoms = dataset.geoms
        if key not in geoms:
            msg = f"the reference dataset has no {name}; make it with MapDataset.create, or leave {name!r} out"
            raise GeometryError(msg)
        return geoms[key], make

    def _check_coverage(self, dataset: MapDataset, observation: Observation) -> None:
        """Refuse a run whose field or energies do not touch the grids at all."""
        checks: list[tuple[Background3D | EffectiveAreaTable2D, SkyCoord, WcsGeom]] = []
        if "background" in self.selection:
            checks.append((irf_of(observation, "bkg", Background3D), fixed_pointing(observation), dataset.geom))
        if "exposure" in self.selection and dataset.exposure is not None:
            aeff = irf_of(observation, "aeff", EffectiveAreaTable2D)
            checks.append((aeff, mean_pointing(observation), dataset.exposure.geom))
        try:
            for irf, pointing, geom in checks:
                check_energy_coverage(irf, geom.axes[0])
                check_sky_coverage(irf, pointing, geom)
        except (GeometryError, IrfError) as error:
            msg = f"OBS_ID {observation.obs_id}: {error}"
            raise type(error)(msg) from error

    @staticmethod
    def make_counts(geom: WcsGeom, observation: Observation) -> Map:
        """Return the number of events a pixel."""
        counts = Map.from_geom(geom)
        counts.fill_events(observation.events)
        return counts

    @staticmethod
    def make_exposure(geom: WcsGeom, observation: Observation) -> Map:
        """Return effective area times live time [m2 s]; also for the coarse grids of PSF and energy dispersion."""
        return make_map_exposure_true_energy(
            pointing=mean_pointing(observation),
            livetime=observation.observation_live_time_duration,
            aeff=irf_of(observation, "aeff", EffectiveAreaTable2D),
            geom=geom,
        )

    @staticmethod
    def make_background(geom: WcsGeom, observation: Observation) -> Map:
        """Return the background counts that the response predicts, its empty cells filled in along the energy.

        They are not corrected for dead time, as GADF has it.
        """
        bkg = irf_of(observation, "bkg", Background3D)
        return make_map_background_irf(
            pointing=fixed_pointing(observation),
            ontime=observation.observation_time_duration,
            bkg=bkg.interp_missing_data("energy"),
            geom=geom,
        )

    @classmethod
    def make_psf(cls, geom: WcsGeom, observation: Observation) -> PSFMap:
        """Return the PSF map with its exposure."""
        exposure = cls.make_exposure(geom.squash("rad"), observation)
        psf = irf_of(observation, "psf", PSF3D)
        return make_psf_map(psf=psf, pointing=mean_pointing(observation), geom=geom, exposure_map=exposure)

    @classmethod
    def make_edisp_kernel(cls, geom: WcsGeom, observation: Observation) -> EDispKernelMap:
        """Return the energy dispersion kernel map with its exposure."""
        exposure = cls.make_exposure(geom.squash("energy"), observation)
        edisp = irf_of(observation, "edisp", EnergyDispersion2D)
        return make_edisp_kernel_map(edisp=edisp, pointing=mean_pointing(observation), geom=geom, exposure_map=exposure)

    @staticmethod
    def make_meta_table(observation: Observation) -> Table:
        """Return one row: telescope, OBS_ID, mode and pointing."""
        telescope = "Unknown" if observation.aeff is None else observation.aeff.meta.get("TELESCOP", "Unknown")
        row = {"TELESCOP": telescope, "OBS_ID": observation.obs_id}
        table = Table([row | dict(observation.pointing.to_fits_header())])
        for name in ("RA_PNT", "DEC_PNT", "ALT_PNT", "AZ_PNT"):
            if name in table.colnames:
                table[name].unit = u.deg
        return table

    def __repr__(self) -> str:
        return f"MapDatasetMaker(selection={self.selection!r})"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"
