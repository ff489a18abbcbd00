"""No space left: a limit on the size of files, and calls of the system that fail one after another."""

import errno
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from faults.children import forked
from faults.counting import Count
from faults.losses import FOLDER, NEW, OLD, OTHER, computed_in, content, left_over, lost
from lossgen.compiler.build import build

SIZES = (0, 100, 1_000, 4_096, 10_000, 30_000)
"""Bytes that a file may have at most; modules have some thousand, machine code some ten thousand."""


def full_disk(folder: Path, times: int, random_: random.Random) -> Count:
    """No space left while a loss is compiled: it is kept in memory, with a warning."""
    count = Count()
    expected = forked(computed_in, folder / "quiet", FOLDER).result
    for number in range(times):
        cache = folder / f"cache-{number}"
        forked(computed_in, cache, OTHER)
        before = content(cache)
        if number % 2:
            size = SIZES[number // 2 % len(SIZES)]
            place, end = f"files of {size} bytes at most", forked(_limited, cache, size)
        else:
            step = 1 + number // 2
            place, end = f"from call {step} on", forked(_failing, cache, step)
        failures = end.failures(expected) + lost(before, cache)
        failures += [("lost", f"left over: {name}") for name in left_over(cache)]
        if not end.warned:
            failures.append(("failed", "no warning"))
        if len(end.warned) > 2:  # one of modules, one of machine code
            failures.append(("failed", f"{len(end.warned)} warnings"))
        failures += forked(computed_in, cache, FOLDER).failures(expected)
        count.add(place, failures, ["by a limit" if number % 2 else "by injection"])
        shutil.rmtree(cache)
    return count


def _limited(cache: Path, size: int) -> list[str]:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return computed_in(cache, FOLDER)


def _failing(cache: Path, step: int) -> list[str]:
    """Of the calls that create or rename files, those from one on find no space."""
    calls = [0]

    def failing(call: Callable) -> Callable:
        def with_less_space(*arguments, **keywords):
            calls[0] += 1
            if calls[0] >= step:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return call(*arguments, **keywords)

        return with_less_space

    for module, name in ((os, "replace"), (os, "mkdir"), (tempfile, "mkstemp"), (tempfile, "TemporaryFile")):
        setattr(module, name, failing(getattr(module, name)))
    return computed_in(cache, FOLDER)


def full_disk_building(folder: Path, times: int, random_: random.Random) -> Count:
    """No space left during `lossgen build -o`: an error in one line, and every file old or new."""
    count = Count()
    build(OLD, folder / "old")
    build(NEW, folder / "new")
    old, new = content(folder / "old"), content(folder / "new")
    for number in range(times):
        package = folder / f"package_{number}"
        shutil.copytree(folder / "old", package)
        size = random_.randrange(20_000)
        end = forked(_build_limited, package, size)
        state = content(package)
        failures = end.failures("No space left" if _is_less(size, folder / "new", old, new) else "built")
        failures += [("lost", name) for name in set(state) ^ set(old)
                     if state.get(name, new.get(name)) != new.get(name)]  # fmt: skip
        failures += [
            ("wrong", name) for name, digest in state.items() if digest not in (old.get(name), new.get(name))
        ]
        forked(_build_limited, package, 1 << 30)
        if content(package) != new:
            failures.append(("lost", "the next build does not mend it"))
        count.add(f"files of {size} bytes at most", failures)
        shutil.rmtree(package)
    return count


def _is_less(size: int, folder: Path, old: dict[str, str], new: dict[str, str]) -> bool:
    return any(
        (folder / name).stat().st_size > size for name, digest in new.items() if old.get(name) != digest
    )


def _build_limited(package: Path, size: int) -> str:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        build(NEW, package)
    except OSError as error:
        return "No space left" if error.errno in (errno.EFBIG, errno.ENOSPC) else str(error)
    return "built"
