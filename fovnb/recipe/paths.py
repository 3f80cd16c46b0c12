"""Paths in a recipe: data only, below folders that the caller allows, and the same on every machine.

A path is relative, or begins with ``~``, ``$GAMMAPY_DATA`` or ``$FOVNB_DATA`` (also ``${...}``); nothing else is filled
in. Messages show a path as the recipe has it, never where it leads.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from fovnb.errors import DataError, InvalidInputError, RecipeError
from fovnb.files import make_path

__all__ = ["DEFAULT_ROOTS", "as_roots", "expand", "path_problem", "portable", "resolve", "text_problem"]

DEFAULT_ROOTS = ("$GAMMAPY_DATA", "$FOVNB_DATA", ".", "~")

_START = re.compile(r"(?:\$(GAMMAPY_DATA|FOVNB_DATA)|\$\{(GAMMAPY_DATA|FOVNB_DATA)\}|~)(?=/|\Z)")


def text_problem(text: str) -> str:
    r"""Return what is wrong with a text in a recipe, or an empty string.

    Examples
    --------
    >>> text_problem("Crab\0")
    'expected text that UTF-8 can hold, without zero bytes'
    """
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError:
        content = b"\0"
    return "expected text that UTF-8 can hold, without zero bytes" if b"\0" in content else ""


def path_problem(path: str) -> str:
    """Return what is wrong with a path in a recipe, or an empty string.

    Examples
    --------
    >>> path_problem("$GAMMAPY_DATA/hess-dl3-dr1")
    ''
    >>> path_problem("/etc/passwd")
    'expected a path that begins with ~, $GAMMAPY_DATA or $FOVNB_DATA, or a relative one'
    """
    if problem := text_problem(path):
        return problem
    if not path or any(len(name.encode("utf-8")) > 255 for name in path.split("/")):
        return "expected a path, each name in it of 1 to 255 bytes"
    start = _START.match(path)
    rest = path[start.end() :] if start else path
    if "$" in rest or rest.startswith("~"):
        return "only ~, $GAMMAPY_DATA and $FOVNB_DATA, at its beginning, are filled in"
    if not start and (PurePosixPath(path).anchor or PureWindowsPath(path).anchor):
        return "expected a path that begins with ~, $GAMMAPY_DATA or $FOVNB_DATA, or a relative one"
    return ""


def expand(path: str) -> Path:
    """Return a recipe's path with its beginning filled in.

    Raises
    ------
    RecipeError
        If it is no path of a recipe.
    DataError
        If the variable is not set.

    Examples
    --------
    >>> expand("data/hess").as_posix()
    'data/hess'
    """
    if problem := path_problem(path):
        msg = f"the path is {path!r}; {problem}"
        raise RecipeError(msg)
    name = _variable(path)
    if name and not os.environ.get(name):
        msg = f"{path!r} names the variable {name}, which is not set; set it to the folder that holds the data"
        raise DataError(msg)
    return make_path(path)


def resolve(path: str, roots: Iterable[str | os.PathLike[str]] | None = None) -> Path:
    """Return the absolute path, links followed, if it lies in one of the folders that the caller allows.

    Parameters
    ----------
    path : str
        Path of a recipe.
    roots : list of path, optional
        Folders, by default `DEFAULT_ROOTS`: the two variables where they are set, the current and the home folder.

    Raises
    ------
    RecipeError
        If it is no path of a recipe, or lies outside of all of them.
    DataError
        If a variable is not set, or links lead in a circle.

    Examples
    --------
    >>> resolve("data/hess", roots=["data"]) == Path("data/hess").resolve()
    True
    """
    target = _followed(expand(path), path)
    known = as_roots(roots)
    if any(target.is_relative_to(folder) for folder in _folders(DEFAULT_ROOTS if known is None else known)):
        return target
    msg = (
        f"{path!r} lies outside of the folders that are open to recipes; pass roots= (--root) with a folder that "
        "holds it"
    )
    raise RecipeError(msg)


def as_roots(roots: object) -> tuple[str | os.PathLike[str], ...] | None:
    """Return folders as a tuple: one alone is a folder, not its letters; None stays, for `DEFAULT_ROOTS`.

    Raises
    ------
    InvalidInputError
        If one is no path.

    Examples
    --------
    >>> as_roots("data")
    ('data',)
    """
    if roots is None:
        return None
    given = [roots] if isinstance(roots, str | os.PathLike) else roots
    if not isinstance(given, Iterable):
        msg = f"roots is {roots!r}; expected a folder, or a list of folders"
        raise InvalidInputError(msg)
    found = tuple(given)
    for one in found:
        if not isinstance(one, str | os.PathLike):
            msg = f"roots holds {one!r}; expected folders, as text or Path"
            raise InvalidInputError(msg)
    return found


def portable(path: str | os.PathLike[str]) -> str:
    """Return a path as a recipe may hold it: from a data variable, the current folder or the home folder on.

    Raises
    ------
    RecipeError
        If it lies in none of these.
    InvalidInputError
        If it is no path.
    DataError
        If it names a variable that is not set, or links lead in a circle.

    Examples
    --------
    >>> portable(Path("data/hess").absolute())
    'data/hess'
    """
    target = make_path(path)
    text = os.fspath(path)
    if not path_problem(text):
        return text
    target = _followed(target, text)
    for start in DEFAULT_ROOTS:
        for folder in _folders([start]):
            found = Path(start, target.relative_to(folder)).as_posix() if target.is_relative_to(folder) else ""
            if found and not path_problem(found):
                return found
    msg = f"{text!r} lies neither in $GAMMAPY_DATA, $FOVNB_DATA, this folder nor the home; set FOVNB_DATA to its folder"
    raise RecipeError(msg)


def _variable(path: str) -> str:
    """Return the name of the variable that a path begins with, or an empty string."""
    start = _START.match(path)
    return (start[1] or start[2] or "") if start else ""


def _followed(target: Path, path: str) -> Path:
    """Return the absolute path, links followed; ``path`` is what messages show."""
    try:
        return Path(os.path.realpath(target, strict=True))  # quicker than Path.resolve, which does not need it to exist
    except OSError:
        pass
    try:
        return target.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError before Python 3.13
        msg = f"{path!r} cannot be followed: its links lead in a circle, or it is too long; give another path"
        raise DataError(msg) from error


def _folders(roots: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the folders, links followed; one of the two variables that is not set gives none."""
    for root in roots:
        text = os.fspath(root)
        name = _variable(text)
        if not name or os.environ.get(name):
            yield _followed(make_path(root), text)
