"""Counts over prediction per energy bin: by hand, against the record of the fit, and on simulations."""

import numpy as np
import pytest
from astropy import units as u
from regions import CircleSkyRegion
from scipy.stats import chi2, poisson

from fovnb.datasets import MapDataset
from fovnb.diagnostics.spectrum import garwood, goodness, ratio_spectrum
from fovnb.errors import InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map, WcsGeom
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.models import FoVBackgroundModel, PowerLawNormSpectralModel
from tests.datasets import make_geom, make_run
from tests.norms import power_law


def fitted(run, model=None, mask=None):
    return FoVBackgroundMaker("fit", spectral_model=model or power_law(), exclusion_mask=mask).run(run)


def hole(geom, radius=0.3):
    return geom.region_mask(CircleSkyRegion(geom.center_skydir, radius * u.deg), inside=False)


class TestGarwood:
    def test_of_0_1_and_10_counts(self):
        # Gehrels 1986, ApJ 303, 336, tables 1 and 2, 1 sigma.
        low, high = garwood(np.array([0.0, 1.0, 10.0]))
        np.testing.assert_allclose(low, [0, 0.173, 6.891], atol=5e-4)
        np.testing.assert_allclose(high, [1.841, 3.300, 14.27], atol=5e-3)

    @pytest.mark.parametrize("counts", [1.0, 7.0, 100.0])
    def test_each_end_leaves_half_of_the_rest(self, counts):
        low, high = garwood(np.array([counts]), level=0.9)
        assert poisson.sf(counts - 1, low[0]) == pytest.approx(0.05, rel=1e-9)
        assert poisson.cdf(counts, high[0]) == pytest.approx(0.05, rel=1e-9)


class TestOneRun:
    def test_by_hand(self):
        # Two pixels a bin, prediction 2 each: 4 a bin; counts 8, 4, 0.
        geom = WcsGeom.create(npix=(2, 1), binsz=0.1, axes=[make_geom().axes["energy"]])
        counts = Map.from_geom(geom, data=np.array([[[3, 5]], [[4, 0]], [[0, 0]]]))
        background = Map.from_geom(geom, data=np.ones(geom.data_shape))
        model = FoVBackgroundModel("obs-1", PowerLawNormSpectralModel(norm=2.0))
        run = MapDataset(model, counts, background=background, name="obs-1")
        found = ratio_spectrum(run)
        np.testing.assert_allclose(found.energy_edges, [1, 10 ** (1 / 3), 10 ** (2 / 3), 10])
        np.testing.assert_allclose(found.ratio, [2, 1, 0])
        np.testing.assert_allclose(found.pull, [np.sqrt(2 * (4 - 8 + 8 * np.log(2))), 0, -np.sqrt(8)], atol=1e-12)
        np.testing.assert_allclose(found.ratio_hi[2], -np.log(0.5 - 0.6826894921 / 2) / 4, rtol=1e-8)
        assert found.deviance == pytest.approx(2 * (4 - 8 + 8 * np.log(2)) + 8, rel=1e-12)
        assert (found.dof, found.goodness.method) == (3, "toys")

    def test_equals_the_record_of_the_fit(self):
        geom = make_geom(nbin=4)
        run = fitted(make_run(geom=geom, norm=1.2), mask=hole(geom))
        found, fit = ratio_spectrum(run), run.background_fit
        np.testing.assert_allclose(found.counts, fit.counts)
        np.testing.assert_allclose(found.npred, fit.predicted, rtol=1e-9)
        assert found.deviance == pytest.approx(fit.deviance, rel=1e-6)
        assert (found.dof, found.goodness.method) == (2, "chi2")
        assert found.p_value == pytest.approx(chi2.sf(fit.deviance, 2), rel=1e-6)
        assert found.p_value == pytest.approx(fit.p_value, rel=1e-6)
        assert goodness(run).p_value == found.p_value

    def test_few_counts_have_the_toys_of_the_record(self):
        run = make_run(geom=make_geom(nbin=4, width=0.5, binsz=0.25), norm=1.2)
        run = fitted(run)
        assert run.background_fit.predicted.min() < 5
        found = ratio_spectrum(run)
        assert found.goodness.method == "toys"
        assert found.p_value == pytest.approx(run.background_fit.p_value, abs=1e-12)

    def test_the_mask_is_that_of_the_fit_unless_another_is_given(self):
        geom = make_geom()
        mask, run = hole(geom), make_run(geom=geom)
        run.counts.data[:, ~mask.data[0]] = 50
        run = fitted(run, mask=mask)
        everything = Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool))
        assert ratio_spectrum(run).counts.sum() < run.counts.data.sum()
        unmasked = ratio_spectrum(run, everything)
        assert unmasked.counts.sum() == pytest.approx(run.counts.data.sum())
        assert unmasked.p_value < 1e-10 < ratio_spectrum(run).p_value
        assert np.all(unmasked.pull > 5)

    def test_bins_that_are_not_used_are_nan(self):
        run = make_run()
        run.mask_safe.data[0] = False
        found = ratio_spectrum(fitted(run))
        assert np.isnan([found.ratio[0], found.ratio_lo[0], found.ratio_hi[0], found.pull[0]]).all()
        assert np.isfinite(found.ratio[1:]).all()
        assert found.dof == 0
        assert np.isnan(found.p_value)


class TestSeveral:
    def test_sums_are_those_of_the_runs_and_of_their_stack(self):
        geom = make_geom(nbin=5)
        runs = [fitted(make_run(f"obs-{i}", geom, seed=i, norm=0.5 + 0.2 * i), mask=hole(geom)) for i in (1, 2, 3)]
        found, alone = ratio_spectrum(runs), [ratio_spectrum(run) for run in runs]
        np.testing.assert_allclose(found.counts, sum(one.counts for one in alone))
        np.testing.assert_allclose(found.npred, sum(one.npred for one in alone), rtol=1e-12)
        assert (found.n_runs, found.dof) == (3, 3)
        stack = MapDataset.create(geom)
        for run in runs:
            stack.stack(run)
        stacked = ratio_spectrum(stack)
        np.testing.assert_allclose(stacked.counts, found.counts)
        np.testing.assert_allclose(stacked.npred, found.npred, rtol=1e-5)
        assert stacked.dof == 3

    def test_deviance_of_sums_has_the_degrees_of_freedom_of_one_run(self):
        geom, rng = make_geom(nbin=5, width=0.6), np.random.default_rng(7)
        found = []
        for _ in range(40):
            runs = [fitted(make_run(f"obs-{i}", geom, seed=int(rng.integers(1e9)))) for i in (1, 2)]
            found.append(ratio_spectrum(runs))
        deviance = np.array([one.deviance for one in found])
        assert {one.dof for one in found} == {3}
        assert deviance.mean() == pytest.approx(3, abs=4 * np.sqrt(6 / 40))
        p_values = [one.p_value for one in found]
        assert 0.3 < np.mean(p_values) < 0.7

    def test_a_failed_run_adds_nothing(self):
        run, failed = fitted(make_run()), fitted(make_run("obs-2", seed=2))
        failed.mask_safe = Map.from_geom(failed.geom, dtype=bool)
        np.testing.assert_array_equal(ratio_spectrum([run, failed]).counts, ratio_spectrum(run).counts)

    def test_a_run_that_could_not_be_read_is_left_out(self):
        run = fitted(make_run())
        reason = BackgroundFit("obs-3", "none", "unreadable", "the file is broken")
        unread = MapDataset(mask_safe=Map.from_geom(run.geom, dtype=bool), background_fit=reason, name="obs-3")
        assert ratio_spectrum([run, unread]).n_runs == 1
        with pytest.raises(InvalidInputError, match="obs-3 is unreadable: the file is broken"):
            ratio_spectrum([unread])

    def test_another_energy_axis_is_refused(self):
        with pytest.raises(InvalidInputError, match=r"obs-2 has another energy axis \(4 bins\) than obs-1"):
            ratio_spectrum([make_run(), make_run("obs-2", make_geom(nbin=4))])

    def test_toys_of_a_sparse_stack(self):
        geom = make_geom(nbin=4, width=0.5, binsz=0.25)
        runs = [fitted(make_run(f"obs-{i}", geom, seed=i)) for i in (1, 2)]
        for run in runs:
            run.mask_safe.data[-1, 1:] = False
        found = ratio_spectrum(runs)
        assert found.goodness.method == "toys"
        assert 0.01 < found.p_value < 1


def test_chances_of_sparse_runs_that_were_not_fitted_are_uniform():
    geom, rng = make_geom(nbin=4, width=0.5, binsz=0.25), np.random.default_rng(8)
    background = Map.from_geom(geom, data=np.full(geom.data_shape, 0.5))
    found = []
    for _ in range(200):
        counts = Map.from_geom(geom, data=rng.poisson(background.data).astype(float))
        found.append(ratio_spectrum(MapDataset(counts=counts, background=background)).goodness)
    assert {(one.method, one.dof) for one in found} == {("toys", 4)}
    for level in (0.1, 0.5):
        assert np.mean([one.p_value < level for one in found]) == pytest.approx(level, abs=0.12)


def test_no_counts_at_all_have_a_chance():
    geom = make_geom(nbin=2, width=0.5, binsz=0.25)
    run = MapDataset(counts=Map.from_geom(geom), background=Map.from_geom(geom, data=np.ones(geom.data_shape) / 8))
    found = ratio_spectrum(run)
    assert found.deviance == pytest.approx(2)  # 2 P of each bin, P = 4 / 8
    assert found.p_value > 0.5
    np.testing.assert_array_equal(found.ratio, [0, 0])


def test_nothing_used_is_refused():
    run = make_run()
    run.mask_safe.data[...] = False
    with pytest.raises(InvalidInputError, match="widen the masks"):
        ratio_spectrum(run)


def test_the_records_print_in_a_few_lines():
    found = ratio_spectrum(fitted(make_run()))
    assert "deviance" in repr(found)
    assert found._repr_html_().startswith("<table><caption>RatioSpectrum</caption>")
    assert repr(found.goodness).startswith("Goodness")


@pytest.mark.parametrize("ask", [goodness, ratio_spectrum])
def test_runs_of_one_name_with_other_energy_bins_are_refused(ask):
    runs = [make_run("obs-1"), make_run("obs-1", geom=make_geom(nbin=4))]
    with pytest.raises(InvalidInputError, match=r"obs-1 has another energy axis \(4 bins\) than obs-1 \(3 bins\)"):
        ask(runs)
