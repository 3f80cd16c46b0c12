"""How the background is normalised, which runs are fitted together, and how runs become one stack."""

from dataclasses import dataclass
from typing import Literal

from fovnb.recipe.fields import field
from fovnb.recipe.norms import (
    ExpCutoffNorm,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    ProductNorm,
    TemplateNorm,
)
from fovnb.recipe.step import Step

__all__ = ["Background", "Gradient", "Group", "Stack"]


@dataclass(frozen=True)
class Gradient(Step):
    """A linear gradient over the field of view, fitted with the norm."""

    gx: Parameter = field(Parameter(0.0), label="gradient along longitude", unit="deg-1")
    gy: Parameter = field(Parameter(0.0), label="gradient along latitude", unit="deg-1")
    alignment: Literal["RADEC", "ALTAZ"] = field("RADEC", label="axes", help="ALTAZ: towards the zenith")


@dataclass(frozen=True)
class Group(Step):
    """Runs that share parameters of the norm, fitted together."""

    by: Literal["night", "pointing", "zenith", "table"] = field("night", label="groups")
    table: tuple[tuple[int, str], ...] = field((), label="group of each OBS_ID", low=0, help='for "table"')
    shared: tuple[str, ...] = field(("tilt",), label="shared parameters", least=1, help='or "all"')
    zenith_edges_deg: tuple[float, ...] = field(
        (0.0, 20.0, 30.0, 40.0, 50.0, 60.0, 90.0),
        label="zenith bands",
        unit="deg",
        low=0,
        high=90,
        form="increasing",
        least=2,
    )

    def _check(self) -> None:
        if (self.by == "table") != bool(self.table):
            self._refuse("table", "expected the group of each run with by='table', and none otherwise")


@dataclass(frozen=True)
class Background(Step):
    """The background model of each run, and how it is made to fit."""

    method: Literal["fit", "scale"] = field("fit", label="method", help="scale: one factor; fit: all free parameters")
    norm: (
        PowerLawNorm
        | LogParabolaNorm
        | ExpCutoffNorm
        | PiecewiseNorm
        | PiecewisePowerLawNorm
        | TemplateNorm
        | ProductNorm
    ) = field(PowerLawNorm(), label="norm model")
    gradient: Gradient | None = field(None, label="gradient")
    group: Group | None = field(None, label="runs together")
    min_counts: float = field(
        0.0, label="least counts", low=0, high=1e9, help="runs with fewer, or as many, are left out"
    )
    min_npred_background: float = field(0.0, label="least predicted counts", low=0, high=1e9)

    def _check(self) -> None:
        if self.method == "scale" and isinstance(self.norm, ProductNorm | PiecewiseNorm | PiecewisePowerLawNorm):
            self._refuse("method", f"a {self.norm.kind!r} norm has no single factor; use 'fit'")
        if self.method == "scale" and self.group is not None:
            self._refuse("group", "runs are fitted together with method 'fit' only")
        if self.gradient is not None and (self.method == "scale" or self.group is not None):
            self._refuse("gradient", "it is fitted with method 'fit', run by run")
        if self.group is not None and (self.min_counts or self.min_npred_background):
            self._refuse("group", "runs fitted together take no min_counts and min_npred_background")


@dataclass(frozen=True)
class Stack(Step):
    """How runs are added, in the order of their OBS_IDs."""

    block: int | None = field(
        None, label="runs a block", low=1, high=100000, help="runs are added in blocks, then the blocks; by default all"
    )
