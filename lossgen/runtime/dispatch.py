"""Which kernel sees the data how: flat or by rows, in which chunks, on which threads."""

import numpy as np

from lossgen.runtime import threads
from lossgen.runtime.batch import Batch
from lossgen.runtime.plan import BoundTerm
from lossgen.runtime.shapes import Layout

# A chunk has at least CHUNK_ELEMENTS elements, and there are at most MAXIMUM_CHUNKS of them, however many
# threads there are. One chunk more costs about 3 µs; this many elements of the cheapest loss take about 10
# µs.
CHUNK_ELEMENTS = 131_072
MAXIMUM_CHUNKS = 64

# Up to this many columns and from this many rows on, rows side by side are faster than row after row.
LANE_COLUMNS = 96
LANE_ROWS = 32

ARRAYS_OUT = {"value": 0, "value_and_gradient": 1, "gradient_and_hessian": 2, "hessian_vector_product": 1}
TAKES_LOSSES = ("value", "value_and_gradient")


def run(
    term: BoundTerm,
    output: str,
    batch: Batch,
    layout: Layout,
    weight: np.ndarray | None = None,
    scale: float = 1.0,
    losses: bool = False,
    vector: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> tuple[float, np.ndarray | None, list[np.ndarray]]:
    """One output of one term.

    Args:
        weight: None, or one number a row in the dtype of the predictions.
        scale: number that multiplies the total and the arrays.
        losses: whether the loss of every row, unscaled and unweighted, is wanted.
        vector: what the Hessian is multiplied by, in the shape of the predictions and C-contiguous.
        out: C-contiguous array in the shape and dtype of the predictions that the first array may be written
            to.

    Returns:
        The scaled, weighted sum of the losses; the losses if wanted; the arrays in the shape of the
        predictions.
    """
    y, p, columns = batch.y, batch.p, layout.columns
    single = losses and layout.rows == 1 and weight is None and scale == 1.0  # the total is the row's loss
    column = columns == 1
    if p.size == 0:
        return empty_results(output, layout, p, losses)
    parameters = term.flat_parameters(columns) if output in term.flat else None
    flat = parameters is not None and (column or (weight is None and (single or not losses)))
    if flat:
        kernels, shape = term.flat, (p.size,)
        y, p = y.reshape(-1), p.reshape(-1)
        fixed = (*parameters, float(columns))
    else:
        tiled = output in term.lanes and columns <= LANE_COLUMNS and layout.rows >= LANE_ROWS
        kernels, shape = term.lanes if tiled else term.rows, (layout.rows, columns)
        p = layout.to_rows(p)
        # A term that reads no labels stands in a sum with one that does: it has no target at all.
        y = y if term.labels else p if batch.labels else layout.to_rows(y)
        fixed = term.row_parameters(columns)
    tail, losses_out = [], None
    if output in TAKES_LOSSES:
        losses_out = np.empty(layout.rows, p.dtype) if losses and not single else None
        tail.append(losses_out)
    elif vector is not None:
        tail.append(vector.reshape(-1) if flat else layout.to_rows(vector))
    direct = out is not None and (flat or layout.order is None)
    arrays = [
        out.reshape(shape) if direct and not index else np.empty(shape, p.dtype)
        for index in range(ARRAYS_OUT[output])
    ]
    tail += arrays
    ignored = (batch.ignored,) if term.labels else ()
    kernel = term.kernel(kernels, output)
    total = run_kernel(kernel, y, p, fixed, weight, (scale, *ignored), tail, p.size)
    if single:
        losses_out = np.array([total], p.dtype)
    shape = layout.shape
    results = [array.reshape(shape) if flat else layout.from_rows(array) for array in arrays]
    if direct:
        results[0] = out
    return total, losses_out, results


def run_kernel(kernel, y, p, fixed: tuple, weight, scale: tuple, tail: list, elements: int) -> float:
    """The sum of what the kernel returns for each chunk, added in order."""
    length = len(p)
    if elements <= CHUNK_ELEMENTS:
        return float(kernel(y, p, *fixed, weight, *scale, *tail) or 0.0)
    chunk = chunk_length(length, elements)

    def part(index: int):
        piece = slice(index * chunk, (index + 1) * chunk)
        return kernel(
            y[piece],
            p[piece],
            *fixed,
            None if weight is None else weight[piece],
            *scale,
            *[None if array is None else array[piece] for array in tail],
        )

    return float(sum(total or 0.0 for total in threads.pool.run(part, -(-length // chunk))))


def chunk_length(length: int, elements: int) -> int:
    """Rows (or elements) in one chunk, for `length` of them that hold `elements` elements together."""
    chunk_elements = max(CHUNK_ELEMENTS, -(-elements // MAXIMUM_CHUNKS))
    return max(1, chunk_elements * length // elements)


def empty_results(output: str, layout: Layout, p: np.ndarray, losses: bool):
    """Results for predictions without elements: a row of no columns has loss 0."""
    rows_out = np.zeros(layout.rows, p.dtype) if losses else None
    return 0.0, rows_out, [np.empty(p.shape, p.dtype) for _ in range(ARRAYS_OUT[output])]
