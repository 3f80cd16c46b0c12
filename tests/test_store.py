"""Cubes on disk: the same to the last bit, or made anew."""

import hashlib
import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from fovnb.data import DataStore
from fovnb.datasets import MapDataset
from fovnb.demo import make_demo
from fovnb.errors import DataError, FovnbWarning, InvalidInputError
from fovnb.makers import MapDatasetMaker
from fovnb.maps import Map, MapAxis, WcsGeom
from fovnb.pipeline.packing import packed, unpacked
from fovnb.pipeline.store import CubeStore
from fovnb.recipe import Cube, Geometry
from fovnb.steps import cube_statements, execute
from tests.full_disk import no_file_above

KEY = "0a1b"


def cube(**geometry):
    """Return the demo's first run on a small cube at an odd position, whose numbers FITS headers round."""
    place = {"lon_deg": 83.6 + 1 / 30, "lat_deg": 22 + 1 / 70, "width_deg": (2.2, 1.4), "binsz_deg": 0.2 / 3}
    names = execute(cube_statements(Cube(geometry=Geometry(**place | geometry))))
    (run,) = DataStore.from_dir(make_demo()).get_observations([1])
    return names["maker"].run(names["stacked"], run)


@pytest.fixture(scope="module")
def dataset():
    return cube()


def maps_of(dataset):
    maps = {name: getattr(dataset, name) for name in ("counts", "exposure", "background", "mask_safe")}
    for response in ("psf", "edisp"):
        found = getattr(dataset, response).maps
        maps |= {response: found[0], f"{response}_exposure": found[1]}
    return maps


def assert_identical(found, expected):
    """Compare what numbers can tell, by bits where there are any."""
    for name, one in maps_of(expected).items():
        other = maps_of(found)[name]
        assert other.data.dtype == one.data.dtype
        assert other.data.tobytes() == one.data.tobytes()
        assert other.data.flags.c_contiguous == one.data.flags.c_contiguous
        assert other.unit.to_string("fits") == one.unit.to_string("fits")
        assert_same_values(other.meta, one.meta)
        assert_same_grid(other.geom, one.geom)
    assert found.gti.start_s.tobytes() == expected.gti.start_s.tobytes()
    assert found.gti.stop_s.tobytes() == expected.gti.stop_s.tobytes()
    times = [(time.jd1, time.jd2, time.scale, time.format) for time in (found.gti.time_ref, expected.gti.time_ref)]
    assert times[0] == times[1]
    assert found.meta_table.dtype == expected.meta_table.dtype
    assert found.meta_table.as_array().tobytes() == expected.meta_table.as_array().tobytes()
    assert [c.unit for c in found.meta_table.itercols()] == [c.unit for c in expected.meta_table.itercols()]
    assert_same_values(found.meta, expected.meta)
    assert found.run_info == expected.run_info
    assert found.name == expected.name


def assert_same_values(found, expected):
    assert list(found) == list(expected)
    assert [(type(one), repr(one)) for one in found.values()] == [(type(one), repr(one)) for one in expected.values()]


def assert_same_grid(found, expected):
    assert found.wcs.wcs.compare(expected.wcs.wcs, tolerance=0)
    assert found.data_shape == expected.data_shape
    assert found.sky.lonlat_deg.tobytes() == expected.sky.lonlat_deg.tobytes()
    assert found.sky.solid_angle_sr.tobytes() == expected.sky.solid_angle_sr.tobytes()
    for one, other in zip(found.axes, expected.axes, strict=True):
        assert (one.name, one.interp, one.node_type, str(one.unit)) == (
            other.name,
            other.interp,
            other.node_type,
            str(other.unit),
        )
        assert one.edges.value.tobytes() == other.edges.value.tobytes()
        assert one.center.value.tobytes() == other.center.value.tobytes()
        at = np.geomspace(0.3, 30, 50) * other.unit
        assert one.coord_to_pix(at).tobytes() == other.coord_to_pix(at).tobytes()


@pytest.mark.parametrize("proj", ["CAR", "TAN", "SIN", "AIT", "ZEA", "STG", "MOL"])
@pytest.mark.parametrize("frame", ["icrs", "galactic", "fk5"])
def test_every_projection_comes_back_exactly(proj, frame):
    axis = MapAxis.from_energy_edges([1, 2, 7 / 3] * u.TeV)
    place = SkyCoord(83.6 + 1 / 30, 22 + 1 / 70, unit="deg").transform_to(frame)
    geom = WcsGeom.create(skydir=place, width=(2.2, 1.4), binsz=0.2 / 3, proj=proj, frame=frame, axes=[axis])
    found = unpacked(packed(MapDataset.create(geom)), "", {})
    assert_same_grid(found.counts.geom, geom)


def test_a_cube_comes_back_to_the_last_bit(dataset, tmp_path):
    store = CubeStore(tmp_path / "new")
    assert store.load(KEY) is None
    store.save(KEY, dataset)
    assert_identical(store.load(KEY), dataset)
    assert_identical(CubeStore(tmp_path / "new").load(KEY), dataset)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"{KEY}.cube"]


def test_the_comparison_sees_one_bit(dataset):
    def changed(change):
        other = unpacked(packed(dataset), "", {})
        change(other)
        return other

    def next_background(other):
        other.background.data[0, 3, 4] = np.nextafter(other.background.data[0, 3, 4], 1)

    def next_time(other):
        other.gti.start_s[0] = np.nextafter(other.gti.start_s[0], 0)

    def next_pixel(other):
        other.counts.geom.wcs.wcs.crval = np.nextafter(other.counts.geom.wcs.wcs.crval, 0)

    for change in (next_background, next_time, next_pixel):
        with pytest.raises(AssertionError):
            assert_identical(changed(change), dataset)


def test_fits_would_round(dataset, tmp_path):
    """Why cubes are not kept as FITS."""
    dataset.write(tmp_path / "run.fits")
    with pytest.raises(AssertionError):
        assert_identical(MapDataset.read(tmp_path / "run.fits"), dataset)


def test_a_cube_without_responses():
    small = MapDatasetMaker(["counts"]).run(
        MapDataset.create(
            WcsGeom.create(skydir=(83.6, 22), npix=5, axes=[MapAxis.from_energy_bounds("1 TeV", "9 TeV", 2)])
        ),
        DataStore.from_dir(make_demo()).get_observations([2])[0],
    )
    small = small.replace(exposure=None, psf=None, edisp=None)
    found = unpacked(packed(small), "", {})
    assert found.counts.data.tobytes() == small.counts.data.tobytes()
    assert found.background is found.exposure is found.psf is found.edisp is None


def test_datasets_share_their_sky_grids(dataset, tmp_path):
    store = CubeStore(tmp_path)
    store.save("a", dataset)
    store.save("b", dataset)
    first, second = store.load("a"), store.load("b")
    assert first.counts.geom.sky is first.exposure.geom.sky is second.background.geom.sky
    assert first.counts.geom.sky is not first.psf.psf_map.geom.sky
    assert first.counts.data is not second.counts.data


def test_the_sky_grids_of_the_last_datasets_alone_are_kept(dataset, tmp_path):
    store = CubeStore(tmp_path)
    store.save("first", dataset)
    first = store.load("first")
    for i in range(3):
        store.save(str(i), cube(lon_deg=83.0 + i))
        store.load(str(i))
    assert len(store._grids) == 4
    assert store.load("first").counts.geom.sky is not first.counts.geom.sky
    last = store.load("first")
    store.load("2")
    assert store.load("first").counts.geom.sky is last.counts.geom.sky


def test_what_is_loaded_can_be_changed_without_changing_the_store(dataset, tmp_path):
    store = CubeStore(tmp_path)
    store.save(KEY, dataset)
    store.load(KEY).counts.data[...] = -1
    assert_identical(store.load(KEY), dataset)


def damaged(content):
    rng = np.random.default_rng(4)
    yield b""
    yield content[:-1]
    yield content[: len(content) // 2]
    yield content + b"\0"
    yield content[32:]
    for place in rng.integers(len(content), size=40):
        yield content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


def test_a_damaged_entry_is_no_entry(dataset, tmp_path):
    store, path = CubeStore(tmp_path), tmp_path / f"{KEY}.cube"
    store.save(KEY, dataset)
    content = path.read_bytes()
    for wrong in damaged(content):
        path.write_bytes(wrong)
        assert store.load(KEY) is None
    store.save(KEY, dataset)
    assert path.read_bytes() == content


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a file was executed",)


def foreign():
    """Yield contents with a checksum that is right, but made by others."""
    bomb = pickle.dumps(Bomb())
    bodies = [b"", b"hello", bomb, packed(MapDataset(), "another key")]
    return [hashlib.sha256(body).digest() + body for body in bodies]


@pytest.mark.parametrize("content", foreign(), ids=["empty", "text", "pickle", "another key"])
def test_an_entry_of_others_is_no_entry(content, tmp_path):
    (tmp_path / f"{KEY}.cube").write_bytes(content)
    assert CubeStore(tmp_path).load(KEY) is None


def test_the_key_is_part_of_the_entry(dataset, tmp_path):
    store = CubeStore(tmp_path)
    store.save("a", dataset)
    (tmp_path / "a.cube").rename(tmp_path / "b.cube")
    assert store.load("b") is None
    with pytest.raises(DataError, match="expected the label 'b', found 'a'; make the dataset anew"):
        unpacked(packed(dataset, "a"), "b", {})


def test_what_cannot_be_kept_is_a_warning(dataset, tmp_path):
    odd = dataset.replace(meta={"who": object()})
    with pytest.raises(InvalidInputError, match="a dataset with a object in it cannot be kept"):
        packed(odd)
    with pytest.warns(FovnbWarning, match="the cubes of this and later runs are not kept"):
        CubeStore(tmp_path).save(KEY, odd)
    (tmp_path / "file").touch()
    with pytest.warns(FovnbWarning, match="Not a directory|File exists"):
        CubeStore(tmp_path / "file").save(KEY, dataset)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_leaves_no_file(dataset, tmp_path):
    store = CubeStore(tmp_path)
    with no_file_above(20_000), pytest.warns(FovnbWarning, match="File too large"):
        store.save(KEY, dataset)
    store.save(KEY, dataset)  # said once, and not tried again
    assert list(tmp_path.iterdir()) == []
    assert store.load(KEY) is None


def test_units_and_odd_values_of_the_meta_come_back(dataset):
    meta = {"numpy": np.float32(1.1), "flag": np.bool_(True), "nan": float("nan"), "text": "ß'\"\n", "list": [1, None]}
    meta |= {"speed": 1.5 * u.Unit("km / h"), "dict": {"a": np.arange(3)}}
    odd = dataset.replace(meta=meta, counts=Map.from_geom(dataset.geom, unit="1 / (cm2 s)"))
    found = unpacked(packed(odd), "", {})
    assert_same_values(found.meta, meta)
    assert found.counts.unit == odd.counts.unit
