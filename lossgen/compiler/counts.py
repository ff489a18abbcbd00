"""What a kernel costs, counted on its schedule: passes over the data and operations at a column."""

from sympy import count_ops

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
