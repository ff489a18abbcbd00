"""Which kernel sees the data how: flat or by rows, in which chunks, on which threads."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from lossgen.runtime import threads
from lossgen.runtime.batch import Batch
from lossgen.runtime.lanes import LANES
from lossgen.runtime.outputs import new_output
from lossgen.runtime.plan import BoundTerm
from lossgen.runtime.shapes import Layout
from lossgen.runtime.variant import FURTHER_OUTPUTS, Pair

# A chunk has at least CHUNK_ELEMENTS elements, and there are at most MAXIMUM_CHUNKS of them, however many
# threads there are: its arrays fit a core's own cache, and one chunk more costs less than 0.1 µs. Up to
# ALONE_ELEMENTS no thread is asked for help; waking one costs about 3 µs.
CHUNK_ELEMENTS = 16_384
MAXIMUM_CHUNKS = 1024
ALONE_ELEMENTS = 32_768

# `python -m benchmarks.crossovers` prints what these were read from. Up to LANE_COLUMNS columns and from
# LANE_ROWS rows on, rows side by side are faster than row after row: softmax cross-entropy, ns an element,
# rows and lanes 4.4 and 1.2 at 16 columns, 1.4 and 1.1 at 64, 1.3 and 1.2 at 96; cosine similarity 0.8 and
# 0.7 at 64, 0.7 and 0.8 at 96.
LANE_COLUMNS = 80
LANE_ROWS = 32

# Fewer rows than the first number, of at least as many columns as the second, are cut themselves. Softmax
# cross-entropy on two cores, in µs, whole and cut: 1 × 32 768 17 and 18; 1 × 131 072 67 and 46; 2 × 131 072
# 80 and 83; 3 × 131 072 146 and 121; 7 × 131 072 267 and 258. More cores gain from more rows.
SPLIT = ((4, 65_536), (16, 524_288))

ARRAYS_OUT = {
    "value": 0,
    "value_and_gradient": 1,
    "gradient_and_hessian": 2,
    "hessian_vector_product": 1,
    **dict.fromkeys(FURTHER_OUTPUTS, 2),
}
TAKES_LOSSES = ("value", "value_and_gradient")


class Chosen(NamedTuple):
    """The kernel for a shape and what it takes besides data.

    `shape` is that in which it sees the predictions, `multiple` what the length of a chunk is a multiple of;
    it is 0 where the kernel cuts rows itself, with the team.
    """

    kernel: Pair | Callable
    fixed: tuple
    shape: tuple[int, ...]
    multiple: int

    @property
    def flat(self) -> bool:
        """Whether it sees one line of elements."""
        return len(self.shape) == 1


def choose(term: BoundTerm, output: str, layout: Layout, by_rows: bool) -> Chosen:
    """The kernel of a term's output for a layout.

    Args:
        by_rows: whether there are weights, or losses are wanted, of several rows.
    """
    columns = layout.columns
    parameters = term.flat_parameters(columns) if output in term.flat else None
    if parameters is not None and (columns == 1 or not by_rows):
        size = layout.rows * columns
        return Chosen(term.kernel(term.flat, output), (*parameters, float(columns)), (size,), 1)
    shape = layout.rows, columns
    if output in term.split and is_split(layout.rows, columns):
        return Chosen(term.split[output], term.row_parameters(columns), shape, 0)
    tiled = output in term.lanes and columns <= LANE_COLUMNS and layout.rows >= LANE_ROWS
    kernels = term.lanes if tiled else term.rows
    return Chosen(term.kernel(kernels, output), term.row_parameters(columns), shape, LANES)


def is_split(rows: int, columns: int) -> bool:
    """Whether rows are so few and so long that each is cut into chunks."""
    return any(rows < fewer and columns >= least for fewer, least in SPLIT)


def run(
    term: BoundTerm,
    output: str,
    batch: Batch,
    layout: Layout,
    weight: np.ndarray | None = None,
    scale: float = 1.0,
    losses: bool = False,
    vector: np.ndarray | None = None,
    out: Sequence[np.ndarray] = (),
) -> tuple[float, np.ndarray | None, list[np.ndarray]]:
    """One output of one term.

    Args:
        weight: None, or one number a row in the dtype of the predictions.
        scale: number that multiplies the total and the arrays.
        losses: whether the loss of every row, unscaled and unweighted, is wanted.
        vector: what the Hessian is multiplied by, in the shape of the predictions and C-contiguous.
        out: C-contiguous arrays in the shape and dtype of the predictions that the arrays may be written to,
            or none.

    Returns:
        The scaled, weighted sum of the losses; the losses if wanted; the arrays in the shape of the
        predictions, those of `out` if they were written.
    """
    y, p = batch.y, batch.p
    single = losses and layout.rows == 1 and weight is None and scale == 1.0  # the total is the row's loss
    if p.size == 0:
        return empty_results(output, layout, p, losses)
    chosen = choose(term, output, layout, weight is not None or (losses and not single))
    flat, shape = chosen.flat, chosen.shape
    if flat:
        y, p = y.reshape(-1), p.reshape(-1)
    else:
        p = layout.to_rows(p)
        # A term that reads no labels stands in a sum with one that does: it has no target at all.
        y = y if term.labels else p if batch.labels else layout.to_rows(y)
    tail, losses_out = [], None
    if output in TAKES_LOSSES:
        losses_out = np.empty(layout.rows, p.dtype) if losses and not single else None
        tail.append(losses_out)
    elif vector is not None:
        tail.append(vector.reshape(-1) if flat else layout.to_rows(vector))
    direct = bool(out) and (flat or layout.order is None)
    arrays = (
        [array.reshape(shape) for array in out]
        if direct
        else [new_output(shape, p.dtype) for _ in range(ARRAYS_OUT[output])]
    )
    ignored = (batch.ignored,) if term.labels else ()
    total = run_kernel(chosen, y, p, (weight, scale, *ignored, *tail, *arrays))
    if single:
        losses_out = np.array([total], p.dtype)
    if direct:
        return total, losses_out, list(out)
    return (
        total,
        losses_out,
        [array.reshape(layout.shape) if flat else layout.from_rows(array) for array in arrays],
    )


def run_kernel(chosen: Chosen, y, p, others: tuple) -> float:
    """The sum of what a kernel returns for each chunk of its arrays, added in order.

    Args:
        others: what follows the parameters.
    """
    if not chosen.multiple:
        return chosen.kernel(threads.team(), y, p, *chosen.fixed, *others) or 0.0
    alone, together = chosen.kernel
    if p.size <= ALONE_ELEMENTS or len(p) == 1:
        return alone(y, p, *chosen.fixed, *others) or 0.0
    length = chunk_length(len(p), p.size, chosen.multiple)
    uncut = [(one,) if isinstance(one, np.ndarray) else one for one in chosen.fixed]
    return together(threads.team(), length, y, p, *uncut, *others)


def chunk_length(length: int, elements: int, multiple: int) -> int:
    """Rows (or elements) in one chunk, for `length` of them that hold `elements` elements together."""
    chunk_elements = max(CHUNK_ELEMENTS, -(-elements // MAXIMUM_CHUNKS))
    found = max(1, chunk_elements * length // elements)
    return found if found < multiple else found // multiple * multiple


def empty_results(output: str, layout: Layout, p: np.ndarray, losses: bool):
    """Results for predictions without elements: a row of no columns has loss 0."""
    rows_out = np.zeros(layout.rows, p.dtype) if losses else None
    return 0.0, rows_out, [np.empty(p.shape, p.dtype) for _ in range(ARRAYS_OUT[output])]
