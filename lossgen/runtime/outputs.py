"""Arrays for results: large ones from memory that earlier results have given back.

The system gives out fresh memory page by page, each at its first touch: for a large array that takes several
times as long as the kernel that fills it. So memory of a result that nobody refers to any more, no array and
no other library's view of one, waits here for the next result of its size.
"""

import os
from collections import deque
from math import prod

import numpy as np

from lossgen.errors import ParameterError

VARIABLE = "LOSSGEN_OUTPUT_POOL_BYTES"
DEFAULT_LIMIT = 1 << 29
SMALLEST = 1 << 20
"""Results of fewer bytes come from NumPy: the C library keeps blocks of their size itself."""
ALIGNMENT = 64

APART = 64
"""Elements between a very small result and whatever lies before it.

A loop in vectors goes element by element where a result starts less than 256 bytes after an input. It would
add up the loss in another order then: calls with equal arguments would differ in the last bit.
"""

_idle: deque[np.ndarray] = deque()
_limit: int | None = None  # None: not said


def set_output_pool(limit: int) -> None:
    """How many bytes of results that nobody uses any more are kept for the next ones; 0 keeps none.

    Raises:
        ParameterError: the number is no integer of at least 0.
    """
    global _limit
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise ParameterError(f"`limit` in bytes must be an integer of at least 0. Received: {limit!r}")
    _limit = limit
    while held() > limit:
        _pop()


def get_output_pool() -> int:
    """How many bytes may be kept: as set, else LOSSGEN_OUTPUT_POOL_BYTES, else 512 MiB."""
    global _limit
    if _limit is None:
        text = os.environ.get(VARIABLE, str(DEFAULT_LIMIT))
        if not text.isascii() or not text.isdigit():
            raise ParameterError(f"{VARIABLE} must be an integer of at least 0. Received: {text!r}")
        _limit = int(text)
    return _limit


def held() -> int:
    """How many bytes wait for the next result."""
    return sum(memory.nbytes for memory in tuple(_idle))


def new_output(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array for a result, its content undefined; a large one is aligned to 64 bytes."""
    count = prod(shape)
    if count < APART:
        return np.empty(count + APART, dtype)[APART:].reshape(shape)
    size = count * dtype.itemsize
    if size < SMALLEST or not get_output_pool():
        return np.empty(shape, dtype)
    memory = _take(size)
    if memory is None:
        memory = np.empty(size + ALIGNMENT, np.uint8)
    return np.asarray(_Lease(memory, shape, dtype))


class _Lease:
    """Lends memory to an array and to all views of it; takes it back when the last of them dies."""

    def __init__(self, memory: np.ndarray, shape: tuple[int, ...], dtype: np.dtype):
        self.memory = memory
        address = memory.__array_interface__["data"][0]
        self.__array_interface__ = {
            "data": (address + -address % ALIGNMENT, False),
            "shape": shape,
            "typestr": dtype.str,
            "version": 3,
        }

    def __del__(self):
        # May run in any thread, amid anything: nothing here may wait for a lock.
        if _limit and self.memory.nbytes <= _limit:
            _idle.append(self.memory)
            while held() > _limit:
                _pop()


def _take(size: int) -> np.ndarray | None:
    """Idle memory for `size` bytes. Another thread may have it in hand just now: then there is none."""
    for _ in range(len(_idle)):
        memory = _pop()
        if memory is None or memory.nbytes == size + ALIGNMENT:
            return memory
        _idle.append(memory)
    return None


def _pop() -> np.ndarray | None:
    try:
        return _idle.popleft()
    except IndexError:
        return None


def _forget() -> None:
    """A forked child starts with memory of its own: idle pages of the parent would be copied one by one."""
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
