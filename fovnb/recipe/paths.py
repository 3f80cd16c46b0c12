"""Paths in a recipe: data only, below folders that the caller allows, and the same on every machine.

A path is relative, or begins with ``~``, ``$GAMMAPY_DATA`` or ``$FOVNB_DATA``; nothing else is filled in.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from fovnb.errors import DataError, RecipeError

__all__ = ["DEFAULT_ROOTS", "check_path", "expand", "portable", "resolve"]

DEFAULT_ROOTS = ("$GAMMAPY_DATA", "$FOVNB_DATA", ".", "~")

_START = re.compile(r"^(?:\$\{?(GAMMAPY_DATA|FOVNB_DATA)\}?|~)(?=/|$)")


def check_path(path: str) -> str:
    """Return what is wrong with a path in a recipe, or an empty string.

    Examples
    --------
    >>> check_path("$GAMMAPY_DATA/hess-dl3-dr1")
    ''
    >>> check_path("/etc/passwd")
    'expected a path that begins with ~, $GAMMAPY_DATA or $FOVNB_DATA, or a relative one'
    """
    rest = _START.sub("", path)
    if path.count("{") != path.count("}") or "$" in rest or rest.startswith("~"):
        return "only ~, $GAMMAPY_DATA and $FOVNB_DATA, at its beginning, are filled in"
    if not _START.match(path) and (PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive):
        return "expected a path that begins with ~, $GAMMAPY_DATA or $FOVNB_DATA, or a relative one"
    if (
        not path
        or any(not char.isprintable() for char in path)
        or any(len(os.fsencode(p)) > 255 for p in path.split("/"))
    ):
        return "expected a path of printable characters, each name of 1 to 255 bytes"
    return ""


def expand(path: str) -> Path:
    """Return a recipe's path with its beginning filled in.

    Raises
    ------
    RecipeError
        If it is no path of a recipe.
    DataError
        If the variable is not set.
    """
    if problem := check_path(path):
        msg = f"the path is {path!r}; {problem}"
        raise RecipeError(msg)
    match = _START.match(path)
    if match is None:
        return Path(path)
    name = match[1]
    if name and not os.environ.get(name):
        msg = f"{path} names the variable {name}, which is not set; set it to the folder that holds the data"
        raise DataError(msg)
    start = os.environ[name] if name else str(Path.home())
    return Path(start + path[match.end() :])


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
        If it lies outside of all of them.
    DataError
        If a variable is not set.

    Examples
    --------
    >>> resolve("data/hess", roots=["data"]) == Path("data/hess").resolve()
    True
    """
    target = expand(path).resolve()
    folders = list(_folders(DEFAULT_ROOTS if roots is None else roots))
    if any(target.is_relative_to(folder) for folder in folders):
        return target
    msg = (
        f"{path} lies outside of the folders that are open to recipes; pass roots= (--root) with a folder that holds it"
    )
    raise RecipeError(msg)


def portable(path: str | os.PathLike[str]) -> str:
    """Return a path as a recipe may hold it: from a data variable, the current folder or the home folder on.

    Raises
    ------
    RecipeError
        If it lies in none of these.

    Examples
    --------
    >>> portable(Path("data/hess").absolute())
    'data/hess'
    """
    text = os.fspath(path)
    if not check_path(text):
        return text
    target = Path(text).expanduser().resolve()
    for start in DEFAULT_ROOTS:
        for folder in _folders([start]):
            if target.is_relative_to(folder):
                inner = target.relative_to(folder).as_posix()
                return inner if start == "." else start if inner == "." else f"{start}/{inner}"
    msg = f"{text} lies neither in $GAMMAPY_DATA, $FOVNB_DATA, this folder nor the home; set FOVNB_DATA to its folder"
    raise RecipeError(msg)


def _folders(roots: Iterable[str | os.PathLike[str]]) -> Iterable[Path]:
    """Yield the folders that are there, links followed; a variable that is not set gives none."""
    for root in roots:
        text = os.fspath(root)
        match = _START.match(text)
        if match is None or match[1] is None or os.environ.get(match[1]):
            yield (expand(text) if match else Path(text)).resolve()
