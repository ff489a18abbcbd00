"""The machine: all threads of a grid side by side, instruction by instruction, as a GPU runs its warps.

Of the threads that can go on, those at the earliest
instruction run, up to the next label, jump or meeting: so threads that parted meet again. A barrier waits for
all threads of the block that have not ended, a shuffle for all of the warp that its mask names.
"""

from itertools import pairwise

import numpy as np

from lossgen.inspection.cuda.ptx import Instruction, Kernel

from .instructions import OPERATIONS, operation
from .memory import DeviceArray, DeviceMemory
from .threads import MOVES, WARP, Threads

MEETINGS = {"bar", "barrier", "shfl"}


class Deadlock(Exception):
    """Threads wait for others that do not come."""


class Machine:
    """A GPU with some memory, that executes kernels.

    Args:
        memory: its global memory.
    """

    def __init__(self, memory: DeviceMemory | None = None):
        self.memory = memory or DeviceMemory()

    def put(self, values: np.ndarray, name: str = "", offset: int = 0) -> DeviceArray:
        return self.memory.put(values, name, offset)

    def get(self, array: DeviceArray) -> np.ndarray:
        return self.memory.get(array)

    def launch(self, kernel: Kernel, grid: int | tuple[int, int], threads: int, *arguments) -> None:
        """Runs a kernel that Numba compiled.

        Args:
            kernel: the kernel.
            grid: number of blocks.
            threads: of a block.
            arguments: arrays of one dimension in the machine's memory, numbers, None.
        """
        blocks = grid if isinstance(grid, tuple) else (grid, 1)
        with np.errstate(all="ignore"):
            Launch(self.memory, kernel, blocks, threads, arguments).run()


class Launch(Threads):
    """One execution of a kernel: who runs when."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.position = np.zeros(self.count, np.int64)
        self.waiting = np.zeros(self.count, bool)
        self.done = np.zeros(self.count, bool)
        self.ends = self._ends()

    def _ends(self) -> list[int]:
        """For each instruction: where the run that begins there ends."""
        size = len(self.kernel.instructions)
        cuts = {0, size, *self.kernel.labels.values()}
        for index, instruction in enumerate(self.kernel.instructions):
            if instruction.name in MEETINGS:
                cuts |= {index, index + 1}
            elif instruction.name in ("bra", "ret", "exit"):
                cuts.add(index + 1)
        ends = [0] * size
        for start, end in pairwise(sorted(cuts)):
            ends[start:end] = [end] * (end - start)
        return ends

    # Scheduling -----------------------------------------------------------------------------------

    def run(self) -> None:
        instructions = self.kernel.instructions
        while True:
            ready = ~self.done & ~self.waiting
            if not ready.any():
                if self.done.all():
                    return
                stuck = int(np.argmax(self.waiting))
                line = instructions[self.position[stuck]].text
                raise Deadlock(f"thread {self.thread[stuck]} of block {self.block[stuck]} waits at `{line}`")
            start = self.position[ready].min()
            threads = np.flatnonzero(ready & (self.position == start))
            if instructions[start].name in MEETINGS:
                self._meet(instructions[start], threads)
                continue
            self.position[threads] = self.ends[start]
            for index in range(start, self.ends[start]):
                self._step(instructions[index], threads)

    def _step(self, instruction: Instruction, threads: np.ndarray) -> None:
        if instruction.guard:
            holds = self.registers[instruction.guard][threads]
            threads = threads[~holds if instruction.negated else holds]
            if not threads.size:
                return
        name = instruction.name
        if name == "bra":
            self.position[threads] = self.kernel.labels[instruction.operands[0].name]
        elif name in ("ret", "exit"):
            self.done[threads] = True
            self._released(self.block[threads])
        elif name in MOVES:
            MOVES[name](self, instruction, threads)
        elif name in OPERATIONS:
            operation(self, instruction, threads)
        else:
            raise NotImplementedError(f"the machine does not know `{instruction.text}`")

    def _meet(self, instruction: Instruction, threads: np.ndarray) -> None:
        if instruction.guard:
            raise NotImplementedError(f"a meeting under a condition: `{instruction.text}`")
        self.waiting[threads] = True
        if instruction.name == "shfl":
            self._shuffle(instruction, threads)
        else:
            self._released(self.block[threads])

    def _released(self, blocks: np.ndarray) -> None:
        """Lets the threads of a block go on whose barrier all have reached that are not done."""
        for block in np.unique(blocks):
            members = np.flatnonzero((self.block == block) & ~self.done)
            if not members.size or not self.waiting[members].all():
                continue
            position = self.position[members[0]]
            is_barrier = self.kernel.instructions[position].name != "shfl"
            if is_barrier and (self.position[members] == position).all():
                self.waiting[members] = False
                self.position[members] = position + 1
                self.shared.barrier(np.array([block]))

    def _shuffle(self, instruction: Instruction, threads: np.ndarray) -> None:
        position = self.position[threads[0]]
        for warp in np.unique(self.warp[threads]):
            members = np.flatnonzero(self.warp == warp)
            here = members[self.waiting[members] & (self.position[members] == position)]
            mask = int(self.value(instruction.operands[-1], "b32", here)[0])
            named = members[(mask >> self.lane[members] & 1).astype(bool)]
            if self.done[named].any() or bin(mask).count("1") != len(named):
                raise Deadlock(f"`{instruction.text}` waits for a thread that has ended or does not exist")
            if len(here) < len(named):
                continue
            if (np.sort(here) != named).any():
                raise Deadlock(f"`{instruction.text}` is executed by a thread that its mask does not name")
            self._exchange(instruction, named)
            self.waiting[named] = False
            self.position[named] = position + 1

    def _exchange(self, instruction: Instruction, threads: np.ndarray) -> None:
        *results, value, shift, clamp, _ = instruction.operands
        given = self.value(value, "b32", threads)
        shift, clamp = (self.value(part, "b32", threads).astype(np.int64) for part in (shift, clamp))
        lane = self.lane[threads]
        segment, bound = clamp >> 8 & 31, clamp & 31
        limit = (lane & segment) | (bound & ~segment)
        mode = next(part for part in instruction.parts if part in ("up", "down", "bfly", "idx"))
        source = {
            "up": lane - shift,
            "down": lane + shift,
            "bfly": lane ^ shift,
            "idx": (lane & segment) | (shift & ~segment),
        }[mode]
        valid = source >= limit if mode == "up" else source <= limit
        source = np.where(valid, source, lane)
        place = np.full(WARP, -1)
        place[lane] = np.arange(len(threads))
        if (place[source] < 0).any():
            raise Deadlock(f"`{instruction.text}` reads from a thread that its mask does not name")
        self.set(results[0], "b32", threads, given[place[source]])
        if len(results) > 1:
            self.set(results[1], "pred", threads, valid)
