"""Adding in place: the same bits as adding everything at once, whatever the types and the size of the blocks."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fovnb.errors import InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.maps.adding import add, blocks, scratch
from fovnb.maps.interpolate import interpolate

SHAPES = {"one block": (3, 8, 7), "blocks of 26 and 14 planes": (40, 50, 50), "a block a plane": (3, 300, 300)}


def at_once(target, values, weights, factors, nan_to_num):
    """Return the sum, from whole arrays: the product, what is not finite left out, what is masked left alone."""
    for factor in factors:
        values = values * factor
    values = np.where(np.isfinite(values), values, 0) if nan_to_num else values
    summed = (target + values).astype(target.dtype)
    return np.where(weights, summed, target)


def cube(rng, shape, dtype):
    values = rng.normal(size=shape).astype(dtype)
    values[rng.random(shape) < 0.01] = np.nan
    values[0, 1, 1], values[-1, 2, 2] = np.inf, -np.inf
    return values


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kinds", list(itertools.product(["f4", "f8"], repeat=2)), ids="-".join)
def test_blocks_give_the_bits_of_whole_arrays(shape, kinds):
    rng = np.random.default_rng(5)
    start, values = rng.normal(size=shape).astype(kinds[0]), cube(rng, shape, kinds[1])
    norms = rng.uniform(0.5, 2, (shape[0], 1, 1))
    masks = (True, rng.random(shape) < 0.5, rng.random(shape[1:]) < 0.5, np.arange(shape[0])[:, None, None] > 0)
    for weights, factors, nan_to_num in itertools.product(masks, ((), (norms,), (norms, 3.7)), (True, False)):
        target, before = start.copy(), values.copy()
        add(target, values, weights, factors, nan_to_num)
        expected = at_once(start, values, weights, factors, nan_to_num)
        assert target.tobytes() == expected.tobytes()
        assert_array_equal(values, before)


def test_an_image_of_another_type_is_added_too():
    target, values = np.zeros((3, 4), dtype=np.float32), np.arange(12.0).reshape(3, 4)
    add(target, values, values > 5, factors=[0.1])
    assert_array_equal(target, np.where(values > 5, (values * 0.1).astype(np.float32), 0))


def test_weights_that_are_numbers_multiply_and_masks_are_joined():
    target, values = np.ones((2, 1, 2)), np.array([[[1.0, np.nan]], [[3.0, 4.0]]])
    add(target, values, np.array([0.5, 2.0]), factors=[10.0])
    assert_array_equal(target, [[[6, 1]], [[16, 81]]])
    mask = np.array([[True, False, False]])
    add(mask, np.array([[False, True, True]]), np.array([[True, True, False]]))
    assert_array_equal(mask, [[True, True, False]])


def test_what_cannot_be_added_changes_nothing():
    counts = Map.create(npix=2, axes=[MapAxis.from_edges([0, 1], name="a")], dtype=int)
    with pytest.raises(InvalidInputError, match="cannot be added in place"):
        counts.stack(counts * 0.5)
    assert not counts.data.any()


def test_blocks_cover_an_array_once():
    array = np.empty((40, 50, 50))
    assert [range(40)[block] for block in blocks(array)] == [range(26), range(26, 40)]
    assert scratch(array, bool).shape == (26, 50, 50)
    assert list(blocks(np.empty((0, 3, 3)))) == []


def test_a_few_points_of_a_large_array_are_interpolated_like_many():
    rng = np.random.default_rng(2)
    values = cube(rng, (6, 40, 40), "f8") + 3
    points = [rng.uniform(-1, n, 500) for n in values.shape]
    for method, scale in itertools.product(("linear", "nearest"), ("lin", "log", "sqrt")):
        many = interpolate(values, [np.tile(p, 40) for p in points], method, scale)
        few = np.concatenate(
            [interpolate(values, [p[i : i + 5] for p in points], method, scale) for i in range(0, 500, 5)]
        )
        assert few.tobytes() == many[:500].tobytes()


def test_a_grid_keeps_a_bounded_number_of_pointings():
    geom = WcsGeom.create(skydir=(83, 22), npix=(400, 300), binsz=0.01)
    places = [(83 + 0.1 * i, 22.0) for i in range(6)]
    for place in places * 2:
        fresh = WcsGeom.create(skydir=(83, 22), npix=(400, 300), binsz=0.01).sky
        assert_array_equal(geom.sky.offset_deg(*place), fresh.offset_deg(*place))
    kept = [geom.sky.offset_deg(*place) for place in places[-4:]]
    again = [geom.sky.offset_deg(*place) for place in places[-4:]]
    assert all(a is b for a, b in zip(kept, again, strict=True))
    geom.sky.offset_deg(*places[0])  # pushes the oldest out
    assert geom.sky.offset_deg(*places[2]) is not kept[0]
