"""Pairs of a recipe as lines of text, as a person types them: a curve, or the group of each run."""

from collections.abc import Iterable

from fovnb.errors import RecipeError

__all__ = ["curve", "groups", "lines"]


def lines(pairs: Iterable[tuple[object, object]]) -> str:
    r"""Return pairs as lines.

    Examples
    --------
    >>> lines([(0.1, 1.0), (10.0, 0.8)])
    '0.1 1.0\n10.0 0.8'
    """
    return "\n".join(f"{one} {other}" for one, other in pairs)


def curve(text: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    r"""Return energies and values of lines such as ``0.5 0.98``.

    Raises
    ------
    RecipeError
        If a line is no pair of numbers.

    Examples
    --------
    >>> curve("0.1 1\n10, 0.8\n")
    ((0.1, 10.0), (1.0, 0.8))
    """
    pairs = [_numbers(line) for line in _pairs(text, "an energy in TeV and a value, such as '0.5 0.98'")]
    return tuple(energy for energy, _ in pairs), tuple(value for _, value in pairs)


def groups(text: str) -> tuple[tuple[int, str], ...]:
    r"""Return OBS_IDs and groups of lines such as ``23523 night 1``.

    Raises
    ------
    RecipeError
        If a line does not begin with a whole number, or has nothing after it.

    Examples
    --------
    >>> groups("23523 night 1\n23526 night 2")
    ((23523, 'night 1'), (23526, 'night 2'))
    """
    return tuple(_group(line) for line in _pairs(text, "an OBS_ID and its group, such as '23523 night 1'"))


def _pairs(text: str, expected: str) -> list[tuple[str, str]]:
    found = [line.replace(",", " ").split(maxsplit=1) for line in text.splitlines() if line.strip()]
    for words in found:
        if len(words) != 2:
            msg = f"found the line {' '.join(words)!r}; expected {expected}"
            raise RecipeError(msg)
    return [(first, rest.strip()) for first, rest in found]


def _numbers(pair: tuple[str, str]) -> tuple[float, float]:
    try:
        return float(pair[0]), float(pair[1])
    except ValueError as error:
        msg = f"found the line {' '.join(pair)!r}; expected two numbers, an energy in TeV and a value"
        raise RecipeError(msg) from error


def _group(pair: tuple[str, str]) -> tuple[int, str]:
    if not pair[0].isdecimal():
        msg = f"found the line {' '.join(pair)!r}; expected an OBS_ID, a whole number, before the group"
        raise RecipeError(msg)
    return int(pair[0]), pair[1]
