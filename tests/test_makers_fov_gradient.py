"""The background of a run corrected with a gradient over its field of view, fitted, frozen or scaled."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fovnb.data import RunInfo
from fovnb.datasets import fov_lonlat
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map
from fovnb.modeling.models import FoVBackgroundModel, FoVGradientSpatialModel
from tests.datasets import make_run
from tests.norms import power_law


def placed(run, ra_deg=83.9, dec_deg=22.1, **info):
    return run.replace(run_info=RunInfo(1, ra_deg=ra_deg, dec_deg=dec_deg, **info))


def with_gradient(run, gx, gy):
    """Return the run with counts that follow a gradient around its pointing, exactly."""
    x, y = fov_lonlat(run)
    return run.replace(counts=Map.from_geom(run.geom, data=run.background.data * (1 + gx * x + gy * y)))


def test_gradient_is_fitted_at_the_pointing_of_the_run():
    run = with_gradient(placed(make_run()), 0.12, -0.07)
    maker = FoVBackgroundMaker(method="fit", spectral_model=power_law(), spatial_model=FoVGradientSpatialModel())
    done = maker.run(run)
    values = dict(zip(done.background_fit.parameter_names, done.background_fit.values, strict=True))
    assert_allclose([values[name] for name in ("norm", "tilt", "gx", "gy")], [1, 0, 0.12, -0.07], atol=1e-7)
    assert_allclose(done.npred().data, run.counts.data, rtol=1e-6)
    assert done.background_model.spatial_model.pointing_deg == (83.9, 22.1)
    assert maker.default_spatial_model.pointing_deg is None
    elsewhere = maker.run(run.replace(run_info=RunInfo(1, ra_deg=83.4, dec_deg=22.1)))
    assert abs(elsewhere.background_fit.values[-2] - 0.12) > 1e-3


def test_gradient_along_the_horizon_is_the_turned_one():
    site = {"mid_mjd": 55197.5, "geolon_deg": 16.5, "geolat_deg": -23.3, "height_m": 1835}
    run = placed(make_run(), **site)
    truth = FoVGradientSpatialModel(gx=0.1, gy=-0.05, alignment="ALTAZ").placed(83.9, 22.1, run.run_info.rotation_deg)
    seen = run.replace(counts=run.background * Map.from_geom(run.geom, data=truth.evaluate_geom(run.geom).value))
    maker = FoVBackgroundMaker(method="fit", spatial_model=FoVGradientSpatialModel(alignment="ALTAZ"))
    assert_allclose(maker.run(seen).background_fit.values[-2:], [0.1, -0.05], atol=1e-7)
    gx, gy = (
        FoVBackgroundMaker(method="fit", spatial_model=FoVGradientSpatialModel()).run(seen).background_fit.values[-2:]
    )
    sine, cosine = np.sin(np.deg2rad(run.run_info.rotation_deg)), np.cos(np.deg2rad(run.run_info.rotation_deg))
    # y' points to the zenith, at this position angle from north through east, where x falls.
    assert_allclose([gx, gy], [-0.1 * cosine + 0.05 * sine, -0.1 * sine - 0.05 * cosine], atol=1e-4)


def test_frozen_gradient_is_the_fit_of_a_background_with_that_gradient():
    run = placed(make_run(norm=0.9))
    spatial = FoVGradientSpatialModel(gx=0.2, gy=0.1)
    spatial.freeze()
    x, y = fov_lonlat(run)
    tilted = run.replace(
        background=run.background
        * Map.from_geom(run.geom, data=np.broadcast_to(1 + 0.2 * x + 0.1 * y, run.data_shape).copy())
    )
    for method in ("fit", "scale"):
        done = FoVBackgroundMaker(method=method, spectral_model=power_law(), spatial_model=spatial).run(run)
        expected = FoVBackgroundMaker(method=method, spectral_model=power_law()).run(tilted)
        assert_allclose(done.background_fit.values[:3], expected.background_fit.values, rtol=1e-9)
        assert_allclose(done.npred().data, expected.npred().data, rtol=1e-9)


def test_frozen_at_zero_is_the_fit_without_gradient():
    run = placed(make_run())
    spatial = FoVGradientSpatialModel()
    spatial.freeze()
    done = FoVBackgroundMaker(method="fit", spectral_model=power_law(), spatial_model=spatial).run(run)
    expected = FoVBackgroundMaker(method="fit", spectral_model=power_law()).run(run)
    assert_array_equal(done.background_fit.values[:3], expected.background_fit.values)
    assert_array_equal(done.background_fit.errors[:3], expected.background_fit.errors)


def test_gradient_without_a_pointing_is_a_row_that_says_so():
    maker = FoVBackgroundMaker(method="fit", spatial_model=FoVGradientSpatialModel())
    with pytest.warns(FovnbWarning, match="no pointing"):
        assert maker.run(make_run()).background_fit.status == "unreadable"
    maker = FoVBackgroundMaker(method="fit", spatial_model=FoVGradientSpatialModel(alignment="ALTAZ"))
    with pytest.warns(FovnbWarning, match="zenith"):
        assert maker.run(placed(make_run())).background_fit.status == "unreadable"


def test_what_the_mask_excludes_is_counted_with_the_gradient():
    run = placed(make_run())
    exclusion = Map.from_geom(run.geom, data=fov_lonlat(run)[0] > np.zeros(run.data_shape))
    done = FoVBackgroundMaker(method="fit", exclusion_mask=exclusion, spatial_model=FoVGradientSpatialModel()).run(run)
    expected = np.sum(done.npred().data, axis=(1, 2), where=~exclusion.data)
    assert_allclose(done.background_fit.background_excluded, expected)
    assert abs(done.background_fit.values[-2]) > 1e-4


def test_a_gradient_of_the_dataset_itself_is_placed_and_fitted():
    run = with_gradient(placed(make_run()), 0.1, 0.05)
    run.models = FoVBackgroundModel("obs-1", spatial_model=FoVGradientSpatialModel())
    done = FoVBackgroundMaker(method="fit").run(run)
    assert_allclose(done.background_fit.values[-2:], [0.1, 0.05], atol=1e-7)
    assert run.background_model.spatial_model.pointing_deg is None


def test_what_is_no_gradient_is_refused():
    with pytest.raises(InvalidInputError, match="FoVGradientSpatialModel"):
        FoVBackgroundMaker(spatial_model="fov-gradient")
