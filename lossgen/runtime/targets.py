"""Preparations of the target that need to see all of it, and so happen before any splitting."""

import numpy as np

from lossgen.runtime.compiling import njit
from lossgen.runtime.shapes import readable


def signed_labels(y: np.ndarray) -> np.ndarray:
    """Targets 0 and 1 as −1 and +1, if *every* element is one of 0 and 1; any other target as it is.

    Integers and booleans come back as int8, floats in their own dtype.
    """
    line = readable(y).reshape(-1)
    if y.dtype.kind != "b" and not all_zero_or_one(line):
        return y
    signed = np.empty(line.shape, y.dtype if y.dtype.kind == "f" else np.int8)
    write_signed(line, signed)
    return signed.reshape(y.shape)


@njit(cache=True, nogil=True)
def all_zero_or_one(y):
    """Whether every element is 0 or 1; stops at the first block that holds another value."""
    block = 4096
    for start in range(0, y.size, block):
        others = 0
        part = y[start : start + block]
        for i in range(part.size):
            others += (part[i] != 0) & (part[i] != 1)
        if others:
            return False
    return True


@njit(cache=True, nogil=True)
def write_signed(y, signed_out):
    """+1 where y is not 0, −1 where it is."""
    for i in range(y.size):
        signed_out[i] = 1 if y[i] != 0 else -1


PREPARATIONS = {"signed_labels": signed_labels}
