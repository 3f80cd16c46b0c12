import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

from fovnb.data import DataStore
from fovnb.demo import SOURCES, demo_dir, demo_truth, make_demo
from fovnb.demo.instrument import make_irfs, threshold_tev
from fovnb.demo.simulate import DEADC, ONTIME, draw_background, draw_power_laws, draw_rows, draw_source, plan_run
from fovnb.errors import DataError, InvalidInputError
from fovnb.irf import Background3D
from fovnb.maps import MapAxis

FIELD = [MapAxis.from_edges(np.linspace(-2, 2, 5) * u.deg, name=name) for name in ("fov_lon", "fov_lat")]
ENERGY = MapAxis.from_energy_bounds("0.5 TeV", "50 TeV", nbin=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo") / "two")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def flat_background(gradient=0.0):
    """1e-3 / (s MeV sr) at 1 TeV, falling as E^-2.5, times exp(gradient x)."""
    energy = ENERGY.center.to_value("TeV")[:, None, None]
    x = FIELD[0].center.to_value("deg")[:, None]
    data = 1e-3 * energy**-2.5 * np.exp(gradient * x) * np.ones(4)
    return Background3D(axes=[ENERGY, *FIELD], data=data, unit="s-1 MeV-1 sr-1")


def test_the_number_of_background_events_is_the_integral_of_norm_tilt_and_response():
    low, high = ENERGY.center[[0, -1]].to_value("TeV")
    solid_angle = np.radians(4) * 2 * np.sin(np.radians(2))
    expected = 0.8 * 1e3 * solid_angle * 600 * (low**-1.6 - high**-1.6) / 1.6  # E^-(2.5 + 0.1) integrated
    rng = np.random.default_rng(1)
    numbers = [draw_background(flat_background(), 0.8, 0.1, 600, rng)[0].size for _ in range(50)]
    assert np.mean(numbers) == pytest.approx(expected, abs=4 * np.sqrt(expected / 50))
    assert np.std(numbers) == pytest.approx(np.sqrt(expected), rel=0.4)
    assert np.mean(numbers) != pytest.approx(expected / 0.8, abs=4 * np.sqrt(expected / 50))


def test_the_background_of_the_demo_response_follows_it_over_the_field():
    irfs, rng = make_irfs(30), np.random.default_rng(2)
    energy, x, y = draw_background(irfs.bkg, 30.0, 0.3, 1680, rng)
    fine = np.linspace(-3, 3, 121)
    mid = (fine[1:] + fine[:-1]) / 2
    edges = np.geomspace(0.7, 30, 61)
    nodes = np.sqrt(edges[1:] * edges[:-1])
    coords = {"energy": nodes[:, None, None] * u.TeV, "fov_lon": mid[:, None] * u.deg, "fov_lat": mid * u.deg}
    rate = irfs.bkg.evaluate(**coords).to_value("TeV-1 s-1 sr-1") * np.cos(np.radians(mid))
    number = 30 * 1680 * nodes[:, None, None] ** -0.3 * rate * np.diff(edges)[:, None, None] * np.radians(0.05) ** 2
    kept = (energy > 0.7) & (energy < 30)
    seen = np.histogram2d(x[kept], y[kept], bins=[fine[::20]] * 2)[0]
    predicted = number.sum(axis=0).reshape(6, 20, 6, 20).sum(axis=(1, 3))
    chi2 = np.sum((seen - predicted) ** 2 / predicted)
    assert predicted.min() > 100
    assert chi2 < 36 + 4 * np.sqrt(2 * 36)
    assert np.sum((seen - predicted[::-1]) ** 2 / predicted[::-1]) > 300  # the gradient in longitude, reversed
    in_energy = np.histogram(energy, bins=edges[::10])[0]
    spectrum = number.sum(axis=(1, 2)).reshape(6, 10).sum(axis=1)
    assert np.all(np.abs(in_energy - spectrum) < 4.5 * np.sqrt(spectrum))


def test_power_laws_are_drawn_with_the_right_quantiles():
    energy = draw_power_laws(np.array([1.0, 2.0, 8.0]), 1e4 * np.array([1.0, 2.0, 2.0 / 64]), np.random.default_rng(3))
    below = energy < 2  # rises as E, then falls as E^-3
    assert np.count_nonzero(below) == pytest.approx(1.5e4, abs=4 * 1.5e4**0.5)
    assert np.count_nonzero(~below) == pytest.approx(16e4 * (1 / 8 - 1 / 128), abs=4 * 1.9e4**0.5)
    assert np.median(energy[below]) == pytest.approx(np.sqrt(2.5), abs=0.02)
    assert np.mean(1 / energy[~below] ** 2) == pytest.approx((1 / 4 + 1 / 64) / 2, rel=0.02)


def test_a_density_of_one_over_energy_is_drawn_flat_in_its_logarithm():
    energy = draw_power_laws(np.array([1.0, np.e]), 1e4 * np.array([1.0, 1 / np.e]), np.random.default_rng(4))
    assert energy.size == pytest.approx(1e4, abs=400)
    assert np.log(energy).mean() == pytest.approx(0.5, abs=0.02)


def test_rows_are_drawn_where_their_density_is():
    density = np.tile([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [3.0, 0.0, 1.0]], (2000, 1))
    drawn = draw_rows(density, np.array([0.0, 1.0, 2.0, 5.0]), np.random.default_rng(5))
    assert np.all((drawn[0::3] >= 1) & (drawn[0::3] < 2))
    assert np.all((drawn[1::3] >= 2) & (drawn[1::3] < 5))
    assert np.mean(drawn[2::3] < 1) == pytest.approx(0.5, abs=0.05)  # 3 x 1 against 1 x 3
    assert np.mean(drawn[1::3]) == pytest.approx(3.5, abs=0.1)


def test_source_events_follow_effective_area_and_position():
    irfs, pointing, rng = (
        make_irfs(30),
        SOURCES[0].position.directional_offset_by(0 * u.deg, 0.7 * u.deg),
        np.random.default_rng(6),
    )
    energy = np.geomspace(0.11, 90, 400)
    area = irfs.aeff.evaluate(energy_true=energy * u.TeV, offset=0.7 * u.deg).to_value("cm2")
    expected = 1580 * np.trapezoid(area * SOURCES[0].amplitude * energy ** -SOURCES[0].index, energy)
    draws = [draw_source(SOURCES[0], irfs, pointing, 1580, rng) for _ in range(20)]
    assert np.mean([draw[0].size for draw in draws]) == pytest.approx(
        expected, abs=4 * np.sqrt(expected / 20) + 0.01 * expected
    )
    offsets = np.concatenate([SOURCES[0].position.separation(draw[1]).deg for draw in draws])
    assert np.mean(offsets < SOURCES[0].exclusion_deg) > 0.99
    assert 0.04 < np.quantile(offsets, 0.68) < 0.12


def test_a_source_outside_the_field_gives_no_events():
    far = SOURCES[0].position.directional_offset_by(0 * u.deg, 4 * u.deg)
    energy, position = draw_source(SOURCES[0], make_irfs(30), far, 1e6, np.random.default_rng(7))
    assert energy.size == len(position) == 0


def test_longitude_of_the_field_of_view_grows_towards_smaller_right_ascension(tmp_path):
    plan = plan_run(0, np.random.default_rng(8))
    pointing = plan.pointing
    x = draw_background(flat_background(gradient=1.0), 1.0, 0.0, 600, np.random.default_rng(8))[1]
    assert x.mean() > 0.3
    observation = DataStore.from_dir(make_demo(tmp_path / "data", runs=1, seed=8)).get_observations()[0]
    assert observation.bkg.fov_alignment == "RADEC"
    away = [pointing.separation(source.position) for source in SOURCES]
    assert min(away) < 1 * u.deg
    dlon, _ = pointing.spherical_offsets_to(observation.events.radec)
    near = np.min([source.position.separation(observation.events.radec).deg for source in SOURCES], axis=0) < 0.4
    # the demo's response falls towards smaller longitude: exp(0.06 x), so more events at smaller right ascension
    assert np.mean(dlon.deg[~near]) < -0.05


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder, tmp_path):
    assert contents(make_demo(tmp_path / "again")) == contents(folder)
    assert contents(make_demo(tmp_path / "other", seed=1)) != contents(folder)


def test_a_longer_survey_starts_with_the_same_runs(folder, tmp_path):
    survey = make_demo(tmp_path / "survey", runs=3)
    assert demo_truth(survey)[:2] == demo_truth(folder)
    name = "data/fovnb_demo_obs_id_000002.fits.gz"
    assert (survey / name).read_bytes() == (folder / name).read_bytes()
    pointings = [plan_run(index, np.random.default_rng(0)).pointing for index in range(12)]
    assert max(SOURCES[0].position.separation(pointing).deg for pointing in pointings) == pytest.approx(2.8)


def test_files_hold_the_events_of_the_truth(folder):
    assert sum(map(len, contents(folder).values())) < 1.5e6
    store = DataStore.from_dir(folder)
    for truth, observation in zip(demo_truth(folder), store.get_observations(), strict=True):
        assert len(observation.events.table) == truth.background_events + truth.source_events
        assert truth.reference_tev == 1
        assert 0.5 < truth.norm < 2
    assert len({truth.norm for truth in demo_truth(folder)}) == 2
    assert list(store.obs_table["EVENT_COUNT"]) == [t.background_events + t.source_events for t in demo_truth(folder)]


def test_headers_declare_what_the_standard_asks_for(folder):
    with fits.open(folder / "data" / "fovnb_demo_obs_id_000001.fits.gz") as hdus:
        assert [hdu.name for hdu in hdus[1:]] == ["EVENTS", "GTI", "AEFF", "EDISP", "PSF", "BKG"]
        events, aeff, bkg = hdus["EVENTS"].header, hdus["AEFF"].header, hdus["BKG"].header
        assert events["CREATOR"] == "fovnb"
        assert bkg["FOVALIGN"] == "RADEC"
        assert events["LIVETIME"] == pytest.approx(ONTIME * DEADC)
        assert aeff["LO_THRES"] == pytest.approx(threshold_tev(90 - events["ALT_PNT"]))
        assert np.all(np.diff(hdus["EVENTS"].data["TIME"]) >= 0)
    index = fits.getdata(folder / "hdu-index.fits.gz")
    assert index.columns.names == ["OBS_ID", "HDU_TYPE", "HDU_CLASS", "FILE_DIR", "FILE_NAME", "HDU_NAME", "SIZE"]
    assert len(index) == 12
    with fits.open(folder / "obs-index.fits.gz") as hdus:
        assert len(hdus[1].columns) == 31  # those of the first public H.E.S.S. release
        units = {column.name: column.unit for column in hdus[1].columns}
    assert (units["RA_PNT"], units["ONTIME"], units["SAFE_ENERGY_LO"], units["OBJECT"]) == ("deg", "s", "TeV", None)


def test_altitude_and_azimuth_are_those_of_the_time_and_place():
    plan = plan_run(0, np.random.default_rng(0))
    assert (plan.alt_deg, plan.az_deg) == (
        pytest.approx(54.0437, abs=0.02),
        pytest.approx(90.3406, abs=0.02),
    )  # astropy


def test_the_cache_is_per_user_and_per_version(monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    folder = make_demo(runs=1)
    assert folder == demo_dir(runs=1)
    assert folder.parent == tmp_path / "fovnb"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert len(demo_truth(folder)) == 1
    assert demo_dir(runs=1) != demo_dir(runs=2)
    monkeypatch.setattr("fovnb.demo._version", lambda: "older")
    assert demo_dir(runs=1) != folder


def test_data_that_are_there_are_not_written_again(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert make_demo(folder) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_data_of_another_version_are_replaced(tmp_path):
    folder = make_demo(tmp_path / "demo", runs=1)
    expected = contents(folder)
    truth = folder / "truth.ecsv"
    truth.write_text(truth.read_text().replace("seed 138 ", "seed 138 0"))
    (folder / "data" / "stale").touch()
    assert contents(make_demo(folder, runs=1)) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_other_files_are_never_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("everything")
    with pytest.raises(DataError, match="holds other files; choose a new or empty folder"):
        make_demo(tmp_path)
    assert contents(tmp_path) == {Path("thesis.tex"): b"everything"}
    with pytest.raises(DataError, match="holds other files"):
        make_demo(tmp_path / "thesis.tex")


def test_nothing_half_written_is_left(monkeypatch, tmp_path):
    def fail(folder, *_):
        (folder / "data").mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fovnb.demo.write_survey", fail)
    with pytest.raises(DataError, match="No space left on device; choose a folder"):
        make_demo(tmp_path / "demo")
    assert list(tmp_path.iterdir()) == []


def test_the_second_of_two_processes_takes_the_data_of_the_first(monkeypatch, tmp_path):
    from fovnb.demo import write_survey

    def overtaken(folder, *arguments):
        write_survey(folder, *arguments)
        monkeypatch.setattr("fovnb.demo.write_survey", write_survey)
        (make_demo(target, runs=1) / "first").touch()

    target = tmp_path / "demo"
    monkeypatch.setattr("fovnb.demo.write_survey", overtaken)
    assert (make_demo(target, runs=1) / "first").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_truth_of_a_folder_without_demo_data_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no demo data set"):
        demo_truth(tmp_path)


@pytest.mark.parametrize(("runs", "seed"), [(0, 1), (-2, 1), (1, -1)])
def test_impossible_numbers_are_refused(tmp_path, runs, seed):
    with pytest.raises(InvalidInputError, match="expected at least 1 run and a seed of 0 or more"):
        make_demo(tmp_path / "demo", runs=runs, seed=seed)
    assert list(tmp_path.iterdir()) == []


def test_records_have_a_table_for_the_notebook(folder):
    assert "Demo Crab" in SOURCES[0]._repr_html_()
    assert "<th>norm</th>" in demo_truth(folder)[0]._repr_html_()


def test_files_are_gzipped_without_a_time_stamp(folder):
    blob = (folder / "obs-index.fits.gz").read_bytes()
    assert blob[4:8] == b"\0\0\0\0"
    assert gzip.decompress(blob)[:6] == b"SIMPLE"


def test_importing_the_demo_imports_neither_gammapy_nor_pyplot_nor_scipy():
    code = "import fovnb.demo, sys; print(sorted({'gammapy', 'matplotlib.pyplot', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_positions_are_on_the_sky():
    assert isinstance(SOURCES[1].position, SkyCoord)
    assert SOURCES[0].position.separation(SOURCES[1].position) > 0.7 * u.deg
