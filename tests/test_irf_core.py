"""The record of a response: what it refuses, and what it evaluates to."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from astropy import units as u

from fovnb.errors import DataError, IrfError
from fovnb.irf import Background3D, EffectiveAreaTable2D, EnergyDispersion2D, FoVAlignment
from fovnb.maps import MapAxis

ENERGY = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=2, name="energy_true")
OFFSET = MapAxis.from_edges([0, 1, 2], name="offset", unit="deg")
AEFF = EffectiveAreaTable2D([ENERGY, OFFSET], data=np.array([[4.0, 2.0], [8.0, 6.0]]), unit="m2")


def test_between_centres_the_evaluation_is_linear_in_log_energy_and_offset():
    assert AEFF.evaluate(energy_true="10 TeV", offset="1 deg") == 5 * u.m**2
    assert AEFF.evaluate(energy_true=10**0.5 * u.TeV, offset=30 * u.arcmin).value == pytest.approx(4)


def test_up_to_the_edges_the_last_line_goes_on():
    assert AEFF.evaluate(energy_true=10**0.5 * u.TeV, offset="2 deg").value == pytest.approx(1)
    steep = replace(AEFF, data=np.array([[4.0, 0.0], [8.0, 0.0]]))
    assert steep.evaluate(energy_true="10 TeV", offset="2 deg").value == 0


@pytest.mark.parametrize(("energy", "offset"), [("0.9 TeV", "1 deg"), ("101 TeV", "1 deg"), ("10 TeV", "2.1 deg")])
def test_outside_the_axes_it_is_zero(energy, offset):
    assert AEFF.evaluate(energy_true=energy, offset=offset).value == 0


def test_coordinates_broadcast_and_axes_left_out_are_taken_at_their_centres():
    assert AEFF.evaluate(offset=[0.5, 1, 1.5] * u.deg).shape == (2, 3)
    np.testing.assert_allclose(AEFF.evaluate().value, AEFF.data)
    assert AEFF.evaluate(energy_true=[[1], [10]] * u.TeV, offset=[0, 1, 2] * u.deg).shape == (2, 3)


def test_nan_coordinates_give_zero():
    assert AEFF.evaluate(energy_true="10 TeV", offset=np.nan * u.deg).value == 0


def test_energy_dispersion_goes_on_beyond_its_energies_but_not_beyond_its_offsets():
    migra = MapAxis.from_edges([0, 1, 2], name="migra")
    edisp = EnergyDispersion2D([ENERGY, migra, OFFSET], data=np.full((2, 2, 2), 0.5))
    assert edisp.evaluate(energy_true="200 TeV", migra=1, offset="1 deg").value == pytest.approx(0.5)
    assert edisp.evaluate(energy_true="200 TeV", migra=3, offset="1 deg").value == 0
    assert edisp.evaluate(energy_true="10 TeV", migra=1, offset="3 deg").value == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_is_refused(bad):
    with pytest.raises(IrfError, match="1 of the 4 values of EffectiveAreaTable2D are NaN or infinite"):
        replace(AEFF, data=np.array([[bad, 1], [1, 1]]))


def test_negative_is_refused():
    with pytest.raises(IrfError, match=r"negative: its least value is -1 m2.*largest 10; expected at least -5%"):
        replace(AEFF, data=np.array([[-1.0, 1], [1, 10]]))
    with pytest.raises(IrfError, match="negative"):
        replace(AEFF, data=-np.ones((2, 2)))


def test_overshoot_of_an_interpolation_is_let_through_and_evaluates_to_zero():
    aeff = replace(AEFF, data=np.array([[-1.0, -1], [100, 100]]))
    assert aeff.evaluate(energy_true=10**0.5 * u.TeV, offset="1 deg").value == 0


@pytest.mark.parametrize("value", [0.0, np.zeros((2, 2))])
def test_empty_is_refused(value):
    with pytest.raises(IrfError, match="empty: all its 4 values are 0"):
        EffectiveAreaTable2D([ENERGY, OFFSET], data=value, unit="m2")


def test_wrong_axes_shape_or_unit_is_refused():
    with pytest.raises(
        IrfError, match=r"needs the axes \['energy_true', 'offset'\].*found \['offset', 'energy_true'\]"
    ):
        EffectiveAreaTable2D([OFFSET, ENERGY], data=1, unit="m2")
    with pytest.raises(IrfError, match=r"shape \(3, 2\), its axes \(2, 2\)"):
        EffectiveAreaTable2D([ENERGY, OFFSET], data=np.ones((3, 2)), unit="m2")
    with pytest.raises(IrfError, match="the unit of EffectiveAreaTable2D, data, is 's', expected one like 'm2'"):
        EffectiveAreaTable2D([ENERGY, OFFSET], data=1, unit="s")


@pytest.mark.parametrize(
    ("coords", "message"),
    [
        ({"ofset": 1 * u.deg}, r"no axis 'ofset' \(did you mean 'offset'\?\)"),
        ({"offset": 1 * u.s}, "offset = .* expected a value with a unit like 'deg'"),
        ({"offset": 1}, "offset = 1 is no coordinate"),
        ({"offset": "near"}, "offset = 'near' is no coordinate"),
    ],
)
def test_impossible_coordinates_are_refused(coords, message):
    with pytest.raises(IrfError, match=message):
        AEFF.evaluate(**coords)


def test_a_quantity_brings_its_unit():
    aeff = EffectiveAreaTable2D([ENERGY, OFFSET], data=np.ones((2, 2)) * u.km**2)
    assert aeff.evaluate(energy_true="10 TeV", offset="1 deg").to_value("m2") == pytest.approx(1e6)


def test_it_cannot_be_changed_and_neither_is_what_it_was_made_from():
    meta = {"LO_THRES": 0.3}
    aeff = replace(AEFF, meta=meta)
    aeff.meta["LO_THRES"] = 1
    assert meta == {"LO_THRES": 0.3}
    with pytest.raises(FrozenInstanceError):
        aeff.unit = u.cm**2


def test_alignment_is_given_by_name():
    lon = MapAxis.from_edges([-1, 1], name="fov_lon", unit="deg")
    axes = [ENERGY.copy(name="energy"), lon, lon.copy(name="fov_lat")]
    bkg = Background3D(axes, data=1, unit="s-1 TeV-1 sr-1", fov_alignment="ALTAZ")
    assert bkg.fov_alignment is FoVAlignment.ALTAZ
    with pytest.raises(IrfError, match="alignment is 'UPWARD'; expected one of"):
        replace(bkg, fov_alignment="UPWARD")


def test_reprs_are_short_stable_and_escaped():
    assert repr(AEFF).splitlines()[0] == "EffectiveAreaTable2D"
    assert "range : energy_true 1 to 100 TeV, offset 0 to 2 deg" in repr(AEFF)
    assert AEFF._repr_html_().startswith("<table><caption>EffectiveAreaTable2D</caption>")


def test_a_missing_or_broken_file_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.fits does not exist"):
        EffectiveAreaTable2D.read(tmp_path / "nothing.fits")
    broken = tmp_path / "broken.fits"
    broken.write_bytes(b"no FITS file at all")
    with pytest.raises(DataError, match=r"broken\.fits cannot be read as FITS"):
        EffectiveAreaTable2D.read(broken)
