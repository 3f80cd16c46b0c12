"""Hostile files and arguments end in a sentence of our own or in a right result, and leave nothing behind."""

import contextlib
import gzip
import os
import re
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits

from fovnb.data import GTI, DataStore
from fovnb.datasets import MapDataset
from fovnb.errors import DataError, FovnbError, FovnbWarning, GeometryError, InvalidInputError, IrfError
from fovnb.files import make_path, read_whole, replace_whole
from fovnb.irf import EffectiveAreaTable2D, read_irf
from fovnb.makers import MapDatasetMaker
from fovnb.maps import Map, MapAxis
from fovnb.maps.fits import write_hdulist
from tests.datasets import make_geom, make_run
from tests.dl3 import aeff_hdu, gti_hdu, irf_hdu, run, write_dl3

PARTS = ("events", "gti", "aeff", "edisp", "psf", "bkg")


def observe(folder, **options):
    return DataStore.from_dir(write_dl3(folder, [run(**options)], zipped=False)).obs(1)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return the bytes of one run's file."""
    folder = write_dl3(tmp_path_factory.mktemp("plain"), [run(n_events=5)], zipped=False)
    return (folder / "data" / "run_1.fits").read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a run and the path of its file, to be overwritten."""
    folder = write_dl3(tmp_path_factory.mktemp("place"), [1], zipped=False)
    return DataStore.from_dir(folder).obs(1), folder / "data" / "run_1.fits"


def with_card(content, keyword, value, after=0):
    """Return a file with the value of one header card replaced."""
    start = content.index(f"{keyword:8}= ".encode(), after)
    return content[:start] + f"{keyword:8}= {value:>20}".ljust(80).encode() + content[start + 80 :]


@pytest.mark.parametrize(
    ("path", "error"),
    [*[(path, InvalidInputError) for path in (None, 12, "a\0b", "a" * 300)], ("~nobody-of-this-name/x", DataError)],
)
def test_what_is_no_path(path, error):
    for use in (make_path, DataStore.from_dir, Map.read, MapDataset.read, make_run().write):
        with pytest.raises(error, match=r"is no path|home folder that is not known"):
            use(path)


def test_pipes_and_folders_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        for read in (read_whole, Map.read, MapDataset.read):
            with pytest.raises(DataError, match="is no file"):
                read(path)


@pytest.mark.parametrize("name", ["loop", "a\0b", "pipe", "n" * 300, "folder"])
def test_an_index_row_that_leads_to_no_file(tmp_path, name):
    write_dl3(tmp_path, [1], zipped=False, index_row=lambda row: {**row, "FILE_NAME": name})
    (tmp_path / "data" / "loop").symlink_to("loop")
    (tmp_path / "data" / "folder").mkdir()
    os.mkfifo(tmp_path / "data" / "pipe")
    with pytest.raises(DataError, match=r"OBS_ID 1.*(outside|is no file|cannot be read)"):
        _ = DataStore.from_dir(tmp_path).obs(1).events


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    folder = write_dl3(tmp_path / "set", [1], zipped=False)
    (folder / "data" / "run_1.fits").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match="outside"):
        _ = DataStore.from_dir(folder).obs(1).events


def test_file_names_beyond_ascii_are_found(tmp_path):
    folder = write_dl3(tmp_path, [run()], zipped=False, index_row=lambda row: {**row, "FILE_NAME": "run_ee.fits"})
    (folder / "data" / "run_1.fits").rename(folder / "data" / "run_é.fits")
    index = folder / "hdu-index.fits"
    index.write_bytes(index.read_bytes().replace(b"run_ee", "run_é".encode()))
    assert len(DataStore.from_dir(folder).obs(1).events) == 50


def test_index_texts_that_are_numbers_are_shown(tmp_path):
    store = DataStore.from_dir(write_dl3(tmp_path, [1], index_row=lambda row: {**row, "HDU_CLASS": 1.5}))
    assert "HDU_CLASS         : 1.5" in repr(store)


@pytest.mark.parametrize(("keyword", "value"), [("NAXIS1", -1), ("NAXIS2", -1), ("NAXIS2", "1E400"), ("PCOUNT", -9000)])
def test_sizes_below_zero_are_refused_and_never_loop(place, plain, keyword, value):
    observation, path = place
    path.write_bytes(with_card(plain, keyword, value, after=2880))
    with pytest.raises(DataError, match=r"OBS_ID 1, events in run_1\.fits: .*no valid BITPIX and NAXIS"):
        _ = observation.events


def test_numbers_as_names_of_columns(place, plain):
    observation, path = place
    path.write_bytes(with_card(plain, "TTYPE3", 4000000000))
    with pytest.raises(DataError, match="has no column RA, only EVENT_ID, TIME, 4000000000"):
        _ = observation.events


def test_letters_that_fits_does_not_know_become_question_marks(place, plain):
    observation, path = place
    path.write_bytes(plain.replace(b"'TEST    '", "'TÉST\x01  '".encode()))
    telescope = observation.meta.obs_info.telescope
    assert telescope == "T??ST?"
    fits.Header()["TELESCOP"] = telescope


def test_any_card_replaced_gives_the_parts_or_our_own_error(place, plain):
    observation, path = place
    values = ["'text'", "T", "-1", "1E400", "NaN", "4000000000", "''", "(1,2)"]
    cards = [match.start() for match in re.finditer(rb"[A-Z0-9]+ *= ", plain) if match.start() % 80 == 0]
    rng = np.random.default_rng(1)
    failed = 0
    for time, position in enumerate(rng.choice(cards, 80)):
        path.write_bytes(
            with_card(plain, plain[position : position + 8].decode().strip(), rng.choice(values), position)
        )
        os.utime(path, ns=(time, time))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in PARTS:
                try:
                    repr(getattr(observation, name))
                except FovnbError:
                    failed += 1
    assert failed > 20


@pytest.mark.parametrize(
    ("column", "values", "left"),
    [
        ("RA", [np.nan, 83, 83], 2),
        ("DEC", [22, 95, -91], 1),
        ("ENERGY", [np.inf, np.nan, 1], 1),
        ("TIME", [1e30, 0, 0], 2),
    ],
)
def test_events_that_are_none_are_left_out_with_a_warning(tmp_path, column, values, left):
    observation = observe(tmp_path, n_events=3, columns={column: np.array(values, float)})
    with pytest.warns(FovnbWarning, match=rf"OBS_ID 1: {3 - left} of 3 events are left out"):
        events = observation.events
    assert len(events) == len(events.radec.galactic) == len(events.table) == left


@pytest.mark.parametrize("values", [np.full(3, "abc"), np.full(3, 1 + 1j), np.ones((3, 2))])
def test_event_columns_that_hold_no_numbers(tmp_path, values):
    code = {"U": "3A", "c": "M", "f": "2D"}[values.dtype.kind]
    events = run(n_events=3).tables["EVENTS"]
    columns = [column for column in events.columns if column.name != "RA"]
    hdu = fits.BinTableHDU.from_columns([*columns, fits.Column("RA", code, array=values)], name="EVENTS")
    with pytest.raises(DataError, match=r"OBS_ID 1, events in .*the column RA of the events has type"):
        _ = observe(tmp_path, tables={"EVENTS": hdu}).events


def test_an_impossible_unit_of_the_events_is_said_when_they_are_read(tmp_path):
    events = run().tables["EVENTS"]
    events.columns["ENERGY"].unit = "parrot"
    with pytest.raises(DataError, match=r"OBS_ID 1, events in .*ENERGY of the events is in 'parrot'"):
        _ = observe(tmp_path, tables={"EVENTS": events}).events


def test_good_times_that_overlap_are_joined_with_a_warning():
    with pytest.warns(FovnbWarning, match=r"overlap by 150\.0 s and are joined"):
        gti = GTI.from_table_hdu(gti_hdu([(0, 100), (0, 100), (50, 200), (300, 400)]))
    assert gti.time_sum == 300 * u.s


@pytest.mark.parametrize("interval", [(0, np.nan), (10, 0), (0, 1e30), (-np.inf, 0)])
def test_good_times_that_are_none(interval):
    with pytest.raises(DataError, match="1 of the 2 good time intervals are no times or end before they start"):
        GTI.from_table_hdu(gti_hdu([(0, 1), interval]))


@pytest.mark.parametrize("day", [-1, 1e9])
def test_reference_times_that_are_none(day):
    hdu = gti_hdu()
    hdu.header["MJDREFI"] = day
    with pytest.raises(DataError, match=r"MJDREFI . MJDREFF = .*expected 0 to 100000 days"):
        GTI.from_table_hdu(hdu)


def test_a_keyword_without_value_is_said():
    hdu = gti_hdu()
    hdu.header["MJDREFF"] = None
    with pytest.raises(DataError, match=r"MJDREFF = .*expected a finite number"):
        GTI.from_table_hdu(hdu)


@pytest.mark.parametrize(
    ("header", "name", "match"),
    [
        ({"RA_PNT": None}, "pointing", "the header holds no RA_PNT"),
        ({"DEADC": "a"}, "observation_live_time_duration", "DEADC = 'a'"),
        ({"GEOLAT": 120.0}, "observatory_earth_location", r"GEOLAT = 120\.0 deg"),
        ({"MUONEFF": "x"}, "muoneff", "MUONEFF = 'x'"),
    ],
)
def test_what_the_header_lacks_is_said_with_the_run(tmp_path, header, name, match):
    with pytest.raises(DataError, match=f"OBS_ID 1: {match}"):
        getattr(observe(tmp_path, header=header), name)


def test_a_target_beyond_the_pole_is_none(tmp_path):
    assert observe(tmp_path, header={"DEC_OBJ": 200.0}).target_radec is None


def changed(name, change):
    """Return an effective area whose column was changed."""
    hdu = aeff_hdu()
    change(hdu.data[name], hdu.columns[name])
    return hdu


def unit(text):
    return lambda _, column: setattr(column, "unit", text)


def value(index, number):
    return lambda data, _: data[0].__setitem__(index, number)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("THETA_LO", unit("m")),
        ("THETA_HI", unit("")),
        ("ENERG_LO", unit("parrot")),
        ("ENERG_LO", value(3, np.nan)),
        ("ENERG_HI", value(-1, np.inf)),
        ("THETA_LO", value(2, -5)),
        ("THETA_HI", value(2, 90)),
        ("ENERG_HI", value(slice(None), 7)),
        ("ENERG_LO", value(0, -1)),
    ],
)
def test_edges_that_make_no_axis(name, change):
    axis = name.split("_")[0]
    with pytest.raises(DataError, match=rf"columns {axis}_LO and {axis}_HI make no axis \(.*\); repair the file"):
        read_irf(changed(name, change))


def test_axes_in_an_impossible_unit():
    hdu = irf_hdu(
        "AEFF",
        {"ENERG": (np.array([1.0, 10]), "TeV"), "THETA": (np.array([0, 1.0]), "m")},
        ("EFFAREA", "m2", 1e5),
        "EFF_AREA",
        "AEFF_2D",
    )
    with pytest.raises(IrfError, match="EffectiveAreaTable2D, axis 'offset', is 'm', expected one like 'deg'"):
        read_irf(hdu)
    offset = MapAxis.from_edges([0, 1], name="offset")
    with pytest.raises(IrfError, match="axis 'offset', is '', expected one like 'deg'"):
        EffectiveAreaTable2D([MapAxis.from_energy_bounds("1 TeV", "9 TeV", 1, name="energy_true"), offset], 1, "m2")


def test_edges_of_another_shape():
    hdu = aeff_hdu()
    hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column(c.name, "4E", c.unit, dim="(2,2)" if c.name == "THETA_LO" else None, array=np.ones((1, 4)))
            if c.name.startswith("THETA")
            else c
            for c in hdu.columns
        ],
        header=fits.Header([("HDUCLAS4", "AEFF_2D")]),
    )
    with pytest.raises(DataError, match="THETA_LO and THETA_HI make no axis"):
        read_irf(hdu)


def test_text_in_a_response_is_no_harm_unless_it_is_the_response():
    hdu = aeff_hdu()
    text = fits.Column("NOTE", "4A", array=["text"])
    kept = fits.BinTableHDU.from_columns([*hdu.columns, text], header=fits.Header([("HDUCLAS4", "AEFF_2D")]))
    np.testing.assert_array_equal(read_irf(kept).data, read_irf(hdu).data)
    columns = [*hdu.columns[:4], fits.Column("EFFAREA", "4A", array=["text"])]
    lost = fits.BinTableHDU.from_columns(columns, header=fits.Header([("HDUCLAS4", "AEFF_2D")]))
    with pytest.raises(DataError, match="no column EFFAREA; the table holds numbers in"):
        read_irf(lost)


@pytest.fixture(scope="module")
def stacked_bytes(tmp_path_factory):
    """Return the bytes of a dataset's file."""
    dataset = make_run()
    path = tmp_path_factory.mktemp("stacked") / "stacked.fits"
    dataset.write(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("TTYPE2", -1), ("TTYPE2", "T"), ("TFORM1", "NaN"), ("GCOUNT", 0), ("NAXIS", "1E9"), ("BANDSHDU", 10**18)],
)
@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
def test_damaged_datasets_are_refused_in_one_line_with_their_name(tmp_path, stacked_bytes, keyword, value):
    path = tmp_path / "stacked.fits"
    path.write_bytes(with_card(stacked_bytes, keyword, value, after=2880))
    with pytest.raises(DataError, match=r"^[^\n]*stacked\.fits[^\n]*$"):
        MapDataset.read(path)


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyUserWarning")
def test_cut_off_datasets_never_pass_in_silence(tmp_path, stacked_bytes):
    path = tmp_path / "stacked.fits.gz"
    for share in np.linspace(0.01, 0.9, 8):
        path.write_bytes(gzip.compress(stacked_bytes[: int(share * len(stacked_bytes))], 1))
        with contextlib.suppress(DataError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = MapDataset.read(path)
            np.testing.assert_array_equal(dataset.counts.data, make_run().counts.data)


def test_a_header_that_cannot_be_written_leaves_nothing(tmp_path):
    hdu = fits.PrimaryHDU()
    hdu.header.append(fits.Card.fromstring("BAD     = 'no end".ljust(80)))
    hdu.header["NAXIS"] = "x"
    with pytest.raises(InvalidInputError, match=r"map\.fits cannot be written as FITS"):
        write_hdulist(fits.HDUList([hdu]), tmp_path / "map.fits")
    assert list(tmp_path.iterdir()) == []


def test_what_fails_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")

    def fail():
        with replace_whole(path, overwrite=True) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (make_geom(nbin=4), "axis 'energy'"),
        (make_geom(width=2.1), "neither those of the stack .* nor a cutout"),
        (make_geom(skydir=(93.63, 22.01)), "neither those of the stack"),
    ],
)
def test_what_differs_on_stacking_is_said_and_changes_nothing(other, match):
    stacked = MapDataset.create(other)
    with pytest.raises(GeometryError, match=match):
        stacked.stack(make_run())
    assert stacked.counts.data.sum() == 0


@pytest.mark.parametrize(
    ("geom", "error", "match"),
    [
        (make_geom(skydir=(183.63, 22.01)), GeometryError, "does not overlap the run, which points to ICRS 83.6300"),
        (
            make_geom().to_image().to_cube([MapAxis.from_energy_bounds("200 TeV", "300 TeV", nbin=2)]),
            IrfError,
            "energy axis from 200 to 300 TeV lies outside Background3D, which covers 0.1 to 100 TeV",
        ),
    ],
)
def test_a_run_that_the_grid_does_not_meet(tmp_path, geom, error, match):
    with pytest.raises(error, match=match):
        MapDatasetMaker().run(MapDataset.create(geom), observe(tmp_path))
