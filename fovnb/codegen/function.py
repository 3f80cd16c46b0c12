"""A program as a function, whose parameters are the folder and the runs."""

from dataclasses import replace
from types import MappingProxyType

from fovnb.codegen.part import made_names
from fovnb.codegen.script import Function, Program, Statement
from fovnb.steps.expressions import Arg, Assign, Call, Method, Name, Public

__all__ = ["as_function"]

_RUNS = ("datasets", "Return the datasets, one a run.")
_ALL = ("datasets, stacked", "Return the datasets, one a run, and their stack.")
_RESULTS = MappingProxyType(
    {
        "data": ("observations", "Return the runs."),
        "cube": _RUNS,
        "safe_mask": _RUNS,
        "background": _RUNS,
        "exclusion": ("exclusion_mask", "Return the exclusion mask, True = used."),
        "stack": _ALL,
    }
)


def as_function(program: Program, step: str | None = None) -> Program:
    """Return the function ``analyse`` with the statements in it, and its call.

    Parameters
    ----------
    program : tuple of statement
        What it does.
    step : str, optional
        The step that it ends with; the function returns what that makes.
    """
    result, doc = _RESULTS[step or "stack"]
    if not set(result.split(", ")) <= set(made_names(program)):  # nothing is excluded: there is nothing to return
        return program
    pairs = [_opened(one) for one in program]
    parameters = tuple(arg for _, arg in pairs if arg is not None)
    made = Function("analyse", parameters, doc, tuple(one for one, _ in pairs), result)
    return made, Assign(result, Call(Public("", "analyse")), "")


def _opened(one: Statement) -> tuple[Statement, Arg | None]:
    """Return a statement with a parameter in the place of a folder or OBS_IDs, and that parameter."""
    match one:
        case Assign("data_store", Call(_, (str(folder),)) as made):
            return replace(one, value=replace(made, args=(Name("folder"),))), Arg("folder", folder)
        case Assign("observations", Method(_, _, (list(obs_ids),)) as made):
            return replace(one, value=replace(made, args=(Name("obs_ids"),))), Arg("obs_ids", tuple(obs_ids))
    return one, None
