"""The text for Gammapy, executed: the same recipe gives the same numbers there.

Norms agree within 0.002 of their error, and the stack within 1e-4, as far as its norms are known to better than 5 %.
"""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fovnb.codegen.gammapy import gammapy_program
from fovnb.codegen.render import render
from fovnb.pipeline import Pipeline
from fovnb.recipe import (
    Catalogue,
    Circle,
    Cone,
    Data,
    EnergyBounds,
    EnergyEdges,
    Exclusion,
    ExpCutoffNorm,
    Geometry,
    Group,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    Prior,
    ProductNorm,
    Rectangle,
    Selection,
    Suggestion,
    TemplateNorm,
)
from tests.gammapy_recipes import SMALL, with_background
from tests.oracle.both import THEIRS
from tests.oracle.compare import assert_close_map, assert_identical_map, assert_kernel_map

pytestmark = [
    pytest.mark.usefixtures("hess_dl3_dr1"),
    pytest.mark.filterwarnings("ignore:.*(adds nothing to a stack|lie in the frame|leaves little of the background)"),
]

PIPELINE = Pipeline()
FOLDER = "$GAMMAPY_DATA/hess-dl3-dr1"
REAL = SMALL.edit(data=Data(FOLDER, obs_ids=(23523, 23592))).edit_step("cube", energy=EnergyBounds(1.0, 10.0, 4))
GALACTIC = Geometry(184.5, -5.8, "galactic", "TAN", (5.0, 4.0), 0.08)
FIXED = Parameter(1.0, frozen=True)
PRODUCT = ProductNorm((PowerLawNorm(), TemplateNorm((0.5, 3.0, 30.0), (1.0, 1.2, 0.9), FIXED)))
PRIORS = PowerLawNorm(
    Parameter(1.0, prior=Prior(1.1, 0.05)), Parameter(0.0, prior=Prior(0.1, 0.1, weight=4.0)), reference_tev=2.0
)
LIMITS = PowerLawNorm(Parameter(1.0, min=0.2, max=3.0), Parameter(0.0, min=-0.01, max=0.01))
NODES = PiecewiseNorm((0.9, 2.0, 8.0), (Parameter(1.1), Parameter(0.9, frozen=True), Parameter(1.0, min=0.5)))
FAR_NODES = PiecewiseNorm((0.01, 0.02, 0.7, 2.0, 8.0, 60.0))
SCALED = PowerLawNorm(Parameter(2.0), Parameter(0.1, frozen=True))

RECIPES = {
    "seed": REAL,
    "simulated": SMALL,
    "norm alone": with_background(REAL, norm=PowerLawNorm(tilt=Parameter(0.0, frozen=True))),
    "log parabola": with_background(REAL, norm=LogParabolaNorm()),
    "cutoff": with_background(SMALL, norm=ExpCutoffNorm(index=Parameter(0.1))),
    "nodes": with_background(REAL, norm=NODES),
    "nodes from the counts": with_background(REAL, norm=PiecewiseNorm(min_counts=50.0)),
    "nodes on a linear scale": with_background(SMALL, norm=PiecewiseNorm(min_counts=100.0, interp="lin")),
    "nodes without data": with_background(SMALL, norm=FAR_NODES),
    "priors": with_background(SMALL, norm=PRIORS),
    "limits": with_background(SMALL, norm=LIMITS),
    "scale": with_background(REAL, method="scale", norm=SCALED, min_counts=10.0),
    "least counts": with_background(SMALL, min_counts=2000.0, min_npred_background=100.0),
    "a run elsewhere": REAL.edit_step("data", obs_ids=(20326, 23523, 23592)),
    "selection of runs": REAL.edit(data=Data(FOLDER, selection=Selection("Crab Nebula", Cone(83.6, 22.0, 1.0), 47.0))),
    "suggestion": SMALL.edit(exclusion=Exclusion((Circle(84.5, 21.0, 0.3),), suggestion=Suggestion())),
    "galactic": REAL.edit_step("cube", geometry=GALACTIC, energy=EnergyEdges((1.0, 1.7, 4.0, 10.0))),
    "blocks": SMALL.edit_step("data", demo_runs=3).edit_step("stack", block=2),
    "parts": REAL.edit_step("cube", selection=("counts", "background", "exposure"), energy_true=None),
    "no safe mask": REAL.edit_step("safe_mask", methods=()).edit_step(
        "cube", geometry=Geometry(width_deg=(4.0, 3.0), binsz_deg=0.1)
    ),
    "one bin": SMALL.edit_step("cube", energy=EnergyBounds(1.0, 10.0, 1)),
}
BY_VALUES = {
    "product": with_background(SMALL, norm=PRODUCT),
    "smooth": with_background(REAL, norm=PiecewiseNorm(min_counts=50.0, smoothness=0.1)),
    "group": with_background(SMALL, group=Group("pointing", shared=("all",))),
    "power law above nodes": with_background(REAL, norm=PiecewisePowerLawNorm(min_counts=50.0)),
    "one bin": with_background(SMALL, norm=PRODUCT).edit_step("cube", energy=EnergyBounds(1.0, 10.0, 1)),
}


def text_of(recipe, **kwargs):
    return render(gammapy_program(recipe, PIPELINE.run(recipe), as_values=True), root="gammapy", **kwargs)


def executed(text):
    """Return the names that a text leaves."""
    names = {}
    exec(compile(text, "<gammapy>", "exec"), names)
    return names


def used_runs(recipe):
    return [dataset for dataset in PIPELINE.run(recipe).datasets if dataset.background_fit.enters_stack]


def assert_same_norms(fit, model, n_sigma):
    """Compare each parameter in units of our error; where Gammapy has a plain value it is ours to the last digits."""
    found = zip(fit.parameter_names, fit.values, fit.errors, strict=True)
    for name, value, error in found:
        theirs = model.parameters[name]
        if theirs.frozen:
            assert_allclose(theirs.value, value, rtol=1e-12, err_msg=name)
        else:
            assert abs(theirs.value - value) <= n_sigma * error, f"{name}: {theirs.value}, and here {value} ± {error}"


def assert_same_runs(ours, theirs, n_sigma=0.002):
    assert [one.name for one in theirs] == [one.name for one in ours]
    for mine, other in zip(ours, theirs, strict=True):
        assert_identical_map(mine.counts, other.counts)
        assert_identical_map(mine.mask_safe, other.mask_safe)
        if n_sigma:
            assert_same_norms(mine.background_fit, other.background_model, n_sigma)


def assert_same_stack(ours, theirs, rtol=1e-4):
    assert ours.counts.data.sum() > 100
    assert_identical_map(ours.counts, theirs.counts)
    assert_identical_map(ours.mask_safe, theirs.mask_safe)
    assert_close_map(ours.background, theirs.background, rtol=rtol)
    assert_allclose(ours.gti.time_sum.to_value("s"), theirs.gti.time_sum.to_value("s"), rtol=1e-12)
    if ours.exposure is not None and ours.exposure.data.any():
        assert_close_map(ours.exposure, theirs.exposure)
    if ours.psf is not None and ours.psf.psf_map.data.any():
        assert_kernel_map(ours.psf.psf_map, theirs.psf.psf_map)
        assert_kernel_map(ours.edisp.edisp_map, theirs.edisp.edisp_map)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_same_numbers(recipe):
    names = executed(text_of(recipe))
    assert_same_runs(used_runs(recipe), names["datasets"])
    assert_same_stack(PIPELINE.run(recipe).stacked, names["stacked"])


@pytest.mark.parametrize("recipe", BY_VALUES.values(), ids=BY_VALUES)
def test_norms_as_values(recipe):
    """Gammapy evaluates a norm at the centre of an energy bin, and there it is what we found."""
    names = executed(text_of(recipe))
    assert_same_runs(used_runs(recipe), names["datasets"], n_sigma=0)
    assert all(par.frozen for one in names["datasets"] for par in one.models.parameters)
    assert_same_stack(PIPELINE.run(recipe).stacked, names["stacked"], rtol=1e-6)


@pytest.mark.parametrize("recipe", [REAL, SMALL], ids=["seed", "simulated"])
def test_gammapys_own_tolerance(recipe):
    names = executed(text_of(recipe).replace('Fit(optimize_opts={"tol": 0.001})', "Fit()"))
    assert_same_runs(used_runs(recipe), names["datasets"], n_sigma=0.02)
    assert_same_stack(PIPELINE.run(recipe).stacked, names["stacked"], rtol=1e-3)


def test_the_tolerance_arrives_at_minuit():
    names = executed(text_of(SMALL))
    assert names["fov_bkg_maker"].fit.optimize(names["datasets"][:1]).minuit.tol == 1e-3
    assert THEIRS.Fit().optimize(names["datasets"][:1]).minuit.tol == 0.1


def test_another_mask_is_seen():
    """A control: the comparison is sharp enough to tell a smaller circle from the recipe's."""
    text = text_of(REAL)
    names = executed(text.replace("radius=0.3", "radius=0.25"))
    assert "radius=0.3" in text
    with pytest.raises(AssertionError, match=r"norm|tilt"):
        assert_same_runs(used_runs(REAL), names["datasets"])


@pytest.mark.parametrize(
    ("proj", "frame"), [("CAR", "icrs"), ("TAN", "galactic"), ("ZEA", "fk5"), ("AIT", "icrs"), ("CAR", "galactic")]
)
def test_a_mask_on_the_grid_is_taken_as_it_is(proj, frame):
    lon, lat = (184.5, -5.8) if frame == "galactic" else (83.6, 22.0)
    axis = THEIRS.MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)
    geom = THEIRS.WcsGeom.create(skydir=(lon, lat), frame=frame, proj=proj, width=5, binsz=0.1, axes=[axis])
    mask = THEIRS.Map.from_geom(geom, data=np.random.default_rng(1).random(geom.data_shape) < 0.5)
    projected = THEIRS.FoVBackgroundMaker(exclusion_mask=mask).make_exclusion_mask(THEIRS.MapDataset.create(geom))
    assert_identical_map(mask, projected)


def test_areas_of_files(tmp_path, monkeypatch):
    """Regions in words of Gammapy, and rows of pixels for the circle that is cut into."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sources.csv").write_text("name,ra,dec\nCrab,83.6,22.0\nB,84.4,21.1\n")
    lines = ("icrs", "circle(82.9, 22.7, 0.4)", "-circle(83.2, 22.7, 0.3)", "ellipse(82.5, 21.5, 0.5, 0.3, 30)")
    (tmp_path / "areas.reg").write_text("\n".join(lines))
    region = Rectangle(184.2, -5.5, 0.9, 0.4, 30.0, frame="galactic")
    recipe = SMALL.edit(exclusion=Exclusion((region,), Catalogue("sources.csv"), "areas.reg"))
    text = text_of(recipe)
    assert "rows = [" in text
    names = executed(text)
    assert_identical_map(PIPELINE.run(recipe).exclusion_mask, names["exclusion_mask"])
    assert_same_runs(used_runs(recipe), names["datasets"])


@pytest.mark.parametrize("name", ["cutoff", "nodes", "priors"])
def test_default_arguments_are_known_there(name):
    names = executed(text_of(RECIPES[name], full=True))
    assert_same_runs(used_runs(RECIPES[name]), names["datasets"])


def test_a_process_of_its_own(tmp_path):
    """Nothing of ours is needed for real data."""
    path = tmp_path / "script.py"
    check = "import sys\nassert not any(name.split('.')[0] == 'fovnb' for name in sys.modules)\n"
    path.write_text(f"{text_of(REAL)}\n{check}print(len(datasets), stacked.counts.data.sum())\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", path], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["2", f"{PIPELINE.run(REAL).stacked.counts.data.sum():.1f}"]
