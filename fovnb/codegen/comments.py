"""Comments of a text: whatever is in them, they stay comments, and no line is wider than code."""

from textwrap import wrap

from fovnb.codegen.literals import WIDTH, one_line

__all__ = ["comment_lines"]


def comment_lines(text: str, room: int = WIDTH) -> list[str]:
    r"""Return a text as comment lines; those after the first are indented, and a long word stays whole.

    Parameters
    ----------
    text : str
        Anything.
    room : int
        How many columns there are.

    Examples
    --------
    >>> print(*comment_lines("one two three", room=10), sep="\n")
    # one two
    #   three
    """
    return wrap(
        one_line(text),
        room,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    ) or ["#"]
