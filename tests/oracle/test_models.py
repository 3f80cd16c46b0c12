"""Priors, products and gradients: what Gammapy reads and writes, and its field-of-view frames."""

import operator

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from gammapy.modeling import models as theirs
from gammapy.utils.coordinates import FoVAltAzFrame, FoVICRSFrame
from numpy.testing import assert_allclose

from fovnb.maps import WcsGeom
from fovnb.modeling import models as ours
from fovnb.modeling.models.serialise import from_dict

ENERGY = np.geomspace(0.2, 50, 13) * u.TeV
ways = pytest.mark.parametrize(
    ("writer", "reader"), [(ours, theirs), (theirs, ours)], ids=["ours-theirs", "theirs-ours"]
)


class TestPrior:
    @pytest.mark.parametrize("value", [-1.0, 0.9, 3.0])
    @pytest.mark.parametrize("weight", [1, 2.5])
    def test_is_the_same_number(self, value, weight):
        found = []
        for pkg in (ours, theirs):
            model = pkg.PowerLawNormSpectralModel(norm=value)
            model.norm.prior = pkg.GaussianPrior(mu=1, sigma=0.2, weight=weight)
            assert (model.norm.prior.mu.value, model.norm.prior.sigma.value) == (1, 0.2)
            found.append(model.norm.prior(model.norm))
        assert found[0] == pytest.approx(found[1], rel=1e-12)

    @ways
    def test_survives_the_others_file(self, writer, reader, tmp_path):
        model = writer.FoVBackgroundModel(dataset_name="obs-1")
        model.spectral_model.norm.prior = writer.GaussianPrior(mu=1.1, sigma=0.2)
        model.spectral_model.reference.prior = writer.GaussianPrior(mu=1, sigma=0.3, weight=2)
        writer.Models([model]).write(tmp_path / "m.yaml")
        read = reader.Models.read(tmp_path / "m.yaml")["obs-1-bkg"].spectral_model
        assert read.tilt.prior is None
        for name in ("norm", "reference"):
            old, new = (getattr(one, name).prior for one in (model.spectral_model, read))
            assert (new.mu.value, new.sigma.value, new.weight) == (old.mu.value, old.sigma.value, old.weight)
            assert new.mu.unit == new.sigma.unit == old.sigma.unit

    def test_has_the_same_dictionary(self):
        assert ours.GaussianPrior(1, 0.2).to_dict() == theirs.GaussianPrior(mu=1, sigma=0.2).to_dict()


def test_gammapy_opens_a_piecewise_norm_with_smoothness():
    model = ours.PiecewiseNormSpectralModel([1, 4] * u.TeV, norms=[1, 2], smoothness=0.3)
    text = ours.Models(ours.FoVBackgroundModel("obs-1", model)).to_yaml()
    assert "smoothness" in text
    read = theirs.Models.from_yaml(text)[0].spectral_model
    assert_allclose(read(ENERGY), model(ENERGY), rtol=1e-12)


class TestProduct:
    @staticmethod
    def factors(pkg):
        first = pkg.PowerLawNormSpectralModel(tilt=0.3, norm=1.2, reference="2 TeV")
        second = pkg.PiecewiseNormSpectralModel([0.5, 1, 3, 10] * u.TeV, norms=np.array([1, 2, 0.5, 0.7]))
        return first, second

    def test_gammapy_reads_ours(self):
        model = ours.CompoundNormSpectralModel(*self.factors(ours))
        read = theirs.CompoundSpectralModel.from_dict(model.to_dict())
        assert_allclose(read(ENERGY), model(ENERGY), rtol=1e-12)
        assert read.operator is operator.mul
        assert read.parameters.names == model.parameters.names

    def test_we_read_gammapys(self):
        first, second = self.factors(theirs)
        model = first * second
        component = {"type": "FoVBackgroundModel", "datasets_names": ["obs-1"], **model.to_dict()}
        read = from_dict({"components": [component]})[0].spectral_model
        assert_allclose(read(ENERGY), model(ENERGY), rtol=1e-12)
        assert [par.frozen for par in read.parameters] == [par.frozen for par in model.parameters]

    def test_gammapys_background_model_takes_none(self):
        """Ours does, on purpose: the class's text says that Gammapy refuses such a file."""
        text = ours.Models(
            ours.FoVBackgroundModel("obs-1", ours.CompoundNormSpectralModel(*self.factors(ours)))
        ).to_yaml()
        with pytest.raises(ValueError, match="norm spectral model is required"):
            theirs.Models.from_yaml(text)


class TestGradientCoordinates:
    """x and y of the gradient are those of Gammapy's frames, at any place and hour."""

    POINTING = SkyCoord(83.63, 22.01, unit="deg", frame="icrs")
    GEOM = WcsGeom.create(skydir=(83.9, 21.6), width=4, binsz=0.5)

    def coordinates(self, **kwargs):
        model = ours.FoVGradientSpatialModel(**kwargs).placed(83.63, 22.01, kwargs.get("rotation_deg", 0.0))
        return model.fov_lonlat_deg(self.GEOM)

    def test_radec(self):
        frame = FoVICRSFrame(origin=self.POINTING)
        expected = self.GEOM.get_coord().skycoord.transform_to(frame)
        x, y = self.coordinates()
        assert_allclose(x, expected.fov_lon.wrap_at("180d").deg, atol=1e-9)
        assert_allclose(y, expected.fov_lat.deg, atol=1e-9)

    @pytest.mark.parametrize("hour", [17, 20, 23])
    @pytest.mark.parametrize("latitude", [-23.27, 28.76, 65.0])
    def test_altaz(self, hour, latitude):
        """To 2e-4 deg: aberration distorts the local sky, which a rotation leaves out."""
        time = Time(f"2020-01-15T{hour}:00:00")
        place = EarthLocation.from_geodetic(16.5 * u.deg, latitude * u.deg, 1800 * u.m)
        local = AltAz(obstime=time, location=place)
        frame = FoVAltAzFrame(origin=self.POINTING.transform_to(local), obstime=time, location=place)
        expected = self.GEOM.get_coord().skycoord.transform_to(frame)
        here = self.POINTING.transform_to(local)
        above = SkyCoord(here.az, here.alt + 1 * u.deg, frame=local).icrs
        rotation = self.POINTING.position_angle(above).deg
        x, y = self.coordinates(alignment="ALTAZ", rotation_deg=rotation)
        assert_allclose(x, expected.fov_lon.wrap_at("180d").deg, atol=2e-4)
        assert_allclose(y, expected.fov_lat.deg, atol=2e-4)
        assert np.ptp(x) > 3
