"""What a kernel costs, counted on its schedule: passes over the data, operations and bytes at a column."""

from collections.abc import Set
from dataclasses import dataclass

from sympy import Symbol, count_ops

from .printer import print_code
from .schedule import Schedule


def passes(plan: Schedule) -> int:
    """How often the kernel sweeps over the columns of a row."""
    return len(plan.passes)


def operations(plan: Schedule) -> tuple[int, int]:
    """Operations at a column over all passes: as printed, and before common subexpressions are shared."""
    after = before = 0
    for each in plan.passes:
        parts = [part.summand for part in each.slots] + [part.expression for part in each.writes]
        parts += [each.keeps] if each.keeps is not None else []
        before += sum(int(count_ops(part)) for part in parts)
        after += print_code(parts, {}, None).operations
    return after, before


@dataclass(frozen=True)
class Traffic:
    """Bytes that a kernel moves at a column of a row.

    Args:
        read, written: by all passes.
        least: every array once, as where a row stays in the cache between passes.
    """

    read: int
    written: int
    least: int


def traffic(plan: Schedule, arrays: Set[Symbol], itemsize: int = 4) -> Traffic:
    """The bytes a column that a kernel reads from arrays and writes to them.

    What there is one of a row (its label, weight and loss, what is picked) and one of a column for all rows
    (per-class parameters) is not counted.

    Args:
        plan: of the kernel.
        arrays: the symbols of what there is one of for every column of every row.
        itemsize: bytes of a number; 4 is float32.
    """
    read = written = 0
    ever_read: set[Symbol] = set()
    ever_written: set[str] = set()
    for each in plan.passes:
        expressions = [slot.summand for slot in each.slots] + [write.expression for write in each.writes]
        expressions += [each.keeps] if each.keeps is not None else []
        used = frozenset().union(*(part.free_symbols for part in expressions)) & arrays
        names = {write.name for write in each.writes} | ({each.array} if each.keeps is not None else set())
        read += len(used) + each.reads_kept
        written += len(names)
        ever_read |= used
        ever_written |= names
    return Traffic(itemsize * read, itemsize * written, itemsize * (len(ever_read) + len(ever_written)))
