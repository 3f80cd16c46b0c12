"""Exclusion masks in files: names, origins and areas come back, and broken files are refused in a sentence."""

from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from regions import (
    CircleAnnulusSkyRegion,
    CircleSkyRegion,
    EllipseAnnulusSkyRegion,
    EllipseSkyRegion,
    PointSkyRegion,
    PolygonSkyRegion,
    RectangleAnnulusSkyRegion,
    RectangleSkyRegion,
    Regions,
)

from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.makers import ExclusionMask
from fovnb.maps import Map, MapAxis, WcsGeom

GEOM = WcsGeom.create(skydir=(83.63, 22.01), width=3, binsz=0.05)
STRANGE = "SNR {a} \"q\" 'p' <b>; #1 100% é, [x]=\\|"


def shapes(frame: str = "icrs") -> list:
    lon, lat = (83.63, 22.01) if frame != "galactic" else (184.557, -5.784)
    center = SkyCoord(lon, lat, unit="deg", frame=frame)
    sizes = [0.2, 0.5, 0.3, 0.9] * u.deg
    return [
        CircleSkyRegion(center, 18 * u.arcmin),
        CircleAnnulusSkyRegion(center, 0.1 * u.deg, 1 / 3 * u.deg),
        EllipseSkyRegion(center, 0.1 * u.deg, 0.7 * u.deg, 30.1 * u.deg),
        RectangleSkyRegion(center, 0.1 * u.deg, 0.7 * u.deg, 30.1 * u.deg),
        PolygonSkyRegion(SkyCoord([lon, lon + 1, lon + 0.5], [lat, lat, lat + 1 / 3], unit="deg", frame=frame)),
        EllipseAnnulusSkyRegion(center, *sizes, 40 * u.deg),
        RectangleAnnulusSkyRegion(center, *sizes, 40 * u.deg),
        PointSkyRegion(center),
    ]


def described(mask: ExclusionMask) -> list:
    return [(entry.name, entry.origin, entry.key) for entry in mask]


@pytest.mark.parametrize("frame", ["icrs", "fk5", "galactic"])
@pytest.mark.parametrize(
    ("name", "n"), [("mask.reg", 8), ("mask.ds9", 8), ("mask.crtf", 5), ("mask.fits", 8), ("m.fits.gz", 8)]
)
@pytest.mark.filterwarnings("ignore:.*in the frame galactic")
def test_regions_come_back_exactly(tmp_path: Path, frame: str, name: str, n: int) -> None:
    mask = ExclusionMask(shapes(frame)[:n], [STRANGE, "007", *"cdefgh"][:n], "gamma-cat").cut(
        shapes(frame)[:1], ["hole"]
    )
    mask.write(tmp_path / name, GEOM)
    again = ExclusionMask.from_file(tmp_path / name)
    assert described(again) == described(mask)
    np.testing.assert_array_equal(again.to_map(GEOM).data, mask.to_map(GEOM).data)


@given(
    lon=st.floats(0, 360, exclude_max=True),
    lat=st.floats(-90, 90),
    size=st.floats(1e-4, 20),
    angle=st.floats(0, 360),
    name=st.text(min_size=1).filter(lambda text: text.strip()),
    form=st.sampled_from([".reg", ".crtf"]),
)
@settings(max_examples=60, deadline=None)
def test_any_numbers_and_names_come_back(
    tmp_path_factory: pytest.TempPathFactory, lon: float, lat: float, size: float, angle: float, name: str, form: str
) -> None:
    path = tmp_path_factory.mktemp("any") / f"mask{form}"
    region = RectangleSkyRegion(SkyCoord(lon, lat, unit="deg"), size * u.deg, size / 3 * u.deg, angle * u.deg)
    mask = ExclusionMask(region, [name], name)
    mask.write(path)
    found, written = ExclusionMask.from_file(path)[0], mask[0]
    assert (found.name, found.origin) == (written.name, written.origin)
    assert found.shape.sizes_deg == pytest.approx(written.shape.sizes_deg, rel=1e-15)
    assert found.shape.lon_deg == pytest.approx(written.shape.lon_deg, rel=1e-14, abs=1e-14)
    assert found.shape.lat_deg == pytest.approx(written.shape.lat_deg, rel=1e-14, abs=1e-14)
    assert found.shape.angle_deg == pytest.approx(written.shape.angle_deg, rel=1e-14)


def test_what_is_written_other_readers_understand(tmp_path: Path) -> None:
    ExclusionMask(shapes()[:5], ["Crab", *"bcde"]).write(tmp_path / "m.reg")
    ExclusionMask(shapes()[:5], ["Crab", *"bcde"]).write(tmp_path / "m.crtf")
    for found, meta in [(Regions.read(tmp_path / "m.reg"), "text"), (Regions.read(tmp_path / "m.crtf"), "label")]:
        assert found[0].meta[meta] == "Crab"
        np.testing.assert_array_equal(GEOM.region_mask(list(found)).data, GEOM.region_mask(shapes()[:5]).data)


def test_a_foreign_ds9_file_gives_names_and_the_file_as_origin(tmp_path: Path) -> None:
    path = tmp_path / "snr.reg"
    path.write_text(
        "# Region file format: DS9 version 4.1\nglobal color=green\nfk5\n"
        'circle(5:34:31.9,+22:00:52,900") # text={Crab 100%25} tag={group=1}\nellipse(84,22,0.5,0.2,30)\n'
    )
    mask = ExclusionMask.from_file(path)
    assert [(e.name, e.origin, e.kind) for e in mask] == [
        ("Crab 100%25", "file snr.reg", "Circle"),
        ("Ellipse", "file snr.reg", "Ellipse"),
    ]
    assert mask[0].shape.sizes_deg == pytest.approx((0.25,))
    assert mask[1].shape.sizes_deg == (1.0, 0.4)
    assert ExclusionMask.from_file(path, origin="mine")[0].origin == "mine"


def test_a_foreign_crtf_file(tmp_path: Path) -> None:
    path = tmp_path / "snr.crtf"
    path.write_text('#CRTFv0\nglobal coord=J2000\ncircle[[83.6deg, 22.0deg], 0.3deg], label="Crab"\n')
    for comment in ["", "# names and origins: [1]\n", '# names and origins: {"Crab": 1}\n', "# names and origins: {\n"]:
        path.write_text(path.read_text().replace("global", f"{comment}global"))
        [entry] = ExclusionMask.from_file(path)
        assert (entry.name, entry.origin, entry.frame, entry.cut) == ("Crab", "file snr.crtf", "fk5", False)


def test_a_file_of_nothing_but_minus_regions_says_what_to_leave_out(tmp_path: Path) -> None:
    path = tmp_path / "sources.reg"
    path.write_text("icrs\n-circle(83.63,22.01,0.3)\n-circle(84,22,0.2)\n")
    with pytest.warns(FovnbWarning, match=r"all regions of .*sources\.reg are marked as excluded"):
        mask = ExclusionMask.from_file(path)
    assert [entry.cut for entry in mask] == [False, False]


def test_what_has_no_area_or_is_not_understood_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mixed.reg"
    path.write_text("icrs\ncircle(83.63,22.01,0.3)\nline(1,2,3,4)\npanda(1,2,0,360,4,0,1,2)\n")
    with pytest.warns(FovnbWarning, match=r"left out: 1 lines or texts, which have no area; \"panda\"") as caught:
        assert len(ExclusionMask.from_file(path)) == 1
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.reg", "", "holds no region; give regions, in DS9's format as"),
        ("text.reg", "icrs\nline(1,2,3,4)\n", "holds no region; left out: 1 lines or texts"),
        ("frame.reg", "circle(1,2,3)\n", "holds no region; left out: A coordinate frame was not found"),
        ("broken.reg", "icrs\ncircle(83.63,22.01,\n", "cannot be read as DS9 regions"),
        ("broken.crtf", "#CRTFv0\ncircle[[83.63deg, 22.01deg], 0.3]\n", "cannot be read as CRTF regions"),
        ("binary.reg", b"\xff\xfe\x00\x01", "is neither a FITS file nor text"),
        (
            "latin.reg",
            "icrs; circle(1,2,3) # é".encode("latin-1"),
            r"nor text in UTF-8 \(.* at byte 22\); save it in UTF-8",
        ),
        ("broken.fits", b"SIMPLE  =   broken", "cannot be read as FITS"),
    ],
)
def test_a_file_without_regions_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message):
        ExclusionMask.from_file(tmp_path / name)


def test_regions_in_pixels_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pixel.reg").write_text("image\ncircle(10,20,3)\n")
    with pytest.raises(InvalidInputError, match="CirclePixelRegion lies in pixels"):
        ExclusionMask.from_file(tmp_path / "pixel.reg")
    with pytest.raises(DataError, match="does not exist"):
        ExclusionMask.from_file(tmp_path / "none.reg")


def test_a_fits_file_begins_with_the_map(tmp_path: Path) -> None:
    cube = GEOM.to_cube([MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=2)])
    known = cube.region_mask(shapes()[:1], inside=False)
    known.data[1] = True
    mask = ExclusionMask([known, shapes()[4]], ["cube", "polygon"], "user").grow("0.05 deg")
    mask.write(tmp_path / "mask.fits", cube)
    with pytest.raises(DataError, match="exists; pass overwrite=True"):
        mask.write(tmp_path / "mask.fits", cube)
    read = Map.read(tmp_path / "mask.fits")
    assert read.is_mask
    np.testing.assert_array_equal(read.data, mask.to_map(cube).data)
    again = ExclusionMask.from_file(tmp_path / "mask.fits")
    assert described(again)[1] == described(mask)[1]
    assert again["polygon"].margin_deg == 0.05
    np.testing.assert_array_equal(again["cube"].mask.data, mask["cube"].mask.data)
    np.testing.assert_array_equal(again.to_map(cube).data, read.data)


@pytest.mark.parametrize("name", ["none.reg", "none.crtf", "none.fits"])
def test_an_empty_mask_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"the mask has no areas, and {name} would hold nothing to exclude"):
        ExclusionMask().write(tmp_path / name, GEOM)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [100, 4000, 7200, 11400, -10])
def test_a_fits_file_that_is_cut_off_is_refused_in_a_sentence(tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.fits"
    ExclusionMask(shapes()[0]).write(path, GEOM)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=r"cut\.fits cannot be read as FITS: .*; check that the file is there"):
        ExclusionMask.from_file(path)


@pytest.mark.parametrize("suffix", [".reg", ".crtf"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, suffix: str) -> None:
    mask, path = ExclusionMask(shapes()[0]), tmp_path / f"mask{suffix}"
    mask.write(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert described(ExclusionMask.from_file(path)) == described(mask)


def test_a_plain_fits_mask_is_one_area(tmp_path: Path) -> None:
    known = GEOM.region_mask(shapes()[:1], inside=False)
    (known * 1).write(tmp_path / "snr.fits")
    [entry] = ExclusionMask.from_file(tmp_path / "snr.fits")
    assert (entry.name, entry.origin, entry.kind) == ("snr", "file snr.fits", "Mask")
    np.testing.assert_array_equal(entry.mask.data, known.data)


def test_fits_masks_of_one_value_and_of_other_values(tmp_path: Path) -> None:
    for name, value in {"none": 0, "all": 1, "odd": 0.5}.items():
        Map.from_geom(GEOM, data=np.full(GEOM.data_shape, value)).write(tmp_path / f"{name}.fits")
    with pytest.raises(DataError, match="0 everywhere and would exclude everything"):
        ExclusionMask.from_file(tmp_path / "none.fits")
    with pytest.warns(FovnbWarning, match="1 everywhere and excludes nothing"):
        ExclusionMask.from_file(tmp_path / "all.fits")
    with pytest.raises(DataError, match=r"odd\.fits: the exclusion mask holds other values than 0 and 1"):
        ExclusionMask.from_file(tmp_path / "odd.fits")
    fits.PrimaryHDU().writeto(tmp_path / "no.fits")
    with pytest.raises(DataError, match="no HDU holds any data"):
        ExclusionMask.from_file(tmp_path / "no.fits")


def test_what_a_format_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    raster = ExclusionMask(GEOM.region_mask(shapes()[:1], inside=False), ["map"])
    for mask, name, message in [
        (raster, "m.reg", "'map' is a Mask, which DS9 cannot hold; write a .fits file"),
        (
            ExclusionMask(shapes()[4]).grow(0.1),
            "m.crtf",
            "'Polygon' is a Polygon, grown by a margin, which CRTF cannot",
        ),
        (ExclusionMask(shapes()[5]), "m.crtf", "'EllipseAnnulus' is a EllipseAnnulus, which CRTF does not know"),
        (ExclusionMask(shapes()[0] & shapes()[1]), "m.fits", "'Compound' is a Compound, which FITS cannot hold; turn"),
        (ExclusionMask(shapes()[0]), "m.txt", r"m\.txt has the ending '\.txt'; choose \.reg, \.crtf or \.fits"),
    ]:
        with pytest.raises(InvalidInputError, match=message):
            mask.write(tmp_path / name, GEOM)
    with pytest.raises(InvalidInputError, match=r"has the ending '\.gz'"):
        ExclusionMask(shapes()[0]).write(tmp_path / "m.reg.gz")
    with pytest.raises(InvalidInputError, match="pass geom, the geometry of the dataset"):
        raster.write(tmp_path / "m.fits")
    assert list(tmp_path.iterdir()) == []
