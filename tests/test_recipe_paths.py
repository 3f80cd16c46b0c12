"""Paths in a recipe: only data, only below folders that the caller gives, and no word of where they lead."""

from pathlib import Path

import pytest

from fovnb.errors import DataError, FovnbError, RecipeError
from fovnb.recipe import Catalogue, Data, Exclusion
from fovnb.recipe.paths import expand, path_problem, portable, resolve


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with folders for both variables, the home and the current folder."""
    for variable, name in {"GAMMAPY_DATA": "gammapy", "FOVNB_DATA": "fovnb", "HOME": "home"}.items():
        (tmp_path / name / "inner").mkdir(parents=True)
        monkeypatch.setenv(variable, str(tmp_path / name))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path.resolve()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("~", "home"),
        ("~/inner", "home/inner"),
        ("$GAMMAPY_DATA", "gammapy"),
        ("$GAMMAPY_DATA/inner", "gammapy/inner"),
        ("${GAMMAPY_DATA}/inner", "gammapy/inner"),
        ("$FOVNB_DATA/inner/../new", "fovnb/new"),
        ("${FOVNB_DATA}", "fovnb"),
        ("new", "here/new"),
        ("./new", "here/new"),
        ("a{b}c", "here/a{b}c"),
        ("{", "here/{"),
        ("a\nb 'é\"\\", "here/a\nb 'é\"\\"),
    ],
)
def test_a_path_leads_where_its_beginning_says(data: Path, path: str, expected: str) -> None:
    assert path_problem(path) == ""
    assert resolve(path) == data / expected
    assert resolve(path, [data]) == data / expected


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "expected a path, each name in it of 1 to 255 bytes"),
        ("a" * 256, "of 1 to 255 bytes"),
        ("é" * 128, "of 1 to 255 bytes"),
        ("/etc/passwd", "expected a path that begins with ~"),
        ("//server/share", "expected a path that begins with ~"),
        ("C:\\data", "expected a path that begins with ~"),
        ("C:data", "expected a path that begins with ~"),
        ("\\\\server\\share", "expected a path that begins with ~"),
        ("\\data", "expected a path that begins with ~"),
        ("$HOME/x", "only ~, "),
        ("$GAMMAPY_DATA_2/x", "only ~, "),
        ("${GAMMAPY_DATA/x", "only ~, "),
        ("$GAMMAPY_DATA}/x", "only ~, "),
        ("$GAMMAPY_DATA\n", "only ~, "),
        ("x/$GAMMAPY_DATA", "only ~, "),
        ("$GAMMAPY_DATA/$HOME", "only ~, "),
        ("~user/x", "only ~, "),
        ("~/$HOME", "only ~, "),
        ("a\0b", "without zero bytes"),
        ("\ud800", "text that UTF-8 can hold"),
    ],
)
@pytest.mark.usefixtures("data")
def test_what_is_no_path_of_a_recipe_is_refused_everywhere(path: str, words: str) -> None:
    assert words in path_problem(path)
    for use in (expand, resolve, lambda one: Data(folder=one), lambda one: Exclusion(file=one), Catalogue):
        with pytest.raises(RecipeError, match=words.split(";")[0]):
            use(path)


@pytest.mark.parametrize(
    "path", ["..", "../fovnb/../elsewhere", "$GAMMAPY_DATA/../secret", "~/../secret", "out", "inner/up/secret"]
)
def test_nothing_outside_of_the_folders_is_reached(data: Path, path: str) -> None:
    here = data / "here"
    (here / "out").symlink_to(data / "secret")
    (here / "inner").mkdir()
    (here / "inner" / "up").symlink_to("../..")
    with pytest.raises(
        RecipeError, match="lies outside of the folders that are open to recipes; pass roots="
    ) as caught:
        resolve(path)
    assert str(caught.value).startswith(repr(path))
    assert str(data) not in str(caught.value)


def test_links_and_dots_that_stay_inside_are_followed(data: Path) -> None:
    (data / "here" / "link").symlink_to(data / "gammapy" / "inner")
    assert resolve("link/run.fits") == data / "gammapy" / "inner" / "run.fits"
    assert resolve("link/..") == data / "gammapy"


def test_the_folders_of_the_caller_are_the_only_ones(data: Path) -> None:
    roots = [data / "fovnb", "$GAMMAPY_DATA", "~/inner"]
    assert [resolve(path, roots) for path in ("$FOVNB_DATA/a", "$GAMMAPY_DATA/a", "~/inner/a")]
    for path in ("here", "~", "~/innermost"):
        with pytest.raises(RecipeError, match="outside"):
            resolve(path, roots)
    with pytest.raises(RecipeError, match="outside"):
        resolve("$FOVNB_DATA", [])


def test_a_folder_of_the_caller_may_be_a_link(data: Path) -> None:
    (data / "link").symlink_to(data / "fovnb")
    assert resolve("$FOVNB_DATA/a", [data / "link"]) == data / "fovnb" / "a"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named_and_opens_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("FOVNB_DATA")
    else:
        monkeypatch.setenv("FOVNB_DATA", value)
    with pytest.raises(DataError, match=r"'\$FOVNB_DATA/a' names the variable FOVNB_DATA, which is not set"):
        resolve("$FOVNB_DATA/a")
    assert resolve("$GAMMAPY_DATA") == data / "gammapy"
    with pytest.raises(RecipeError, match="outside"):
        resolve("..")


@pytest.mark.parametrize("path", ["a", "a/b", "/".join(["x"] * 5000)])
def test_links_in_a_circle_and_endless_paths_lead_nowhere_else(data: Path, path: str) -> None:
    (data / "here" / "a").symlink_to("a")
    try:
        found = resolve(path)
    except DataError as error:  # before Python 3.13
        words = str(error)
    else:
        words = str(found.relative_to(data / "here"))
    assert str(data) not in words


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("gammapy/inner/a.fits", "$GAMMAPY_DATA/inner/a.fits"),
        ("gammapy", "$GAMMAPY_DATA"),
        ("fovnb/a", "$FOVNB_DATA/a"),
        ("here/a", "a"),
        ("here", "."),
        ("home/a", "~/a"),
        ("home", "~"),
        ("here/../fovnb/a", "$FOVNB_DATA/a"),
    ],
)
def test_a_portable_path_leads_to_the_same_place(data: Path, path: str, expected: str) -> None:
    assert portable(data / path) == expected
    assert portable(expected) == expected
    assert resolve(expected) == (data / path).resolve()


def test_what_cannot_be_portable_is_refused(data: Path) -> None:
    with pytest.raises(RecipeError, match="lies neither in"):
        portable(data / "elsewhere")
    # A name that would be filled in again cannot be written down.
    for name in ("$HOME", "~a"):
        with pytest.raises(FovnbError):
            portable(str(data / "fovnb" / name / "$x"))
    with pytest.raises(FovnbError, match="is no path"):
        portable(5)
