"""Axes of maps: edges and centres on their scale, bins of coordinates, axes made of others, refusals."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import MapAxes, MapAxis


@st.composite
def axes(draw):
    interp = draw(st.sampled_from(["lin", "log", "sqrt"]))
    node_type = draw(st.sampled_from(["edges", "center"]))
    steps = draw(st.lists(st.floats(0.1, 3), min_size=2, max_size=8))
    nodes = draw(st.floats(0.5, 5)) + np.cumsum(steps)
    return MapAxis(nodes, interp=interp, node_type=node_type, unit="TeV", name="energy")


def bin_of(value, edges):
    """Return the bin that holds a value, by trying all of them."""
    for i, (low, high) in enumerate(pairwise(edges)):
        if low <= value < high:
            return i
    return -1


def test_energy_bounds_give_equal_steps_of_the_logarithm():
    axis = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2)
    assert_allclose(axis.edges.to_value("TeV"), [1, 10, 100], rtol=1e-14)
    assert_allclose(axis.center.to_value("TeV"), [10**0.5, 10**1.5], rtol=1e-14)
    assert_allclose(axis.bin_width.to_value("TeV"), [9, 90], rtol=1e-14)
    assert (axis.name, axis.interp, axis.unit, axis.nbin) == ("energy", "log", u.TeV, 2)


@pytest.mark.parametrize(
    ("low", "high", "unit"),
    [("0.5 TeV", "10 TeV", None), (500 * u.GeV, 10 * u.TeV, None), (0.5, 10, "TeV"), ("500 GeV", "10000 GeV", "TeV")],
)
def test_energies_may_be_text_quantities_or_numbers_with_a_unit(low, high, unit):
    axis = MapAxis.from_energy_bounds(low, high, nbin=5, unit=unit)
    assert axis == MapAxis.from_energy_bounds("0.5 TeV", "10 TeV", nbin=5)
    assert axis.unit == u.TeV


def test_bins_per_decade_are_rounded_up_or_keep_their_width():
    strict = MapAxis.from_energy_bounds("1 TeV", "50 TeV", nbin=3, per_decade=True)
    assert strict.nbin == 6  # 3 * log10(50) = 5.1
    assert_allclose(strict.edges[-1].value, 50)
    loose = MapAxis.from_energy_bounds("1 TeV", "50 TeV", nbin=3, per_decade=True, strict_bounds=False)
    assert loose.nbin == 5
    assert_allclose(loose.edges.value, 10 ** (np.arange(6) / 3))


def test_scales_place_centres_between_edges():
    centers = {interp: MapAxis([1, 9], interp=interp).center.value[0] for interp in ("lin", "log", "sqrt")}
    assert_allclose([centers["lin"], centers["log"], centers["sqrt"]], [5, 3, 4])


def test_centres_as_nodes_come_back_and_edges_lie_half_way_on_the_scale():
    axis = MapAxis.from_nodes([1, 10, 100], interp="log", name="energy", unit="TeV")
    assert_array_equal(axis.center.value, np.exp(np.log([1, 10, 100])))
    assert_allclose(axis.edges.value, 10 ** np.array([-0.5, 0.5, 1.5, 2.5]))
    assert_allclose(axis.bounds.value, [1, 100])


@given(axes(), st.floats(-1, 8))
def test_pixel_and_axis_coordinates_undo_each_other(axis, pix):
    # Squares have no sign: the square-root scale can be inverted on the axis itself, but not below zero.
    pix = min(max(pix, -0.5), axis.nbin - 0.5) if axis.interp == "sqrt" and axis.node_type == "edges" else pix
    if axis.interp != "sqrt" or axis.node_type == "edges":
        assert_allclose(axis.coord_to_pix(axis.pix_to_coord(pix)), [pix], atol=1e-9)


@given(
    axes().filter(lambda axis: (np.diff(axis.edges.value) > 0).all()),
    st.lists(st.floats(0.1, 40), min_size=1, max_size=20),
)
def test_bins_are_those_that_a_search_finds(axis, values):
    edges = axis.edges.value
    values = np.array([*values, *edges])
    expected = np.array([bin_of(value, edges) for value in values])
    assert_array_equal(axis.coord_to_idx(values * u.TeV), expected)
    assert_array_equal(axis.coord_to_idx(values * u.TeV, clip=True)[expected >= 0], expected[expected >= 0])


def test_outside_is_minus_one_or_the_nearest_bin_and_nan_is_always_minus_one():
    axis = MapAxis.from_edges([1, 2, 4], unit="TeV")
    values = [0.5, 1, 4, 9, np.nan, np.inf] * u.TeV
    assert_array_equal(axis.coord_to_idx(values), [-1, 0, -1, -1, -1, -1])
    assert_array_equal(axis.coord_to_idx(values, clip=True), [0, 0, 1, 1, -1, -1])
    assert_array_equal(axis.pix_to_idx([-0.6, -0.5, 1.4, 1.5, np.nan]), [-1, 0, 1, -1, -1])
    assert_array_equal(axis.pix_to_idx([-0.6, 1.5, np.nan], clip=True), [0, 1, -1])


def test_other_units_are_converted_and_plain_numbers_are_in_the_unit_of_the_axis():
    axis = MapAxis.from_edges([1, 2, 4], unit="TeV")
    assert axis.coord_to_idx("3000 GeV") == axis.coord_to_idx(3.0) == 1


def test_round_gives_the_nearest_edge_on_the_scale():
    axis = MapAxis.from_edges([1, 10, 100], interp="log", unit="TeV")
    assert_allclose(axis.round([3, 4, 1e4] * u.TeV).value, [1, 10, 1e4])
    assert_allclose(axis.round([3, 4, 1e4] * u.TeV, clip=True).value, [1, 10, 100])


def test_axes_made_of_others():
    axis = MapAxis.from_edges([1, 2, 4, 8], interp="log", name="energy", unit="TeV")
    assert_allclose(axis.slice(slice(1, None)).edges.value, [2, 4, 8])
    assert_allclose(axis.squash().edges.value, [1, 8])
    assert_allclose(axis.upsample(2).edges.value, 2 ** np.arange(0, 3.1, 0.5))
    assert_allclose(axis.downsample(3).edges.value, [1, 8])
    assert_allclose(axis.downsample(2, strict=False).edges.value, [1, 4, 8])
    assert_allclose(axis.pad(1).edges.value, [0.5, 1, 2, 4, 8, 16])
    assert axis.rename("energy_true").name == "energy_true"
    for other in (axis.squash(), axis.upsample(2), axis.pad(1), axis.slice(slice(0, 2))):
        assert (other.name, other.unit, other.interp) == ("energy", u.TeV, "log")


@given(axes(), st.integers(1, 4))
def test_downsampling_undoes_upsampling(axis, factor):
    assert axis.upsample(factor).downsample(factor) == axis


@given(axes())
def test_slices_put_together_hold_every_bin_once(axis):
    if axis.node_type == "edges":
        parts = [axis.slice(slice(i, i + 1)).edges.value for i in range(axis.nbin)]
        assert_allclose(np.unique(np.round(np.concatenate(parts), 9)), np.round(axis.edges.value, 9))


def test_equality_is_by_value_within_a_millionth_and_hashes_agree():
    axis = MapAxis.from_edges([1, 2, 4], name="energy", unit="TeV")
    same = MapAxis.from_edges([1000, 2000, 4000 * (1 + 1e-8)], name="energy", unit="GeV")
    assert axis == same
    assert hash(axis) == hash(same)
    for other in (
        axis.rename("energy_true"),
        axis.copy(interp="log"),
        axis.copy(unit="deg"),
        axis.copy(nodes=[1, 2, 4.1]),
        axis.pad(1),
        "energy",
    ):
        assert axis != other


def test_an_axis_cannot_be_changed_from_outside():
    nodes = np.array([1.0, 2.0, 4.0])
    axis = MapAxis.from_edges(nodes, unit="TeV")
    nodes[0] = 0
    assert_array_equal(axis.edges.value, [1, 2, 4])
    with pytest.raises(ValueError, match="read-only"):
        axis.edges[0] = 0 * u.TeV
    with pytest.raises(AttributeError):
        axis.name = "other"


def test_copies_and_pickles_are_equal():
    axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3)
    for other in (copy.deepcopy(axis), pickle.loads(pickle.dumps(axis)), axis.copy()):
        assert other == axis
        assert_array_equal(other.edges.value, axis.edges.value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: MapAxis([1, 1, 2]), "increasing"),
        (lambda: MapAxis([2, 1]), "increasing"),
        (lambda: MapAxis([1, np.nan]), "finite"),
        (lambda: MapAxis([1]), "at least 2 edges"),
        (lambda: MapAxis.from_nodes([]), "at least 1 center"),
        (lambda: MapAxis([-1, 1], interp="log"), "interp='lin'"),
        (lambda: MapAxis([1, 2], interp="logarithmic"), "none of 'lin', 'log', 'sqrt'"),
        (lambda: MapAxis([1, 2], node_type="edge"), "did you mean 'edges'"),
        (lambda: MapAxis([1, 2], name=5), "give a string"),
        (lambda: MapAxis([1, 2], unit="TeVV"), "cannot read"),
        (lambda: MapAxis(["a", "b"]), "cannot read"),
        (lambda: MapAxis.from_bounds(1, 0, 3), "below the upper one"),
        (lambda: MapAxis.from_bounds(0, 1, 0), "at least 1"),
        (lambda: MapAxis.from_bounds(0, 1, 3, interp="log"), "positive lower bound"),
        (lambda: MapAxis.from_energy_bounds("10 TeV", "1 TeV", 3), "below the upper one"),
        (lambda: MapAxis.from_energy_bounds("0 TeV", "1 TeV", 3), "positive"),
        (lambda: MapAxis.from_energy_bounds(1, 10, 3), "unit='TeV'"),
        (lambda: MapAxis.from_energy_bounds("1 deg", "10 deg", 3), "no energy"),
        (lambda: MapAxis.from_energy_bounds("1 TeV", "10 TeV", 3, name="e"), "'energy_true'"),
        (lambda: MapAxis([1, 2], unit="TeV").coord_to_pix("1 deg"), "cannot read"),
        (lambda: MapAxis([1, 2, 3]).slice(slice(0, 0)), "no contiguous bins"),
        (lambda: MapAxis([1, 2, 3, 4]).slice(slice(0, 3, 2)), "no contiguous bins"),
        (lambda: MapAxis([1, 2, 3, 4]).downsample(2), "no multiple of 2"),
        (lambda: MapAxis([1, 2, 3, 4]).upsample(0), "at least 1"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(make, says):
    with pytest.raises((InvalidInputError, GeometryError), match=says):
        make()


@pytest.fixture
def two():
    rad = MapAxis.from_bounds(0, 0.6, 6, name="rad", unit="deg")
    return MapAxes([rad, MapAxis.from_energy_bounds("1 TeV", "10 TeV", 3, name="energy_true")])


def test_axes_are_found_by_name_place_and_slice(two):
    assert two.names == ["rad", "energy_true"]
    assert two.shape == (6, 3)
    assert two["rad"] is two[0]
    assert two[["energy_true"]].names == two[1:].names == ["energy_true"]
    assert (two.index("energy_true"), two.index_data("energy_true"), two.index_data("rad")) == (1, 0, 1)
    assert "rad" in two
    assert "energy" not in two


def test_axes_are_replaced_and_dropped_without_changing_the_list(two):
    assert two.squash("rad").shape == (1, 3)
    assert two.drop("rad").names == ["energy_true"]
    assert two.upsample(2, "rad").shape == (12, 3)
    assert two.downsample(3, "energy_true").shape == (6, 1)
    assert two.pad("rad", (0, 1)).shape == (7, 3)
    assert two.rename_axes("energy_true", "energy").names == ["rad", "energy"]
    assert two.slice_by_idx({"rad": slice(1, 3), "energy_true": 0}).shape == (2,)
    assert two.replace(MapAxis([0, 1], name="rad")).shape == (1, 3)
    assert two.shape == (6, 3)


def test_axes_compare_by_value_in_order(two):
    assert two == MapAxes(list(two))
    assert hash(two) == hash(MapAxes(list(two)))
    assert two != MapAxes(two[::-1])
    assert (two[:1] + two[1:]) == two


def test_unnamed_axes_get_a_name_and_the_given_axis_keeps_none():
    axis = MapAxis([0, 1])
    assert MapAxes([axis]).names == ["axis0"]
    assert axis.name == ""


def test_axes_that_cannot_be_are_refused(two):
    with pytest.raises(GeometryError, match="its own name"):
        MapAxes([two[0], two[0]])
    with pytest.raises(InvalidInputError, match="give MapAxis objects"):
        MapAxes([np.array([1, 2])])
    with pytest.raises(GeometryError, match="did you mean 'energy_true'"):
        two["energy_tru"]


def test_texts_are_short_and_escaped():
    axis = MapAxis([1, 10], interp="log", name="<b>", unit="TeV")
    assert repr(axis).splitlines()[0] == "MapAxis"
    assert "1 to 10" in repr(axis)
    assert "&lt;b&gt;" in axis._repr_html_()
    assert "&lt;b&gt;" in MapAxes([axis])._repr_html_()
