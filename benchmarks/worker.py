"""The process of one peer: prepares cases, is compared with lossgen, and measures when it is told to.

One JSON object a line comes in, one goes out: `prepare` a case, `measure` it, `stop`. Between two messages
the process sleeps.
"""

import gc
import json
import os
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from .cases import Case, inputs
from .peers import OURS, PEERS, Arrays, Work

BATCH_SECONDS = 0.02  # about how long one peer works in one round
LONGEST_BATCH = 0.1  # no further sample after this, where calls take longer than they did when warming up
WARM_SECONDS = 0.1


class Worker:
    """What a peer remembers between two messages."""

    def __init__(self, name: str):
        self.name = name
        self.peer = PEERS[name].make()
        self.work: Work | None = None
        self.calls, self.samples = 1, 1

    def prepare(self, case: dict, folder: str | None) -> dict:
        """Makes the arrays, calls once, compares with what is in the folder (None: with nothing), warms up.

        Returns:
            `able`: whether the peer has the loss; `wrong`: None, or where it differs from lossgen; `first`:
            seconds of preparation and the first call; `seconds`: of a warm call.
        """
        self.work = None
        gc.collect()
        made = Case(**{**case, "shape": tuple(case["shape"])})
        arrays = inputs(made)
        started = time.perf_counter()
        self.work = self.peer.prepare(made, *arrays)
        if self.work is None:
            return {"able": False}
        result = self.work.run()
        first = time.perf_counter() - started
        wrong = None if folder is None else self.compare(self.work.arrays(result), Path(folder))
        del result
        seconds = self.warm()
        self.calls = max(1, int(BATCH_SECONDS / 5 / seconds))
        self.samples = 5 if seconds < 0.01 else 3 if seconds < 0.1 else 1
        return {"able": True, "wrong": wrong, "first": first, "seconds": seconds}

    def compare(self, result: Arrays, folder: Path) -> str | None:
        """Where the result differs from lossgen's, which lies in the folder; lossgen writes it there."""
        if self.name == OURS[0]:
            for index, part in enumerate(result):
                np.save(folder / f"{index}.npy", part)
            return None
        for index, part in enumerate(result):
            wrong = difference(part, np.load(folder / f"{index}.npy", mmap_mode="r"))
            if wrong:
                return f"result {index}: {wrong}"
        return None

    def warm(self) -> float:
        """Calls for a while; seconds of the fastest call."""
        best, spent = np.inf, 0.0
        while spent < WARM_SECONDS:
            started = time.perf_counter()
            self.work.run()
            seconds = time.perf_counter() - started
            best, spent = min(best, seconds), spent + seconds
        return best

    def measure(self) -> dict:
        """One batch: `seconds` of a call, the least of some samples, because of stalls that others cause.

        The first call is not counted: it brings the arrays back into the cache that others have used.
        """
        run, calls = self.work.run, range(self.calls)
        run()
        measured = []
        began = time.perf_counter()
        while len(measured) < self.samples and time.perf_counter() - began < LONGEST_BATCH:
            started = time.perf_counter()
            for _ in calls:
                run()
            measured.append((time.perf_counter() - started) / len(calls))
        return {"seconds": min(measured)}


def difference(part: np.ndarray, expected: np.ndarray) -> str | None:
    """What is wrong, or None. One element in 100 000 may lie on a kink, where subgradients differ."""
    if part.shape != expected.shape:
        return f"shape {part.shape} for {expected.shape}"
    if not part.shape:
        close = np.isclose(part, expected, rtol=1e-3, atol=1e-6)
        return None if close else f"{float(part)} for {float(expected)}"
    allowed = 1e-4 * float(np.max(np.abs(expected), initial=0))
    off = ~np.isclose(part, expected, rtol=1e-3, atol=allowed)
    if np.count_nonzero(off) <= part.size * 1e-5:
        return None
    place = tuple(int(index) for index in np.argwhere(off)[0])
    return f"{np.count_nonzero(off)} of {part.size} differ, {part[place]} for {expected[place]} at {place}"


def serve(name: str, requests, replies) -> None:
    """Answers until there is nothing more to read."""
    worker = Worker(name)
    gc.disable()  # collected between cases instead
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in requests:
        request = json.loads(line)
        action = request.pop("do")
        if action == "stop":
            return
        try:
            reply = {"prepare": worker.prepare, "measure": worker.measure}[action](**request)
        except Exception as error:
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the replies
    serve(sys.argv[1], sys.stdin, answers)
