"""The four responses in GADF tables, and the background's own rules."""

import io
from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table

from fovnb.errors import DataError, FovnbWarning, IrfError
from fovnb.irf import PSF3D, Background3D, EffectiveAreaTable2D, EnergyDispersion2D, read_irf
from fovnb.maps import MapAxis

ENERGY = MapAxis.from_energy_bounds("1 TeV", "100 TeV", nbin=4, name="energy_true")
OFFSET = MapAxis.from_nodes([0, 0.5, 1], name="offset", unit="deg")
RAD = MapAxis.from_edges([0, 0.1, 0.3], name="rad", unit="deg")
MIGRA = MapAxis.from_edges([0.2, 1, 2], name="migra")
LON = MapAxis.from_edges([-2, 0, 2], name="fov_lon", unit="deg")
LAT = MapAxis.from_edges([-2, -1, 0, 2], name="fov_lat", unit="deg")
RNG = np.random.default_rng(20240917)


def irf(cls, axes, unit):
    shape = [axis.nbin for axis in axes]
    return cls(axes, data=RNG.uniform(1, 2, shape).astype("f4"), unit=unit, meta={"LO_THRES": 0.3, "OBS_ID": 7})


IRFS = [
    irf(EffectiveAreaTable2D, [ENERGY, OFFSET], "m2"),
    irf(EnergyDispersion2D, [ENERGY, MIGRA, OFFSET], ""),
    irf(PSF3D, [ENERGY, OFFSET, RAD], "sr-1"),
    irf(Background3D, [ENERGY.copy(name="energy"), LON, LAT], "s-1 MeV-1 sr-1"),
]
BKG = IRFS[3]


def through_bytes(hdu):
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    file.seek(0)
    return fits.open(file)[1]


@pytest.mark.parametrize("before", IRFS, ids=lambda one: type(one).__name__)
def test_written_and_read_it_is_the_same(before):
    after = read_irf(through_bytes(before.to_table_hdu()))
    assert type(after) is type(before)
    assert list(after.axes) == list(before.axes)
    np.testing.assert_array_equal(after.data, before.data)
    assert after.data.dtype == np.dtype("f4")
    assert (after.unit, after.is_pointlike, after.fov_alignment) == (before.unit, False, before.fov_alignment)
    assert (after.meta["LO_THRES"], after.meta["OBS_ID"], after.meta["HDUCLAS4"]) == (0.3, 7, before.spec.hduclas4)
    assert not {"NAXIS1", "TTYPE1", "TDIM5"} & set(after.meta)


@pytest.mark.parametrize("before", IRFS, ids=lambda one: type(one).__name__)
def test_table_file_and_extension_read_alike(before, tmp_path):
    path = tmp_path / "irf.fits"
    before.to_table_hdu().writeto(path)
    np.testing.assert_array_equal(type(before).read(path).data, before.data)
    np.testing.assert_array_equal(type(before).read(path, hdu=1).data, before.data)
    np.testing.assert_array_equal(type(before).from_table(Table.read(path, hdu=1)).data, before.data)


def test_pointlike_and_alignment_survive():
    written = replace(BKG, is_pointlike=True, fov_alignment="REVERSE_LON_RADEC").to_table_hdu()
    assert (read_irf(written).is_pointlike, read_irf(written).fov_alignment) == (True, "REVERSE_LON_RADEC")


def with_column(hdu, name, values):
    """Return the table with one column replaced."""
    columns = [column for column in hdu.columns if column.name != name]
    form, dim = f"{values.size}E", str(values.shape[::-1]).replace(" ", "")
    columns.append(fits.Column(name, form, unit="s-1 MeV-1 sr-1", dim=dim, array=values[np.newaxis]))
    return fits.BinTableHDU.from_columns(columns, header=hdu.header)


def test_background_is_read_in_either_order_of_its_axes():
    standard = BKG.to_table_hdu()
    assert standard.data["BKG"][0].shape == (3, 2, 4)
    as_hess = with_column(standard, "BKG", BKG.data)
    assert as_hess.data["BKG"][0].shape == (4, 2, 3)
    np.testing.assert_array_equal(read_irf(as_hess).data, BKG.data)
    swapped = with_column(standard, "BKG", BKG.data.transpose(0, 2, 1))
    with pytest.raises(IrfError, match=r"shape \(4, 3, 2\), its axes \(4, 2, 3\)"):
        read_irf(swapped)


def test_background_as_high_as_it_has_energies_is_read_as_the_standard_says_with_a_warning():
    lat = MapAxis.from_edges(np.arange(5.0) - 2, name="fov_lat", unit="deg")
    bkg = irf(Background3D, [ENERGY.copy(name="energy"), LON, lat], "s-1 MeV-1 sr-1")
    with pytest.warns(FovnbWarning, match=r"cannot be told from their sizes \(4, 2, 4\)"):
        np.testing.assert_array_equal(read_irf(bkg.to_table_hdu()).data, bkg.data)


@pytest.mark.parametrize("unit", ["", "counts-of-something"])
def test_background_without_a_unit_takes_the_standards_with_a_warning(unit):
    hdu = BKG.to_table_hdu()
    hdu.columns["BKG"].unit = unit
    with pytest.warns(FovnbWarning, match="unit of the background is"):
        assert read_irf(hdu).unit == u.Unit("s-1 MeV-1 sr-1")


def test_another_wrong_unit_is_refused():
    hdu = BKG.to_table_hdu()
    hdu.columns["BKG"].unit = "m"
    with pytest.raises(IrfError, match="the unit of Background3D, data, is 'm'"):
        read_irf(hdu)


def test_unknown_kind_missing_column_and_missing_extension_are_one_sentence():
    hdu = BKG.to_table_hdu()
    hdu.header["HDUCLAS4"] = "BKG_9D"
    with pytest.raises(DataError, match=r"HDUCLAS4 = 'BKG_9D'; what can be read is .'AEFF_2D', 'EDISP_2D'"):
        read_irf(hdu)
    with pytest.raises(DataError, match=r"no column EFFAREA; the table holds .*'BKG'"):
        EffectiveAreaTable2D.from_table_hdu(
            fits.BinTableHDU.from_columns([*IRFS[0].to_table_hdu().columns[:4], BKG.to_table_hdu().columns[-1]])
        )
    with pytest.raises(DataError, match="no column ENERG_LO; the table holds"):
        Background3D.from_table_hdu(fits.BinTableHDU.from_columns(hdu.columns[2:]))
    with pytest.raises(DataError, match=r"no extension 'BACKGROUND'; the file holds \['PRIMARY'\]"):
        Background3D.from_hdulist(fits.HDUList([fits.PrimaryHDU()]))


def test_a_table_without_rows_is_one_sentence():
    hdu = BKG.to_table_hdu()
    hdu.data = hdu.data[:0]
    with pytest.raises(DataError, match="holds no whole table of a response"):
        read_irf(hdu)


def test_nan_in_a_file_is_one_sentence():
    hdu = IRFS[0].to_table_hdu()
    hdu.data["EFFAREA"][0, 0, 0] = np.nan
    with pytest.raises(IrfError, match="1 of the 12 values of EffectiveAreaTable2D are NaN"):
        read_irf(hdu)


def flat_background(rate, dtype=float):
    lon = MapAxis.from_edges([-1, 1], name="fov_lon", unit="deg")
    data = np.asarray(rate, dtype=dtype).reshape(-1, 1, 1)
    axes = [MapAxis.from_energy_bounds("1 TeV", f"1e{len(rate)} TeV", nbin=len(rate)), lon, lon.copy(name="fov_lat")]
    return Background3D(axes, data=data, unit="s-1 MeV-1 sr-1")


def test_background_is_interpolated_in_its_logarithm():
    value = flat_background([1, 1e-4]).evaluate(energy="10 TeV", fov_lon="0 deg", fov_lat="0 deg").value
    assert value == pytest.approx(1e-2)


def test_background_between_zero_and_more_is_tiny_in_single_precision_and_zero_at_zero_in_double():
    at = {"fov_lon": 0 * u.deg, "fov_lat": 0 * u.deg}
    single = flat_background([0, 1], dtype="f4")
    assert single.evaluate(energy=10 * u.TeV, **at).value == pytest.approx(np.sqrt(np.finfo("f4").tiny), rel=1e-5)
    double = flat_background([0, 1])
    assert double.evaluate(energy=double.axes["energy"].center[0], **at).value == 0


def test_missing_data_are_filled_between_and_not_beyond_and_the_original_stays():
    bkg = flat_background([0, 1, 0, 0, 1e-3, 0])
    before = bkg.data.copy()
    np.testing.assert_allclose(bkg.interp_missing_data("energy").data.ravel(), [0, 1, 0.1, 0.01, 1e-3, 0], rtol=1e-12)
    np.testing.assert_array_equal(bkg.data, before)
    np.testing.assert_array_equal(bkg.interp_missing_data("fov_lon").data, before)
