"""Masks suggested by the significance, and found by repetition."""

import numpy as np
import pytest

from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, GeometryError, InvalidInputError, PredictionError
from fovnb.makers import ExclusionMask, FoVBackgroundMaker, iterate_exclusion
from fovnb.makers.exclusion_suggest import hysteresis, stacked_counts
from fovnb.maps import Map, WcsGeom
from tests.datasets import make_geom

GEOM = make_geom(nbin=2, width=3.0, binsz=0.05)


def run_with_source(
    name: str = "obs-1", seed: int = 1, peak: float = 30.0, geom: WcsGeom = GEOM, norm: float = 1.2
) -> MapDataset:
    """Return a run of a known norm with a Gaussian source of 0.1 deg at the centre of the field."""
    rng = np.random.default_rng(seed)
    run = MapDataset(name=name)
    run.background = Map.from_geom(geom, data=np.full(geom.data_shape, 2.0))
    source = peak * np.exp(-0.5 * (geom.sky.offset_deg(83.63, 22.01) / 0.1) ** 2)
    run.counts = Map.from_geom(geom, data=rng.poisson(norm * 2.0 + source, geom.data_shape).astype(np.float32))
    run.mask_safe = Map.from_geom(geom, data=np.ones(geom.data_shape, dtype=bool))
    return run


def significance(values: dict[tuple[int, int], float]) -> Map:
    found = Map.from_geom(make_geom(width=1.0, binsz=0.1).to_image())
    for pixel, value in values.items():
        found.data[pixel] = value
    return found


def slow_hysteresis(values: np.ndarray, high: float, low: float) -> np.ndarray:
    """Grow from the peaks, pixel by pixel, to all neighbours above the lower threshold."""
    found, todo = np.zeros(values.shape, dtype=bool), [tuple(pixel) for pixel in np.argwhere(values > high)]
    while todo:
        y, x = todo.pop()
        if 0 <= y < values.shape[0] and 0 <= x < values.shape[1] and values[y, x] > low and not found[y, x]:
            found[y, x] = True
            todo += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_hysteresis_is_growth_from_the_peaks(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0, 2, (25, 30))
    values[3:5] = np.nan
    found = hysteresis(values, 4.5, 2)
    np.testing.assert_array_equal(found, slow_hysteresis(values, 4.5, 2))
    assert (values > 4.5).sum() < found.sum() < (values > 2).sum()


def test_wings_count_with_a_peak_and_not_alone() -> None:
    found = significance({(5, 5): 6.0, (5, 6): 3.5, (6, 7): 3.5, (2, 2): 4.9, (2, 3): 4.0})
    [entry] = ExclusionMask.suggest(found, dilate=0)
    assert np.argwhere(~entry.mask.data).tolist() == [[5, 5], [5, 6], [6, 7]]
    assert (entry.name, entry.origin) == ("suggested", "suggested")


def test_dilation_takes_the_pixels_that_near() -> None:
    [entry] = ExclusionMask.suggest(significance({(5, 5): 6.0}), dilate="0.2 deg")
    y, x = np.indices((10, 10))
    np.testing.assert_array_equal(~entry.mask.data, (y - 5) ** 2 + (x - 5) ** 2 <= 4)


def test_circles_hold_their_areas_the_brightest_first() -> None:
    found = significance({(2, 2): 6.0, (7, 7): 8.0, (7, 8): 4.0})
    mask = ExclusionMask.suggest(found, dilate=0, circles=True)
    assert mask.names == ("suggested 1", "suggested 2")
    raster = ~ExclusionMask.suggest(found, dilate=0)[0].mask.data
    excluded = ~mask.to_map(found.geom).data
    assert not (raster & ~excluded).any()
    assert excluded.sum() <= raster.sum() + 4
    assert excluded[7, 7:9].all()
    assert mask[1].shape.sizes_deg == pytest.approx((0.05,))


def test_nothing_above_the_threshold_suggests_nothing() -> None:
    assert len(ExclusionMask.suggest(significance({(5, 5): 4.9}))) == 0


def test_thresholds_and_maps_that_make_no_sense_are_refused() -> None:
    for arguments in [{"low": 6}, {"low": -1}, {"high": np.nan}, {"dilate": "-1 deg"}]:
        with pytest.raises(InvalidInputError, match="expected 0 < low <= high and an angle of at least 0"):
            ExclusionMask.suggest(significance({}), **arguments)
    with pytest.raises(InvalidInputError, match="cannot read high from 'big'"):
        ExclusionMask.suggest(significance({}), high="big")
    with pytest.raises(InvalidInputError, match=r"has the axes \['energy'\]; give an image"):
        ExclusionMask.suggest(Map.from_geom(GEOM))
    with pytest.raises(InvalidInputError, match=r"\['int'\] were given; expected a significance map or MapDatasets"):
        ExclusionMask.suggest([3])
    with pytest.raises(InvalidInputError, match=r"\['NoneType'\] were given"):
        ExclusionMask.suggest(None)
    with pytest.raises(InvalidInputError, match="no pixel has a significance: all are NaN"):
        ExclusionMask.suggest(significance({}) * np.nan)
    with pytest.raises(InvalidInputError, match="all pixels are above"):
        ExclusionMask.suggest(significance({(5, 5): 9.0}), dilate="3 deg")


def test_a_source_in_runs_is_suggested_and_empty_sky_is_not() -> None:
    run = run_with_source(norm=1.0)
    [entry] = ExclusionMask.suggest(run)
    excluded = ~entry.mask.data
    offset = GEOM.sky.offset_deg(83.63, 22.01)
    assert excluded[offset < 0.3].all()
    assert not excluded[offset > 0.7].any()
    assert len(ExclusionMask.suggest(run_with_source(norm=1.0, peak=0))) == 0
    # Two runs of half the source each show it, where one alone does not.
    weak = [run_with_source(f"obs-{i}", seed=i, peak=1.6, norm=1.0) for i in range(8)]
    assert len(ExclusionMask.suggest(weak[0])) == 0
    assert len(ExclusionMask.suggest(weak)) == 1


def test_runs_on_cutouts_are_stacked_on_the_grid_that_holds_them() -> None:
    whole = run_with_source()
    slices = [(slice(None), slice(0, 40), slice(5, 60)), (slice(None), slice(20, 60), slice(0, 50))]
    geoms = [
        WcsGeom(GEOM.sky.cutout((0, 5), (40, 55)), axes=GEOM.axes),
        WcsGeom(GEOM.sky.cutout((20, 0), (40, 50)), axes=GEOM.axes),
    ]
    parts = [
        MapDataset(
            name=f"obs-{i}",
            **{
                key: Map.from_geom(geom, data=getattr(whole, key).data[cut])
                for key in ("counts", "background", "mask_safe")
            },
        )
        for i, (geom, cut) in enumerate(zip(geoms, slices, strict=True))
    ]
    stack = stacked_counts(parts)
    expected = np.zeros(GEOM.data_shape)
    for cut in slices:
        expected[cut] += whole.counts.data[cut]
    assert stack.geom == GEOM
    np.testing.assert_array_equal(stack.counts.data, expected)
    without = MapDataset(name="obs-1", counts=whole.counts, background=whole.background)
    np.testing.assert_array_equal(stacked_counts(without).counts.data, whole.counts.data)
    with pytest.raises(PredictionError, match="has no counts map"):
        stacked_counts(MapDataset(background=whole.background))
    with pytest.raises(GeometryError, match="the runs lie on different pixels"):
        stacked_counts([whole, run_with_source(geom=make_geom(nbin=2, width=3.0, binsz=0.07))])


def test_the_iterated_mask_converges_on_the_source_and_the_norm_on_the_truth() -> None:
    runs = [run_with_source(f"obs-{i}", seed=i) for i in range(3)]
    counts = [run.counts.data.copy() for run in runs]
    maker = FoVBackgroundMaker(method="fit")
    history = iterate_exclusion(runs, maker)
    assert history.converged
    assert history.status == "converged"
    assert len(history.steps) >= 2
    assert history.norms.shape == (len(history.steps), 3)
    assert (history.norms[0] > 1.24).all()  # the source in the background
    error = 1 / np.sqrt(1.2 * 2 * runs[0].counts.data.size)
    np.testing.assert_allclose(history.norms[-1], 1.2, atol=4 * 1.2 * error)
    excluded = ~history.mask.to_map(GEOM.to_image()).data
    assert excluded[GEOM.sky.offset_deg(83.63, 22.01) < 0.3].all()
    np.testing.assert_array_equal(~excluded, history.steps[-1].used.data)
    assert maker.exclusion_mask is None
    for run, before in zip(runs, counts, strict=True):
        np.testing.assert_array_equal(run.counts.data, before)
        assert run.models is None
        assert run.background_fit is None
    assert history.table.colnames == ["step", "excluded", "obs-0", "obs-1", "obs-2"]
    assert "converged" in repr(history)
    assert "suggested" in history._repr_html_()
    assert "norms" in repr(history.steps[0])


def test_a_start_stays_in_every_mask() -> None:
    run = run_with_source()
    start = ExclusionMask("icrs; circle(82.8, 22.8, 0.2) # text={star}", origin="stars")
    history = iterate_exclusion(run, FoVBackgroundMaker(), start)
    assert history.steps[0].mask is start
    assert history.mask.names == ("star", "suggested")
    same = iterate_exclusion(run, FoVBackgroundMaker(exclusion_mask=start.to_map(GEOM)))
    assert same.mask.names == ("start", "suggested")
    np.testing.assert_array_equal(same.norms, history.norms)


class Swinging:
    """A maker that finds the background too high outside a mask and too low without one."""

    exclusion_mask = None

    def run(self, dataset: MapDataset) -> MapDataset:
        everything = self.exclusion_mask.data.all()
        done = FoVBackgroundMaker(exclusion_mask=self.exclusion_mask).run(dataset)
        return done.replace(models=None, background=dataset.background * (1.2 if everything else 90.0))


def test_a_mask_that_swings_is_called_cycling() -> None:
    history = iterate_exclusion(run_with_source(), Swinging())
    assert history.status == "cycling"
    assert not history.converged
    assert len(history.steps) == 2
    assert history.reason.startswith("fit 2 leads back to the mask of fit 1")


def test_steps_that_run_out_are_unfinished() -> None:
    history = iterate_exclusion(run_with_source(), FoVBackgroundMaker(), max_steps=1)
    assert (history.status, len(history.steps)) == ("unfinished", 1)
    with pytest.raises(InvalidInputError, match="max_steps is 0; give a whole number of at least 1"):
        iterate_exclusion(run_with_source(), FoVBackgroundMaker(), max_steps=0)


def test_a_failed_run_has_no_norm_and_adds_nothing() -> None:
    good, bad = run_with_source("obs-1"), run_with_source("obs-2")
    bad.counts.data[...] = 0
    with pytest.warns(FovnbWarning, match="obs-2: too-few-counts"):
        history = iterate_exclusion([good, bad], FoVBackgroundMaker())
    assert np.isnan(history.norms[:, 1]).all()
    np.testing.assert_array_equal(history.norms[:, 0], iterate_exclusion(good, FoVBackgroundMaker()).norms[:, 0])


def test_runs_that_all_fail_are_no_convergence() -> None:
    run = run_with_source()
    run.counts.data[...] = 0
    with pytest.warns(FovnbWarning, match="obs-1: too-few-counts"):
        history = iterate_exclusion(run, FoVBackgroundMaker())
    assert (history.status, history.converged, len(history.steps)) == ("failed", False, 1)
    assert history.reason.startswith("no run was fitted (obs-1: no counts were seen")


def test_a_mask_that_leaves_nothing_is_a_failure_with_a_reason() -> None:
    everything = ExclusionMask("icrs; circle(83.63, 22.01, 20)")
    with pytest.warns(FovnbWarning, match="obs-1: excluded"):
        history = iterate_exclusion(run_with_source(), FoVBackgroundMaker(), everything)
    assert (history.status, len(history.steps)) == ("failed", 1)
    assert history.reason.startswith("no run was fitted (obs-1: the exclusion mask leaves nothing of the run")
