"""A small pool of threads that runs the chunks of one kernel call; kernels release the interpreter's lock.

What a chunk is never depends on the number of threads, and results are stored by chunk, so neither does a
result.
"""

import os
import threading
from collections.abc import Callable
from itertools import count
from queue import SimpleQueue

from lossgen.errors import ParameterError

VARIABLE = "LOSSGEN_NUM_THREADS"


class Pool:
    """Threads that wait for work, started when they are first needed."""

    def __init__(self):
        self.size: int | None = None  # None: not asked for yet
        self.started = 0
        self.lock = threading.Lock()
        self.queue: SimpleQueue = SimpleQueue()

    def run(self, function: Callable[[int], object], chunks: int) -> list:
        """`[function(0), …, function(chunks - 1)]`, computed by this thread and the pool's."""
        helpers = min(get_num_threads(), chunks) - 1
        if helpers < 1:
            return [function(index) for index in range(chunks)]
        if self.started < helpers:
            self.start(helpers)
        job = Job(function, chunks)
        for _ in range(helpers):
            self.queue.put(job)
        return job.finish()

    def start(self, helpers: int) -> None:
        """Starts threads until there are as many as `helpers`."""
        with self.lock:
            while self.started < helpers:
                self.started += 1
                name = f"lossgen-{self.started}"
                threading.Thread(target=serve, args=(self.queue,), name=name, daemon=True).start()


class Job:
    """The chunks of one call. Whoever is free takes the next; the last to finish one opens the door."""

    def __init__(self, function: Callable[[int], object], chunks: int):
        self.function = function
        self.chunks = chunks
        self.waiting = iter(range(chunks))
        self.finished = count(1)
        self.results: list = [None] * chunks
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()

    def work(self) -> None:
        """Computes chunks until none is left."""
        for index in self.waiting:
            try:
                self.results[index] = self.function(index)
            except BaseException as error:  # raised again by `finish`, in the thread that asked
                self.error = error
            if next(self.finished) == self.chunks:
                self.done.release()

    def finish(self) -> list:
        """Works along, waits for the others, and returns the results in order."""
        self.work()
        self.done.acquire()
        if self.error is not None:
            raise self.error
        return self.results


def serve(queue: SimpleQueue) -> None:
    """What a thread of the pool does all its life."""
    while True:
        queue.get().work()


def set_num_threads(number: int) -> None:
    """Sets how many threads a call may use, this one included.

    Raises:
        ParameterError: the number is no integer of at least 1.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ParameterError(f"`number` of threads must be an integer of at least 1. Received: {number!r}")
    pool.size = number


def get_num_threads() -> int:
    """How many threads a call may use: as set, else LOSSGEN_NUM_THREADS, else all of this process."""
    if pool.size is None:
        pool.size = _default_size()
    return pool.size


def _default_size() -> int:
    text = os.environ.get(VARIABLE)
    if text is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ParameterError(f"{VARIABLE} must be an integer of at least 1. Received: {VARIABLE}={text!r}")
    return int(text)


pool = Pool()


def _renew() -> None:
    """Threads do not survive a fork: the child starts its own."""
    global pool
    size, pool = pool.size, Pool()
    pool.size = size


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
