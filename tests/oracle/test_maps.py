"""What maps can do, on the same numbers in both packages."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose, assert_array_equal

from tests.oracle.both import PACKAGES, observation
from tests.oracle.compare import data

CENTER = SkyCoord(83.63, 22.01, unit="deg")


def both_maps(make, **kwargs):
    """Return the result of a function of (package, map) for both packages; the map holds the same random numbers."""
    return tuple(make(pkg, random_map(pkg, **kwargs)) for pkg in PACKAGES.values())


def random_map(pkg, *, proj="CAR", unit="", dtype="float64"):
    axis = pkg.MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=4)
    geom = pkg.WcsGeom.create(skydir=CENTER, width=(4, 3), binsz=0.1, proj=proj, axes=[axis])
    values = np.random.default_rng(7).gamma(2, 3, geom.data_shape)
    return pkg.Map.from_geom(geom, data=(values > 1) if dtype is bool else values.astype(dtype), unit=unit)


def positions(n=300):
    rng = np.random.default_rng(3)
    offset = rng.uniform(0, 1.2, n) * u.deg
    return {
        "skycoord": CENTER.directional_offset_by(rng.uniform(0, 360, n) * u.deg, offset),
        "energy": np.exp(rng.uniform(np.log(1.3), np.log(8), n)) * u.TeV,
    }


def same(ours, theirs, rtol=1e-10, atol=0.0):
    assert str(ours.unit) == str(theirs.unit)
    assert ours.geom.data_shape == theirs.geom.data_shape
    assert_allclose(data(ours).astype(float), data(theirs).astype(float), rtol=rtol, atol=atol)


OPERATIONS = {
    "sum": lambda _, m: m.sum_over_axes(),
    "sum-without-axis": lambda _, m: m.sum_over_axes(["energy"], keepdims=False),
    "reduce": lambda _, m: m.reduce_over_axes(np.logical_or, keepdims=True),
    "plus": lambda _, m: m + m * 2 - 1,
    "over": lambda _, m: m / (m + 1),
    "compare": lambda _, m: m > 3,
    "and": lambda _, m: (m > 3) & ~(m > 9) | (m < 1),
    "cutout": lambda _, m: m.cutout(CENTER, (1.0, 2.0) * u.deg),
    "downsample-counts": lambda _, m: m.downsample(2, preserve_counts=True),
    "downsample-mean": lambda _, m: m.downsample(2, preserve_counts=False),
    "downsample-energy": lambda _, m: m.downsample(2, axis_name="energy"),
    "smooth-gauss": lambda _, m: m.smooth("0.15 deg"),
    "smooth-box": lambda _, m: m.smooth(0.2 * u.deg, kernel="box"),
    "smooth-disk": lambda _, m: m.smooth(0.2 * u.deg, kernel="disk"),
    "convolve": lambda _, m: m.convolve(np.outer([1, 2, 3, 2, 1], [1, 2, 4, 2, 1]) / 90),
    "convolve-cube": lambda _, m: m.convolve(np.arange(36.0).reshape(4, 3, 3)),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("proj", ["CAR", "TAN"])
def test_operation(operation, proj):
    """Gammapy convolves in float32, hence the tolerance."""
    same(*both_maps(operation, proj=proj), rtol=2e-7)


@pytest.mark.parametrize("width", [0.2 * u.deg, 0.5 * u.deg])
@pytest.mark.parametrize("kernel", ["disk", "box"])
@pytest.mark.parametrize("name", ["binary_erode", "binary_dilate"])
@pytest.mark.parametrize("use_fft", [True, False])
def test_morphology(name, kernel, width, use_fft):
    def operation(_, some_map):
        return getattr(some_map > 0.8, name)(width=width, kernel=kernel, use_fft=use_fft)

    ours, theirs = both_maps(operation)
    assert_array_equal(ours.data, theirs.data)


def test_units():
    same(*both_maps(lambda _, m: m.to_unit("m2 s"), unit="cm2 s"))
    same(*both_maps(lambda _, m: m * (2 * u.s), unit="m2"))


@pytest.mark.parametrize("proj", ["CAR", "TAN", "SIN"])
def test_interpolation_and_lookup(proj):
    coords = positions()
    for method in ("interp_by_coord", "get_by_coord"):
        ours, theirs = both_maps(lambda _, m, method=method: getattr(m, method)(coords), proj=proj)
        assert_allclose(ours, theirs, rtol=1e-6)


def test_lookup_outside_is_nan():
    coords = {"skycoord": SkyCoord([10, 83.63], [10, 22.01], unit="deg"), "energy": [2, 100] * u.TeV}
    ours, theirs = both_maps(lambda _, m: m.get_by_coord(coords))
    assert np.isnan(ours).all()
    assert np.isnan(theirs).all()


@pytest.mark.parametrize("frame", ["icrs", "galactic"])
@pytest.mark.parametrize("preserve_counts", [False, True])
def test_interp_to_geom(frame, preserve_counts):
    def operation(pkg, some_map):
        skydir = CENTER.transform_to(frame)
        axes = [some_map.geom.axes["energy"]]
        geom = pkg.WcsGeom.create(skydir=skydir, frame=frame, width=(2, 2), binsz=0.07, proj="TAN", axes=axes)
        return some_map.interp_to_geom(geom, preserve_counts=preserve_counts)

    same(*both_maps(operation), rtol=1e-6)


def test_interp_to_geom_of_a_mask():
    def operation(pkg, some_map):
        geom = pkg.WcsGeom.create(skydir=CENTER, width=(2, 2), binsz=0.03, axes=[some_map.geom.axes["energy"]])
        return some_map.interp_to_geom(geom)

    ours, theirs = both_maps(operation, dtype=bool)
    assert_array_equal(ours.data, theirs.data)
    assert ours.data.dtype == bool


def test_fill_by_coord_and_stack():
    coords = positions(500)

    def operation(_, some_map):
        some_map.fill_by_coord(coords)
        some_map.stack(some_map.cutout(CENTER, 1 * u.deg))
        return some_map

    same(*both_maps(operation))


@pytest.mark.usefixtures("hess_dl3_dr1")
@pytest.mark.parametrize("obs_id", [20326, 21824, 23592, 23736])
def test_fill_events(obs_id):
    """A map that holds a whole run counts every event in its energies, and the same ones."""
    filled = []
    for root, pkg in PACKAGES.items():
        obs = observation(root, obs_id)
        axis = pkg.MapAxis.from_energy_bounds("0.2 TeV", "50 TeV", nbin=9)
        skydir = SkyCoord(obs.pointing.fixed_icrs.ra, obs.pointing.fixed_icrs.dec)
        counts = pkg.Map.from_geom(pkg.WcsGeom.create(skydir=skydir, width=8, binsz=0.02, axes=[axis]))
        counts.fill_events(obs.events)
        filled.append(counts)
    assert_array_equal(filled[0].data, filled[1].data)
    assert filled[0].data.sum() > 1000
