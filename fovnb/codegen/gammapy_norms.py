"""The norm of each run in words of Gammapy: what its fit finds, and what is written as the values it came to.

A dataset of Gammapy that already has a background model keeps it, so that a run can have its own nodes, frozen
parameters or norms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from fovnb.codegen.gammapy_runs import obs_id_of
from fovnb.codegen.script import Comment, Do, Loop, Statement
from fovnb.datasets import MapDataset
from fovnb.modeling.background_record import BackgroundFit
from fovnb.modeling.models import FoVBackgroundModel, PiecewiseNormSpectralModel
from fovnb.recipe import Background, Parameter, PiecewiseNorm
from fovnb.steps import fov_bkg_maker, norm_statements
from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Public, Quantity

__all__ = ["RunNorms", "run_norms"]

_STEP = "background"
_MODELS = ".modeling.models"
_RUN = Name("observation.obs_id")
_LARGE = 3.0  # error of a norm, as a multiple of it


@dataclass(frozen=True)
class RunNorms:
    """How the background of each run is normalised.

    Parameters
    ----------
    before : tuple of statement
        What is made once.
    inside : tuple of statement
        What gives a run's ``dataset`` a model of its own.
    fitted : tuple of bool
        Whether ``fov_bkg_maker`` is to run, one a run.
    """

    before: tuple[Statement, ...]
    inside: tuple[Statement, ...] = ()
    fitted: tuple[bool, ...] = ()


def run_norms(background: Background, datasets: Sequence[MapDataset], masked: bool, by_values: bool) -> RunNorms:
    """Return how the background of runs is normalised in Gammapy.

    Parameters
    ----------
    background : Background
        The step, one that Gammapy can say unless it is said by values.
    datasets : sequence of MapDataset
        The runs that could be used, with their background models.
    masked : bool
        Whether there is an ``exclusion_mask``.
    by_values : bool
        Whether norms are written bin by bin, without a fit.
    """
    if by_values or not datasets:
        return _values(datasets) if datasets else RunNorms(())
    held = {obs_id_of(one): found for one in datasets if (found := _held(_fit(one)))}
    free = tuple(len(held.get(obs_id_of(one), ())) < len(_fit(one).free_names) for one in datasets)
    norm = background.norm
    if own_nodes := isinstance(norm, PiecewiseNorm) and norm.energy_tev is None:
        made, model = [_nodes(norm.min_counts, datasets)], _at_nodes(norm.interp)
    else:
        made, model = norm_statements(_start(background)), Method(Name("spectral_model"), "copy")
    maker = [_maker(background, masked, own=own_nodes or bool(held))] if any(free) else []
    fixed = list(_held_statements(held, datasets)) if held else []
    inside = _inside(model, _freeze_held() if held else [])
    return RunNorms((*made, *fixed, *maker), inside if own_nodes or held else (), free)


def _maker(background: Background, masked: bool, own: bool) -> Assign:
    """Return the statement that makes ``fov_bkg_maker``, without a norm model where each run has its own.

    Gammapy compares ``min_npred_background`` with the prediction of the norm that the fit starts from, fovnb with the
    background as shipped, so it is left out: the runs that did not meet it are.
    """
    plain = fov_bkg_maker(replace(background, min_npred_background=0.0), masked)
    args = [arg for arg in plain.value.kwargs if not (own and arg.name == "spectral_model")]
    if background.method == "fit":
        fit = Call(Public(".modeling", "Fit"), (), (Arg("optimize_opts", {"tol": 1e-3}),))
        args.append(Arg("fit", fit, None))
    return replace(plain, value=replace(plain.value, kwargs=tuple(args)))


def _start(background: Background) -> Any:
    """Return the norm model to start from; Gammapy scales what it predicts at the start, so there its norm is 1."""
    norm: Any = background.norm
    return norm if background.method == "fit" else norm.edit(norm=Parameter(1.0, frozen=norm.norm.frozen))


def _nodes(min_counts: float, datasets: Sequence[MapDataset]) -> Assign:
    """Return the nodes that the counts of each run came to."""
    nodes = {obs_id_of(one): Quantity(_node_energies(one), "TeV") for one in datasets}
    return Assign("nodes", nodes, _STEP, f"Nodes of each run, with at least {min_counts:g} counts a node")


def _at_nodes(interp: str) -> Any:
    args = (Arg("energy", Item(Name("nodes"), _RUN)), Arg("interp", interp, "log"))
    return Call(Public(_MODELS, "PiecewiseNormSpectralModel"), (), args)


def _node_energies(dataset: MapDataset) -> tuple[float, ...]:
    spectral = _model(dataset).spectral_model
    assert isinstance(spectral, PiecewiseNormSpectralModel)
    return tuple(spectral.energy.to_value("TeV").tolist())


def _values(datasets: Sequence[MapDataset]) -> RunNorms:
    """Return the norms of each run bin by bin; a lone bin has them at both edges, for Gammapy wants two nodes."""
    norms = {obs_id_of(one): _model(one).spectral_model.evaluate_tev(_fit(one).energy).tolist() for one in datasets}
    if lone := any(len(one) == 1 for one in norms.values()):
        norms = {obs_id: 2 * one for obs_id, one in norms.items()}
    energy = Name("energy_axis.edges" if lone else "energy_axis.center")
    args = (Arg("energy", energy), Arg("norms", Item(Name("norms"), _RUN)))
    model = Call(Public(_MODELS, "PiecewiseNormSpectralModel"), (), args)
    freeze: list[Statement] = [Do(Method(Name("model"), "freeze"), _STEP)]
    comment = f"The norms that fovnb found, at the {'edges' if lone else 'centres'} of the energy bins"
    made = Assign("norms", norms, _STEP, comment)
    return RunNorms((made,), _inside(model, freeze), (False,) * len(datasets))


def _inside(model: Any, settings: list[Statement]) -> tuple[Statement, ...]:
    """Return the statements that give ``dataset`` a background model of its own."""
    args = (Arg("spectral_model", Name("model")), Arg("dataset_name", Name("dataset.name")))
    own = Call(Public(_MODELS, "FoVBackgroundModel"), (), args)
    return (Assign("model", model, _STEP), *settings, Assign("dataset.models", own, _STEP))


def _held(fit: BackgroundFit) -> dict[str, float]:
    """Return the parameters that stand at a limit or that the data do not fix, alone or together, with their values.

    Minuit loses its way, too, where a norm is known to no better than a large factor, as that of a far node.
    """
    found = zip(fit.parameter_names, fit.values.tolist(), fit.errors.tolist(), strict=True)
    return {
        name: value
        for name, value, error in found
        if name in fit.free_names and not error < (_LARGE * value if name.startswith("norm") else inf)
    }


def _held_statements(held: dict[int, dict[str, float]], datasets: Sequence[MapDataset]) -> Iterator[Statement]:
    """Yield a line on each run that holds parameters, and their values."""
    comment = "Parameters that the data of a run do not fix are frozen at fovnb's values"
    for one in datasets:
        if obs_id_of(one) in held:
            yield Comment(f"OBS_ID {obs_id_of(one)}: {_fit(one).reason}", _STEP, comment)
            comment = ""
    yield Assign("held", held, _STEP)


def _freeze_held() -> list[Statement]:
    mine = Method(Name("held"), "get", (_RUN, {}))
    parameter = "model.parameters[name]"
    body = (Assign(f"{parameter}.value", Name("value"), _STEP), Assign(f"{parameter}.frozen", True, _STEP))
    return [Loop("name, value", Method(mine, "items"), body, _STEP)]


def _fit(dataset: MapDataset) -> BackgroundFit:
    assert dataset.background_fit is not None  # only runs that were fitted come here
    return dataset.background_fit


def _model(dataset: MapDataset) -> FoVBackgroundModel:
    assert dataset.background_model is not None
    return dataset.background_model
