"""What "the same" means, in one place."""

from typing import Any

import numpy as np

__all__ = [
    "assert_close_map",
    "assert_identical_map",
    "assert_kernel_map",
    "assert_same_axis",
    "assert_same_fit",
    "data",
]


def data(some_map: Any) -> np.ndarray:
    """Return the values of a map of either package, in double precision unless they are booleans."""
    values = np.asarray(some_map.data)
    return values if values.dtype == bool else values.astype(float)


def assert_identical_map(ours: Any, theirs: Any) -> None:
    """Demand the same values: counts and masks."""
    np.testing.assert_array_equal(data(ours), data(theirs))


def assert_close_map(ours: Any, theirs: Any, rtol: float = 1e-5) -> None:
    """Demand every pixel within a relative tolerance, zeros where they have zeros: background and exposure."""
    assert ours.unit.is_equivalent(theirs.unit)
    np.testing.assert_allclose(data(ours) * ours.unit.to(theirs.unit), data(theirs), rtol=rtol, atol=0)


def assert_kernel_map(ours: Any, theirs: Any) -> None:
    """Demand 1e-3 relative above 1e-3 of the peak and 1e-6 of the peak elsewhere: PSF, energy dispersion."""
    assert ours.unit.is_equivalent(theirs.unit)
    a, b = data(ours) * ours.unit.to(theirs.unit), data(theirs)
    peak = np.nanmax(b)
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    allowed = np.where(b > 1e-3 * peak, 1e-3 * b, 1e-6 * peak)
    excess = np.nan_to_num(np.abs(a - b) / allowed)
    assert excess.max() <= 1, (
        f"{(excess > 1).sum()} of {b.size} values differ by up to {excess.max():.3g} of what is allowed"
    )


def assert_same_axis(ours: Any, theirs: Any) -> None:
    """Compare name, unit, kind, edges and centres."""
    described = [(axis.name, axis.interp, axis.node_type, axis.nbin, str(axis.unit)) for axis in (ours, theirs)]
    assert described[0] == described[1]
    np.testing.assert_allclose(ours.edges.value, theirs.edges.value, rtol=1e-12)
    np.testing.assert_allclose(ours.center.value, theirs.center.value, rtol=1e-12)


def assert_same_fit(ours: Any, theirs: Any, n_sigma: float = 0.002, rtol_error: float = 0.01) -> None:
    """Compare the background models of two datasets: values in units of their error, errors relative."""
    mine = {par.name: par for par in ours.models[0].parameters}
    for par in theirs.models[0].parameters:
        same = mine[par.name]
        assert same.frozen == par.frozen
        if par.frozen or par.error == 0:
            np.testing.assert_allclose(same.value, par.value, rtol=1e-7, err_msg=par.name)
        else:
            assert_within(same, par, n_sigma, rtol_error)


def assert_within(ours: Any, theirs: Any, n_sigma: float, rtol_error: float) -> None:
    """Compare one parameter."""
    distance = abs(ours.value - theirs.value) / theirs.error
    assert distance <= n_sigma, f"{ours.name}: {ours.value} and {theirs.value} are {distance:.4f} sigma apart"
    np.testing.assert_allclose(ours.error, theirs.error, rtol=rtol_error, err_msg=f"error of {ours.name}")
