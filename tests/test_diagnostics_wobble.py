"""Whether the runs of each pointing agree."""

import numpy as np
import pytest
from astropy import units as u
from scipy.stats import f as fisher

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.diagnostics.wobble import wobble
from fovnb.errors import InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map
from tests.datasets import make_geom, make_run
from tests.norms import power_law

GEOM = make_geom(nbin=4, width=3, binsz=0.1)
CENTER = GEOM.center_skydir
EXPECTED = np.exp(-np.arange(4))[:, None, None] * np.exp(-0.5 * (GEOM.separation(CENTER).deg / 1.2) ** 2)


def pointed(obs_id, ra_offset, seed=None, norm=1.0, source=0.0, tilt=0.0):
    """Return a fitted run that points beside the map's centre, whose background falls off from its pointing."""
    rng = np.random.default_rng(obs_id if seed is None else seed)
    pointing = CENTER.spherical_offsets_by(ra_offset * u.deg, 0 * u.deg)
    profile = np.exp(-0.5 * (GEOM.separation(pointing).deg / 1.0) ** 2)
    background = np.exp(-np.arange(4))[:, None, None] * profile
    truth = norm * background * (GEOM.axes["energy"].center.value ** -tilt)[:, None, None]
    truth += source * np.exp(-0.5 * (GEOM.separation(CENTER).deg / 0.2) ** 2)
    run = MapDataset(
        counts=Map.from_geom(GEOM, data=rng.poisson(truth).astype(float)),
        background=Map.from_geom(GEOM, data=background),
        run_info=RunInfo(obs_id, ra_deg=float(pointing.ra.deg), dec_deg=float(pointing.dec.deg)),
        name=f"obs-{obs_id}",
    )
    return FoVBackgroundMaker("fit", spectral_model=power_law()).run(run)


def survey(seed, scatter=0.1, **changes):
    rng = np.random.default_rng(seed)
    pairs = zip([0.5, -0.5] * 4, rng.normal(1, scatter, 8), strict=True)
    return [pointed(i, dx, seed=int(rng.integers(1e9)), norm=n, **changes) for i, (dx, n) in enumerate(pairs)]


class TestGroups:
    def test_runs_of_one_pointing_are_one_group(self):
        found = wobble([pointed(i, dx) for i, dx in enumerate([0.5, -0.5, 0.52, 0.5, -0.47])])
        assert found.obs_ids == ((0, 2, 3), (1, 4))
        assert found.positions[0, 0] > CENTER.ra.deg > found.positions[1, 0]

    def test_the_tolerance_decides(self):
        runs = [pointed(i, dx) for i, dx in enumerate([0.5, 0.58, 0.7])]
        assert wobble(runs).obs_ids == ((0, 1), (2,))
        assert wobble(runs, "0.3 deg").obs_ids == ((0, 1, 2),)
        assert wobble(runs, 3 * u.arcmin).obs_ids == ((0,), (1,), (2,))

    def test_right_ascension_wraps_and_shrinks_towards_the_pole(self):
        run = make_run(geom=make_geom(skydir=(0.0, 60.0)))
        places = enumerate([(359.99, 60.0), (0.01, 60.0), (0.3, 60.0)])
        runs = [run.replace(run_info=RunInfo(i, ra_deg=ra, dec_deg=dec)) for i, (ra, dec) in places]
        assert wobble(runs, "0.1 deg").obs_ids == ((0, 1), (2,))
        assert wobble(runs, "0.2 deg").obs_ids == ((0, 1, 2),)


class TestNumbers:
    def test_of_each_group_by_hand(self):
        runs = [pointed(i, dx, norm=1.3) for i, dx in enumerate([0.5, 0.5, -0.5])]
        found = wobble(runs)
        counts = np.array([run.counts.data.sum(axis=(1, 2)) for run in runs])
        npred = np.array([run.npred_background().data.sum(axis=(1, 2)) for run in runs])
        np.testing.assert_allclose(found.ratio[0], counts[:2].sum(axis=0) / npred[:2].sum(axis=0))
        np.testing.assert_allclose(found.ratio_err[1], np.sqrt(counts[2]) / npred[2])
        background = np.array([run.background.data.sum() for run in runs])
        assert found.n[1] == pytest.approx(counts[2].sum() / background[2])
        common = npred * counts.sum(axis=0) / npred.sum(axis=0)
        groups = [(counts[:2].sum(axis=0), common[:2].sum(axis=0)), (counts[2], common[2])]
        deviance = sum(2 * np.sum(p - n + n * np.log(n / p)) for n, p in groups)
        assert found.chi2 == pytest.approx(deviance, rel=1e-9)
        assert found.dof == 2  # one difference of groups, four bins, norm and tilt fitted

    def test_two_runs_a_pointing_by_hand(self):
        # Equal errors e: scatter from two differences within pointings; F with 1 and 2 degrees of freedom.
        runs = [pointed(i, dx, norm=n) for i, (dx, n) in enumerate([(0.5, 0.8), (0.5, 1.2), (-0.5, 0.9), (-0.5, 1.4)])]
        found = wobble(runs)
        n = np.array([run.counts.data.sum() / run.background.data.sum() for run in runs])
        within = ((n[0] - n[1]) ** 2 + (n[2] - n[3]) ** 2) / 2 / 2
        between = ((n[0] + n[1] - n[2] - n[3]) / 2) ** 2
        assert found.of_norm.chi2 == pytest.approx(between / within, rel=2e-2)
        assert found.of_norm.p_value == pytest.approx(fisher.sf(found.of_norm.chi2, 1, 2), rel=1e-9)
        np.testing.assert_allclose(found.n_err, np.sqrt(within / 2), rtol=2e-2)

    def test_one_run_a_pointing_does_not_tell_norms_apart(self):
        found = wobble([pointed(0, 0.5), pointed(1, -0.5, norm=1.5)])
        assert np.isnan([found.of_norm.chi2, found.of_norm.p_value]).all()
        assert not found.of_norm.flagged
        assert np.isfinite(found.of_ratio.p_value)

    def test_one_pointing_has_nothing_to_compare(self):
        found = wobble([pointed(0, 0.5), pointed(1, 0.5)])
        assert np.isnan([found.p_value, found.of_norm.p_value, found.of_gradient.p_value]).all()
        assert found.flagged == ()


class TestVerdict:
    def test_sound_surveys_of_scattering_norms_are_not_flagged(self):
        found = [wobble(survey(seed)) for seed in range(25)]
        assert sum(bool(one.flagged) for one in found) <= 1
        for name in ("of_norm", "of_ratio", "of_gradient"):
            p_values = [getattr(one, name).p_value for one in found]
            assert 0.25 < np.mean(p_values) < 0.75

    def test_a_source_between_the_pointings_gives_opposite_gradients(self):
        found = wobble(survey(1, source=2.0))
        assert found.of_gradient.flagged
        assert any("the gradients of 2 pointings differ" in text for text in found.flagged)
        # From the eastern pointing the source lies to the west, at +x; from the western one to the east.
        assert found.gradients[0].gx > 0 > found.gradients[1].gx

    def test_a_mask_over_the_source_cures_it(self):
        mask = Map.from_geom(GEOM, data=np.broadcast_to(GEOM.separation(CENTER).deg > 0.8, GEOM.data_shape).copy())
        assert wobble(survey(1, source=2.0), exclusion_mask=mask).of_gradient.p_value > 0.001

    def test_a_pointing_with_another_norm_is_flagged(self):
        found = wobble([pointed(i, dx, norm=1.0 + 0.3 * (dx > 0)) for i, dx in enumerate([0.5, -0.5] * 4)])
        assert found.of_norm.flagged
        assert not found.of_ratio.flagged

    def test_a_pointing_with_another_spectrum_is_flagged(self):
        runs = [pointed(i, dx) for i, dx in enumerate([0.5, -0.5] * 4)]
        for run in runs[::2]:
            run.counts.data[1] *= 2
        assert wobble(runs).of_ratio.flagged


def test_a_stack_is_refused():
    stack = make_run("stacked", GEOM)
    with pytest.raises(InvalidInputError, match="has no pointing of its own"):
        wobble(stack)


@pytest.mark.parametrize("tolerance", ["0 deg", "1 TeV"])
def test_a_tolerance_that_is_no_angle_is_refused(tolerance):
    with pytest.raises(InvalidInputError, match="tolerance"):
        wobble(pointed(0, 0.5), tolerance)


def test_the_record_lists_the_pointings():
    found = wobble([pointed(0, 0.5), pointed(1, -0.5)])
    assert "pointings" in repr(found)
    assert "1 runs, n = " in repr(found)
    assert found._repr_html_().startswith("<table><caption>Wobble</caption>")
