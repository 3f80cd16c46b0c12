import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from fovnb.diagnostics import alignment
from fovnb.errors import InvalidInputError
from fovnb.maps import Map
from tests.fields import POINTING, expected_counts, field_geom, make_field

# On a grid centred on the pointing, x grows with the columns and y with the rows: mirroring is turning arrays around.
TURNS = {
    "longitude flipped": lambda cube: cube[:, :, ::-1],
    "latitude flipped": lambda cube: cube[:, ::-1],
    "axes swapped": lambda cube: cube.transpose(0, 2, 1),
    "axes swapped and both flipped": lambda cube: cube[:, ::-1, ::-1].transpose(0, 2, 1),
}


def lopsided(geom, per_deg2=100.0):
    """Return a background that none of the turns leaves as it is."""
    x, y = geom.sky.fov_lonlat_deg(*POINTING)
    return expected_counts(geom, per_deg2) * (1 + 0.15 * x - 0.25 * y)


def slow(counts, shape, used):
    """Return -2 ln L pixel by pixel."""
    total = 0.0
    for c, b, m in zip(counts, shape, used, strict=True):
        total -= 2 * sum(n * np.log(v / b[m].sum()) for n, v in zip(c[m], b[m], strict=True))
    return total


def test_every_alternative_equals_the_turned_array():
    geom = field_geom(binsz=0.2)
    run = make_field(geom, background=lopsided(geom))
    run.mask_safe.data[1, :4] = False
    found = alignment(run)
    shapes = [run.background.data, *(turn(run.background.data) for turn in TURNS.values())]
    expected = np.array([slow(run.counts.data, shape, run.mask_safe.data) for shape in shapes])
    np.testing.assert_allclose(found.delta[0], expected - expected[0], rtol=2e-3, atol=0.02)
    assert abs(expected[1:] - expected[0]).min() > 5
    np.testing.assert_allclose(found.total, found.delta[0])


def test_a_sound_run_has_no_better_alternative():
    geom = field_geom()
    found = alignment(make_field(geom, background=lopsided(geom, 400)))
    assert found.names == ("as stated", *TURNS)
    assert found.delta[0, 0] == 0
    assert found.total[1:].min() > 25
    assert found.better == ""


@pytest.mark.parametrize("name", TURNS)
def test_a_background_that_was_turned_is_found_by_name(name):
    geom = field_geom()
    truth = lopsided(geom, 400)
    counts = np.random.default_rng(1).poisson(truth)
    found = alignment(make_field(geom, counts=counts, background=TURNS[name](truth)))
    assert found.better == name


def test_a_symmetric_background_tells_nothing():
    found = alignment(make_field())
    np.testing.assert_allclose(found.delta, 0, atol=0.05)


def test_runs_are_summed_and_norms_do_not_matter():
    geom = field_geom()
    runs = [make_field(geom, background=lopsided(geom), obs_id=i, seed=i) for i in (1, 2)]
    found = alignment(runs)
    np.testing.assert_allclose(found.total, found.delta.sum(axis=0))
    assert found.obs_ids == (1, 2)
    runs[1].background.data[0] *= 7
    np.testing.assert_allclose(alignment(runs).delta, found.delta, atol=1e-6)


def test_the_frame_of_the_map_does_not_matter():
    center = SkyCoord(*POINTING, unit="deg").galactic
    geom = field_geom(binsz=0.05, frame="galactic", skydir=(center.l.deg, center.b.deg))
    truth = lopsided(geom, 400)
    counts = np.random.default_rng(1).poisson(truth)
    x, y = geom.sky.fov_lonlat_deg(*POINTING)
    flipped = expected_counts(geom, 400) * (1 - 0.15 * x - 0.25 * y)
    assert alignment(make_field(geom, counts=counts, background=flipped)).better == "longitude flipped"
    assert alignment(make_field(geom, counts=counts, background=truth)).better == ""


def test_pixels_whose_mirror_image_is_not_known_do_not_count():
    geom = field_geom()
    truth = lopsided(geom)
    truth[:, :, 30:] = 0  # nothing is predicted on one side: its mirror image has no alternative
    counts = np.random.default_rng(1).poisson(truth)
    found = alignment(make_field(geom, counts=counts, background=truth))
    counts[:, :, :9] = 50
    np.testing.assert_allclose(alignment(make_field(geom, counts=counts, background=truth)).delta, found.delta)


def test_excluded_counts_do_not_count():
    geom = field_geom()
    run = make_field(geom, background=lopsided(geom))
    mask = np.ones(geom.data_shape, dtype=bool)
    mask[:, 20:26, 20:26] = False
    expected = alignment(run, exclusion_mask=Map.from_geom(geom, data=mask))
    run.counts.data[:, 21:25, 21:25] = 100
    np.testing.assert_allclose(alignment(run, exclusion_mask=Map.from_geom(geom, data=mask)).delta, expected.delta)
    assert abs(alignment(run).delta - expected.delta).max() > 10


def test_a_stack_is_refused():
    with pytest.raises(InvalidInputError, match="no pointing of its own"):
        alignment(make_field().replace(run_info=None))


def test_the_record_prints_in_a_few_lines():
    found = alignment(make_field())
    assert repr(found).splitlines()[0] == "Alignment"
    assert "better than as stated" in found._repr_html_()
