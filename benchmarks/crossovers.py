"""`python -m benchmarks.crossovers`: what the constants of `lossgen.runtime.dispatch` were read from.

Loss + gradient in float32, the same rows under two schedules by turns, least time of several; one thread for
rows and lanes, all for rows whole and cut. Tiles: reading or writing one, transposed.
"""

import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table

import lossgen as lg
from lossgen import losses
from lossgen.runtime import dispatch
from lossgen.runtime.compiling import njit
from lossgen.runtime.lanes import LANES, load_tile, store_tile

ELEMENTS = 65_536
TURNS, CALLS = 12, 6
FEW_ROWS = ((1, 32_768), (1, 131_072), (2, 131_072), (3, 131_072), (7, 131_072), (7, 1_048_576))
LOSSES = {
    "softmax cross-entropy": losses.CategoricalCrossentropy(from_logits=True),
    "with labels": losses.SparseCategoricalCrossentropy(from_logits=True),
    "cosine similarity": losses.CosineSimilarity(),
}
random = np.random.default_rng(0)
console = Console(width=140)


def main() -> None:
    """Print the three tables."""
    lg.set_num_threads(1)
    lanes_or_rows()
    tiles()
    lg.set_num_threads(os.cpu_count() or 1)
    whole_or_cut()


def lanes_or_rows() -> None:
    """Nanoseconds an element by number of columns."""
    table = table_of("rows / lanes, ns an element, one thread", "columns", *LOSSES)
    for columns in (4, 8, 16, 32, 48, 64, 96):
        rows = ELEMENTS // columns // LANES * LANES
        cells = []
        for loss in LOSSES.values():
            call = call_of(loss, rows, columns)
            times = by_turns(loss, call, "LANE_COLUMNS", (0, columns))
            cells.append(" / ".join(f"{seconds / rows / columns * 1e9:.2f}" for seconds in times))
        table.add_row(str(columns), *cells)
    console.print(table)


def whole_or_cut() -> None:
    """Microseconds a call by rows × columns."""
    table = table_of("row whole / cut, µs a call, all threads", "rows × columns", *LOSSES)
    for rows, columns in FEW_ROWS:
        cells = []
        for loss in LOSSES.values():
            times = by_turns(loss, call_of(loss, rows, columns), "SPLIT", ((), ((rows + 1, columns),)))
            cells.append(" / ".join(f"{seconds * 1e6:.0f}" for seconds in times))
        table.add_row(f"{rows} × {columns}", *cells)
    console.print(table)


def tiles() -> None:
    """Nanoseconds an element to read and to write tiles of rows."""

    @njit(cache=False, nogil=True)
    def read(array, tile):
        for first in range(0, array.shape[0], LANES):
            load_tile(array, first, tile)

    @njit(cache=False, nogil=True)
    def write(array, tile, scale):
        for first in range(0, array.shape[0], LANES):
            store_tile(tile, scale, first, array)

    table = table_of("tiles, ns an element, one thread", "columns", "read", "written")
    for columns in (3, 10, 16, 48):
        rows = ELEMENTS // columns // LANES * LANES
        array, tile = np.ones((rows, columns), np.float32), np.ones((columns, LANES), np.float32)
        scale = np.ones(LANES)
        times = (
            least(partial(read, array, tile)),
            least(partial(write, array, tile, scale)),
        )
        table.add_row(str(columns), *(f"{seconds / array.size * 1e9:.2f}" for seconds in times))
    console.print(table)


def call_of(loss: lg.losses.Loss, rows: int, columns: int) -> Callable[[], object]:
    """A call that writes into an array that exists."""
    p = random.uniform(0.05, 1, (rows, columns)).astype(np.float32)
    y = random.integers(0, columns, rows) if loss.labels else random.uniform(size=p.shape).astype(np.float32)
    out = np.empty_like(p)
    return lambda: loss.value_and_gradient(y, p, out=out)


def by_turns(loss: lg.losses.Loss, call: Callable[[], object], constant: str, values: tuple) -> list[float]:
    """Least seconds of a call under each value of a constant of `dispatch`, measured by turns."""
    before, times = getattr(dispatch, constant), [[] for _ in values]
    try:
        for _ in range(TURNS):
            for value, seconds in zip(values, times, strict=True):
                setattr(dispatch, constant, value)
                loss._routes.known.clear()
                seconds.append(least(call, 1))
    finally:
        setattr(dispatch, constant, before)
        loss._routes.known.clear()
    return [min(seconds) for seconds in times]


def least(call: Callable[[], object], turns: int = TURNS) -> float:
    """Least seconds of a call."""
    call()
    found = []
    for _ in range(turns):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        found.append((time.perf_counter() - started) / CALLS)
    return min(found)


def table_of(title: str, *headings: str) -> Table:
    """An empty table."""
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


if __name__ == "__main__":
    main()
