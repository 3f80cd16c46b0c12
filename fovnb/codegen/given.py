"""A program that begins with datasets which are there already: what follows the safe mask, and nothing before it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from fovnb.codegen.part import made_names
from fovnb.codegen.script import Comment, Do, Each, Loop, Program, Slice, Statement, used_names
from fovnb.errors import RecipeError
from fovnb.recipe import Recipe
from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Operation, Public

if TYPE_CHECKING:
    from fovnb.pipeline import Results

__all__ = ["check_given", "from_datasets"]

_DATASETS, _DATASET, _FITTED = Name("datasets"), Name("dataset"), Name("fitted")


def check_given(step: str | None, again: bool) -> None:
    """Raise `RecipeError` where code would have to make the datasets that were given.

    Examples
    --------
    >>> check_given("cube", again=False)
    Traceback (most recent call last):
    fovnb.errors.RecipeError: the datasets were given, so the code has no step 'cube'; choose from exclusion, ...
    """
    later = ("exclusion", "background", "stack")
    if step is not None and step not in later:
        msg = f"the datasets were given, so the code has no step {step!r}; choose from {', '.join(later)}"
        raise RecipeError(msg)
    if again:
        msg = (
            "the datasets were given, and code cannot make them anew; leave as_function and verify out, "
            "or begin with the data"
        )
        raise RecipeError(msg)


def from_datasets(program: Program, recipe: Recipe, results: "Results", root: str, masked: bool) -> Program:
    """Return the program of a recipe without its data, cubes and safe masks: ``datasets`` holds the runs after these.

    Parameters
    ----------
    program : tuple of statement
        The whole, for the root.
    recipe : Recipe
        What it does.
    results : Results
        What it came to with the datasets.
    root : {"fovnb", "gammapy"}
        For Gammapy the runs that could not be used are left out.
    masked : bool
        Whether ``exclusion_mask`` is there already, too.
    """
    kept = [one for one in program if one.step in ("exclusion", "background") or isinstance(one, Loop)]
    body = [line for one in kept if one.step != "stack" for line in (_fit(one) if not one.step else [one])]
    if masked and root == "fovnb":
        body = [_with_mask(one) for one in body if not (isinstance(one, Comment) and one.step == "exclusion")]
    chosen = list(_usable(results)) if root == "gammapy" else []
    return (*_start([*chosen, *body], masked and root == "fovnb"), *chosen, *body, *_stack(recipe))


def _start(body: list[Statement], masked: bool) -> Iterator[Statement]:
    """Yield what is said of the names that are there, and the geometry if it is needed."""
    both = "datasets, one a run after its safe mask, and exclusion_mask" if masked else "datasets, one a run"
    yield Comment(f"{both}: made before", "data")
    if any("geom" in used_names(getattr(one, "value", None)) for one in body) and "geom" not in made_names(body):
        yield Assign("first", Item(_DATASETS, 0), "data")
        yield Assign("geom", Item(Name("first.geoms"), "geom"), "data")


def _usable(results: "Results") -> Iterator[Statement]:
    """Yield a comment on each run that is left out, and the statement that leaves them out."""
    fits = [run.background_fit for run in results.datasets]
    used = [i for i, fit in enumerate(fits) if fit is not None and fit.enters_stack]
    if len(used) == len(fits):
        return
    for run, fit in zip(results.datasets, fits, strict=True):
        if fit is not None and not fit.enters_stack:
            yield Comment(f"{run.name} is left out, {fit.status}: {fit.reason}", "data")
    yield Assign("datasets", Each(Item(_DATASETS, Name("i")), "i", used), "data")


def _fit(loop: Statement) -> list[Statement]:
    """Return the loop over the runs with what it does after the safe mask; nothing if it does no more."""
    body = [one for one in loop.body if one.step == "background"] if isinstance(loop, Loop) else []
    if not body:
        return []
    append = Do(Method(_FITTED, "append", (_DATASET,)), "")
    return [
        Assign("fitted", [], "background", "Run by run"),
        Loop("dataset", _DATASETS, (*body, append), "background"),
        Assign("datasets", _FITTED, "background"),
    ]


def _with_mask(one: Statement) -> Statement:
    """Return a statement that makes the mask with what the mask that is there leaves out, too."""
    if isinstance(one, Assign) and one.target == "exclusion_mask" and "history" not in used_names(one.value):
        return replace(one, value=Operation("&", Name("exclusion_mask"), one.value))
    return one


def _stack(recipe: Recipe) -> Iterator[Statement]:
    """Yield the statement that adds the runs, in blocks if the recipe says so."""
    block = recipe.stack.block
    if block is None:
        yield Assign("stacked", _added(_DATASETS, "stacked"), "stack")
        return
    start = Name("start")
    runs = Item(_DATASETS, Slice(start, Operation("+", start, block)))
    name = Operation("+", "block-", Call(Public("builtins", "str"), (start,)))
    numbers = Call(Public("builtins", "range"), (0, Call(Public("builtins", "len"), (_DATASETS,)), block))
    yield Assign("blocks", Each(_added(runs, name), "start", numbers), "stack")
    yield Assign("stacked", _added(Name("blocks"), "stacked"), "stack")


def _added(runs: object, name: object) -> Method:
    return Method(Call(Public(".datasets", "Datasets"), (runs,)), "stack_reduce", (), (Arg("name", name),))
