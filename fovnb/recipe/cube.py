"""The grids of the maps, and which maps are made; then where the data can be trusted."""

from dataclasses import dataclass
from math import log, prod
from typing import ClassVar, Literal

from fovnb.recipe.fields import field
from fovnb.recipe.sky import Frame, frame, latitude, longitude
from fovnb.recipe.step import Step

__all__ = ["Cube", "EnergyBounds", "EnergyEdges", "Geometry", "Part", "SafeMask"]

Part = Literal["counts", "exposure", "background", "psf", "edisp"]

_MAX_VALUES = 4e8  # of a map; several are in memory at a time
_MAX_IRF_VALUES = 4e6  # true energies times pixels of the responses, each of which holds a whole curve
_MIN_WIDTH = 1e-9  # of ln(energy) in a bin; floats cannot tell narrower ones apart


@dataclass(frozen=True, repr=False)
class EnergyBounds(Step):
    """Logarithmic bins between two energies in TeV, by default 5 from 0.5 to 10."""

    kind: ClassVar[str] = "bounds"

    min_tev: float = field(0.5, label="lowest energy", unit="TeV", low=1e-6, high=1e6, scale="log", step=0.05)
    max_tev: float = field(10.0, label="highest energy", unit="TeV", low=1e-6, high=1e6, scale="log", step=0.05)
    nbin: int = field(5, label="number of bins", low=1, high=1000, step=1)

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return self.nbin

    def _check(self) -> None:
        if not self.min_tev < self.max_tev:
            self._refuse("min_tev", f"expected less than max_tev, {self.max_tev!r} TeV")
        if log(self.max_tev / self.min_tev) < self.nbin * _MIN_WIDTH:
            self._refuse("nbin", f"expected fewer bins from {self.min_tev!r} to {self.max_tev!r} TeV")


@dataclass(frozen=True, repr=False)
class EnergyEdges(Step):
    """Bins between given energies in TeV."""

    kind: ClassVar[str] = "edges"

    edges_tev: tuple[float, ...] = field(
        label="edges", unit="TeV", low=1e-6, high=1e6, form="increasing", least=2, scale="log"
    )

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.edges_tev) - 1


@dataclass(frozen=True, repr=False)
class Geometry(Step):
    """Centre, projection and pixels of the maps: by default 5 deg x 5 deg around the Crab nebula, in 0.02 deg."""

    lon_deg: float = longitude(83.6333)
    lat_deg: float = latitude(22.0145)
    frame: Frame = frame()
    proj: Literal["CAR", "TAN", "SIN", "AIT", "ZEA", "STG", "MOL"] = field("CAR", label="projection", help="FITS code")
    width_deg: tuple[float, float] = field(
        (5.0, 5.0), label="width and height", unit="deg", low=0, high=360, open_low=True, step=0.1
    )
    binsz_deg: float = field(
        0.02, label="size of the pixels", unit="deg", low=1e-5, high=10, scale="log", step=0.05, help="of their sides"
    )

    @property
    def npix(self) -> tuple[int, int]:
        """Number of pixels along longitude and latitude."""
        return self.pixels_of(self.binsz_deg)

    def pixels_of(self, binsz_deg: float) -> tuple[int, int]:
        """Return the number of pixels along longitude and latitude if they had another size."""
        width, height = self.width_deg
        return round(width / binsz_deg), round(height / binsz_deg)

    def _check(self) -> None:
        if not all(self.npix):
            self._refuse("width_deg", f"expected at least one pixel of binsz_deg, {self.binsz_deg!r} deg")
        if prod(self.npix) > _MAX_VALUES:
            self._refuse("binsz_deg", f"a map of {self.npix} pixels is too large; give larger ones or less width_deg")


@dataclass(frozen=True, repr=False)
class Cube(Step):
    """What is made of a run, and on which grids."""

    energy: EnergyBounds | EnergyEdges = field(EnergyBounds(), label="energy", help="reconstructed energy")
    energy_true: EnergyBounds | EnergyEdges | None = field(
        EnergyBounds(0.3, 20.0, 20), label="true energy", help="of exposure, PSF and dispersion; as energy by default"
    )
    geometry: Geometry = field(Geometry(), label="geometry")
    binsz_irf_deg: float = field(
        0.2,
        label="size of response pixels",
        unit="deg",
        low=1e-5,
        high=10,
        scale="log",
        step=0.05,
        help="of PSF and dispersion",
    )
    selection: tuple[Part, ...] | None = field(None, label="maps", least=1, help="by default all")

    def _check(self) -> None:
        n_true = (self.energy_true or self.energy).n_bins
        for name, n_bins in (("energy", self.energy.n_bins), ("energy_true", n_true)):
            if n_bins * prod(self.geometry.npix) > _MAX_VALUES:
                shape = (n_bins, *self.geometry.npix)
                self._refuse(name, f"a map of shape {shape} is too large; give fewer bins or larger pixels")
        if n_true * prod(self.geometry.pixels_of(self.binsz_irf_deg)) > _MAX_IRF_VALUES:
            self._refuse("binsz_irf_deg", f"responses of {n_true} energies are too large; give larger pixels")
        self._expect_different("selection", self.selection or ())


@dataclass(frozen=True, repr=False)
class SafeMask(Step):
    """Where the data of a run can be trusted; all methods must agree."""

    methods: tuple[Literal["aeff-default", "offset-max"], ...] = field(
        ("aeff-default", "offset-max"), label="methods", help="aeff-default: energies of the file; offset-max: angle"
    )
    offset_max_deg: float = field(
        2.5, label="largest offset", unit="deg", low=0, high=180, open_low=True, step=0.05, help="from the pointing"
    )

    def _check(self) -> None:
        self._expect_different("methods", self.methods)
