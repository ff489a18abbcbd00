"""The OpenMP runtime of another library: one team for both, so that neither waits for the other's.

Two OpenMP runtimes in one process keep two teams whose threads, busy waiting for work, take the cores from
each other. PyTorch's is used wherever PyTorch is loaded, that of a booster while it calls its objective.
After a fork the child of a process that used the team has none: there it must not be entered.
"""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path

_forked = False


class Runtime:
    """The OpenMP runtime that a shared library is linked with.

    Args:
        library: the library, loaded; a name that it has not itself is looked up in what it is linked with.

    Attributes:
        entry: address of `GOMP_parallel`, 0 if there is none.
    """

    def __init__(self, library: ctypes.CDLL):
        try:
            entry, self.most = library.GOMP_parallel, library.omp_get_max_threads
        except AttributeError:
            self.entry, self.most = 0, None
        else:
            self.entry = ctypes.cast(entry, ctypes.c_void_p).value or 0

    def team(self) -> tuple[int, int] | None:
        """The address of the entry and how many threads it may use; None where it is not to be entered."""
        return None if _forked or not self.entry else (self.entry, self.most())


def of_torch() -> tuple[int, int] | None:
    """The address of the runtime's entry, 0 if it is not to be entered, and torch's number of threads.

    None where torch is not loaded. A DataLoader's workers are forked children in which torch has one thread.
    """
    torch = sys.modules.get("torch")
    count = getattr(torch, "get_num_threads", None)  # missing while torch is still being imported
    if count is None:
        return None
    return 0 if _forked else _entry(), count()


@cache
def _entry() -> int:
    """Address of `GOMP_parallel` in the runtime that torch is linked with; 0 if there is none."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    paths = {line.split(maxsplit=5)[5] for line in lines if "libgomp" in line and line.count("/")}
    for path in sorted(paths, key=lambda path: "torch" not in path):
        if "torch" in path or len(paths) == 1:
            try:
                function = ctypes.CDLL(path).GOMP_parallel
            except (OSError, AttributeError):
                continue
            return ctypes.cast(function, ctypes.c_void_p).value or 0
    return 0


def _forget() -> None:
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
