"""What Gammapy 2.1 cannot do: it is refused by the name of the field, or said with the values that it came to."""

from collections.abc import Iterator

from fovnb.errors import RecipeError
from fovnb.recipe import Background, PiecewiseNorm, PiecewisePowerLawNorm, ProductNorm, TemplateNorm

__all__ = ["needs_values"]

_VALUES = "pass as_values=True to write the norm of each run as the values it came to, or use root='fovnb'"


def needs_values(background: Background, allowed: bool) -> bool:
    """Return whether norms are to be written as the values that they came to, for Gammapy cannot find them.

    Parameters
    ----------
    background : Background
        The step.
    allowed : bool
        Whether that may be done.

    Raises
    ------
    RecipeError
        If it may not; or if there is a gradient, which no norm says. The message names the field.

    Examples
    --------
    >>> from fovnb.recipe import Group
    >>> needs_values(Background("fit", group=Group()), allowed=True), needs_values(Background("fit"), allowed=True)
    (True, False)
    >>> needs_values(Background("fit", group=Group()), allowed=False)
    Traceback (most recent call last):
    fovnb.errors.RecipeError: background.group: Gammapy's maker fits each run alone; pass as_values=True ...
    """
    if background.gradient is not None:
        msg = (
            "background.gradient: Gammapy has no gradient over the field of view, and no norm curve says one; "
            "set it to None, or use root='fovnb'"
        )
        raise RecipeError(msg)
    problems = list(_unsayable(background))
    if problems and not allowed:
        msg = f"{problems[0]}; {_VALUES}"
        raise RecipeError(msg)
    return bool(problems)


def _unsayable(background: Background) -> Iterator[str]:
    """Yield each field that needs values, and why."""
    norm = background.norm
    if isinstance(norm, ProductNorm):
        yield "background.norm.factors: Gammapy fits no product of norm models"
    if isinstance(norm, TemplateNorm | PiecewisePowerLawNorm):
        yield f"background.norm.kind: Gammapy has no norm model {norm.kind!r}"
    if isinstance(norm, PiecewiseNorm) and norm.smoothness is not None:
        yield "background.norm.smoothness: Gammapy's piecewise norm knows no smoothness"
    if background.group is not None:
        yield "background.group: Gammapy's maker fits each run alone"
