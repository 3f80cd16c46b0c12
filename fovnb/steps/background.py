"""How the background of each run is made to fit, as statements."""

from fovnb.recipe import Background, Gradient, Group
from fovnb.steps.expressions import Arg, Assign, Call, Name, Public, Quantity
from fovnb.steps.norms import norm_statements, parameter_statements

__all__ = ["background_statements", "fov_bkg_maker", "group_statement"]


def background_statements(background: Background, masked: bool) -> list[Assign]:
    """Return the statements that make ``spectral_model`` and ``fov_bkg_maker``.

    Parameters
    ----------
    background : Background
        The step.
    masked : bool
        Whether there is an ``exclusion_mask``.
    """
    gradient = [] if background.gradient is None else _gradient(background.gradient)
    return [*norm_statements(background.norm), *gradient, fov_bkg_maker(background, masked)]


def fov_bkg_maker(background: Background, masked: bool) -> Assign:
    """Return the statement that makes ``fov_bkg_maker``."""
    args = (
        Arg("method", background.method, "scale"),
        Arg("exclusion_mask", Name("exclusion_mask") if masked else None, None),
        Arg("spectral_model", Name("spectral_model")),
        Arg("spatial_model", None if background.gradient is None else Name("spatial_model"), None),
        Arg("min_counts", background.min_counts, 0.0),
        Arg("min_npred_background", background.min_npred_background, 0.0),
    )
    return Assign("fov_bkg_maker", Call(Public(".makers", "FoVBackgroundMaker"), (), args), "background")


def group_statement(group: Group, masked: bool, *more: Arg) -> Assign:
    """Return the statement that fits ``datasets`` together, group by group, maybe with more arguments."""
    args = (
        Arg("spectral_model", Name("spectral_model")),
        Arg("shared", "all" if group.shared == ("all",) else list(group.shared), ["tilt"]),
        Arg("group_by", dict(group.table) if group.by == "table" else group.by, "night"),
        Arg("exclusion_mask", Name("exclusion_mask") if masked else None, None),
        Arg("zenith_edges_deg", list(group.zenith_edges_deg), [0.0, 20.0, 30.0, 40.0, 50.0, 60.0, 90.0]),
    )
    fitted = Call(Public(".makers", "fit_together"), (Name("datasets"),), (*args, *more))
    return Assign("datasets", Call(Public("builtins", "list"), (fitted,)), "background")


def _gradient(gradient: Gradient) -> list[Assign]:
    values = [(name, getattr(gradient, name)) for name in ("gx", "gy")]
    args = [Arg(name, Quantity(one.value, "deg-1"), Quantity(0.0, "deg-1")) for name, one in values]
    made = Call(
        Public(".modeling.models", "FoVGradientSpatialModel"),
        (),
        (*args, Arg("alignment", gradient.alignment, "RADEC")),
    )
    settings = [s for name, one in values for s in parameter_statements(f"spatial_model.{name}", one, frozen=False)]
    return [Assign("spatial_model", made, "background"), *settings]
