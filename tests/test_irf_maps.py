"""PSF and energy dispersion maps: how they start, how they are stacked, and their files."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits

from fovnb.errors import DataError, GeometryError, InvalidInputError
from fovnb.irf import EDispKernelMap, PSFMap
from fovnb.maps import Map, MapAxis, WcsGeom

TRUE = MapAxis.from_energy_edges([1, 2, 4], unit="TeV", name="energy_true")
RAD = MapAxis.from_edges([0, 0.1, 0.2, 0.3], name="rad", unit="deg")
IMAGE = WcsGeom.create(skydir=(83.63, 22.01), npix=(7, 5), binsz=0.2)
PSF_GEOM = IMAGE.to_cube([RAD, TRUE])
RNG = np.random.default_rng(1)


def psf_map(geom=PSF_GEOM, value=1.0, exposure=1.0):
    psf = PSFMap.from_geom(geom)
    psf.psf_map.data[...] = value
    psf.exposure_map.data[...] = exposure
    return psf


def edisp_geom(*edges):
    return IMAGE.to_cube([MapAxis.from_energy_edges(edges, unit="TeV"), TRUE])


def test_edisp_starts_as_the_overlap_of_the_bins():
    # True bins 1-2 and 2-4 TeV; of the second, a half lies below and a half above 3 TeV, nothing of the first above 2.
    edisp = EDispKernelMap.from_geom(edisp_geom(1.5, 3, 5))
    expected = np.array([[0.5, 0], [0.5, 0.5]])
    np.testing.assert_allclose(edisp.edisp_map.data, np.broadcast_to(expected[..., None, None], (2, 2, 5, 7)))
    assert edisp.exposure_map.data.shape == (2, 1, 5, 7)
    assert not edisp.exposure_map.data.any()


def test_stack_is_the_mean_weighted_by_exposure():
    first, second = psf_map(value=1.0, exposure=3.0), psf_map(value=5.0, exposure=1.0)
    first.stack(second)
    np.testing.assert_allclose(first.psf_map.data, 2.0)  # (1 x 3 + 5 x 1) / 4
    np.testing.assert_allclose(first.exposure_map.data, 4.0)


def test_stack_changes_only_itself():
    first, second = psf_map(), psf_map(value=5.0)
    before = second.copy()
    first.stack(second)
    np.testing.assert_array_equal(second.psf_map.data, before.psf_map.data)
    np.testing.assert_array_equal(second.exposure_map.data, before.exposure_map.data)


def test_without_exposure_the_stack_is_zero():
    first = EDispKernelMap.from_geom(edisp_geom(1, 2, 4))
    first.stack(EDispKernelMap.from_geom(edisp_geom(1, 2, 4)))
    assert not first.edisp_map.data.any()


def test_weights_mask_response_and_exposure():
    first, second = psf_map(exposure=0), psf_map(value=5.0)
    weights = Map.from_geom(PSF_GEOM.squash("energy_true").squash("rad"), dtype=bool)
    weights.data[..., 3:] = True
    first.stack(second, weights=weights)
    assert not first.psf_map.data[..., :3].any()
    assert not first.exposure_map.data[..., :3].any()
    np.testing.assert_allclose(first.psf_map.data[..., 3:], 5)


def test_any_reconstructed_energy_lets_the_exposure_through():
    geom = edisp_geom(1, 2, 4)
    first, second = EDispKernelMap.from_geom(geom), EDispKernelMap.from_geom(geom)
    second.exposure_map.data[...] = 1
    weights = Map.from_geom(geom.squash("energy_true"), dtype=bool)
    weights.data[0, 1] = True
    first.stack(second, weights=weights)
    assert (first.exposure_map.data == 1).all()
    assert not first.edisp_map.data[:, 0].any()
    np.testing.assert_allclose(first.edisp_map.data[1, 1], 1)


def test_a_cutout_is_stacked_into_its_place():
    first = psf_map(exposure=1)
    second = psf_map(value=5.0).cutout(IMAGE.center_skydir, "0.6 deg")
    first.stack(second)
    inner = (..., slice(1, 4), slice(2, 5))
    np.testing.assert_allclose(first.psf_map.data[inner], 3)
    np.testing.assert_allclose(first.exposure_map.data[inner], 2)
    outside = np.ones((5, 7), dtype=bool)
    outside[inner[1:]] = False
    assert (first.psf_map.data[..., outside] == 1).all()


def test_stacking_a_cutout_or_a_masked_whole_is_the_same():
    one, whole = psf_map(exposure=1), psf_map(value=RNG.uniform(1, 2, PSF_GEOM.data_shape), exposure=2.0)
    other, cutout = one.copy(), whole.cutout(IMAGE.center_skydir, "0.6 deg")
    weights = Map.from_geom(PSF_GEOM.squash("energy_true").squash("rad"), dtype=bool)
    weights.data[..., 1:4, 2:5] = True
    one.stack(cutout)
    other.stack(whole, weights=weights)
    np.testing.assert_allclose(one.psf_map.data, other.psf_map.data, rtol=1e-6)


def test_units_are_converted():
    first = psf_map(exposure=0)
    per_square_degree = Map.from_geom(PSF_GEOM, data=np.ones(PSF_GEOM.data_shape), unit="deg-2")
    first.stack(PSFMap(per_square_degree, psf_map().exposure_map))
    np.testing.assert_allclose(first.psf_map.data, (180 / np.pi) ** 2, rtol=1e-6)


def test_without_exposure_map_it_cannot_be_stacked():
    with pytest.raises(InvalidInputError, match="PSFMap without exposure_map cannot be stacked"):
        psf_map().stack(PSFMap(psf_map().psf_map))


@pytest.mark.parametrize("make", [PSFMap, PSFMap.from_geom, EDispKernelMap.from_geom])
def test_other_axes_are_refused(make):
    geom = IMAGE.to_cube([TRUE])
    with pytest.raises(GeometryError, match=r"needs a geometry with the axes .* found \['energy_true'\]"):
        make(Map.from_geom(geom) if make is PSFMap else geom)


@pytest.mark.parametrize("exposure", [True, False])
def test_written_and_read_it_is_the_same(exposure, tmp_path):
    before = psf_map(value=RNG.uniform(size=PSF_GEOM.data_shape), exposure=2.0)
    if not exposure:
        before = PSFMap(before.psf_map)
    hdulist = before.to_hdulist()
    names = ["PRIMARY", "PSF", "PSF_BANDS", "PSF_EXPOSURE", "PSF_EXPOSURE_BANDS"]
    assert [hdu.name.upper() for hdu in hdulist] == (names if exposure else names[:3])
    hdulist.writeto(tmp_path / "psf.fits")
    with fits.open(tmp_path / "psf.fits") as opened:
        after = PSFMap.from_hdulist(opened)
    np.testing.assert_array_equal(after.psf_map.data, before.psf_map.data)
    assert after.psf_map.geom == before.psf_map.geom
    assert (after.exposure_map is not None) == exposure
    with pytest.raises(DataError, match="no extension 'edisp'; the file holds"):
        EDispKernelMap.from_hdulist(hdulist)


def test_kernel_at_a_position():
    edisp = EDispKernelMap.from_geom(edisp_geom(1, 2, 4))
    edisp.edisp_map.data[:, :, 0, 6] = 0.25
    corner = IMAGE.get_coord().skycoord[0, 6]
    np.testing.assert_array_equal(edisp.get_edisp_kernel(corner), np.full((2, 2), 0.25))
    np.testing.assert_array_equal(edisp.get_edisp_kernel(), np.eye(2))
    with pytest.raises(GeometryError, match="lies outside the map"):
        edisp.get_edisp_kernel(SkyCoord(10, 10, unit="deg"))


def test_reprs_are_short():
    assert "shape    : (7, 5, 3, 2)" in repr(psf_map())
    assert psf_map()._repr_html_().startswith("<table><caption>PSFMap</caption>")
