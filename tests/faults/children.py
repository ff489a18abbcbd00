"""Processes of a trial: forked from this one, which has lossgen loaded but compiled nothing, or real ones."""

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lossgen
from lossgen.errors import CacheWarning

SECONDS = 120  # after which a process counts as hung
ROOT = Path(lossgen.__file__).parents[1]


@dataclass(frozen=True)
class Ended:
    """How a process ended: with a result, an error's text, a signal (then neither), or not in time."""

    result: object = None
    error: str | None = None
    hung: bool = False
    warned: tuple[str, ...] = ()

    def failures(self, expected: object) -> list[tuple[str, str]]:
        """What is wrong with it, for `Count.add`."""
        if self.hung:
            return [("hung", "no result")]
        if self.error is not None:
            return [("failed", self.error)]
        return [] if self.result == expected else [("wrong", f"{self.result} instead of {expected}")]


class Child:
    """A forked process that calls a function and tells what it returned."""

    def __init__(self, function: Callable, *arguments):
        reading, writing = os.pipe()
        self.process = os.fork()
        if not self.process:
            os.close(reading)
            _tell(writing, function, arguments)
        os.close(writing)
        self.pipe = reading

    def kill(self) -> None:
        """Ends it at once, as the system does when memory runs out."""
        os.kill(self.process, signal.SIGKILL)

    def end(self, seconds: float = SECONDS) -> Ended:
        """Waits for it; one that takes longer is killed and counts as hung."""
        limit, told = time.monotonic() + seconds, b""
        hung = False
        while True:
            ready, _, _ = select.select([self.pipe], [], [], max(0.0, limit - time.monotonic()))
            if not ready:
                hung = True
                self.kill()
                break
            more = os.read(self.pipe, 65536)
            if not more:
                break
            told += more
        os.close(self.pipe)
        os.waitpid(self.process, 0)
        if hung or not told:
            return Ended(hung=hung, error=None if hung else "ended without a result")
        found = json.loads(told)
        return Ended(found["result"], found["error"], warned=tuple(found["warned"]))


def _tell(pipe: int, function: Callable, arguments: tuple) -> None:
    found = {"result": None, "error": None, "warned": []}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found["result"] = function(*arguments)
        found["warned"] = [str(each.message) for each in caught if issubclass(each.category, CacheWarning)]
    except BaseException:
        found["error"] = traceback.format_exc(limit=-3)
    with os.fdopen(pipe, "w") as file:
        json.dump(found, file)
    os._exit(0)


def forked(function: Callable, *arguments) -> Ended:
    """The end of a forked process."""
    return Child(function, *arguments).end()


def started(program: str, environment: dict[str, str], cwd: Path) -> subprocess.Popen:
    """A real process that prints a JSON text at its end."""
    known = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    path = os.pathsep.join([environment.pop("PYTHONPATH", ""), *sys.path]).strip(os.pathsep)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**known, "PYTHONPATH": path, **environment},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen) -> Ended:
    """How such a process ended."""
    try:
        output, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Ended(hung=True)
    if process.returncode:
        return Ended(error=errors.strip()[-1000:] or f"exit code {process.returncode}")
    warned = [line for line in errors.splitlines() if "CacheWarning" in line]
    return Ended(json.loads(output), warned=tuple(warned))


def warm_up() -> None:
    """Loads here what every forked process needs, so that its time goes into what is tried."""
    import numba

    numba.njit(lambda x: x + 1)(1.0)
