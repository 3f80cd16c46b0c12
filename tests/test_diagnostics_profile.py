import numpy as np
import pytest

from fovnb.diagnostics import cash_significance, radial_profile
from fovnb.errors import InvalidInputError
from tests.fields import POINTING, expected_counts, field_geom, make_field


def test_rings_have_equal_solid_angles():
    found = radial_profile(make_field(), n_rings=5, offset_max="1.5 deg")
    np.testing.assert_allclose(np.diff(np.cos(np.deg2rad(found.offset_edges))), (np.cos(np.deg2rad(1.5)) - 1) / 5)
    assert found.offset_edges[0] == 0
    assert found.offset_edges[-1] == pytest.approx(1.5)


def test_sums_equal_those_of_a_loop_over_the_rings():
    run = make_field()
    run.mask_safe.data[1, :, :15] = False
    found = radial_profile(run, n_rings=6, offset_max="1.5 deg")
    offset, used = run.geom.sky.offset_deg(*POINTING), run.mask_safe.data
    for j, (low, high) in enumerate(zip(found.offset_edges[:-1], found.offset_edges[1:], strict=True)):
        ring = used & (offset >= low) & (offset < high)
        assert found.counts[j] == run.counts.data[ring].sum()
        assert found.npred[j] == pytest.approx(run.background.data[ring].sum())


def test_the_outermost_ring_ends_at_the_last_used_pixel():
    run = make_field()
    found = radial_profile(run)
    offset = run.geom.sky.offset_deg(*POINTING)
    assert found.offset_edges[-1] == pytest.approx(offset[run.mask_safe.data.any(axis=0)].max())
    assert found.counts.sum() == run.counts.data[run.mask_safe.data].sum()


def test_ratio_interval_and_pull_by_hand():
    geom = field_geom(binsz=1.0, width=2.0, nbin=1)
    run = make_field(geom, counts=np.ones(geom.data_shape), background=np.full(geom.data_shape, 2.0))
    found = radial_profile(run, n_rings=1)
    assert (found.counts[0], found.npred[0], found.ratio[0]) == (4, 8, 0.5)
    # Garwood's 68.27 % interval of 4 counts is 2.0857 - 7.1628.
    assert (8 * found.ratio_lo[0], 8 * found.ratio_hi[0]) == pytest.approx((2.0857, 7.1628), abs=1e-3)
    assert found.pull[0] == cash_significance(np.array([4.0]), np.array([8.0]))[0]
    assert np.isnan([found.slope, found.slope_err, found.z]).all()


def test_a_known_slope_is_found_with_its_sign():
    geom = field_geom()
    truth = expected_counts(geom, per_deg2=5000)
    offset2 = geom.sky.offset_deg(*POINTING) ** 2
    for slope in (-0.1, 0.1):
        found = radial_profile(make_field(geom, counts=truth * (1 + slope * offset2), background=truth), n_rings=12)
        assert found.slope == pytest.approx(slope, rel=0.01)
        assert abs(found.z) > 5


def test_the_pull_of_the_slope_is_normal_over_seeds():
    geom = field_geom(binsz=0.2)
    truth = expected_counts(geom, per_deg2=150)
    z = [radial_profile(make_field(geom, background=truth, seed=seed)).z for seed in range(200)]
    assert np.mean(z) == pytest.approx(0, abs=3 / 200**0.5)
    assert np.std(z) == pytest.approx(1, abs=3 / 400**0.5)


def test_runs_are_summed_around_their_own_pointings():
    runs = [make_field(), make_field(pointing=(84.43, 22.31), obs_id=2, offset_max=1.0, seed=2)]
    found, first, second = (radial_profile(r, n_rings=4, offset_max="1 deg") for r in (runs, *runs))
    np.testing.assert_allclose(found.counts, first.counts + second.counts)
    assert found.obs_ids == (1, 2)


@pytest.mark.parametrize("n_rings", [0, -1, 2.5])
def test_a_number_of_rings_that_is_none_is_refused(n_rings):
    with pytest.raises(InvalidInputError, match="expected a whole number above 0"):
        radial_profile(make_field(), n_rings)


def test_bad_offsets_and_stacks_are_refused():
    with pytest.raises(InvalidInputError, match=r"the offset is .* expected an angle"):
        radial_profile(make_field(), offset_max="0 deg")
    with pytest.raises(InvalidInputError, match="no pointing of its own"):
        radial_profile(make_field().replace(run_info=None))


def test_the_record_prints_in_a_few_lines():
    found = radial_profile(make_field())
    assert repr(found).splitlines()[0] == "RadialProfile"
    assert "slope in offset2" in found._repr_html_()
