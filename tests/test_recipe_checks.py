"""Values that cannot go together are refused where they are set, by the name of the field."""

from typing import Any

import pytest

from fovnb.errors import RecipeError
from fovnb.recipe import (
    Annulus,
    Background,
    Cube,
    Data,
    EnergyBounds,
    EnergyEdges,
    ExpCutoffNorm,
    Geometry,
    Gradient,
    Group,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    Polygon,
    PowerLawNorm,
    ProductNorm,
    SafeMask,
    Suggestion,
    TemplateNorm,
)
from fovnb.recipe.norms import Norm, parameters_of
from fovnb.steps import execute, norm_statements

FROZEN = Parameter(1.0, frozen=True)
NODES = PiecewiseNorm([1, 2, 4])
PRODUCT = ProductNorm([PowerLawNorm(), NODES, PowerLawNorm(), PowerLawNorm()])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Data(obs_ids=[1, 1]), r"Data.obs_ids is \(1, 1\); expected each once"),
        (lambda: EnergyBounds(10, 1), r"EnergyBounds.min_tev is 10.0; expected less than max_tev, 1.0 TeV"),
        (lambda: EnergyBounds(1, 1 + 1e-12, 10), r"EnergyBounds.nbin is 10; expected fewer bins"),
        (lambda: Geometry(binsz_deg=10), r"Geometry.width_deg is \(5.0, 5.0\); expected at least one pixel"),
        (lambda: Geometry(width_deg=(360, 180), binsz_deg=1e-5), r"Geometry.binsz_deg is 1e-05; a map of .* too large"),
        (lambda: Cube(energy=EnergyBounds(nbin=1000), geometry=Geometry(binsz_deg=0.005)), "Cube.energy is .* large"),
        (lambda: Cube(energy_true=EnergyBounds(nbin=1000), geometry=Geometry(binsz_deg=0.005)), "Cube.energy_true is"),
        (lambda: Cube(binsz_irf_deg=0.001), "Cube.binsz_irf_deg is 0.001; responses of 20 energies are too large"),
        (lambda: Cube(selection=["psf", "psf"]), "Cube.selection is .*; expected each once"),
        (lambda: Cube(selection=[]), r"Cube.selection is \[\]; expected at least 1 value$"),
        (lambda: SafeMask(methods=["offset-max"] * 2), "SafeMask.methods is .*; expected each once"),
        (lambda: Annulus(0, 0, 2, 1), "Annulus.inner_radius_deg is 2.0; expected less than outer_radius_deg, 1.0 deg"),
        (lambda: Polygon([0, 1, 1], [0, 0]), "Polygon.lat_deg is .*; expected at least 3 values"),
        (lambda: Polygon([0, 1, 1, 2], [0, 0, 1]), "Polygon.lat_deg is .*; expected one value for each of the 4 in"),
        (lambda: Polygon([0, 1, 1], [0, 2, 2]), "Polygon.lon_deg is .*; expected at least 3 different corners, not 2"),
        (lambda: Suggestion(high=2, low=3), "Suggestion.low is 3.0; expected at most high, 2.0"),
        (lambda: Parameter(1, min=2, max=1), "Parameter.min is 2.0; expected less than max, 1.0"),
        (lambda: Parameter(1, min=2), "Parameter.value is 1.0; expected one between its limits, 2.0 and None"),
        (lambda: PiecewiseNorm([1]), "PiecewiseNorm.energy_tev is .*; expected at least 2 values"),
        (lambda: PiecewiseNorm([1, 2], [FROZEN]), "PiecewiseNorm.norms is .*; expected one value for each of the 2 in"),
        (lambda: PiecewiseNorm(norms=[FROZEN]), "PiecewiseNorm.norms is .*; expected one value for each of the 0 in"),
        (lambda: PiecewisePowerLawNorm(tilt=FROZEN), "PiecewisePowerLawNorm.tilt is .* only where energy_tev is given"),
        (lambda: TemplateNorm([1, 2], [1, 2, 3]), "TemplateNorm.values is .*; expected one value for each of the 2 in"),
        (lambda: ProductNorm([PowerLawNorm()]), "ProductNorm.factors is .*; expected at least 2 values"),
        (lambda: ProductNorm([PowerLawNorm(), PiecewiseNorm()]), "ProductNorm.factors is .*; a piecewise factor needs"),
        (lambda: Group(by="table"), r"Group.table is \(\); expected the group of each run with by='table'"),
        (lambda: Group(table=[(1, "a")]), "Group.table is .*, and none otherwise"),
        (lambda: Group(by="table", table=[(1, "a"), (1, "b")]), "Group.table is .*; expected each once"),
        (lambda: Group(shared=[]), "Group.shared is .*; expected at least 1 value"),
        (lambda: Group(shared=["tilt", "tilt"]), "Group.shared is .*; expected each once"),
        (lambda: Group(shared=["all", "tilt"]), "Group.shared is .*; expected 'all' alone"),
        (lambda: Group(zenith_edges_deg=[0, 91]), "Group.zenith_edges_deg is .* at most 90 deg"),
        (lambda: Background("scale", NODES), "Background.method is 'scale'; a 'piecewise-norm' norm has no"),
        (lambda: Background("scale", group=Group()), "Background.group is .* method 'fit' only"),
        (lambda: Background("scale", gradient=Gradient()), "Background.gradient is .* with method 'fit', run by run"),
        (lambda: Background(gradient=Gradient(), group=Group()), "Background.gradient is"),
        (lambda: Background(group=Group(), min_counts=1), "Background.group is .* take no min_counts"),
        (lambda: Background(group=Group(shared=["tlt"])), r"no parameter 'tlt' to share \(did you mean 'tilt'\?\)"),
        (lambda: Background(group=Group(shared=["reference"])), "no parameter 'reference' to share; choose from"),
        (lambda: Background(norm=LogParabolaNorm(), group=Group()), "Background.group is .* no parameter 'tilt' to"),
        (lambda: Background(norm=NODES, group=Group(shared=["norm_3"])), "no parameter 'norm_3' to share"),
        (lambda: Background(norm=PowerLawNorm(FROZEN, FROZEN)), "Background.norm is .* free one of 'norm', 'tilt'"),
        (lambda: Background(norm=PowerLawNorm(FROZEN, FROZEN), group=Group(shared=["all"])), "needs a free parameter"),
        (lambda: Background(norm=PowerLawNorm(FROZEN, FROZEN), group=Group(shared=["tilt"])), "free one of"),
        (lambda: Background(norm=PowerLawNorm(Parameter(-1, frozen=True))), "its norm can be no more than -1.0"),
        (lambda: Background(norm=PowerLawNorm(Parameter(-1, max=0))), "its norm can be no more than 0.0; expected"),
        (lambda: Background(norm=PiecewiseNorm([1, 2], [Parameter(1), Parameter(-1, max=0)])), "its norm_1 can be no"),
    ],
)  # fmt: skip
def test_what_cannot_go_together_is_refused_by_name(make: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        make()


@pytest.mark.parametrize(
    "background",
    [
        Background("scale", PowerLawNorm(FROZEN, FROZEN)),
        Background("scale", TemplateNorm([1, 2], [1, 2])),
        Background(norm=PowerLawNorm(Parameter(-1))),
        Background(norm=PiecewiseNorm(), group=Group(shared=["norm_7"])),
        Background(norm=NODES, group=Group(shared=["norm_2"])),
        Background(norm=PRODUCT, group=Group(shared=["norm_3", "tilt_3"])),
    ],
)
def test_what_is_odd_but_possible_is_taken(background: Background) -> None:
    assert background.edit() == background


def test_a_cube_of_other_edges_counts_their_bins() -> None:
    assert (EnergyEdges([1, 2, 4]).n_bins, EnergyBounds(nbin=7).n_bins, Geometry().npix) == (2, 7, (250, 250))


@pytest.mark.parametrize(
    "norm",
    [
        PowerLawNorm(),
        LogParabolaNorm(),
        ExpCutoffNorm(),
        NODES,
        PiecewisePowerLawNorm([1, 4]),
        TemplateNorm([1, 2], [1, 2]),
        PRODUCT,
        ProductNorm([PowerLawNorm(), PowerLawNorm(), NODES, PiecewisePowerLawNorm([1, 4])]),
    ],
    ids=lambda norm: norm.kind,
)  # fmt: skip
def test_parameters_have_the_names_that_the_model_gives_them(norm: Norm) -> None:
    model = execute(norm_statements(norm))["spectral_model"]
    names = [label for label in model.labels if not label.startswith("reference")]
    assert sorted(parameters_of(norm)) == sorted(names)
