"""Maps in FITS files: what is written comes back, and what is broken is said in a sentence."""

import gzip
import json

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.maps import Map, MapAxis, WcsGeom

ENERGY = MapAxis.from_energy_bounds("0.5 TeV", "10 TeV", nbin=3)
TRUE = MapAxis.from_energy_bounds("0.3 TeV", "20 TeV", nbin=4, name="energy_true")
RAD = MapAxis.from_bounds(0, 0.6, nbin=2, name="rad", unit="deg")
NODES = MapAxis.from_nodes([1, 3, 10], interp="log", name="energy", unit="GeV")
AXES = [[], [ENERGY], [NODES], [RAD, TRUE], [ENERGY, TRUE], [ENERGY.squash()]]


def some_map(axes=(ENERGY,), dtype="float32", frame="icrs", **kwargs) -> Map:
    geom = WcsGeom.create(skydir=(83.63, 22.01), npix=(5, 4), binsz=(0.1, 0.2), frame=frame, proj="TAN", axes=axes)
    data = np.random.default_rng(5).normal(0, 3, geom.data_shape)
    return Map(geom, data=data > 0 if dtype is bool else data.astype(dtype), **kwargs)


def assert_same(one: Map, two: Map) -> None:
    assert one.geom == two.geom
    assert one.geom.frame == two.geom.frame
    for a, b in zip(one.geom.axes, two.geom.axes, strict=True):
        assert (a.name, a.interp, a.node_type, a.unit) == (b.name, b.interp, b.node_type, b.unit)
        assert np.array_equal(a.edges.value, b.edges.value)
    assert one.data.dtype == two.data.dtype
    assert np.array_equal(one.data, two.data, equal_nan=one.data.dtype.kind == "f")
    assert one.unit == two.unit
    assert one.meta == two.meta


@pytest.mark.parametrize("axes", AXES, ids=lambda axes: "-".join(axis.name for axis in axes) or "image")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", bool])
def test_what_is_written_comes_back(tmp_path, axes, dtype):
    m = some_map(axes, dtype, unit="m2 s", meta={"note": "x < y", "n": 3, "list": [1, 2], "e": 2 * u.TeV})
    if dtype == "float32":
        m.data.flat[0] = np.nan
    for name in ("map.fits", "map.fits.gz"):
        m.write(tmp_path / name)
        assert_same(Map.read(tmp_path / name), m)
    assert (tmp_path / "map.fits.gz").read_bytes()[:2] == b"\x1f\x8b"
    m.write(tmp_path / "map.fits", overwrite=True, hdu="counts", checksum=True)
    assert_same(Map.read(tmp_path / "map.fits", hdu="COUNTS", checksum=True), m)


@pytest.mark.parametrize("axes", AXES, ids=lambda axes: "-".join(axis.name for axis in axes) or "image")
def test_sparse_maps_keep_what_is_not_zero(tmp_path, axes):
    m = some_map(axes, frame="galactic")
    m.data[m.data < 1] = 0
    m.write(tmp_path / "map.fits", sparse=True)
    assert_same(Map.read(tmp_path / "map.fits"), m)
    with fits.open(tmp_path / "map.fits") as hdulist:
        assert len(hdulist["SKYMAP"].data) == (m.data > 0).sum()


def test_the_layout_is_that_of_the_data_formats():
    hdulist = some_map([RAD, TRUE]).to_hdulist(hdu="psf")
    assert [hdu.name for hdu in hdulist] == ["PRIMARY", "PSF", "PSF_BANDS"]
    header, bands = hdulist["PSF"].header, hdulist["PSF_BANDS"]
    assert (header["BANDSHDU"], header["WCSSHAPE"]) == ("PSF_BANDS", "(5,4,2,4)")
    assert [bands.header[key] for key in ("AXCOLS1", "AXCOLS2")] == [
        "RAD_MIN,RAD_MAX",
        "ENERGY_TRUE_MIN,ENERGY_TRUE_MAX",
    ]
    assert [bands.header[key] for key in ("INTERP1", "INTERP2")] == ["lin", "log"]
    assert bands.data["CHANNEL"].tolist() == list(range(8))
    assert bands.data["RAD_MAX"].tolist() == pytest.approx([0.3, 0.6] * 4), "the first axis is fastest"
    assert bands.data["ENERGY_TRUE_MIN"].tolist() == np.repeat(TRUE.edges_min.value, 2).tolist()
    bands = some_map([ENERGY]).to_hdulist()["PRIMARY_BANDS"]
    assert bands.columns.names == ["CHANNEL", "ENERGY", "E_MIN", "E_MAX"]
    assert bands.columns["E_MIN"].unit == "TeV"


def test_zeros_and_ones_are_a_mask_if_the_name_says_so():
    m = some_map(dtype=bool)
    hdulist = m.copy(data=m.data.astype(int)).to_hdulist(hdu="mask_safe")
    assert Map.from_hdulist(hdulist, hdu="MASK_SAFE").is_mask
    assert not Map.from_hdulist(m.copy(data=m.data.astype(int)).to_hdulist()).is_mask


def test_the_data_are_in_the_byte_order_of_the_machine(tmp_path):
    some_map().write(tmp_path / "map.fits")
    m = Map.read(tmp_path / "map.fits")
    assert m.data.dtype.isnative
    m.data += 1


def test_counts_are_no_unit_and_a_wrong_unit_warns():
    hdulist = some_map().to_hdulist()
    hdulist[0].header["BUNIT"] = "ct / (cm2 ph)"
    assert Map.from_hdulist(hdulist).unit == "cm-2"
    hdulist[0].header["BUNIT"] = "parrot"
    with pytest.warns(FovnbWarning, match="'parrot' is not a unit"):
        assert Map.from_hdulist(hdulist).unit == ""


def test_an_existing_file_stays_unless_overwrite_is_said(tmp_path):
    path = tmp_path / "map.fits"
    some_map().write(path)
    before = path.read_bytes()
    with pytest.raises(DataError, match="overwrite=True"):
        some_map(dtype=bool).write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda: some_map(unit=u.def_unit("parrot")).to_hdulist(), "parrot"),
        (lambda: some_map(meta={"key": object()}).to_hdulist(), "object in the meta"),
        (lambda: some_map().to_hdulist(hdu="primary", sparse=True), "PRIMARY"),
        (lambda: Map.from_hdulist(some_map().to_hdulist(), format="parrot"), "'gadf'"),
    ],
)
def test_what_cannot_be_written_is_said(write, words):
    with pytest.raises(InvalidInputError, match=words):
        write()


def broken(change) -> fits.HDUList:
    hdulist = some_map([RAD, TRUE]).to_hdulist()
    change(hdulist)
    return hdulist


def set_column(name, values):
    return lambda hdulist: hdulist[1].data.field(name).__setitem__(slice(None), values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: h.pop(1), "no HDU 'PRIMARY_BANDS'"),
        (lambda h: h[0].header.remove("BANDSHDU"), "its axes .. make it"),
        (lambda h: h[0].header.remove("CTYPE1"), "without CTYPE1"),
        (lambda h: h[0].header.set("PIXTYPE", "HEALPIX") or h[0].header.remove("CTYPE1"), "HEALPix"),
        (lambda h: h[0].header.set("META", "{"), "not a map that can be read"),
        (lambda h: h[0].header.set("CTYPE1", "PARROT"), "not a map that can be read"),
        (lambda h: h[0].header.set("CDELT1", 0.0), "not a map that can be read"),
        (lambda h: h[1].header.remove("AXCOLS1"), "no key AXCOLS1"),
        (lambda h: h[1].header.set("AXCOLS1", "A_MIN,A_MAX"), "no column"),
        (lambda h: h[1].header.set("INTERP1", "parrot"), "parrot"),
        (set_column("RAD_MIN", np.nan), "not a map that can be read"),
        (set_column("RAD_MIN", 0.1), "make it"),
        (set_column("RAD_MAX", -1), "not a map that can be read"),
        (lambda h: setattr(h[0], "data", h[0].data[1:]), "make it"),
        (lambda h: setattr(h[0], "data", None), "without CTYPE1"),
    ],
)
def test_broken_maps_are_said_in_a_sentence(change, words):
    with pytest.raises(DataError, match=words):
        Map.from_hdulist(broken(change))


def test_an_unknown_hdu_is_answered_with_those_there_are():
    with pytest.raises(DataError, match=r"no HDU 'parrot'; the HDUs are \['PRIMARY', 'PRIMARY_BANDS'\]"):
        Map.from_hdulist(some_map().to_hdulist(), hdu="parrot")
    with pytest.raises(DataError, match="no HDU holds any data"):
        Map.from_hdulist(fits.HDUList([fits.PrimaryHDU()]))


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("fraction", [0.0, 0.02, 0.3, 0.6, 0.9])
def test_truncated_files_are_refused_with_their_name(tmp_path, suffix, fraction):
    path = tmp_path / f"map.fits{suffix}"
    Map.create(npix=60, binsz=1, axes=[ENERGY], dtype=float).write(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(DataError, match=r"map\.fits"):
        Map.read(path)


def test_missing_and_foreign_files_are_refused_with_their_name(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.fits"):
        Map.read(tmp_path / "nowhere.fits")
    (tmp_path / "text.fits").write_text("parrot " * 1000)
    with pytest.raises(DataError, match=r"text\.fits"):
        Map.read(tmp_path / "text.fits")
    (tmp_path / "zip.fits.gz").write_bytes(gzip.compress(b"parrot")[:-4])
    with pytest.raises(DataError, match=r"zip\.fits\.gz"):
        Map.read(tmp_path / "zip.fits.gz")
    with pytest.raises(InvalidInputError, match="hpx"):
        Map.read(tmp_path / "text.fits", map_type="hpx")


def test_meta_is_json_with_quantities_as_text():
    hdulist = some_map(meta={"e": 2 * u.TeV, "text": "5 apples", "year": "2004"}).to_hdulist()
    assert json.loads(hdulist[0].header["META"]) == {"e": "2.0 TeV", "text": "5 apples", "year": "2004"}
    assert Map.from_hdulist(hdulist).meta["e"] == 2 * u.TeV
    assert Map.from_hdulist(hdulist).meta["text"] == "5 apples"
