"""The text for Gammapy, as far as it can be judged without Gammapy: what it says, what it writes out, what it refuses.

That it gives the same numbers is shown in tests/oracle.
"""

import ast
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_array_equal

from fovnb.codegen.gammapy import gammapy_program
from fovnb.codegen.gammapy_limits import needs_values
from fovnb.codegen.gammapy_mask import mask_statements, row_runs
from fovnb.codegen.gammapy_runs import run_statements
from fovnb.codegen.render import render
from fovnb.codegen.script import Comment
from fovnb.errors import FovnbWarning, RecipeError
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.pipeline import Pipeline
from fovnb.recipe import (
    Annulus,
    Background,
    Catalogue,
    Circle,
    Data,
    Ellipse,
    EnergyBounds,
    Exclusion,
    Geometry,
    Gradient,
    Group,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    Polygon,
    PowerLawNorm,
    ProductNorm,
    Recipe,
    Rectangle,
    Suggestion,
    TemplateNorm,
)
from tests.gammapy_recipes import SMALL, with_background

PIPELINE = Pipeline()
PRODUCT = ProductNorm((PowerLawNorm(), TemplateNorm((0.5, 10.0), (1.0, 1.1), Parameter(1.0, frozen=True))))
UNSAYABLE = {
    "background.norm.factors": Background(norm=PRODUCT),
    "background.norm.kind: Gammapy has no norm model 'template-norm'": Background(
        norm=TemplateNorm((0.5, 10.0), (1.0, 1.1))
    ),
    "background.norm.kind: Gammapy has no norm model 'piecewise-pl-norm'": Background(norm=PiecewisePowerLawNorm()),
    "background.norm.smoothness": Background(norm=PiecewiseNorm(smoothness=0.1)),
    "background.group": Background(group=Group()),
}


def text_of(recipe, as_values=False, **kwargs):
    return render(gammapy_program(recipe, PIPELINE.run(recipe), as_values), root="gammapy", **kwargs)


def text_from(recipe, datasets):
    """Return the text where the recipe came to other datasets."""
    results = SimpleNamespace(datasets=datasets, exclusion_mask=PIPELINE.run(recipe).exclusion_mask)
    return render(gammapy_program(recipe, results), root="gammapy")


def unwrapped(text):
    """Return a text with each comment on one line."""
    return text.replace("\n#   ", " ")


def value_of(text, name):
    """Return the plain value that a text gives to a name, without running it."""
    (found,) = (
        one.value for one in ast.parse(text).body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == name
    )
    return ast.literal_eval(found)


def calls_of(text, function):
    """Return the keywords of each call of a function, as text."""
    calls = (one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Call))
    return [{a.arg: ast.unparse(a.value) for a in one.keywords} for one in calls if ast.unparse(one.func) == function]


@pytest.mark.parametrize(("field", "background"), UNSAYABLE.items(), ids=UNSAYABLE)
def test_what_gammapy_cannot_find_is_refused_by_its_field(field, background):
    with pytest.raises(RecipeError, match="as_values=True") as error:
        gammapy_program(Recipe(background=background), PIPELINE.run(SMALL))
    assert str(error.value).startswith(field)


@pytest.mark.parametrize("background", UNSAYABLE.values(), ids=UNSAYABLE)
def test_it_is_written_as_values_where_that_is_asked_for(background):
    recipe = SMALL.edit(background=background)
    text = text_of(recipe, as_values=True)
    assert "FoVBackgroundMaker" not in text
    assert "    model.freeze()\n" in text
    for dataset in PIPELINE.run(recipe).datasets:
        curve = dataset.background_model.spectral_model(dataset.geom.axes["energy"].center)
        assert_array_equal(value_of(text, "norms")[dataset.run_info.obs_id], u.Quantity(curve).value)


@pytest.mark.parametrize("as_values", [False, True])
def test_a_gradient_has_no_words(as_values):
    with pytest.raises(RecipeError, match=r"^background\.gradient: .*root='fovnb'"):
        needs_values(Background(gradient=Gradient()), as_values)


def test_what_gammapy_can_fit_is_fitted():
    """Values are for what it cannot, even where they would be allowed."""
    assert text_of(SMALL, as_values=True) == text_of(SMALL)
    (maker,) = calls_of(text_of(SMALL), "FoVBackgroundMaker")
    assert maker == {
        "method": "'fit'",
        "exclusion_mask": "exclusion_mask",
        "spectral_model": "spectral_model",
        "fit": "Fit(optimize_opts={'tol': 0.001})",
    }


def test_only_the_simulated_data_are_ours():
    imports = [ast.unparse(one) for one in ast.parse(text_of(SMALL)).body if isinstance(one, ast.ImportFrom)]
    assert [one for one in imports if "fovnb" in one] == ["from fovnb.demo import make_demo"]
    assert "# Data, simulated by fovnb, of which nothing else is needed\n" in text_of(SMALL)


def test_scale_starts_at_one():
    """Gammapy's norm is what the prediction at the start has to be multiplied with."""
    norm = PowerLawNorm(Parameter(2.0, min=1.5, max=3.0), Parameter(0.1, frozen=True))
    text = text_of(with_background(SMALL, method="scale", norm=norm))
    assert calls_of(text, "PowerLawNormSpectralModel") == [{"tilt": "0.1"}]
    assert "spectral_model.norm" not in text
    assert calls_of(text, "FoVBackgroundMaker")[0].keys() == {"exclusion_mask", "spectral_model"}


def test_requirements():
    """Gammapy asks for least predicted counts of the norm at its start, so that one is left out."""
    text = text_of(with_background(SMALL, min_counts=10.0, min_npred_background=20.0))
    assert calls_of(text, "FoVBackgroundMaker")[0]["min_counts"] == "10.0"
    assert "min_npred_background" not in text


def test_nodes_of_each_run():
    recipe = with_background(SMALL, norm=PiecewiseNorm(min_counts=60, interp="lin"))
    text = text_of(recipe)
    datasets = PIPELINE.run(recipe).datasets
    written = text[text.index("nodes = ") : text.index("fov_bkg_maker = ")]
    assert "# Nodes of each run, with at least 60 counts a node\n" in text
    known = {"u": u}
    exec(written, known)
    assert known["nodes"].keys() == {1, 2}
    for dataset in datasets:
        energy = dataset.background_model.spectral_model.energy
        assert_array_equal(known["nodes"][dataset.run_info.obs_id].to_value("TeV"), energy.to_value("TeV"))
    assert len(known["nodes"][1]) < len(known["nodes"][2])  # a control: each run has its own
    assert calls_of(text, "PiecewiseNormSpectralModel") == [{"energy": "nodes[observation.obs_id]", "interp": "'lin'"}]


def test_open_parameters_have_our_values():
    """Two nodes reach no bin in use; the third stands at the limit that the recipe sets for it."""
    norms = (Parameter(1.0), Parameter(1.0), Parameter(1.0, min=0.99, max=1.01), Parameter(1.0), Parameter(1.0))
    recipe = with_background(SMALL, norm=PiecewiseNorm((0.01, 0.5, 1.0, 4.0, 80.0), norms))
    text = text_of(recipe)
    for dataset in PIPELINE.run(recipe).datasets:
        fit = dataset.background_fit
        values = dict(zip(fit.parameter_names, fit.values.tolist(), strict=True))
        held = value_of(text, "held")[dataset.run_info.obs_id]
        assert held.keys() == {*fit.unconstrained, *fit.at_limit}
        assert held.keys() >= {"norm_0", "norm_2", "norm_4"}
        assert "norm_3" not in held
        assert held == {name: values[name] for name in held}
        assert f"# OBS_ID {dataset.run_info.obs_id}: {fit.reason}\n" in unwrapped(text)


def test_norms_that_are_hardly_known_are_held():
    """The node at 0.02 TeV weighs 1 % of a bin: its norm is known to a factor of 1e10, and Minuit loses its way."""
    recipe = with_background(SMALL, norm=PiecewiseNorm((0.01, 0.02, 0.7, 2.0, 8.0)))
    fits = [dataset.background_fit for dataset in PIPELINE.run(recipe).datasets]
    held = value_of(text_of(recipe), "held")
    for i, fit in enumerate(fits, 1):
        large = {n for n, v, e in zip(fit.parameter_names, fit.values, fit.errors, strict=True) if e > 3 * v}
        assert held[i].keys() == large
    assert any(np.isfinite(fit.errors[fit.parameter_names.index("norm_1")]) for fit in fits)


def test_runs_without_a_free_parameter_are_not_fitted():
    """One bin fixes one number: norm and tilt are both open, and Gammapy refuses a fit of nothing."""
    recipe = SMALL.edit_step("cube", energy=EnergyBounds(1.0, 10.0, 1))
    text = text_of(recipe)
    assert "fov_bkg_maker" not in text
    assert "exclusion_mask" not in text
    one, two = PIPELINE.run(recipe).datasets
    assert value_of(text, "held").keys() == {1, 2}
    fixed = two.replace(background_fit=replace(two.background_fit, errors=np.full(3, 0.1)))
    some = text_from(recipe, [one, fixed])
    loop = "for i in [1]:\n    datasets[i] = fov_bkg_maker.run(datasets[i])\n"
    assert f"# Only these runs have a free parameter\n{loop}" in some


def test_runs_that_failed_are_left_out():
    recipe = with_background(SMALL, min_counts=2000.0)
    with pytest.warns(FovnbWarning, match="adds nothing to a stack"):
        fits = [dataset.background_fit for dataset in PIPELINE.run(recipe).datasets]
    assert [fit.enters_stack for fit in fits] == [False, True]  # a control
    text = text_of(recipe)
    assert f"# OBS_ID 1 is left out, too-few-counts: {fits[0].reason}\n" in unwrapped(text)
    assert "observations = data_store.get_observations([2])\n" in text


def test_no_run_at_all():
    recipe = with_background(SMALL, min_counts=1e6, norm=PRODUCT)
    with pytest.warns(FovnbWarning):
        text = text_of(recipe, as_values=True)
    assert "get_observations([])" in text
    assert "spectral_model" not in text
    assert "fov_bkg_maker" not in text


HOSTILE = [
    "a\nimport os; os.abort()",
    "a\r\x0b\x0c\x1c\x85\u2028\u2029import os",
    "'''\"\"\"\\",
    "{x} </script> é \u202e",
]


@pytest.mark.parametrize("reason", HOSTILE)
def test_a_reason_stays_in_its_comment(reason):
    first, second = PIPELINE.run(SMALL).datasets
    failed = first.replace(background_fit=replace(first.background_fit, status="unreadable", reason=reason))
    plain = first.replace(background_fit=replace(first.background_fit, status="unreadable", reason="a"))
    texts = [text_from(SMALL, [run, second]) for run in (failed, plain)]
    assert ast.dump(ast.parse(texts[0])) == ast.dump(ast.parse(texts[1]))
    assert len(texts[0].splitlines()) == len(texts[1].splitlines())


@pytest.mark.parametrize("reason", ["data/hess/run.fits does not exist", "1/2 of counts, 3/4 of the field"])
def test_a_reason_is_said_as_it_is(reason):
    """Where it was made, folders of the machine were taken out."""
    dataset = PIPELINE.run(SMALL).datasets[0]
    fit = replace(dataset.background_fit, status="unreadable", reason=reason)
    statements = run_statements(SMALL, [dataset.replace(background_fit=fit)])
    (comment,) = (one.text for one in statements if isinstance(one, Comment))
    assert comment == f"OBS_ID 1 is left out, unreadable: {reason}"


def test_data():
    """Gammapy fills in no home folder, and skips runs without a response that nobody asked for."""
    home = run_statements(Recipe(Data("~/dl3", obs_ids=(3,))), [])
    assert 'data_store = DataStore.from_dir(Path("~/dl3").expanduser())\n' in render(home)
    some = Recipe(Data("$GAMMAPY_DATA/dl3", obs_ids=(3, 1))).edit_step("cube", selection=("counts", "background"))
    assert 'data_store.get_observations([1, 3], required_irf=["aeff", "bkg"])' in render(run_statements(some, []))
    bare = some.edit_step("safe_mask", methods=())
    assert 'required_irf=["bkg"]' in render(run_statements(bare, []))


AREAS = (
    Circle(83.7, 22.1, 0.3, name="a"),
    Ellipse(184.2, -5.5, 0.9, 0.4, 30.0, frame="galactic"),
    Rectangle(82.9, 21.5, 0.5, 0.8, 20.0, frame="fk5"),
    Annulus(84.5, 21.3, 0.2, 0.5),
    Polygon((83.0, 83.6, 83.2), (22.8, 22.9, 23.4)),
    Circle(83.6, 21.4, 0.3, active=False),
)
REGION_FILE = """icrs
circle(83.4, 22.0, 0.4) # text={half}
-circle(83.7, 22.0, 0.3)
box(84.5, 21.5, 0.5, 0.3, 30)
ellipse(82.5, 21.5, 0.5, 0.3, 30)
annulus(83.6, 22.0, 1.0, 1.2)
polygon(82, 23, 82.5, 23.2, 82.2, 23.6)
point(83, 23)
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Write a catalogue, regions and a mask with an energy axis to the folder that is the present one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sources.csv").write_text('name,ra,dec\n"it\'s ""A""",83.6,22.0\nB,84.4,21.1\nfar,10.0,10.0\n')
    (tmp_path / "areas.reg").write_text(REGION_FILE)
    axis = MapAxis.from_energy_bounds("0.3 TeV", "20 TeV", nbin=3)
    geom = WcsGeom.create(skydir=(83.6, 22.0), width=4, binsz=0.07, proj="TAN", axes=[axis])
    mask = Map.from_geom(geom, data=np.ones(geom.data_shape))
    mask.data[1, 10:20, 10:30] = mask.data[2, 30:32, 10:13] = 0
    mask.write("mask.fits")
    mask.reduce_over_axes(np.logical_and).write("image.fits")


EXCLUSIONS = {
    "regions": Exclusion(AREAS),
    "catalogue": Exclusion(AREAS[:1], Catalogue("sources.csv")),
    "region file": Exclusion(file="areas.reg"),
    "image": Exclusion(AREAS[2:], file="image.fits"),
    "cube": Exclusion(AREAS[:2], file="mask.fits"),
    "suggestion": Exclusion(suggestion=Suggestion()),
    "all": Exclusion(AREAS, Catalogue("sources.csv"), "areas.reg", Suggestion()),
}


@pytest.mark.usefixtures("files")
@pytest.mark.filterwarnings("ignore:.*(lie in the frame|covers|hold no pixel)")
@pytest.mark.parametrize("exclusion", EXCLUSIONS.values(), ids=EXCLUSIONS)
@pytest.mark.parametrize("frame", ["icrs", "galactic"])
def test_the_mask_as_written_is_the_mask_that_was_used(exclusion, frame):
    lon, lat = (83.6, 22.0) if frame == "icrs" else (184.5, -5.8)
    geometry = Geometry(lon, lat, frame, "CAR" if frame == "icrs" else "TAN", (5.0, 4.0), 0.1)
    recipe = SMALL.edit(exclusion=exclusion).edit_step("cube", geometry=geometry)
    used = PIPELINE.run(recipe).exclusion_mask
    assert 0 < (~used.data).sum() < used.data.size
    known = {"geom": used.geom}
    exec(render(mask_statements(exclusion, used)), known)
    assert_array_equal(known["exclusion_mask"].data, used.data)


@pytest.mark.usefixtures("files")
def test_regions_are_written_as_regions():
    """With their names; the circle that is cut into is none, and what is left of it is rows."""
    used = PIPELINE.run(SMALL.edit(exclusion=EXCLUSIONS["region file"])).exclusion_mask
    text = render(mask_statements(EXCLUSIONS["region file"], used))
    shapes = ["RectangleSkyRegion", "EllipseSkyRegion", "CircleAnnulusSkyRegion", "PolygonSkyRegion"]
    assert [len(calls_of(text, one)) for one in ("CircleSkyRegion", *shapes)] == [0, 1, 1, 1, 1]
    assert len(value_of(text, "rows")) < 20
    catalogue = EXCLUSIONS["catalogue"]
    text = render(mask_statements(catalogue, PIPELINE.run(SMALL.edit(exclusion=catalogue)).exclusion_mask))
    assert [one["meta"] for one in calls_of(text, "CircleSkyRegion")] == [
        "RegionMeta({'text': 'a'})",
        "RegionMeta({'text': 'it\\'s \"A\"'})",
        "RegionMeta({'text': 'B'})",
    ]
    assert "rows" not in text


def test_nothing_left_out():
    assert (
        render(mask_statements(Exclusion(), None)) == "# Exclusion mask\n# nothing is left out of the background fit\n"
    )
    (maker,) = calls_of(text_of(SMALL.edit(exclusion=Exclusion())), "FoVBackgroundMaker")
    assert "exclusion_mask" not in maker


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9, 1.0])
def test_rows_say_every_pixel(fraction):
    image = np.random.default_rng(5).random((7, 11)) < fraction
    painted = np.zeros_like(image)
    rows = row_runs(image)
    for y, start, stop in rows:
        assert not painted[y, max(start - 1, 0) : stop + 1].any()  # runs do not touch: none could be joined
        painted[y, start:stop] = True
    assert_array_equal(painted, image)


@pytest.mark.usefixtures("files")
def test_no_formatter_changes_the_text(tmp_path):
    recipes = {
        "plain": SMALL,
        "nodes": with_background(SMALL, norm=PiecewiseNorm(min_counts=60)),
        "held": with_background(SMALL, norm=PiecewiseNorm((0.01, 0.5, 1.0, 4.0, 80.0))),
        "values": with_background(SMALL, norm=PRODUCT).edit_step("stack", block=1),
        "areas": SMALL.edit(exclusion=EXCLUSIONS["all"]),
    }
    paths = []
    for full in (False, True):
        for name, recipe in recipes.items():
            paths.append(tmp_path / f"{name}_{full}.py")
            paths[-1].write_text(text_of(recipe, as_values=True, full=full), encoding="utf-8")
    for command in (["format", "--check"], ["check", "--select=E4,E7,E9,F,I,UP,B,SIM,C4"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", *paths], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
