"""Norm models changed into others: what both have stays, whatever the way; and where their parameters are."""

import pytest

from fovnb.errors import RecipeError
from fovnb.recipe import (
    Data,
    ExpCutoffNorm,
    LogParabolaNorm,
    Parameter,
    PiecewiseNorm,
    PiecewisePowerLawNorm,
    PowerLawNorm,
    Prior,
    ProductNorm,
    TemplateNorm,
)
from fovnb.recipe.left_out import leave_out, take_back
from fovnb.recipe.norm_kinds import KINDS, candidates, change_kind, parameter_paths, spelled_out, with_nodes
from fovnb.recipe.norms import Norm, has_nodes, parameters_of
from fovnb.recipe.places import edit_at, value_at
from fovnb.steps import execute, norm_statements

NORM = Parameter(0.9, min=0.5, max=2.0, prior=Prior(1.0, 0.2))
SLOPE = Parameter(0.2, frozen=True, min=-1.0)
NODES = (1.0, 3.0, 10.0)
NORMS: tuple[Norm, ...] = (
    PowerLawNorm(NORM, SLOPE, 2.0),
    LogParabolaNorm(NORM, SLOPE, Parameter(0.1), 2.0),
    ExpCutoffNorm(NORM, SLOPE, Parameter(0.3), reference_tev=2.0),
    PiecewiseNorm(NODES, (NORM, SLOPE, NORM), smoothness=0.2),
    PiecewiseNorm(min_counts=50.0),
    PiecewisePowerLawNorm((3.0,), (NORM,), SLOPE),
    PiecewisePowerLawNorm(smoothness=0.3),
    TemplateNorm((1.0, 10.0), (1.0, 2.0), NORM),
    ProductNorm((PowerLawNorm(NORM), PiecewiseNorm(NODES))),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS, ids=lambda one: one.kind)
def test_every_norm_changes_into_every_kind_and_can_be_made(norm: Norm, kind: str) -> None:
    found = change_kind(norm, kind)
    assert found.kind == kind
    assert callable(execute(norm_statements(found))["spectral_model"])
    assert change_kind(norm, norm.kind) is norm


@pytest.mark.parametrize(
    ("slope", "kind"), [("tilt", "pl-norm"), ("alpha", "lp-norm"), ("index", "ecpl-norm")], ids=lambda one: one
)
@pytest.mark.parametrize("norm", NORMS[:3], ids=lambda one: one.kind)
def test_norm_slope_and_reference_energy_stay_with_limits_flags_and_priors(norm: Norm, slope: str, kind: str) -> None:
    found = change_kind(norm, kind)
    assert (found.norm, getattr(found, slope), found.reference_tev) == (NORM, SLOPE, 2.0)


def test_the_alpha_of_a_log_parabola_is_not_that_of_a_cutoff() -> None:
    assert change_kind(LogParabolaNorm(alpha=SLOPE), "ecpl-norm") == ExpCutoffNorm(index=SLOPE, reference_tev=10.0)


def test_nodes_stay_between_piecewise_kinds_if_there_are_enough() -> None:
    piecewise = PiecewiseNorm(NODES, (NORM, SLOPE, NORM), smoothness=0.2, min_counts=30.0)
    with_power_law = PiecewisePowerLawNorm(NODES, (NORM, SLOPE, NORM), smoothness=0.2, min_counts=30.0)
    assert change_kind(piecewise, "piecewise-pl-norm") == with_power_law
    assert change_kind(with_power_law, "piecewise-norm") == piecewise
    assert change_kind(PiecewisePowerLawNorm((3.0,), (NORM,)), "piecewise-norm") == PiecewiseNorm()
    assert change_kind(PiecewiseNorm(NODES), "template-norm") == change_kind(PiecewiseNorm(), "template-norm")


def test_a_slope_has_no_place_above_nodes_that_are_not_known_yet() -> None:
    assert change_kind(PowerLawNorm(tilt=SLOPE), "piecewise-pl-norm") == PiecewisePowerLawNorm()


def test_a_product_begins_with_the_norm_and_ends_as_its_first_factor() -> None:
    product = change_kind(NORMS[0], "product")
    assert isinstance(product, ProductNorm)
    assert product.factors[0] == NORMS[0]
    assert set(product.factors[1].values) == {1.0}
    assert change_kind(product, "pl-norm") == NORMS[0]
    assert change_kind(product, "lp-norm") == change_kind(NORMS[0], "lp-norm")


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no norm model 'pl-nrm' \(did you mean 'pl-norm'"):
        change_kind(PowerLawNorm(), "pl-nrm")


@pytest.mark.parametrize("norm", NORMS, ids=lambda one: one.kind)
def test_each_parameter_is_where_it_is_said_to_be(norm: Norm) -> None:
    spelled = spelled_out(norm)
    paths = parameter_paths(norm)
    assert {name: value_at(spelled, path) for name, path in paths.items()} == parameters_of(norm)
    if has_nodes(norm):
        changed = edit_at(spelled, f"{list(paths.values())[-1]}.max", 7.0)
        assert list(parameters_of(changed).values())[-1].max == 7.0


def test_parameters_are_numbered_as_the_model_numbers_them() -> None:
    norm = ProductNorm((PowerLawNorm(), PiecewiseNorm((1.0, 10.0)), PowerLawNorm()))
    assert set(parameter_paths(norm)) <= set(execute(norm_statements(norm))["spectral_model"].labels)
    assert parameter_paths(norm)["tilt_2"] == "factors.2.tilt"


def test_nodes_that_stay_keep_their_parameters_and_none_takes_them_from_the_counts() -> None:
    norm = PiecewisePowerLawNorm(NODES, (NORM, SLOPE, NORM), Parameter(0.3))
    assert with_nodes(norm, (0.5, 3.0)).norms == (Parameter(1.0), SLOPE)
    assert with_nodes(norm, None) == PiecewisePowerLawNorm()
    with pytest.raises(RecipeError, match="energy_tev"):
        with_nodes(norm, (3.0, 1.0))


@pytest.mark.parametrize("norm", NORMS, ids=lambda one: one.kind)
def test_what_a_norm_is_compared_with_holds_the_norm_itself(norm: Norm) -> None:
    found = candidates(norm)
    assert norm in found.values()
    assert [name for name, one in parameters_of(found["norm only"]).items() if not one.frozen] == ["norm"]
    assert all(one.kind in ("template-norm", "product") or has_nodes(one) or not one.norms for one in found.values())


def test_a_run_that_is_left_out_and_taken_back_leaves_the_data_as_they_were() -> None:
    for data in (Data(), Data(obs_ids=(1, 2, 3))):
        without = leave_out(data, 2, [1, 2, 3])
        assert without.obs_ids == (1, 3)
        assert take_back(without, 2, [1, 2, 3] if data.obs_ids is None else ()) == data
    twice = leave_out(leave_out(Data(), 2, [1, 2, 3]), 3, [1, 3])
    assert take_back(twice, 2, [1, 2, 3]).obs_ids == (1, 2)
    assert take_back(Data(obs_ids=(1,)), 1) == Data(obs_ids=(1,))


def test_the_last_run_and_one_that_is_not_there_cannot_be_left_out() -> None:
    with pytest.raises(RecipeError, match="run 7 is the last"):
        leave_out(Data(), 7, [7])
    with pytest.raises(RecipeError, match="no run 8 to leave out; there are 7, 9"):
        leave_out(Data(), 8, [7, 9])
