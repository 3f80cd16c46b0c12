"""Interpolation between pixel centres, and from one geometry to another."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.maps.interpolate import interpolate

ENERGY = MapAxis.from_energy_edges([1, 2, 4, 8], unit="TeV")
GEOM = WcsGeom.create(skydir=(83, 22), npix=(20, 16), binsz=0.1)


def plane(geom: WcsGeom) -> Map:
    """Return a map that is linear in the pixels, 1 + 2 x + 3 y, and in the bins of the axis, + 5 k."""
    idx = np.indices(geom.data_shape)[::-1]
    return Map(geom, data=1.0 + 2 * idx[0] + 3 * idx[1] + (5 * idx[2] if len(idx) > 2 else 0))


@given(st.lists(st.floats(-5, 25), min_size=3, max_size=3))
@settings(max_examples=50, deadline=None)
def test_linear_interpolation_is_exact_on_a_plane_inside_and_outside(pixel):
    x, y, k = pixel
    value = plane(GEOM.to_cube([ENERGY])).interp_by_pix((np.array([x]), np.array([y]), np.array([k])))
    assert value[0] == pytest.approx(1 + 2 * x + 3 * y + 5 * k, abs=1e-6)


@given(st.lists(st.tuples(st.floats(-2, 4), st.floats(-2, 3)), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_both_methods_agree_with_loops_over_points(points):
    data = np.random.default_rng(2).random((3, 4))
    y, x = np.array([p[1] for p in points]), np.array([p[0] for p in points])

    def linear(row: np.ndarray, p: float) -> float:
        i = min(max(int(np.floor(p)), 0), len(row) - 2)
        return float(row[i] + (p - i) * (row[i + 1] - row[i]))

    expected = [linear(np.array([linear(row, a) for row in data]), b) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(interpolate(data, [y, x]), expected, atol=1e-8)
    clear = (abs(x % 1 - 0.5) > 1e-6) & (abs(y % 1 - 0.5) > 1e-6)
    nearest = data[np.clip(np.rint(y), 0, 2).astype(int), np.clip(np.rint(x), 0, 3).astype(int)]
    assert np.array_equal(interpolate(data, [y, x], "nearest")[clear], nearest[clear])


def test_nearest_halves_go_down_and_nan_stays_nan():
    data, pixel = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.5, 1.500001, np.nan, -9, 9])
    assert interpolate(data, [pixel], "nearest").tolist()[:3] == [1, 2, 4]
    for method in ("nearest", "linear"):
        assert np.isnan(interpolate(data, [pixel], method)).tolist() == [False] * 3 + [True] + [False] * 2


def test_what_is_not_finite_counts_as_zero_and_one_pixel_is_constant():
    assert interpolate(np.array([np.nan, 4.0, np.inf]), [np.array([0.5, 1.5])]).tolist() == [2, 2]
    assert interpolate(np.array([[7.0]]), [np.array([3.0]), np.array([np.nan])]).tolist() == [7]


def test_scales_are_exact_for_power_laws_and_squares():
    pixel = np.array([0.25, 1.5])
    np.testing.assert_allclose(interpolate(10.0 ** np.arange(3), [pixel], scale="log"), 10**pixel)
    np.testing.assert_allclose(interpolate(np.arange(3.0) ** 2, [pixel], scale="sqrt"), pixel**2)
    assert interpolate(np.zeros(2), [np.array([0.5])], scale="log")[0] == 0


def test_pixel_arrays_broadcast():
    data = np.random.default_rng(3).random((4, 5, 6))
    k, y, x = np.array([0.5, 2.5])[:, None, None], np.array([[0.2], [3.3]]), np.array([[1.1, 2.2, 4.9]])
    full = interpolate(data, np.broadcast_arrays(k, y, x))
    np.testing.assert_allclose(interpolate(data, [k, y, x]), full)
    assert full.shape == (2, 2, 3)


@pytest.mark.parametrize("bad", [{"method": "cubic"}, {"values_scale": "parrot"}])
def test_unknown_methods_and_scales_are_refused(bad):
    with pytest.raises(InvalidInputError, match="choose"):
        plane(GEOM).interp_by_pix((np.array([1.0]), np.array([1.0])), **bad)


def test_outside_stands_the_fill_value():
    pixel = (np.array([-0.4, -0.6, 19.4, 19.6]), np.full(4, 3.0))
    assert (plane(GEOM).interp_by_pix(pixel, fill_value=-1) == -1).tolist() == [False, True, False, True]
    assert not (plane(GEOM).interp_by_pix(pixel) == -1).any()


def test_a_map_on_its_own_geometry_is_itself():
    cube = plane(GEOM.to_cube([ENERGY]))
    assert np.array_equal(cube.interp_to_geom(cube.geom).data, cube.data)
    np.testing.assert_allclose(cube.interp_to_geom(cube.geom, preserve_counts=True).data, cube.data, rtol=1e-14)


def test_a_shifted_grid_takes_the_same_sky_pixels():
    m = plane(GEOM)
    part = GEOM.cutout(SkyCoord(83.4, 22.3, unit="deg"), 1 * u.deg)
    assert np.array_equal(m.interp_to_geom(part).data, m.cutout(SkyCoord(83.4, 22.3, unit="deg"), 1 * u.deg).data)
    back = m.interp_to_geom(part).interp_to_geom(GEOM, fill_value=-1)
    assert np.array_equal(back.data[back.data != -1], m.interp_to_geom(part).data.ravel())
    assert (back.data == -1).sum() == m.data.size - part.data_shape[0] * part.data_shape[1]


@pytest.mark.parametrize("frame", ["icrs", "galactic"])
@pytest.mark.parametrize("other", ["icrs", "galactic"])
def test_a_mask_takes_the_nearest_pixel_of_any_frame_and_binning(frame, other):
    centre = SkyCoord(83, 22, unit="deg")
    beside = SkyCoord(83.013, 22.021, unit="deg")  # no centre of one lies on an edge of the other
    source = WcsGeom.create(skydir=beside, npix=(30, 24), binsz=0.07, frame=frame, proj="TAN")
    target = WcsGeom.create(skydir=centre, npix=(25, 31), binsz=0.11, frame=other, axes=[ENERGY])
    mask = Map(source, data=np.random.default_rng(4).random((24, 30)) < 0.5)
    for fill in (False, True):
        result = mask.interp_to_geom(target, fill_value=fill)
        sky = target.to_image().get_coord().skycoord
        x, y = (np.rint(p).astype(int) for p in sky.to_pixel(source.wcs))
        covered = (x >= 0) & (x < 30) & (y >= 0) & (y < 24)
        expected = np.full(target.data_shape[1:], fill)
        expected[covered] = mask.data[y[covered], x[covered]]
        assert 0 < covered.sum() < covered.size
        assert result.is_mask
        assert result.data.shape == target.data_shape
        assert all(np.array_equal(image, expected) for image in result.data)


def test_a_mask_in_energy_is_matched_by_axis_name():
    rad = MapAxis.from_edges([0, 1, 2], name="rad", unit="deg")
    mask = Map(GEOM.to_cube([ENERGY]), data=np.array([True, False, True])[:, None, None])
    fine = GEOM.to_cube([rad, MapAxis.from_energy_edges([0.5, 1, 2, 3, 4, 8, 9], unit="TeV")])
    result = mask.interp_to_geom(fine).data
    assert result.shape[:2] == (6, 2)
    assert result[:, :, 0, 0].tolist() == [[k] * 2 for k in (False, True, False, False, True, False)]
    with pytest.raises(GeometryError, match="energy"):
        mask.interp_to_geom(GEOM.to_cube([rad]))


def test_counts_are_kept_on_other_pixels_and_densities_are_not():
    counts = Map(GEOM, data=4.0)
    fine = GEOM.upsample(2)
    assert counts.interp_to_geom(fine, preserve_counts=True).data.sum() == pytest.approx(counts.data.sum(), rel=1e-6)
    assert (counts.interp_to_geom(fine).data == 4).all()
    other = MapAxis.from_energy_edges([1, 2, 4, 9], unit="TeV")
    with pytest.raises(GeometryError, match="first axis"):
        plane(GEOM.to_cube([ENERGY])).interp_to_geom(GEOM.to_cube([other]), preserve_counts=True)


def test_a_mirrored_frame_would_be_noticed():
    m = plane(GEOM)
    sky = GEOM.get_coord().skycoord
    np.testing.assert_allclose(m.interp_by_coord({"skycoord": sky.galactic}), m.data, atol=1e-7)
    mirrored = SkyCoord(2 * 83 * u.deg - sky.ra, sky.dec)
    assert not np.allclose(m.interp_by_coord({"skycoord": mirrored}), m.data)
