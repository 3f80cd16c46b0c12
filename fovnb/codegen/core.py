"""A recipe as code: one text for fovnb and Gammapy, ordinary calls of public names, step by step."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fovnb.codegen.function import as_function as wrapped
from fovnb.codegen.given import check_given, from_datasets
from fovnb.codegen.header import header_lines
from fovnb.codegen.part import check_step, only_step
from fovnb.codegen.program import fovnb_program
from fovnb.codegen.render import render
from fovnb.codegen.script import Program
from fovnb.errors import DataError, RecipeError
from fovnb.files import make_path, replace_whole
from fovnb.pipeline.inputs import Roots
from fovnb.recipe import Recipe
from fovnb.text import did_you_mean

if TYPE_CHECKING:
    from fovnb.pipeline import Given, Results

__all__ = ["Root", "now", "program_of", "results_of", "save_code", "to_code", "write_text"]

Root = Literal["fovnb", "gammapy"]
_ROOTS = ("fovnb", "gammapy")


def to_code(
    recipe: Recipe,
    root: Root = "fovnb",
    full: bool = False,
    step: str | None = None,
    as_function: bool = False,
    verify: bool = False,
    as_values: bool = False,
    *,
    roots: Roots = None,
    results: "Results | None" = None,
    given: "Given | None" = None,
) -> str:
    r"""Return a recipe as a script that leaves ``datasets``, a list with one for each run, and ``stacked``.

    The same recipe and data give the same text. Comments at its beginning say which versions wrote it, and from which
    runs and files, by their SHA-256; it names no folder but those of the recipe.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    root : {"fovnb", "gammapy"}
        The package that the code uses. For Gammapy the recipe is run first, unless ``results`` are given: what Gammapy
        has no words for is written as the values that it came to.
    full : bool
        Whether all that the recipe can set is written, be it equal to the default; what it cannot set stays out.
    step : str, optional
        One of "data", "cube", "safe_mask", "exclusion", "background", "stack": that step with what it needs.
    as_function : bool
        Whether to write a function, and its call.
    verify : bool
        Whether to execute the text in a fresh interpreter, and to compare what it leaves with the results: for fovnb
        all arrays and parameters, to the last bit. For Gammapy, of the runs that could be used, and of the stack:
        counts and masks must be the same; background and exposure agree within 1e-4, responses within 1e-3 where they
        are above a thousandth of their peak, free parameters within 0.002 of their error, frozen ones within 1e-9. Of
        a norm that the code says by other parameters its curve counts, within 1e-4.
    as_values : bool
        For Gammapy: whether norms that it does not know are written as their values.
    roots : list of path, optional
        Folders that are open to the paths of the recipe; see `fovnb.recipe.paths.resolve`.
    results : Results, optional
        What `fovnb.pipeline.run` returned for this recipe; saves running it where it is needed.
    given : Given, optional
        Datasets in place of the recipe's data, cube and safe mask. The text begins with the names ``datasets``, and
        ``exclusion_mask`` if one was given, and is neither a function nor verified: nobody can make them anew.

    Raises
    ------
    RecipeError
        If there is no such step or root, the root cannot do what the recipe asks for, or a path lies outside of the
        roots.
    VerificationError
        If the text gives other results.

    Examples
    --------
    >>> from fovnb.recipe import Recipe
    >>> print(to_code(Recipe(), step="data").partition("\n\n")[2], end="")
    from fovnb.data import DataStore
    from fovnb.demo import make_demo
    <BLANKLINE>
    # Data
    data_store = DataStore.from_dir(make_demo())
    observations = data_store.get_observations(sorted(data_store.obs_ids))
    """
    if verify and step not in (None, "stack"):
        msg = f"verify=True compares whole analyses, and step is {step!r}; leave one of them out"
        raise RecipeError(msg)
    if given is not None:
        check_given(step, as_function or verify)
    if verify and results is None:
        results = results_of(recipe, roots)
    program = program_of(recipe, root, step, as_values, results, roots, given)
    program = wrapped(program, step) if as_function else program
    header = header_lines(recipe, root, roots, given)
    text = "\n".join([*header, "", render(program, root, full)])
    if verify and results is not None:
        from fovnb.codegen.verify import verify_code

        verify_code(text, results, root)
    return text


def save_code(recipe: Recipe, path: Path | str, *, overwrite: bool = False, **options: Any) -> None:
    """Write a recipe as a script to a file, with the date at its beginning.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    path : Path
        The file; it appears whole or not at all.
    overwrite : bool
        Whether a file that exists is replaced.
    **options
        For `to_code`.

    Raises
    ------
    DataError
        If the file exists already, or cannot be written.
    """
    text = f"# Saved {now()}\n{to_code(recipe, **options)}"
    write_text(path, text, overwrite)


def write_text(path: Path | str, text: str, overwrite: bool) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    DataError
        If the file exists already, or cannot be written.
    """
    target = make_path(path)
    if not target.name:
        msg = f"{str(path)!r} names no file; give the file to write, such as 'analysis.py'"
        raise DataError(msg)
    with replace_whole(target, overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def now() -> str:
    """Return the date and time as saved files hold it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def program_of(
    recipe: Recipe,
    root: Root = "fovnb",
    step: str | None = None,
    as_values: bool = False,
    results: "Results | None" = None,
    roots: Roots = None,
    given: "Given | None" = None,
) -> Program:
    """Return the statements of a recipe, or of one step; see `to_code`."""
    if root not in _ROOTS:
        msg = f"the root is {root!r}{did_you_mean(str(root), _ROOTS)}; choose from {', '.join(_ROOTS)}"
        raise RecipeError(msg)
    if step is not None:
        check_step(step)
    masked = given is not None and given.exclusion_mask is not None
    if results is None and (root == "gammapy" or given is not None):
        results = results_of(recipe, roots, given)
    if root == "gammapy" and results is not None:
        from fovnb.codegen.gammapy import gammapy_program

        program = gammapy_program(recipe, results, as_values)
    else:
        program = fovnb_program(recipe, results, step, masked)
    if given is not None and results is not None:
        program = from_datasets(program, recipe, results, root, masked)
    return program if step is None else only_step(program, step)


def results_of(recipe: Recipe, roots: Roots, given: "Given | None" = None) -> "Results":
    """Return what a recipe comes to."""
    from fovnb.pipeline import run

    return run(recipe, roots=roots, given=given)
