"""Preparations of the target that need to see all of it, and so happen before any splitting."""

import numpy as np

from lossgen.runtime import threads
from lossgen.runtime.compiling import njit
from lossgen.runtime.outputs import new_output
from lossgen.runtime.shapes import readable
from lossgen.runtime.team import in_chunks

FIRST = 256  # most targets that are not 0 and 1 show it here
CHUNK = 65_536
INT8 = np.dtype(np.int8)


def signed_labels(y: np.ndarray) -> np.ndarray:
    """Targets 0 and 1 as −1 and +1 in int8, if *every* element is one of both; any other target as it is."""
    line = readable(y).reshape(-1)
    if write_signed(line[:FIRST], np.empty(min(FIRST, line.size), np.int8)):
        return y
    signed = new_output(line.shape, INT8)
    if line.size <= CHUNK:
        others = write_signed(line, signed)
    else:
        others = write_signed_team(threads.team(), CHUNK, line, signed)
    return y if others else signed.reshape(y.shape)


@njit(nogil=True)
def write_signed(y, signed_out):
    """+1 where y is not 0, −1 where it is; returns how many are neither 0 nor 1."""
    others = 0
    for i in range(y.size):
        signed_out[i] = 1 if y[i] != 0 else -1
        others += (y[i] != 0) & (y[i] != 1)
    return float(others)


@njit(nogil=True)
def write_signed_team(team, length, *arguments):
    """The same on a team of threads."""
    return in_chunks(team, length, write_signed, arguments)


PREPARATIONS = {"signed_labels": signed_labels}
