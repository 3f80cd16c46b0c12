"""What the steps of recipes take for default values is so in Gammapy, too, so that short code means the same there."""

import pytest

from fovnb.steps.expressions import Arg, Public, evaluate
from tests.stated import real_default, same, stated_defaults

# Functions and arguments that Gammapy 2.1 does not have are not written in its code.
OURS = {"ExclusionMask", "iterate_exclusion", "fit_together", "make_demo", "FoVGradientSpatialModel"}
OUR_MODELS = {"TemplateNormSpectralModel", "PiecewisePowerLawNormSpectralModel"}


def shared() -> list[tuple[Public, Arg]]:
    return [(f, arg) for f, arg in stated_defaults() if f.name.split(".")[0] not in OURS | OUR_MODELS]


@pytest.mark.parametrize(("function", "arg"), shared(), ids=lambda one: getattr(one, "name", None))
def test_a_stated_default_is_gammapys(function: Public, arg: Arg):
    import gammapy.modeling.models as theirs

    if function.module == ".modeling.models" and arg.name != "interp":
        model = getattr(theirs, function.name)
        known = {p.name: p.quantity for p in getattr(model, "default_parameters", [])}
        if arg.name in known or arg.name == "weight":
            assert (known | {"weight": theirs.GaussianPrior().weight})[arg.name] == evaluate(arg.default, {})
            return
    assert same(arg.default, real_default(function, arg.name, "gammapy"))
