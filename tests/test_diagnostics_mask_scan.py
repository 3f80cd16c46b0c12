"""The norm against the size of the exclusion mask."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from regions import CircleSkyRegion

from fovnb.data import RunInfo
from fovnb.datasets import MapDataset
from fovnb.diagnostics.mask_scan import mask_scan
from fovnb.errors import FovnbWarning, InvalidInputError, ModelError
from fovnb.makers import ExclusionMask, FoVBackgroundMaker
from fovnb.maps import Map
from fovnb.modeling.models import FoVBackgroundModel, PowerLawNormSpectralModel
from tests.datasets import make_geom, make_run
from tests.norms import power_law

SIZES = np.array([0, 0.1, 0.2, 0.3, 0.4]) * u.deg
GEOM = make_geom(width=2, binsz=0.05)
CENTER = GEOM.center_skydir


def circle(radius, geom=GEOM, center=None):
    return geom.region_mask(CircleSkyRegion(center or geom.center_skydir, radius * u.deg), inside=False)


def small(seed, source=0.0, per_pixel=0.5, sigma=0.1):
    """Return a run without responses, quick to make, with a source of so many counts at the map's centre."""
    rng = np.random.default_rng(seed)
    background = np.full(GEOM.data_shape, per_pixel) * np.array([1, 0.5, 0.25])[:, None, None]
    shape = np.exp(-0.5 * (GEOM.separation(CENTER).deg / sigma) ** 2)
    expected = background + source / 3 * shape / shape.sum()
    counts = rng.poisson(expected).astype(float)
    return MapDataset(
        counts=Map.from_geom(GEOM, data=counts), background=Map.from_geom(GEOM, data=background), name=f"obs-{seed}"
    )


class TestSums:
    @pytest.mark.parametrize("seed", [1, 2])
    def test_each_size_is_the_fit_outside_the_grown_circle(self, seed):
        run = make_run("obs-1", GEOM, seed=seed)
        run.mask_safe.data[:, :10] = False
        found = mask_scan(run, radii=SIZES, position=CENTER)
        for i, radius in enumerate(SIZES.value):
            mask = circle(radius) if radius else None
            fit = FoVBackgroundMaker("fit", spectral_model=power_law(), exclusion_mask=mask).run(run).background_fit
            values = dict(zip(fit.parameter_names, zip(fit.values, fit.errors, strict=True), strict=True))
            assert found.counts[0, i] == fit.counts.sum()
            assert found.background[0, i] == pytest.approx(fit.background.sum(), rel=1e-12)
            assert (found.norm[0, i], found.norm_err[0, i]) == pytest.approx(values["norm"], rel=1e-9)
            assert (found.tilt[0, i], found.tilt_err[0, i]) == pytest.approx(values["tilt"], rel=1e-9)

    def test_a_growing_mask_is_the_obvious_one(self):
        run, mask = make_run("obs-1", GEOM), circle(0.3)
        found = mask_scan(run, mask, grow=[-0.11, 0, 0.11, 0.23] * u.deg)
        x, y = np.meshgrid(*[np.arange(n) for n in GEOM.data_shape[:0:-1]])
        outside = mask.data[0]
        for i, growth in enumerate(found.rho):
            inner = outside if growth < 0 else ~outside
            near = np.zeros(outside.shape, dtype=bool)
            for j, k in zip(*np.nonzero(inner), strict=True):
                near |= 0.05 * np.hypot(x - k, y - j) <= abs(growth) + 0.025
            used = near if growth < 0 else ~near
            assert found.counts[0, i] == run.counts.data[:, used].sum()

    def test_the_given_mask_is_growth_0(self):
        geom = make_geom()
        run = FoVBackgroundMaker("fit", exclusion_mask=circle(0.3, geom), spectral_model=power_law()).run(
            make_run(geom=geom)
        )
        found, fit = mask_scan(run), run.background_fit
        at = found.rho.tolist().index(0)
        assert found.norm[0, at] == pytest.approx(fit.values[fit.parameter_names.index("norm")], rel=1e-9)
        assert found.counts[0, at] == fit.counts.sum()
        assert np.all(np.diff(found.counts[0]) <= 0)

    def test_it_is_the_growth_of_an_exclusion_mask_within_half_a_pixel(self):
        run = make_run("obs-1", GEOM)
        mask = ExclusionMask(CircleSkyRegion(CENTER, 0.3 * u.deg))
        found = mask_scan(run, mask, grow=[-0.1, 0, 0.1, 0.2] * u.deg)
        ends = [mask_scan(run, radii=(0.3 + found.rho) * u.deg + by, position=CENTER) for by in (-0.025, 0.025) * u.deg]
        assert np.all(ends[1].background <= found.background)
        assert np.all(found.background <= ends[0].background)

    def test_a_mask_that_depends_on_energy_grows_per_bin(self):
        run, mask = make_run("obs-1", GEOM), circle(0.3)
        mask.data[1] = True
        found = mask_scan(run, mask, grow=[0, 0.2] * u.deg, spectral_model=PowerLawNormSpectralModel())
        whole = mask_scan(run, circle(0.3), grow=[0, 0.2] * u.deg, spectral_model=PowerLawNormSpectralModel())
        np.testing.assert_allclose(
            np.diff(found.counts),
            np.diff(whole.counts) - np.diff([[run.counts.data[1, circle(r).data[0]].sum() for r in (0.3, 0.5)]]),
            atol=0.02 * run.counts.data[1].sum(),
        )

    def test_nothing_is_changed(self):
        run = make_run("obs-1", GEOM)
        before = run.counts.data.copy(), run.mask_safe.data.copy()
        mask_scan(run, circle(0.2))
        np.testing.assert_array_equal(run.counts.data, before[0])
        np.testing.assert_array_equal(run.mask_safe.data, before[1])


@pytest.fixture(scope="module")
def sound():
    return [mask_scan(small(seed), radii=SIZES, position=CENTER) for seed in range(80)]


class TestNestedErrors:
    def test_the_variance_of_a_difference_by_hand(self):
        # Norm only: Var n = n / B at the norm of the last sample.
        run = small(3)
        found = mask_scan(run, radii=SIZES, position=CENTER, spectral_model=PowerLawNormSpectralModel())
        n, b = found.norm[0, -1], found.background[0]
        np.testing.assert_allclose(found.difference_err[0] ** 2, n / b[-1] - n / b, rtol=1e-9, atol=1e-15)
        np.testing.assert_allclose(found.difference[0, :-1], found.norm[0, :-1] - n, rtol=1e-12)
        np.testing.assert_allclose(found.norm_pivot, found.norm, rtol=1e-12)
        assert np.isnan(found.pull[0, -1])

    def test_pulls_of_sound_runs_are_standard_normal(self, sound):
        pulls = np.array([scan.pull[0, :-1] for scan in sound])
        np.testing.assert_allclose(pulls.std(axis=0), 1, atol=0.28)  # 3.5 / sqrt(2 * 80)
        np.testing.assert_allclose(pulls.mean(axis=0), 0, atol=0.39)

    def test_norms_are_compared_where_the_tilt_does_not_matter(self):
        # Norm and tilt: with A = (1, -ln E/E0) the covariance is (A^T diag(n b) A)^-1 at the last fit.
        found, run = mask_scan(small(3), radii=SIZES, position=CENTER), small(3)
        energy = GEOM.axes["energy"].center.value
        outside = [run.background.data[:, GEOM.separation(CENTER).deg > rho].sum(axis=1) for rho in found.rho]
        fitted = found.norm[0, -1] * energy ** -found.tilt[0, -1]
        pivot = np.exp(np.average(np.log(energy), weights=fitted * outside[-1]))
        assert found.energy_pivot[0] == pytest.approx(pivot, rel=1e-9)
        np.testing.assert_allclose(found.norm_pivot, found.norm * pivot**-found.tilt, rtol=1e-9)
        design, here = np.stack([np.ones(3), -np.log(energy)], axis=1), np.array([1, -np.log(pivot)])
        variance = [here @ np.linalg.inv((design.T * fitted * b) @ design) @ here for b in outside]
        expected = np.sqrt(variance[-1] - np.array(variance)) * found.norm_pivot[0, -1]
        np.testing.assert_allclose(found.difference_err[0, :-1], expected[:-1], rtol=1e-6)

    def test_independent_samples_would_not_do(self, sound):
        naive = [(scan.difference / np.hypot(scan.norm_err, scan.norm_err[:, -1:]))[0, :-1] for scan in sound]
        assert np.std(naive) < 0.5


class TestVerdict:
    def test_sound_runs_are_flat(self, sound):
        assert sum(scan.flat for scan in sound) >= 78

    def test_a_source_is_seen_until_the_circle_covers_it(self):
        found = mask_scan([small(seed, source=200) for seed in range(4)], radii=SIZES, position=CENTER)
        assert not found.flat
        assert found.differs[:2].all()
        assert found.safe_from in (0.2, 0.3)
        assert "the norm depends on the mask: largest difference +" in found.verdict
        assert "flat from 0." in found.verdict

    def test_a_mask_that_is_too_small_is_not_flat_and_one_that_is_large_enough_is(self):
        runs = [small(seed, source=200) for seed in range(4)]
        assert not mask_scan(runs, circle(0.08)).flat
        sound = mask_scan(runs, circle(0.35))
        assert sound.flat
        assert sound.verdict.startswith("the norm is flat")

    def test_a_hole_is_as_odd_as_a_source(self):
        run = small(1, per_pixel=3.0)
        run.counts.data[:, ~circle(0.2).data[0]] = 0
        assert not mask_scan(run, radii=SIZES, position=CENTER).flat

    def test_many_runs_see_what_one_does_not(self):
        runs = [small(seed, source=40) for seed in range(20)]
        assert np.median([mask_scan(run, radii=SIZES, position=CENTER).flat for run in runs]) == 1
        assert not mask_scan(runs, radii=SIZES, position=CENTER).flat


class TestModels:
    def test_the_fitted_gain_does_not_matter(self):
        run = small(5)
        run.models = FoVBackgroundModel(run.name, PowerLawNormSpectralModel(norm=3.0))
        alone = mask_scan(small(5), radii=SIZES, position=CENTER, spectral_model=PowerLawNormSpectralModel())
        found = mask_scan(run, radii=SIZES, position=CENTER)
        np.testing.assert_allclose(found.norm, alone.norm, rtol=1e-9)
        np.testing.assert_allclose(found.background, alone.background, rtol=1e-9)
        np.testing.assert_array_equal(found.tilt_err, np.zeros((1, 5)))

    def test_a_size_that_leaves_nothing_is_nan(self):
        found = mask_scan(small(5), radii=[0, 0.5, 3] * u.deg, position=CENTER)
        assert np.isnan(found.norm[0]).tolist() == [False, False, True]
        assert np.isfinite(found.difference[0, 0])
        assert found.counts[0, 2] == 0

    def test_runs_that_failed_and_those_without_a_mask_do_not_spoil_the_others(self):
        fitted = FoVBackgroundMaker("fit", spectral_model=power_law(), exclusion_mask=circle(0.3)).run(small(5))
        with pytest.warns(FovnbWarning, match="too-few-counts"):
            failed = FoVBackgroundMaker("fit", min_counts=1e9, exclusion_mask=circle(0.3)).run(small(6))
        found = mask_scan([fitted, failed, small(7)])
        assert found.norm.shape == (2, len(found.rho))
        np.testing.assert_array_equal(found.norm[0], mask_scan(fitted).norm[0])
        np.testing.assert_allclose(found.joint_pull, mask_scan(fitted).joint_pull)
        assert np.isnan(found.pull[1]).all()
        with pytest.raises(InvalidInputError, match=r"no datasets to diagnose \(obs-6 is too-few-counts"):
            mask_scan(failed)

    def test_a_scan_outside_the_field_says_that_it_compares_nothing(self):
        found = mask_scan(small(5), radii=SIZES, position=SkyCoord(0, 0, unit="deg"))
        assert found.verdict == "nothing to compare: the same pixels are used at every radius"
        assert found.flat

    def test_runs_keep_their_numbers(self):
        run = small(5).replace(run_info=RunInfo(5))
        assert mask_scan([run, small(6)], radii=SIZES, position=CENTER).obs_ids == (5, -1)

    def test_sizes_are_sorted(self):
        found = mask_scan(small(5), radii=["0.3 deg", "0 deg", "6 arcmin"], position=CENTER)
        np.testing.assert_allclose(found.rho, [0, 0.1, 0.3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no mask to grow: it excludes nothing of any run"),
        ({"radii": SIZES}, "radii and position belong together"),
        ({"position": CENTER}, "radii and position belong together"),
        ({"radii": [0.1] * u.deg, "position": CENTER}, "expected two or more finite angles"),
        ({"radii": [-0.1, 0.1] * u.deg, "position": CENTER}, "radii not negative"),
        ({"radii": [0.1, np.nan] * u.deg, "position": CENTER}, "finite"),
        ({"radii": [1, 2] * u.TeV, "position": CENTER}, "expected angles"),
        ({"radii": SIZES, "position": CENTER, "spectral_model": "frozen"}, "free parameter"),
    ],
)
def test_what_cannot_be_scanned_is_refused(arguments, message):
    if "spectral_model" in arguments:
        arguments = arguments | {"spectral_model": PowerLawNormSpectralModel()}
        arguments["spectral_model"].freeze()
    with pytest.raises((InvalidInputError, ModelError), match=message):
        mask_scan(small(1), **arguments)


def test_the_record_gives_its_verdict():
    found = mask_scan(small(1), radii=SIZES, position=CENTER)
    assert "verdict : the norm is flat" in repr(found)
    assert found._repr_html_().startswith("<table><caption>MaskScan</caption>")
