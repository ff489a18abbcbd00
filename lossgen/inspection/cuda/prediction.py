"""How long the CUDA kernels of a loss take at best on rows × columns: their traffic and operations, modelled.

A sweep beyond the first finds its elements in the level 2 cache if all that is read between the two fits
there: the rows that are worked on at a time, of a split kernel everything.
"""

from dataclasses import dataclass

from lossgen.inspection.cuda.facts import Facts
from lossgen.inspection.cuda.kernels import ITEMSIZE, CudaKernel
from lossgen.inspection.cuda.model import PROCESSORS, Device, Work, occupancy
from lossgen.inspection.cuda.traffic import Sweep, first_and_last, sweeps

LABEL_BYTES = 8


@dataclass(frozen=True)
class Prediction:
    """One kernel on one shape.

    Attributes:
        kernel: which.
        dtype: of the arrays.
        rows, columns: of the predictions.
        facts: what compiling it has shown; None without a compiler.
        sweeps: what it reads and writes an element.
    """

    kernel: CudaKernel
    dtype: str
    rows: int
    columns: int
    facts: Facts | None
    sweeps: tuple[Sweep, ...]

    @property
    def threads(self) -> int:
        """Of a block, as the runtime chooses them."""
        from lossgen.runtime.cuda.grid import GPU, row_shape

        return row_shape(self.rows, self.columns)[1] if self.kernel.schedule == "rows" else GPU.threads

    @property
    def team(self) -> int:
        """Threads that share a row, or a chunk of it."""
        from lossgen.runtime.cuda.grid import row_shape

        return row_shape(self.rows, self.columns)[2] if self.kernel.schedule == "rows" else self.threads

    @property
    def most_bytes(self) -> float:
        """Bytes an element if nothing is found in a cache."""
        if self.facts is not None:
            return self.facts.per_element("loads") + self.facts.per_element("stores")
        return ITEMSIZE[self.dtype] * sum(len(sweep.reads) + len(sweep.writes) for sweep in self.sweeps)

    @property
    def least_bytes(self) -> float:
        """Bytes an element if each array crosses the memory once."""
        once = first_and_last(self.sweeps)
        return min(self.most_bytes, ITEMSIZE[self.dtype] * (len(once.reads) + len(once.writes)))

    def occupancy(self, capability: tuple[int, int]) -> float:
        """Which part of a multiprocessor's threads are there at a time; 1 where nothing is known."""
        if self.facts is None:
            return 1.0
        used = self.facts.resources
        return occupancy(capability, used.registers, self.threads, used.shared)

    def is_cached(self, device: Device) -> bool:
        """Whether a second sweep finds in the cache what the first has read."""
        once = first_and_last(self.sweeps)
        row_bytes = ITEMSIZE[self.dtype] * len(once.reads) * self.columns
        if self.kernel.schedule == "split":
            return row_bytes * self.rows <= device.cache
        at_once = self.occupancy(device.capability) * PROCESSORS[device.capability].threads
        teams = min(self.rows, device.processors * at_once / self.team)
        return row_bytes * teams <= device.cache

    def work(self, device: Device) -> Work:
        """What the kernel does in all."""
        size = self.rows * self.columns
        moved = size * (self.least_bytes if self.is_cached(device) else self.most_bytes)
        moved += LABEL_BYTES * self.rows * self.kernel.term.labels
        if self.facts is None:
            return Work(moved)
        counted = (self.facts.per_element(what) for what in ("operations", "single", "special"))
        return Work(moved, *(size * number for number in counted))


def prediction(kernel: CudaKernel, dtype: str, rows: int, columns: int, facts: Facts | None) -> Prediction:
    """What can be said about a kernel on predictions of this shape."""
    return Prediction(kernel, dtype, rows, columns, facts, sweeps(kernel))
