"""The threads of a booster, for its objective: they wait for it meanwhile, and keep the cores busy."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from lossgen.runtime import threads
from lossgen.runtime.team.openmp import Runtime


@contextmanager
def team_of(library: ctypes.CDLL | str) -> Iterator[None]:
    """Within it kernels run on the OpenMP threads of a library, given loaded or as the path of its file."""
    with threads.joining(_runtime(library)):
        yield


@cache
def _runtime(library: ctypes.CDLL | str) -> Runtime:
    return Runtime(ctypes.CDLL(library) if isinstance(library, str) else library)
