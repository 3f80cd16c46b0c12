"""What the counts can determine at all."""

import numpy as np
import pytest
from astropy import units as u

from fovnb.diagnostics.identifiability import identifiability
from fovnb.errors import InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from fovnb.modeling.background_fit import BackgroundSums, fit_background
from fovnb.modeling.models import FoVBackgroundModel, PiecewiseNormSpectralModel, PowerLawNormSpectralModel
from tests.datasets import make_geom, make_run
from tests.norms import BACKGROUND, CENTERS, COUNTS, SUMS, at_centers, at_edges, bkg, power_law


def test_norm_and_tilt_by_hand():
    # One bin at 1 TeV, one at e TeV, P = 4 and 9. J = (-ln E, 1) = (0, 1), (-1, 1): J^T diag(P) J = (9, -9), (-9, 13).
    sums = BackgroundSums([1.0, np.e], [4, 9], [4.0, 9.0])
    found = identifiability(sums, bkg(power_law()))
    assert found.parameters == ("tilt", "norm")
    root = (22**2 / 4 - 36) ** 0.5
    np.testing.assert_allclose(found.eigenvalues, [11 + root, 11 - root])
    vectors, values = found.eigenvectors, np.diag(found.eigenvalues)
    np.testing.assert_allclose(vectors @ values @ vectors.T, [[9, -9], [-9, 13]], atol=1e-12)
    assert (found.rank, found.n_free, found.open) == (2, 2, ())
    assert found.condition == pytest.approx((11 + root) / (11 - root))


def test_the_documented_recipe_of_nodes_at_all_edges_is_degenerate():
    found = identifiability(SUMS, bkg(at_edges()))
    assert (found.rank, found.n_free, found.condition) == (5, 6, np.inf)
    assert found.open == (
        "the alternating combination ln(norm_0) - ln(norm_1) + ln(norm_2) - ln(norm_3) + ln(norm_4) - ln(norm_5); "
        "put nodes at the centres of bins that hold enough counts",
    )
    alternating = np.array([1, -1, 1, -1, 1, -1]) / 6**0.5
    assert abs(found.eigenvectors[:, -1] @ alternating) == pytest.approx(1)
    assert found.eigenvalues[-1] == 0
    assert found.eigenvalues[-2] > 0.1


def test_nodes_at_centres_are_not():
    found = identifiability(SUMS, bkg(at_centers()))
    assert (found.rank, found.open) == (5, ())
    # Each node is its own bin, norm 1: the eigenvalues are the predicted counts.
    np.testing.assert_allclose(found.eigenvalues, np.sort(BACKGROUND)[::-1])


def test_the_node_of_a_masked_bin_is_unconstrained():
    sums = BackgroundSums(CENTERS, COUNTS, np.where(np.arange(5) == 2, 0, BACKGROUND))
    found = identifiability(sums, bkg(at_centers()))
    assert (found.rank, found.n_free) == (4, 5)
    assert found.open == ("norm_2 is unconstrained: it changes no bin that predicts counts",)


def test_one_bin_cannot_tell_norm_from_tilt():
    found = identifiability(BackgroundSums([np.e], [10], [10.0]), bkg(power_law()))
    assert found.rank == 1
    assert found.open == (
        "the combination tilt + ln(norm); freeze one parameter of the combination or use more energy bins",
    )


def test_the_size_of_a_prediction_does_not_change_the_rank():
    steep = BackgroundSums(CENTERS, COUNTS * 0, 10.0 ** -np.arange(0, 15, 3))
    assert identifiability(steep, bkg(at_centers())).rank == 5
    assert identifiability(steep, bkg(at_edges())).rank == 5


def test_priors_are_no_data():
    spectral = at_edges(smoothness=0.1)
    record = fit_background(SUMS, bkg(spectral))[1]
    assert record.unconstrained == ()
    assert identifiability(record).rank == 5


def test_a_fit_its_sums_and_its_dataset_say_the_same():
    geom = make_geom(nbin=5)
    edges = PiecewiseNormSpectralModel(geom.axes["energy"].edges)
    run = FoVBackgroundMaker("fit", spectral_model=edges).run(make_run(geom=geom))
    of_run, of_fit = identifiability(run), identifiability(run.background_fit)
    of_sums = identifiability(run.background_fit, run.background_model)
    assert of_run.open == of_fit.open == of_sums.open
    assert (of_run.rank, of_run.rank) == (5, run.background_fit.rank)
    np.testing.assert_allclose(of_run.eigenvalues, of_fit.eigenvalues, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(of_run.eigenvalues, of_sums.eigenvalues, rtol=1e-6, atol=1e-9)


def test_eigenvalues_are_the_inverse_variances_of_the_fit():
    record = fit_background(SUMS, bkg(power_law()))[1]
    found = identifiability(record)
    free = [record.parameter_names.index(name) for name in found.parameters]
    scale = np.where(np.array(found.parameters) == "norm", record.values[free], 1)
    covariance = found.eigenvectors / found.eigenvalues @ found.eigenvectors.T * np.outer(scale, scale)
    np.testing.assert_allclose(covariance, record.covariance[np.ix_(free, free)], rtol=1e-6)


def test_another_mask_can_open_a_combination():
    geom = make_geom(nbin=2)
    run = FoVBackgroundMaker("fit", spectral_model=power_law()).run(make_run(geom=geom))
    mask = geom.region_mask([], inside=False)
    mask.data[0] = False
    assert identifiability(run).rank == 2
    assert identifiability(run, exclusion_mask=mask).rank == 1


def test_a_model_that_was_not_fitted_can_be_asked_about():
    run = make_run()
    at_all_edges = PiecewiseNormSpectralModel(run.geom.axes["energy"].edges)
    assert identifiability(run, FoVBackgroundModel("obs-1", at_all_edges)).rank == 3


@pytest.mark.parametrize(
    ("data", "model", "message"),
    [
        (make_run(), None, "there is no background model"),
        (SUMS, None, "there is no background model"),
        ([make_run()], None, "found a list; expected one dataset"),
        (SUMS, bkg(PiecewiseNormSpectralModel([1, 2] * u.TeV)), "without a free parameter"),
        (BackgroundSums([1.0], [1], [0.0]), bkg(PowerLawNormSpectralModel()), "no energy bin holds background"),
    ],
)
def test_where_nothing_is_to_be_determined_it_says_so(data, model, message):
    if "free" in message:
        model.freeze()
    with pytest.raises(InvalidInputError, match=message):
        identifiability(data, model)


def test_the_record_says_what_is_open():
    found = identifiability(SUMS, bkg(at_edges()))
    assert "rank      : 5 of 6" in repr(found)
    assert found._repr_html_().startswith("<table><caption>Identifiability</caption>")
