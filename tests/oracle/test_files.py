"""What one package writes the other reads, with the same values."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from tests.oracle.both import (
    OURS,
    PACKAGES,
    THEIRS,
    Setup,
    background_maker,
    piecewise,
    power_law,
    reduced,
    safe_dataset,
)
from tests.oracle.compare import assert_same_axis, data

SETUP = Setup(binsz=0.05, energy=("1 TeV", "20 TeV", 4), energy_true=("0.3 TeV", "40 TeV", 10))
MAPS = ("counts", "background", "exposure", "mask_safe", "mask_fit")

ways = pytest.mark.parametrize(
    ("writer", "reader"), [(OURS, THEIRS), (THEIRS, OURS)], ids=["ours-theirs", "theirs-ours"]
)
real_data = pytest.mark.usefixtures("hess_dl3_dr1")


def same_map(one, other):
    """Compare two maps of either package, one of which went through a file."""
    assert_array_equal(data(one), data(other))
    assert str(one.unit) == str(other.unit)
    assert one.geom.data_shape == other.geom.data_shape
    assert one.geom.frame == other.geom.frame
    for first, second in zip(one.geom.axes, other.geom.axes, strict=True):
        assert_same_axis(first, second)
    assert one.geom.center_skydir.separation(other.geom.center_skydir) < 1e-9 * u.deg


@ways
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize(("frame", "proj"), [("icrs", "CAR"), ("galactic", "TAN")])
def test_map(writer, reader, dtype, frame, proj, tmp_path):
    axis = writer.MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=3)
    geom = writer.WcsGeom.create(skydir=(10.5, 3.2), width=(3, 2), binsz=0.1, frame=frame, proj=proj, axes=[axis])
    values = np.random.default_rng(5).poisson(0.7, geom.data_shape).astype(dtype)
    written = writer.Map.from_geom(geom, data=values, unit="" if dtype == "bool" else "m2 s")
    written.write(tmp_path / "map.fits")
    same_map(reader.Map.read(tmp_path / "map.fits"), written)


@ways
def test_image(writer, reader, tmp_path):
    """No axes, compressed."""
    geom = writer.WcsGeom.create(skydir=(10.5, 3.2), width=2, binsz=0.1)
    written = writer.Map.from_geom(geom, data=np.arange(400).reshape(20, 20))
    written.write(tmp_path / "image.fits.gz")
    same_map(reader.Map.read(tmp_path / "image.fits.gz"), written)


def with_mask_fit(dataset):
    """Return a copy that has every part a dataset can have."""
    full = dataset.copy(name=dataset.name)
    full.mask_fit = full.counts.geom.energy_mask(energy_min=1 * u.TeV)
    return full


@real_data
@ways
def test_dataset(writer, reader, tmp_path):
    written = with_mask_fit(safe_dataset(writer.root, SETUP))
    written.write(tmp_path / "dataset.fits")
    read = reader.MapDataset.read(tmp_path / "dataset.fits", name="again")
    for name in MAPS:
        same_map(getattr(read, name), getattr(written, name))
    for kernel, name in (
        ("psf", "psf_map"),
        ("psf", "exposure_map"),
        ("edisp", "edisp_map"),
        ("edisp", "exposure_map"),
    ):
        same_map(getattr(getattr(read, kernel), name), getattr(getattr(written, kernel), name))
    assert_allclose(read.gti.time_sum.to_value("s"), written.gti.time_sum.to_value("s"), rtol=1e-12)
    assert_allclose((read.gti.time_start - written.gti.time_start).to_value("s"), 0, atol=1e-6)


@real_data
@ways
def test_what_is_read_predicts_and_stacks_the_same(writer, reader, tmp_path):
    """The parts fit together after reading: a stack of two copies counts twice."""
    written = safe_dataset(writer.root, SETUP)
    written.write(tmp_path / "dataset.fits")
    read = reader.MapDataset.read(tmp_path / "dataset.fits")
    assert_allclose(read.npred_background().data.sum(), written.npred_background().data.sum(), rtol=1e-6)
    total = reader.MapDataset.create(
        read.counts.geom,
        energy_axis_true=read.exposure.geom.axes["energy_true"],
        rad_axis=read.psf.psf_map.geom.axes["rad"],
    )
    total.stack(read)
    total.stack(read)
    assert total.counts.data.sum() == 2 * written.counts.data[written.mask_safe.data].sum()


@real_data
def test_the_files_have_the_same_layout(tmp_path):
    """Same extensions in the same order, same shapes and units; our own tables come last."""
    layouts = []
    for root in PACKAGES:
        with_mask_fit(safe_dataset(root, SETUP)).write(tmp_path / f"{root}.fits")
        with fits.open(tmp_path / f"{root}.fits") as hdus:
            layouts.append(
                {hdu.name: (hdu.shape if hdu.is_image else hdu.columns.names, hdu.header.get("BUNIT")) for hdu in hdus}
            )
    ours, theirs = sorted(layouts, key=len, reverse=True)
    assert list(ours)[-2:] == ["LEDGER", "RUN_INFO"]
    assert {name: ours[name] for name in list(ours)[:-2]} == theirs
    assert list(ours)[:-2] == list(theirs)


def layout(hdu):
    return (hdu.shape, hdu.header.get("BUNIT")) if hdu.is_image else hdu.columns.names


def fitted(pkg, model):
    """Return a set of two fitted runs; names differ, the values of their models too."""
    first = reduced(pkg.root, SETUP)
    second = safe_dataset(pkg.root, SETUP).copy(name="second")
    maker = background_maker(pkg, SETUP, model)
    return pkg.Datasets([first, maker.run(second)])


@real_data
@ways
@pytest.mark.parametrize("model", [power_law, lambda pkg: piecewise(pkg, SETUP)], ids=["power-law", "piecewise"])
def test_fitted_set(writer, reader, model, tmp_path):
    """Norms, errors and covariance survive, and so does which model belongs to which dataset."""
    written = fitted(writer, model(writer))
    written.write(tmp_path / "set.yaml", filename_models=tmp_path / "models.yaml")
    read = reader.Datasets.read(tmp_path / "set.yaml", filename_models=tmp_path / "models.yaml")
    assert read.names == written.names
    assert read.models.names == written.models.names
    assert_allclose(read.models.covariance.data, written.models.covariance.data, rtol=1e-6)
    for one, other in zip(read, written, strict=True):
        assert_array_equal(data(one.counts), data(other.counts))
        same_parameters(one.models[0].parameters, other.models[0].parameters)
        assert_allclose(data(one.npred_background()), data(other.npred_background()), rtol=1e-6)


def same_parameters(read, written):
    assert read.names == written.names
    for one, other in zip(read, written, strict=True):
        assert (one.frozen, str(one.unit)) == (other.frozen, str(other.unit)), one.name
        assert_allclose(
            [one.value, one.error, one.min, one.max], [other.value, other.error, other.min, other.max], rtol=1e-7
        )


@ways
def test_models_without_data(writer, reader, tmp_path):
    """Every norm model goes both ways by itself."""
    models = writer.Models(
        [
            background(writer, "one", writer.PowerLawNormSpectralModel(norm=0.9, tilt=-0.1, reference="2 TeV")),
            background(writer, "two", writer.PiecewiseNormSpectralModel([1, 3, 9] * u.TeV, norms=[0.8, 1.1, 2])),
            background(writer, "three", writer.LogParabolaNormSpectralModel(norm=1.2, alpha=0.1, beta=0.05)),
            background(writer, "four", writer.ExpCutoffPowerLawNormSpectralModel(norm=1.1, index=0.2)),
        ]
    )
    models.write(tmp_path / "models.yaml")
    read = reader.Models.read(tmp_path / "models.yaml")
    assert read.names == models.names
    energy = [0.7, 1, 2, 5, 11] * u.TeV
    for one, other in zip(read, models, strict=True):
        same_parameters(one.spectral_model.parameters, other.spectral_model.parameters)
        assert one.datasets_names == other.datasets_names
        assert_allclose(one.spectral_model(energy), other.spectral_model(energy), rtol=1e-12)


def background(pkg, name, spectral_model):
    return pkg.FoVBackgroundModel(spectral_model=spectral_model, dataset_name=name)
