"""Exclusion masks beside Gammapy's: the same pixels, and files that it reads."""

from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from gammapy.maps import Map as TheirMap
from regions import (
    CircleAnnulusSkyRegion,
    CircleSkyRegion,
    EllipseSkyRegion,
    PointSkyRegion,
    PolygonSkyRegion,
    RectangleSkyRegion,
)

from fovnb.makers import ExclusionMask
from tests.oracle.both import OURS, THEIRS, Setup, wcs_geom

CENTER = SkyCoord(83.2, 22.4, unit="deg")
SHAPES = [
    CircleSkyRegion(CENTER, 0.33 * u.deg),
    CircleAnnulusSkyRegion(CENTER, 0.2 * u.deg, 0.51 * u.deg),
    EllipseSkyRegion(CENTER, 0.4 * u.deg, 1.2 * u.deg, 30 * u.deg),
    RectangleSkyRegion(CENTER, 0.4 * u.deg, 1.2 * u.deg, 30 * u.deg),
    PolygonSkyRegion(SkyCoord([83, 84, 83.5], [22, 22.2, 21.1], unit="deg")),
    PointSkyRegion(CENTER),
]


@pytest.mark.parametrize("proj", ["CAR", "TAN"])
@pytest.mark.parametrize("region", SHAPES, ids=lambda region: type(region).__name__)
def test_the_pixels_are_those_of_region_mask(region: object, proj: str) -> None:
    ours, theirs = (wcs_geom(pkg, Setup(proj=proj)) for pkg in (OURS, THEIRS))
    expected = theirs.region_mask([region], inside=False).data
    np.testing.assert_array_equal(ExclusionMask(region).to_map(ours).data, expected)
    assert 0 < np.count_nonzero(~expected) < expected.size / 10


def test_gammapy_reads_the_map_in_a_fits_file(tmp_path: Path) -> None:
    mask, geom = ExclusionMask(SHAPES), wcs_geom(OURS, Setup())
    mask.write(tmp_path / "mask.fits", geom)
    read = TheirMap.read(tmp_path / "mask.fits")
    assert read.geom == wcs_geom(THEIRS, Setup())
    np.testing.assert_array_equal(read.data.astype(bool), mask.to_map(geom).data)


def test_a_mask_that_gammapy_wrote_is_read(tmp_path: Path) -> None:
    theirs = wcs_geom(THEIRS, Setup()).to_image().region_mask(SHAPES[:1], inside=False)
    theirs.write(tmp_path / "mask.fits")
    [entry] = ExclusionMask.from_file(tmp_path / "mask.fits")
    np.testing.assert_array_equal(entry.mask.data, theirs.data)
