"""Statements as text: imports first, then each step below a blank line and a comment."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from fovnb.codegen.comments import comment_lines
from fovnb.codegen.expressions import Style, assignment, indented, lines_of, on_one_line
from fovnb.codegen.imports import import_lines
from fovnb.codegen.script import Comment, Do, Function, Loop, Statement
from fovnb.steps.expressions import Assign, Call, Public

__all__ = ["Section", "code_lines", "render", "sections"]

Section: TypeAlias = tuple[str, str, list[Statement]]  # title, step, statements

_TITLES = MappingProxyType(
    {
        "data": "Data",
        "cube": "Cube",
        "safe_mask": "Safe mask",
        "exclusion": "Exclusion mask",
        "background": "Background",
        "stack": "Stack",
    }
)


def render(statements: Sequence[Statement], root: str = "fovnb", full: bool = False) -> str:
    """Return statements as Python, imports first.

    Parameters
    ----------
    statements : sequence of statement
        In order.
    root : str
        The package whose names are used.
    full : bool
        See `to_code`.

    Examples
    --------
    >>> from fovnb.steps.expressions import Quantity
    >>> bounds = (Quantity(0.5, "TeV"), Quantity(10.0, "TeV"))
    >>> axis = Call(Public(".maps", "MapAxis.from_energy_bounds"), bounds)
    >>> print(render([Assign("energy_axis", axis, "cube")]), end="")
    from astropy import units as u
    from fovnb.maps import MapAxis
    <BLANKLINE>
    # Cube
    energy_axis = MapAxis.from_energy_bounds(0.5 * u.TeV, 10.0 * u.TeV)
    """
    body = _body(statements, Style(full))
    imports = import_lines(statements, root, full)
    space = [""] * (2 if isinstance(statements[0], Function) else 1) if imports else []
    return "\n".join([*imports, *space, *body]) + "\n"


def code_lines(statements: Iterable[Statement], full: bool = False) -> list[str]:
    """Return the lines of statements alone."""
    return [line for one in statements for line in _statement(one, Style(full))]


def sections(statements: Iterable[Statement]) -> list[Section]:
    """Return statements in sections: a new one begins with each comment, and where the step changes.

    Examples
    --------
    >>> [title for title, *_ in sections([Comment("a", "data"), Comment("b", "data"), Comment("c", "cube")])]
    ['Data', 'Cube']
    """
    found: list[Section] = []
    before = ""
    for one in statements:
        title = one.comment or (_TITLES.get(one.step, "") if one.step != before else "")
        if title or not found:
            found.append((title, one.step, []))
        found[-1][2].append(one)
        before = one.step
    return found


def _body(statements: Iterable[Statement], style: Style) -> list[str]:
    lines: list[str] = []
    for title, _, inner in sections(statements):
        lines += [""] if title and lines else []
        lines += comment_lines(title, style.room) if title else []
        lines += [line for one in inner for line in _statement(one, style)]
    return lines


def _statement(one: Statement, style: Style) -> list[str]:
    match one:
        case Assign(target, value):
            return assignment(target, value, style)
        case Do(expression):
            return lines_of("", expression, "", style)
        case Comment(text):
            return comment_lines(text, style.room)
        case Loop(target, iterable, body):
            inner = [line for statement in body for line in _in_loop(statement, style.inner)]
            return [f"for {target} in {on_one_line(iterable, style)}:", *indented(inner)]
        case Function(name, parameters, doc, body, result):
            head = lines_of("def ", Call(Public("", name), (), parameters), ":", replace(style, full=True))
            inner = [f'"""{doc}"""', *_body(body, style.inner), "", f"return {result}"]
            return [*head, *indented(inner), "", ""]


def _in_loop(one: Statement, style: Style) -> list[str]:
    """Return the lines of a statement in a loop, its comment right above it."""
    return [*(comment_lines(one.comment, style.room) if one.comment else []), *_statement(one, style)]
