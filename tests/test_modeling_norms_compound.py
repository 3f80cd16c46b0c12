"""Products of norm models: values, labels, links, covariance, files."""

from itertools import product

import numpy as np
import pytest
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling import Parameter
from fovnb.modeling.background_fit import BackgroundSums, fit_background
from fovnb.modeling.models import (
    CompoundNormSpectralModel,
    ExpCutoffPowerLawNormSpectralModel,
    FoVBackgroundModel,
    LogParabolaNormSpectralModel,
    Models,
    PiecewiseNormSpectralModel,
    PiecewisePowerLawNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)
from tests.norms import BACKGROUND, CENTERS, COUNTS, SUMS, bkg, check_log_design, power_law

ENERGY = np.geomspace(0.2, 50, 13)
NODES = [0.5, 1, 3, 10] * u.TeV
NORMS = {
    "pl": PowerLawNormSpectralModel(tilt=0.3, norm=1.2, reference="2 TeV"),
    "piecewise": PiecewiseNormSpectralModel(NODES, norms=[1, 2, 0.5, 0.7], smoothness=0.5),
    "piecewise-pl": PiecewisePowerLawNormSpectralModel(NODES, norms=[1, 2, 0.5, 0.7], tilt=0.4),
    "lp": LogParabolaNormSpectralModel(norm=1.1, alpha=0.2, beta=0.1),
    "ecpl": ExpCutoffPowerLawNormSpectralModel(index=0.1, norm=1.3, lambda_="0.2 TeV-1"),
    "template": TemplateNormSpectralModel(NODES, values=[1, 2, 0.5, 0.7], norm=2),
}
pairs = pytest.mark.parametrize(("one", "two"), list(product(NORMS, NORMS)))


@pairs
def test_the_product_of_any_two(one, two):
    model = NORMS[one] * NORMS[two]
    expected = NORMS[one].evaluate_tev(ENERGY) * NORMS[two].evaluate_tev(ENERGY)
    np.testing.assert_allclose(model.evaluate_tev(ENERGY), expected, rtol=1e-14)
    assert len(set(model.labels)) == len(model.parameters) == len(NORMS[one].parameters) + len(NORMS[two].parameters)
    check_log_design(model)


@pairs
def test_any_product_survives_a_file(one, two):
    model = NORMS[one] * NORMS[two]
    read = Models.from_yaml(Models(bkg(model)).to_yaml())[0].spectral_model
    assert repr(read) == repr(model)
    assert [par.frozen for par in read.parameters] == [par.frozen for par in model.parameters]
    np.testing.assert_array_equal(read.penalty_rows(), model.penalty_rows())
    np.testing.assert_array_equal(read.evaluate_tev(ENERGY), model.evaluate_tev(ENERGY))


@pytest.mark.parametrize(
    ("one", "two", "frozen"),
    [
        ("pl", "lp", ["norm_2"]),  # of two plain norms the second
        ("pl", "template", ["norm_2"]),
        ("piecewise", "pl", ["norm"]),  # beside norms at nodes the plain one, wherever it stands
        ("pl", "piecewise-pl", ["norm"]),
        ("piecewise", "piecewise-pl", []),  # of two with nodes none: what is open is for the fit to say
    ],
)
def test_one_overall_norm_is_left_free(one, two, frozen):
    model = NORMS[one] * NORMS[two]
    norms = {label for label, par in zip(model.labels, model.parameters, strict=True) if par.name.startswith("norm")}
    assert sorted(label for label in norms if getattr(model, label).frozen) == frozen
    model.parameters.unfreeze_all()
    model.unfreeze()
    assert sorted(label for label in norms if getattr(model, label).frozen) == frozen


def test_a_norm_that_is_frozen_already_is_enough():
    first = NORMS["pl"].copy()
    first.norm.frozen = True
    assert not (first * NORMS["lp"]).norm_2.frozen


def test_multiplying_changes_no_factor():
    before = [repr(norm.parameters[i]) for norm in NORMS.values() for i in range(len(norm.parameters))]
    model = NORMS["pl"] * NORMS["lp"]
    model.parameters.value = np.arange(1, 8)
    assert before == [repr(norm.parameters[i]) for norm in NORMS.values() for i in range(len(norm.parameters))]


def test_the_class_holds_its_factors_and_freezes_nothing():
    first, second = PowerLawNormSpectralModel(), LogParabolaNormSpectralModel()
    model = CompoundNormSpectralModel(first, second)
    assert (model.model1, model.model2) == (first, second)
    assert model.parameters == first.parameters + second.parameters
    assert not first.norm.frozen
    assert not second.norm.frozen


class TestLabels:
    def test_by_hand(self):
        assert (NORMS["pl"] * NORMS["pl"]).labels == ("tilt", "norm", "reference", "tilt_2", "norm_2", "reference_2")
        assert (NORMS["pl"] * NORMS["template"]).labels == ("tilt", "norm", "reference", "norm_2")

    def test_of_three(self):
        model = NORMS["pl"] * NORMS["pl"] * NORMS["template"]
        assert model.labels == ("tilt", "norm", "reference", "tilt_2", "norm_2", "reference_2", "norm_3")
        np.testing.assert_allclose(
            model.evaluate_tev(ENERGY),
            np.prod([m.evaluate_tev(ENERGY) for m in (NORMS["pl"], NORMS["pl"], NORMS["template"])], axis=0),
        )
        assert [par.frozen for par in model.parameters if par.name == "norm"] == [False, True, True]

    def test_a_node_keeps_its_number(self):
        """The second node's name of one factor is what the second norm would be called."""
        model = NORMS["pl"] * NORMS["pl"] * NORMS["piecewise"]
        assert model.labels[-4:] == ("norm_0", "norm_1", "norm_2_2", "norm_3")
        assert model.norm_2 is model.model1.model2.norm
        assert model.norm_2_2 is model.model2.norm_2

    def test_are_unique_names_of_the_background_model(self):
        model = bkg(NORMS["pl"] * NORMS["template"])
        assert model.parameters_unique_names == [
            "spectral.tilt",
            "spectral.norm",
            "spectral.reference",
            "spectral.norm_2",
        ]

    def test_unknown_ones_name_the_nearest(self):
        with pytest.raises(AttributeError, match="did you mean 'norm_2'"):
            (NORMS["pl"] * NORMS["template"]).nrom_2  # noqa: B018


class TestLinks:
    def test_a_label_links_in_the_factor(self):
        model = NORMS["pl"] * NORMS["pl"]
        norm = Parameter("norm", 7)
        model.norm_2 = norm
        assert model.model2.norm is norm
        assert model.norm is not norm
        model.model1.norm = norm
        assert model.norm is norm

    def test_copies_keep_them(self):
        model = CompoundNormSpectralModel(NORMS["pl"].copy(), NORMS["lp"].copy())
        model.reference_2 = model.reference
        new = model.copy()
        assert new.reference is new.reference_2
        assert new.reference is not model.reference

    def test_between_models_survive_a_copy_and_a_file(self):
        models = Models([FoVBackgroundModel(name, NORMS["pl"] * NORMS["lp"]) for name in ("obs-1", "obs-2")])
        models[1].spectral_model.norm_2 = models[0].spectral_model.norm_2
        for new in (models.copy(), Models.from_yaml(models.to_yaml())):
            assert new[0].spectral_model.norm_2 is new[1].spectral_model.norm_2
            assert new[0].spectral_model.norm is not new[1].spectral_model.norm
            assert new[0].spectral_model.norm_2 is not models[0].spectral_model.norm_2

    def test_one_model_twice_shares_its_parameters_only_where_it_is_held(self):
        model = NORMS["pl"] * NORMS["pl"]
        assert model.norm is not model.norm_2
        squared = CompoundNormSpectralModel(NORMS["pl"], NORMS["pl"])
        assert squared.norm is squared.norm_2
        squared.unfreeze()
        assert not squared.norm.frozen


class TestCovariance:
    def test_covers_both_factors_and_reaches_them(self):
        model = NORMS["pl"] * NORMS["template"]
        root = np.random.default_rng(0).normal(size=(4, 4))
        matrix = root @ root.T
        model.covariance = matrix
        np.testing.assert_allclose(model.covariance.data, matrix, rtol=1e-14)
        np.testing.assert_allclose(model.model1.covariance.data, matrix[:3, :3], rtol=1e-14)
        np.testing.assert_allclose(model.norm_2.error, np.sqrt(matrix[3, 3]))
        np.testing.assert_allclose(model.copy().covariance.data, matrix, rtol=1e-14)
        np.testing.assert_allclose(bkg(model).copy().covariance.data, matrix, rtol=1e-14)
        model.norm_2.error = 9
        changed = model.covariance.data
        assert changed[3, 3] == 81
        assert not changed[3, :3].any()

    def test_survives_a_file(self, tmp_path):
        models = Models(bkg(NORMS["pl"] * NORMS["template"]))
        models.covariance = np.diag([1.0, 4, 9, 16]) + 0.5
        models.write(tmp_path / "m.yaml")
        np.testing.assert_array_equal(Models.read(tmp_path / "m.yaml").covariance.data, models.covariance.data)


def test_penalties_of_both_factors():
    first, second = NORMS["piecewise"], PiecewiseNormSpectralModel([1, 2] * u.TeV, smoothness=0.1)
    rows = (first * second).penalty_rows()
    assert rows.shape == (4, 6)
    np.testing.assert_array_equal(rows[:3, :4], first.penalty_rows())
    np.testing.assert_array_equal(rows[3:, 4:], second.penalty_rows())
    assert not rows[:3, 4:].any()
    assert not rows[3:, :4].any()


def test_reset_freeze_and_text():
    model = NORMS["pl"] * NORMS["template"]
    model.freeze()
    assert model.frozen
    model.reset_to_default()
    assert model.parameters.value.tolist() == [0, 1, 2, 1]
    assert repr(model) == "CompoundNormSpectralModel(tilt=0, norm=1, reference=2 TeV, norm_2=1)"
    assert "norm_2" in str(model)
    assert "norm_2" in model._repr_html_()


class TestFit:
    def test_a_template_beside_the_norm_is_a_template_in_the_background(self):
        template = TemplateNormSpectralModel(NODES, values=[1, 2, 0.5, 0.7])
        fitted, record = fit_background(SUMS, bkg(power_law() * template))
        background = BackgroundSums(CENTERS, COUNTS, BACKGROUND * template.evaluate_tev(CENTERS))
        expected = fit_background(background, bkg(power_law()))[1]
        assert record.status == "ok"
        np.testing.assert_allclose(record.values[:3], expected.values, rtol=1e-7)
        np.testing.assert_allclose(record.errors[:3], expected.errors, rtol=1e-6)
        assert fitted.spectral_model.norm_2.value == 1

    def test_two_free_norms_are_called_open(self):
        model = CompoundNormSpectralModel(PowerLawNormSpectralModel(), TemplateNormSpectralModel(NODES, [1, 1, 1, 1]))
        record = fit_background(SUMS, bkg(model))[1]
        assert record.status == "unconstrained"
        assert "ln(norm) - ln(norm_2)" in record.unconstrained[0]
        assert np.isinf(
            record.errors[[i for i, n in enumerate(record.parameter_names) if n in record.free_names]]
        ).all()


def test_where_a_factor_is_not_linear():
    linear = PiecewiseNormSpectralModel(NODES, interp="lin")
    assert (NORMS["pl"] * linear).log_design(ENERGY) is None


@pytest.mark.parametrize("other", [2, "pl-norm", None])
def test_only_norms_can_be_multiplied(other):
    with pytest.raises(TypeError, match=r"unsupported operand|can't multiply"):
        NORMS["pl"] * other
    with pytest.raises(ModelError, match="no norm spectral model"):
        CompoundNormSpectralModel(NORMS["pl"], other)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("operator: mul", "operator: add"), "by 'add'; the only operator known is 'mul'"),
        (("model2:", "model3:"), "has no 'model2'"),
        (("PowerLawNormSpectralModel", "PowerLawSpectralModel"), "did you mean 'PowerLawNormSpectralModel'"),
    ],
)
def test_broken_yaml(change, match):
    text = Models(bkg(NORMS["pl"] * NORMS["template"])).to_yaml()
    assert change[0] in text
    with pytest.raises(ModelError, match=match):
        Models.from_yaml(text.replace(*change, 1))
