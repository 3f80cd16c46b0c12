"""How the background is normalised, which runs are fitted together, and how runs become one stack."""

from collections.abc import Iterable
from dataclasses import dataclass
from re import fullmatch
from typing import Literal

from fovnb.recipe.data import MAX_OBS_ID
from fovnb.recipe.fields import field
from fovnb.recipe.norms import (
    Norm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    ProductNorm,
    has_nodes,
    parameters_of,
)
from fovnb.recipe.step import Step
from fovnb.text import did_you_mean

__all__ = ["Background", "Gradient", "Group", "Stack"]


@dataclass(frozen=True, repr=False)
class Gradient(Step):
    """A linear gradient over the field of view in deg-1, fitted with the norm."""

    gx: Parameter = field(Parameter(0.0), label="gradient along longitude", unit="deg-1", help="of the field of view")
    gy: Parameter = field(Parameter(0.0), label="gradient along latitude", unit="deg-1", help="of the field of view")
    alignment: Literal["RADEC", "ALTAZ"] = field(
        "RADEC", label="axes", help="RADEC: latitude towards the north; ALTAZ: towards the zenith"
    )


@dataclass(frozen=True, repr=False)
class Group(Step):
    """Runs that share parameters of the norm, fitted together."""

    by: Literal["night", "pointing", "zenith", "table"] = field(
        "night", label="groups", help="what the runs of a group share"
    )
    table: tuple[tuple[int, str], ...] = field(
        (), label="group of each OBS_ID", low=0, high=MAX_OBS_ID, help='pairs of both, for "table"'
    )
    shared: tuple[str, ...] = field(("tilt",), label="shared parameters", least=1, help='their names, or "all"')
    zenith_edges_deg: tuple[float, ...] = field(
        (0.0, 20.0, 30.0, 40.0, 50.0, 60.0, 90.0),
        label="zenith bands",
        unit="deg",
        low=0,
        high=90,
        form="increasing",
        least=2,
        help='edges, for "zenith"',
    )

    def _check(self) -> None:
        if (self.by == "table") != bool(self.table):
            self._refuse("table", "expected the group of each run with by='table', and none otherwise")
        self._expect_different("table", [obs_id for obs_id, _ in self.table])
        self._expect_different("shared", self.shared)
        if "all" in self.shared and len(self.shared) > 1:
            self._refuse("shared", "expected 'all' alone, or the names of parameters")


@dataclass(frozen=True, repr=False)
class Background(Step):
    """The background model of each run, and how it is made to fit."""

    method: Literal["fit", "scale"] = field("fit", label="method", help="scale: one factor; fit: all free parameters")
    norm: Norm = field(PowerLawNorm(), label="norm model", help="how the norm depends on energy")
    gradient: Gradient | None = field(None, label="gradient", help="over the field of view")
    group: Group | None = field(None, label="runs together", help="which runs share parameters")
    min_counts: float = field(
        0.0, label="least counts", low=0, high=1e9, step=1, help="runs with fewer, or as many, are left out"
    )
    min_npred_background: float = field(
        0.0, label="least predicted counts", low=0, high=1e9, step=1, help="the same, for counts of the background"
    )

    def _check(self) -> None:
        if self.method == "scale" and isinstance(self.norm, ProductNorm | PiecewiseNorm | PiecewisePowerLawNorm):
            self._refuse("method", f"a {self.norm.kind!r} norm has no single factor; use 'fit'")
        if self.method == "scale" and self.group is not None:
            self._refuse("group", "runs are fitted together with method 'fit' only")
        if self.gradient is not None and (self.method == "scale" or self.group is not None):
            self._refuse("gradient", "it is fitted with method 'fit', run by run")
        if self.group is not None and (self.min_counts or self.min_npred_background):
            self._refuse("group", "runs fitted together take no min_counts and min_npred_background")
        if self.group is not None:
            self._check_shared(self.group.shared)
        if self.method == "fit":
            self._check_norm()

    def _check_shared(self, shared: tuple[str, ...]) -> None:
        """Refuse shared parameters that the norm does not have; nodes that are taken from the counts may be any."""
        known = parameters_of(self.norm)
        for name in shared:
            from_counts = not has_nodes(self.norm) and fullmatch(r"norm_\d+", name)
            if not (name in known or name == "all" or from_counts):
                hint = did_you_mean(name, known)
                self._refuse("group", f"the norm has no parameter {name!r} to share{hint}; choose from {_words(known)}")

    def _check_norm(self) -> None:
        """Refuse a norm without a free parameter, and norms that can only be 0 or less."""
        parameters = parameters_of(self.norm)
        if has_nodes(self.norm) and all(one.frozen for one in parameters.values()):
            self._refuse("norm", f"method 'fit' needs a free parameter; free one of {_words(parameters)}")
        for name, one in parameters.items():
            highest = one.value if one.frozen else one.max
            if name.startswith("norm") and highest is not None and highest <= 0:
                self._refuse("norm", f"its {name} can be no more than {highest!r}; expected a positive number")


@dataclass(frozen=True, repr=False)
class Stack(Step):
    """How runs are added, in the order of their OBS_IDs."""

    block: int | None = field(
        None,
        label="runs a block",
        low=1,
        high=100000,
        step=1,
        help="runs are added in blocks, then the blocks; by default all",
    )


def _words(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
