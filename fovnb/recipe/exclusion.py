"""What the background fit leaves out: regions, the sources of a catalogue, a file, and what the data suggest."""

from dataclasses import dataclass

from fovnb.recipe.fields import field
from fovnb.recipe.regions import Region
from fovnb.recipe.sky import size
from fovnb.recipe.step import Step

__all__ = ["Catalogue", "Exclusion", "Suggestion"]


@dataclass(frozen=True, repr=False)
class Catalogue(Step):
    """A circle around each source of a table that lies in the field."""

    file: str = field(label="file", form="path", help="a table of positions, such as gamma-cat")
    radius_deg: float = size("radius", 0.3)
    extension: str | None = field(None, label="column of sizes", help="such as morph_sigma, in its own unit or deg")
    factor: float = field(
        2.0,
        label="sizes times",
        low=0,
        high=100,
        open_low=True,
        step=0.1,
        help="the larger of this and the radius counts",
    )


@dataclass(frozen=True, repr=False)
class Suggestion(Step):
    """Areas of significant counts, found by repetition: mask, fit, significance, mask."""

    high: float = field(5.0, label="peak significance", low=0, high=1000, open_low=True, step=0.1, help="in sigma")
    low: float = field(3.0, label="edge significance", low=0, high=1000, open_low=True, step=0.1, help="in sigma")
    dilate_deg: float = field(0.1, label="margin", unit="deg", low=0, high=10, step=0.01, help="around each area")
    radius_deg: float = field(
        0.1,
        label="smoothing radius",
        unit="deg",
        low=0,
        high=10,
        open_low=True,
        step=0.01,
        help="counts are summed in it",
    )
    max_steps: int = field(10, label="most repetitions", low=1, high=100, step=1, help="of mask and fit")

    def _check(self) -> None:
        if self.low > self.high:
            self._refuse("low", f"expected at most high, {self.high!r}")


@dataclass(frozen=True, repr=False)
class Exclusion(Step):
    """All that is left out; what is outside of the areas is used."""

    regions: tuple[Region, ...] = field((), label="regions", help="areas drawn or read, each with a name")
    catalogue: Catalogue | None = field(None, label="catalogue", help="a circle around each of its sources")
    file: str | None = field(None, label="file", form="path", help="regions of DS9 or CRTF, or a FITS mask")
    suggestion: Suggestion | None = field(None, label="suggestion", help="areas that the data themselves suggest")
