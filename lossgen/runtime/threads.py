"""How many threads a call may use, and the team that they form."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lossgen.errors import ParameterError
from lossgen.runtime.team import openmp
from lossgen.runtime.team.own import OwnTeam

VARIABLE = "LOSSGEN_NUM_THREADS"
ALONE = (0, 0, 1)
"""The team of the calling thread only."""

MOST_THREADS = 16
"""More than these, or than the machine has cores, are never started: they would only wait for each other."""

_wanted: int | None = None  # None: not said
_own = OwnTeam()
_joined: ContextVar[openmp.Runtime | None] = ContextVar("joined", default=None)


def set_num_threads(number: int) -> None:
    """Sets how many threads a call may use, this one included.

    No more work than the machine has cores, or 16 where it has fewer.

    Raises:
        ParameterError: the number is no integer of at least 1.
    """
    global _wanted
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ParameterError(f"`number` of threads must be an integer of at least 1. Received: {number!r}")
    _wanted = number


def get_num_threads() -> int:
    """How many threads a call may use.

    As set; else LOSSGEN_NUM_THREADS; else, within `joining`, what that runtime uses; else, if PyTorch is
    loaded, what it uses; else all of this process.
    """
    return _said() or (_other() or (0, 0))[1] or _all()


@contextmanager
def joining(runtime: openmp.Runtime) -> Iterator[None]:
    """Within it calls use the threads of a library that has called us and waits meanwhile."""
    token = _joined.set(runtime)
    try:
        yield
    finally:
        _joined.reset(token)


def team() -> tuple[int, int, int]:
    """The team for the next call, as compiled code takes it."""
    found = _other()
    threads = min(_said() or (found[1] if found else _all()), max(MOST_THREADS, os.cpu_count() or 1))
    if threads == 1:
        return ALONE
    return (found[0], 0, threads) if found and found[0] else _own.of(threads)


def _other() -> tuple[int, int] | None:
    """The entry of another library's OpenMP runtime and its number of threads."""
    joined = _joined.get()
    return (joined.team() if joined else None) or openmp.of_torch()


def _said() -> int | None:
    global _wanted
    if _wanted is None and VARIABLE in os.environ:
        text = os.environ[VARIABLE]
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ParameterError(f"{VARIABLE} must be an integer of at least 1. Received: {text!r}")
        _wanted = int(text)
    return _wanted


def _all() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _renew() -> None:
    """Threads do not survive a fork: the child starts its own."""
    global _own
    _own = OwnTeam()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
