"""Energy slices: what the safe mask holds, bin by bin, as images."""

import numpy as np
import pytest

from fovnb.datasets import MapDataset
from fovnb.datasets.residuals import residuals
from fovnb.diagnostics.energy_slice import KINDS, energy_slice
from fovnb.errors import InvalidInputError, PredictionError
from tests.datasets import make_run

WIDTH = 0.15


@pytest.fixture(scope="module")
def run() -> MapDataset:
    made = make_run()
    made.mask_safe.data[0, :, :3] = False
    return made


def test_the_bins_are_the_sum(run: MapDataset) -> None:
    whole = energy_slice(run, None, 0)
    parts = [energy_slice(run, k, 0) for k in range(run.geom.axes["energy"].nbin)]
    for kind in ("counts", "background", "excess"):
        np.testing.assert_allclose(
            whole.images[kind].data, np.sum([np.nan_to_num(part.images[kind].data) for part in parts], axis=0)
        )
    assert whole.counts == sum(part.counts for part in parts)
    assert whole.energy_tev == (parts[0].energy_tev[0], parts[-1].energy_tev[1])


def test_only_what_is_safe_counts(run: MapDataset) -> None:
    found = energy_slice(run, 0, 0)
    safe = run.mask_safe.data[0]
    assert found.counts == run.counts.data[0][safe].sum() < run.counts.data[0].sum()
    assert found.background == pytest.approx(run.npred_background().data[0][safe].sum())
    for kind in ("counts", "significance"):
        np.testing.assert_array_equal(np.isnan(found.images[kind].data[~safe]), True)
    np.testing.assert_array_equal(found.images["counts"].data[safe], run.counts.data[0][safe])


def test_the_significance_of_all_energies_is_that_of_the_residuals(run: MapDataset) -> None:
    found = energy_slice(run, None, WIDTH).images["significance"].data
    used = run.mask_safe.data.any(axis=0)
    expected = residuals(run, f"{WIDTH} deg").significance.data
    np.testing.assert_allclose(found[used], expected[used], atol=1e-9)


def test_excess_is_counts_less_background_also_when_smoothed(run: MapDataset) -> None:
    images = energy_slice(run, 0, WIDTH).images
    np.testing.assert_allclose(images["excess"].data, images["counts"].data - images["background"].data)
    sharp = energy_slice(run, 0, 0).images["counts"].data
    assert np.nanstd(images["counts"].data) < np.nanstd(sharp)


def test_the_exposure_is_that_of_the_nearest_true_energy() -> None:
    run = make_run()
    if run.exposure is None:
        pytest.fail("the run of this test needs an exposure")
    axis = run.exposure.geom.axes["energy_true"]
    for index in range(run.geom.axes["energy"].nbin):
        found = energy_slice(run, index, 0)
        low, high = found.energy_tev
        nearest = np.abs(np.log(axis.center.to_value("TeV") / np.sqrt(low * high))).argmin()
        assert found.exposure_tev == axis.center.to_value("TeV")[nearest]
        np.testing.assert_array_equal(found.images["exposure"].data, run.exposure.data[nearest])
    assert energy_slice(run.replace(exposure=None)).images.keys() == set(KINDS) - {"exposure"}


def test_the_argument_is_not_changed(run: MapDataset) -> None:
    before = run.copy()
    energy_slice(run, 0, WIDTH)
    for name in ("counts", "background", "mask_safe"):
        np.testing.assert_array_equal(getattr(run, name).data, getattr(before, name).data)


def test_only_what_was_asked_for_is_made(run: MapDataset) -> None:
    assert list(energy_slice(run, 0, 0, ["excess"]).images) == ["excess"]


@pytest.mark.parametrize("index", [-1, 99])
def test_a_bin_that_is_not_there_is_refused(run: MapDataset, index: int) -> None:
    with pytest.raises(InvalidInputError, match="expected 0 to"):
        energy_slice(run, index)


@pytest.mark.parametrize("width", [-0.1, np.nan, np.inf])
def test_a_width_that_makes_no_sense_is_refused(run: MapDataset, width: float) -> None:
    with pytest.raises(InvalidInputError, match="expected 0 or more"):
        energy_slice(run, 0, width)


def test_a_dataset_without_background_says_so(run: MapDataset) -> None:
    with pytest.raises(PredictionError, match="has no background map"):
        energy_slice(run.replace(background=None))
