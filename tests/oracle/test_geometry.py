"""Axes, pixels, solid angles and masks of the two packages."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose, assert_array_equal
from regions import CircleAnnulusSkyRegion, CircleSkyRegion, EllipseSkyRegion, PointSkyRegion, RectangleSkyRegion

from tests.oracle.both import OURS, THEIRS
from tests.oracle.compare import assert_same_axis

BOTH = (OURS, THEIRS)

AXES = {
    "energy-bounds": lambda pkg: pkg.MapAxis.from_energy_bounds("0.5 TeV", "10 TeV", nbin=5),
    "energy-bounds-quantity": lambda pkg: pkg.MapAxis.from_energy_bounds(500 * u.GeV, 10 * u.TeV, nbin=3),
    "energy-bounds-floats": lambda pkg: pkg.MapAxis.from_energy_bounds(0.1, 100, 7, unit="TeV", name="energy_true"),
    "per-decade": lambda pkg: pkg.MapAxis.from_energy_bounds("0.11 TeV", "10 TeV", nbin=4, per_decade=True),
    "energy-edges": lambda pkg: pkg.MapAxis.from_energy_edges([0.3, 1, 7, 40] * u.TeV),
    "linear": lambda pkg: pkg.MapAxis.from_bounds(-1, 4, nbin=6, name="x", unit="deg"),
    "log": lambda pkg: pkg.MapAxis.from_bounds(0.1, 4, nbin=6, interp="log", name="x", unit="s"),
    "sqrt": lambda pkg: pkg.MapAxis.from_bounds(0, 0.66, nbin=11, interp="sqrt", name="rad", unit="deg"),
    "edges": lambda pkg: pkg.MapAxis.from_edges([1, 2, 5, 6], name="x", unit="m", interp="lin"),
    "edges-log": lambda pkg: pkg.MapAxis.from_edges([1, 2, 5, 6], name="x", unit="m", interp="log"),
    "nodes": lambda pkg: pkg.MapAxis.from_nodes([1, 2, 5, 9], name="x", unit="TeV"),
    "nodes-log": lambda pkg: pkg.MapAxis.from_nodes([1, 2, 4, 32], name="energy", unit="TeV", interp="log"),
    "center-bounds": lambda pkg: pkg.MapAxis.from_bounds(1, 9, nbin=5, node_type="center", name="x"),
}

axes = pytest.mark.parametrize("make", AXES.values(), ids=AXES)


@axes
def test_axis(make):
    ours, theirs = make(OURS), make(THEIRS)
    assert_same_axis(ours, theirs)
    assert_allclose(ours.bin_width.value, theirs.bin_width.value, rtol=1e-12)
    assert_allclose([bound.value for bound in ours.bounds], [bound.value for bound in theirs.bounds], rtol=1e-12)


@axes
def test_axis_coordinates(make):
    ours, theirs = make(OURS), make(THEIRS)
    edges = theirs.edges.value
    values = np.concatenate([edges, theirs.center.value, [edges[0] - 0.01, edges[-1] * 1.01]])
    values = values[values > 0] * theirs.unit
    assert_allclose(ours.coord_to_pix(values), theirs.coord_to_pix(values), rtol=1e-10, atol=1e-10)
    inner = values[np.abs(theirs.coord_to_pix(values) % 1 - 0.5) > 1e-6]  # an edge may round to either side
    for clip in (False, True):
        assert_array_equal(ours.coord_to_idx(inner, clip=clip), theirs.coord_to_idx(inner, clip=clip))
    pixels = np.linspace(-0.4, theirs.nbin - 0.6, 17)
    assert_allclose(ours.pix_to_coord(pixels).value, theirs.pix_to_coord(pixels).value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["energy-bounds", "sqrt", "linear", "edges-log", "nodes-log"])
@pytest.mark.parametrize(
    "change",
    [
        lambda axis: axis.squash(),
        lambda axis: axis.upsample(3),
        lambda axis: axis.slice(slice(1, 3)),
        lambda axis: axis.copy(name="other"),
    ],
    ids=["squash", "upsample", "slice", "copy"],
)
def test_axis_changes(name, change):
    ours, theirs = (change(AXES[name](pkg)) for pkg in BOTH)
    assert_same_axis(ours, theirs)


def test_axis_downsample():
    ours, theirs = (pkg.MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=6).downsample(3) for pkg in BOTH)
    assert_same_axis(ours, theirs)


def sky(frame, lon=83.63, lat=22.01):
    return SkyCoord(lon, lat, unit="deg", frame="icrs").transform_to(frame)


GEOMS = {
    "reference": {"skydir": (83.63, 22.01), "width": 5, "binsz": 0.1},
    "TAN": {"skydir": sky("icrs"), "width": (4, 3), "binsz": 0.1, "proj": "TAN"},
    "SIN": {"skydir": sky("icrs"), "width": (4, 3), "binsz": (0.1, 0.2), "proj": "SIN"},
    "AIT": {"skydir": sky("galactic"), "width": (4, 3), "binsz": 0.1, "proj": "AIT", "frame": "galactic"},
    "allsky-AIT": {"binsz": 10, "proj": "AIT", "frame": "galactic"},
    "galactic-CAR": {"skydir": sky("galactic", 258.388, -39.762), "width": 3, "binsz": 0.1, "frame": "galactic"},
    "galactic-TAN": {"skydir": sky("galactic"), "width": "3 deg", "binsz": 0.1, "frame": "galactic", "proj": "TAN"},
    "npix": {"skydir": (0.3, -5), "npix": (31, 20), "binsz": 0.1},
    "quantities": {"skydir": sky("icrs"), "width": 3 * u.deg, "binsz": 6 * u.arcmin},
    "near-the-pole": {"skydir": (120.0, 86.0), "width": 5, "binsz": 0.2, "proj": "TAN"},
    "high-declination-CAR": {"skydir": (83.868, -69.27), "width": 5, "binsz": 0.1},
}

geoms = pytest.mark.parametrize("kwargs", GEOMS.values(), ids=GEOMS)


def pair(kwargs, *, cube=True):
    """Return the geometry of both packages."""
    return tuple(
        pkg.WcsGeom.create(**kwargs, axes=[pkg.MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3)] if cube else None)
        for pkg in BOTH
    )


def assert_same_geom(ours, theirs):
    assert ours.data_shape == theirs.data_shape
    assert ours.frame == theirs.frame
    assert ours.projection == theirs.projection
    mine, yours = (dict(geom.wcs.to_header()) for geom in (ours, theirs))
    assert mine.keys() == yours.keys()
    for key, value in yours.items():
        assert mine[key] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-12)), key


@geoms
def test_geometry(kwargs):
    ours, theirs = pair(kwargs)
    assert_same_geom(ours, theirs)
    assert ours.center_skydir.separation(theirs.center_skydir) < 1e-9 * u.deg
    assert_allclose(ours.width.to_value("deg"), theirs.width.to_value("deg"), rtol=1e-12)
    assert_allclose(ours.pixel_scales.to_value("deg"), theirs.pixel_scales.to_value("deg"), rtol=1e-12)


@geoms
def test_pixel_coordinates(kwargs):
    ours, theirs = (geom.get_coord() for geom in pair(kwargs))
    for name in ("lon", "lat", "energy"):
        assert_allclose(
            getattr(ours[name], "value", ours[name]), getattr(theirs[name], "value", theirs[name]), atol=1e-9
        )


@geoms
def test_solid_angle_and_bin_volume(kwargs):
    ours, theirs = pair(kwargs)
    assert_allclose(ours.solid_angle().to_value("sr"), theirs.solid_angle().to_value("sr"), rtol=1e-7)
    assert_allclose(ours.bin_volume().to_value("TeV sr"), theirs.bin_volume().to_value("TeV sr"), rtol=1e-7)


@geoms
def test_separation(kwargs):
    ours, theirs = pair(kwargs, cube=False)
    position = SkyCoord(84.5, 21.5, unit="deg")
    mine, yours = (geom.separation(position).to_value("deg") for geom in (ours, theirs))
    assert_allclose(mine, yours, atol=1e-9)


@geoms
def test_sky_to_pixels(kwargs):
    ours, theirs = pair(kwargs)
    rng = np.random.default_rng(1)
    center = theirs.center_skydir
    positions = center.directional_offset_by(rng.uniform(0, 360, 200) * u.deg, rng.uniform(0, 3, 200) * u.deg)
    coords = {"skycoord": positions, "energy": rng.uniform(0.5, 12, 200) * u.TeV}
    for mine, yours in zip(ours.coord_to_pix(coords), theirs.coord_to_pix(coords), strict=True):
        assert_allclose(mine, yours, atol=1e-7)
    for mine, yours in zip(ours.coord_to_idx(coords), theirs.coord_to_idx(coords), strict=True):
        assert_array_equal(mine, yours)
    assert_array_equal(ours.contains(coords), theirs.contains(coords))


REGIONS = {
    "circle": [CircleSkyRegion(SkyCoord(83.63, 22.01, unit="deg"), 0.4 * u.deg)],
    "two": [
        CircleSkyRegion(SkyCoord(83.0, 22.5, unit="deg"), 0.3 * u.deg),
        RectangleSkyRegion(SkyCoord(84.2, 21.5, unit="deg"), 1 * u.deg, 0.5 * u.deg, 30 * u.deg),
    ],
    "ellipse": [EllipseSkyRegion(SkyCoord(83.3, 22.1, unit="deg"), 1.3 * u.deg, 0.6 * u.deg, 70 * u.deg)],
    "annulus": [CircleAnnulusSkyRegion(SkyCoord(83.63, 22.01, unit="deg"), 0.3 * u.deg, 0.9 * u.deg)],
    "galactic-circle": [CircleSkyRegion(SkyCoord(83.63, 22.01, unit="deg").galactic, 0.7 * u.deg)],
    "text": "icrs;circle(83.63, 22.01, 0.5)",
    "point": [PointSkyRegion(SkyCoord(83.63, 22.01, unit="deg"))],
    "outside": [CircleSkyRegion(SkyCoord(10, -30, unit="deg"), 0.5 * u.deg)],
}


@pytest.mark.parametrize("regions", REGIONS.values(), ids=REGIONS)
@pytest.mark.parametrize("geom", ["reference", "TAN", "SIN", "galactic-TAN"])
@pytest.mark.parametrize("inside", [True, False])
def test_region_mask(geom, regions, inside):
    ours, theirs = (geom.region_mask(regions, inside=inside) for geom in pair(GEOMS[geom]))
    assert_array_equal(ours.data, theirs.data)
    assert ours.data.dtype == bool


@pytest.mark.parametrize(
    "limits",
    [
        {"energy_min": 2 * u.TeV},
        {"energy_max": "5 TeV"},
        {"energy_min": 2 * u.TeV, "energy_max": 5 * u.TeV},
        {"energy_min": 2 * u.TeV, "round_to_edge": True},
        {"energy_min": 1 * u.TeV, "energy_max": 10 * u.TeV},
    ],
)
def test_energy_mask(limits):
    limits = {key: u.Quantity(value) if key != "round_to_edge" else value for key, value in limits.items()}
    ours, theirs = (geom.energy_mask(**limits) for geom in pair(GEOMS["reference"]))
    assert_array_equal(ours.data, theirs.data)


@pytest.mark.parametrize("width", [1.0 * u.deg, (2.0, 1.0) * u.deg, 3.333 * u.deg])
@pytest.mark.parametrize("offset", [0.0, 0.037, 2.2])
@pytest.mark.parametrize("mode", ["trim", "partial"])
def test_cutout(width, offset, mode):
    position = SkyCoord(83.63 + offset, 22.01 - offset, unit="deg")
    ours, theirs = (geom.cutout(position, width, mode=mode) for geom in pair(GEOMS["reference"]))
    assert_same_geom(ours, theirs)
    assert_allclose(ours.get_coord()["lon"], theirs.get_coord()["lon"], atol=1e-9)


@pytest.mark.parametrize(
    "change",
    [
        lambda geom: geom.to_image(),
        lambda geom: geom.squash("energy"),
        lambda geom: geom.drop("energy"),
        lambda geom: geom.downsample(2),
        lambda geom: geom.upsample(2),
        lambda geom: geom.downsample(3, axis_name="energy"),
        lambda geom: geom.upsample(2, axis_name="energy"),
    ],
)
def test_changed_geometries(change):
    ours, theirs = (change(geom) for geom in pair(GEOMS["reference"]))
    assert_same_geom(ours, theirs)
    assert ours.axes.names == theirs.axes.names
    for mine, yours in zip(ours.axes, theirs.axes, strict=True):
        assert_same_axis(mine, yours)
