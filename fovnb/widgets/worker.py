"""One thread that works for a widget: a newer job stops the older one and takes its place."""

from collections.abc import Callable
from threading import Event, Lock, Thread, current_thread, main_thread

__all__ = ["Job", "Worker", "is_over"]

Job = Callable[[Event], None]


class Worker:
    """Does one job at a time, the newest; the thread ends when there is nothing left to do.

    The process waits for the present job when it ends: a thread that is killed in the middle may take compiled code
    down with it. A job gets the event that is set when it is to stop. What a job raises is its own affair.

    Examples
    --------
    >>> done = []
    >>> worker = Worker()
    >>> worker.start(lambda stop: done.append("work"))
    >>> worker.wait()
    True
    >>> done
    ['work']
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._next: Job | None = None
        self._stop = Event()
        self._thread: Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether there is work going on, or waiting."""
        return self._thread is not None

    def start(self, job: Job) -> None:
        """Do a job as soon as the present one has stopped."""
        with self._guard:
            self._next = job
            self._stop.set()
            if self._thread is None:
                self._thread = Thread(target=self._work, name="fovnb-worker")
                self._thread.start()

    def cancel(self) -> None:
        """Ask the present job to stop, and forget the waiting one."""
        with self._guard:
            self._next = None
            self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all work is done, at most ``timeout`` seconds; return whether it is."""
        thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    def _work(self) -> None:
        try:
            while (found := self._take()) is not None:
                job, stop = found
                job(stop)
        except BaseException:
            self._thread = None  # what a job raises ends the thread, not the worker
            raise

    def _take(self) -> tuple[Job, Event] | None:
        with self._guard:
            job, self._next = self._next, None
            if job is None or not main_thread().is_alive():
                self._thread = None
                return None
            self._stop = Event()
            return job, self._stop


def is_over(stop: Event) -> bool:
    """Return whether a job is to stop, because it was asked to or because the process ends.

    Examples
    --------
    >>> is_over(Event())
    False
    """
    return stop.is_set() or not main_thread().is_alive()
