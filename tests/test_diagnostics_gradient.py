import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from scipy.optimize import minimize
from scipy.special import chdtrc

from fovnb.diagnostics import gradient
from fovnb.errors import InvalidInputError
from fovnb.maps import Map
from fovnb.modeling.models import FoVBackgroundModel, PowerLawNormSpectralModel
from tests.fields import POINTING, expected_counts, field_geom, make_field
from tests.test_diagnostics_fov import PLACE

GEOM = field_geom(binsz=0.2)
X, Y = GEOM.sky.fov_lonlat_deg(*POINTING)


def tilted(gx, gy, per_deg2=150.0):
    """Return expected counts with a gradient, and the background without."""
    background = expected_counts(GEOM, per_deg2)
    return background * (1 + gx * X + gy * Y), background


def test_exact_counts_give_the_exact_gradient():
    truth, background = tilted(0.1, -0.2)
    found = gradient(make_field(GEOM, counts=truth * 1.3, background=background))
    assert (found.gx, found.gy) == pytest.approx((0.1, -0.2))
    assert found.magnitude == pytest.approx(0.05**0.5)
    assert found.direction_deg == pytest.approx(np.rad2deg(np.arctan2(-0.2, 0.1)))
    assert found.fit.norm == pytest.approx(1.3)
    assert found.chi2 == pytest.approx(np.array([0.1, -0.2]) @ np.linalg.solve(found.covariance, [0.1, -0.2]))
    assert found.p_value == pytest.approx(chdtrc(2, found.chi2))


def test_pulls_of_a_known_gradient_are_normal_over_seeds():
    truth, background = tilted(0.06, -0.04)
    rng = np.random.default_rng(3)
    found = [gradient(make_field(GEOM, rng.poisson(truth), background)) for _ in range(200)]
    pulls = np.array([(f.fit.gradient - (0.06, -0.04)) / f.errors for f in found])
    np.testing.assert_allclose(pulls.mean(axis=0), 0, atol=3 / 200**0.5)
    np.testing.assert_allclose(pulls.std(axis=0), 1, atol=3 / 400**0.5)


def test_without_a_gradient_fit_and_score_flag_as_often_as_they_say():
    _, background = tilted(0, 0)
    rng = np.random.default_rng(4)
    found = [gradient(make_field(GEOM, rng.poisson(background), background)) for _ in range(200)]
    for name in ("p_value", "score_p"):
        p = np.array([getattr(f, name) for f in found])
        assert np.mean(p) == pytest.approx(0.5, abs=3 * (1 / 12 / 200) ** 0.5)
        assert np.mean(p < 0.05) == pytest.approx(0.05, abs=3 * (0.05 * 0.95 / 200) ** 0.5)


def test_a_source_that_is_not_excluded_is_seen_in_its_direction_and_excluding_it_helps():
    background = expected_counts(GEOM)
    counts = np.random.default_rng(1).poisson(background)
    near = (X > 0.4) & (X < 0.8) & (abs(Y) < 0.2)
    counts[:, near] += 60
    run = make_field(GEOM, counts, background)
    found = gradient(run)
    assert found.z > 4
    assert abs(found.direction_deg) < 20
    assert found.score_p == pytest.approx(found.p_value, rel=3)
    exclusion = Map.from_geom(GEOM, data=np.broadcast_to(~near, GEOM.data_shape).copy())
    assert gradient(run, exclusion_mask=exclusion).z < 3


def test_alignments_see_the_same_gradient_in_turned_axes():
    truth, background = tilted(0.1, -0.2)
    run = make_field(GEOM, counts=truth, background=background, **PLACE)
    radec, altaz = gradient(run), gradient(run, "ALTAZ")
    assert altaz.magnitude == pytest.approx(radec.magnitude, rel=1e-2)
    zenith = SkyCoord(*POINTING, unit="deg").directional_offset_by(run.run_info.rotation_deg * u.deg, 1 * u.deg)
    x, y = GEOM.to_image().coord_to_pix({"skycoord": zenith})
    towards_zenith = radec.gx * (x - 9.5) * 0.2 + radec.gy * (y - 9.5) * 0.2
    assert altaz.gy == pytest.approx(towards_zenith, abs=2e-3)


def profile_loss(g, runs):
    """Return -ln L of a common gradient with the best norm for each run, pixel by pixel."""
    loss = 0.0
    for run, x, y in runs:
        w, used = 1 + g[0] * x + g[1] * y, run.mask_safe.data
        counts, npred = (np.where(used, part.data, 0).sum(axis=0) for part in (run.counts, run.background))
        loss += counts.sum() * np.log(np.sum(npred * w)) - np.sum(counts * np.log(np.where(counts > 0, w, 1)))
    return loss


def test_a_gradient_common_to_runs_with_norms_of_their_own_is_the_best_of_the_pixels():
    runs = []
    for i, half in enumerate((slice(0, 12), slice(6, 20))):
        truth, background = tilted(0.1, -0.2)
        run = make_field(GEOM, np.random.default_rng(i).poisson(truth), background * (1 + 2 * i), obs_id=i)
        run.mask_safe.data[:, :, half] = False
        runs.append((run, X, Y))
    found = gradient([run for run, _, _ in runs])
    best = minimize(
        profile_loss, [0.0, 0.0], args=(runs,), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}
    )
    np.testing.assert_allclose(found.fit.gradient, best.x, atol=1e-6)
    step = 1e-3 * np.eye(2)
    curvature = [
        [
            sum(s * t * profile_loss(best.x + s * step[i] + t * step[j], runs) for s in (-1, 1) for t in (-1, 1)) / 4e-6
            for j in range(2)
        ]
        for i in range(2)
    ]
    np.testing.assert_allclose(found.covariance, np.linalg.inv(curvature), rtol=1e-3)
    assert found.obs_ids == (0, 1)


def test_two_equal_runs_have_the_gradient_of_one_with_errors_smaller_by_the_root_of_two():
    truth, background = tilted(0.1, -0.2)
    counts = np.random.default_rng(1).poisson(truth)
    one = gradient(make_field(GEOM, counts, background))
    two = gradient([make_field(GEOM, counts, background, obs_id=i) for i in (1, 2)])
    np.testing.assert_allclose(two.fit.gradient, one.fit.gradient, atol=1e-8)
    np.testing.assert_allclose(two.covariance, one.covariance / 2, rtol=1e-6)
    assert two.score.chi2 == pytest.approx(2 * one.score.chi2)


def test_the_norm_model_is_applied_and_its_free_parameters_weaken_the_score_test():
    truth, background = tilted(0.1, -0.2)
    background[1] *= 1 + 0.3 * X  # the energy bins differ in shape: a tilt of the spectrum imitates a gradient
    run = make_field(GEOM, truth, background)
    chi2 = {}
    for frozen in (True, False):
        model = PowerLawNormSpectralModel(norm=1.0)
        model.tilt.frozen = frozen
        run.models = FoVBackgroundModel(spectral_model=model, dataset_name="obs-1")
        chi2[frozen] = gradient(run).score.covariance[0, 0]
    assert chi2[False] > chi2[True]
    run.background_model.spectral_model.norm.value = 2.0
    assert gradient(run).fit.norm == pytest.approx(gradient(run.replace(models=None)).fit.norm / 2)


def test_a_run_without_counts_says_so():
    run = make_field(GEOM, np.zeros(GEOM.data_shape))
    found = gradient(run)
    assert np.isnan([found.gx, found.gy, found.z, found.p_value, found.score_p]).all()
    assert found.fit.status == "too-few-counts"
    assert "do not determine" in repr(found)
    with_counts = make_field(GEOM, obs_id=2)
    joint, alone = gradient([run, with_counts]), gradient(with_counts)
    np.testing.assert_allclose(joint.fit.gradient, alone.fit.gradient)


def test_a_stack_is_refused():
    with pytest.raises(InvalidInputError, match="no pointing of its own"):
        gradient(make_field(GEOM).replace(run_info=None))


def test_the_record_prints_in_a_few_lines():
    found = gradient(make_field(GEOM))
    assert repr(found).splitlines()[0] == "Gradient"
    assert "significance" in found._repr_html_()
