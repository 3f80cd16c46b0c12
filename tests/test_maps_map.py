"""Maps: values and units, arithmetic, filling, stacking, reduction and changes of pixels."""

from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom

ENERGY = MapAxis.from_energy_edges([1, 2, 4, 8], unit="TeV")
IMAGE = WcsGeom.create(skydir=(83, 22), npix=(4, 3), binsz=1)
CUBE = IMAGE.to_cube([ENERGY])
WIDE = WcsGeom.create(skydir=(83, 22), npix=(12, 10), binsz=0.5, axes=[ENERGY])


def ramp(geom: WcsGeom = CUBE, unit: str = "") -> Map:
    """Return a map of 0, 1, 2, ... in the order of the data."""
    return Map(geom, data=np.arange(np.prod(geom.data_shape), dtype=float).reshape(geom.data_shape), unit=unit)


def test_a_new_map_holds_zeros_of_the_wanted_type_and_given_data_keep_theirs():
    assert Map(CUBE).data.dtype == np.float32
    assert Map(CUBE, dtype=bool).is_mask
    assert not Map(CUBE).data.any()
    assert Map(CUBE, data=np.ones(CUBE.data_shape, dtype="int16")).data.dtype == np.int16
    assert Map.create(npix=(4, 3), unit="m2").geom.pixel_scales[0].deg == pytest.approx(0.1)


def test_an_all_sky_map_is_nan_where_there_is_no_sky():
    data = Map.create(proj="AIT", binsz=10).data
    assert np.isnan(data[0, 0])
    assert data[9, 18] == 0


def test_data_are_broadcast_and_can_be_written_to():
    m = Map(CUBE, data=np.arange(4.0))
    assert (m.data == [0, 1, 2, 3]).all()
    m.data[0, 0, 0] = 9
    assert m.data[1, 0, 0] == 0
    m.data = 2
    assert (m.data == 2).all()


def test_quantities_bring_their_unit():
    m = Map(IMAGE, data=np.ones((3, 4)) * u.m**2)
    assert m.unit == "m2"
    m.quantity = np.ones((3, 4)) * u.s
    assert (m.quantity == 1 * u.s).all()
    assert m.to_unit("ms").data[0, 0] == 1000
    assert not np.shares_memory(m.to_unit("s").data, m.data)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Map(CUBE, data=np.ones((2, 2))), GeometryError),
        (lambda: Map("CUBE"), InvalidInputError),
        (lambda: Map(CUBE, unit="parrot"), InvalidInputError),
        (lambda: Map(CUBE, data=np.full(CUBE.data_shape, "a")), InvalidInputError),
        (lambda: Map(CUBE, dtype="parrot"), InvalidInputError),
        (lambda: Map.create(map_type="hpx"), InvalidInputError),
        (lambda: setattr(Map(CUBE), "data", 1 * u.m), InvalidInputError),
        (lambda: ramp(unit="m").to_unit("s"), InvalidInputError),
        (lambda: ramp() + ramp(IMAGE), GeometryError),
        (lambda: ramp() + ramp(WIDE), GeometryError),
        (lambda: ramp() + ramp(CUBE.replace_axis(MapAxis.from_energy_edges([1, 2, 4, 9], unit="TeV"))), GeometryError),
        (lambda: ramp() + ramp(WcsGeom.create(skydir=(84, 22), npix=(4, 3), binsz=1, axes=[ENERGY])), GeometryError),
        (lambda: ramp() + np.ones(7), GeometryError),
        (lambda: ramp() + 1 * u.m, InvalidInputError),
        (lambda: ramp() + None, InvalidInputError),
        (lambda: ramp() + "parrot", InvalidInputError),
        (lambda: ramp().binary_erode(3), InvalidInputError),
        (lambda: ramp().smooth("parrot"), InvalidInputError),
        (lambda: ramp().get_by_idx((0, 0)), InvalidInputError),
        (lambda: ramp().get_by_idx((99, 0, 0)), InvalidInputError),
        (lambda: ramp().set_by_idx((99, 0, 0), 1), InvalidInputError),
        (lambda: ramp().fill_by_idx((99, 0, 0)), InvalidInputError),
        (lambda: ramp().get_image_by_idx(()), InvalidInputError),
        (lambda: ramp().sum_over_axes(weights=ramp(WIDE)), GeometryError),
        (lambda: ramp(IMAGE).to_cube([ENERGY]), InvalidInputError),
        (lambda: ramp().crop(2), GeometryError),
        (lambda: ramp().pad(1, mode="parrot"), InvalidInputError),
        (lambda: ramp().interp_to_geom(IMAGE), GeometryError),
        (lambda: ramp().stack(ramp(WIDE)), GeometryError),
        (lambda: ramp().stack(ramp(), weights=ramp(WIDE)), GeometryError),
        (lambda: Map(CUBE, dtype=int).stack(ramp()), InvalidInputError),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(make, error):
    with pytest.raises(error, match=r"\w+ \w+ \w+"):
        make()


def test_units_combine_in_products_and_are_converted_in_sums():
    one, two = Map(IMAGE, data=2, unit="m"), Map(IMAGE, data=3, unit="km")
    assert (one + two).quantity[0, 0] == 3002 * u.m
    assert (one - "1 km").quantity[0, 0] == -998 * u.m
    assert (one * two).quantity[0, 0] == 6 * u.m * u.km
    assert (one / (4 * u.s)).quantity[0, 0] == 0.5 * u.m / u.s
    assert (one < two).data.all()
    assert (one < two).unit == ""
    assert not (one > two).data.any()


@pytest.mark.parametrize("left", [2.0, np.float64(2), np.full((3, 4), 2.0), 2 * u.m, np.full((3, 4), 2.0) * u.m])
def test_a_number_or_array_on_the_left_gives_a_map(left):
    m = Map(IMAGE, data=4, unit=getattr(left, "unit", ""))
    for result, value in [(left + m, 6), (left - m, -2), (left * m, 8), (left / m, 0.5)]:
        assert isinstance(result, Map)
        assert (result.data == value).all()


def test_logic_acts_on_truth_values():
    numbers, mask = Map(IMAGE, data=np.array([0, 1, 2, 0])), Map(IMAGE, data=np.array([True, True, False, False]))
    assert (numbers & mask).data[0].tolist() == [False, True, False, False]
    assert (numbers | mask).data[0].tolist() == [True, True, True, False]
    assert (numbers ^ mask).data[0].tolist() == [True, False, True, False]
    assert (~numbers).data[0].tolist() == [True, False, False, True]
    assert (~numbers).is_mask


def test_no_operation_changes_its_arguments():
    one, two = ramp(unit="m"), ramp(unit="m") + 1 * u.m
    mask = one > 5 * u.m
    before = deepcopy([m.quantity for m in (one, two)]), mask.data.copy()
    array, alias = one.data, one
    results = [one + two, one * two, one / two, one == two, ~mask, mask & mask, one.sum_over_axes(), one.copy()]
    results += [one.cutout(one.geom.center_skydir, 2 * u.deg), one.slice_by_idx({"energy": slice(0, 1)}), one.smooth(1)]
    results += [one.pad(1), one.crop(1), one.get_image_by_idx((0,)), one.interp_to_geom(WIDE), one.to_unit("m")]
    for result in results:
        result.data[...] = 77
    one += two
    assert alias is one
    assert (array == before[0][0].value).all(), "a += b gives a its own array"
    assert (one.quantity == before[0][0] + before[0][1]).all()
    assert (two.quantity == before[0][1]).all()
    assert (mask.data == before[1]).all()


def test_in_place_operators_are_the_plain_ones():
    for name in ("add", "sub", "mul", "truediv"):
        one, other = ramp(unit="m"), ramp(unit="m") + 1 * u.m
        plain = getattr(one, f"__{name}__")(other)
        in_place = getattr(one, f"__i{name}__")(other)
        assert in_place is one
        assert np.array_equal(one.quantity, plain.quantity)
    mask = ramp() > 5
    mask &= ramp() < 7
    mask |= ramp() == 0
    mask ^= ramp() == 0
    assert np.flatnonzero(mask.data).tolist() == [6]


def test_copies_replace_what_is_given():
    m = ramp(unit="m")
    m.meta["note"] = [1]
    other = m.copy(unit="s", data=m.data + 1)
    other.meta["note"].append(2)
    assert other.unit == "s"
    assert m.meta == {"note": [1]}
    assert not np.shares_memory(m.copy().data, m.data)
    with pytest.raises(GeometryError):
        m.copy(geom=IMAGE)


def test_reduction_leaves_nan_out_and_keeps_the_axis_if_asked():
    m = ramp()
    m.data[0, 0, 0] = np.nan
    total = m.sum_over_axes()
    assert total.geom.axes["energy"].nbin == 1
    assert total.data[0, 0, :2].tolist() == [12 + 24, 1 + 13 + 25]
    assert m.reduce_over_axes(np.maximum).data[2, 3] == 35
    assert np.isnan(m.reduce_over_axes(np.maximum).data[0, 0])
    assert (m > 30).reduce_over_axes(np.logical_or).data.sum() == 5
    assert m.sum_over_axes(weights=m > 30).data.sum() == 31 + 32 + 33 + 34 + 35


def test_reduction_over_one_of_two_axes_takes_the_right_one():
    rad = MapAxis.from_edges([0, 1, 2], name="rad", unit="deg")
    m = ramp(IMAGE.to_cube([rad, ENERGY]))
    assert m.data.shape == (3, 2, 3, 4)
    assert np.array_equal(m.reduce("rad").data, m.data.sum(axis=1))
    assert np.array_equal(m.reduce("energy").data, m.data.sum(axis=0))
    assert np.array_equal(m.get_image_by_idx((1, 2)).data, m.data[2, 1])
    assert np.array_equal(m.slice_by_idx({"rad": 1}).data, m.data[:, 1])
    assert [image.data[0, 0] for image in m.iter_by_image()] == [0, 24, 48, 12, 36, 60]
    assert np.array_equal(m.sum_over_axes(weights=m > 30).data.ravel(), (m.data * (m.data > 30)).sum((0, 1)).ravel())


def test_values_are_found_by_position_and_energy():
    m = ramp()
    sky = SkyCoord([83, 83, 150], [22, 22, 22], unit="deg")
    values = m.get_by_coord({"skycoord": sky, "energy": [1.5, 100, 1.5] * u.TeV})
    assert values[0] in (5, 6)
    assert np.isnan(values[1:]).all()
    assert m.get_by_pix((0.4, 1.6, 2)) == m.data[2, 2, 0]
    assert m.get_by_idx((3, 2, 1)) == m.data[1, 2, 3]
    assert m.get_by_pix((-1, 0, 0), fill_value=-5) == -5


def test_values_are_set_by_position_and_nothing_outside_wraps_around():
    m = Map(IMAGE, unit="m")
    lon, lat = (c.to_value("deg") for c in IMAGE.pix_to_coord(([1.0, -1.0, 9.0], [2.0, 2.0, 2.0])))
    m.set_by_coord({"lon": lon, "lat": lat}, [1, 2, 3] * u.km)
    assert m.data[2, 1] == 1000
    assert m.data.sum() == 1000


def test_filling_counts_every_event_once_and_drops_those_outside():
    m = Map(CUBE)
    m.fill_by_idx(([1, 1, 1, -1], [2, 2, 0, 0], [0, 0, 2, 0]))
    assert m.data[0, 2, 1] == 2
    assert m.data[2, 0, 1] == 1
    assert m.data.sum() == 3
    m.fill_by_idx((1, 2, 0), weights=0.5)
    assert m.data[0, 2, 1] == 2.5


@pytest.mark.parametrize("frame", ["icrs", "galactic"])
def test_events_are_counted_like_a_slow_loop_does(frame):
    rng = np.random.default_rng(1)
    lon, lat, energy = rng.normal(83, 1, 200), rng.normal(22, 1, 200), rng.lognormal(0.7, 1, 200)
    sky = SkyCoord(lon, lat, unit="deg")
    events = SimpleNamespace(
        lon_deg=lon, lat_deg=lat, energy_tev=energy, energy=energy * u.TeV, radec=sky, table=Table({"OFFSET": lat})
    )
    geom = WcsGeom.create(
        skydir=SkyCoord(83, 22, unit="deg"), npix=(7, 5), binsz=0.5, frame=frame, proj="TAN", axes=[ENERGY]
    )
    expected = np.zeros(geom.data_shape)
    for position, e in zip(sky, energy, strict=True):
        x, y = (round(float(p)) for p in position.to_pixel(geom.wcs))
        k = int(np.searchsorted([1, 2, 4, 8], e, side="right")) - 1
        if 0 <= x < 7 and 0 <= y < 5 and 0 <= k < 3:
            expected[k, y, x] += 1
    m = Map(geom)
    m.fill_events(events)
    assert np.array_equal(m.data, expected)
    assert 20 < expected.sum() < 150
    m.fill_events(events, weights=np.full(200, 2.0))
    assert np.array_equal(m.data, 3 * expected)
    with pytest.raises(GeometryError, match="no 'phase'"):
        Map(IMAGE.to_cube([MapAxis([0, 1], name="phase")])).fill_events(events)


def test_stacking_a_cutout_touches_only_its_pixels():
    whole, part = Map(WIDE, dtype=float, unit="m"), ramp(WIDE, "km").cutout(WIDE.center_skydir, (2, 1.5) * u.deg)
    whole.stack(part)
    y, x = part.geom.cutout_slices(WIDE)["parent-slices"]
    inside = np.zeros(WIDE.data_shape, dtype=bool)
    inside[:, y, x] = True
    assert np.array_equal(whole.data, np.where(inside, 1000 * ramp(WIDE).data, 0))


def test_stacking_in_parts_is_stacking_at_once():
    whole, parts, mask = ramp(WIDE), Map(WIDE, dtype=float), ramp(WIDE) > 100
    parts.stack(whole, weights=mask)
    parts.stack(whole, weights=~mask)
    assert np.array_equal(parts.data, whole.data)


def test_stacking_replaces_nan_and_ignores_what_is_masked():
    m, other = Map(CUBE, data=np.ones(CUBE.data_shape)), ramp()
    other.data[0, 0, :2] = np.nan, np.inf
    kept = other.data.copy()
    m.stack(other)
    assert m.data[0, 0].tolist() == [1, 1, 3, 4]
    assert np.array_equal(other.data, kept, equal_nan=True)
    m.stack(other, nan_to_num=False, weights=Map(IMAGE, data=False))
    assert np.isfinite(m.data).all()
    m.stack(other, nan_to_num=False)
    assert np.isnan(m.data[0, 0, 0])


def test_stacking_takes_weights_of_one_bin_and_factors_and_joins_masks_by_or():
    m, image_mask = (
        Map(CUBE, dtype=float),
        Map(IMAGE.to_cube([ENERGY.squash()]), data=np.array([1, 0, 0, 1], dtype=bool)),
    )
    m.stack(ramp(), weights=image_mask)
    assert np.array_equal(m.data, ramp().data * [1, 0, 0, 1])
    m.stack(ramp(), weights=image_mask * 0.5)
    assert np.array_equal(m.data, ramp().data * [1.5, 0, 0, 1.5])
    mask = ramp() > 30
    mask.stack(ramp() < 2)
    assert np.flatnonzero(mask.data).tolist() == [0, 1, 31, 32, 33, 34, 35]


def test_stacking_into_a_read_only_array_copies_it_first():
    array = np.zeros(CUBE.data_shape)
    array.flags.writeable = False
    m = Map(CUBE, data=array)
    m.stack(ramp())
    assert not array.any()
    assert np.array_equal(m.data, ramp().data)


def test_a_spectrum_is_the_sum_inside_a_region():
    m = ramp()
    assert m.get_spectrum().data.ravel().tolist() == m.data.sum((1, 2)).tolist()
    assert m.get_spectrum(weights=m > 30).data.ravel().tolist() == [0, 0, 165]
    centre = CUBE.region_mask("icrs; circle(83, 22, 0.6)").data[0]
    assert 0 < centre.sum() < 12
    spectrum = m.get_spectrum("icrs; circle(83, 22, 0.6)", func=np.max)
    assert spectrum.data.ravel().tolist() == [m.data[k][centre].max() for k in range(3)]


def test_blocks_of_pixels_are_summed_or_averaged():
    m = ramp(WIDE)
    assert m.downsample(2).data[0, 0, 0] == 0 + 1 + 12 + 13
    assert m.downsample(2, preserve_counts=False).data[0, 0, 0] == 6.5
    assert m.downsample(3, axis_name="energy").data[0, 0, 1] == 1 + 121 + 241
    weights = ramp(WIDE) < 12
    assert m.downsample(2, preserve_counts=False, weights=weights).data[0, 0, 0] == 0.5
    assert m.downsample(2, preserve_counts=False, weights=weights).data[2, 2, 2] == 0


@given(factor=st.integers(2, 4), order=st.integers(0, 1))
@settings(max_examples=10, deadline=None)
def test_finer_pixels_keep_the_sum_and_coarser_again_the_map(factor, order):
    m = ramp(WIDE) + 1
    fine = m.upsample(factor, order=order)
    assert fine.geom.data_shape == (3, 10 * factor, 12 * factor)
    if order == 0:
        np.testing.assert_allclose(fine.downsample(factor).data, m.data, rtol=1e-4)
        flat = m.upsample(factor, preserve_counts=False)
        assert np.array_equal(flat.downsample(factor, preserve_counts=False).data, m.data)


def test_padding_and_cropping_undo_each_other():
    m = ramp()
    wide = m.pad((2, 1), cval=-1)
    assert wide.data.shape == (3, 5, 8)
    assert wide.data[0, 0, 0] == -1
    assert np.array_equal(wide.crop((2, 1)).data, m.data)
    assert wide.crop((2, 1)).geom == m.geom
    assert wide.crop([2, 1] * u.deg).geom == m.geom
    assert m.pad((1, 2), axis_name="energy", mode="edge").data[:, 0, 1].tolist() == [1, 1, 13, 25, 25, 25]


def test_cutouts_reach_beyond_the_map_only_if_asked():
    corner = SkyCoord(*(c[0] for c in WIDE.to_image().pix_to_coord(([0.0], [0.0]))), unit="deg")
    trimmed, partial = (ramp(WIDE).cutout(corner, 2 * u.deg, mode=mode) for mode in ("trim", "partial"))
    assert partial.data.shape == (3, 4, 4)
    assert trimmed.data.size < partial.data.size
    assert partial.data.sum() == trimmed.data.sum()


def test_maps_are_close_in_any_unit_and_not_if_an_axis_moved():
    m = ramp(unit="km")
    assert m.is_allclose(m.to_unit("m"))
    assert not m.is_allclose(m + 1 * u.km)
    assert not m.is_allclose(ramp(IMAGE))
    moved = MapAxis.from_energy_edges([1, 2, 4, 9], unit="TeV")
    assert not m.is_allclose(Map(CUBE.replace_axis(moved), data=m.data, unit="km"))


def test_representations_are_short_stable_and_escaped():
    m = ramp(IMAGE.to_cube([ENERGY.copy(name="<b>")]), unit="m2 s")
    assert repr(m).splitlines()[:2] == ["Map", "---"]
    assert "unit  : m2 s" in repr(m)
    assert repr(m) == repr(deepcopy(m))
    assert "&lt;b&gt;" in m._repr_html_()
    assert "<b>" not in m._repr_html_()
