"""What is found out about a CUDA kernel without a GPU, and the limits that every kernel keeps."""

from collections.abc import Iterator
from dataclasses import dataclass

from lossgen.inspection.cuda.assembler import Resources, assembled
from lossgen.inspection.cuda.compiling import compiled
from lossgen.inspection.cuda.kernels import ITEMSIZE, CudaKernel
from lossgen.inspection.cuda.loops import Loop, element_loops
from lossgen.inspection.cuda.ptx import read_kernel
from lossgen.inspection.cuda.traffic import Sweep, sweeps

MOST_REGISTERS = {"flat": 64, "rows": 128, "split": 128}
WIDE_ACCESS = 16


@dataclass(frozen=True)
class Facts:
    """What was found out about one kernel for one capability.

    Attributes:
        output, schedule: which kernel.
        dtype: of targets, predictions and results.
        capability: (8, 0) or (9, 0).
        resources: what a thread or a block takes.
        loops: its loops over elements.
        sweeps: what it reads and writes an element.
    """

    output: str
    schedule: str
    dtype: str
    capability: tuple[int, int]
    resources: Resources
    loops: tuple[Loop, ...]
    sweeps: tuple[Sweep, ...]

    def per_element(self, what: str) -> float:
        """Over all sweeps: "loads" or "stores" in bytes, "operations", "single" or "special" in instructions.

        All branches of a loop are counted.
        """
        return sum(getattr(loop, what) / elements for loop, elements in self._hot_loops())

    def _hot_loops(self) -> Iterator[tuple[Loop, float]]:
        """For each sweep the loop that does most of it, and how many elements it takes a turn.

        A loop is unrolled, and what remains is a loop of its own: that with the most bytes a turn counts. It
        may read less than the sweep says: arrays whose elements do not matter are not read.
        """
        itemsize = ITEMSIZE[self.dtype]
        left = sorted(self.loops, key=lambda loop: -(loop.loads + loop.stores))
        for sweep in self.sweeps:
            reads, writes = len(sweep.reads), len(sweep.writes)
            fitting = [loop for loop in left if bool(loop.stores) == bool(writes)]
            exact = [loop for loop in fitting if loop.loads * writes == loop.stores * reads]
            if not fitting:
                continue
            chosen = (exact or [loop for loop in fitting if loop.loads] or fitting)[0]
            if len(exact or fitting) > 1:
                left.remove(chosen)
            moved = chosen.stores / writes if writes else chosen.loads / reads
            yield chosen, moved / itemsize


def facts_of(kernel: CudaKernel, dtype: str = "float32", capability: tuple[int, int] = (9, 0)) -> Facts:
    """Compiles and assembles a kernel without weights, for results that are reduced.

    Raises:
        MissingLibraryError: the compiler or the assembler is not there.
    """
    ptx = compiled(kernel.function, kernel.types(dtype), capability)
    swept = sweeps(kernel)
    # Without a sweep a row reads one element, at its label: the loop is one over rows.
    loops = element_loops(read_kernel(ptx), ITEMSIZE[dtype]) if swept else ()
    return Facts(kernel.output, kernel.schedule, dtype, capability, assembled(ptx), loops, swept)


def excesses(facts: Facts) -> list[str]:
    """Which limits a kernel exceeds, in words; none is what should come out."""
    found, used = [], facts.resources
    most = MOST_REGISTERS[facts.schedule]
    if used.registers > most:
        found.append(f"{used.registers} registers, at most {most} are allowed")
    if used.spill_stores or used.spill_loads:
        found.append(f"{used.spill_stores} bytes spilled, {used.spill_loads} read back")
    if used.stack:
        found.append(f"{used.stack} bytes of local memory a thread")
    if facts.dtype == "float32":
        found += sorted(
            {f"float64 in a loop over elements: {each.text}" for loop in facts.loops for each in loop.double}
        )
    if facts.schedule == "flat" and WIDE_ACCESS not in {loop.widest for loop in facts.loops}:
        found.append("no loop reads 16 bytes at once")
    return found
