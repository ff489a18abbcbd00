"""Which CUDA kernel sees the data how, on which grid; and its launch."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lossgen.errors import NoGradientError
from lossgen.runtime.cuda.arrays import DeviceArray
from lossgen.runtime.cuda.grid import chunk_length, grid, is_split, line_blocks, row_shape
from lossgen.runtime.cuda.plan import DeviceTerm
from lossgen.runtime.cuda.site import Site
from lossgen.runtime.cuda.variant import Split
from lossgen.runtime.dispatch import TAKES_LOSSES
from lossgen.runtime.dtypes import FLOAT32, FLOAT64
from lossgen.runtime.shapes import Layout


class Chosen(NamedTuple):
    """A kernel and its grid.

    Args:
        kind: "flat", "rows" or "split".
        blocks: of the grid, chunks × rows for "split".
        threads: of a block.
        shared: threads that share a row, for "rows"; length of a chunk, for "split".
        sums: how many partial sums of the total it leaves.
    """

    kind: str
    kernel: Callable | Split
    blocks: int | tuple[int, int]
    threads: int
    shared: int
    sums: int


def choose(term: DeviceTerm, output: str, layout: Layout, losses: bool) -> Chosen:
    """The kernel of a term's output for a layout.

    Args:
        losses: whether the loss of every row is wanted.

    Raises:
        NoGradientError: the module was generated without it.
    """
    rows, columns = layout.rows, layout.columns
    kernels = term.kernels
    if output not in kernels.rows:
        raise NoGradientError(f"{term.bound.owner} was generated without a kernel for `{output}`.")
    flat = kernels.flat or {}
    if output in flat and (columns == 1 or not (losses or term.bound.has_arrays)):
        blocks = line_blocks(rows * columns)
        return Chosen("flat", flat[output], blocks, grid.threads, 0, blocks)
    split = kernels.split or {}
    if output in split and is_split(rows, columns):
        length = chunk_length(columns)
        chunks = -(-columns // length)
        return Chosen("split", split[output], (chunks, rows), grid.threads, length, rows)
    blocks, threads, team = row_shape(rows, columns)
    return Chosen("rows", kernels.rows[output], blocks, threads, team, blocks)


class Data(NamedTuple):
    """What a kernel reads and writes: lines of rows × columns, one number a row, or None."""

    y: DeviceArray
    p: DeviceArray
    weight: DeviceArray | None
    losses: DeviceArray | None
    vector: DeviceArray | None
    outputs: Sequence[DeviceArray]
    sums: DeviceArray | None


def launch(
    site: Site, term: DeviceTerm, output: str, chosen: Chosen, layout: Layout, data: Data, scale: float,
    ignored: int,
) -> None:  # fmt: skip
    """Starts the kernel of one term.

    Args:
        scale: number that multiplies the total and the arrays.
        ignored: the label that is skipped, for a term that reads labels.
    """
    columns = layout.columns
    takes_losses = output in TAKES_LOSSES
    weighing = [data.weight, scale, *((ignored,) if term.bound.labels else ())]
    tail = [data.losses] if takes_losses else [] if data.vector is None else [data.vector]
    tail += data.outputs
    if chosen.kind == "flat":
        given = [data.y, data.p, data.losses, data.vector, *data.outputs]
        group = 2 if data.p.dtype == FLOAT64 else 4  # as `intrinsics.group_of` says
        groups = data.p.size // group if all(aligned(one) for one in given if one is not None) else 0
        fixed = [*term.flat_parameters(columns), float(columns), groups, columns]
    else:
        computed = FLOAT64 if data.p.dtype == FLOAT64 else FLOAT32
        fixed = [*term.row_parameters(site, columns, computed), columns, chosen.shared]
    arguments = [data.y, data.p, *fixed, *weighing, *tail]
    sums = [data.sums] if takes_losses else []
    if chosen.kind != "split":
        site.launch(chosen.kernel, chosen.blocks, chosen.threads, *arguments, *sums)
        return
    chunks, rows = chosen.blocks
    memory = site.empty((max(1, chunks * rows * chosen.kernel.slots),), FLOAT64)
    for phase in range(chosen.kernel.phases):
        site.launch(chosen.kernel.kernel, chosen.blocks, chosen.threads, phase, *arguments, memory, *sums)


def aligned(array: DeviceArray) -> bool:
    """Whether a group of elements can be read at once."""
    return array.address % min(16, 4 * array.dtype.itemsize) == 0
