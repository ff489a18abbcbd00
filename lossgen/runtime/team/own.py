"""A team of our own: Python threads that wait in native code for a while, then asleep.

After a piece of work a helper keeps looking for the next for about a tenth of a millisecond, so that calls in
a row find it awake; then it sleeps until Python wakes it. Whoever calls never waits for a helper that has not
begun: with all helpers asleep, or busy for another caller, it does the work alone.
"""

import threading
from functools import cache
from queue import SimpleQueue

import numpy as np
from numba import types

from lossgen.runtime.compiling import cfunc, njit
from lossgen.runtime.team import addresses
from lossgen.runtime.team.work import STATE

LOCK, WORK, FUNCTION, DATA, AWAKE, SIZE = 0, 64, 72, 80, 128, 192
"""Offsets in the state of a team, in bytes; what different threads write lies on lines of its own.

WORK holds in its lower half how many helpers may still join, in its upper half how many are at work.
"""
ONE_AT_WORK = 1 << 32
MAY_JOIN = ONE_AT_WORK - 1
PATIENCE = 4000
"""Looks at the state before a helper goes to sleep: 0.1 ms where a look is a `pause` of 25 ns."""


@cache
def entry():
    """`enter` as a C function, compiled when a team is first needed; it lives as long as this module."""
    return cfunc(types.void(types.int64, types.int64, types.int32, types.int32))(enter)


def enter(function, data, threads, flags):
    """Calls function(data) here and on up to threads − 1 helpers; returns when all have come back."""
    state = addresses.load(data + 8 * STATE)
    if not addresses.replace(state + LOCK, 0, 1):
        addresses.call(function, data)
        return
    addresses.store(state + FUNCTION, function)
    addresses.store(state + DATA, data)
    addresses.store(state + WORK, types.int64(threads - 1))
    addresses.call(function, data)
    addresses.keep_bits(state + WORK, ~MAY_JOIN)
    while addresses.load(state + WORK) != 0:
        addresses.pause()
    addresses.store(state + LOCK, 0)


@njit(nogil=True)
def help_out(state):
    """Joins in what is being done, until nothing has been for a while."""
    addresses.add(state + AWAKE, 1)
    idle = 0
    while idle < PATIENCE:
        found = addresses.load(state + WORK)
        if found & MAY_JOIN and addresses.replace(state + WORK, found, found + ONE_AT_WORK - 1):
            addresses.call(addresses.load(state + FUNCTION), addresses.load(state + DATA))
            addresses.add(state + WORK, -ONE_AT_WORK)
            idle = 0
        else:
            idle += 1
            addresses.pause()
    addresses.add(state + AWAKE, -1)


class OwnTeam:
    """The helpers and their state."""

    def __init__(self):
        self.memory = np.zeros(SIZE // 8 + 8, np.int64)
        address = self.memory.ctypes.data
        self.state = address + -address % 64
        self.awake = self.memory[(self.state + AWAKE - address) // 8 :][:1]
        self.lock = threading.Lock()
        self.queue: SimpleQueue = SimpleQueue()
        self.started = 0

    def of(self, threads: int) -> tuple[int, int, int]:
        """The team as kernels take it, its helpers woken."""
        helpers = threads - 1
        if self.started < helpers:
            self.start(helpers)
        for _ in range(helpers - int(self.awake[0]) - self.queue.qsize()):
            self.queue.put(None)
        return entry().address, self.state, threads

    def start(self, helpers: int) -> None:
        """Starts threads until there are as many as `helpers`."""
        with self.lock:
            while self.started < helpers:
                self.started += 1
                name = f"lossgen-{self.started}"
                threading.Thread(target=self.serve, name=name, daemon=True).start()

    def serve(self) -> None:
        """What a helper does all its life."""
        while True:
            self.queue.get()
            help_out(self.state)
