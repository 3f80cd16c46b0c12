"""The runs of a text for Gammapy: those that could be used, and a comment on each of the others."""

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from fovnb.codegen.script import Comment, Statement
from fovnb.datasets import MapDataset
from fovnb.recipe import Recipe
from fovnb.steps import data_statements
from fovnb.steps.expressions import Arg, Call, Method, Public

__all__ = ["obs_id_of", "run_statements"]

_IRFS = MappingProxyType({"exposure": "aeff", "background": "bkg", "psf": "psf", "edisp": "edisp"})


def run_statements(recipe: Recipe, datasets: Iterable[MapDataset]) -> list[Statement]:
    """Return the statements that make ``data_store`` and ``observations``.

    Gammapy adds the time of a run that failed to a stack, so such runs are not read at all.

    Parameters
    ----------
    recipe : Recipe
        What was done.
    datasets : iterable of MapDataset
        What it came to, run by run.
    """
    store, *chosen, runs = data_statements(recipe.data)
    comment = "Data, simulated by fovnb, of which nothing else is needed" if recipe.data.folder is None else ""
    store = replace(store, value=_store(store.value), comment=comment)
    notes: list[Statement] = []
    used: list[int] = []
    for dataset in datasets:
        fit = dataset.background_fit
        if fit is not None and fit.enters_stack:
            used.append(obs_id_of(dataset))
        else:
            status, reason = ("excluded", "it was not fitted") if fit is None else (fit.status, fit.reason)
            text = f"OBS_ID {obs_id_of(dataset)} is left out, {status}: {reason}"
            notes.append(Comment(text, "data"))
    args = (used,) if notes else runs.value.args
    found = replace(runs.value, args=args, kwargs=_required(recipe))
    return [store, *([] if notes else chosen), *notes, replace(runs, value=found)]


def obs_id_of(dataset: MapDataset) -> int:
    """Return the OBS_ID of a run's dataset."""
    assert dataset.run_info is not None  # every maker sets it
    return dataset.run_info.obs_id


def _store(value: Any) -> Any:
    """Return the call that opens the data; the simulated ones are fovnb's, and Gammapy fills in no ``~``."""
    (source,) = value.args
    if isinstance(source, Call):
        source = replace(source, function=Public("fovnb.demo", "make_demo"))
    elif source.startswith("~"):
        source = Method(Call(Public("pathlib", "Path"), (source,)), "expanduser")
    return replace(value, args=(source,))


def _required(recipe: Recipe) -> tuple[Arg, ...]:
    """Return which responses a run must have: Gammapy skips runs that lack one, be it needed or not."""
    selection = recipe.cube.selection
    if selection is None:
        return ()
    needed = {_IRFS[part] for part in selection if part in _IRFS}
    if "aeff-default" in recipe.safe_mask.methods or needed & {"psf", "edisp"}:
        needed.add("aeff")
    return (Arg("required_irf", [name for name in _IRFS.values() if name in needed]),)
