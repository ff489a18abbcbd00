"""The parts that handlers are made of: small compiled functions, chosen by the structure and inlined."""

from collections.abc import Callable

import numpy as np
from numba import carray

from lossgen.jax.native.frame import pointer
from lossgen.jax.native.kernels import call
from lossgen.runtime.compiling import njit
from lossgen.runtime.options import INLINE


@njit(**INLINE)
def line(address, rows, width, dtype):
    return carray(pointer(address), (rows,), dtype)


@njit(**INLINE)
def matrix(address, rows, width, dtype):
    return carray(pointer(address), (rows, width), dtype)


@njit(**INLINE)
def nothing(address, rows, width, dtype):
    return None


@njit(**INLINE)
def empty(address, rows, width, dtype):
    return ()


@njit(**INLINE)
def one(value):
    return (value,)


@njit(**INLINE)
def no_one(value):
    return ()


def in_tuple(part: Callable) -> Callable:
    @njit(**INLINE)
    def made(address, rows, width, dtype):
        return (part(address, rows, width, dtype),)

    return made


@njit(cache=False)
def clear(address, size, dtype, is_there):
    if is_there:
        carray(pointer(address), (size,), dtype)[:] = 0


@njit(**INLINE)
def float_at(address):
    return carray(pointer(address), (1,), np.float64)[0]


@njit(**INLINE)
def integer_at(address):
    return np.int64(carray(pointer(address), (1,), np.float64)[0])


def array_at(length: int) -> Callable:
    @njit(**INLINE)
    def read(address):
        return carray(pointer(address), (length,), np.float64)

    return read


def in_own_tuple(part: Callable) -> Callable:
    @njit(**INLINE)
    def read(address):
        return (part(address),)

    return read


def parameters(kinds: tuple[int, ...], wrapped: bool) -> Callable:
    """A compiled function: the address of the parameters → the tuple that the kernel takes.

    Args:
        wrapped: whether an array is passed in a tuple of its own, as what is not cut into chunks.
    """

    @njit(**INLINE)
    def read(address):
        return ()

    offset = 0
    for kind in kinds:
        part = float_at if kind == 0 else integer_at if kind < 0 else array_at(kind)
        read = with_part(read, in_own_tuple(part) if kind > 0 and wrapped else part, offset)
        offset += 8 * max(1, kind)
    return read


def with_part(first: Callable, part: Callable, offset: int) -> Callable:
    @njit(**INLINE)
    def read(address):
        return (*first(address), part(address + offset))

    return read


# How a kernel is called -------------------------------------------------------------------------------------


@njit(**INLINE)
def alone(kernel, team, length, arguments):
    return call(kernel, arguments)


@njit(**INLINE)
def in_chunks(kernel, team, length, arguments):
    return call(kernel, (team, length, arguments))


@njit(**INLINE)
def split(kernel, team, length, arguments):
    return call(kernel, (team, *arguments))
