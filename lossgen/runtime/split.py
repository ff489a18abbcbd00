"""What kernels need that cut every row into chunks: how long a chunk is, and how partial results are joined.

A sweep over a chunk leaves one float64 a slot in `partial`, (chunks, slots). They are joined in the order of
the chunks, and a chunk's length depends on the number of columns alone: so does every result.
"""

import numpy as np

from lossgen.runtime.compiling import njit
from lossgen.runtime.intrinsics import maximum_of, minimum_of
from lossgen.runtime.options import BLOCK, FAST

CHUNK_COLUMNS = 16 * BLOCK
"""Sweeps take 2 to 8 µs for so many columns; handing a chunk to a thread takes 0.1 µs."""

SPLIT_CHUNKS = 64


@njit(**FAST)
def split_length(columns):
    """Columns in a chunk: whole blocks, at least CHUNK_COLUMNS, and at most SPLIT_CHUNKS chunks a row."""
    blocks = -(-columns // (SPLIT_CHUNKS * BLOCK))
    return max(CHUNK_COLUMNS, blocks * BLOCK)


@njit(**FAST)
def sum_of(partial, slot):
    """The sum over all chunks."""
    total = 0.0
    for chunk in range(partial.shape[0]):
        total += partial[chunk, slot]
    return total


@njit(**FAST)
def largest_of(partial, slot):
    """The maximum over all chunks; NaN if one is NaN."""
    largest = -np.inf
    for chunk in range(partial.shape[0]):
        largest = maximum_of(largest, partial[chunk, slot])
    return largest


@njit(**FAST)
def smallest_of(partial, slot):
    """The minimum over all chunks; NaN if one is NaN."""
    smallest = np.inf
    for chunk in range(partial.shape[0]):
        smallest = minimum_of(smallest, partial[chunk, slot])
    return smallest


@njit(**FAST)
def first_of(partial, slot, length, columns):
    """The first index of a row that a chunk has found; `columns` if none has.

    A chunk that has found none says its own length.
    """
    for chunk in range(partial.shape[0]):
        start = chunk * length
        found = int(partial[chunk, slot])
        if found < min(length, columns - start):
            return start + found
    return columns
