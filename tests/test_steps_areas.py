"""Regions of a recipe and entries of a mask: each becomes the other, moves, and changes its kind."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st
from regions import CircleSkyRegion, EllipseAnnulusSkyRegion

from fovnb.errors import RecipeError
from fovnb.makers import ExclusionMask
from fovnb.makers.exclusion_shapes import SkyShape
from fovnb.maps import Map, WcsGeom
from fovnb.recipe import Annulus, Catalogue, Circle, Ellipse, Exclusion, Polygon, Rectangle
from fovnb.recipe.regions import Region
from fovnb.steps.areas import as_mask, entry_of, free_name, outside, region_of, regions_of, shape_of_region
from fovnb.steps.reshape import KINDS, center_of, found_at, placed, reshaped
from fovnb.types import BoolArray

GEOM = WcsGeom.create(skydir=(83.63, 22.01), width=4, binsz=0.02)
CIRCLE = Circle(83.63, 22.01, 0.4, name="Crab", origin="mine")
REGIONS = (
    CIRCLE,
    Annulus(83.63, 22.01, 0.2, 0.5, frame="fk5", name="ring"),
    Ellipse(184.56, -5.78, 1.2, 0.5, 30.0, "galactic", "oval", "file a.reg", False),
    Rectangle(83.4, 22.3, 1.0, 0.4, -20.0, name="box"),
    Polygon((83.0, 84.0, 83.5), (22.0, 22.0, 23.0), name="triangle"),
)


def pixels(region: Region) -> BoolArray:
    """Return which pixels are in a region, by the regions package's own words alone."""
    from fovnb.steps.expressions import evaluate
    from fovnb.steps.sky import sky_region

    return np.asarray(GEOM.region_mask([evaluate(sky_region(region), {})]).data)


@pytest.mark.parametrize("region", REGIONS, ids=lambda one: one.kind)
def test_there_and_back_without_loss(region: Region) -> None:
    shape = shape_of_region(region)
    assert region_of(shape, region.name, region.origin, region.active) == region
    entry = entry_of(region)
    assert (entry.name, entry.origin) == (region.name, region.origin)
    found, lost = regions_of([entry])
    assert (found, lost) == ((region.edit(active=True),), "")
    np.testing.assert_array_equal(entry.image(GEOM)[0], pixels(region))


def test_what_a_recipe_has_no_region_for_is_named_and_the_rest_is_kept() -> None:
    center = SkyCoord(83.63, 22.01, unit="deg")
    ring = EllipseAnnulusSkyRegion(center, *([0.2, 0.4, 0.1, 0.3] * u.deg))
    mask = ExclusionMask([CircleSkyRegion(center, 0.3 * u.deg), ring], ["Crab", "ring"])
    image = Map.from_geom(GEOM, data=~pixels(CIRCLE))
    mask = mask.add(image, ["image"]).cut(CircleSkyRegion(center, 0.1 * u.deg), ["hole"])
    found, lost = regions_of(mask)
    assert found == (Circle(83.63, 22.01, 0.3, name="Crab"),)
    assert lost.startswith("3 left out: 'ring' (found 'EllipseAnnulus'; expected one of Circle, ")
    assert "'image' (it is a Mask" in lost
    assert "'hole' (it is a cut" in lost


def test_a_circle_larger_than_a_recipe_admits_is_named_too() -> None:
    shape = SkyShape("Circle", "icrs", (0.0,), (0.0,), (200.0,))
    with pytest.raises(RecipeError, match=r"radius_deg is 200.0; expected a number above 0"):
        region_of(shape)


@pytest.mark.parametrize("region", REGIONS, ids=lambda one: one.kind)
def test_a_region_moves_as_a_whole_and_back(region: Region) -> None:
    lon, lat = center_of(region)
    there = placed(region, lon + 0.5, lat - 0.25)
    assert center_of(there) == pytest.approx((lon + 0.5, lat - 0.25), abs=2e-6)
    assert (there.name, there.origin, there.active) == (region.name, region.origin, region.active)
    back = placed(there, lon, lat)
    np.testing.assert_allclose(back.lon_deg, region.lon_deg, atol=5e-6)
    np.testing.assert_allclose(back.lat_deg, region.lat_deg, atol=5e-6)


def test_a_position_in_another_frame_is_the_same_place() -> None:
    place = SkyCoord(83.63, 22.01, unit="deg").galactic
    moved = placed(CIRCLE.edit(lon_deg=0.0), place.l.deg, place.b.deg, "galactic")
    assert moved == CIRCLE


@pytest.mark.parametrize("region", REGIONS, ids=lambda one: one.kind)
@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_keeps_the_centre_and_the_words(region: Region, kind: str) -> None:
    made = reshaped(region, kind)
    assert made.kind == kind
    assert center_of(made) == pytest.approx(center_of(region), abs=2e-3)  # of a polygon, the mean of its corners
    words = ("name", "origin", "active", "frame")
    assert [getattr(made, word) for word in words] == [getattr(region, word) for word in words]


@pytest.mark.parametrize("region", [r for r in REGIONS if r.kind != "annulus"], ids=lambda one: one.kind)
def test_a_circle_in_its_place_covers_all_of_it(region: Region) -> None:
    assert not (pixels(region) & ~pixels(reshaped(region, "circle"))).any()


@pytest.mark.parametrize("angle", [0.0, 30.0, -70.0])
def test_the_polygon_in_place_of_a_rectangle_or_an_ellipse_covers_the_same(angle: float) -> None:
    box = Rectangle(83.5, 22.2, 1.2, 0.5, angle)
    differ = pixels(box) ^ pixels(reshaped(box, "polygon"))
    assert differ.sum() < 0.02 * pixels(box).sum()  # their sides bend by less than a pixel
    oval = Ellipse(83.5, 22.2, 1.2, 0.5, angle)
    polygon = pixels(reshaped(oval, "polygon"))
    assert (polygon & ~pixels(oval)).sum() < 0.01 * pixels(oval).sum()
    # A regular polygon of 12 corners holds 12 / (2 pi) sin(2 pi / 12) = 0.955 of its circle.
    assert polygon.sum() / pixels(oval).sum() == pytest.approx(0.955, abs=0.02)
    turned = pixels(reshaped(box.edit(angle_deg=angle + 40), "polygon"))
    assert (pixels(box) ^ turned).sum() > 0.2 * pixels(box).sum()  # the angle matters


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"found 'star'; expected one of circle, ellipse"):
        reshaped(CIRCLE, "star")


@given(st.lists(st.sampled_from(["circle", "circle 2", "box", "circle 3"])))
def test_a_free_name_is_free(taken: list[str]) -> None:
    found = free_name("circle", taken)
    assert found not in taken
    assert found == "circle" or ("circle" in taken and found.startswith("circle "))


def test_the_smallest_region_at_a_place_is_found() -> None:
    regions = (CIRCLE.edit(radius_deg=1.0), Annulus(83.63, 22.01, 0.3, 0.8), CIRCLE.edit(radius_deg=0.1))
    north = [SkyCoord(83.63, 22.01 + off, unit="deg") for off in (0.05, 0.2, 0.5, 0.9, 2.0)]
    assert [found_at(regions, place) for place in north] == [2, 0, 1, 0, None]
    assert found_at(regions, north[2].galactic) == 1


def test_what_holds_no_pixel_is_outside() -> None:
    beside = CIRCLE.edit(lon_deg=86.4)  # its centre 0.57 deg from the side of the map
    assert outside([CIRCLE, beside, beside.edit(radius_deg=0.6)], GEOM) == [False, True, False]


def test_the_mask_of_an_exclusion_has_its_regions_in_use_and_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.csv").write_text("name,ra,dec\nnear,83.0,22.0\nfar,10.0,22.0\n")
    ExclusionMask("icrs; circle(84, 22.5, 0.2) # text={read}").write(tmp_path / "areas.reg")
    exclusion = Exclusion(
        (CIRCLE, CIRCLE.edit(name="idle", active=False)),
        Catalogue("cat.csv", 0.1),
        "areas.reg",
    )
    mask = as_mask(exclusion, GEOM)
    assert mask.names == ("Crab", "near", "read")
    assert [entry.origin for entry in mask] == ["mine", "file cat.csv", "user"]
    assert len(as_mask(Exclusion(), GEOM)) == 0
