"""Strings from files and people are data: whatever is in them, the code around them stays the same."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fovnb.codegen import to_code, to_notebook
from fovnb.codegen.literals import one_line
from fovnb.codegen.words import code_span
from fovnb.recipe import Background, Catalogue, Circle, Data, Exclusion, Group, Recipe, Selection
from fovnb.recipe.paths import path_problem
from tests.codegen_texts import ruff_findings

HOSTILE = [
    "'",
    '"',
    '"""',
    "'''; import os #",
    '"); __import__("os").system("touch hacked") #',
    "\\",
    "\\'",
    "\\N{DIGIT ONE}",
    "{0} {os} {{",
    "%s %(x)s",
    "</script><script>alert(1)</script>",
    "`code` ``` $x$ [a](javascript:b) ![](http://x)",
    "# coding: rot13",
    "a\nimport os",
    "a\r\nimport os\r\x0c\x1c\x85\u2028\u2029",
    "\u202eevil\u2066",
    "\u00e9\u00df \u03b1 \u044f \u87f9 \U0001f980 e\u0301",
    "\t tab",
    "00023523",
    "x" * 300,
]
PATHS = [text for text in HOSTILE if not path_problem(f"~/{text}")]


def recipe(text: str, path: str = "x") -> Recipe:
    """Return a recipe that holds a string wherever it may hold one."""
    return Recipe(
        Data(f"$GAMMAPY_DATA/{path}", selection=Selection(text)),
        exclusion=Exclusion(
            [Circle(83.6, 22, 0.3, name=text, origin=text)],
            Catalogue(f"$GAMMAPY_DATA/{path}", extension=text),
            f"$GAMMAPY_DATA/{path}",
        ),
        background=Background(group=Group("table", [(1, text), (2, "other")], ["all"])),
    )


class _Tamed(ast.NodeTransformer):
    """Puts other strings in the place of some."""

    def __init__(self, twins: dict[str, str]) -> None:
        self.twins = twins
        self.seen: list[str] = []

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        self.seen += [node.value] if node.value in self.twins else []
        return ast.Constant(self.twins.get(node.value, node.value))


def assert_only_data(text: str, path: str = "x") -> None:
    """Assert that the code of `recipe` is that for harmless strings but for the strings, and holds each of these."""
    code = to_code(recipe(text, path))
    tamed = _Tamed({text: "harmless", f"$GAMMAPY_DATA/{path}": "$GAMMAPY_DATA/harmless"})
    found = ast.dump(tamed.visit(ast.parse(code)))
    assert found == ast.dump(ast.parse(to_code(recipe("harmless", "harmless"))))
    assert tamed.seen.count(f"$GAMMAPY_DATA/{path}") == 3
    assert tamed.seen.count(text) == 4
    assert comments(code) == comments(to_code(recipe("harmless", "harmless")))


def comments(code: str) -> list[str]:
    """Return the comments of a text but the digest."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    found = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return [one for one in found if not one.startswith("# Recipe: sha256 ") and one != "# a long name"]


@pytest.mark.parametrize("text", HOSTILE)
def test_strings_are_data(text: str) -> None:
    assert_only_data(text)


@pytest.mark.parametrize("path", PATHS)
def test_names_of_files_are_data(path: str) -> None:
    assert_only_data("x", path)


@settings(deadline=None, max_examples=30)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_string_is_data(text: str) -> None:
    assert_only_data(text)


def test_the_check_sees_code() -> None:
    with pytest.raises(AssertionError):
        assert_only_data("icrs")  # the comparison takes a string for another that the code holds anyway


def test_a_hostile_text_passes_ruff(tmp_path: Path) -> None:
    texts = [to_code(recipe(text)) for text in HOSTILE] + [to_code(recipe("x", path)) for path in PATHS]
    assert ruff_findings(texts, tmp_path) == ""


@given(st.text(st.characters(codec="utf-8")) | st.sampled_from(HOSTILE) | st.text("` a"))
def test_a_notebook_shows_strings_as_they_are(text: str) -> None:
    """As CommonMark has it: a code span ends with as many backticks as it began with; nothing in it means anything."""
    span = code_span(text)
    fence = re.match("`+", span)
    assert fence is not None
    inner = span.removeprefix(fence[0]).removesuffix(fence[0])
    assert len(inner) == len(span) - 2 * len(fence[0])
    assert fence[0] not in re.findall("`+", inner)
    assert inner.removeprefix(" ").removesuffix(" ").strip() == one_line(text).strip()
    assert "\n" not in span


@pytest.mark.parametrize("text", [f"a{text}b" for text in HOSTILE])
def test_a_notebook_holds_strings_in_code_spans_only(text: str) -> None:
    for cell in to_notebook(recipe(text))["cells"]:
        if cell["cell_type"] == "markdown":
            assert one_line(text) not in "".join(cell["source"]).replace(code_span(text), "")
