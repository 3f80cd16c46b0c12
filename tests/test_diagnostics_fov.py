import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.diagnostics import cash_significance, fov_residuals
from fovnb.errors import InvalidInputError
from fovnb.maps import Map
from tests.fields import POINTING, field_geom, make_field

PLACE = {"mid_mjd": 53334.0, "geolon_deg": 16.5, "geolat_deg": -23.27, "height_m": 1835.0}


def one_count_at(position, **info):
    """Return a run whose only count is at a sky position."""
    geom = field_geom(binsz=0.02)
    run = make_field(geom, counts=np.zeros(geom.data_shape), **info)
    column, row = geom.to_image().coord_to_idx({"skycoord": position})
    run.counts.data[0, row, column] = 1
    return run


def bin_of(found):
    """Return the middle (x, y) of the bin with the count."""
    row, column = np.argwhere(found.counts == 1)[0]
    return found.x_edges[column] + 0.125, found.y_edges[row] + 0.125


def test_sums_equal_those_of_a_loop_over_the_pixels():
    run = make_field()
    run.mask_safe.data[1, :, :20] = False
    found = fov_residuals(run, binsz="0.5 deg")
    x, y = run.geom.sky.fov_lonlat_deg(*POINTING)
    counts = np.zeros((8, 8))
    for k, i, j in np.argwhere(run.mask_safe.data):
        counts[int(np.floor(y[i, j] / 0.5)) + 4, int(np.floor(x[i, j] / 0.5)) + 4] += run.counts.data[k, i, j]
    np.testing.assert_allclose(found.counts, counts)
    np.testing.assert_allclose(found.x_edges, np.arange(-2, 2.1, 0.5))
    assert found.npred.sum() == pytest.approx(run.background.data[run.mask_safe.data].sum())


def test_ratio_and_pull_are_their_formulas_and_need_five_predicted_counts():
    found = fov_residuals(make_field(), binsz="0.3 deg")
    enough = found.npred > 5
    assert 0 < np.count_nonzero(enough) < enough.size
    counts, npred = found.counts[enough], found.npred[enough]
    np.testing.assert_allclose(found.ratio[enough], counts / npred)
    np.testing.assert_allclose(found.pull[enough], cash_significance(counts, npred))
    assert np.isnan(found.ratio[~enough]).all()
    assert np.isnan(found.pull[~enough]).all()


@pytest.mark.parametrize(("angle", "expected"), [(270, (0.875, 0.125)), (0, (0.125, 0.875)), (90, (-0.875, 0.125))])
def test_x_grows_towards_smaller_right_ascension_and_y_towards_north(angle, expected):
    pointing = SkyCoord(*POINTING, unit="deg")
    position = pointing.directional_offset_by(angle * u.deg, 0.85 * u.deg)
    shifted = position.directional_offset_by((0 if angle else 270) * u.deg, 0.1 * u.deg)
    assert bin_of(fov_residuals(one_count_at(shifted))) == pytest.approx(expected)


def test_altaz_aligned_y_grows_towards_the_zenith():
    pointing = SkyCoord(*POINTING, unit="deg")
    angle = make_field(**PLACE).run_info.rotation_deg
    above = pointing.directional_offset_by((angle + 5) * u.deg, 0.9 * u.deg)
    found = fov_residuals(one_count_at(above, **PLACE), "ALTAZ")
    x, y = bin_of(found)
    assert (abs(x), y) == (0.125, 0.875)
    assert found.alignment == "ALTAZ"
    assert bin_of(fov_residuals(one_count_at(above, **PLACE))) != (x, y)


def test_runs_are_summed_in_the_camera_and_not_on_the_sky():
    other = (84.43, 22.31)
    wide = make_field(pointing=other, obs_id=2, offset_max=1.0, seed=2)
    found = fov_residuals([make_field(), wide])
    alone = [fov_residuals(run) for run in (make_field(), wide)]
    assert found.counts.shape == alone[0].counts.shape > alone[1].counts.shape
    inner = slice(4, -4)
    np.testing.assert_allclose(found.counts[inner, inner], alone[0].counts[inner, inner] + alone[1].counts)
    np.testing.assert_allclose(found.npred.sum(), alone[0].npred.sum() + alone[1].npred.sum())
    assert found.obs_ids == (1, 2)


def test_a_failed_run_adds_nothing():
    failed = make_field(obs_id=2)
    failed.mask_safe.data[...] = False
    found = fov_residuals([make_field(), failed])
    np.testing.assert_array_equal(found.counts, fov_residuals(make_field()).counts)
    assert found.obs_ids == (1,)


def test_the_fit_mask_and_the_exclusion_mask_leave_pixels_out():
    run = make_field()
    mask = np.ones(run.data_shape, dtype=bool)
    mask[:, 18:22, 18:22] = False
    expected = run.counts.data[run.mask_safe.data & mask].sum()
    exclusion = Map.from_geom(run.geom, data=mask)
    assert expected < run.counts.data[run.mask_safe.data].sum()
    assert fov_residuals(run, exclusion_mask=exclusion).counts.sum() == expected
    assert fov_residuals(run.replace(mask_exclusion=exclusion)).counts.sum() == expected
    assert fov_residuals(run.replace(mask_fit=exclusion)).counts.sum() == expected
    everything = Map.from_geom(run.geom, data=np.ones_like(mask))
    over = fov_residuals(run.replace(mask_exclusion=exclusion), exclusion_mask=everything)
    assert over.counts.sum() == run.counts.data[run.mask_safe.data].sum()


def test_a_stack_has_no_pointing():
    with pytest.raises(InvalidInputError, match="has no pointing of its own; expected a single run"):
        fov_residuals(make_field().replace(run_info=None, name="stacked"))


@pytest.mark.parametrize("binsz", ["0 deg", "-1 deg", "1 TeV"])
def test_a_bin_size_that_is_no_angle_is_refused(binsz):
    with pytest.raises(InvalidInputError, match=r"the bin size is .* expected an angle"):
        fov_residuals(make_field(), binsz=binsz)


def test_a_field_without_zenith_and_an_unknown_alignment_are_refused():
    with pytest.raises(InvalidInputError, match="does not know where the zenith was"):
        fov_residuals(make_field(), "ALTAZ")
    with pytest.raises(InvalidInputError, match="expected 'RADEC' or 'ALTAZ'"):
        fov_residuals(make_field(), "radec")


def test_the_record_prints_in_a_few_lines():
    found = fov_residuals(make_field())
    assert repr(found).splitlines()[0] == "FovResiduals"
    assert "largest pull" in found._repr_html_()
    assert "no bin predicts more than 5 counts" in repr(fov_residuals(make_field(), binsz="0.1 deg"))
