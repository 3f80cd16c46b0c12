"""The steps of a recipe as calls: what they say of defaults is true, and what they make is what was asked for."""

import numpy as np
import pytest
from astropy import units as u

from fovnb.demo import make_demo
from fovnb.recipe import (
    Annulus,
    Circle,
    Cone,
    Cube,
    Data,
    Ellipse,
    EnergyEdges,
    Geometry,
    Parameter,
    PiecewiseNorm,
    Polygon,
    PowerLawNorm,
    Prior,
    ProductNorm,
    Rectangle,
    SafeMask,
    Selection,
    TemplateNorm,
)
from fovnb.steps import cube_statements, data_statements, evaluate, execute, norm_statements, safe_mask_statements
from fovnb.steps.expressions import Arg, Assign, Call, Item, Name, Operation, Public, Quantity
from fovnb.steps.sky import sky_region
from tests.stated import NORMS, real_default, same, stated_defaults

# Models make their own parameters where none is given: a model's default is the value that such a parameter has.
OF_PARAMETERS = {"norm", "tilt", "reference", "alpha", "beta", "index", "lambda_", "gx", "gy"}


@pytest.mark.parametrize(("function", "arg"), list(stated_defaults()), ids=lambda one: getattr(one, "name", None))
def test_a_stated_default_is_the_default(function: Public, arg: Arg):
    real = real_default(function, arg.name, "fovnb")
    if arg.name in OF_PARAMETERS and function.module == ".modeling.models":
        needed = {"energy": [1, 4] * u.TeV, "values": [1, 4]} if "Template" in function.name else {}
        needed = {"energy": [1, 4] * u.TeV} if "Piecewise" in function.name else needed
        model = evaluate(Call(function, (), tuple(Arg(name, value) for name, value in needed.items())), {})
        stated = evaluate(arg.default, {})
        assert getattr(model, arg.name).quantity == stated
        return
    assert same(arg.default, real)


def test_a_wrong_default_would_be_seen():
    assert not same(Quantity(2.0, "deg"), "3 deg")
    assert not same(None, False)
    assert not same(["fit"], ("scale",))


def test_an_expression_is_python():
    names = {"a": {"b": 3}, "x": np.array([1, 2, 3])}
    assert evaluate(Item(Name("a"), "b"), names) == 3
    assert evaluate(Operation("<=", Name("x"), 2), names).tolist() == [True, True, False]
    both = Operation("&", Operation("==", Name("x"), 2), Operation("<=", Name("x"), 2))
    assert evaluate(both, names).tolist() == [False, True, False]
    assert evaluate([Quantity((1.0, 2.0), "TeV"), ("x", None)], names)[0].to_value("TeV").tolist() == [1, 2]
    assert evaluate({"a": Name("x.size")}, names) == {"a": 3}


def test_a_statement_sets_attributes_and_leaves_its_argument_alone():
    names = {"kept": 1}
    made = execute([Assign("model", Call(Public("types", "SimpleNamespace")), ""), Assign("model.x", 2, "")], names)
    assert made["model"].x == 2
    assert names == {"kept": 1}


def test_axes_and_pixels():
    cube = Cube(
        energy=EnergyEdges((0.5, 2.0, 3.0)),
        geometry=Geometry(184.55, -5.78, "galactic", "TAN", (2.0, 1.0), 0.5),
        energy_true=None,
        selection=("counts",),
    )
    made = execute(cube_statements(cube))
    assert made["geom"].data_shape == (2, 2, 4)
    assert (made["geom"].frame, made["geom"].projection) == ("galactic", "TAN")
    np.testing.assert_allclose(made["geom"].center_skydir.l.deg, 184.55)
    np.testing.assert_allclose(made["energy_axis"].edges.to_value("TeV"), [0.5, 2.0, 3.0], rtol=1e-15)
    assert made["stacked"].name == "stacked"
    assert tuple(made["maker"].selection) == ("counts",)


def test_the_safe_mask():
    maker = execute(safe_mask_statements(SafeMask(methods=[], offset_max_deg=1.25)))["safe_mask_maker"]
    assert (maker.methods, maker.offset_max.deg) == ((), 1.25)


@pytest.mark.parametrize(
    ("region", "inside", "outside"),
    [
        (Circle(10, 20, 1.0), (10.9, 20), (11.2, 20)),
        (Annulus(10, 20, 0.5, 1.0), (10.8, 20), (10, 20)),
        (Ellipse(10, 20, 2.0, 1.0), (10.9, 20), (10, 20.9)),
        (Rectangle(10, 20, 1.0, 2.0), (10, 20.9), (10.9, 20)),
        (Rectangle(10, 20, 1.0, 2.0, angle_deg=90), (10.9, 20), (10, 20.9)),
        (Polygon((9, 11, 11), (19, 19, 21)), (10.9, 19.2), (9.1, 20.9)),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_regions_lie_where_they_are_said_to(region, inside, outside):
    from astropy.coordinates import SkyCoord

    from fovnb.maps import WcsGeom

    geom = WcsGeom.create(skydir=(10, 20), width=4, binsz=0.05, proj="TAN")
    mask = geom.region_mask([evaluate(sky_region(region.edit(name="a")), {})])
    assert mask.get_by_coord(SkyCoord(*inside, unit="deg"))[0]
    assert not mask.get_by_coord(SkyCoord(*outside, unit="deg"))[0]


def test_a_norm_with_limits_flags_and_priors():
    norm = PowerLawNorm(Parameter(1.2, min=0.1, max=5.0, prior=Prior(1.0, 0.2, 2.0)), Parameter(0.3, frozen=True), 2.0)
    model = execute(norm_statements(norm))["spectral_model"]
    assert (model.norm.value, model.norm.min, model.norm.max) == (1.2, 0.1, 5.0)
    assert (model.norm.prior.sigma.value, model.norm.prior.weight) == (0.2, 2.0)
    assert (model.tilt.value, model.tilt.frozen, model.norm.frozen) == (0.3, True, False)
    assert model.reference.quantity == 2 * u.TeV


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: norm.kind)
def test_parameters_are_frozen_as_the_recipe_says_whatever_the_model_does(norm: object):
    for frozen in (False, True):
        flagged = {name: one.edit(frozen=frozen) for name, one in vars(norm).items() if isinstance(one, Parameter)}
        model = execute(norm_statements(norm.edit(**flagged)))["spectral_model"]
        assert {name: getattr(model, name).frozen for name in flagged} == dict.fromkeys(flagged, frozen)


def test_nodes_and_products():
    nodes = PiecewiseNorm((1.0, 4.0), (Parameter(1.0, frozen=True), Parameter(2.0)))
    template = TemplateNorm((1.0, 2.0), (1.0, 3.0))
    made = execute(norm_statements(ProductNorm((PowerLawNorm(), template, nodes, template))))
    assert {"power_law", "template", "piecewise", "template_2"} < set(made)
    assert float(made["spectral_model"](4 * u.TeV)) == pytest.approx(3 * 2 * 3)


def test_nodes_from_a_dataset_with_options():
    made = execute(norm_statements(PiecewiseNorm(min_counts=10.0, interp="lin", smoothness=0.1)))["spectral_model"]
    assert made.keywords == {"min_counts": 10.0, "interp": "lin", "smoothness": 0.1}
    assert execute(norm_statements(PiecewiseNorm()))["spectral_model"].__name__ == "from_dataset"


def select(**conditions: object) -> list[int]:
    data = Data(demo_runs=5, obs_ids=conditions.pop("obs_ids", None), selection=Selection(**conditions))
    return [run.obs_id for run in execute(data_statements(data))["observations"]]


def test_a_selection_is_what_the_table_says():
    from fovnb.data import DataStore

    table = DataStore.from_dir(make_demo(runs=5)).obs_table
    zenith = float(np.median(table["ZEN_PNT"]))
    assert select(zenith_max_deg=zenith) == table["OBS_ID"][table["ZEN_PNT"] <= zenith].tolist()
    assert select(obs_ids=[5, 2, 4], zenith_max_deg=zenith) == [
        i for i in (2, 4, 5) if i in select(zenith_max_deg=zenith)
    ]
    assert select(target=str(table["OBJECT"][0])) == [1, 2, 3, 4, 5]
    assert select(target="another") == []
    ra, dec = float(table["RA_PNT"][2]), float(table["DEC_PNT"][2])
    assert 3 in select(cone=Cone(ra, dec, 0.01)) != [1, 2, 3, 4, 5]
    assert select(quality_max=-1) == table["OBS_ID"][table["QUALITY"] <= -1].tolist()
