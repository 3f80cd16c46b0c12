"""Piecewise norms: nodes chosen from the counts, the power law above the last node, smoothness, names."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.maps import Map
from fovnb.modeling import Parameter, Parameters
from fovnb.modeling.background_fit import fit_background
from fovnb.modeling.models import (
    CompoundNormSpectralModel,
    FoVBackgroundModel,
    Model,
    Models,
    PiecewiseNormSpectralModel,
    PiecewisePowerLawNormSpectralModel,
    PowerLawNormSpectralModel,
    create_norm,
    needs_dataset,
)
from fovnb.modeling.sums import BackgroundSums
from tests.datasets import make_geom, make_run
from tests.norms import BACKGROUND, CENTERS, COUNTS, EDGES, SUMS, bkg, check_log_design

CLASSES = [PiecewiseNormSpectralModel, PiecewisePowerLawNormSpectralModel]
both = pytest.mark.parametrize("cls", CLASSES)


def sums(counts, used=None):
    counts = np.asarray(counts, dtype=float)
    background = np.ones(len(counts)) if used is None else np.asarray(used, dtype=float)
    return BackgroundSums(2.0 ** np.arange(len(counts)), counts, background)


def ten_a_pixel(nbin=3):
    """Return a run with 10 counts in every pixel."""
    run = make_run(geom=make_geom(nbin=nbin))
    return run.replace(counts=run.counts * 0 + 10)


class TestNodes:
    @pytest.mark.parametrize(
        ("counts", "used", "expected"),
        [
            ([50, 6, 5, 2], None, [1, 4]),  # 50 | 6 + 5 + the 2 left over, whose centre is that of 2 and 8
            ([50, 10, 10, 10], None, [1, 2, 4, 8]),
            ([4, 4, 4, 50, 0, 0], None, [2, 16]),  # 12 | 50 and two empty bins
            ([0, 0, 10, 10], None, [2, 8]),
            ([99, 50, 6, 5, 99], [0, 1, 1, 1, 0], [2, np.sqrt(4 * 8)]),  # masked bins get no node
            ([50, 6, 99, 5, 2], [1, 1, 0, 1, 1], [1, np.sqrt(2 * 16)]),
        ],
    )
    def test_by_hand(self, counts, used, expected):
        nodes = PiecewiseNormSpectralModel.from_sums(sums(counts, used), min_counts=10).energy
        np.testing.assert_allclose(nodes.to_value("TeV"), expected, rtol=1e-15)

    def test_a_node_stands_at_the_centre_of_the_merged_edges(self):
        nodes = PiecewiseNormSpectralModel.from_sums(SUMS, min_counts=70).energy.to_value("TeV")
        np.testing.assert_allclose(nodes, [*CENTERS[:3], np.sqrt(EDGES[3] * EDGES[5])], rtol=1e-12)

    @pytest.mark.parametrize("cls", CLASSES)
    def test_the_data_constrain_every_node(self, cls):
        """Whatever the counts: every node has a bin of its own, so that the design has full rank."""
        rng = np.random.default_rng(4)
        for _ in range(200):
            drawn = sums(rng.poisson(rng.uniform(0, 40, 12)), rng.random(12) < 0.8)
            try:
                model = cls.from_sums(drawn, min_counts=15)
            except ModelError:
                assert drawn.total_counts < 12 * 15 + 30
                continue
            design = model.log_design(drawn.select_used().energy)[1]
            assert np.linalg.matrix_rank(design) == len(model.parameters)

    def test_gammapys_nodes_at_edges_are_not_constrained(self):
        design = PiecewiseNormSpectralModel(EDGES * u.TeV).log_design(CENTERS)[1]
        assert np.linalg.matrix_rank(design) == len(EDGES) - 1

    def test_min_counts_zero_gives_every_used_bin_a_node(self):
        model = PiecewiseNormSpectralModel.from_sums(sums([0, 5, 0, 3], [1, 1, 0, 1]), min_counts=0)
        assert model.energy.value.tolist() == [1, 2, 8]

    @both
    @pytest.mark.parametrize("min_counts", [-1, np.nan, np.inf, "many", None])
    def test_min_counts_that_are_no_number(self, cls, min_counts):
        with pytest.raises(ModelError, match=r"min_counts is .*; expected a number"):
            cls.from_sums(SUMS, min_counts=min_counts)

    @both
    def test_too_few_counts_for_two_nodes(self, cls):
        with pytest.raises(ModelError, match=r"19 counts in 4 energy bins .* 2 merged bins of 10 counts.*'pl-norm'"):
            cls.from_sums(sums([10, 3, 3, 3]), min_counts=10)
        with pytest.raises(ModelError, match="0 counts in 0 energy bins"):
            cls.from_sums(sums([10, 3], [0, 0]), min_counts=0)

    def test_bins_filled_exactly_are_fitted_exactly(self):
        model = PiecewiseNormSpectralModel.from_sums(SUMS, min_counts=10)
        fitted, record = fit_background(SUMS, bkg(model))
        assert record.status == "ok"
        np.testing.assert_allclose(fitted.spectral_model.norms, COUNTS / BACKGROUND, rtol=1e-9)


class TestDataset:
    def test_only_used_pixels_count(self):
        run = ten_a_pixel()
        shape = run.counts.data.shape
        counts = 10 * shape[1] * shape[2]
        nodes = PiecewiseNormSpectralModel.from_dataset(run, min_counts=counts).energy
        np.testing.assert_allclose(nodes, run.counts.geom.axes["energy"].center)
        mask = run.counts.geom.energy_mask(energy_min=run.counts.geom.axes["energy"].edges[1])
        masked = run.replace(mask_safe=mask)
        found = PiecewiseNormSpectralModel.from_dataset(masked, min_counts=counts).energy
        np.testing.assert_allclose(found, nodes[1:])

    def test_the_exclusion_mask_is_the_datasets_or_the_given_one(self):
        """Half of the pixels: two bins instead of one make up the same counts."""
        run = ten_a_pixel(nbin=4)
        half = np.zeros(run.counts.data.shape, dtype=bool)
        half[:, ::2] = True
        n = 20 * half[0].sum()
        given = PiecewiseNormSpectralModel.from_dataset(run, n, exclusion_mask=SimpleNamespace(data=half))
        edges = run.counts.geom.axes["energy"].edges.to_value("TeV")
        np.testing.assert_allclose(given.energy.to_value("TeV") ** 2, [edges[0] * edges[2], edges[2] * edges[4]])
        assert len(PiecewiseNormSpectralModel.from_dataset(run, n).energy) == 4

        class OwnMask:
            counts, background, mask = run.counts, run.background, None
            mask_exclusion = SimpleNamespace(data=half)

        assert (
            PiecewiseNormSpectralModel.from_dataset(OwnMask(), n).energy.value.tolist() == given.energy.value.tolist()
        )

    def test_masks_on_the_image_and_what_makes_one_will_do(self):
        """Half of the pixels of every bin: the same as a mask of all bins."""
        run = ten_a_pixel(nbin=4)
        half = run.counts.geom.energy_mask()
        half.data[:, ::2] = False
        image = Map(run.counts.geom.to_image(), half.data[0])
        area = SimpleNamespace(to_map=lambda geom: Map(geom, half.data))
        n = 20 * half.data[0].sum()
        nodes = [PiecewiseNormSpectralModel.from_dataset(run, n, exclusion_mask=mask).energy for mask in (half, image)]
        nodes += [PiecewiseNormSpectralModel.from_dataset(run, n, exclusion_mask=area).energy]
        assert [len(found) for found in nodes] == [2, 2, 2]

    def test_masks_elsewhere_and_things_that_are_none(self):
        run, other = ten_a_pixel(), make_geom(skydir=(10.0, 10.0))
        elsewhere = Map(other, np.ones(run.counts.data.shape, dtype=bool))
        assert elsewhere.data.shape == run.counts.data.shape
        for mask in (elsewhere, object(), "mask.fits", run.counts):
            with pytest.raises(ModelError, match=f"the mask is a {type(mask).__name__} .*pass a Map on one"):
                PiecewiseNormSpectralModel.from_dataset(run, exclusion_mask=mask)

    def test_pixels_without_background_do_not_count(self):
        run = ten_a_pixel()
        background = run.background.copy()
        background.data[0] = 0
        nodes = PiecewiseNormSpectralModel.from_dataset(run.replace(background=background), 1).energy
        np.testing.assert_allclose(nodes, run.counts.geom.axes["energy"].center[1:])

    def test_masks_and_things_that_cannot_be_right(self):
        run = ten_a_pixel()
        with pytest.raises(ModelError, match=r"expected booleans on the dataset's geometry \(\d+"):
            PiecewiseNormSpectralModel.from_dataset(run, exclusion_mask=np.ones((1, 2, 3), dtype=bool))
        with pytest.raises(ModelError, match="without counts was given"):
            PiecewiseNormSpectralModel.from_dataset("run 1")


class TestPowerLawAbove:
    def test_by_hand_and_continuous_at_the_switch(self):
        model = PiecewisePowerLawNormSpectralModel([1, 4] * u.TeV, norms=[2, 8], tilt=0.5)
        np.testing.assert_allclose(model([0.1, 1, 2, 4, 16] * u.TeV), [2, 2, 4, 8, 4], rtol=1e-14)
        just = np.array([4 * (1 - 1e-9), 4 * (1 + 1e-9)])
        assert model.evaluate_tev(just)[0] == pytest.approx(model.evaluate_tev(just)[1], rel=1e-8)
        assert (model.energy_switch, model.norms.value.tolist()) == (4 * u.TeV, [2, 8])
        assert model.parameters.names == ["norm_0", "norm_1", "tilt"]

    def test_without_tilt_it_is_the_piecewise_norm(self):
        energy = np.geomspace(0.1, 50, 20)
        model, same = (cls([1, 4] * u.TeV, norms=[2, 8]) for cls in CLASSES)
        np.testing.assert_allclose(model.evaluate_tev(energy), same.evaluate_tev(energy), rtol=1e-14)

    def test_one_node_is_a_norm_and_a_power_law(self):
        model = PiecewisePowerLawNormSpectralModel([2] * u.TeV, norms=[3], tilt=1)
        np.testing.assert_allclose(model([1, 2, 4] * u.TeV), [3, 3, 1.5])

    def test_the_last_merged_bin_determines_the_tilt(self):
        """50 | 16 | 9 + 2: nodes in the first two, the tilt from the third."""
        model = PiecewisePowerLawNormSpectralModel.from_sums(sums([50, 16, 9, 2]), min_counts=10)
        assert (model.energy.value.tolist(), model.energy_switch) == ([1, 2], 2 * u.TeV)
        record = fit_background(sums([50, 16, 9, 2]), bkg(model))[1]
        assert record.status == "ok"
        assert np.all(record.errors > 0)

    def test_the_fit_finds_the_truth(self):
        truth = PiecewisePowerLawNormSpectralModel(CENTERS[:3] * u.TeV, norms=[0.8, 1.2, 1.1], tilt=0.7)
        exact = BackgroundSums(CENTERS, truth.evaluate_tev(CENTERS) * BACKGROUND, BACKGROUND)
        start = PiecewisePowerLawNormSpectralModel(CENTERS[:3] * u.TeV)
        fitted = fit_background(exact, bkg(start))[0].spectral_model
        np.testing.assert_allclose(fitted.parameters.value, truth.parameters.value, rtol=1e-7)

    def test_file(self):
        model = PiecewisePowerLawNormSpectralModel([1, 4] * u.TeV, norms=[2, 8], tilt=0.5, smoothness=0.3)
        read = Models.from_yaml(Models(bkg(model)).to_yaml())[0].spectral_model
        assert repr(read) == repr(model)
        assert read.smoothness == 0.3
        text = Models(bkg(model)).to_yaml().replace("name: tilt", "name: slope")
        with pytest.raises(ModelError, match="no parameter 'tilt'"):
            Models.from_yaml(text)


class TestSmoothness:
    @both
    def test_the_penalty_is_the_sum_of_squared_differences(self, cls):
        model = cls([1, 2, 4] * u.TeV, norms=[1, 2, 0.5], smoothness=0.2)
        theta = np.array([np.log(p.value) if p.name.startswith("norm") else p.value for p in model.parameters])
        by_hand = (np.log(2) ** 2 + np.log(0.25) ** 2) / 0.2**2
        assert np.sum((model.penalty_rows() @ theta) ** 2) == pytest.approx(by_hand)

    @both
    def test_a_common_factor_costs_nothing(self, cls):
        rows = cls([1, 2, 4] * u.TeV, smoothness=0.2).penalty_rows()
        assert rows.shape == (2, 3 + (cls is not PiecewiseNormSpectralModel))
        np.testing.assert_allclose(rows[:, :3].sum(axis=1), 0, atol=1e-12)
        assert not rows[:, 3:].any()

    @both
    def test_without_there_is_no_row(self, cls):
        model = cls([1, 2, 4] * u.TeV)
        assert (model.smoothness, model.penalty_rows().shape) == (None, (0, len(model.parameters)))
        model.smoothness = 2
        assert model.copy().smoothness == 2
        assert len(model.penalty_rows()) == 2

    def test_models_without_nodes_have_none(self):
        model = PowerLawNormSpectralModel()
        assert (model.smoothness, model.penalty_rows().shape) == (None, (0, 3))
        with pytest.raises(AttributeError, match="smoothness"):
            model.smoothness = 1

    def test_survives_a_file(self):
        model = PiecewiseNormSpectralModel([1, 2] * u.TeV, smoothness=0.25)
        assert Models.from_yaml(Models(bkg(model)).to_yaml())[0].spectral_model.smoothness == 0.25
        assert "smoothness" not in Models(bkg(PiecewiseNormSpectralModel([1, 2] * u.TeV))).to_yaml()

    @both
    @pytest.mark.parametrize("smoothness", [0, -1, np.nan, np.inf, "smooth", [1, 2]])
    def test_bad_input(self, cls, smoothness):
        with pytest.raises(ModelError, match=r"smoothness is .*; expected a positive finite number"):
            cls([1, 2] * u.TeV, smoothness=smoothness)


@both
def test_nodes_that_cannot_be_right(cls):
    for energy in ([2, 1], [1, np.nan], [1, np.inf], [0, 1], [1, 1]):
        with pytest.raises(ModelError, match="positive and increase"):
            cls(energy * u.TeV)
    with pytest.raises(ModelError, match="3 norms were given for 2 energies"):
        cls([1, 2] * u.TeV, norms=[1, 1, 1])


def test_parameters_are_held():
    norms = Parameters([Parameter("norm_0", 2), Parameter("norm_1", 3)])
    tilt = Parameter("tilt", 1)
    model = PiecewisePowerLawNormSpectralModel([1, 2] * u.TeV, norms=norms, tilt=tilt)
    assert model.parameters == norms + Parameters([tilt])


class TestNames:
    def test_names_that_need_no_data(self):
        assert isinstance(create_norm("pl-norm"), PowerLawNormSpectralModel)
        model = PowerLawNormSpectralModel()
        assert create_norm(model) is model
        product = create_norm("pl-norm*ecpl-norm")
        assert isinstance(product, CompoundNormSpectralModel)
        assert type(Model.create("pl-norm * ecpl-norm", "spectral")) is CompoundNormSpectralModel

    @both
    def test_names_that_need_data(self, cls):
        run = ten_a_pixel()
        name = cls.tag[-1]
        assert needs_dataset(name)
        assert needs_dataset(f"pl-norm * {name}")
        assert not needs_dataset("pl-norm")
        assert not needs_dataset(cls([1, 2] * u.TeV))
        model = create_norm(name, run, min_counts=1)
        assert model.energy.value.tolist() == cls.from_dataset(run, min_counts=1).energy.value.tolist()
        assert create_norm(name, SUMS).energy.value.tolist() == cls.from_sums(SUMS).energy.value.tolist()
        with pytest.raises(ModelError, match=f"'{name}' takes its nodes from data"):
            create_norm(name)

    def test_names_of_products_with_nodes_leave_the_scale_to_the_nodes(self):
        model = create_norm("pl-norm * piecewise-norm", ten_a_pixel(), min_counts=1)
        assert "norm" not in model.parameters.free_parameters.names
        assert "norm_0" in model.parameters.free_parameters.names

    @pytest.mark.parametrize(
        ("name", "match"),
        [
            ("pl-nrom", "did you mean 'pl-norm'"),
            ("pl-norm * piecewise", "did you mean 'piecewise-norm'"),
            ("pl-norm *", "no model ''"),
            ("template-norm", "cannot be made from its name alone"),
            ("compound", "cannot be made from its name alone"),
            (3, "3 is no norm model"),
            (FoVBackgroundModel("a"), "is no norm model"),
        ],
    )
    def test_bad_names(self, name, match):
        with pytest.raises(ModelError, match=match):
            create_norm(name)


@pytest.mark.parametrize(
    "model",
    [
        PiecewiseNormSpectralModel([0.5, 1, 3, 10] * u.TeV, norms=[1, 2, 0.5, 0.7]),
        PiecewisePowerLawNormSpectralModel([0.5, 1, 3] * u.TeV, norms=[1, 2, 0.5], tilt=0.7),
    ],
    ids=["piecewise", "piecewise-pl"],
)
def test_log_design_is_the_derivative_of_the_logarithm(model):
    check_log_design(model)
