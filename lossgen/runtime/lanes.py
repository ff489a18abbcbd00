"""What kernels in lanes need: a tile of rows, transposed so that rows lie side by side, and back.

With few columns the columns of one row do not fill a vector; `LANES` rows do. A tile holds the columns of
`LANES` rows in the dtype of the prediction; rows past the last one repeat it and count for nothing. Matrices
are in C or in Fortran order; kernels in lanes touch them here only.
"""

from lossgen.runtime.compiling import njit
from lossgen.runtime.ladder_math import guarded_product
from lossgen.runtime.options import FAST
from lossgen.runtime.transposition import block_width, load_block, number_at, put_number, store_block

LANES = 64


@njit(**FAST)
def load_tile(array, first, tile):
    """Columns of the rows from `first` on; `tile` is (columns, LANES)."""
    rows, columns = array.shape
    if first + LANES <= rows:
        width = block_width(tile)
        for lane in range(0, LANES, width):
            for column in range(0, columns, width):
                load_block(array, first + lane, column, min(width, columns - column), tile, lane)
    else:
        for lane in range(LANES):
            row = min(first + lane, rows - 1)
            for column in range(columns):
                tile[column, lane] = number_at(array, row, column)


@njit(**FAST)
def load_scales(weight, scale, first, rows, row_scale):
    """scale·weight of each row, 0 past the last one."""
    for lane in range(row_scale.size):
        row_scale[lane] = scale if first + lane < rows else 0.0
        if weight is not None:
            row_scale[lane] *= weight[min(first + lane, rows - 1)]


@njit(**FAST)
def load_labels(labels, first, ignored, label, row_scale):
    """The label of each row; a row whose label is ignored gets label 0 and scale 0."""
    last = labels.size - 1
    for lane in range(label.size):
        found = labels[min(first + lane, last)]
        if found == ignored:
            row_scale[lane] = 0.0
            found = 0
        label[lane] = found


@njit(**FAST)
def store_values(value, row_scale, first, value_out, totals):
    """Adds the scaled loss of each row to the total of its lane, and writes the losses."""
    for lane in range(LANES):
        totals[lane] += guarded_product(row_scale[lane], float(value[lane]))
    if value_out is not None:
        for lane in range(min(LANES, value_out.size - first)):
            value_out[first + lane] = value[lane]


@njit(**FAST)
def sum_of_lanes(totals):
    """The sum of the totals, which are overwritten; by halves, in an order that no optimisation changes."""
    half = LANES // 2
    while half:
        for lane in range(half):
            totals[lane] += totals[half + lane]
        half //= 2
    return totals[0]


@njit(**FAST)
def clear_ignored(labels, first, ignored, value_out):
    """The loss of a row whose label is ignored is 0."""
    if value_out is not None:
        for row in range(first, min(first + LANES, labels.size)):
            if labels[row] == ignored:
                value_out[row] = 0


@njit(**FAST)
def store_tile(tile, row_scale, first, array):
    """Writes the tile to the rows from `first` on; rows of scale 0 get 0."""
    rows, columns = array.shape
    if first + LANES <= rows:
        width = block_width(tile)
        for lane in range(0, LANES, width):
            for column in range(0, columns, width):
                store_block(tile, lane, array, first + lane, column, min(width, columns - column))
    else:
        for lane in range(rows - first):
            for column in range(columns):
                put_number(array, first + lane, column, tile[column, lane])
    for lane in range(min(LANES, rows - first)):
        if row_scale[lane] == 0:
            for column in range(columns):
                put_number(array, first + lane, column, 0.0)
