"""Responses projected onto pixels: against the slow version, known sums, and with wrong turns that must show."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.errors import GeometryError, InvalidInputError, IrfError
from fovnb.irf import PSF3D, Background3D, EffectiveAreaTable2D, EnergyDispersion2D
from fovnb.makers.utils import (
    check_energy_coverage,
    check_sky_coverage,
    make_edisp_kernel_map,
    make_map_background_irf,
    make_map_exposure_true_energy,
    make_psf_map,
)
from fovnb.maps import Map, MapAxis, WcsGeom
from tests import reference

RNG = np.random.default_rng(5)
POINTING = SkyCoord(83.9, 22.3, unit="deg", frame="icrs")
ENERGY = MapAxis.from_energy_bounds("1 TeV", "50 TeV", nbin=3)
TRUE = MapAxis.from_energy_bounds("0.8 TeV", "60 TeV", nbin=4, name="energy_true")
RAD = MapAxis.from_edges([0, 0.05, 0.2, 0.3], name="rad", unit="deg")
FIELD = MapAxis.from_edges(np.linspace(-1.5, 1.5, 7), name="fov_lon", unit="deg")
IRF_TRUE = MapAxis.from_energy_bounds("0.5 TeV", "100 TeV", nbin=5, name="energy_true")
IRF_OFFSET = MapAxis.from_nodes([0, 0.5, 1, 1.5], name="offset", unit="deg")
IRF_RAD = MapAxis.from_edges([0, 0.1, 0.15, 0.4], name="rad", unit="deg")
MIGRA = MapAxis.from_edges(np.linspace(0.2, 5, 25), name="migra")


def geometry(frame="icrs", proj="CAR", axes=(ENERGY,), width=(5, 3), skydir=POINTING):
    return WcsGeom.create(skydir=skydir, frame=frame, proj=proj, width=width, binsz=0.5, axes=list(axes))


def noisy(cls, axes, unit, low):
    return cls(axes, data=RNG.uniform(low, 1, [axis.nbin for axis in axes]), unit=unit)


AEFF = noisy(EffectiveAreaTable2D, [IRF_TRUE, IRF_OFFSET], "m2", 0)
PSF = noisy(PSF3D, [IRF_TRUE, IRF_OFFSET, IRF_RAD], "sr-1", -0.04)
EDISP = noisy(EnergyDispersion2D, [IRF_TRUE, MIGRA, IRF_OFFSET], "", -0.04)
EDISP_POSITIVE = noisy(EnergyDispersion2D, [IRF_TRUE, MIGRA, IRF_OFFSET], "", 0)
BKG = Background3D(
    [MapAxis.from_energy_bounds("0.5 TeV", "100 TeV", nbin=4), FIELD, FIELD.copy(name="fov_lat")],
    data=10 ** RNG.uniform(-8, 0, (4, 6, 6)) * (RNG.uniform(size=(4, 6, 6)) > 0.1),
    unit="s-1 TeV-1 sr-1",
)

SKIES = pytest.mark.parametrize(
    ("frame", "proj"), [("icrs", "CAR"), ("icrs", "TAN"), ("galactic", "CAR"), ("galactic", "TAN")]
)
BEYOND = MapAxis.from_energy_bounds("0.1 TeV", "300 TeV", nbin=4)


@SKIES
@pytest.mark.parametrize("true", [TRUE, BEYOND.copy(name="energy_true")], ids=["inside", "beyond"])
def test_exposure_equals_the_slow_version(frame, proj, true):
    geom = geometry(frame, proj, [true])
    exposure = make_map_exposure_true_energy(POINTING, "100 s", AEFF, geom)
    expected = reference.exposure(POINTING, 100, AEFF, geom)
    assert 0.1 < (expected > 0).mean() < 0.9
    np.testing.assert_allclose(exposure.data, expected, rtol=1e-9, atol=1e-12)
    assert exposure.unit == "m2 s"


@SKIES
@pytest.mark.parametrize("alignment", ["RADEC", "REVERSE_LON_RADEC"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_background_equals_the_slow_version(frame, proj, alignment, dtype):
    geom = geometry(frame, proj, [BEYOND if frame == "icrs" else ENERGY])
    bkg = replace(BKG, fov_alignment=alignment, data=BKG.data.astype(dtype))
    background = make_map_background_irf(POINTING, "100 s", bkg, geom)
    expected = reference.background(POINTING, 100, bkg, geom)
    np.testing.assert_array_equal(background.data > 0, expected > 0)
    assert 0.1 < (expected > 0).mean() < 0.9
    np.testing.assert_allclose(background.data, expected, rtol=1e-9)
    assert background.unit == ""


def test_background_turned_or_mirrored_is_another():
    geom = geometry()
    right = make_map_background_irf(POINTING, "100 s", BKG, geom).data
    turned = replace(BKG, data=BKG.data.transpose(0, 2, 1))
    for wrong in (turned, replace(BKG, fov_alignment="REVERSE_LON_RADEC"), replace(BKG, data=BKG.data[:, :, ::-1])):
        assert not np.allclose(make_map_background_irf(POINTING, "100 s", wrong, geom).data, right, rtol=0.1)


def test_background_reversed_twice_is_the_same():
    mirrored = replace(BKG, data=BKG.data[:, ::-1], fov_alignment="REVERSE_LON_RADEC")
    one, other = (make_map_background_irf(POINTING, "100 s", bkg, geometry()).data for bkg in (BKG, mirrored))
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_longitude_grows_towards_smaller_right_ascension():
    data = np.zeros((4, 6, 6))
    data[:, 3:] = 1
    west = make_map_background_irf(POINTING, "1 s", replace(BKG, data=data), geometry(width=(2, 2)))
    ra = west.geom.to_image().get_coord().skycoord.ra
    np.testing.assert_array_equal(west.data[0] > 1e-12, ra < POINTING.ra)


@pytest.mark.parametrize("index", [0.0, 1.0, 1.0 + 1e-7, 2.7])
def test_power_law_background_integrates_exactly(index):
    energy = BKG.axes["energy"]
    rate = energy.center.value**-index
    bkg = replace(BKG, data=np.broadcast_to(rate[:, None, None], (4, 6, 6)))
    geom = geometry(width=(2, 2))
    edges = ENERGY.edges.value
    power = 1 - index
    integral = np.diff(np.log(edges)) if index == 1 else np.diff(edges**power) / power
    expected = integral[:, None, None] * geom.to_image().solid_angle().value * 100
    np.testing.assert_allclose(make_map_background_irf(POINTING, "100 s", bkg, geom).data, expected, rtol=1e-8)


def test_units_of_rate_energy_and_time_are_converted():
    # Without zeros: what lies between zero and more depends on the smallest number, hence on the unit.
    positive = replace(BKG, data=BKG.data + 1e-9)
    bkg = replace(positive, data=positive.data / 1e9, unit="ms-1 MeV-1 sr-1")
    geom = geometry(axes=[MapAxis.from_edges(ENERGY.edges.to("GeV"), interp="log", name="energy")])
    one = make_map_background_irf(POINTING, 100 / 60 * u.min, bkg, geom).data
    np.testing.assert_allclose(one, make_map_background_irf(POINTING, "100 s", positive, geometry()).data, rtol=1e-9)


@SKIES
@pytest.mark.parametrize("true", [TRUE, BEYOND.copy(name="energy_true")], ids=["inside", "beyond"])
def test_psf_equals_the_slow_version_and_integrates_to_one(frame, proj, true):
    geom = geometry(frame, proj, [RAD, true])
    psf = make_psf_map(PSF, POINTING, geom).psf_map
    np.testing.assert_allclose(psf.data, reference.psf(POINTING, PSF, geom), rtol=1e-9, atol=1e-12)
    ring = 2 * np.pi * RAD.center * RAD.bin_width
    total = (psf.quantity * ring[:, None, None]).sum(axis=1).to_value("")
    covered = make_map_exposure_true_energy(POINTING, "1 s", replace(AEFF, data=np.ones((5, 4))), geom.squash("rad"))
    np.testing.assert_allclose(total, covered.data[:, 0] > 0, atol=1e-12)


@SKIES
@pytest.mark.parametrize("true", [TRUE, BEYOND.copy(name="energy_true")], ids=["inside", "beyond"])
@pytest.mark.parametrize("edisp", [EDISP, EDISP_POSITIVE], ids=["overshoot", "positive"])
def test_edisp_equals_the_slow_version_and_sums_to_one_at_most(frame, proj, true, edisp):
    geom = geometry(frame, proj, [ENERGY, true])
    kernel = make_edisp_kernel_map(edisp, POINTING, geom).edisp_map.data
    np.testing.assert_allclose(kernel, reference.edisp_kernel(POINTING, edisp, geom), rtol=1e-9, atol=1e-12)
    assert kernel.sum(axis=1).max() <= 1 + 1e-12
    assert kernel.any()


def test_edisp_over_all_energies_sums_to_one_in_the_field():
    geom = geometry(axes=[MapAxis.from_energy_bounds("0.1 TeV", "1000 TeV", nbin=5), TRUE])
    total = make_edisp_kernel_map(EDISP, POINTING, geom).edisp_map.data.sum(axis=1)
    in_field = geom.to_image().separation(POINTING).deg <= 1.75
    np.testing.assert_allclose(total, np.broadcast_to(in_field, total.shape), atol=1e-12)


def test_small_probabilities_become_zero():
    geom = geometry(axes=[ENERGY, TRUE])
    kernel = make_edisp_kernel_map(EDISP, POINTING, geom, threshold=0.1).edisp_map.data
    assert kernel[kernel > 0].min() >= 0.1


def test_exposure_maps_become_part_of_the_result_unchanged():
    geom = geometry(axes=[ENERGY, TRUE])
    exposure = make_map_exposure_true_energy(POINTING, "100 s", AEFF, geom.squash("energy"))
    assert exposure.data.shape == (4, 1, 6, 10)
    before = exposure.data.copy()
    edisp = make_edisp_kernel_map(EDISP, POINTING, geom, exposure)
    np.testing.assert_array_equal(edisp.exposure_map.data, before)


def test_nothing_that_is_given_is_changed():
    before = [irf.data.copy() for irf in (AEFF, PSF, EDISP, BKG)]
    make_map_exposure_true_energy(POINTING, "100 s", AEFF, geometry(axes=[TRUE]))
    make_psf_map(PSF, POINTING, geometry(axes=[RAD, TRUE]))
    make_edisp_kernel_map(EDISP, POINTING, geometry(axes=[ENERGY, TRUE]))
    make_map_background_irf(POINTING, "100 s", BKG, geometry())
    for irf, data in zip((AEFF, PSF, EDISP, BKG), before, strict=True):
        np.testing.assert_array_equal(irf.data, data)


def test_the_frame_of_the_pointing_does_not_matter():
    galactic = make_map_background_irf(POINTING.galactic, "100 s", BKG, geometry()).data
    np.testing.assert_allclose(galactic, make_map_background_irf(POINTING, "100 s", BKG, geometry()).data, rtol=1e-9)


FAR = SkyCoord(0, -40, unit="deg")


def test_without_overlap_maps_are_zero_and_the_check_says_so():
    geom = geometry(skydir=FAR)
    assert not make_map_background_irf(POINTING, "100 s", BKG, geom).data.any()
    assert not make_map_exposure_true_energy(POINTING, "100 s", AEFF, geometry(skydir=FAR, axes=[TRUE])).data.any()
    assert not make_edisp_kernel_map(EDISP, POINTING, geometry(skydir=FAR, axes=[ENERGY, TRUE])).edisp_map.data.any()
    for irf in (AEFF, BKG):
        check_sky_coverage(irf, POINTING, geometry())
        with pytest.raises(GeometryError, match=r"does not overlap the run, which points to ICRS 83.9000 22.3000 deg"):
            check_sky_coverage(irf, POINTING, geom)


def test_energies_outside_the_response_are_zero_and_the_check_names_both_ranges():
    axis = MapAxis.from_energy_bounds("200 TeV", "300 TeV", nbin=2)
    assert not make_map_background_irf(POINTING, "100 s", BKG, geometry(axes=[axis])).data.any()
    check_energy_coverage(BKG, BEYOND)
    with pytest.raises(
        IrfError, match=r"energy axis from 200 to 300 TeV lies outside Background3D, which covers 0.5 to 100"
    ):
        check_energy_coverage(BKG, axis)


def test_impossible_arguments_are_one_sentence():
    with pytest.raises(GeometryError, match="has no axis 'energy_true', only"):
        make_map_exposure_true_energy(POINTING, "100 s", AEFF, geometry())
    with pytest.raises(GeometryError, match="needs the axis 'energy_true' alone"):
        make_map_exposure_true_energy(POINTING, "100 s", AEFF, geometry(axes=[RAD, TRUE]))
    with pytest.raises(GeometryError, match=r"needs a geometry with the axes \['rad', 'energy_true'\]"):
        make_psf_map(PSF, POINTING, geometry(axes=[TRUE, RAD]))
    with pytest.raises(InvalidInputError, match="livetime = '3 m' is no time"):
        make_map_exposure_true_energy(POINTING, "3 m", AEFF, geometry(axes=[TRUE]))
    with pytest.raises(InvalidInputError, match=r"ontime is -1.0 s; expected 0 or more"):
        make_map_background_irf(POINTING, "-1 s", BKG, geometry())
    with pytest.raises(IrfError, match="aligned with the horizon"):
        make_map_background_irf(POINTING, "1 s", replace(BKG, fov_alignment="ALTAZ"), geometry())


def test_pixels_off_the_sky_hold_nothing():
    geom = WcsGeom.create(skydir=POINTING, proj="AIT", npix=(40, 20), binsz=10, axes=[ENERGY])
    data = make_map_background_irf(POINTING, "1 s", BKG, geom).data
    assert np.isfinite(data).all()
    assert isinstance(make_map_background_irf(POINTING, "1 s", BKG, geom), Map)
