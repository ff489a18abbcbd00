"""How many threads work on what: chosen from the shape alone, so sums have one order on every device."""

from dataclasses import dataclass

from lossgen.runtime.cuda.toolchain import SIMULATED

WARP = 32


@dataclass(frozen=True)
class Grid:
    """The numbers that choices are made with.

    Args:
        threads: of a block, for lines of elements and for rows that teams of a warp share.
        elements: that a block of a line takes at least.
        blocks: that there are at most, until each has `most_elements`.
        most_elements: that a block takes before there are more of them.
        team_columns: that a thread of a team takes at least.
        warp_columns: up to which a team is part of a warp; rows of more have a block each.
        few_rows: up to which a row of more than `few_columns` has a block to itself.
        few_columns: see there.
        row_threads: of a block with one row. 256 threads may take all registers that there are for one,
            255, whatever the loss is.
        split_rows: rows of `split_columns` and more are cut into chunks where they are fewer than this.
        split_columns: see there.
        chunk: columns of a chunk at least; its length is a multiple of it.
        chunks: of a row at most.
    """

    threads: int = 256
    elements: int = 1024
    blocks: int = 1024
    most_elements: int = 16_384
    team_columns: int = 4
    warp_columns: int = 1024
    few_rows: int = 256
    few_columns: int = 256
    row_threads: int = 256
    split_rows: int = 64
    split_columns: int = 16_384
    chunk: int = 4096
    chunks: int = 1024


GPU = Grid()
SIMULATOR = Grid(
    threads=32, elements=64, blocks=3, warp_columns=40, few_rows=2, few_columns=20, row_threads=64,
    split_rows=3, split_columns=256, chunk=32, chunks=8,
)  # fmt: skip
"""Every thread is one of the operating system there: few of them, and shapes of tests reach every choice."""

grid = SIMULATOR if SIMULATED else GPU


def line_blocks(size: int) -> int:
    """Blocks for a line of elements."""
    return min(-(-size // grid.elements), most_blocks(size)) or 1


def most_blocks(size: int) -> int:
    """How many blocks there are at most for a number of elements."""
    return max(grid.blocks, -(-size // grid.most_elements))


def row_shape(rows: int, columns: int) -> tuple[int, int, int]:
    """Blocks, threads of a block, and threads that share a row."""
    if columns > grid.warp_columns or (columns > grid.few_columns and rows <= grid.few_rows):
        threads = grid.row_threads
        return min(rows, most_blocks(rows * columns)), threads, threads
    team = 1
    while team < WARP and team * grid.team_columns < columns:
        team *= 2
    threads = min(grid.threads, 128)
    needed = -(-rows * team // threads)
    return min(needed, most_blocks(rows * columns)), threads, team


def is_split(rows: int, columns: int) -> bool:
    """Whether rows are so few and so long that each is cut into chunks."""
    return rows < grid.split_rows and columns >= grid.split_columns


def chunk_length(columns: int) -> int:
    """Columns of a chunk."""
    least = -(-columns // grid.chunks)
    return -(-max(least, 1) // grid.chunk) * grid.chunk
