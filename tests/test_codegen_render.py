"""Statements as text: literals lose nothing, imports are those that are used, and no formatter changes a line.

``FOVNB_EXAMPLES=5000 pytest tests/test_codegen_render.py`` looks at the texts of as many new recipes.
"""

import ast
import math
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fovnb.codegen.core import program_of
from fovnb.codegen.expressions import Style, on_one_line
from fovnb.codegen.function import as_function
from fovnb.codegen.literals import number, one_line, string
from fovnb.codegen.render import render
from fovnb.codegen.script import Comment, Do, Each, Loop, Slice
from fovnb.recipe import STEPS, Recipe
from fovnb.steps.expressions import Arg, Assign, Call, Item, Method, Name, Operation, Public, Quantity
from tests.codegen_texts import ruff_findings
from tests.recipes import recipes

N_EXAMPLES = int(os.environ.get("FOVNB_EXAMPLES", "0"))
X, Y = Name("x"), Name("y")
LONG = "a" * 70


def text(value: Any, full: bool = False, root: str = "fovnb") -> str:
    """Return the text of ``value`` after ``x = ``, or all of it if there are imports."""
    return render([Assign("x", value, "")], root, full).removeprefix("x = ").removesuffix("\n")


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans())
def test_numbers_lose_nothing(value: float) -> None:
    again = ast.literal_eval(number(value))
    assert again == value
    assert type(again) is type(value)
    assert math.copysign(1, again) == math.copysign(1, value)


def test_numbers_that_are_none() -> None:
    assert text([math.nan, -math.inf, math.inf]) == "import numpy as np\n\nx = [np.nan, -np.inf, np.inf]"


@given(st.text(st.characters(codec="utf-8")))
def test_strings_lose_nothing_and_hide_nothing(value: str) -> None:
    literal = string(value)
    assert ast.literal_eval(literal) == value
    assert literal.isprintable()
    assert len(ast.parse(literal).body) == 1


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("Crab", '"Crab"'),
        ('the "Crab"', "'the \"Crab\"'"),
        ("it's", '"it\'s"'),
        ("'\"", '"\'\\""'),
        ("a\nb\\c\0", '"a\\nb\\\\c\\x00"'),
        ("é ж я", '"é ж я"'),
        ("\u202e蟹\U0001f980e\u0301", '"\\u202e\\u87f9\\U0001f980e\\u0301"'),
    ],
)
def test_strings_by_hand(value: str, literal: str) -> None:
    assert string(value) == literal


def test_comments_stay_on_their_line() -> None:
    hostile = "a\nimport os\r\u2028\x0cb"
    assert render([Comment(hostile, "", hostile)]) == 2 * "# a\\nimport os\\r\\u2028\\x0cb\n"
    assert one_line("plain, 100 %") == "plain, 100 %"


def test_long_comments_are_wrapped_wherever_they_stand() -> None:
    words = " ".join(f"word{number}" for number in range(40))
    call = Call(Public("builtins", "f"))
    inner = Loop("y", Name("ys"), (Do(call, "", words), Comment(words, "")), "")
    code = render([Comment(words, "data", words), Loop("x", Name("xs"), (inner,), "", words)])
    wide = [line for line in code.split("\n") if "word" in line]
    assert max(map(len, wide)) <= 88
    assert re.sub(r"\s+#  +", " ", code).count(words) == 5
    assert render([Comment("a" * 100, "", "")]) == f"# {'a' * 100}\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Quantity(0.5, "TeV"), "0.5 * u.TeV"),
        (Quantity(-0.0, "deg-1"), "-0.0 / u.deg"),
        (Quantity((0.5, 1.0), "TeV"), "[0.5, 1.0] * u.TeV"),
        (Quantity(1.0, "m2 s"), '1.0 * u.Unit("m2 s")'),
        (Quantity(2.0, ""), "2.0"),
        ((1,), "(1,)"),
        ({1: "a", "b": None}, '{1: "a", "b": None}'),
        (Item(X, Slice(Name("i"), Operation("+", Name("i"), 4))), "x[i : i + 4]"),
        (Operation("*", Operation("+", X, Y), Y), "(x + y) * y"),
        (Operation("-", X, Operation("-", X, Y)), "x - (x - y)"),
        (Operation("&", Operation("&", X, Y), Y), "x & y & y"),
        (Each(X, "x", Y, Operation("is not", X, None)), "[x for x in y if x is not None]"),
        (Method(Name("a.b"), "f", (X,), (Arg("k", True),)), "a.b.f(x, k=True)"),
    ],
)
def test_expressions_by_hand(value: Any, expected: str) -> None:
    assert on_one_line(value, Style()) == expected
    assert ast.unparse(ast.parse(expected))


def test_what_has_no_words_is_refused() -> None:
    with pytest.raises(TypeError, match="no words for"):
        text(object())


def test_defaults_are_written_only_where_asked() -> None:
    call = Call(
        Public(".makers", "SafeMaskMaker"), (), (Arg("offset_max", Quantity(3.0, "deg"), Quantity(3.0, "deg")),)
    )
    assert text(call) == "from fovnb.makers import SafeMaskMaker\n\nx = SafeMaskMaker()"
    assert text(call, full=True).startswith("from astropy import units as u\n")
    assert text(call, full=True).endswith("x = SafeMaskMaker(offset_max=3.0 * u.deg)")


def test_a_zero_of_the_other_sign_is_no_default() -> None:
    assert text(Call(Public("builtins", "f"), (), (Arg("tilt", -0.0, 0.0),))) == "f(tilt=-0.0)"


def test_imports_come_once_and_in_order() -> None:
    used = [
        Public("regions", "CircleSkyRegion"),
        Public(".makers", "fit_together"),
        Public(".makers", "SafeMaskMaker"),
        Public("numpy", "isin"),
        Public("functools", "partial"),
        Public("astropy.coordinates", "SkyCoord"),
        Public(".makers", "SafeMaskMaker.run"),
        Public("builtins", "len"),
    ]
    lines = text(used, root="gammapy").split("\n")
    assert lines[: lines.index("x = [")] == [
        "from functools import partial",
        "",
        "import numpy as np",
        "from astropy.coordinates import SkyCoord",
        "from gammapy.makers import SafeMaskMaker, fit_together",
        "from regions import CircleSkyRegion",
        "",
    ]


def test_a_line_of_88_columns_stays_and_one_of_89_does_not() -> None:
    call = [Call(Public("builtins", "f"), (Name("a" * n),)) for n in (81, 82)]
    assert text(call[0]) == f"f({'a' * 81})"
    assert text(call[1]) == f"f(\n    {'a' * 82},\n)"


def test_long_chains_become_statements() -> None:
    chain = Operation("&", Operation("&", Name("a" * 40), Name("b" * 40)), Name("c" * 40))
    assert text(chain).split("\n") == [f"{'a' * 40} & {'b' * 40}", f"x = x & {'c' * 40}"]


WIDE = [
    Assign("x", LONG + LONG, ""),
    Assign("x", "b" * 84, ""),  # too long for 88 columns, not for 120
    Assign("x", Quantity(tuple(map(float, range(20))), "TeV"), ""),
    Assign("x", Call(Public("builtins", "f"), (), (Arg("a", Quantity(tuple(map(float, range(20))), "TeV")),)), ""),
    Assign("x", {LONG: LONG, 1: [LONG, (LONG,)]}, ""),
    Assign("x", Item(Name("table"), Call(Public("numpy", "isin"), (Item(Name("table"), "OBS_ID"), [10**9] * 6))), ""),
    Assign("x", Item(Name("table"), Operation("<=", Method(X, "separation", (Name("c" * 40),)), 1e-300)), ""),
    Assign("x", Method(Call(Public("builtins", "f"), (LONG,), (Arg("k", 1),)), "within", (Name("geom"),)), ""),
    Loop("y", X, (Do(Method(Name("x"), "append", (LONG, LONG)), ""), Loop("z", Y, (Assign("x", [LONG] * 2, ""),)))),
]


def test_long_lines_are_left_alone_by_the_formatter(tmp_path: Path) -> None:
    text = render([Assign("table", [], ""), *WIDE])
    assert max(map(len, text.split("\n"))) > 88  # strings are not cut
    formatted = ruff_findings([text], tmp_path)
    assert "reformatted" not in formatted
    assert "@@" not in formatted


def test_every_text_passes_ruff_and_is_unchanged_by_its_formatter(tmp_path: Path) -> None:
    texts: list[str] = []

    @settings(
        max_examples=N_EXAMPLES or 42,
        deadline=None,
        database=None,
        derandomize=not N_EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )
    @given(recipes())
    def write(recipe: Recipe) -> None:
        i = len(texts)
        step = (None, *STEPS)[i % 7]
        program = program_of(recipe, step=step)
        texts.append(render(as_function(program, step) if i % 3 == 0 else program, full=i % 2 == 0))

    write()
    assert ruff_findings(texts, tmp_path) == ""
