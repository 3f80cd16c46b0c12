"""The program of a recipe in fovnb: the statements that the pipeline evaluates, and the loops around them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from fovnb.codegen.script import Comment, Do, Each, Loop, Program, Slice, Statement
from fovnb.datasets import MapDataset
from fovnb.recipe import Recipe
from fovnb.steps import (
    background_statements,
    cube_statements,
    data_statements,
    exclusion_statements,
    fov_bkg_maker,
    group_statement,
    has_mask,
    new_dataset,
    safe_mask_statements,
    suggestion_statements,
)
from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Operation, Public

if TYPE_CHECKING:
    from fovnb.pipeline import Results

__all__ = ["fovnb_program", "is_failed", "stack_statements"]

_DATASETS, _DATASET, _STACKED = Name("datasets"), Name("dataset"), Name("stacked")


def fovnb_program(
    recipe: Recipe, results: "Results | None" = None, step: str | None = None, masked: bool = False
) -> Program:
    """Return the statements of a recipe, which leave ``datasets`` and ``stacked``.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    results : Results, optional
        What it came to: where a run could not be made, the others go on in the code, too.
    step : str, optional
        The last step that is asked for: a call that takes all makers takes no later ones.
    masked : bool
        Whether there is an ``exclusion_mask`` whatever the recipe excludes.
    """
    failed = [is_failed(run) for run in results.datasets] if results is not None else [False]
    exclusion, group = recipe.exclusion, recipe.background.group
    together = bool(exclusion.suggestion or group) and not all(failed)
    loop = _safe_loop(together, step) if any(failed) else _loop(together)
    masked = masked or has_mask(exclusion)
    after = _together(recipe, any(failed), step, masked) if together else ()
    single = not together or exclusion.suggestion is not None
    return (*_before_runs(recipe, single, masked), *loop, *after, *stack_statements(recipe))


def _before_runs(recipe: Recipe, single: bool, masked: bool) -> Iterator[Statement]:
    """Yield the statements up to the first run: what is read, and the makers, that of single fits if there are any."""
    exclusion = recipe.exclusion
    yield from data_statements(recipe.data)
    yield from cube_statements(recipe.cube)
    yield from safe_mask_statements(recipe.safe_mask)
    mask: list[Statement] = [*exclusion_statements(exclusion)]
    nothing = "none: the background fit uses the whole field of view" if exclusion.suggestion is None else "none so far"
    yield from mask or [Comment(nothing, "exclusion")]
    *model, maker = background_statements(recipe.background, masked)
    yield from (*model, maker) if single else model


def stack_statements(recipe: Recipe) -> Iterator[Statement]:
    """Yield the statements that add ``datasets`` to ``stacked``, block by block if the recipe says so."""
    block = recipe.stack.block
    if block is None:
        yield Loop("dataset", _DATASETS, (_stacked(_STACKED, _DATASET),), "stack")
        return
    start = Name("start")
    inner = (
        Assign("block", new_dataset(recipe.cube, "block"), "stack"),
        Loop(
            "dataset",
            Item(_DATASETS, Slice(start, Operation("+", start, block))),
            (_stacked(Name("block"), _DATASET),),
            "stack",
        ),
        _stacked(_STACKED, Name("block")),
    )
    length = Call(Public("builtins", "len"), (_DATASETS,))
    yield Loop("start", Call(Public("builtins", "range"), (0, length, block)), inner, "stack")


def _loop(together: bool) -> Program:
    """Return the loop that leads each run through the makers."""
    observation = Name("observation")
    args = {"cube": (_STACKED, observation), "safe_mask": (_DATASET, observation), "background": (_DATASET,)}
    body = [Assign("dataset", Method(Name(name), "run", args[key]), key) for key, name in _makers(together)]
    append = Do(Method(_DATASETS, "append", (_DATASET,)), "")
    return (
        Assign("datasets", [], "", "Run by run"),
        Loop("observation", Name("observations"), (*body, append)),
    )


def _safe_loop(together: bool, step: str | None) -> Program:
    """Return the call that does the same up to a step, and goes on where a run cannot be made."""
    makers = _makers(together)
    steps = [key for key, _ in makers]
    wanted = makers[: steps.index(step) + 1] if step in steps else makers
    names = [Name(name) for _, name in wanted]
    reduced = Call(Public(".makers", "reduce_observations"), (Name("observations"), _STACKED, names))
    comment = "Run by run; one that cannot be made says why in its background_fit"
    return (Assign("datasets", _list(reduced), wanted[-1][0], comment),)


def _makers(together: bool) -> tuple[tuple[str, str], ...]:
    """Return the step and the name of each maker that takes a run alone."""
    alone = (("cube", "maker"), ("safe_mask", "safe_mask_maker"))
    return alone if together else (*alone, ("background", "fov_bkg_maker"))


def _together(recipe: Recipe, failed: bool, step: str | None, masked: bool) -> Iterator[Statement]:
    """Yield what follows when all runs are made: areas that they suggest, and their fits."""
    exclusion, background = recipe.exclusion, recipe.background
    masked = masked or exclusion.suggestion is not None
    if failed:
        yield from _set_apart(step)
    if exclusion.suggestion is not None:
        first, *rest = suggestion_statements(exclusion.suggestion)
        yield from (replace(first, comment="Further areas, where the runs show significant counts"), *rest)
    if background.group is not None:
        yield replace(group_statement(background.group, masked), comment="Background, runs together")
    else:
        yield replace(fov_bkg_maker(background, masked), comment="Background outside of these areas, too")
        fitted = Each(Method(Name("fov_bkg_maker"), "run", (_DATASET,)), "dataset", _DATASETS)
        yield Assign("datasets", fitted, "background")
    if failed:
        key = Arg("key", Call(Public("operator", "attrgetter"), ("run_info.obs_id",)))
        both = Call(Public("builtins", "sorted"), (Operation("+", _DATASETS, Name("failed")),), (key,))
        yield Assign("datasets", both, "background")


def _set_apart(step: str | None) -> Iterator[Statement]:
    """Yield the statements that divide the runs into those that could be made and the others, if those come back."""
    signs = {"datasets": "is"} if step == "exclusion" else {"failed": "is not", "datasets": "is"}
    comment = "Runs that could not be made are set apart"
    for name, sign in signs.items():
        condition = Operation(sign, Name("dataset.background_fit"), None)
        yield Assign(name, Each(_DATASET, "dataset", _DATASETS, condition), "safe_mask", comment)
        comment = ""


def _stacked(onto: Name, dataset: Name) -> Do:
    return Do(Method(onto, "stack", (dataset,)), "stack")


def _list(made: Call) -> Call:
    return Call(Public("builtins", "list"), (made,))


def is_failed(run: MapDataset) -> bool:
    """Return whether a run could not be made: it holds nothing but the reason."""
    return all(getattr(run, name) is None for name in ("counts", "exposure", "background", "psf", "edisp"))
