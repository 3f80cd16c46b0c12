"""The index of a data set: what it finds, and what it says when it does not."""

import warnings

import pytest
from astropy.io import fits

from fovnb.data import DataStore, Observations
from fovnb.errors import DataError, FovnbWarning, InvalidInputError, UnknownObservationError
from tests.dl3 import run, write_dl3


@pytest.fixture
def store(tmp_path):
    return DataStore.from_dir(write_dl3(tmp_path, [23592, 23559, 20275]))


def moved(**changes):
    return lambda row: {**row, **changes}


def test_folder_is_read(store, tmp_path):
    assert store.obs_ids.tolist() == [20275, 23559, 23592]
    assert store.obs_table["OBS_ID"].tolist() == [20275, 23559, 23592], "sorted, as in Gammapy"
    assert len(store.hdu_table) == 18
    assert store.hdu_table.meta["BASE_DIR"] == str(tmp_path)


def test_all_runs_by_default_sorted(store):
    assert store.get_observations().ids == ["20275", "23559", "23592"]


def test_runs_in_the_order_that_is_asked_for(store):
    assert store.get_observations([23592, 20275]).ids == ["23592", "20275"]
    assert store.get_observations(obs_id=store.obs_table["OBS_ID"][:2]).ids == ["20275", "23559"]
    assert store.get_observations("23592").ids == ["23592"]
    assert store.get_observations([]).ids == []


@pytest.mark.parametrize("variable", ["GAMMAPY_DATA", "FOVNB_DATA"])
def test_environment_variables_are_filled_in(tmp_path, monkeypatch, variable):
    write_dl3(tmp_path / "set", [1])
    monkeypatch.setenv(variable, str(tmp_path))
    assert DataStore.from_dir(f"${variable}/set").obs_ids.tolist() == [1]


def test_home_is_filled_in(tmp_path, monkeypatch):
    write_dl3(tmp_path / "set", [1])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert DataStore.from_dir("~/set").obs_ids.tolist() == [1]


def test_unzipped_index_is_found(tmp_path):
    assert DataStore.from_dir(write_dl3(tmp_path, [1], zipped=False)).obs_ids.tolist() == [1]


def test_index_files_by_name(tmp_path):
    write_dl3(tmp_path, [1])
    (tmp_path / "hdu-index.fits.gz").rename(tmp_path / "h.fits.gz")
    (tmp_path / "obs-index.fits.gz").rename(tmp_path / "o.fits.gz")
    assert len(DataStore.from_dir(tmp_path, "h.fits.gz", tmp_path / "o.fits.gz").obs_table) == 1


def test_observation_index_may_be_missing_unless_it_is_named(tmp_path):
    write_dl3(tmp_path, [1], obs_index=False)
    assert DataStore.from_dir(tmp_path).obs_table is None
    with pytest.raises(DataError, match=r"o\.fits does not exist"):
        DataStore.from_dir(tmp_path, obs_table_filename="o.fits")


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is no folder; give the folder that holds hdu-index\.fits\.gz"):
        DataStore.from_dir(tmp_path / "nowhere")


def test_unset_variable(monkeypatch):
    monkeypatch.delenv("GAMMAPY_DATA", raising=False)
    with pytest.raises(DataError, match="GAMMAPY_DATA, which is not set"):
        DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1")


def test_missing_index(tmp_path):
    with pytest.raises(DataError, match=r"hdu-index\.fits\.gz does not exist"):
        DataStore.from_dir(tmp_path)


def test_index_that_lacks_columns(tmp_path):
    write_dl3(tmp_path, [1], drop_index_columns=["FILE_NAME", "HDU_NAME"])
    with pytest.raises(DataError, match=r"hdu-index.*has no column FILE_NAME, HDU_NAME, only OBS_ID"):
        DataStore.from_dir(tmp_path)


def test_index_with_texts_as_numbers_of_runs(tmp_path):
    write_dl3(tmp_path, [1], index_row=moved(OBS_ID="one"))
    with pytest.raises(DataError, match=r"holds OBS_ID as .*expected whole numbers"):
        DataStore.from_dir(tmp_path)


def test_index_without_a_table(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "hdu-index.fits.gz")
    with pytest.raises(DataError, match="holds no table; expected an index with the columns OBS_ID"):
        DataStore.from_dir(tmp_path)


def test_index_without_runs(tmp_path):
    store = DataStore.from_dir(write_dl3(tmp_path, []))
    assert store.get_observations().ids == []
    assert "observations      : none" in store.info(show=False)
    with pytest.raises(UnknownObservationError, match="near are none"):
        store.obs(1)


def test_unknown_run_names_those_that_look_like_it(store):
    with pytest.raises(UnknownObservationError, match="OBS_ID 23529 is not among the 3 of the index; near are 235"):
        store.obs(23529)


def test_unknown_run_names_the_nearest_if_none_looks_like_it(store):
    with pytest.raises(UnknownObservationError, match="near are 20275, 23559, 23592"):
        store.get_observations([23592, 1])


def test_unknown_runs_are_left_out_on_request_with_a_warning(store):
    with pytest.warns(FovnbWarning, match="OBS_ID 1, 2 are not in the index"):
        assert store.get_observations([1, 23592, 2], skip_missing=True).ids == ["23592"]


def test_a_run_that_is_asked_for_twice_comes_twice_with_a_warning(store):
    with pytest.warns(FovnbWarning, match="OBS_ID 23592 are asked for more than once"):
        assert store.get_observations([23592, 23592]).ids == ["23592", "23592"]


@pytest.mark.parametrize("obs_id", [1.5, None, "x", [1]])
def test_what_is_no_number_of_a_run(store, obs_id):
    with pytest.raises(InvalidInputError, match="is no OBS_ID"):
        store.obs(obs_id)


def test_a_run_that_lacks_a_required_part(tmp_path):
    index_row = lambda row: None if (row["OBS_ID"], row["HDU_TYPE"]) == (1, "bkg") else row  # noqa: E731
    store = DataStore.from_dir(write_dl3(tmp_path, [1, 2], index_row=index_row))
    with pytest.raises(DataError, match="lists no bkg of OBS_ID 1"):
        store.obs(1)
    with pytest.warns(FovnbWarning, match="OBS_ID 1 lack a part that 'full-enclosure' requires"):
        assert store.get_observations().ids == ["2"]
    assert store.obs(1, required_irf="point-like").bkg is None
    assert store.get_observations(required_irf=["aeff", "psf"]).ids == ["1", "2"]
    assert store.obs(1, required_irf="all-optional").available_irfs == ["aeff", "edisp", "psf"]


def test_required_irf_that_does_not_exist(store):
    with pytest.raises(InvalidInputError, match=r"did you mean 'full-enclosure'\?"):
        store.obs(23592, required_irf="full-enclosur")
    with pytest.raises(InvalidInputError, match=r"holds aef \(did you mean 'aeff'\?\)"):
        store.get_observations(required_irf=["aef"])


def test_two_rows_for_one_part(tmp_path):
    write_dl3(tmp_path, [1, 1])
    with pytest.warns(FovnbWarning, match="the first counts: events of 1, gti of 1,"):
        assert DataStore.from_dir(tmp_path).get_observations().ids == ["1"]


@pytest.mark.parametrize("name", ["../../out.fits.gz", "/etc/passwd", "https://example.org/out.fits"])
def test_a_row_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    (tmp_path / "out.fits.gz").write_bytes(b"not to be read")
    store = DataStore.from_dir(write_dl3(tmp_path / "set", [1], index_row=moved(FILE_NAME=name)))
    with pytest.raises(DataError, match=r"index row of OBS_ID 1, HDU_TYPE events leads outside"):
        store.obs(1).events.energy_tev.sum()


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path):
    write_dl3(tmp_path / "set")
    (tmp_path / "set" / "data").rename(tmp_path / "data")
    (tmp_path / "set" / "data").symlink_to(tmp_path / "data")
    with pytest.raises(DataError, match=r"HDU_TYPE gti leads outside"):
        _ = DataStore.from_dir(tmp_path / "set").obs(1).gti


def test_a_data_folder_that_is_itself_a_link_is_fine(tmp_path):
    write_dl3(tmp_path / "set")
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert len(DataStore.from_dir(tmp_path / "link").obs(1).events) == 50


def test_a_file_that_is_gone_breaks_its_run_only(tmp_path):
    write_dl3(tmp_path, [1, run(2)])
    observations = DataStore.from_dir(tmp_path).get_observations()
    with pytest.raises(DataError, match=r"OBS_ID 1, events in run_1\.fits\.gz: .*does not exist"):
        _ = observations["1"].events
    assert len(observations["2"].events) == 50


def test_prints_without_markup_from_the_file(tmp_path, capsys):
    store = DataStore.from_dir(write_dl3(tmp_path, [1], index_row=moved(HDU_CLASS="<script>")))
    assert store.info() is None
    assert "OBS_ID 1 to 1" in capsys.readouterr().out
    assert store.info(show=False) == repr(store)
    assert "<script>" in repr(store)
    assert "&lt;script&gt;" in store._repr_html_()
    assert "<script>" not in store._repr_html_()


def test_observations_by_position_and_by_number(store):
    runs = store.get_observations()
    assert isinstance(runs[1:], Observations)
    assert runs[1:].ids == ["23559", "23592"]
    assert runs[0].obs_id == 20275
    assert runs[-1] is runs["23592"]
    assert runs[["23592", "20275"]].ids == ["23592", "20275"]
    assert runs[[2, 0]].ids == ["23592", "20275"]
    assert runs[store.obs_ids > 21000].ids == ["23559", "23592"]
    assert [run.obs_id for run in runs] == [20275, 23559, 23592]
    assert (len(runs), repr(runs)) == (3, "Observations([20275, 23559, 23592])")
    assert "<td>Observation(20275, events gti aeff edisp psf bkg)</td>" in runs._repr_html_()


def test_observations_that_are_not_there(store):
    runs = store.get_observations()
    with pytest.raises(InvalidInputError, match=r"position 23592 of 3 observations; .* OBS_ID as a string"):
        _ = runs[23592]
    for key in (1.5, None, [True, False], [0, 7]):
        with pytest.raises(InvalidInputError, match="of 3 observations"):
            _ = runs[key]
    with pytest.raises(UnknownObservationError, match=r"did you mean '23592'"):
        _ = runs["23591"]


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    write_dl3(tmp_path, [1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert repr(DataStore.from_dir(tmp_path).get_observations()[0]).startswith("Observation(1, events")
