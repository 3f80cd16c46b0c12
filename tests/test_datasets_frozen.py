"""Read-only datasets share memory with the original, which nothing done to them reaches."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from numpy.testing import assert_array_equal

from fovnb.datasets.frozen import array_sizes, read_only
from fovnb.maps import Map
from fovnb.modeling.models import FoVBackgroundModel
from tests.datasets import make_run


@pytest.fixture
def run():
    masks = {
        name: Map.from_geom(make_run().geom, data=make_run().counts.data > 1) for name in ("mask_fit", "mask_exclusion")
    }
    table = Table({"OBS_ID": [1], "RA_PNT": [83.0] * u.deg})
    return make_run("obs-1").replace(models=FoVBackgroundModel(dataset_name="obs-1"), meta_table=table, **masks)


def arrays(dataset):
    names = ("counts", "exposure", "background", "mask_safe", "mask_fit", "mask_exclusion")
    responses = [part for each in (dataset.psf, dataset.edisp) for part in each.maps]
    return [part.data for part in [*(getattr(dataset, name) for name in names), *responses]]


def test_arrays_are_shared_and_cannot_be_written_to(run):
    given = read_only(run)
    for ours, theirs in zip(arrays(given), arrays(run), strict=True):
        assert np.shares_memory(ours, theirs)
        assert theirs.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            ours[...] = 0
    run.counts.data[0, 0, 0] = 77
    assert given.counts.data[0, 0, 0] == 77


def test_methods_that_change_a_map_change_a_copy(run):
    given, before = read_only(run), run.counts.data.copy()
    given.counts.fill_by_idx(([0], [0], [0]))
    given.counts.data[1, 1, 1] = 5
    given.background = given.background * 2
    assert_array_equal(run.counts.data, before)


@pytest.mark.parametrize("again", [False, True])
def test_stacking_onto_it_leaves_the_original(run, again):
    given = read_only(read_only(run)) if again else read_only(run)
    before, expected = [array.copy() for array in arrays(run)], run.copy()
    given.stack(make_run("obs-2", seed=2))
    expected.stack(make_run("obs-2", seed=2))
    for array, kept in zip(arrays(run), before, strict=True):
        assert_array_equal(array, kept)
    for array, wanted in zip(arrays(given), arrays(expected), strict=True):
        assert_array_equal(array, wanted)
    assert len(run.gti) == 1
    assert len(given.gti) == 2


def test_it_can_be_stacked_and_a_deep_copy_can_be_written_to(run):
    given, stacked = read_only(run), [make_run("obs-2", seed=2) for _ in range(2)]
    for target, other in zip(stacked, (given, run), strict=True):
        target.stack(other)
    for one, two in zip(arrays(stacked[0]), arrays(stacked[1]), strict=True):
        assert_array_equal(one, two)
    copy = given.copy()
    for array in arrays(copy):
        array[...] = 0
    assert all(array.any() for array in arrays(run)[:4])


def test_models_tables_times_and_meta_are_copies(run):
    given = read_only(run)
    given.models[0].spectral_model.norm.value = 9
    given.meta_table["OBS_ID"] = 5
    given.exposure.meta["livetime"] *= 2
    given.gti.start_s[...] = 0
    given.meta["OBS_ID"] = 5
    assert run.models[0].spectral_model.norm.value == 1
    assert run.meta_table["OBS_ID"].tolist() == [1]
    assert run.exposure.meta["livetime"] == 1000 * u.s
    assert run.gti.start_s.tolist() == [2000]
    assert run.meta == {}
    assert given.meta_table["OBS_ID"].tolist() == [5]
    assert given.replace().meta_table["OBS_ID"].tolist() == [5]


def test_each_array_is_counted_once(run):
    sizes = array_sizes(run)
    assert sum(sizes.values()) == sum(array.nbytes for array in arrays(run))
    assert array_sizes(read_only(run)) == sizes
    assert array_sizes(run, read_only(run), run.replace()) == sizes
    other = run.replace(background=run.background * 2)
    more = array_sizes(run, other)
    assert sum(more.values()) - sum(sizes.values()) == run.background.data.nbytes
    whole = np.zeros((9, *run.counts.data.shape))
    part = array_sizes(run.replace(counts=Map(run.geom, data=whole[3])))
    assert part[id(whole)] == whole.nbytes
