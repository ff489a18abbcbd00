"""Makes Numba's CUDA simulator fast, and gives it shuffles.

Numba's own polls its threads. Here one thread of a block runs at a time, in the order of their numbers, until
it waits for the others or ends: the same results, each time in the same order, about fifty times as fast.
"""

import functools
import os
import threading
from queue import SimpleQueue

import numpy as np
import pytest

ON_GPU = os.environ.get("LOSSGEN_TEST_GPU") == "1"
simulated_only = pytest.mark.skipif(ON_GPU, reason="looks into the simulator; LOSSGEN_TEST_GPU=1 runs a GPU")
gpu_only = pytest.mark.skipif(not ON_GPU, reason="runs on a GPU: LOSSGEN_TEST_GPU=1")


class Abandoned(Exception):
    """Raised in the other threads of a block when one has failed."""


class Worker(threading.Thread):
    """A thread that runs one thread of a block after another; what `cuda.threadIdx` and the like ask."""

    def __init__(self):
        super().__init__(daemon=True)
        self.tasks: SimpleQueue = SimpleQueue()
        self.turn = threading.Semaphore(0)
        self.start()

    def run(self):
        while True:
            self.turn.acquire()
            self.tasks.get()()

    def syncthreads(self):
        """Gives the turn to the next thread; all have waited when it comes back."""
        self._manager.next_after(self).turn.release()
        self.turn.acquire()
        if self._manager.failure is not None:
            raise Abandoned


class BlockManager:
    """Runs the threads of a block by turns."""

    workers: list[Worker] = []  # noqa: RUF012  shared by all blocks: a thread is not made anew

    def __init__(self, function, grid_dim, block_dim, debug):
        self._grid_dim, self._block_dim, self._f = grid_dim, block_dim, function
        self.failure: BaseException | None = None
        self.finished = threading.Semaphore(0)

    def run(self, grid_point, *arguments):
        """Runs one block.

        Raises:
            what the first thread to fail has raised.
        """
        from numba.cuda.simulator.kernelapi import Dim3

        points = list(np.ndindex(*self._block_dim))
        while len(self.workers) < len(points):
            self.workers.append(Worker())
        self.live = self.workers[: len(points)]
        for worker, point in zip(self.live, points, strict=True):
            worker._manager, worker.blockIdx, worker.threadIdx = self, Dim3(*grid_point), Dim3(*point)
            worker.tasks.put(functools.partial(self._thread, worker, arguments))
        self.live[0].turn.release()
        self.finished.acquire()
        if self.failure is not None:
            raise self.failure

    def next_after(self, worker):
        """The thread whose turn it is after this one's."""
        return self.live[(self.live.index(worker) + 1) % len(self.live)]

    def _thread(self, worker, arguments):
        try:
            if self.failure is None:
                self._f(*arguments)
        except Abandoned:
            pass
        except BaseException as failure:
            self.failure = self.failure or failure
        following = self.next_after(worker)
        self.live.remove(worker)
        if self.live:
            following.turn.release()
        else:
            self.finished.release()


def shfl_xor_sync(mask, value, offset):
    """The value of the lane whose number differs in this bit; all threads of the block have to call."""
    from lossgen.runtime.cuda.simulated import exchanged

    return exchanged(value, offset)


def install() -> None:
    """Replaces the simulator's block manager and adds the shuffle, for this process."""
    from numba.cuda.simulator import kernel

    from lossgen.runtime.cuda.toolchain import cuda

    kernel.BlockManager = BlockManager
    cuda.shfl_xor_sync = shfl_xor_sync
