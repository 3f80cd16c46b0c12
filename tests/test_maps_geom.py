"""Geometries of maps: pixels on the sky, their angles and areas, windows, masks, refusals."""

import copy
import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from regions import (
    CirclePixelRegion,
    CircleSkyRegion,
    EllipseSkyRegion,
    PixCoord,
    PointSkyRegion,
    PolygonSkyRegion,
    RectangleSkyRegion,
)

from fovnb.errors import GeometryError, InvalidInputError
from fovnb.maps import MapAxis, MapCoord, WcsGeom

CRAB = SkyCoord(83.63, 22.01, unit="deg")
ENERGY = MapAxis.from_energy_edges([1, 2, 4, 8], unit="TeV")


def grid(**kwargs):
    return WcsGeom.create(**({"skydir": CRAB, "width": 2, "binsz": 0.1, "axes": [ENERGY]} | kwargs))


geoms = st.builds(
    WcsGeom.create,
    skydir=st.tuples(st.floats(0, 360), st.floats(-80, 80)),
    npix=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    binsz=st.sampled_from([0.02, 0.1, (0.1, 0.2)]),
    proj=st.sampled_from(["CAR", "TAN", "SIN", "AIT"]),
    frame=st.sampled_from(["icrs", "galactic"]),
    axes=st.just([ENERGY]),
)


def pixels_as_skycoord(geom):
    """Return the pixel centres as astropy objects: the slow, obvious way to everything on the sky."""
    ny, nx = geom.data_shape[-2:]
    return SkyCoord.from_pixel(*np.meshgrid(np.arange(nx), np.arange(ny)), geom.wcs)


def test_create_puts_the_position_in_the_middle():
    geom = WcsGeom.create(skydir=(83.63, 22.01), width=(5, 3), binsz=0.02, axes=[ENERGY])
    assert geom.data_shape == (3, 150, 250)
    assert_array_equal(geom.wcs.wcs.crpix, (125.5, 75.5))
    assert_array_equal(geom.wcs.wcs.crval, (83.63, 22.01))
    assert_array_equal(geom.wcs.wcs.cdelt, (-0.02, 0.02))
    assert geom.center_skydir.separation(CRAB).deg < 1e-12
    assert geom.center_pix == (124.5, 74.5, 1)
    assert_allclose(geom.center_coord[2].value, 8**0.5)
    assert_allclose(geom.width.to_value("deg"), [[5], [3]])
    assert_allclose(geom.pixel_scales.deg, 0.02)
    assert (geom.frame, geom.projection, geom.is_image, geom.is_allsky) == ("icrs", "CAR", False, False)
    assert geom.axes_names == ["lon", "lat", "energy"]
    assert_array_equal(np.ravel(geom.npix), [250, 150])


@pytest.mark.parametrize("width", [3, 3.0, "3 deg", 180 * u.arcmin, (3, "180 arcmin"), [3, 3] * u.deg])
def test_widths_may_be_numbers_text_or_quantities(width):
    assert grid(width=width) == grid(width=3)


def test_a_skycoord_is_given_in_the_frame_of_the_grid():
    geom = grid(frame="galactic", proj="TAN")
    assert_allclose(geom.wcs.wcs.crval, [CRAB.galactic.l.deg, CRAB.galactic.b.deg], rtol=1e-14)
    assert geom.center_skydir.frame.name == "galactic"
    assert geom.center_skydir.separation(CRAB).deg < 1e-12


def test_without_npix_and_width_the_grid_covers_the_sky():
    geom = WcsGeom.create(binsz=5)
    assert geom.data_shape == (36, 72)
    assert geom.is_allsky
    assert_allclose(geom.solid_angle().sum().value, 4 * np.pi, rtol=2e-3)


def test_a_projection_of_a_file_makes_the_same_geometry_and_is_copied():
    geom = grid(frame="galactic", proj="SIN")
    wcs = WCS(geom.wcs.to_header())
    other = WcsGeom(wcs, npix=(20, 20), axes=[ENERGY])
    assert other == geom
    wcs.wcs.crval = (0, 0)
    assert other == geom


def test_a_cd_matrix_is_read_as_pixel_sizes():
    header = grid(axes=[]).wcs.to_header()
    angle = np.deg2rad(20)
    cosine, sine = 0.1 * np.cos(angle), 0.1 * np.sin(angle)
    del header["CDELT*"]
    header.update({"CD1_1": -cosine, "CD1_2": sine, "CD2_1": sine, "CD2_2": cosine})
    wcs = WCS(header)
    geom = WcsGeom(wcs, npix=(20, 20))
    assert_allclose(geom.width.to_value("deg"), [[2], [2]])
    assert_allclose(geom.wcs.wcs_pix2world(3, 5, 0), wcs.wcs_pix2world(3, 5, 0), rtol=1e-13)
    assert_allclose(geom.upsample(2).sky.corner_lonlat_deg[:, ::2, ::2], geom.sky.corner_lonlat_deg, rtol=1e-12)


@given(geoms)
def test_unit_vectors_are_those_of_astropy(geom):
    expected = pixels_as_skycoord(geom).icrs.cartesian.xyz.value
    assert_allclose(geom.sky.xyz, expected, atol=1e-14, rtol=0)


@given(geoms, st.floats(0, 360), st.floats(0, 3))
def test_offsets_and_field_of_view_coordinates_are_those_of_astropy(geom, angle, distance):
    pointing = geom.center_skydir.icrs.directional_offset_by(angle * u.deg, distance * u.deg)
    pixels = pixels_as_skycoord(geom).icrs
    place = pointing.ra.deg, pointing.dec.deg
    assert_allclose(geom.sky.offset_deg(*place), pointing.separation(pixels).deg, atol=1e-12)
    assert_allclose(geom.separation(pointing.galactic).deg, pointing.separation(pixels).deg, atol=1e-12)
    seen = pixels.transform_to(pointing.skyoffset_frame())
    lon, lat = geom.sky.fov_lonlat_deg(*place)
    assert_allclose(lon, -seen.lon.wrap_at("180d").deg, atol=1e-12)
    assert_allclose(lat, seen.lat.deg, atol=1e-12)


def test_field_of_view_longitude_grows_towards_smaller_right_ascension():
    geom = WcsGeom.create(skydir=(83.63, 0), npix=(3, 1), binsz=0.1)
    lon, lat = geom.sky.fov_lonlat_deg(83.63, 0)
    assert_allclose(lon, [[-0.1, 0, 0.1]], atol=1e-12)
    assert_allclose(lat, 0, atol=1e-12)
    assert_allclose(geom.sky.lonlat_deg[0], [[83.73, 83.63, 83.53]])


def test_offsets_keep_their_digits_near_the_pointing():
    # The arc cosine of the dot product would give 0 or 1.2e-6 here.
    geom = WcsGeom.create(skydir=(83.63, 0), npix=1, binsz=0.1)
    assert_allclose(geom.sky.offset_deg(83.63, 1e-8), 1e-8, rtol=1e-6)


def test_solid_angles_are_exact_on_the_equator_of_a_plate_carree():
    geom = WcsGeom.create(npix=(4, 10), binsz=0.1, axes=[ENERGY])
    edges = np.deg2rad(np.arange(-5, 6) * 0.1)
    exact = np.deg2rad(0.1) * np.diff(np.sin(edges))
    assert geom.solid_angle().shape == (1, 10, 4)
    assert_allclose(geom.solid_angle().to_value("sr")[0], np.repeat(exact[:, None], 4, axis=1), rtol=1e-6)


def test_bin_volume_is_solid_angle_times_bin_width():
    geom = grid()
    expected = geom.solid_angle() * ENERGY.bin_width[:, None, None]
    assert_allclose(geom.bin_volume().to_value("sr TeV"), expected.to_value("sr TeV"), rtol=1e-14)


def test_pixels_off_the_sky_are_nan_and_in_no_region():
    geom = WcsGeom.create(binsz=10, proj="AIT")
    off = np.isnan(geom.sky.xyz[0])
    assert off[0, 0]
    assert not off[9, 18]
    assert np.isnan(geom.sky.offset_deg(0, 0)[off]).all()
    everywhere = CirclePixelRegion(PixCoord(18, 9), 1000)
    assert_array_equal(geom.region_mask(everywhere).data, ~off)
    assert all((idx[off] == -1).all() for idx in geom.get_idx())


def test_geometries_of_one_sky_share_its_arrays():
    geom = grid()
    for other in (
        geom.to_image(),
        geom.to_image().to_cube([ENERGY.rename("energy_true")]),
        geom.squash("energy"),
        geom.drop("energy"),
        geom.replace_axis(ENERGY.upsample(2)),
        geom.upsample(2, axis_name="energy"),
        geom.downsample(3, axis_name="energy"),
        geom.slice_by_idx({"energy": slice(0, 2)}),
        geom.as_energy_true,
        geom.copy(axes=[]),
        copy.deepcopy(geom),
        geom.cutout(CRAB, 4),
    ):
        assert other.sky is geom.sky
    assert geom.sky.xyz is geom.sky.xyz
    with pytest.raises(ValueError, match="read-only"):
        geom.sky.xyz[0] = 0


def test_axes_of_derived_geometries():
    geom = grid()
    assert geom.to_image().data_shape == (20, 20)
    assert geom.squash("energy").data_shape == (1, 20, 20)
    assert geom.to_cube([MapAxis([0, 1], name="a")]).data_shape == (1, 3, 20, 20)
    assert geom.data_shape_axes == (3, 1, 1)
    assert geom.data_shape_image == (1, 20, 20)
    assert geom.squash("energy").is_flat
    assert geom.has_energy_axis
    assert geom.as_energy_true.axes.names == ["energy_true"]
    assert list(geom.axes) == [ENERGY]


def test_pickles_are_exact_and_leave_the_arrays_behind():
    geom = grid(frame="galactic", binsz=1 / 30, proj="TAN")
    xyz = geom.sky.xyz
    saved = pickle.dumps(geom)
    other = pickle.loads(saved)
    assert len(saved) < 20_000
    assert other == geom
    assert_array_equal(other.sky.xyz, xyz)


@pytest.mark.parametrize("mode", ["trim", "partial"])
@pytest.mark.parametrize("where", [(0, 0), (0.93, -0.4), (-1.2, 1.1)])
def test_a_cutout_holds_the_same_pixels_as_its_parent(mode, where):
    geom = grid()
    position = CRAB.spherical_offsets_by(*where * u.deg)
    part = geom.cutout(position, width=(0.8, "0.5 deg"), mode=mode)
    slices = part.cutout_slices(geom)
    in_parent, in_part = (..., *slices["parent-slices"]), (..., *slices["cutout-slices"])
    assert part.sky.xyz[in_part].size > 0
    assert_allclose(part.sky.xyz[in_part], geom.sky.xyz[in_parent], atol=1e-14)
    assert_allclose(part.sky.solid_angle_sr[in_part], geom.sky.solid_angle_sr[in_parent], rtol=1e-9)
    if mode == "partial":
        assert part.data_shape == (3, 5, 8)
    else:
        assert slices["cutout-slices"] == tuple(slice(0, n) for n in part.data_shape[1:])


def test_a_large_window_shares_memory_with_its_parent_and_has_the_numbers_of_its_own_projection():
    geom = grid(frame="galactic")
    part = geom.cutout(CRAB, width=1.5)
    assert np.shares_memory(part.sky.xyz, geom.sky.xyz)
    own = WcsGeom(part.wcs).sky
    for name in ("lonlat_deg", "xyz", "solid_angle_sr"):
        assert_allclose(getattr(part.sky, name), getattr(own, name), rtol=1e-11)
    assert not np.shares_memory(geom.cutout(CRAB, width=0.3).sky.xyz, geom.sky.xyz)


def test_cutouts_have_the_asked_number_of_pixels():
    geom = grid()
    assert geom.cutout(CRAB, 0.44).data_shape[-2:] == (4, 4)
    assert geom.cutout(CRAB, 0.44, odd_npix=True).data_shape[-2:] == (5, 5)
    assert geom.cutout(CRAB, 0.01, min_npix=3).data_shape[-2:] == (3, 3)


def test_pad_and_crop_undo_each_other_and_keep_the_pixels():
    geom = grid()
    padded = geom.pad((2, 1))
    assert padded.data_shape == (3, 22, 24)
    assert_allclose(padded.sky.xyz[:, 1:-1, 2:-2], geom.sky.xyz, atol=1e-14)
    assert padded.crop((2, 1)) == geom
    assert geom.pad(1, axis_name="energy").axes["energy"].nbin == 5


def test_resampled_pixels_cover_the_same_sky():
    geom = grid()
    fine = geom.upsample(2)
    assert fine.data_shape == (3, 40, 40)
    assert_allclose(fine.sky.corner_lonlat_deg[:, ::2, ::2], geom.sky.corner_lonlat_deg, rtol=1e-12)
    assert fine.downsample(2) == geom
    assert geom.to_binsz(0.2).data_shape == (3, 10, 10)


@given(geoms)
def test_every_pixel_is_found_again_at_its_centre(geom):
    coords = geom.get_coord()
    idx = geom.coord_to_idx(coords)
    for found, expected, listed in zip(idx, np.indices(geom.data_shape)[::-1], geom.get_idx(), strict=True):
        assert_array_equal(found, expected)
        assert_array_equal(listed, expected)
    assert geom.contains(coords).all()
    for there, back in zip(coords, geom.pix_to_coord(geom.coord_to_pix(coords)), strict=True):
        assert_allclose(np.cos(there.value), np.cos(back.value), atol=1e-9)


def test_points_outside_get_minus_one_or_the_nearest_pixel():
    geom = grid(skydir=(0, 0))
    points = {"lon": [0.05, 5, -5], "lat": [0.05, 0, 0], "energy": [3, 3, 100] * u.TeV}
    assert_array_equal(geom.contains(points), [True, False, False])
    assert_array_equal(geom.coord_to_idx(points)[0], [9, -1, -1])
    assert_array_equal(geom.coord_to_idx(points, clip=True)[0], [9, 0, 19])
    assert_array_equal(geom.coord_to_idx(points, clip=True)[2], [1, 1, 2])
    assert geom.coord_to_pix({"lon": [], "lat": [], "energy": []})[0].size == 0


def test_points_may_be_given_in_other_frames_and_forms():
    geom = grid()
    energy = 3 * u.TeV
    expected = geom.coord_to_pix((83.63, 22.01, energy))
    for points in (
        (CRAB, energy),
        (CRAB.galactic, energy),
        {"skycoord": CRAB.galactic, "energy": energy},
        {"lon": 83.63 * u.deg, "lat": np.deg2rad(22.01) * u.rad, "energy": "3000 GeV"},
        MapCoord.create((CRAB.galactic, energy), axis_names=["energy"]),
    ):
        assert_allclose(np.ravel(geom.coord_to_pix(points)), np.ravel(expected), atol=1e-9)


def test_coordinates_of_centres_edges_and_planes():
    geom = grid(npix=(4, 2))
    coords = geom.get_coord()
    assert coords.shape == coords["energy"].shape == (3, 2, 4)
    assert_array_equal(coords.lon.value[1], geom.sky.lonlat_deg[0])
    assert geom.get_coord(sparse=True)["energy"].shape == (3, 1, 1)
    assert geom.get_coord(mode="edges").lon.shape == (3, 3, 5)
    assert geom.get_coord(mode="edges", axis_name="energy").shape == (4, 2, 4)
    assert_allclose(geom.get_coord(idx=(2,))["energy"].value, 32**0.5)
    galactic = geom.get_coord(frame="galactic", sparse=True)
    assert (galactic.skycoord.icrs.separation(coords.skycoord[0]).deg < 1e-12).all()
    assert coords.flat.shape == (24,)
    assert_array_equal(
        coords.apply_mask(coords["energy"].value > 5)["energy"].value, np.full(8, geom.axes[0].center[2].value)
    )


def test_a_mask_holds_the_pixels_whose_centres_are_in_the_region():
    geom = grid()
    mask = geom.region_mask([CircleSkyRegion(CRAB, 0.52 * u.deg)])
    expected = geom.separation(CRAB).deg < 0.52
    assert mask.data.dtype == bool
    assert mask.geom == geom
    assert_array_equal(mask.data, np.broadcast_to(expected, geom.data_shape))
    outside = geom.region_mask(CircleSkyRegion(CRAB.galactic, 0.52 * u.deg), inside=False)
    assert_array_equal(outside.data, ~mask.data)


def test_a_mask_of_several_regions_is_their_union():
    geom = grid(proj="TAN")
    corners = SkyCoord(CRAB.ra + [0, 0.6, 0.6] * u.deg, CRAB.dec + [0, 0, 0.6] * u.deg)
    regions = [
        CircleSkyRegion(CRAB.galactic, 0.3 * u.deg),
        EllipseSkyRegion(CRAB, 1.5 * u.deg, 0.3 * u.deg, 40 * u.deg),
        RectangleSkyRegion(CRAB.galactic, 1.2 * u.deg, 0.2 * u.deg),
        PolygonSkyRegion(corners),
        PointSkyRegion(CRAB.spherical_offsets_by(0.8 * u.deg, -0.8 * u.deg)),
        CircleSkyRegion(CRAB, 0.5 * u.deg) ^ CircleSkyRegion(CRAB, 0.9 * u.deg),
    ]
    alone = [geom.region_mask(region).data for region in regions]
    assert all(0 < one.sum() < one.size for one in alone)
    assert_array_equal(geom.region_mask(regions).data, np.any(alone, axis=0))
    assert not geom.region_mask([]).data.any()
    assert geom.region_mask([], inside=False).data.all()


def test_a_point_holds_the_four_pixels_around_it_and_one_if_it_is_a_centre():
    geom = grid(axes=[])
    x, y = np.nonzero(geom.region_mask(CRAB).data)
    assert_array_equal(x, [9, 9, 10, 10])
    assert_array_equal(y, [9, 10, 9, 10])
    odd = grid(axes=[], npix=5)
    assert odd.region_mask(PointSkyRegion(odd.center_skydir)).data.sum() <= 4
    assert odd.region_mask(PointSkyRegion(odd.center_skydir)).data[2, 2]


def test_regions_may_be_text():
    geom = grid()
    mask = geom.region_mask("icrs; circle(83.63, 22.01, 0.5)")
    assert_array_equal(mask.data, geom.region_mask(CircleSkyRegion(CRAB, 0.5 * u.deg)).data)


def test_masks_are_their_own_arrays():
    geom = grid()
    first = geom.region_mask(CRAB)
    first.data[...] = True
    assert not geom.region_mask(CRAB).data.all()


def test_an_energy_mask_holds_the_bins_that_lie_wholly_inside():
    geom = grid(npix=1)
    assert_array_equal(geom.energy_mask("1.5 TeV").data.ravel(), [False, True, True])
    assert_array_equal(geom.energy_mask(energy_max=5 * u.TeV).data.ravel(), [True, True, False])
    assert_array_equal(geom.energy_mask(1500 * u.GeV, 5 * u.TeV).data.ravel(), [False, True, False])
    assert_array_equal(geom.energy_mask("1.1 TeV", "7 TeV", round_to_edge=True).data.ravel(), [True, True, True])
    assert geom.energy_mask().data.all()


def test_equality_is_by_value():
    assert grid() == grid()
    assert hash(grid()) == hash(grid())
    for other in (grid(binsz=0.2), grid(proj="TAN"), grid(frame="galactic"), grid(axes=[]), grid(skydir=(83.6, 22)), 1):
        assert grid() != other
    assert grid().is_aligned(grid().pad(3))
    assert not grid().is_aligned(grid(skydir=(83.6, 22)))


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"width": 0}, "positive"),
        ({"width": -1}, "positive"),
        ({"width": "1 TeV"}, "cannot read width"),
        ({"width": (1, 2, 3)}, "two for longitude"),
        ({"width": 0.01, "binsz": 0.1}, "at least 1"),
        ({"binsz": 0}, "positive"),
        ({"binsz": np.nan}, "positive"),
        ({"binsz": [0.1, 0.2]}, "one size an image"),
        ({"binsz": "small"}, "cannot read binsz"),
        ({"npix": 0}, "at least 1"),
        ({"npix": (3, 4, 5)}, "two for longitude"),
        ({"npix": [3, 4]}, "npix"),
        ({"proj": "XYZ"}, "CAR, TAN, SIN or AIT"),
        ({"proj": ""}, "CAR, TAN, SIN or AIT"),
        ({"proj": 5}, "CAR, TAN, SIN or AIT"),
        ({"frame": "galactik"}, "did you mean 'galactic'"),
        ({"refpix": (1,)}, "refpix"),
        ({"skydir": (0, 91)}, "skydir"),
        ({"skydir": "Crab"}, "skydir"),
        ({"skydir": SkyCoord([1, 2], [3, 4], unit="deg")}, "skydir"),
        ({"width": 360, "binsz": 0.0001}, "larger binsz"),
        ({"axes": [ENERGY, ENERGY]}, "its own name"),
        ({"axes": ["energy"]}, "give MapAxis objects"),
    ],
)
def test_a_grid_that_cannot_be_is_refused_with_a_sentence(kwargs, says):
    with pytest.raises((InvalidInputError, GeometryError), match=says):
        grid(**kwargs)


@pytest.mark.filterwarnings("ignore:A coordinate frame was not found")
@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda g: g.cutout(SkyCoord(200, -40, unit="deg"), 1), "give a position on the map"),
        (lambda g: g.cutout(CRAB, 9, mode="strict"), "mode='trim'"),
        (lambda g: g.cutout(CRAB, 1, mode="cut"), "mode is 'cut'"),
        (lambda g: g.cutout((83, 22), 1), "give one SkyCoord"),
        (lambda g: g.cutout(CRAB, 0), "positive"),
        (lambda g: grid(skydir=(83.65, 22)).cutout_slices(g), "do not coincide"),
        (lambda g: g.downsample(3), "divisor"),
        (lambda g: g.upsample(0.5), "at least 1"),
        (lambda g: g.crop(10), "at least one"),
        (lambda g: g.region_mask([5]), "was given as a region"),
        (lambda g: g.region_mask(5), "was given as a region"),
        (lambda g: g.region_mask("circle of doom"), "no region found"),
        (lambda g: g.to_image().energy_mask("1 TeV"), "no axis 'energy'"),
        (lambda g: g.energy_mask("1 deg"), "cannot read"),
        (lambda g: g.coord_to_pix((1, 2)), "give one of each"),
        (lambda g: g.coord_to_pix({"lon": 1}), "give 'lon' and 'lat'"),
        (lambda g: g.coord_to_pix({"lon": [1, 2], "lat": [1, 2, 3]}), "do not broadcast"),
        (lambda g: g.coord_to_pix({"lon": 1, "lat": 2}), "no 'energy'"),
        (lambda g: g.pix_to_coord((1, 2)), "give one of each"),
        (lambda g: g.get_coord(mode="middle"), "mode is 'middle'"),
        (lambda _: WcsGeom(WCS(naxis=2), npix=(2, 2)), "not longitude and latitude"),
        (lambda g: WcsGeom(WCS(g.wcs.to_header())), "has no size"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(act, says):
    with pytest.raises((InvalidInputError, GeometryError), match=says):
        act(grid())


def test_texts_are_short_and_stable():
    geom = grid(axes=[MapAxis([0, 1], name="<b>")])
    assert repr(geom) == repr(grid(axes=[MapAxis([0, 1], name="<b>")]))
    assert "&lt;b&gt;" in geom._repr_html_()
    assert repr(geom.sky) == "SkyGrid(frame='icrs', shape=(20, 20))"
    assert "lon" in repr(geom.get_coord())
