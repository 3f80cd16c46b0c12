"""What fits summed: the numbers of the walk over the pixels, without it."""

import numpy as np
import pytest

from fovnb.diagnostics import ratio_spectrum
from fovnb.diagnostics.fitted_spectrum import fitted_spectrum
from fovnb.errors import InvalidInputError
from fovnb.makers import FoVBackgroundMaker
from fovnb.modeling.models import FoVGradientSpatialModel
from tests.datasets import make_geom, make_run
from tests.live_records import fitted_run
from tests.norms import power_law


class TestFittedSpectrum:
    @pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
    def test_equals_the_sums_of_the_pixels(self, seeds):
        runs = [fitted_run(seed) for seed in seeds]
        found, expected = fitted_spectrum(runs), ratio_spectrum(runs)
        for name in ("energy_edges", "counts", "npred", "ratio", "ratio_lo", "ratio_hi", "pull"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-6, atol=1e-6)
        assert found.deviance == pytest.approx(expected.deviance, rel=1e-6)
        assert (found.dof, len(found.names)) == (expected.dof, expected.n_runs)
        background = np.sum([run.background.data.sum(axis=(1, 2)) for run in runs], axis=0)
        np.testing.assert_allclose(found.background, background, rtol=1e-6)

    def test_holds_with_a_gradient_too(self):
        maker = FoVBackgroundMaker("fit", spectral_model=power_law(), spatial_model=FoVGradientSpatialModel())
        run = maker.run(fitted_run().replace(models=None, background_fit=None))
        np.testing.assert_allclose(fitted_spectrum(run).npred, ratio_spectrum(run).npred, rtol=1e-6)

    def test_failed_runs_take_no_part(self):
        empty = make_run("obs-9", make_geom(nbin=4))
        empty.counts.data[...] = 0
        with pytest.warns(match="obs-9"):
            failed = FoVBackgroundMaker("fit", spectral_model=power_law()).run(empty)
        assert fitted_spectrum([fitted_run(), failed]).names == ("obs-1",)
        with pytest.raises(InvalidInputError, match="too-few-counts"):
            fitted_spectrum(failed)

    def test_what_was_not_fitted_is_refused(self):
        with pytest.raises(InvalidInputError, match="'obs-1' was not fitted"):
            fitted_spectrum(make_run())
