"""What the widgets of a chain share: a recipe, what it came to, what is going on, and what is wrong.

Views edit the recipe through the state and observe its traits; they compute nothing. Callbacks come from several
threads (JupyterLab runs them on subshells), so everything happens under one lock.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from threading import Event, RLock
from typing import Any, Protocol

from traitlets import Dict, HasTraits, Instance

from fovnb.codegen.core import Root
from fovnb.errors import CancelledError, FovnbError
from fovnb.pipeline import Given, Results
from fovnb.pipeline.caller import Cancel, Progress
from fovnb.recipe import Recipe
from fovnb.recipe.places import edit_at
from fovnb.widgets.estimate import Estimate
from fovnb.widgets.history import Change, History
from fovnb.widgets.status import Problem, Status, problem_of, span
from fovnb.widgets.worker import Worker, is_over

__all__ = ["Run", "State", "digest"]

AT_ONCE_S = 0.3  # what takes longer waits for the Update button
_QUIET_S = 0.2  # without an edit, before what may come later begins
_CANCELLED = Status("cancelled", "cancelled; the last results are shown")


class Run(Protocol):
    """What turns a recipe into results, as `fovnb.pipeline.run` does."""

    def __call__(self, recipe: Recipe, progress: Progress = None, cancel: Cancel = None) -> Results:
        """Return what a recipe comes to."""


def digest(recipe: Recipe) -> str:
    """Return 12 hexadecimal digits that stand for a recipe; each picture carries those of the recipe it shows.

    Examples
    --------
    >>> digest(Recipe()) == digest(Recipe()) != digest(Recipe().edit_step("safe_mask", offset_max_deg=2))
    True
    """
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]


class State(HasTraits):
    """A recipe being edited, and the last good results.

    Parameters
    ----------
    recipe : Recipe
        Where to begin, and what `reset` leads back to.
    run : callable, optional
        Turns a recipe into results, by default `fovnb.pipeline.run`.
    given : Given, optional
        Datasets in place of the recipe's data, cube and safe mask.

    Examples
    --------
    >>> state = State(Recipe())
    >>> state.edit("safe_mask.offset_max_deg", -1)
    >>> state.errors["safe_mask.offset_max_deg"].text
    'SafeMask.offset_max_deg is -1; expected a number above 0 and at most 180 deg'
    >>> state.edit("safe_mask.offset_max_deg", 2.0)
    >>> state.finish().recipe.safe_mask.offset_max_deg
    2.0
    """

    recipe = Instance(Recipe)
    results = Instance(Results, allow_none=True)
    status = Instance(Status)
    errors = Dict()

    def __init__(self, recipe: Recipe, run: Run | None = None, given: Given | None = None) -> None:
        super().__init__(recipe=recipe, status=Status("waiting", "nothing was computed yet"))
        self.lock = RLock()
        self.given = given
        self._first = recipe
        self._run = run or partial(_run, given=given)
        self._history, self._estimate = History(), Estimate()
        self._worker, self._later = Worker(), Worker()
        self._looks: dict[str, Any] = {}
        self._slow: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self._failure: tuple[Recipe, Exception] | None = None
        self._path = ""
        self._users = 0
        self._unfollow: list[Callable[[], None]] = []
        self._begun = self._closed = False

    @property
    def fresh(self) -> bool:
        """Whether the results belong to the present recipe."""
        return self.results is not None and self.results.recipe == self.recipe

    @property
    def digest(self) -> str:
        """The digits of the recipe."""
        return digest(self.recipe)

    @property
    def shown_digest(self) -> str:
        """The digits of the recipe of the results, "" without any."""
        results = self.results
        return "" if results is None else str(self.look("digest", lambda: digest(results.recipe)))

    def edit(self, path: str, value: Any) -> None:
        """Put another value at a place of the recipe; an impossible one is said in ``errors`` and changes nothing.

        Parameters
        ----------
        path : str
            Such as ``background.norm.tilt.value``, see `fovnb.recipe.places`.
        value : object
            Plain value, or a step.
        """
        with self.lock:
            try:
                recipe = edit_at(self.recipe, path, value)
            except FovnbError as error:
                self.errors = {**self.errors, path: problem_of(error)}
                return
            self.errors = {name: one for name, one in self.errors.items() if name != path}
            self._take(recipe, path)

    def take(self, recipe: Recipe) -> None:
        """Replace the whole recipe."""
        with self.lock:
            self.errors = {}
            self._take(recipe, "")

    def differs(self, steps: Collection[str]) -> bool:
        """Return whether some steps are not as they began."""
        return any(getattr(self.recipe, name) != getattr(self._first, name) for name in steps)

    def reset(self, steps: Collection[str]) -> None:
        """Lead some steps back to where they began; this can be undone."""
        self.take(self.recipe.edit(**{name: getattr(self._first, name) for name in steps}))

    def undo(self, steps: Collection[str]) -> None:
        """Take the last change of some steps back."""
        with self.lock:
            self._replace(self._history.undo(self.recipe, steps))

    def redo(self, steps: Collection[str]) -> None:
        """Make the last change of some steps that was taken back again."""
        with self.lock:
            self._replace(self._history.redo(self.recipe, steps))

    def can_undo(self, steps: Collection[str]) -> bool:
        """Return whether there is a change of some steps to take back."""
        return self._history.can_undo(steps)

    def can_redo(self, steps: Collection[str]) -> bool:
        """Return whether there is a change of some steps to make again."""
        return self._history.can_redo(steps)

    def update(self) -> None:
        """Compute the results of the present recipe in the background."""
        with self.lock:
            if self._closed or (self.fresh and not self._worker.busy):
                return
            recipe, self._begun = self.recipe, True
            self.status = Status("running", "working", fraction=0.0, seconds=self.status.seconds)
            self._worker.start(lambda stop: self._work(recipe, stop))

    def cancel(self) -> None:
        """Stop the work; the last good results stay."""
        self._worker.cancel()
        with self.lock:
            if self.status.phase == "running":
                self.status = _CANCELLED

    def finish(self) -> Results:
        """Return the results of the present recipe, computed if need be.

        Raises
        ------
        FovnbError
            If there is something wrong with the data; if the work was cancelled meanwhile.
        """
        while self._worker.busy:
            self._worker.wait()
        with self.lock:
            if self._failure is not None and self._failure[0] == self.recipe:
                self._failure = None  # what was missing may be there by now
            if not self.fresh:
                self._work(self.recipe, Event())
            if self._failure is not None:
                raise self._failure[1]
            if self.results is None or not self.fresh:
                msg = "the widget is closed; make another one"
                raise CancelledError(msg)
            return self.results

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the work in the background is done, at most ``timeout`` seconds; return whether it is."""
        return self._worker.wait(timeout) and self._later.wait(timeout)

    def code(self, root: Root = "fovnb", **options: Any) -> str:
        """Return the present recipe as a script; see `fovnb.codegen.to_code` for the options."""
        from fovnb.codegen import to_code

        with self.lock:
            recipe = self.recipe
            known = {"given": self.given} | ({"results": self.results} if self.fresh else {})
        return to_code(recipe, root, **(known | options))

    def look(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what ``make`` returns, once for the present results: records that several views show."""
        with self.lock:
            if name not in self._looks:
                self._looks[name] = make()
            return self._looks[name]

    def slowly(self, name: str, make: Callable[[], Any], show: Callable[[Any], None]) -> None:
        """Let something be made in the background after a quiet moment, and shown unless the results changed."""
        with self.lock:
            if not self._closed:
                self._slow[name] = (make, show)
                self._later.start(self._work_later)

    def follow(self, other: "State", steps: Collection[str]) -> None:
        """Take some steps from another state, now and whenever they change there."""

        def take(_: Any = None) -> None:
            self.take(self.recipe.edit(**{name: getattr(other.recipe, name) for name in steps}))

        take()
        other.observe(take, "recipe")
        self._unfollow.append(lambda: other.unobserve(take, "recipe"))

    def join(self) -> "State":
        """Return the state for one more widget, which is to `leave` it."""
        with self.lock:
            self._users += 1
        return self

    def leave(self) -> None:
        """Close the state if this was its last widget."""
        with self.lock:
            self._users -= 1
        if self._users <= 0:
            self.close()

    def close(self) -> None:
        """Stop everything, and forget everything."""
        self._worker.cancel()
        self._later.cancel()
        with self.lock:
            self._closed = True
            self._slow, self._looks = {}, {}
            for end in self._unfollow:
                end()
            self._unfollow = []
            self.unobserve_all()

    def _take(self, recipe: Recipe, path: str) -> None:
        if recipe != self.recipe:
            self._history.add(Change.between(self.recipe, recipe, path, time.monotonic()))
            self._path = path
            self._show(recipe)

    def _replace(self, recipe: Recipe) -> None:
        self.errors = {}
        self._path = ""
        self._show(recipe)

    def _show(self, recipe: Recipe) -> None:
        """Set the recipe, and compute it now, later, or when the user asks for it."""
        self.recipe = recipe
        if self._closed:
            return
        seconds = self._estimate.seconds(self.results, recipe)
        if self._worker.busy or (self.results is None and self._begun):
            self.update()
        elif seconds <= AT_ONCE_S:
            self._work(recipe, Event())
        else:
            text = "nothing was computed yet" if self.results is None else f"an update takes about {span(seconds)}"
            self.status = Status("waiting", text, seconds=self.status.seconds)

    def _work(self, recipe: Recipe, stop: Event) -> None:
        """Compute a recipe and keep what it came to, unless there is a newer one by then."""
        begin = time.perf_counter()
        try:
            results = self._run(recipe, self._progress, lambda: is_over(stop))
            self._keep(results, time.perf_counter() - begin)
        except CancelledError as error:
            self._end(recipe, _CANCELLED, failure=error)
        except Exception as error:  # whatever it is, the user is to read it beside the widget
            problem = problem_of(error)
            self._end(recipe, Status("failed", problem.text, problem.detail), problem, error)

    def _keep(self, results: Results, seconds: float) -> None:
        with self.lock:
            self._estimate.learn(results.timings)
            if self._closed or results.recipe != self.recipe:
                return
            self._looks, self._slow, self._failure = {}, {}, None
            self.status = Status("ready", f"took {span(seconds)}", seconds=seconds)
            self.results = results

    def _end(
        self, recipe: Recipe, status: Status, problem: Problem | None = None, failure: Exception | None = None
    ) -> None:
        with self.lock:
            if self._closed or recipe != self.recipe:
                return
            self._failure = None if failure is None else (recipe, failure)
            if problem is not None and self._path:
                self.errors = {**self.errors, self._path: problem}
            self.status = status

    def _progress(self, obs_ids: Iterable[int]) -> Iterator[int]:
        """Say how many runs are done, and how long the others will take."""
        all_ids, begin = list(obs_ids), time.perf_counter()
        for done, obs_id in enumerate(all_ids):
            yield obs_id
            past = time.perf_counter() - begin
            if past > AT_ONCE_S:
                left = past / (done + 1) * (len(all_ids) - done - 1)
                text = f"{done + 1}/{len(all_ids)} runs, {span(left)} left"
                with self.lock:
                    self.status = Status("running", text, fraction=(done + 1) / len(all_ids))

    def _work_later(self, stop: Event) -> None:
        if stop.wait(_QUIET_S):
            return
        for name, (make, show) in list(self._slow.items()):
            if is_over(stop):
                return
            results = self.results
            try:
                record = make()
            except Exception as error:  # whatever it is, the user is to read it beside the widget
                self.errors = {**self.errors, name: problem_of(error)}
                continue
            with self.lock:
                if not stop.is_set() and results is self.results and name in self._slow:
                    del self._slow[name]
                    show(record)


def _run(recipe: Recipe, progress: Progress = None, cancel: Cancel = None, given: Given | None = None) -> Results:
    from fovnb.pipeline import run

    return run(recipe, progress, cancel, given=given)
