"""What users give as areas to exclude: what is taken, left out with a warning, or refused in a sentence."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from regions import CirclePixelRegion, CircleSkyRegion, LineSkyRegion, PixCoord

from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers import ExclusionMask
from fovnb.maps import Map, WcsGeom

CRAB = SkyCoord(83.63, 22.01, unit="deg")


def field() -> WcsGeom:
    return WcsGeom.create(skydir=CRAB, width=3, binsz=0.05)


def circle(lon: float = 83.63, frame: str = "icrs") -> CircleSkyRegion:
    return CircleSkyRegion(SkyCoord(lon, 22.01, unit="deg", frame=frame), 0.3 * u.deg)


@pytest.mark.parametrize(
    ("areas", "message"),
    [
        (CirclePixelRegion(PixCoord(3, 4), 2), "CirclePixelRegion lies in pixels; turn it into a sky region"),
        ([circle(), 3], "int is no area; expected a sky region such as CircleSkyRegion, or a Map"),
        (circle(np.nan), "a Circle has a position or size that is not finite"),
        ("icrs; circle(83", "the text .* cannot be read as DS9 regions|holds no region"),
        ("junk", "the text 'junk' holds no region; left out: \"junk\" frame or shape is not a valid"),
        ("icrs; line(1, 2, 3, 4)", "holds no region; left out: 1 lines or texts, which have no area"),
        ([LineSkyRegion(CRAB, CRAB)], "LineSkyRegion is no area; expected a sky region"),
        (CRAB, "SkyCoord is no area; expected a sky region such as CircleSkyRegion"),
        (None, "NoneType is no area"),
        ({}, "dict is no area"),
        (circle(frame="fk4"), None),
        (CircleSkyRegion(SkyCoord(1, 2, unit="deg", frame="fk5", equinox="J1980"), 1 * u.deg), "give it in icrs"),
        (Map.from_geom(field(), data=np.full((60, 60), 2.0)), "holds other values than 0 and 1"),
        (Map.from_geom(field(), dtype=bool), "the mask 'Map' is False everywhere and excludes everything"),
    ],
)
def test_what_is_no_area_is_refused_in_a_sentence(areas: object, message: str | None) -> None:
    if message is None:
        assert ExclusionMask(areas)[0].frame == "fk4"
        return
    with pytest.raises(InvalidInputError, match=message):
        ExclusionMask(areas)


def test_what_has_no_area_in_a_text_is_left_out_with_a_warning() -> None:
    with pytest.warns(FovnbWarning, match="left out: 1 lines or texts, which have no area") as caught:
        mask = ExclusionMask("icrs; line(1, 2, 3, 4); circle(83.63, 22.01, 0.3); point(84, 22)")
    assert [entry.kind for entry in mask] == ["Circle", "Point"]
    assert [warning.filename for warning in caught] == [__file__]


def test_names_must_be_texts_and_as_many_as_the_areas() -> None:
    with pytest.raises(InvalidInputError, match="1 names are given for 2 areas"):
        ExclusionMask([circle(), circle(84)], ["a"])
    with pytest.raises(InvalidInputError, match="the name of an excluded area is ' '; give a text"):
        ExclusionMask([circle()], [" "])
    with pytest.raises(InvalidInputError, match="the origin of an excluded area is None"):
        ExclusionMask(circle(), origin=None)
