"""Exclusion masks from catalogues and stars."""

import gzip
import os
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.makers import ExclusionMask
from fovnb.maps import WcsGeom

CRAB = SkyCoord(83.63, 22.01, unit="deg")
ZETA_TAU = SkyCoord("5h37m38.7s", "+21d08m33s")


def sources() -> Table:
    return Table({"name": ["Crab", "far"], "ra": [83.63, 83.63], "dec": [22.01, 62.01], "sigma": [0.05, 0.4]})


def sizes(mask: ExclusionMask) -> list[float]:
    return [round(entry.shape.sizes_deg[0], 6) for entry in mask]


@pytest.mark.parametrize(
    "columns",
    [
        {"RAJ2000": [83.63], "DEJ2000": [22.01]},
        {"GLON": [CRAB.galactic.l.deg], "GLAT": [CRAB.galactic.b.deg]},
        {"Ra": [83.63 * 60] * u.arcmin, "Dec": [np.deg2rad(22.01)] * u.rad},
        {"RA": ["05 34 31.2"], "DEC": ["+22 00 36"]},
        {"RA": ["83.63"], "DEC": ["+22.01"]},
        {"RA": [b"5h34m31.2s"], "DEC": [b"22.01"]},
        {"RA": np.array(["83.63"], dtype=object), "DEC": [22.01]},
        {"GLON": [CRAB.galactic.l.to_string("deg", sep=":")], "GLAT": [str(CRAB.galactic.b.deg)]},
        {"position": SkyCoord([83.63], [22.01], unit="deg")},
    ],
    ids=["J2000", "galactic", "units", "sexagesimal", "text", "bytes", "objects", "both", "coordinates"],
)
def test_positions_are_found_under_the_usual_names_and_units(columns: dict) -> None:
    [entry] = ExclusionMask.from_catalog(QTable(columns))
    assert entry.shape.center.separation(CRAB).arcsec < 0.1
    assert (entry.name, entry.origin, sizes([entry])) == ("source", "catalogue", [0.3])


def test_the_radius_is_a_number_a_rule_or_grows_with_the_extension() -> None:
    table = sources()
    assert sizes(ExclusionMask.from_catalog(table, 0.2)) == [0.2, 0.2]
    assert sizes(ExclusionMask.from_catalog(table, 6 * u.arcmin, extension="sigma", factor=3)) == [0.15, 1.2]
    assert sizes(ExclusionMask.from_catalog(table, lambda row: (row["sigma"] + 0.1) * u.deg)) == [0.15, 0.5]
    table["sigma"] = np.ma.array([3.0, 24.0], mask=[True, False]) * 1.0
    table["sigma"].unit = "arcmin"
    assert sizes(ExclusionMask.from_catalog(table, extension="sigma")) == [0.3, 0.8]


def test_only_circles_that_reach_into_the_field_are_taken() -> None:
    near = SkyCoord(83.63, 20.0, unit="deg")
    assert ExclusionMask.from_catalog(sources(), center=near, max_separation="1.8 deg").names == ("Crab",)
    assert len(ExclusionMask.from_catalog(sources(), center=near, max_separation="1.7 deg")) == 0
    with pytest.raises(InvalidInputError, match="center and max_separation belong together"):
        ExclusionMask.from_catalog(sources(), center=near)
    with pytest.raises(InvalidInputError, match=r"center is \(83, 22\); give one SkyCoord"):
        ExclusionMask.from_catalog(sources(), center=(83, 22), max_separation=1)


def test_rows_without_a_position_are_left_out_with_a_warning() -> None:
    table = sources()
    table["ra"] = np.ma.array([83.63, 83.63], mask=[True, False])
    with pytest.warns(FovnbWarning, match="1 of 2 rows have no position and are left out"):
        assert ExclusionMask.from_catalog(table).names == ("far",)


@pytest.mark.parametrize("nothing", ["", "--", "n/a", " NaN "])
def test_text_that_says_nothing_is_no_position(nothing: str) -> None:
    table = sources()
    table["ra"], table["dec"] = ["83.63", nothing], ["22.01", nothing]
    with pytest.warns(FovnbWarning, match="1 of 2 rows have no position and are left out"):
        [entry] = ExclusionMask.from_catalog(table)
    assert entry.shape.center.separation(CRAB).arcsec < 0.1
    table["ra"] = np.ma.array(["83.63", "84.0"], mask=[True, False])
    with pytest.raises(InvalidInputError, match="none of the 2 rows has a position, which excludes nothing"):
        ExclusionMask.from_catalog(table)


def test_text_in_a_column_with_a_unit_is_in_this_unit() -> None:
    table = Table({"ra": ["5.5753"], "dec": ["22.01"]}, units={"ra": "hourangle"})
    assert ExclusionMask.from_catalog(table)[0].shape.lon_deg == pytest.approx((83.6295,))
    table["ra"].unit = "m"
    with pytest.raises(InvalidInputError, match=r"'ra' of row 0 is '5\.5753', a position that cannot be read"):
        ExclusionMask.from_catalog(table)


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        ({"ra": None}, {}, r"no positions \(name, dec, sigma\); name the columns ra and dec"),
        ({}, {"extension": "sigmas"}, r"no column 'sigmas' \(did you mean 'sigma'\?\)"),
        ({}, {"names": "x"}, "no column 'x'; name one of its columns: name, ra, dec, sigma"),
        ({}, {"radius": -1}, "the radius is -1; give one finite number of at least 0"),
        ({}, {"radius": "wide"}, "cannot read the radius from 'wide'"),
        ({"ra": ["here", "there"]}, {}, "'ra' of row 0 is 'here', a position that cannot be read"),
        ({"ra": [1, 2] * u.TeV}, {}, "'ra' cannot be read as numbers in deg"),
        ({"dec": [22, 120]}, {}, r"the position of row 1 is \(83\.63, 120\) deg; give finite angles, the latitude"),
        ({"ra": [np.inf, 1]}, {}, r"the position of row 0 is \(inf, 22\.01\) deg; give finite angles"),
        ({"ra": [[1, 2], [3, 4]]}, {}, r"the column 'ra' holds values of shape \(2,\) in row 0; give one value a row"),
        ({"ra": [np.nan, np.nan]}, {}, "none of the 2 rows has a position"),
        ({}, {"radius": [1, 2]}, r"the radius is \[1, 2\]; give one finite number"),
        ({}, {"radius": lambda row: row["nope"]}, r"the radius fails for row 0 \(KeyError: 'nope'\); give one that"),
        ({}, {"radius": lambda row: 1 - len(row["name"])}, "the radius of row 0 is -3; give one"),
        ({"sigma": [1, -1]}, {"extension": "sigma"}, "the extension of row 1 is -1 deg; give one at least 0 deg"),
        ({}, {"extension": "sigma", "factor": np.nan}, "factor is nan; give one finite number of at least 0"),
        ({}, {"extension": "sigma", "factor": -1}, "factor is -1; give one finite number of at least 0"),
        ({}, {"center": CRAB, "max_separation": np.nan}, "max_separation is nan; give one finite number"),
        ({}, {"center": CRAB, "max_separation": -3}, "max_separation is -3; give one finite number of at least 0"),
        ({}, {"extension": "name"}, "'name' cannot be read as numbers in deg"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_a_sentence(columns: dict, arguments: dict, message: str) -> None:
    table = sources()
    for name, values in columns.items():
        if values is None:
            table.remove_column(name)
        else:
            table[name] = values
    with pytest.raises(InvalidInputError, match=message):
        ExclusionMask.from_catalog(table, **arguments)


def test_a_path_is_read_and_named(tmp_path: Path) -> None:
    sources().write(tmp_path / "mine.ecsv")
    assert ExclusionMask.from_catalog(tmp_path / "mine.ecsv")["Crab"].origin == "file mine.ecsv"
    (tmp_path / "broken.fits").write_text("nothing")
    with pytest.raises(DataError, match="cannot be read as a table"):
        ExclusionMask.from_catalog(tmp_path / "broken.fits")
    with pytest.raises(DataError, match="does not exist"):
        ExclusionMask.from_catalog(tmp_path / "none.fits")


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.fits", "fits"), ("a.xml", "votable"), ("a.vot", "votable"), ("a.csv", "csv"), ("a.txt", "ascii.ecsv")],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_tables_of_the_known_formats_are_read(tmp_path: Path, name: str, form: str, zipped: bool) -> None:
    path = tmp_path / name
    sources().write(path, format=form)
    if zipped:
        path = path.with_name(f"{name}.gz")
        path.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    assert ExclusionMask.from_catalog(path, extension="sigma").names == ("Crab", "far")


VOTABLE = """<?xml version="1.0" encoding="{encoding}"?>
<VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="ra" datatype="double"/><FIELD name="dec" datatype="double"/>
<DATA><BINARY>{stream}</BINARY></DATA></TABLE></RESOURCE></VOTABLE>"""
LINKS = ("<STREAM href='{}'/>", "<STREAM rights='>'\n href = '{}'/>", "<STREAM href='{}' rights='x'></STREAM>")
INSIDE = "<STREAM encoding='base64'>QFToUeuFHrhANgKPXCj1ww==</STREAM>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_that_refers_to_data_elsewhere_is_refused_and_nothing_is_fetched(tmp_path: Path, encoding: str) -> None:
    outside, path = tmp_path / "outside.bin", tmp_path / "table.xml"
    outside.write_bytes(np.array([83.63, 22.01], dtype=">f8").tobytes())
    path.write_text(VOTABLE.format(stream=INSIDE, encoding=encoding), encoding=encoding)
    [entry] = ExclusionMask.from_catalog(path)
    assert entry.shape.center.separation(CRAB).arcsec < 0.1
    for link in (outside.as_uri(), "http://127.0.0.1:9/outside.bin"):
        for stream in LINKS:
            path.write_text(VOTABLE.format(stream=stream.format(link), encoding=encoding), encoding)
            with pytest.raises(DataError, match=r"table\.xml refers to data elsewhere .*, which are not fetched; give"):
                ExclusionMask.from_catalog(path)


def test_an_entity_hides_no_reference_and_a_link_beside_the_data_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "table.xml"
    entity = "<!DOCTYPE VOTABLE [<!ENTITY s \"<STREAM h&#114;ef='file:///etc/hostname'/>\">]>\n<VOTABLE"
    hidden = VOTABLE.format(stream="&s;", encoding="utf-8").replace("<VOTABLE", entity, 1)
    path.write_text(hidden)
    with pytest.raises(DataError, match="refers to data elsewhere"):
        ExclusionMask.from_catalog(path)
    linked = VOTABLE.format(stream=INSIDE, encoding="utf-8").replace(
        "<TABLE>", "<TABLE><LINK href='http://a.invalid/'/>"
    )
    path.write_text(linked)
    assert len(ExclusionMask.from_catalog(path)) == 1


@pytest.mark.parametrize("link", ["http://127.0.0.1:9/a.fits", "file:///etc/hostname", "ftp://127.0.0.1/a.csv"])
def test_a_link_is_no_path(link: str) -> None:
    with pytest.raises(DataError, match="does not exist"):
        ExclusionMask.from_catalog(link)


def test_text_of_no_known_format_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("ra dec\n83.63 22.01\n")
    with pytest.raises(DataError, match="cannot be read as a table: its format is unknown; give a FITS, ECSV"):
        ExclusionMask.from_catalog(tmp_path / "page.html")


def test_gamma_cat_has_the_crab() -> None:
    path = Path(os.environ.get("GAMMAPY_DATA", "")) / "catalogs/gammacat/gammacat.fits.gz"
    if not path.is_file():
        pytest.skip("$GAMMAPY_DATA does not name a folder that holds catalogs/gammacat")
    geom = WcsGeom.create(skydir=CRAB, width=8, binsz=0.05)
    mask = ExclusionMask.from_catalog(path, extension="morph_sigma", origin="gamma-cat")
    assert len(mask) == 162
    assert mask.within(geom).names == ("RGB J0521+212", "Crab nebula")
    assert ExclusionMask.from_catalog(path, center=CRAB, max_separation="1 deg").names == ("Crab nebula",)
    assert mask["Vela X"].shape.sizes_deg[0] > 0.3
    assert mask["Crab nebula"].shape.center.separation(CRAB).deg < 0.01


def test_bright_stars_by_their_magnitude() -> None:
    table = Table(
        {
            "Name": ["Zeta Tau", "faint", "unknown"],
            "RA_ICRS": [ZETA_TAU.ra.deg, 84.0, 85.0],
            "DE_ICRS": [ZETA_TAU.dec.deg, 22.0, 22.0],
            "Vmag": np.ma.array([3.03, 7.0, 0.0], mask=[False, False, True]),
        }
    )
    mask = ExclusionMask.from_stars(table, mag_max=5, radius=lambda row: 0.5 - 0.1 * row["Vmag"])
    assert [(entry.name, entry.origin) for entry in mask] == [("Zeta Tau", "stars")]
    assert sizes(mask) == [0.197]
    assert len(ExclusionMask.from_stars(table, mag_max=7)) == 2
    assert len(ExclusionMask.from_stars(table, mag_max=3)) == 0
    with pytest.raises(InvalidInputError, match="mag_max is nan; give one finite number"):
        ExclusionMask.from_stars(table, mag_max=np.nan)
    with pytest.raises(InvalidInputError, match="the table has no usual column of magnitudes; name one of"):
        ExclusionMask.from_stars(sources())
