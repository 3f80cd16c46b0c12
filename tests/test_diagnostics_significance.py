import numpy as np
import pytest
from astropy import units as u

from fovnb.datasets import MapDataset
from fovnb.diagnostics import cash_significance, significance_histogram
from fovnb.diagnostics.discs import make_fields, poisson_toys
from fovnb.diagnostics.pixels import used_runs
from fovnb.errors import InvalidInputError
from fovnb.maps import Map
from tests.fields import expected_counts, field_geom, make_field

GEOM = field_geom(binsz=0.1, nbin=3)


def quiet(per_deg2=300.0, seed=1, geom=GEOM, **kwargs):
    """Return a run whose counts follow its background."""
    return make_field(geom, background=expected_counts(geom, per_deg2), seed=seed, **kwargs)


def slow(run, radius, bins):
    """Return the significance around each used pixel, each from its own loop over the sky."""
    used = run.mask_safe.data[bins]
    centers = run.geom.to_image().get_coord().skycoord
    counts, npred = (np.where(used, part.data[bins], 0).sum(axis=0) for part in (run.counts, run.background))
    near = [centers.separation(centers[i, j]).deg <= radius for i, j in np.argwhere(used.any(axis=0))]
    return cash_significance(*(np.array([image[disc].sum() for disc in near]) for image in (counts, npred)))


def test_the_histogram_is_that_of_the_slow_significances_of_used_pixels():
    geom = field_geom(binsz=0.1, width=1.4, nbin=3)
    run = quiet(geom=geom, offset_max=0.6)
    run.mask_safe.data[0, :4] = False
    run.counts.data[~run.mask_safe.data] = 1000  # what is masked must not matter
    found = significance_histogram(run, radius="0.22 deg")
    edges = geom.axes["energy"].edges.to_value("TeV")
    np.testing.assert_allclose(found.band_edges, [edges[[0, 3]], edges[[0, 1]], edges[[1, 2]], edges[[2, 3]]])
    for band, bins in enumerate((slice(0, 3), slice(0, 1), slice(1, 2), slice(2, 3))):
        s = slow(run, 0.22, bins)
        np.testing.assert_array_equal(found.counts[band], np.histogram(s, found.edges)[0])
        assert found.mean[band] == pytest.approx(s.mean())
        assert found.std[band] == pytest.approx(s.std())
        assert found.above3[band] == np.mean(s > 3)
    assert found.obs_ids == (1,)


def test_fine_pixels_are_grouped_to_cells_without_losing_counts():
    geom = field_geom(binsz=0.02, width=1.5)
    run = quiet(geom=geom, offset_max=0.7)
    _, (field,) = make_fields(used_runs(run), np.array([1.0, 10.0]), 0.2)
    assert len(field.counts) < np.count_nonzero(run.mask_safe.data[0]) / 10
    assert field.counts.sum() == run.counts.data[run.mask_safe.data].sum()
    assert field.area(slice(0, 1)) == pytest.approx(geom.sky.solid_angle_sr[run.mask_safe.data[0]].sum())
    in_the_middle = field.discs.sum(axis=1) == field.discs.sum(axis=1).max()
    area = field.discs.sum(axis=1)[in_the_middle] * 0.08**2
    np.testing.assert_allclose(area, np.pi * 0.2**2, rtol=0.1)


def test_the_number_of_independent_discs_is_the_area_over_that_of_a_disc():
    found = significance_histogram(quiet(), radius="0.2 deg")
    np.testing.assert_allclose(found.cells, (1.9 / 0.2) ** 2, rtol=0.02)


def test_quiet_fields_are_as_wide_as_their_toys():
    found = [significance_histogram(quiet(seed=seed), radius="0.2 deg", toys=60) for seed in range(60)]
    z = np.array([f.std_z for f in found])
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=3.5 / 60**0.5)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=3.5 / 120**0.5)
    inside = [
        np.mean((f.counts >= f.toy_bands[:, 0]) & (f.counts <= f.toy_bands[:, 3])) for f in found
    ]  # discrete counts: somewhat more than 95 %
    assert 0.94 < np.mean(inside) < 1


def test_few_counts_have_a_mean_below_zero_as_the_toys_have():
    found = significance_histogram(quiet(per_deg2=25), radius="0.2 deg", toys=200)
    assert found.toy_mean[0].mean() < -0.1
    assert abs(found.mean[0] - found.toy_mean[0].mean()) < 3 * found.toy_mean[0].std()


def test_toys_have_the_norm_fitted_again():
    run = quiet(per_deg2=4000)
    toys = significance_histogram(run, radius="0.2 deg").toy_mean[0]
    # Without the fit the mean would scatter as the total of counts does, sqrt(N) a toy: 0.1 sigma a disc.
    assert toys.std() < 0.03


def test_a_source_outside_the_mask_widens_the_distribution():
    run = quiet()
    run.counts.data[:, 24:27, 24:27] += 5
    seen = significance_histogram(run, radius="0.2 deg")
    assert seen.std_z[0] > 5
    assert seen.above3[0] > 0.01
    mask = np.ones(GEOM.data_shape, dtype=bool)
    mask[:, 24:27, 24:27] = False
    exclusion = Map.from_geom(GEOM, data=mask)
    assert abs(significance_histogram(run, radius="0.2 deg", exclusion_mask=exclusion).std_z[0]) < 3
    assert abs(significance_histogram(run.replace(mask_exclusion=exclusion), radius="0.2 deg").std_z[0]) < 3


def test_the_gaussian_is_that_of_the_core():
    run = quiet(per_deg2=20_000)
    run.counts.data[:, 24:27, 24:27] *= 3
    found = significance_histogram(run, radius="0.1 deg")
    assert found.std[0] > 1.5
    assert found.fit_std[0] == pytest.approx(1, abs=0.1)
    assert found.fit_mean[0] == pytest.approx(0, abs=0.15)


def test_runs_on_one_geometry_are_summed():
    runs = [quiet(seed=i, obs_id=i) for i in (1, 2)]
    runs[1].mask_safe.data[:, :10] = False
    total = quiet()
    for part in ("counts", "background"):
        getattr(total, part).data = sum(np.where(r.mask_safe.data, getattr(r, part).data, 0) for r in runs)
    found, expected = (significance_histogram(d, radius="0.2 deg") for d in (runs, total))
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.toy_std, expected.toy_std)
    assert found.obs_ids == (1, 2)


def test_runs_on_other_geometries_are_pooled():
    other = field_geom(binsz=0.1, nbin=3, skydir=(100, -10))
    runs = [quiet(), quiet(geom=other, pointing=(100, -10), obs_id=2)]
    found = significance_histogram(runs, radius="0.2 deg")
    alone = [significance_histogram(run, radius="0.2 deg") for run in runs]
    np.testing.assert_array_equal(found.counts, alone[0].counts + alone[1].counts)
    np.testing.assert_allclose(found.cells, alone[0].cells + alone[1].cells)
    discs = np.array([a.counts.sum(axis=1) for a in alone])
    np.testing.assert_allclose(found.mean, np.average([a.mean for a in alone], axis=0, weights=discs))


def test_a_stack_needs_no_pointing():
    run = quiet()
    found = significance_histogram(run.replace(run_info=None, name="stacked"), radius="0.2 deg")
    np.testing.assert_array_equal(found.counts, significance_histogram(run, radius="0.2 deg").counts)


def test_the_same_seed_gives_the_same_toys_and_changes_nothing():
    run = quiet()
    before = {name: getattr(run, name).data.copy() for name in ("counts", "background", "mask_safe")}
    first, second, other = (
        significance_histogram(run, toys=5, rng=np.random.default_rng(seed)).toy_std for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    for name, data in before.items():
        np.testing.assert_array_equal(getattr(run, name).data, data)


def test_given_edges_are_the_bands():
    edges = GEOM.axes["energy"].edges
    found = significance_histogram(quiet(), edges[[0, 2]], radius="0.2 deg")
    np.testing.assert_allclose(found.band_edges, [edges[[0, 2]].to_value("TeV")])
    assert found.counts.shape == (1, 64)
    assert found.toy_bands.shape == (1, 4, 64)
    whole = significance_histogram(quiet(), [1, 10] * u.TeV, radius="0.2 deg")
    default = significance_histogram(quiet(), radius="0.2 deg")
    np.testing.assert_array_equal(whole.counts[0], default.counts[0])


def test_a_band_without_used_pixels_is_nan():
    run = quiet()
    run.mask_safe.data[2] = False
    found = significance_histogram(run, GEOM.axes["energy"].edges, radius="0.2 deg")
    assert found.counts[2].sum() == 0
    assert np.isnan([found.mean[2], found.std[2], found.above3[2], found.std_z[2], found.fit_std[2]]).all()
    assert np.isfinite(found.std_z[:2]).all()
    assert len(significance_histogram(run, radius="0.2 deg").band_edges) == 3  # all, and the two bins that are used


@pytest.mark.parametrize("expected", [0.3, 7.0])
def test_toys_are_poisson(expected):
    toys = poisson_toys(np.full((400, 2), expected), 500, np.random.default_rng(1)).astype(float)
    assert toys.shape == (400, 2, 500)
    n = toys.size
    assert toys.mean() == pytest.approx(expected, abs=4 * (expected / n) ** 0.5)
    assert toys.var() == pytest.approx(expected, abs=4 * (expected + 2 * expected**2) ** 0.5 / n**0.5)
    assert np.var(toys.sum(axis=(0, 1))) == pytest.approx(800 * expected, rel=4 * (2 / 500) ** 0.5)
    assert abs(np.corrcoef(toys[0, 0], toys[1, 0])[0, 1]) < 4 / 500**0.5


@pytest.mark.parametrize("edges", [[1, 3], [3, 1] * u.TeV, [3] * u.TeV, [1, 2] * u.m])
def test_edges_that_are_none_are_refused(edges):
    with pytest.raises(InvalidInputError, match="the energy edges are"):
        significance_histogram(quiet(), edges)


def test_other_bad_arguments_are_refused():
    with pytest.raises(InvalidInputError, match=r"no used pixel has an energy bin with its centre in 20 - 30 TeV"):
        significance_histogram(quiet(), [20, 30] * u.TeV)
    with pytest.raises(InvalidInputError, match="toys is 1; expected a whole number above 1"):
        significance_histogram(quiet(), toys=1)
    with pytest.raises(InvalidInputError, match="the radius is"):
        significance_histogram(quiet(), radius="0 deg")
    failed = quiet()
    failed.mask_safe.data[...] = False
    with pytest.raises(InvalidInputError, match="no pixel of obs-1 is inside"):
        significance_histogram(failed)


def test_a_field_of_one_pixel_has_no_width_to_compare():
    geom = field_geom(binsz=0.1, nbin=1)
    run = MapDataset.create(geom)
    run.counts.data[0, 5, 5] = run.background.data[0, 5, 5] = 3
    run.mask_safe.data[0, 5, 5] = True
    found = significance_histogram(run, toys=10)
    assert (found.counts.sum(), found.mean[0], found.std[0]) == (1, 0, 0)
    assert np.isnan(found.std_z[0])
    assert np.isnan(found.fit_std[0])


def test_the_record_prints_in_a_few_lines():
    found = significance_histogram(quiet(), toys=5)
    assert repr(found).splitlines()[0] == "SignificanceHistogram"
    assert "independent discs" in found._repr_html_()
