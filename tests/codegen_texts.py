"""Recipes whose code is looked at, and ruff's opinion of texts."""

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from fovnb.recipe import (
    Annulus,
    Background,
    Catalogue,
    Circle,
    Cone,
    Cube,
    Data,
    Ellipse,
    EnergyBounds,
    EnergyEdges,
    Exclusion,
    ExpCutoffNorm,
    Geometry,
    Gradient,
    Group,
    Parameter,
    PiecewiseNorm,
    Polygon,
    PowerLawNorm,
    Prior,
    ProductNorm,
    Recipe,
    Rectangle,
    Selection,
    Stack,
    Suggestion,
    TemplateNorm,
)

__all__ = ["EVERYTHING", "SEED", "SMALL", "TOGETHER", "ruff_findings"]

HESS = Data("$GAMMAPY_DATA/hess-dl3-dr1", obs_ids=[23592, 23559])

SEED = Recipe(
    HESS,
    Cube(geometry=Geometry(83.63, 22.01)),
    exclusion=Exclusion([Circle(83.63, 22.01, 0.2, name="Crab nebula")]),
)

EVERYTHING = Recipe(
    Data("$GAMMAPY_DATA/hess-dl3-dr1", selection=Selection("Crab", Cone(83.63, 22.01, 2.5), 45, 0)),
    Cube(
        EnergyEdges([0.5, 1, 2, 5, 10]),
        EnergyBounds(0.3, 20, 12),
        Geometry(184.56, -5.78, "galactic", "TAN", (4, 3), 0.05),
        0.25,
        ("counts", "exposure", "background"),
    ),
    exclusion=Exclusion(
        [
            Circle(83.63, 22.01, 0.2),
            Annulus(83.63, 22.01, 0.5, 0.7, name="ring"),
            Ellipse(184.5, -6, 0.4, 0.2, 30, "galactic"),
            Rectangle(83, 21.5, 0.3, 0.1, active=False),
            Polygon([82.1, 82.5, 82.3], [21.9, 21.9, 22.3], name="drawn by hand", origin="me"),
        ],
        Catalogue("$GAMMAPY_DATA/catalogs/gammacat/gammacat.fits.gz", 0.25, "morph_sigma", 3),
        "areas.reg",
    ),
    background=Background(
        norm=ProductNorm(
            [
                PowerLawNorm(Parameter(1.1, min=0.5, max=2, prior=Prior(1, 0.1)), Parameter(0.05, frozen=True)),
                ExpCutoffNorm(lambda_=Parameter(1e-07, frozen=True)),
                TemplateNorm([0.5, 1, 10], [1, 1.2, 0.9]),
            ]
        ),
        gradient=Gradient(gx=Parameter(0.01), alignment="ALTAZ"),
        min_counts=20,
    ),
    stack=Stack(10),
)

TOGETHER = Recipe(
    HESS,
    exclusion=Exclusion(suggestion=Suggestion(high=6, dilate_deg=0.15)),
    background=Background(
        norm=PiecewiseNorm(min_counts=50, smoothness=0.2),
        group=Group("table", [(23559, "first night"), (23592, "second night")], ["all"]),
    ),
)

SMALL = Recipe(
    cube=Cube(EnergyBounds(0.5, 10, 2), EnergyBounds(0.3, 20, 4), Geometry(width_deg=(3, 3), binsz_deg=0.1)),
    exclusion=Exclusion([Circle(83.6333, 22.0145, 0.3, name="source")]),
)

_RULES = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["select"]
# Long strings, letters of other alphabets and a script without a docstring are right here, and a function says by name
# what it returns; D203 and D213 contradict other rules.
_NOT = ("D100", "D203", "D213", "E501", "RET504", "RUF001")


def ruff_findings(texts: Iterable[str], folder: Path) -> str:
    """Return what ruff says of texts: its formatter at 88 and 120 columns, its checks by default and by our rules."""
    for number, text in enumerate(texts):
        (folder / f"text_{number}.py").write_text(text, encoding="utf-8")
    formats = (("format", "--diff", "--line-length", width) for width in ("88", "120"))
    checks = (("check", *select, "--ignore", ",".join(_NOT)) for select in ((), ("--select", ",".join(_RULES))))
    return "".join(_ruff(command, folder) for command in (*formats, *checks))


def _ruff(command: Iterable[str], folder: Path) -> str:
    """Return what ruff prints if it is not content; for it all packages are other people's in that folder."""
    whole = [sys.executable, "-m", "ruff", *command, "--isolated", "--quiet", "--no-cache", "."]
    done = subprocess.run(whole, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.stdout + done.stderr if done.returncode else ""
