"""The limit: bare kernels that read the arrays of a case and write its outputs, and compute almost nothing.

The output is an array that exists already. Of one thread and all, what is faster counts.
"""

import time

import numba
import numpy as np
from numba import njit, prange

from .cases import Case
from .peers import Work

fast = {"cache": True, "nogil": True, "fastmath": {"nsz"}, "error_model": "numpy"}


@njit(**fast)
def subtract(y, p, out):
    for i in range(p.size):
        out[i] = p[i] - y[i]


@njit(**fast)
def subtract_weighted(y, p, weight, out):
    for i in range(p.size):
        out[i] = (p[i] - y[i]) * weight[i]


@njit(**fast)
def subtract_and_multiply(y, p, out, second_out):
    for i in range(p.size):
        out[i] = p[i] - y[i]
        second_out[i] = p[i] * y[i]


@njit(**fast)
def subtract_labels(labels, p, columns, out):
    for i in range(p.size):
        out[i] = p[i] * p.dtype.type(0.5)
    for row in range(labels.size):
        out[row * columns + labels[row]] -= 1


@njit(parallel=True, **fast)
def subtract_parallel(y, p, out, chunks):
    for k in prange(chunks):
        low, high = k * p.size // chunks, (k + 1) * p.size // chunks
        subtract(y[low:high], p[low:high], out[low:high])


@njit(parallel=True, **fast)
def subtract_weighted_parallel(y, p, weight, out, chunks):
    for k in prange(chunks):
        low, high = k * p.size // chunks, (k + 1) * p.size // chunks
        subtract_weighted(y[low:high], p[low:high], weight[low:high], out[low:high])


@njit(parallel=True, **fast)
def subtract_and_multiply_parallel(y, p, out, second_out, chunks):
    for k in prange(chunks):
        low, high = k * p.size // chunks, (k + 1) * p.size // chunks
        subtract_and_multiply(y[low:high], p[low:high], out[low:high], second_out[low:high])


@njit(parallel=True, **fast)
def subtract_labels_parallel(labels, p, columns, out, chunks):
    blocks = max(chunks, min(labels.size, p.size // 16384))  # a block is still in cache for its labels
    for k in prange(chunks):
        for block in range(k * blocks // chunks, (k + 1) * blocks // chunks):
            low, high = block * labels.size // blocks, (block + 1) * labels.size // blocks
            part = slice(low * columns, high * columns)
            subtract_labels(labels[low:high], p[part], columns, out[part])


class Limit:
    """Reads and writes what the case has to, in the same order."""

    def prepare(self, case: Case, y, p, weight) -> Work | None:
        if case.output == "value":
            return None
        numba.set_num_threads(case.threads)
        y, p = y.reshape(-1), p.reshape(-1)
        out = np.empty_like(p)
        if case.output == "hessian":
            arguments = (y, p, out, np.empty_like(p))
            kernels = (subtract_and_multiply, subtract_and_multiply_parallel)
        elif case.data.startswith("labels"):
            arguments, kernels = (y, p, case.shape[-1], out), (subtract_labels, subtract_labels_parallel)
        elif weight is not None:
            arguments = (y, p, weight.reshape(-1), out)
            kernels = (subtract_weighted, subtract_weighted_parallel)
        else:
            arguments, kernels = (y, p, out), (subtract, subtract_parallel)
        serial, parallel = kernels

        def with_all():
            return parallel(*arguments, case.threads)

        def with_one():
            return serial(*arguments)

        run = with_one if case.threads == 1 else min((with_one, with_all), key=seconds)
        return Work(run, lambda result: ())


def seconds(function) -> float:
    """The best of some calls."""
    measured = []
    for _ in range(8):
        started = time.perf_counter()
        function()
        measured.append(time.perf_counter() - started)
    return min(measured)
