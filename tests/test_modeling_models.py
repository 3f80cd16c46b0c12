"""Norm models, the background model and lists of models, in memory and in files."""

import numpy as np
import pytest
from astropy import units as u

from fovnb.errors import DataError, ModelError
from fovnb.modeling import Parameter
from fovnb.modeling.models import (
    DatasetModels,
    ExpCutoffPowerLawNormSpectralModel,
    FoVBackgroundModel,
    GaussianPrior,
    LogParabolaNormSpectralModel,
    Model,
    Models,
    PiecewiseNormSpectralModel,
    PowerLawNormSpectralModel,
    TemplateNormSpectralModel,
)
from tests.norms import check_log_design

ENERGY = np.geomspace(0.2, 50, 13)
NODES = [0.5, 1, 3, 10] * u.TeV
SPECTRAL = {
    "pl-norm": {"tilt": 0.3, "norm": 1.2, "reference": "2 TeV"},
    "piecewise-norm": {"energy": NODES, "norms": [1, 2, 0.5, 0.7]},
    "lp-norm": {"norm": 1.1, "alpha": 0.2, "beta": 0.1},
    "ecpl-norm": {"index": 0.1, "norm": 1.3, "lambda_": "0.2 TeV-1"},
    "template-norm": {"energy": NODES, "values": [1, 2, 0.5, 0.7], "norm": 2},
}


def create(tag):
    return Model.create(tag, model_type="spectral", **SPECTRAL[tag])


class TestNorms:
    def test_values_by_hand(self):
        energy = 4 * u.TeV
        assert create("pl-norm")(energy).value == pytest.approx(1.2 * 2**-0.3)
        x = np.log(0.4)
        assert create("lp-norm")(energy).value == pytest.approx(1.1 * np.exp(-0.2 * x - 0.1 * x**2))
        assert create("ecpl-norm")(energy).value == pytest.approx(1.3 * 4**-0.1 * np.exp(-0.8))
        weight = np.log(4 / 3) / np.log(10 / 3)
        between = 0.5 ** (1 - weight) * 0.7**weight
        assert create("piecewise-norm")(energy).value == pytest.approx(between)
        assert create("template-norm")(energy).value == pytest.approx(2 * between)

    def test_linear_interpolation_and_constant_ends(self):
        model = PiecewiseNormSpectralModel([1, 3] * u.TeV, norms=[1, 2], interp="lin")
        np.testing.assert_allclose(model([0.1, 1.5, 30] * u.TeV), [1, 1.25, 2])

    @pytest.mark.parametrize("tag", SPECTRAL)
    def test_logarithm_is_as_linear_as_the_design_says(self, tag):
        check_log_design(create(tag))

    def test_where_the_logarithm_is_not_linear(self):
        power_law, cutoff = create("pl-norm"), create("ecpl-norm")
        power_law.reference.frozen = False
        cutoff.alpha.value = 2
        linear = PiecewiseNormSpectralModel(NODES, interp="lin")
        assert [model.log_design(ENERGY) for model in (power_law, cutoff, linear)] == [None] * 3

    def test_defaults_are_gammapys(self):
        def frozen(model):
            return {par.name: (par.value, str(par.unit), par.frozen) for par in model.parameters}

        norm, reference = (1, "", False), (1, "TeV", True)
        assert frozen(PowerLawNormSpectralModel()) == {"tilt": (0, "", True), "norm": norm, "reference": reference}
        assert frozen(LogParabolaNormSpectralModel()) == {
            "norm": norm,
            "reference": (10, "TeV", True),
            "alpha": (0, "", False),
            "beta": (0, "", False),
        }
        assert frozen(ExpCutoffPowerLawNormSpectralModel()) == {
            "index": (0, "", False),
            "norm": norm,
            "reference": reference,
            "lambda_": (0.1, "1 / TeV", False),
            "alpha": (1, "", True),
        }
        assert frozen(PiecewiseNormSpectralModel(NODES[:2])) == {"norm_0": norm, "norm_1": norm}

    def test_norms_lose_an_energy_unit(self):
        model = PiecewiseNormSpectralModel(energy=NODES, norms=np.ones_like(NODES))
        assert {str(par.unit) for par in model.parameters} == {""}
        assert model.norms.unit == u.dimensionless_unscaled

    def test_units_of_the_energy_do_not_matter(self):
        for tag in SPECTRAL:
            model = create(tag)
            assert model("500 GeV") == pytest.approx(model(0.5 * u.TeV))
            assert model(ENERGY[:, None, None] * u.TeV).shape == (13, 1, 1)

    def test_other_energy_units_of_parameters(self):
        model = ExpCutoffPowerLawNormSpectralModel(lambda_="0.0002 GeV-1", reference="2000 GeV", index=1)
        same = ExpCutoffPowerLawNormSpectralModel(lambda_="0.2 TeV-1", reference="2 TeV", index=1)
        np.testing.assert_allclose(model.evaluate_tev(ENERGY), same.evaluate_tev(ENERGY))
        np.testing.assert_allclose(model.log_design(ENERGY)[1][:, 3], -ENERGY * 1000)

    def test_copies_are_independent(self):
        model = create("pl-norm")
        model.copy().norm.value = 5
        assert model.norm.value == 1.2

    def test_reset_to_default(self):
        model = create("ecpl-norm")
        model.norm.error = 1
        model.reset_to_default()
        assert (model.index.value, model.norm.value, model.lambda_.value, model.norm.error) == (0, 1, 0.1, 0)

    def test_assigning_a_number_to_a_parameter_says_what_to_write(self):
        with pytest.raises(ModelError, match=r"model\.norm\.value = 2"):
            create("pl-norm").norm = 2

    def test_unknown_attributes_name_the_nearest(self):
        with pytest.raises(AttributeError, match="did you mean 'tilt'"):
            create("pl-norm").tlit  # noqa: B018
        assert not hasattr(create("pl-norm"), "norm_0")

    def test_freeze_and_unfreeze(self):
        model = create("pl-norm")
        model.freeze()
        assert model.frozen
        model.unfreeze()
        assert [par.frozen for par in model.parameters] == [True, False, True]

    @pytest.mark.parametrize(
        ("cls", "kwargs", "match"),
        [
            (PiecewiseNormSpectralModel, {"energy": NODES, "norms": [1, 2]}, "2 norms were given for 4 energies"),
            (PiecewiseNormSpectralModel, {"energy": NODES[:1]}, "at least 2"),
            (PiecewiseNormSpectralModel, {"energy": NODES[::-1]}, "increase"),
            (PiecewiseNormSpectralModel, {"energy": [1, 2]}, "energies with a unit"),
            (PiecewiseNormSpectralModel, {"energy": NODES, "interp": "cubic"}, "'log' or 'lin'"),
            (TemplateNormSpectralModel, {"energy": NODES, "values": [1, 2, 0, 1]}, "4 positive numbers"),
            (PowerLawNormSpectralModel, {"norm": "2 TeV"}, "'norm' is in no unit"),
        ],
    )
    def test_bad_input(self, cls, kwargs, match):
        with pytest.raises(ModelError, match=match):
            cls(**kwargs)

    def test_unknown_tags_name_the_nearest(self):
        with pytest.raises(ModelError, match="did you mean 'pl-norm'"):
            Model.create("pl-nrom", "spectral")
        with pytest.raises(ModelError, match="model_type is 'temporal'"):
            Model.create("pl-norm", "temporal")
        assert Model.create("fov-bkg", dataset_name="a").name == "a-bkg"


class TestBackgroundModel:
    def test_names_and_default_norm(self):
        model = FoVBackgroundModel(dataset_name="obs-1")
        assert (model.name, model.datasets_names, model.spatial_model) == ("obs-1-bkg", ["obs-1"], None)
        assert model.parameters_unique_names == ["spectral.tilt", "spectral.norm", "spectral.reference"]
        assert model.evaluate(ENERGY * u.TeV).value.tolist() == [1.0] * 13

    def test_copy_keeps_values_errors_covariance_and_names_the_new_dataset(self):
        model = FoVBackgroundModel("a", create("pl-norm"), covariance_data=np.diag([1, 4, 9]))
        new = model.copy()
        assert (new.name, new.parameters.value.tolist()) == ("a-bkg", model.parameters.value.tolist())
        assert [par.error for par in new.parameters] == [1, 2, 3]
        assert model.copy(dataset_name="b").name == "b-bkg"
        new.spectral_model.norm.value = 7
        assert model.spectral_model.norm.value == 1.2

    def test_an_error_is_always_the_root_of_its_variance(self):
        model = FoVBackgroundModel("a", covariance_data=[[4, 1, 0], [1, 9, 0], [0, 0, 0]])
        model.spectral_model.tilt.error = 5
        np.testing.assert_array_equal(model.covariance.data, [[25, 1, 0], [1, 9, 0], [0, 0, 0]])

    @pytest.mark.parametrize(
        ("kwargs", "match"),
        [
            ({"dataset_name": 3}, "a name is 3"),
            ({"dataset_name": "a", "spatial_model": 1}, "spatial_model=1 is not known"),
            ({"dataset_name": "a", "spectral_model": 1}, "no norm spectral model"),
        ],
    )
    def test_bad_input(self, kwargs, match):
        with pytest.raises(ModelError, match=match):
            FoVBackgroundModel(**kwargs)


def two():
    return Models([FoVBackgroundModel("obs-1", create("pl-norm")), FoVBackgroundModel("obs-2", create("lp-norm"))])


class TestModels:
    def test_is_a_list_found_by_name(self):
        models = two()
        first = models[0]
        assert models["obs-1-bkg"] is first
        assert (first in models, "obs-2-bkg" in models, "x" in models) == (True, True, False)
        assert models.index("obs-2-bkg") == models.index(models[1]) == 1
        models.append(FoVBackgroundModel("obs-3"))
        del models["obs-1-bkg"]
        assert models.names == ["obs-2-bkg", "obs-3-bkg"]
        models["obs-3-bkg"] = first
        assert models[::-1].names == ["obs-1-bkg", "obs-2-bkg"]
        assert models.background_models == {"obs-1": "obs-1-bkg", "obs-2": "obs-2-bkg"}
        assert isinstance(models, DatasetModels)

    def test_addition_makes_a_new_list(self):
        models = two()
        assert len(models + FoVBackgroundModel("obs-3")) == len(models + Models(FoVBackgroundModel("obs-3"))) == 3
        assert len(models) == 2

    def test_select(self):
        models = two()
        assert models.select(tag="fov-bkg").names == models.names
        assert models.select(tag="sky-model").names == []
        assert models.select(tag=["lp-norm"], model_type="spectral").names == ["obs-2-bkg"]
        assert models.select(datasets_names="obs-1").names == ["obs-1-bkg"]
        assert models.select(name_substring="2").names == ["obs-2-bkg"]
        models[0].freeze()
        assert models.select(frozen=True).names == ["obs-1-bkg"]

    def test_duplicates_and_strangers_are_refused(self):
        model = FoVBackgroundModel("obs-1")
        with pytest.raises(ModelError, match="the name 'obs-1-bkg'"):
            Models([model, model])
        with pytest.raises(ModelError, match="the dataset 'obs-1'"):
            Models([model, FoVBackgroundModel("obs-1", name="other")])
        with pytest.raises(ModelError, match="no model of a dataset"):
            Models([model, 3])
        models = Models(model)
        with pytest.raises(ModelError, match="the name"):
            models.append(model)
        assert len(models) == 1
        with pytest.raises(ModelError, match="did you mean 'obs-1-bkg'"):
            models["obs-1-bgk"]

    def test_covariance_sets_errors_and_keeps_terms_between_models_while_true(self):
        models = two()
        rng = np.random.default_rng(0)
        root = rng.normal(size=(7, 7))
        matrix = root @ root.T
        models.covariance = matrix
        np.testing.assert_allclose(models.covariance.data, matrix, rtol=1e-14)
        np.testing.assert_allclose([par.error for par in models.parameters], np.sqrt(np.diag(matrix)))
        np.testing.assert_allclose(Models(models).covariance.data, matrix, rtol=1e-14)
        np.testing.assert_allclose(models.copy().covariance.data, matrix, rtol=1e-14)
        models[0].spectral_model.norm.error = 3
        changed = models.covariance.data
        assert changed[1, 1] == 9
        assert not changed[:3, 3:].any()
        np.testing.assert_allclose(changed[3:, 3:], matrix[3:, 3:], rtol=1e-14)

    def test_copy_keeps_links(self):
        models = two()
        models[1].spectral_model.norm = models[0].spectral_model.norm
        new = models.copy()
        assert new[0].spectral_model.norm is new[1].spectral_model.norm
        assert new[0].spectral_model.norm is not models[0].spectral_model.norm

    def test_text(self):
        assert repr(two()) == "Models(obs-1-bkg, obs-2-bkg)"
        assert "tilt" in str(two())
        assert "&lt;x&gt;" in Models(FoVBackgroundModel("<x>"))._repr_html_()
        assert two().to_parameters_table()["model"][0] == "obs-1-bkg"


class TestFiles:
    @pytest.mark.parametrize("tag", SPECTRAL)
    def test_what_is_written_is_read(self, tag, tmp_path):
        models = Models(
            [FoVBackgroundModel("obs-1", create(tag)), FoVBackgroundModel("obs-2", create(tag), name="mine")]
        )
        parameters = models.parameters
        root = np.random.default_rng(0).normal(size=(len(parameters),) * 2)
        models.covariance = root @ root.T
        parameters[0].min, parameters[0].max = -0.5, 7
        parameters[0].frozen = not parameters[0].frozen
        models.write(tmp_path / "m.yaml")
        read = Models.read(tmp_path / "m.yaml")
        assert read.names == ["obs-1-bkg", "mine"]
        assert [repr(par) for par in read.parameters] == [repr(par) for par in parameters]
        np.testing.assert_array_equal(read.covariance.data, models.covariance.data)
        np.testing.assert_array_equal(read[0].evaluate(ENERGY * u.TeV), models[0].evaluate(ENERGY * u.TeV))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["m.yaml", "m_covariance.dat"]

    def test_errors_survive_without_a_covariance(self, tmp_path):
        models = two()
        models.parameters[1].error = 0.25
        models.parameters[3].error = np.inf
        models.write(tmp_path / "m.yaml", write_covariance=False)
        read = Models.read(tmp_path / "m.yaml")
        assert [par.error for par in read.parameters] == [0, 0.25, 0, np.inf, 0, 0, 0]

    def test_priors_survive(self):
        models = two()
        models[0].spectral_model.norm.prior = GaussianPrior(mu=1.1, sigma=0.2)
        models[1].spectral_model.reference.prior = GaussianPrior(1, 0.2, weight=2)
        for new in (models.copy(), Models.from_yaml(models.to_yaml())):
            assert [par.prior for par in new.parameters] == [par.prior for par in models.parameters]
        read = Models.from_yaml(models.to_yaml()).parameters
        assert (read[1].prior.mu.value, read[1].prior.sigma.value) == (1.1, 0.2)
        assert (read[4].prior.sigma.value, read[4].prior.weight) == (0.2, 2)

    def test_nodes_that_a_file_leaves_out(self):
        text = Models(FoVBackgroundModel("obs-1", create("piecewise-norm"))).to_yaml()
        with pytest.raises(ModelError, match="PiecewiseNormSpectralModel cannot be made from norm_0"):
            Models.from_yaml(text.replace("energy:", "nodes:", 1))

    def test_links_survive(self):
        models = two()
        models[1].spectral_model.norm = models[0].spectral_model.norm
        read = Models.from_yaml(models.to_yaml())
        assert read[0].spectral_model.norm is read[1].spectral_model.norm
        assert models.to_yaml() == read.to_yaml()

    def test_gammapys_full_output_is_read(self):
        text = """
components:
-   type: FoVBackgroundModel
    datasets_names:
    - obs-1
    spectral:
        type: PowerLawNormSpectralModel
        parameters:
        -   {name: tilt, value: 0.1, unit: '', error: 0.2, min: 0.0, max: .nan, frozen: true, interp: lin,
             scale_method: scale10, scale_transform: lin}
        -   {name: norm, value: 1.5}
        -   {name: reference, value: 2.0, unit: TeV}
metadata:
    creator: Gammapy 2.1
"""
        model = Models.from_yaml(text)["obs-1-bkg"].spectral_model
        assert (model.tilt.value, model.tilt.error, model.tilt.min, model.tilt.frozen) == (0.1, 0.2, 0, True)
        assert (model.norm.value, model.norm.frozen, model.reference.frozen) == (1.5, False, True)

    def test_existing_files_stay_unless_asked(self, tmp_path):
        path = tmp_path / "m.yaml"
        two().write(path)
        before = path.read_text()
        with pytest.raises(DataError, match="overwrite=True"):
            Models(FoVBackgroundModel("other")).write(path)
        assert path.read_text() == before
        Models(FoVBackgroundModel("other")).write(path, overwrite=True)
        assert Models.read(path).names == ["other-bkg"]

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            (("FoVBackgroundModel", "FovBackgroundModel"), "did you mean 'FoVBackgroundModel'"),
            (("PowerLawNormSpectralModel", "PowerLawSpectralModel"), "did you mean 'PowerLawNormSpectralModel'"),
            (("components:", "parts:"), "no list of 'components'"),
            (("datasets_names:", "names:"), "component 0 has no 'datasets_names'"),
            (("value: 1.2", "value: many"), "'norm' cannot be read"),
            (
                ("value: 1.2", "value: 1.2\n            prior: {type: UniformPrior}"),
                "only known one is 'GaussianPrior'",
            ),
            (("parameters:", "parameters: 3\n        other:"), "the parameters of PowerLawNormSpectralModel are 3"),
            (("name: norm", "name: amplitude"), "cannot be made from tilt, amplitude, reference"),
            (("components:", "components: ["), "no YAML"),
        ],
    )
    def test_broken_yaml(self, change, match):
        text = Models(FoVBackgroundModel("obs-1", create("pl-norm"))).to_yaml()
        assert change[0] in text
        with pytest.raises(ModelError, match=match):
            Models.from_yaml(text.replace(*change, 1))

    def test_broken_files(self, tmp_path):
        with pytest.raises(DataError, match="cannot read the models"):
            Models.read(tmp_path / "none.yaml")
        path = tmp_path / "m.yaml"
        two().write(path)
        table = tmp_path / "m_covariance.dat"
        lines = table.read_text().splitlines(keepends=True)
        table.write_text("".join(lines[:-1]))
        with pytest.raises(DataError, match="the models have obs-1-bkg"):
            Models.read(path)
        table.unlink()
        with pytest.raises(DataError, match="remove 'covariance' from the YAML"):
            Models.read(path)

    def test_text_that_is_no_dictionary(self):
        with pytest.raises(ModelError, match="holds a str"):
            Models.from_yaml("hello")


def test_linked_parameter_object_is_shared():
    norm = Parameter("norm", 2)
    assert PowerLawNormSpectralModel(norm=norm).norm is norm
