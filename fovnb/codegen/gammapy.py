"""The program of a recipe in Gammapy 2.1: the same statements, and plain values where Gammapy has no words.

Of Gammapy it is used that masks on the dataset's own grid are taken as they are, that a dataset keeps the background
model that it has, and that norms are evaluated at the centres of the energy bins.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fovnb.codegen.gammapy_limits import needs_values
from fovnb.codegen.gammapy_mask import mask_statements
from fovnb.codegen.gammapy_norms import RunNorms, run_norms
from fovnb.codegen.gammapy_runs import run_statements
from fovnb.codegen.program import stack_statements
from fovnb.codegen.script import Comment, Do, Loop, Program, Statement
from fovnb.recipe import Recipe
from fovnb.steps import cube_statements, safe_mask_statements
from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Operation, Public

if TYPE_CHECKING:
    from fovnb.pipeline import Results

__all__ = ["gammapy_program"]

_NO_FIT = (Comment("no fit follows, so that nothing is to be left out", "exclusion"),)
_DATASETS, _DATASET, _OBSERVATION = Name("datasets"), Name("dataset"), Name("observation")


def gammapy_program(recipe: Recipe, results: "Results", as_values: bool = False) -> Program:
    r"""Return the statements of a recipe for Gammapy, which leave ``datasets`` and ``stacked``.

    The data are fitted there again, to the same numbers wherever the fit is well posed. Runs that could not be used
    are left out, with a comment on each.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    results : Results
        What it came to.
    as_values : bool
        Whether norms that Gammapy cannot find may be written as the values that they came to, without a fit.

    Raises
    ------
    RecipeError
        If Gammapy cannot say it; the message names the field.

    Examples
    --------
    >>> from fovnb.codegen.render import render
    >>> from fovnb.pipeline import run
    >>> recipe = Recipe()
    >>> code = render(gammapy_program(recipe, run(recipe)), root="gammapy")
    >>> print(code.partition("# Run by run\n")[2].partition("\n\n")[0])
    datasets = []
    for observation in observations:
        dataset = maker.run(
            stacked.copy(name="obs-" + str(observation.obs_id)),
            observation,
        )
        dataset = safe_mask_maker.run(dataset, observation)
        dataset = fov_bkg_maker.run(dataset)
        datasets.append(dataset)
    """
    by_values = needs_values(recipe.background, as_values)
    used = [one for one in results.datasets if one.background_fit is not None and one.background_fit.enters_stack]
    masked = results.exclusion_mask is not None
    norms = run_norms(recipe.background, used, masked, by_values)
    return (
        *run_statements(recipe, list(results.datasets)),
        *cube_statements(recipe.cube),
        *safe_mask_statements(recipe.safe_mask),
        *(mask_statements(recipe.exclusion, results.exclusion_mask) if any(norms.fitted) else _NO_FIT),
        *norms.before,
        *_loops(norms),
        *stack_statements(recipe),
    )


def _loops(norms: RunNorms) -> Iterator[Statement]:
    """Yield the loop that leads each run through the makers; where only some are to be fitted that comes after it."""
    together = bool(norms.fitted) and all(norms.fitted)
    fit = Assign("dataset", Method(Name("fov_bkg_maker"), "run", (_DATASET,)), "background")
    yield Assign("datasets", [], "", "Run by run")
    body: Sequence[Statement] = (
        Assign("dataset", Method(Name("maker"), "run", (_named_reference(), _OBSERVATION)), "cube"),
        Assign("dataset", Method(Name("safe_mask_maker"), "run", (_DATASET, _OBSERVATION)), "safe_mask"),
        *norms.inside,
        *([fit] if together else []),
        Do(Method(_DATASETS, "append", (_DATASET,)), ""),
    )
    yield Loop("observation", Name("observations"), tuple(body))
    if any(norms.fitted) and not together:
        numbers = [i for i, fitted in enumerate(norms.fitted) if fitted]
        one = Method(Name("fov_bkg_maker"), "run", (Item(_DATASETS, Name("i")),))
        comment = "Only these runs have a free parameter"
        yield Loop("i", numbers, (Assign("datasets[i]", one, "background"),), "background", comment)


def _named_reference() -> Method:
    """Return the reference under the name of the run, which its dataset takes over."""
    number = Call(Public("builtins", "str"), (Name("observation.obs_id"),))
    return Method(Name("stacked"), "copy", (), (Arg("name", Operation("+", "obs-", number)),))
