"""The gradient over the field of view, alone and in the background model."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.errors import ModelError
from fovnb.maps import Map, WcsGeom
from fovnb.modeling.models import (
    FoVBackgroundModel,
    FoVGradientSpatialModel,
    GaussianPrior,
    Model,
    Models,
    PowerLawNormSpectralModel,
)
from tests.datasets import make_geom, make_run

POINTING = (83.0, 21.5)


def gradient(gx=0.1, gy=-0.05, **kwargs):
    kwargs.setdefault("pointing_deg", POINTING)
    return FoVGradientSpatialModel(gx, gy, **kwargs)


def at(model, ra, dec):
    """Return the norm at one position."""
    geom = WcsGeom.create(skydir=(ra, dec), npix=1, binsz=0.001)
    return float(model.evaluate_geom(geom).value.squeeze())


class TestGradient:
    def test_is_one_at_the_pointing(self):
        assert at(gradient(), *POINTING) == pytest.approx(1, abs=1e-12)

    def test_by_hand_along_the_axes(self):
        """1 deg north, and 1 deg towards smaller right ascension."""
        assert at(gradient(), 83.0, 22.5) == pytest.approx(1 - 0.05, abs=1e-9)
        west = SkyCoord(*POINTING, unit="deg").directional_offset_by(270 * u.deg, 1 * u.deg)
        assert at(gradient(), west.ra.deg, west.dec.deg) == pytest.approx(1 + 0.1, abs=1e-6)

    @pytest.mark.parametrize("angle", [0, 30, 90, 200])
    def test_altaz_points_at_the_zenith(self, angle):
        """1 deg towards the zenith is y' = 1, and 90 deg further, from north through east, is x' = 1."""
        model = gradient(alignment="ALTAZ", rotation_deg=angle)
        centre = SkyCoord(*POINTING, unit="deg")
        up = centre.directional_offset_by(angle * u.deg, 1 * u.deg)
        assert at(model, up.ra.deg, up.dec.deg) == pytest.approx(1 - 0.05, abs=2e-5)
        side = centre.directional_offset_by((angle + 90) * u.deg, 1 * u.deg)
        assert at(model, side.ra.deg, side.dec.deg) == pytest.approx(1 + 0.1, abs=2e-5)

    def test_never_below_zero(self):
        geom = make_geom(width=4)
        values = gradient(gx=1, gy=0).evaluate_geom(geom).value
        assert values.min() == 0
        assert values.max() > 2
        assert values.shape == (1, *geom.data_shape[1:])

    def test_shares_the_pixels_coordinates_of_the_geometry(self):
        geom = make_geom()
        x, y = gradient().fov_lonlat_deg(geom)
        np.testing.assert_array_equal([x, y], geom.sky.fov_lonlat_deg(*POINTING))

    def test_other_units(self):
        assert at(gradient(gy="-3 rad-1"), 83.0, 22.5) == pytest.approx(1 - 3 * np.pi / 180)

    def test_defaults(self):
        model = FoVGradientSpatialModel()
        assert [(p.name, p.value, str(p.unit), p.frozen) for p in model.parameters] == [
            ("gx", 0, "1 / deg", False),
            ("gy", 0, "1 / deg", False),
        ]
        assert (model.alignment, model.pointing_deg, model.rotation_deg) == ("RADEC", None, 0)
        assert model.tag[-1] == "fov-gradient"
        assert isinstance(Model.create("fov-gradient", "spatial", gx=0.2), FoVGradientSpatialModel)

    def test_is_placed_by_a_copy(self):
        model = FoVGradientSpatialModel(gx=0.1, alignment="ALTAZ")
        with pytest.raises(ModelError, match="the gradient has no pointing"):
            model.evaluate_geom(make_geom())
        placed = model.placed(*POINTING, rotation_deg=30)
        assert (placed.pointing_deg, placed.rotation_deg, placed.alignment) == (POINTING, 30, "ALTAZ")
        assert model.pointing_deg is None
        placed.gx.value = 7
        assert model.gx.value == 0.1

    def test_reset_freeze_and_text(self):
        model = gradient()
        model.freeze()
        assert model.frozen
        model.unfreeze()
        assert not model.gx.frozen
        assert repr(model) == "FoVGradientSpatialModel(gx=0.1 1 / deg, gy=-0.05 1 / deg, alignment='RADEC')"
        assert "(83, 21.5) deg" in str(model)
        assert "zenith at 30 deg" in gradient(alignment="ALTAZ", rotation_deg=30)._repr_html_()
        model.gx.error = 1
        model.reset_to_default()
        assert (model.gx.value, model.gy.value, model.gx.error) == (0, 0, 0)

    @pytest.mark.parametrize(
        ("kwargs", "match"),
        [
            ({"alignment": "radec"}, "'RADEC' or 'ALTAZ'"),
            ({"pointing_deg": 3}, "pointing_deg is 3; expected 2"),
            ({"pointing_deg": (1, 2, 3)}, "expected 2"),
            ({"pointing_deg": (np.nan, 2)}, "expected 2 finite"),
            ({"rotation_deg": "up"}, "rotation_deg"),
            ({"gx": "1 TeV"}, "'gx' is in 1 / deg"),
        ],
    )
    def test_bad_input(self, kwargs, match):
        with pytest.raises(ModelError, match=match):
            FoVGradientSpatialModel(**kwargs)


class TestBackgroundModel:
    def model(self):
        return FoVBackgroundModel("obs-1", PowerLawNormSpectralModel(norm=2, tilt=1), spatial_model=gradient())

    def test_parameters_are_the_spectral_then_the_spatial(self):
        model = self.model()
        assert model.parameters_unique_names == [
            "spectral.tilt",
            "spectral.norm",
            "spectral.reference",
            "spatial.gx",
            "spatial.gy",
        ]
        assert model.parameters == model.spectral_model.parameters + model.spatial_model.parameters

    def test_evaluates_to_the_product(self):
        geom, model = make_geom(), self.model()
        norm = 2 / geom.axes["energy"].center.to_value("TeV")[:, None, None]
        expected = norm * model.spatial_model.evaluate_geom(geom).value
        np.testing.assert_allclose(model.evaluate_geom(geom).value, expected, rtol=1e-14)
        assert expected.shape == geom.data_shape

    def test_the_prediction_follows(self):
        run = make_run()
        predicted = run.replace(models=[self.model()]).npred_background()
        weights = Map.from_geom(run.background.geom, data=self.model().evaluate_geom(run.background.geom).value)
        np.testing.assert_allclose(predicted.data, (run.background * weights).data, rtol=1e-6)

    def test_without_a_geometry_it_has_no_value(self):
        with pytest.raises(ModelError, match="use evaluate_geom"):
            self.model().evaluate(1 * u.TeV)

    def test_freezes_its_parts(self):
        model = self.model()
        model.freeze("spatial")
        assert model.spatial_model.frozen
        assert not model.spectral_model.norm.frozen
        model.freeze("spectral")
        assert model.frozen
        model.unfreeze()
        assert model.parameters.free_parameters.names == ["norm", "gx", "gy"]

    def test_covariance_reaches_all_and_is_kept_by_a_copy(self):
        model = self.model()
        root = np.random.default_rng(0).normal(size=(5, 5))
        matrix = root @ root.T
        model.covariance = matrix
        np.testing.assert_allclose(model.covariance.data, matrix, rtol=1e-14)
        np.testing.assert_allclose(model.spatial_model.gy.error, np.sqrt(matrix[4, 4]))
        np.testing.assert_allclose(model.copy().covariance.data, matrix, rtol=1e-14)
        np.testing.assert_allclose(Models(model).copy().covariance.data, matrix, rtol=1e-14)

    def test_copies_are_independent(self):
        model = self.model()
        new = model.copy()
        new.spatial_model.gx.value = 7
        assert model.spatial_model.gx.value == 0.1
        assert new.spatial_model.pointing_deg == POINTING
        assert model.copy(spatial_model=None).spatial_model is None
        model.reset_to_default()
        assert (model.parameters.value.tolist(), new.parameters.value[0]) == ([0, 1, 1, 0, 0], 1)

    def test_links_survive_a_copy_and_a_file(self):
        models = Models([self.model(), FoVBackgroundModel("obs-2", spatial_model=gradient(gx=0.3))])
        models[1].spatial_model.gx = models[0].spatial_model.gx
        for new in (models.copy(), Models.from_yaml(models.to_yaml())):
            assert new[0].spatial_model.gx is new[1].spatial_model.gx
            assert new[0].spatial_model.gx is not models[0].spatial_model.gx

    @pytest.mark.parametrize("spatial", [FoVGradientSpatialModel(0.2), gradient(alignment="ALTAZ", rotation_deg=12.5)])
    def test_what_is_written_is_read(self, spatial, tmp_path):
        models = Models(FoVBackgroundModel("obs-1", spatial_model=spatial))
        spatial.gx.prior = GaussianPrior(0, 0.1)
        spatial.gx.min = -0.5
        models.covariance = np.diag([0, 1, 0, 4.0, 9]) + 0.25
        models.write(tmp_path / "m.yaml")
        read = Models.read(tmp_path / "m.yaml")
        assert str(read) == str(models)
        assert [repr(par) for par in read.parameters] == [repr(par) for par in models.parameters]
        np.testing.assert_array_equal(read.covariance.data, models.covariance.data)
        new = read[0].spatial_model
        assert (new.pointing_deg, new.rotation_deg) == (spatial.pointing_deg, spatial.rotation_deg)

    def test_is_selected_by_its_tag(self):
        models = Models([self.model(), FoVBackgroundModel("obs-2")])
        assert models.select(tag="fov-gradient", model_type="spatial").names == ["obs-1-bkg"]

    @pytest.mark.parametrize("spatial", [1, "fov-gradient", PowerLawNormSpectralModel()])
    def test_other_spatial_models_are_refused(self, spatial):
        with pytest.raises(ModelError, match="pass FoVGradientSpatialModel"):
            FoVBackgroundModel("obs-1", spatial_model=spatial)

    def test_unknown_ones_in_a_file_name_the_nearest(self):
        text = Models(self.model()).to_yaml()
        with pytest.raises(ModelError, match="did you mean 'FoVGradientSpatialModel'"):
            Models.from_yaml(text.replace("FoVGradientSpatialModel", "GradientSpatialModel"))
