"""The grids of the maps, and which maps are made; then where the data can be trusted."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from fovnb.recipe.data import Frame
from fovnb.recipe.fields import field
from fovnb.recipe.step import Step

__all__ = ["Cube", "EnergyBounds", "EnergyEdges", "Geometry", "Part", "SafeMask"]

Part = Literal["counts", "exposure", "background", "psf", "edisp"]

_MAX_VALUES = 4e8  # of a map; several are in memory at a time


@dataclass(frozen=True)
class EnergyBounds(Step):
    """Logarithmic bins between two energies."""

    kind: ClassVar[str] = "bounds"

    min_tev: float = field(0.5, label="lowest energy", unit="TeV", low=1e-6, high=1e6, scale="log", step=0.05)
    max_tev: float = field(10.0, label="highest energy", unit="TeV", low=1e-6, high=1e6, scale="log", step=0.05)
    nbin: int = field(5, label="bins", low=1, high=1000, step=1)

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return self.nbin

    def _check(self) -> None:
        if not self.min_tev < self.max_tev:
            self._refuse("min_tev", f"expected less than max_tev, {self.max_tev!r} TeV")


@dataclass(frozen=True)
class EnergyEdges(Step):
    """Bins between given energies."""

    kind: ClassVar[str] = "edges"

    edges_tev: tuple[float, ...] = field(
        label="edges", unit="TeV", low=1e-6, high=1e6, form="increasing", least=2, scale="log"
    )

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.edges_tev) - 1


@dataclass(frozen=True)
class Geometry(Step):
    """Centre, projection and pixels of the maps."""

    lon_deg: float = field(83.6333, label="longitude of the centre", unit="deg", low=-360, high=360)
    lat_deg: float = field(22.0145, label="latitude of the centre", unit="deg", low=-90, high=90)
    frame: Frame = field("icrs", label="frame")
    proj: Literal["CAR", "TAN", "SIN", "AIT", "ZEA", "STG", "MOL"] = field("CAR", label="projection", help="FITS code")
    width_deg: tuple[float, float] = field(
        (5.0, 5.0), label="width and height", unit="deg", low=0, high=360, open_low=True, step=0.1
    )
    binsz_deg: float = field(
        0.02, label="size of the pixels", unit="deg", low=0, high=10, open_low=True, scale="log", step=0.05
    )

    @property
    def npix(self) -> tuple[int, int]:
        """Number of pixels along longitude and latitude."""
        nx, ny = (round(width / self.binsz_deg) for width in self.width_deg)
        return nx, ny

    def _check(self) -> None:
        if not all(self.npix):
            self._refuse("width_deg", f"expected at least one pixel of binsz_deg, {self.binsz_deg!r} deg")
        if prod(self.npix) > _MAX_VALUES:
            self._refuse("binsz_deg", f"a map of {self.npix} pixels is too large; give larger ones or less width_deg")


@dataclass(frozen=True)
class Cube(Step):
    """What is made of a run, and on which grids."""

    energy: EnergyBounds | EnergyEdges = field(EnergyBounds(), label="energy", help="reconstructed energy")
    energy_true: EnergyBounds | EnergyEdges | None = field(
        EnergyBounds(0.3, 20.0, 20), label="true energy", help="of exposure, PSF and dispersion; as energy by default"
    )
    geometry: Geometry = field(Geometry(), label="geometry")
    binsz_irf_deg: float = field(
        0.2, label="size of response pixels", unit="deg", low=0, high=10, open_low=True, help="of PSF and dispersion"
    )
    selection: tuple[Part, ...] | None = field(None, label="maps", least=1, help="by default all")

    def _check(self) -> None:
        shape = (self.energy.n_bins, *self.geometry.npix)
        if prod(shape) > _MAX_VALUES:
            self._refuse("energy", f"a map of shape {shape} is too large; give fewer bins or larger pixels")
        if self.selection is not None and len(set(self.selection)) < len(self.selection):
            self._refuse("selection", "expected each map once")


@dataclass(frozen=True)
class SafeMask(Step):
    """Where the data of a run can be trusted; all methods must agree."""

    methods: tuple[Literal["aeff-default", "offset-max"], ...] = field(
        ("aeff-default", "offset-max"), label="methods", help="aeff-default: energies of the file; offset-max: angle"
    )
    offset_max_deg: float = field(
        2.5, label="largest offset", unit="deg", low=0, high=180, open_low=True, step=0.05, help="from the pointing"
    )

    def _check(self) -> None:
        if len(set(self.methods)) < len(self.methods):
            self._refuse("methods", "expected each method once")
