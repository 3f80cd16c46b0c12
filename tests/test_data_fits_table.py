"""Our reader of binary tables gives what astropy gives, and breaks with one sentence."""

import contextlib
import gzip
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from fovnb.data.fits_table import read_tables, require_columns
from fovnb.data.header import number, read_header
from fovnb.errors import DataError
from tests.dl3 import aeff_hdu, bkg_hdu, events_hdu, gti_hdu

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=150).map(str.rstrip)
TEXT = TEXT.filter(lambda text: not re.search("' */", text))  # where astropy takes the quote for the end of the text
VALUE = TEXT | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
KEY = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=8).filter(
    lambda key: key not in ("END", "CONTINUE", "COMMENT", "HISTORY", "HIERARCH") and key.strip("-_")
)


def file_bytes(*hdus):
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(stream)
    return stream.getvalue()


def written(path: Path, *hdus) -> Path:
    path.write_bytes(file_bytes(*hdus))
    return path


@given(st.dictionaries(KEY, VALUE, max_size=40))
def test_header_equals_astropys(values):
    header = fits.Header()
    for key, value in values.items():
        header[key] = (value, "a 'comment' / with signs") if not isinstance(value, str) else value
    found, stop = read_header(header.tostring().encode(), 0)
    astropys = fits.Header.fromstring(header.tostring())
    assert found == dict(astropys)
    assert [type(value) for value in found.values()] == [type(value) for value in astropys.values()]
    assert stop == len(header.tostring())


def test_header_without_end_is_none():
    assert read_header(f"{'SIMPLE  =                    T':80}".encode() * 36, 0) is None


def test_header_reads_fortran_exponents_and_skips_undefined_values():
    cards = ["A       = 1.5D3", "B       =", "C       = 'x'", "COMMENT = 'no value'", "END"]
    found, _ = read_header("".join(f"{card:80}" for card in cards).encode(), 0)
    assert found["A"] == 1500
    assert found["C"] == "x"
    assert "B" not in found


@pytest.mark.parametrize("value", ["nan", "x", "inf", "1,5"])
def test_a_keyword_that_is_no_finite_number_is_refused(value):
    with pytest.raises(DataError, match="MJDREFF"):
        number({"MJDREFF": value}, "MJDREFF")


@pytest.mark.parametrize("zipped", [False, True])
def test_columns_equal_those_of_astropy(tmp_path, zipped):
    content = file_bytes(events_hdu(), gti_hdu(), aeff_hdu(), bkg_hdu())
    path = tmp_path / "run.fits"
    path.write_bytes(gzip.compress(content) if zipped else content)
    tables = read_tables(path)
    with fits.open(io.BytesIO(content)) as hdus:
        assert list(tables) == [hdu.name for hdu in hdus[1:]]
        for hdu in hdus[1:]:
            ours = tables[hdu.name]
            assert [(c.name, c.unit) for c in ours.columns] == [(c.name, c.unit or "") for c in hdu.columns]
            for name in hdu.columns.names:
                assert ours.data[name].shape == hdu.data[name].shape
                assert ours.data[name].dtype == hdu.data[name].dtype
                np.testing.assert_array_equal(ours.data[name], hdu.data[name])
            assert ours.header["NAXIS2"] == len(hdu.data)


def test_columns_that_are_more_than_a_view_are_read_too(tmp_path):
    columns = [
        fits.Column("U", "K", array=np.array([1, 2**63 + 5], dtype=np.uint64), bzero=2**63),
        fits.Column("SCALED", "D", array=np.array([0.5, 1.5]), bscale=0.5),
        fits.Column("FLAG", "L", array=[True, False]),
        fits.Column("LIST", "PD()", array=np.array([[1.0], [2.0, 3.0]], dtype=object)),
        fits.Column("NAME", "6A", array=["ab", "c d"]),
    ]
    table = read_tables(written(tmp_path / "x.fits", fits.BinTableHDU.from_columns(columns, name="X")))["X"]
    assert table.native("U").tolist() == [1, 2**63 + 5]
    assert table.native("SCALED").tolist() == [0.5, 1.5]
    assert table.native("FLAG").tolist() == [True, False]
    assert table.data["LIST"][1].tolist() == [2.0, 3.0]
    assert table.native("NAME").tolist() == ["ab", "c d"]


def test_table_has_native_numbers_text_and_units(tmp_path):
    table = read_tables(written(tmp_path / "x.fits", events_hdu(n_events=3)))["EVENTS"].to_table()
    assert table["ENERGY"].unit == "TeV"
    assert table["ENERGY"].dtype.isnative
    assert table.meta["OBJECT"] == "Crab <b>Nebula</b>"


def test_a_lacking_column_is_named(tmp_path):
    table = read_tables(written(tmp_path / "x.fits", gti_hdu()))["GTI"]
    with pytest.raises(DataError, match="GTI has no column HALT, only START, STOP"):
        require_columns(table, "START", "HALT")


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"none\.fits does not exist"):
        read_tables(tmp_path / "none.fits")


def test_folder_instead_of_a_file(tmp_path):
    with pytest.raises(DataError, match="is no file"):
        read_tables(tmp_path)


def test_a_file_that_is_not_fits(tmp_path):
    (tmp_path / "x.fits").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="does not begin as a FITS file"):
        read_tables(tmp_path / "x.fits")


def test_every_cut_of_a_file_is_an_error(tmp_path):
    content = file_bytes(gti_hdu())
    path = tmp_path / "x.fits"
    data_end = len(content) - 2880 + 16
    for size in range(0, data_end, 997):
        path.write_bytes(content[:size])
        if size == 2880:
            continue
        with pytest.raises(DataError, match=r"x\.fits"):
            read_tables(path)
    path.write_bytes(content[:data_end])
    assert len(read_tables(path)["GTI"].data) == 1, "the padding alone may be missing"


def test_every_cut_of_a_zipped_file_is_an_error(tmp_path):
    content = gzip.compress(file_bytes(gti_hdu()))
    for size in range(2, len(content), 31):
        (tmp_path / "x.fits.gz").write_bytes(content[:size])
        with pytest.raises(DataError, match="cannot be unzipped"):
            read_tables(tmp_path / "x.fits.gz")


def test_a_damaged_zipped_file_is_an_error(tmp_path):
    content = bytearray(gzip.compress(file_bytes(gti_hdu())))
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "x.fits.gz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be unzipped"):
        read_tables(tmp_path / "x.fits.gz")


FRESH = file_bytes(gti_hdu())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(2880, len(FRESH) - 2881), st.integers(32, 126)), min_size=1, max_size=4))
def test_a_damaged_header_gives_a_table_or_our_own_error(tmp_path_factory, changes):
    content = bytearray(FRESH)
    for position, value in changes:
        content[position] = value
    path = tmp_path_factory.mktemp("damaged") / "x.fits"
    path.write_bytes(content)
    with warnings.catch_warnings(), contextlib.suppress(DataError):
        warnings.simplefilter("ignore")  # astropy's own, about what is wrong
        tables = read_tables(path)
        assert all(len(table.to_table()) == table.header["NAXIS2"] for table in tables.values())
