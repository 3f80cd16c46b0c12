"""The run ledger: every run offered to a stack has its row, whatever became of it."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

from fovnb.data import RunInfo
from fovnb.datasets import Datasets, Ledger, MapDataset
from fovnb.datasets.ledger import LedgerRow, join_rows, ledger_of
from fovnb.errors import FovnbWarning
from fovnb.makers import FoVBackgroundMaker
from fovnb.maps import Map
from tests.datasets import make_geom, make_run
from tests.norms import power_law

INFO = RunInfo(1, "Crab & <Co>", 83.6, 22.5, zenith_deg=45.0, azimuth_deg=10.0, start_mjd=55000.5, livetime_s=1e3)


def run(obs_id: int = 1, norm: float = 1.0, **info: object) -> MapDataset:
    """Return a fitted run."""
    made = make_run(f"obs-{obs_id}", seed=obs_id, norm=norm).replace(run_info=replace(INFO, obs_id=obs_id, **info))
    return FoVBackgroundMaker(method="fit", spectral_model=power_law()).run(made)


def failed(obs_id: int) -> MapDataset:
    """Return a run whose fit needs more counts than it has."""
    made = make_run(f"obs-{obs_id}", seed=obs_id).replace(run_info=replace(INFO, obs_id=obs_id))
    with pytest.warns(FovnbWarning, match="too-few-counts"):
        return FoVBackgroundMaker(min_counts=1e9).run(made)


def stack_of(*runs: MapDataset) -> MapDataset:
    stacked = MapDataset.create(make_geom())
    for one in runs:
        stacked.stack(one)
    return stacked


def same(one: QTable, other: QTable) -> bool:
    """Whether two ledgers hold the same values, NaN being NaN."""
    assert one.colnames == other.colnames
    return all(
        np.array_equal(u.Quantity(one[n]), u.Quantity(other[n]), equal_nan=True)
        if one[n].dtype.kind in "fi"
        else list(one[n]) == list(other[n])
        for n in one.colnames
    )


def test_the_row_of_a_run_says_what_its_fit_says():
    one = run()
    row, fit = one.ledger[0], one.background_fit
    norm, tilt = (fit.parameter_names.index(name) for name in ("norm", "tilt"))
    assert (row["OBS_ID"], row["OBJECT"], row["status"]) == (1, "Crab & <Co>", "ok")
    assert (row["ZEN_PNT"], row["RA_PNT"], row["MJD_START"]) == (45 * u.deg, 83.6 * u.deg, 55000.5 * u.d)
    assert (row["norm"], row["norm_err"]) == (fit.values[norm], fit.errors[norm])
    assert (row["tilt"], row["tilt_err"]) == (fit.values[tilt], fit.errors[tilt])
    assert row["counts"] == one.counts.data.sum()
    assert row["background"] == pytest.approx(one.npred_background().data.sum(), rel=1e-6)
    assert row["livetime"] == row["livetime_used"] == 1000 * u.s
    covariance = fit.covariance
    expected = covariance[norm, tilt] / (fit.errors[norm] * fit.errors[tilt])
    assert row["corr"] == pytest.approx(expected, rel=1e-9)
    assert (row["deviance"], row["dof"], row["p_value"]) == (fit.deviance, 1, fit.p_value)
    assert (row["norm_pivot"], row["energy_pivot"]) == (fit.norm_pivot, fit.energy_pivot * u.TeV)


def test_a_failed_run_has_its_row_and_adds_nothing_else():
    good, bad = run(1), failed(2)
    alone, both = stack_of(good), stack_of(good, bad)
    assert list(both.ledger["OBS_ID"]) == [1, 2]
    assert list(both.ledger["livetime_used"].to_value("s")) == [1000, 0]
    assert "more than 1e+09 needed" in both.ledger["reason"][1]
    assert both.gti.time_sum == alone.gti.time_sum
    assert both.exposure.meta["livetime"] == alone.exposure.meta["livetime"]
    np.testing.assert_array_equal(both.counts.data, alone.counts.data)


def test_a_fit_that_failed_keeps_the_run_out_even_if_its_mask_was_filled_again():
    bad = failed(2)
    bad.mask_safe = Map.from_geom(bad.geom, data=np.ones(bad.data_shape, dtype=bool))
    assert stack_of(bad).counts.data.sum() == 0
    assert stack_of(bad).ledger["status"][0] == "too-few-counts"


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_two_stacks_merge_as_if_they_were_one(order):
    runs = {1: run(1), 2: failed(2), 3: run(3)}
    first, *rest = (runs[i] for i in order)
    merged = stack_of(first)
    merged.stack(stack_of(*rest))
    assert same(merged.ledger, stack_of(first, *rest).ledger)


def test_the_ledger_survives_files(tmp_path):
    odd = run(3, target="Cas\u00a0A \\ β Cephei")
    stacked = stack_of(run(1), failed(2), odd)
    stacked.write(tmp_path / "stack.fits")
    again = MapDataset.read(tmp_path / "stack.fits")
    assert same(again.ledger, stacked.ledger)
    again.stack(run(4))
    assert list(again.ledger["OBS_ID"]) == [1, 2, 3, 4]


def test_a_run_survives_files_too_and_a_new_fit_gives_a_new_row(tmp_path):
    one = run(1)
    Datasets([one]).write(tmp_path / "runs.yaml", tmp_path / "models.yaml")
    again = Datasets.read(tmp_path / "runs.yaml", tmp_path / "models.yaml")[0]
    assert repr(again.run_info.to_dict()) == repr(one.run_info.to_dict())
    assert same(again.ledger, one.ledger)
    again.counts.data *= 2
    refitted = FoVBackgroundMaker(method="fit").run(again)
    assert refitted.ledger["norm"][0] == pytest.approx(2 * one.ledger["norm"][0], rel=1e-6)


def test_ecsv_holds_all_of_it(tmp_path):
    ledger = stack_of(run(1), failed(2)).ledger
    ledger.write(tmp_path / "ledger.ecsv")
    assert same(QTable.read(tmp_path / "ledger.ecsv"), ledger)


def test_a_run_offered_twice_has_one_row():
    good, bad = LedgerRow(1, livetime=5, livetime_used=5, counts=7), LedgerRow(1, status="outside", livetime=5)
    assert join_rows([good], [bad]) == (good,)
    assert join_rows([bad], [good]) == (good,)
    (twice,) = join_rows([good], [good])
    assert (twice.counts, twice.livetime_used) == (14, 10)
    assert "more than once" in twice.reason


def test_runs_with_other_parameters_share_the_table():
    table = ledger_of([LedgerRow(1, parameters={"norm": (1, 0.1)}), LedgerRow(2, parameters={"norm_0": (2, 0.2)})])
    assert table["norm"][0] == 1
    assert np.isnan(table["norm"][1])
    assert table["norm_0_err"][1] == 0.2


def test_html_shows_the_hours_lost_and_marks_odd_rows():
    hour = {"livetime": 3600.0, "livetime_used": 3600.0}
    rows = [LedgerRow(i, **hour, parameters={"norm": (1 + 0.01 * i, 0.02)}) for i in range(9)]
    sound = ledger_of(rows)
    assert sound.odd() == {}
    rows[3] = replace(rows[3], parameters={"norm": (0.5, 0.02)})
    rows[5] = replace(rows[5], status="unreadable", livetime_used=0, reason="<b>broken</b>")
    ledger = ledger_of(rows)
    page = ledger._repr_html_()
    assert list(ledger.odd()) == [3]
    assert "8 of 9 runs, 8.00 of 9.00 h in the stack, 1.00 h lost" in page
    assert page.count(">lost<") == 1
    assert "odd norm: 0.5" in page
    assert "<b>" not in page
    assert "&lt;b&gt;broken" in page


def test_a_slice_and_an_empty_ledger_show_too():
    assert "Run ledger: 0 of 0 runs" in ledger_of([])._repr_html_()
    part = ledger_of([LedgerRow(1), LedgerRow(2)])[["OBS_ID"]]
    assert isinstance(part, Ledger)
    assert "Run ledger: 2 runs" in part._repr_html_()


def test_a_stack_of_unfitted_runs_says_so():
    made = make_run("obs-5").replace(run_info=replace(INFO, obs_id=5))
    (row,) = stack_of(made).ledger
    assert (row["status"], row["livetime_used"]) == ("ok", 1000 * u.s)
    assert row["reason"] == "the background was not fitted"
    assert row["counts"] == made.counts.data.sum()


def test_a_livetime_that_nobody_knows_is_not_zero_hours_lost():
    rows = [LedgerRow(1, livetime=3600.0, livetime_used=3600.0), LedgerRow(2, status="unreadable")]
    assert ledger_of(rows).title.endswith("1.00 of 1.00 h in the stack, 0.00 h lost and 1 run of unknown livetime")


def test_a_fitted_run_without_its_model_is_not_shown_as_fitted(tmp_path):
    run(1).write(tmp_path / "run.fits")
    stacked = MapDataset.create(make_geom())
    with pytest.warns(FovnbWarning, match="obs-1: the fitted norm is not applied: read the models too"):
        stacked.stack(MapDataset.read(tmp_path / "run.fits"))
    assert stacked.ledger["reason"][0].startswith("the fitted norm is not applied")


def test_a_stack_that_adds_nothing_is_not_shown_as_used():
    with pytest.warns(FovnbWarning, match="too-few-counts"):
        failed_stack = FoVBackgroundMaker(min_counts=1e9).run(stack_of(run(1), run(2)))
    ledger = stack_of(failed_stack).ledger
    assert list(ledger["status"]) == ["too-few-counts"] * 2
    assert ledger["livetime_used"].sum() == 0 * u.s
    assert ledger.title.startswith("Run ledger: 0 of 2 runs, 0.00 of 0.56 h")


def test_a_new_fit_of_a_stack_leaves_the_rows_of_its_runs():
    stacked = stack_of(run(1))
    assert same(FoVBackgroundMaker().run(stacked).ledger, stacked.ledger)


def test_a_run_of_unknown_livetime_is_in_the_stack_all_the_same():
    made = run(1).replace(exposure=None, run_info=None)
    once = stack_of(made)
    assert "1 of 1 runs" in once.ledger.title
    once.stack(made)
    assert "more than once" in once.ledger["reason"][0]


def test_any_columns_show():
    ledger = stack_of(run(1)).ledger
    assert "Run ledger: 1 runs" in ledger["status", "norm"]._repr_html_()
