"""What a button starts and takes a while: done in the background, one at a time, its outcome said in a sentence."""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, TypeAlias

from fovnb.widgets.status import problem_of
from fovnb.widgets.worker import Worker

__all__ = ["Chore", "Chores", "Said", "Saying"]

Kind: TypeAlias = Literal["", "good", "bad", "busy", "ask"]


@dataclass(frozen=True)
class Said:
    """A sentence for the user.

    Parameters
    ----------
    kind : str
        ``good``, ``bad``, ``busy`` (buttons wait), ``ask`` (whether a file is to be replaced), or "" for no sentence.
    text : str
        The sentence.
    detail : str
        Traceback of what failed.
    """

    kind: Kind = ""
    text: str = ""
    detail: str = ""


class Saying(Protocol):
    """A widget with a line for sentences: the trait ``said`` holds a `Said` as a dictionary."""

    said: Any


class Chore(Protocol):
    """What a button starts; where a file exists it asks, and is done again with ``overwrite`` if the answer is yes."""

    def __call__(self, overwrite: bool = False) -> Said:
        """Do it, and return what became of it."""


class Chores:
    """Does what buttons of a widget ask for, one at a time; asking for more meanwhile does nothing.

    Parameters
    ----------
    view : Saying
        Shows what is said.
    lock : context manager
        Held while something is said.

    Examples
    --------
    >>> from threading import RLock
    >>> from types import SimpleNamespace
    >>> view = SimpleNamespace(said={})
    >>> chores = Chores(view, RLock())
    >>> chores.start("writing", lambda overwrite=False: Said("good", "done") if overwrite else Said("ask", "replace?"))
    >>> chores.wait(), view.said["text"]
    (True, 'replace?')
    >>> chores.replace()
    >>> chores.wait(), view.said["text"]
    (True, 'done')
    """

    def __init__(self, view: Saying, lock: AbstractContextManager[Any]) -> None:
        self._view, self._lock = view, lock
        self._worker = Worker()
        self._last: tuple[str, Chore] | None = None
        self._closed = False

    def start(self, doing: str, chore: Chore, overwrite: bool = False) -> None:
        """Do a chore in the background, and say what it returns; what it raises is said, too."""
        with self._lock:
            if self._closed or self._kind == "busy":
                return
            self._last = doing, chore
            self.say(Said("busy", doing))
            self._worker.start(lambda _: self._work(chore, overwrite))

    def replace(self) -> None:
        """Answer yes, if it was asked whether to replace a file."""
        with self._lock:
            if self._kind == "ask" and self._last is not None:
                self.start(*self._last, overwrite=True)

    def say(self, said: Said) -> None:
        """Show a sentence, or none, unless the widget is closed."""
        with self._lock:
            if not self._closed:
                self._view.said = asdict(said)

    def hush(self) -> None:
        """Take back what was said, unless it is that something is being done."""
        with self._lock:
            if self._kind != "busy":
                self.say(Said())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being done, at most ``timeout`` seconds; return whether it is."""
        return self._worker.wait(timeout)

    def close(self) -> None:
        """Do and say nothing any more."""
        self._closed = True

    @property
    def _kind(self) -> str:
        return str(self._view.said.get("kind", ""))

    def _work(self, chore: Chore, overwrite: bool) -> None:
        try:
            said = chore(overwrite=overwrite)
        except Exception as error:  # whatever it is, the user is to read it beside the button
            problem = problem_of(error)
            said = Said("bad", problem.text, problem.detail)
        self.say(said)
