"""Exclusion masks as records: what they exclude, how they combine, and what makes them doubtful."""

import pickle

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from regions import (
    CircleAnnulusSkyRegion,
    CircleSkyRegion,
    EllipseAnnulusSkyRegion,
    EllipseSkyRegion,
    PointSkyRegion,
    PolygonSkyRegion,
    RectangleAnnulusSkyRegion,
    RectangleSkyRegion,
    Regions,
)

from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers import ExclusionMask, project_exclusion_mask
from fovnb.maps import Map, MapAxis, WcsGeom

CRAB = SkyCoord(83.63, 22.01, unit="deg")
ENERGY = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)


def field(proj: str = "CAR", frame: str = "icrs", width: float = 3.0) -> WcsGeom:
    center = CRAB.transform_to(frame)
    return WcsGeom.create(skydir=center, width=width, binsz=0.05, proj=proj, frame=frame)


def circle(lon: float = 83.63, lat: float = 22.01, radius: float = 0.3, frame: str = "icrs") -> CircleSkyRegion:
    return CircleSkyRegion(SkyCoord(lon, lat, unit="deg", frame=frame), radius * u.deg)


def all_shapes(frame: str = "icrs") -> list:
    center = CRAB.transform_to(frame)
    lon, lat = center.spherical.lon.deg, center.spherical.lat.deg
    sizes = [0.2, 0.5, 0.3, 0.9] * u.deg
    corners = SkyCoord([lon, lon + 1, lon + 0.5], [lat, lat + 0.2, lat - 0.8], unit="deg", frame=frame)
    return [
        CircleSkyRegion(center, 18 * u.arcmin),
        CircleAnnulusSkyRegion(center, 0.2 * u.deg, 0.5 * u.deg),
        EllipseSkyRegion(center, 0.4 * u.deg, 1.2 * u.deg, 30 * u.deg),
        EllipseAnnulusSkyRegion(center, *sizes, 40 * u.deg),
        RectangleSkyRegion(center, 0.4 * u.deg, 1.2 * u.deg, 30 * u.deg),
        RectangleAnnulusSkyRegion(center, *sizes, 40 * u.deg),
        PolygonSkyRegion(corners),
        PointSkyRegion(center),
        circle(lon, lat, 0.4, frame)
        & CircleSkyRegion(center.directional_offset_by(0 * u.deg, 0.3 * u.deg), 0.4 * u.deg),
    ]


def excluded(mask: ExclusionMask, geom: WcsGeom | None = None) -> np.ndarray:
    return ~mask.to_map(geom or field()).data


@pytest.mark.parametrize("proj", ["CAR", "TAN", "AIT"])
@pytest.mark.parametrize("region", all_shapes(), ids=lambda region: type(region).__name__)
def test_a_region_excludes_the_pixels_of_region_mask(region: object, proj: str) -> None:
    geom = field(proj)
    expected = geom.region_mask([region], inside=False).data
    np.testing.assert_array_equal(ExclusionMask(region).to_map(geom).data, expected)
    assert 0 < np.count_nonzero(~expected) < expected.size / 2


@pytest.mark.filterwarnings("ignore:.*no pixel of the map")
def test_the_kept_projection_serves_every_cutout_of_the_same_pixels() -> None:
    mask, geom = ExclusionMask(all_shapes()), field()
    whole = excluded(mask, geom)
    for position, width in [(CRAB, 1.0), (SkyCoord(84.5, 21.2, unit="deg"), (0.4, 2.0))]:
        part = geom.cutout(position, width)
        np.testing.assert_array_equal(excluded(mask, part), whole[part.cutout_slices(geom)["parent-slices"]])
    np.testing.assert_array_equal(excluded(mask, geom.pad(7))[7:-7, 7:-7], whole)


def test_a_projection_is_not_kept_for_other_pixels() -> None:
    mask, coarse = ExclusionMask(all_shapes()), WcsGeom.create(skydir=CRAB, width=3, binsz=0.12, proj="TAN")
    excluded(mask)
    np.testing.assert_array_equal(mask.to_map(coarse).data, coarse.region_mask(all_shapes(), inside=False).data)


def test_a_cube_gets_the_image_in_every_bin() -> None:
    cube = field().to_cube([ENERGY])
    used = ExclusionMask(circle()).to_map(cube)
    assert used.geom is cube
    assert used.data.dtype == bool
    np.testing.assert_array_equal(used.data[1], ExclusionMask(circle()).to_map(field()).data)


def test_an_empty_mask_uses_everything() -> None:
    assert not excluded(ExclusionMask()).any()
    assert repr(ExclusionMask()) == "ExclusionMask of 0 areas"


def test_a_map_is_true_where_data_are_used_and_nothing_is_known_beyond_it() -> None:
    small = field(width=1.0).region_mask([circle()], inside=False)
    mask = ExclusionMask([small, circle(84.6)], ["map", "far"])
    with pytest.warns(FovnbWarning, match=r"^'map' covers 11\.\d% of the map, and what lies outside is used;"):
        found = excluded(mask)
    np.testing.assert_array_equal(found, ~field().region_mask([circle(), circle(84.6)], inside=False).data)


def test_a_map_with_axes_excludes_bin_by_bin() -> None:
    cube = field().to_cube([ENERGY])
    known = cube.region_mask([circle()], inside=False)
    known.data[1] = True
    found = excluded(ExclusionMask([known, circle(84.6)]), cube)
    assert found[0].sum() == found[1].sum() + np.count_nonzero(~known.data[0])
    with pytest.raises(InvalidInputError, match=r"has the axes \['energy'\]; expected none"):
        ExclusionMask(known).to_map(field())


def test_the_mask_keeps_its_own_data() -> None:
    known, region = field().region_mask([circle()], inside=False), circle()
    mask = ExclusionMask([known, region])
    before = excluded(mask)
    known.data[...] = True
    region.radius = 1 * u.deg
    np.testing.assert_array_equal(excluded(mask), before)
    with pytest.raises(ValueError, match="read-only"):
        mask[0].mask.data[0, 0] = False


def test_names_come_from_the_regions_or_their_kind_and_are_unique() -> None:
    text = "icrs; circle(83, 22, 0.3) # text={Crab}\ncircle(84, 22, 0.3) # text={Crab}\nbox(85, 22, 1, 1, 0)\n"
    assert ExclusionMask(text + "box(86,22,1,1,0)").names == ("Crab", "Crab 2", "Rectangle", "Rectangle 2")
    assert ExclusionMask([circle(83), circle(84), circle(85)], ["a", "a 2", "a"]).names == ("a", "a 2", "a 3")
    assert ExclusionMask([circle()], [" Crab "], origin="mine")["Crab"].origin == "mine"


def test_a_region_marked_as_excluded_is_a_cut_out_of_what_comes_before() -> None:
    mask = ExclusionMask("icrs; circle(83.63, 22.01, 0.5)\n-circle(83.63, 22.01, 0.2)\n")
    assert [entry.cut for entry in mask] == [False, True]
    ring = excluded(ExclusionMask(CircleAnnulusSkyRegion(CRAB, 0.2 * u.deg, 0.5 * u.deg)))
    np.testing.assert_array_equal(excluded(mask), ring)
    np.testing.assert_array_equal(excluded(mask.add(circle(radius=0.2))), excluded(ExclusionMask(circle(radius=0.5))))


@st.composite
def masks(draw: st.DrawFn) -> ExclusionMask:
    position, size = st.floats(-1.4, 1.4), st.floats(0.1, 0.8)
    shapes = []
    for _ in range(draw(st.integers(1, 3))):
        center = SkyCoord(83.63 + draw(position), 22.01 + draw(position), unit="deg")
        width, height, angle = (draw(size) * u.deg, draw(size) * u.deg, draw(st.floats(0, 180)) * u.deg)
        kind = draw(st.sampled_from([EllipseSkyRegion, RectangleSkyRegion, CircleSkyRegion]))
        shapes.append(kind(center, width) if kind is CircleSkyRegion else kind(center, width, height, angle))
    return ExclusionMask(shapes)


quickly = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(a=masks(), b=masks())
@quickly
@pytest.mark.filterwarnings("ignore::fovnb.errors.FovnbWarning")
def test_sets_of_pixels_follow_the_operators(a: ExclusionMask, b: ExclusionMask) -> None:
    in_a, in_b = excluded(a), excluded(b)
    np.testing.assert_array_equal(excluded(a | b), in_a | in_b)
    np.testing.assert_array_equal(excluded(b | a), in_a | in_b)
    np.testing.assert_array_equal(excluded(a.cut(b)), in_a & ~in_b)
    np.testing.assert_array_equal(excluded(a - b.to_map(field()) if not in_b.all() else a.cut(b)), in_a & ~in_b)
    assert [entry.key for entry in a | a] == [entry.key for entry in a]
    assert ((a | b) - b).names == tuple(e.name for e in a if e.key not in {entry.key for entry in b})
    assert (a | b).undo() is a


@given(mask=masks(), by=st.floats(0.06, 0.3))
@quickly
@pytest.mark.filterwarnings("ignore::fovnb.errors.FovnbWarning")
def test_growing_only_adds_pixels_and_shrinking_back_returns_them(mask: ExclusionMask, by: float) -> None:
    before, after = excluded(mask), excluded(mask.grow(by))
    assert not (before & ~after).any()
    assert after.sum() > before.sum() or after.all() or not after.any()
    for entry, same in zip(mask, mask.grow(by).grow(-by), strict=True):
        assert same.shape.sizes_deg == pytest.approx(entry.shape.sizes_deg)


def test_subtracting_needs_something_in_common() -> None:
    stars, sources = ExclusionMask([circle(84)], ["star"]), ExclusionMask([circle(83)], ["Crab"])
    assert (sources | stars).subtract(ExclusionMask(circle(84))).names == ("Crab",)
    with pytest.raises(InvalidInputError, match=r"no area of 'star' is in the mask \('Crab'\); use cut"):
        sources - stars
    assert (sources - ExclusionMask()).names == ("Crab",)


def test_a_union_takes_an_area_once_and_numbers_a_name_that_is_taken() -> None:
    ours, theirs = (
        ExclusionMask([circle(83)], ["Crab"], "a"),
        ExclusionMask([circle(83), circle(84)], ["x", "Crab"], "b"),
    )
    union = ours | theirs
    assert [(entry.name, entry.origin) for entry in union] == [("Crab", "a"), ("Crab 2", "b")]


def test_areas_are_found_removed_renamed_and_undone() -> None:
    mask = ExclusionMask([circle(83), circle(84)], ["Crab", "star"])
    assert len(mask) == 2
    assert "Crab" in mask
    assert "crab" not in mask
    assert mask["star"] is mask[1]
    renamed = mask.rename("star", "Zeta Tau")
    assert renamed.names == ("Crab", "Zeta Tau")
    smaller = renamed.remove("Crab")
    assert smaller.names == ("Zeta Tau",)
    assert smaller.undo() is renamed
    assert smaller.undo().undo() is mask
    assert mask.names == ("Crab", "star")
    with pytest.raises(InvalidInputError, match="nothing to undo"):
        mask.undo()
    with pytest.raises(InvalidInputError, match=r"called 'Crabb' \(did you mean 'Crab'\?\); there are 'Crab', 'star'"):
        mask.remove("Crabb")
    with pytest.raises(InvalidInputError, match="'Crab' is taken"):
        mask.rename("star", "Crab")


def test_shapes_grow_by_their_own_numbers() -> None:
    grown = ExclusionMask([*all_shapes()[:6], PointSkyRegion(CRAB)]).grow("0.1 deg")
    assert [entry.kind for entry in grown][-1] == "Circle"
    assert [tuple(np.round(entry.shape.sizes_deg, 9)) for entry in grown] == [
        (0.4,),
        (0.1, 0.6),
        (0.6, 1.4),
        (0.7, 1.1),
        (0.6, 1.4),
        (0.7, 1.1),
        (0.1,),
    ]


def test_a_polygon_grows_on_the_map_by_the_pixels_near_it_from_beyond_the_edge_too() -> None:
    corners = SkyCoord([83.03, 84.23, 84.23, 83.03], [21.41, 21.41, 22.61, 22.61], unit="deg")
    square, geom = ExclusionMask(PolygonSkyRegion(corners)), field()
    grown = excluded(square.grow(0.2), geom)
    rectangle = RectangleSkyRegion(CRAB, 1.2 * np.cos(np.deg2rad(22.01)) * u.deg, 1.2 * u.deg)
    wider = excluded(ExclusionMask(rectangle).grow(0.2), geom)
    assert not (grown & ~excluded(ExclusionMask(rectangle).grow(0.26), geom)).any()
    assert 0.9 < grown.sum() / wider.sum() < 1.0  # the corners are round
    part = geom.cutout(CRAB.directional_offset_by(0 * u.deg, 1.1 * u.deg), 0.9)
    assert not excluded(square, geom)[part.cutout_slices(geom)["parent-slices"]].any()
    np.testing.assert_array_equal(excluded(square.grow(0.2), part), grown[part.cutout_slices(geom)["parent-slices"]])
    shrunk = excluded(square.grow(-0.2), geom)
    assert 0 < shrunk.sum() < excluded(square, geom).sum()


def test_a_map_grows_over_its_edge() -> None:
    small = Map.from_geom(field(width=1.0), data=np.ones((20, 20), dtype=bool))
    small.data[:, 0] = False
    mask = ExclusionMask(small).grow("0.1 deg")
    with pytest.warns(FovnbWarning, match="covers"):
        found = excluded(mask)
    assert np.flatnonzero(found.any(axis=0)).tolist() == [18, 19, 20, 21, 22]


def test_a_cut_shrinks_when_the_mask_grows() -> None:
    mask = ExclusionMask(circle(radius=0.6)).cut(circle(radius=0.3)).grow(0.1)
    assert [entry.shape.sizes_deg for entry in mask] == [pytest.approx((0.7,)), pytest.approx((0.2,))]


def test_nothing_left_is_refused() -> None:
    with pytest.raises(
        InvalidInputError, match=r"a Circle of sizes \(0\.3,\) deg that shrinks by 0\.3 deg leaves nothing"
    ):
        ExclusionMask(circle()).grow("-0.3 deg")
    with pytest.raises(InvalidInputError, match="leaves nothing"):
        ExclusionMask(CircleAnnulusSkyRegion(CRAB, 0.4 * u.deg, 0.5 * u.deg)).grow(-0.05)
    with pytest.raises(InvalidInputError, match="cannot read the growth from 'wide'"):
        ExclusionMask(circle()).grow("wide")
    with pytest.raises(InvalidInputError, match="the growth is nan; give a finite angle"):
        ExclusionMask(all_shapes()[6]).grow(np.nan)
    with pytest.raises(InvalidInputError, match=r"frame is 'galactc', .* \(did you mean 'galactic'\?\)"):
        ExclusionMask(circle()).shift("1 deg", frame="galactc")


def test_scaling_keeps_the_centre() -> None:
    shapes = all_shapes()[:7]
    for before, after in zip(ExclusionMask(shapes), ExclusionMask(shapes).scale(1.5), strict=True):
        assert before.shape.center.separation(after.shape.center).arcsec < 1
        assert after.shape.reach_deg == pytest.approx(1.5 * before.shape.reach_deg, rel=1e-3)
    with pytest.raises(InvalidInputError, match="the factor is 0; give a positive number"):
        ExclusionMask(circle()).scale(0)
    with pytest.raises(InvalidInputError, match="'Compound' is a Compound, which cannot be scaled"):
        ExclusionMask(all_shapes()[-1]).scale(2)


@pytest.mark.parametrize("frame", ["icrs", "galactic"])
def test_a_shift_is_an_angle_on_the_sky_in_any_frame(frame: str) -> None:
    for before, after in zip(
        ExclusionMask(all_shapes(frame)[:8]), ExclusionMask(all_shapes(frame)[:8]).shift("0.5 deg"), strict=True
    ):
        here, there = before.shape.center.icrs, after.shape.center.icrs
        assert here.separation(there).deg == pytest.approx(0.5, abs=1e-6)
        assert here.position_angle(there).deg == pytest.approx(90, abs=0.1)
        assert after.shape.reach_deg == pytest.approx(before.shape.reach_deg, abs=1e-4)


def test_a_shifted_map_excludes_what_the_shifted_region_does() -> None:
    geom = field(width=5.0)
    known = ExclusionMask(geom.region_mask([circle()], inside=False))
    found = excluded(known.shift("0.5 deg", "-0.25 deg"))
    expected = excluded(ExclusionMask(circle()).shift("0.5 deg", "-0.25 deg"))
    assert (found ^ expected).sum() <= 6
    assert (found ^ excluded(ExclusionMask(circle()).shift("-0.5 deg", "-0.25 deg"))).sum() > 100


def test_within_keeps_what_touches_the_field() -> None:
    mask = ExclusionMask(
        [circle(), circle(85.4, radius=0.4), circle(85.4, radius=0.05), circle(263.63, -22)], list("abcd")
    )
    assert mask.within(field()).names == ("a", "b")
    assert len(mask.within(field()).undo()) == 4


def test_doubts_are_said_once_and_by_name() -> None:
    with pytest.warns(FovnbWarning) as caught:
        ExclusionMask([circle(), circle(10), circle(20)], ["Crab", "a", "b"]).to_map(field())
    assert [str(w.message) for w in caught] == [
        "'a', 'b' hold no pixel of the map, which is harmless; mask.within(geom) keeps what does"
    ]
    assert caught[0].filename == __file__


def test_regions_in_another_frame_are_named_and_converted() -> None:
    galactic = CRAB.galactic
    mask = ExclusionMask([circle(galactic.l.deg, galactic.b.deg, frame="galactic"), circle()], ["far", "near"])
    with pytest.warns(
        FovnbWarning, match=r"^'far' lies in the frame galactic, the map in icrs; the position"
    ) as caught:
        found = excluded(mask)
    assert len(caught) == 1
    np.testing.assert_array_equal(found, excluded(ExclusionMask(circle())))
    with pytest.warns(FovnbWarning, match=r"^'far' holds no pixel of the map") as caught:
        excluded(mask.shift("5 deg").remove("near"))
    assert len(caught) == 1  # what is off the map needs no frame


def test_fk5_on_icrs_is_no_other_frame() -> None:
    assert excluded(ExclusionMask("fk5; circle(83.63, 22.01, 0.3)")).sum() == excluded(ExclusionMask(circle())).sum()


def test_projection_for_a_run_warns_only_where_the_mask_does_nothing() -> None:
    cube = field().to_cube([ENERGY])
    survey = ExclusionMask([circle(), circle(10)], ["Crab", "far"])
    np.testing.assert_array_equal(
        project_exclusion_mask(survey, cube).data, cube.region_mask([circle()], inside=False).data
    )
    with pytest.warns(FovnbWarning, match=r"of 1 area: 'far'\) excludes no pixel of the dataset; pass None") as caught:
        assert project_exclusion_mask(survey.remove("Crab"), cube).data.all()
    assert len(caught) == 1
    with pytest.warns(FovnbWarning, match="of 0 areas"):
        project_exclusion_mask(ExclusionMask(), cube)


def test_the_table_and_the_representations() -> None:
    mask = ExclusionMask([circle(), Map.from_geom(field(), data=np.eye(60, dtype=bool))], ["<b>", "map"]).cut(circle())
    table = mask.table
    assert table["name"].tolist() == ["<b>", "map", "Circle"]
    assert table["shape"].tolist() == ["Circle", "Mask", "cut Circle"]
    assert table["size"][0] == 0.3 * u.deg
    assert np.isnan(table["lon"][1])
    assert repr(mask) == "ExclusionMask of 3 areas: '<b>', 'map', 'Circle'"
    assert "&lt;b&gt;" in mask._repr_html_()
    assert "<b>" not in mask._repr_html_() + mask[0]._repr_html_()
    assert len(ExclusionMask().table) == 0
    assert [type(region) for region in mask.regions] == [CircleSkyRegion]
    assert isinstance(Regions(mask.regions), Regions)


def test_a_mask_travels() -> None:
    mask = ExclusionMask(all_shapes()[:8]).cut(circle())
    before = excluded(mask)
    np.testing.assert_array_equal(excluded(pickle.loads(pickle.dumps(mask))), before)
