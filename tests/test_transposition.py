"""Tiles of rows: what is read and written is the transposed matrix, whatever its width and dtype."""

import numpy as np
import pytest

from lossgen.runtime import threads
from lossgen.runtime.compiling import njit
from lossgen.runtime.lanes import LANES, load_tile, store_tile
from lossgen.runtime.team import in_chunks

FLOATS = (np.float32, np.float64)

random = np.random.default_rng(11)

TARGETS = (
    np.float32, np.float64, np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64,
)  # fmt: skip


@njit(cache=False)
def loaded(array, first, tile):
    load_tile(array, first, tile)


@njit(cache=False)
def stored(tile, row_scale, first, array):
    store_tile(tile, row_scale, first, array)


@njit(cache=False)
def copied_by_tiles(matrix, copy):
    tile = np.empty((matrix.shape[1], LANES))
    for first in range(0, matrix.shape[0], LANES):
        load_tile(matrix, first, tile)
        store_tile(tile, np.ones(LANES), first, copy)


@njit(cache=False)
def copied_in_chunks(team, length, *arguments):
    return in_chunks(team, length, copied_by_tiles, arguments)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [1, 3, 7, 8, 9, 15, 16, 17, 33, 96])
def test_tiles_are_transposed(columns, dtype):
    for rows in (1, 40, LANES, LANES + 1, 2 * LANES, 3 * LANES - 1):
        matrix = random.normal(size=(rows, columns)).astype(dtype)
        written = np.full_like(matrix, np.nan)
        scale = np.ones(LANES)
        scale[3] = 0
        for first in range(0, rows, LANES):
            tile = np.full((columns, LANES), np.nan, dtype)
            loaded(matrix, first, tile)
            expected = matrix[np.minimum(np.arange(first, first + LANES), rows - 1)].T
            np.testing.assert_array_equal(tile, expected)
            stored(tile, scale, first, written)
        matrix[3::LANES] = 0
        np.testing.assert_array_equal(written, matrix)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_targets_of_any_dtype_are_converted(target, dtype):
    for columns in (3, 8, 21):
        matrix = (random.normal(size=(LANES + 5, columns)) * 100).astype(target)
        for first in (0, LANES):
            tile = np.empty((columns, LANES), dtype)
            loaded(matrix, first, tile)
            rows = matrix[np.minimum(np.arange(first, first + LANES), len(matrix) - 1)]
            np.testing.assert_array_equal(tile, rows.T.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [2, 7, 16, 33])
def test_matrices_in_fortran_order(columns, dtype):
    """Whatever the dtypes: the tile has that of the one it was made for, a result that of its array."""
    for rows in (40, LANES, 2 * LANES + 3):
        scale = np.ones(LANES)
        scale[3] = 0
        for kind in (np.float32, np.float64, np.int16):
            matrix = np.asfortranarray((random.normal(size=(rows, columns)) * 100).astype(kind))
            written = [np.full(matrix.shape, np.nan, out, order) for out in FLOATS for order in "CF"]
            for first in range(0, rows, LANES):
                tile = np.full((columns, LANES), np.nan, dtype)
                loaded(matrix, first, tile)
                expected = matrix[np.minimum(np.arange(first, first + LANES), rows - 1)].T
                np.testing.assert_array_equal(tile, expected.astype(dtype))
                for each in written:
                    stored(tile, scale, first, each)
            expected = matrix.astype(dtype)
            expected[3::LANES] = 0
            for each in written:
                np.testing.assert_array_equal(each, expected.astype(each.dtype))


def test_chunks_of_matrices_in_fortran_order():
    rows = 5 * LANES + 7
    for columns in (2, 17):
        matrix = np.asfortranarray(random.normal(size=(rows, columns)))
        for order in "CF":
            copied = np.full(matrix.shape, np.nan, np.float32, order)
            copied_in_chunks(threads.team(), 2 * LANES, matrix, copied)
            np.testing.assert_array_equal(copied, matrix.astype(np.float32))


def test_nothing_is_read_or_written_behind_the_array():
    """The array ends at the end of a page that is followed by one that may not be touched."""
    import mmap

    page = mmap.PAGESIZE
    for columns, order in ((3, "C"), (10, "C"), (17, "C"), (3, "F"), (17, "F")):
        count = LANES * columns
        pages = -(-count * 4 // page)
        memory = mmap.mmap(-1, pages * page)  # the system ends the process at the first byte behind it
        matrix = np.frombuffer(memory, np.float32)[-count:].reshape((LANES, columns), order=order)
        tile = np.ones((columns, LANES), np.float32)
        stored(tile, np.ones(LANES), 0, matrix)
        loaded(matrix, 0, tile)
        assert (matrix == 1).all() and (tile == 1).all()
