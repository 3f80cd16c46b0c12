"""A disk that is full after some bytes, without one."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_file_above"]


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let the system refuse to write larger files, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
