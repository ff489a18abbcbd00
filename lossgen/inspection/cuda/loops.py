"""The loops of a kernel over the elements of arrays, and what one turn of each does, from its PTX alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from lossgen.inspection.cuda.ptx import Instruction, Kernel, Vector, type_bytes

JUMPS = ("bra", "ret", "exit")
MOVES = frozenset({"ld", "st", "mov", "cvta"})
SPECIAL = frozenset({"ex2", "lg2", "rcp", "sqrt", "rsqrt", "sin", "cos", "tanh"})
"""What the special function units compute, a quarter or an eighth as many a cycle as plain operations."""


@dataclass(frozen=True)
class Loop:
    """A loop that reads or writes elements and holds no other one that does.

    Attributes:
        instructions: its code, all branches.
        loads, stores: bytes that one turn reads from global memory and writes there, if every branch is run.
        widest: bytes of the widest access.
        operations: instructions that are no jumps.
        special: how many of them the special function units execute.
        single: how many of them compute in float32.
        double: computations in float64 and conversions from and to it.
    """

    instructions: tuple[Instruction, ...]

    @property
    def accesses(self) -> list[Instruction]:
        return [each for each in self.instructions if _is_global(each)]

    @property
    def loads(self) -> int:
        return sum(each.bytes for each in self.accesses if each.name == "ld")

    @property
    def stores(self) -> int:
        return sum(each.bytes for each in self.accesses if each.name == "st")

    @property
    def widest(self) -> int:
        return max(each.bytes for each in self.accesses)

    @property
    def operations(self) -> int:
        return sum(each.name not in JUMPS for each in self.instructions)

    @property
    def special(self) -> int:
        return sum(each.name in SPECIAL and "approx" in each.parts for each in self.instructions)

    @property
    def single(self) -> int:
        return sum("f32" in each.parts and each.name not in MOVES for each in self.instructions)

    @property
    def double(self) -> tuple[Instruction, ...]:
        return tuple(
            each for each in self.instructions if "f64" in each.parts and each.name not in MOVES
        )


def element_loops(kernel: Kernel, itemsize: int) -> tuple[Loop, ...]:
    """The innermost loops that access elements: numbers of `itemsize` bytes, one or several at a time.

    A loop over the partial sums of blocks, which are float64, is none of a kernel of smaller numbers.
    """
    starts = block_starts(kernel)
    jumps = successors(kernel, starts)
    loops = [
        members
        for members in natural_loops(jumps)
        if any(_touches_elements(each, itemsize) for each in _code(kernel, starts, members))
    ]
    innermost = [loop for loop in loops if not any(other < loop for other in loops)]
    return tuple(Loop(tuple(_code(kernel, starts, members))) for members in innermost)


def _is_global(instruction: Instruction) -> bool:
    return instruction.name in ("ld", "st") and instruction.space in ("global", "generic")


def _touches_elements(instruction: Instruction, itemsize: int) -> bool:
    if not _is_global(instruction):
        return False
    unit = type_bytes(instruction.parts[-1])
    if itemsize == 2 and any(isinstance(operand, Vector) for operand in instruction.operands):
        return True  # four halves travel as two words
    return unit == itemsize


def _code(kernel: Kernel, starts: list[int], members: Iterable[int]):
    ends = [*starts[1:], len(kernel.instructions)]
    for block in sorted(members):
        yield from kernel.instructions[starts[block] : ends[block]]


# The graph of basic blocks ----------------------------------------------------------------------------


def block_starts(kernel: Kernel) -> list[int]:
    """The index of the first instruction of each basic block."""
    size = len(kernel.instructions)
    after = {i + 1 for i, each in enumerate(kernel.instructions) if each.name in JUMPS}
    return sorted(index for index in {0, *kernel.labels.values(), *after} if index < size)


def successors(kernel: Kernel, starts: list[int]) -> list[list[int]]:
    """For each basic block those that may follow it."""
    number = {start: block for block, start in enumerate(starts)}
    ends = [*starts[1:], len(kernel.instructions)]
    following = []
    for block, end in enumerate(ends):
        last = kernel.instructions[end - 1]
        targets = []
        if last.name == "bra" and kernel.labels[last.operands[0].name] in number:
            targets.append(number[kernel.labels[last.operands[0].name]])
        if (last.name not in JUMPS or last.guard) and block + 1 < len(starts):
            targets.append(block + 1)
        following.append(targets)
    return following


def natural_loops(following: list[list[int]]) -> list[frozenset[int]]:
    """The loops of a graph, those with the same head joined (Aho, Sethi, Ullman: Compilers, section 10.4)."""
    before: list[list[int]] = [[] for _ in following]
    for block, targets in enumerate(following):
        for target in targets:
            before[target].append(block)
    dominators = _dominators(following, before)
    loops: dict[int, set[int]] = {}
    for block, targets in enumerate(following):
        for head in targets:
            if block in dominators and head in dominators[block]:
                loops.setdefault(head, {head}).update(_reaching(block, head, before))
    return [frozenset(members) for members in loops.values()]


def _dominators(following, before) -> dict[int, set[int]]:
    """For each block that can be reached: those that every way to it passes."""
    reached, todo = {0}, [0]
    while todo:
        for target in following[todo.pop()]:
            if target not in reached:
                reached.add(target)
                todo.append(target)
    dominators = {block: set(reached) for block in reached} | {0: {0}}
    changed = True
    while changed:
        changed = False
        for block in sorted(reached - {0}):
            ways = [dominators[source] for source in before[block] if source in reached]
            new = set.intersection(*ways) | {block}
            changed |= new != dominators[block]
            dominators[block] = new
    return dominators


def _reaching(block: int, head: int, before) -> set[int]:
    """The blocks from which `block` can be reached without passing the head."""
    found, todo = {head, block}, [block]
    while todo:
        current = todo.pop()
        if current == head:
            continue
        for source in before[current]:
            if source not in found:
                found.add(source)
                todo.append(source)
    return found
