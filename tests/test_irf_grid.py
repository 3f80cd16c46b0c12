"""Interpolation weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fovnb.irf.grid import bracket, inside, weights
from fovnb.maps import MapAxis

OFFSET = MapAxis.from_nodes([0, 0.5, 1, 2], name="offset", unit="deg")
ENERGY = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")


def test_weights_by_hand():
    # Nodes 0, 0.5, 1, 2; edges -0.25, 0.25, 0.75, 1.5, 2.5.
    expected = [[1.5, 0.4, 0, 0, 0], [-0.5, 0.6, 0, 0, 0], [0, 0, 1, 0.25, -0.5], [0, 0, 0, 0.75, 1.5]]
    np.testing.assert_allclose(weights(OFFSET, np.array([-0.25, 0.3, 1, 1.75, 2.5])), expected, atol=1e-15)


def test_logarithmic_axis_is_interpolated_in_the_logarithm():
    # Centres sqrt(10) and sqrt(1000); 10 lies half way.
    np.testing.assert_allclose(weights(ENERGY, np.array([10.0])), [[0.5], [0.5]], atol=1e-15)


@pytest.mark.parametrize("x", [-0.26, 2.51, np.nan, np.inf])
def test_outside_the_edges_all_weights_are_zero(x):
    assert not weights(OFFSET, np.array([x])).any()
    assert not inside(OFFSET, np.array([x])).any()


def test_edges_are_inside():
    assert inside(OFFSET, OFFSET.edges.value[[0, -1]]).all()


def test_beyond_goes_on_along_the_last_line():
    np.testing.assert_allclose(np.array([0, 0, 1, 3]) @ weights(OFFSET, np.array([4.0]), beyond=True), [7])
    assert not weights(OFFSET, np.array([np.nan]), beyond=True).any()


def test_an_axis_of_one_bin_is_constant():
    axis = MapAxis.from_edges([0, 1], name="offset", unit="deg")
    np.testing.assert_array_equal(weights(axis, np.array([0.1, 0.9, 1.1])), [[1, 1, 0]])
    lo, hi, f = bracket(axis, np.array([0.9]))
    assert (lo[0], hi[0], f[0]) == (0, 0, 0)


@given(st.floats(-0.25, 2.5), st.floats(-3, 3), st.floats(-3, 3))
def test_a_line_is_reproduced(x, slope, intercept):
    line = intercept + slope * OFFSET.center.value
    np.testing.assert_allclose(line @ weights(OFFSET, np.array([x])), intercept + slope * x, atol=1e-12)


@given(st.floats(-0.25, 2.5))
def test_weights_equal_the_bracket(x):
    lo, hi, f = bracket(OFFSET, np.array([x]))
    expected = np.zeros(4)
    expected[lo] += 1 - f
    expected[hi] += f
    np.testing.assert_allclose(weights(OFFSET, np.array([x]))[:, 0], expected, atol=1e-15)
