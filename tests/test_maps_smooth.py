"""Smoothing, convolution, and masks that grow and shrink."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fovnb.errors import InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom

ENERGY = MapAxis.from_energy_edges([1, 2, 4, 8], unit="TeV")
CUBE = WcsGeom.create(skydir=(83, 22), npix=(4, 3), binsz=1, axes=[ENERGY])
WIDE = WcsGeom.create(skydir=(83, 22), npix=(12, 10), binsz=0.5, axes=[ENERGY])


def test_smoothing_keeps_the_sum_far_from_the_edges_and_a_flat_map_everywhere():
    point = Map(WIDE, dtype=float)
    point.data[1, 5, 6] = 8
    for kernel in ("gauss", "disk", "box"):
        smooth = point.smooth("0.5 deg" if kernel != "box" else 3, kernel=kernel)
        assert smooth.data[1].sum() == pytest.approx(8, rel=2e-3)
        assert smooth.data[[0, 2]].sum() == 0, "planes stay apart"
        assert smooth.data[1, 5, 6] < 8
        assert np.allclose(Map(WIDE, data=3.0).smooth(2, kernel=kernel).data, 3)
    assert point.smooth(1, kernel="disk").data[1, 5, 5:8] == pytest.approx([1.6] * 3)
    for bad in ({"kernel": "parrot"}, {"width": 0}, {"width": np.nan}):
        with pytest.raises(InvalidInputError):
            point.smooth(**{"width": 1, **bad})


@pytest.mark.parametrize("method", ["fft", "direct"])
def test_convolution_is_the_sum_over_shifted_maps(method):
    m = Map(CUBE, data=np.arange(36.0).reshape(CUBE.data_shape))
    kernel = np.array([[0.0, 1, 0], [2, 3, 4], [0, 5, 0]])
    expected = np.zeros(CUBE.data_shape)
    padded = np.pad(m.data, [(0, 0), (1, 1), (1, 1)])
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            expected += kernel[1 + dy, 1 + dx] * padded[:, 1 - dy : 4 - dy, 1 - dx : 5 - dx]
    np.testing.assert_allclose(m.convolve(kernel, method=method).data, expected, atol=1e-12)
    each = m.convolve(np.stack([kernel, 0 * kernel, 2 * kernel]), method=method)
    np.testing.assert_allclose(each.data, expected * np.array([1, 0, 2])[:, None, None], atol=1e-12)
    for bad in (np.ones((2, 3, 3)), np.ones(3)):
        with pytest.raises(InvalidInputError, match="does not fit"):
            m.convolve(bad, method=method)


@pytest.mark.parametrize("kernel", ["disk", "box"])
@given(mask=st.lists(st.booleans(), min_size=120, max_size=120), width=st.sampled_from([1, 2, 3]))
@settings(max_examples=15, deadline=None)
def test_masks_grow_and_shrink_like_the_slow_obvious_way(kernel, mask, width):
    mask = np.array(mask).reshape(10, 12)
    odd = 1 if width == 1 else 3
    surrounded = np.pad(mask, odd)
    y, x = np.indices(surrounded.shape) - odd
    grown, shrunk = np.zeros_like(mask), np.zeros_like(mask)
    for j, i in np.ndindex(mask.shape):
        disk = (y - j) ** 2 + (x - i) ** 2 <= odd**2
        box = np.maximum(abs(y - j), abs(x - i)) <= odd // 2
        near = surrounded[disk if kernel == "disk" else box]
        grown[j, i], shrunk[j, i] = near.any(), near.all()
    m = Map(WIDE.to_image(), data=mask)
    assert np.array_equal(m.binary_dilate(width, kernel=kernel).data, grown)
    assert np.array_equal(m.binary_erode(width, kernel=kernel).data, shrunk)


def test_a_single_pixel_grows():
    m = Map(WIDE.to_image(), dtype=bool)
    m.data[5, 6] = True
    assert m.binary_dilate("0.5 deg").data.sum() == 5
    assert m.binary_dilate("1.5 deg", kernel="box").data.sum() == 9
