"""One step of a program with what it needs, found from the names that statements use."""

import re
from collections.abc import Iterable
from dataclasses import replace

from fovnb.codegen.script import Comment, Do, Loop, Program, Statement, used_names
from fovnb.errors import RecipeError
from fovnb.recipe import STEPS
from fovnb.steps.expressions import Assign, Method, Name
from fovnb.text import did_you_mean

__all__ = ["check_step", "made_names", "only_step"]


def check_step(step: str) -> None:
    """Raise `RecipeError` if there is no such step.

    Examples
    --------
    >>> check_step("safemask")
    Traceback (most recent call last):
    fovnb.errors.RecipeError: there is no step 'safemask' (did you mean 'safe_mask'?); choose from data, cube, ...
    """
    if step not in STEPS:
        msg = f"there is no step {step!r}{did_you_mean(str(step), STEPS)}; choose from {', '.join(STEPS)}"
        raise RecipeError(msg)


def only_step(program: Program, step: str) -> Program:
    """Return the statements of a step and those that they depend on; loops do no more than the step asks.

    Parameters
    ----------
    program : tuple of statement
        The whole.
    step : str
        The last step; its own statements are all kept.

    Raises
    ------
    RecipeError
        If there is no such step.
    """
    check_step(step)
    return program if step == STEPS[-1] else _kept(_until(program, step), step)


def made_names(program: Iterable[Statement]) -> list[str]:
    """Return the variables that statements make, in order."""
    names = [_root(one.target) for one in program if isinstance(one, Assign)]
    return list(dict.fromkeys(names))


def _until(program: Program, step: str) -> Program:
    """Return the statements up to the last one of a step; the loop that holds it ends there, too."""
    last = max((i for i, one in enumerate(program) if _holds(one, step)), default=-1)
    return (*program[:last], *(_cut(one, step) for one in program[last : last + 1]))


def _cut(one: Statement, step: str) -> Statement:
    """Return a loop whose body ends at a step, but for what belongs to every step."""
    if not isinstance(one, Loop) or one.step == step:
        return one
    after = one.body[len(_until(one.body, step)) :]
    return replace(one, body=(*_until(one.body, step), *(inner for inner in after if not inner.step)))


def _holds(one: Statement, step: str) -> bool:
    return one.step == step or (isinstance(one, Loop) and any(_holds(inner, step) for inner in one.body))


def _kept(program: Program, step: str) -> Program:
    """Return the statements of a step and those that make what later ones use; a loop stays whole or goes."""
    kept: list[Statement] = []
    needed: set[str] = set()
    for one in reversed(program):
        if _holds(one, step) or _makes(one) & needed or _is_note(one, kept):
            needed = _needed_before(one, needed)
            kept.append(one)
    return tuple(reversed(kept))


def _is_note(one: Statement, kept: Iterable[Statement]) -> bool:
    """Return whether a statement is a comment on a step of which something is kept."""
    return isinstance(one, Comment) and any(later.step == one.step for later in kept)


def _needed_before(one: Statement, needed: set[str]) -> set[str]:
    """Return the variables that must be there before a statement, by those that must be after it."""
    match one:
        case Loop(target, iterable, body):
            for inner in reversed(body):
                needed = _needed_before(inner, needed)
            return needed - {target} | set(used_names(iterable))
        case Assign(target, value):
            changed = {_root(target)} - {target}
            return needed - {target} | set(used_names(value)) | changed
        case Do(expression):
            return needed | set(used_names(expression))
    return needed


def _makes(one: Statement) -> set[str]:
    """Return the variables that a statement makes or changes."""
    match one:
        case Loop(_, _, body):
            return set().union(*map(_makes, body))
        case Assign(target, _):
            return {_root(target)}
        case Do(Method(Name(name))):
            return {_root(name)}
    return set()


def _root(target: str) -> str:
    """Return the variable of a target such as ``model.tilt.frozen`` or ``datasets[i]``."""
    return re.split(r"[.\[]", target)[0]
