"""Parameters, lists of them and their covariance."""

import numpy as np
import pytest
from astropy import units as u

from fovnb.errors import ModelError
from fovnb.modeling import Covariance, Parameter, Parameters
from fovnb.modeling.models import GaussianPrior


def make():
    return Parameters([Parameter("norm", 1, error=0.1), Parameter("reference", "2 TeV", frozen=True)])


def test_a_string_or_quantity_brings_its_unit():
    assert (Parameter("e", "2 TeV").value, Parameter("e", 2 * u.GeV).unit) == (2, u.GeV)


def test_limits_and_errors_are_converted_to_the_unit():
    par = Parameter("e", "2 TeV", min="500 GeV", max=3 * u.TeV, error="100 GeV")
    assert (par.min, par.max, par.error) == (0.5, 3, 0.1)
    par.set_lim(max=4)
    assert (par.min, par.max) == (0.5, 4)
    par.min = None
    assert np.isnan(par.min)


def test_quantity_takes_over_an_equivalent_unit_only():
    par = Parameter("e", "2 TeV")
    par.quantity = "500 GeV"
    assert (par.value, par.unit) == (500, u.GeV)
    with pytest.raises(ModelError, match="'e' is in GeV, but 3"):
        par.quantity = 3 * u.s


@pytest.mark.parametrize("value", ["many", [1, 2], None, np.nan])
def test_values_that_are_no_number(value):
    with pytest.raises(ModelError, match="'norm' cannot be"):
        Parameter("norm", value)
    with pytest.raises(ModelError, match="'norm' cannot be"):
        Parameter("norm", 1).value = value


def test_frozen_is_a_bool():
    with pytest.raises(ModelError, match="True or False, not 'no'"):
        Parameter("norm", 1).frozen = "no"


def test_lookup_by_name_position_object_slice_and_mask():
    pars = make()
    assert pars["norm"] is pars[0] is pars[-2] is pars[pars[0]]
    assert pars[:1].names == pars[np.array([True, False])].names == ["norm"]
    assert pars.index("reference") == 1
    with pytest.raises(ModelError, match="did you mean 'norm'"):
        pars["nrom"]
    with pytest.raises(ModelError, match="not one of norm, reference"):
        pars.index(Parameter("norm", 1))


def test_free_and_unique():
    pars = make()
    twice = pars + pars
    assert twice.names == ["norm", "reference"] * 2
    assert twice.unique_parameters == pars
    assert twice.free_unique_parameters.names == ["norm"]
    pars.unfreeze_all()
    assert pars.free_parameters == pars
    pars.freeze_all()
    assert len(pars.free_parameters) == 0


def test_arrays_set_each_parameter():
    pars = make()
    pars.value, pars.min, pars.max = [3, 4], [0, 1], [5, 6]
    assert (pars[1].value, pars[1].min, pars[1].max) == (4, 1, 6)
    with pytest.raises(ModelError, match="3 numbers given for value"):
        pars.value = [1, 2, 3]


def test_copies_are_independent_but_keep_links():
    pars = make()
    new = (pars + pars[:1]).copy()
    new[0].value = 9
    assert new[2].value == 9
    assert pars[0].value == 1


class TestPrior:
    def test_by_hand(self):
        prior = GaussianPrior(mu=2, sigma=0.5)
        assert (prior.mu.value, prior.sigma.value, prior.weight) == (2, 0.5, 1)
        assert (prior.pull(1.0), prior.penalty(1.0)) == (-2, 4)
        assert prior.penalty(2.0) == 0

    def test_the_weight_multiplies(self):
        assert GaussianPrior(mu=2, sigma=0.5, weight=3).penalty(1.0) == pytest.approx(12)

    def test_is_minus_two_log_of_a_density_that_integrates_to_one(self):
        x = np.linspace(-4, 8, 2001)
        density = [np.exp(-0.5 * GaussianPrior(mu=2, sigma=0.7)(Parameter("norm", value))) for value in x]
        assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-9)

    def test_defaults_are_gammapys(self):
        assert GaussianPrior() == GaussianPrior(mu=0, sigma=1, weight=1)
        assert Parameter("norm", 1).prior is None

    def test_is_given_to_a_parameter_as_itself_or_as_its_dictionary(self):
        par = Parameter("norm", 1)
        par.prior = prior = GaussianPrior(1, 0.2)
        assert par.prior is prior
        assert par.copy().prior == prior
        assert Parameter("norm", 1, prior=prior.to_dict()).prior == prior
        assert Parameters([par, Parameter("tilt", 0)]).prior == [prior, None]
        assert "prior=GaussianPrior(mu=1, sigma=0.2)" in repr(par)
        par.prior = None
        assert "prior" not in par.to_dict()

    def test_plain_values_are_gammapys(self):
        mu, sigma = {"name": "mu", "value": 1.0, "unit": ""}, {"name": "sigma", "value": 0.2, "unit": ""}
        data = {"type": "GaussianPrior", "parameters": [mu, sigma], "weight": 1.0}
        assert Parameter("norm", 1, prior=GaussianPrior(1, 0.2)).to_dict()["prior"] == data
        assert GaussianPrior.from_dict({"prior": data}) == GaussianPrior.from_dict(data) == GaussianPrior(1, 0.2)

    @pytest.mark.parametrize("sigma", [0, -1, np.nan, np.inf])
    def test_the_width_is_positive_and_finite(self, sigma):
        with pytest.raises(ModelError, match=r"sigma of the prior is .*; (it must be positive|give a finite number)"):
            GaussianPrior(1, sigma)
        with pytest.raises(ModelError, match="weight of the prior is"):
            GaussianPrior(1, 1, weight=sigma)

    def test_the_mean_is_a_finite_number(self):
        for mu in (np.nan, np.inf, "many", "1 TeV", [1, 2], None):
            with pytest.raises(ModelError, match="mu of the prior is"):
                GaussianPrior(mu)

    def test_never_changes(self):
        with pytest.raises(AttributeError):
            GaussianPrior(1, 0.2).sigma = 0
        with pytest.raises(AttributeError):
            GaussianPrior(1, 0.2).sigma.value = 0

    @pytest.mark.parametrize("prior", [1, "GaussianPrior", {"type": "UniformPrior"}, {"type": "GaussianPrior"}, {}])
    def test_other_things_are_refused(self, prior):
        with pytest.raises(ModelError, match="prior"):
            Parameter("norm", 1).prior = prior

    def test_text(self):
        prior = GaussianPrior(1, 0.2, weight=2)
        assert repr(prior) == "GaussianPrior(mu=1, sigma=0.2, weight=2)"
        assert "sigma  : 0.2" in str(prior)
        assert "<td>0.2</td>" in prior._repr_html_()


def test_table_has_one_row_a_parameter():
    table = make().to_table()
    assert table["name"].tolist() == ["norm", "reference"]
    assert table["unit"].tolist() == ["", "TeV"]
    assert table["frozen"].tolist() == [False, True]
    assert Parameters([Parameter("norm", 1, prior=GaussianPrior())]).to_table()["prior"].tolist() == ["GaussianPrior"]
    assert len(Parameters().to_table()) == 0


def test_covariance_starts_with_the_errors_and_has_blocks():
    covariance = Covariance(make())
    np.testing.assert_allclose(covariance.data, [[0.01, 0], [0, 0]])
    assert covariance.get_subcovariance(["norm"]).data.tolist() == [[covariance.data[0, 0]]]
    with pytest.raises(ModelError, match=r"expected \(2, 2\)"):
        Covariance(make(), np.eye(3))


def test_text_escapes_and_is_stable():
    pars = Parameters([Parameter("<b>", 1)])
    assert repr(pars) == "Parameters(<b>=1)"
    assert "&lt;b&gt;" in pars._repr_html_()
    assert "&lt;b&gt;" in pars[0]._repr_html_()
    assert repr(pars[0]).startswith("Parameter(name='<b>', value=1.0, unit=''")
    assert repr(Covariance(make())) == "Covariance(norm, reference)"
